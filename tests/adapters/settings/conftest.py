"""A place to load settings from: an empty directory, no environment, one small universe."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from kis_adapters.settings.load import load_settings
from kis_adapters.settings.settings import Settings

Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load from texts: `dotenv`, `config` and `universe` are file contents."""

    def _load(
        *,
        argv: Mapping[str, str | Sequence[str] | None] | None = None,
        environ: Mapping[str, str] | None = None,
        dotenv: str = "",
        config: str | bytes | None = None,
        universe: str = "universe:\n  stocks: [005930]\n",
    ) -> Settings:
        (tmp_path / ".env").write_text(dotenv, encoding="utf-8")
        (tmp_path / "universe.yaml").write_text(universe, encoding="utf-8")
        path = None
        if config is not None:
            path = tmp_path / "kr_trade.yaml"
            path.write_bytes(config if isinstance(config, bytes) else config.encode())
        return load_settings(
            argv_overrides=argv or {},
            environ=environ or {},
            dotenv=tmp_path / ".env",
            config=path,
            universe=tmp_path / "universe.yaml",
        )

    return _load
