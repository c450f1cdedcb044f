"""A directory of its own in which kr_trade runs in REAL against a server on this machine.

Nothing of the machine's own configuration, tokens, database or logs is read or written. The keys
say themselves that they are none.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from apps.session_settings import session_settings
from kis_adapters.kis.credentials import KisCredentials
from kis_adapters.settings.load import load_settings
from kis_adapters.settings.settings import Settings
from kis_core.session.settings import SessionSettings

_ROOT = Path(__file__).resolve().parents[1]
_OURS = ("KIS_", "REAL_KIS_", "TRADING_", "AUTO_TRADE_", "TELEGRAM_", "DB_", "PENDING_")
_ALONE = ("DATABASE_URL", "LOG_LEVEL", "KILL_SWITCH")
# The ten seconds before REAL are there for the person who started it, and are not measured.
_RUN = "import sys; import apps.kr_trade.__main__ as m; m._COUNTDOWN_S = 0; sys.exit(m.main())"
_SHIFT = """
from datetime import datetime, timedelta
from kis_adapters.system.wall_clock import KST, WallClock
WallClock.now = lambda self: datetime.now(KST) + timedelta(seconds=%f)
"""
# Settings allow no interval below a minute; a budget is about five seconds.
_SWEEP = """
from datetime import timedelta
from kis_core.session.engine import Engine
begin = Engine.__init__
def begin_to_sweep(self, ports, settings):
    object.__setattr__(settings, "interval", timedelta(seconds=%f))
    begin(self, ports, settings)
Engine.__init__ = begin_to_sweep
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """The directory, the server (`ws_url`: its stream) and the keys; made ready by `furnish`.

    `shift_s`: how many seconds the clock on the wall is ahead of the real one, for a server that
    is no simulator and tells no time. `sweep_s`: a shorter interval than settings allow."""

    directory: Path
    base_url: str
    credentials: KisCredentials
    symbols: Sequence[str]
    ws_url: str | None = None
    shift_s: float | None = None
    sweep_s: float | None = None

    def furnish(self) -> None:
        """Write the two configuration files."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._config.write_text(
            "simulator:\n  day_seconds: 0\n"
            f"paths:\n  token_dir: {self.directory / 'tokens'}\n"
            f"  data_dir: {self.directory / 'data'}\n",
            encoding="utf-8",
        )
        stocks = "".join(f'    - "{symbol}"\n' for symbol in self.symbols)
        self._universe.write_text(
            f"universe:\n  selection_method: fixed\n"
            f"  max_stocks: {len(self.symbols)}\n  max_positions: 10\n"
            f"  stocks:\n{stocks}",
            encoding="utf-8",
        )

    def environment(self) -> dict[str, str]:
        """The variables that kr_trade runs with."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(_OURS) and name not in _ALONE
        }
        return inherited | {
            "PYTHONPATH": f"{_ROOT / 'packages'}{os.pathsep}{_ROOT}",
            "TRADING_MODE": "REAL",
            "REAL_KIS_APP_KEY": self.credentials.app_key,
            "REAL_KIS_APP_SECRET": self.credentials.app_secret,
            "REAL_KIS_ACCOUNT_NO": self.credentials.account_no,
            "REAL_KIS_ACCOUNT_PRODUCT_CODE": self.credentials.product_code,
            "KIS_BASE_URL": self.base_url,
            **({"KIS_WS_URL": self.ws_url} if self.ws_url is not None else {}),
            "DATABASE_URL": f"sqlite:///{self.directory / 'data' / 'kis.db'}",
            "AUTO_TRADE_LOG_DIR": str(self.directory / "logs"),
        }

    def command(self, *more: str) -> list[str]:
        """kr_trade as it is run here."""
        # Not its first day, on which it would look at one symbol alone.
        arguments = ["--mode", "trade", "--confirm-real-trading", *more]
        arguments += ["--no-real-limit-symbols-first-day"]
        files = ["--config", str(self._config), "--universe", str(self._universe)]
        code = _SHIFT % self.shift_s if self.shift_s is not None else ""
        code += _SWEEP % self.sweep_s if self.sweep_s is not None else ""
        return [sys.executable, "-c", code + _RUN, *arguments, *files]

    @property
    def account(self) -> str:
        """The account as it stands in the database's keys."""
        return self.credentials.account_no + self.credentials.product_code

    def session_settings(self) -> SessionSettings:
        """What kr_trade will make of all this, for preparing files that it accepts."""
        return session_settings(self._settings(), account=self.account)

    def _settings(self) -> Settings:
        return load_settings(
            argv_overrides={},
            environ=self.environment(),
            dotenv=self.directory / ".env",
            config=self._config,
            universe=self._universe,
        )

    @property
    def _config(self) -> Path:
        return self.directory / "kr_trade.yaml"

    @property
    def _universe(self) -> Path:
        return self.directory / "universe.yaml"
