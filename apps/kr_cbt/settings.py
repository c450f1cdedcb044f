"""What kr_cbt runs with: the settings of kr_trade, and those of the virtual account.

The files of kr_trade are read as they are, for what is tested is what trades. Only what differs
between PAPER and REAL before anyone configured anything falls back to the requirements' own
numbers, and what is written to disk goes to a directory of its own.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from kis_adapters.settings.error import SettingsError
from kis_adapters.settings.korean import sentence
from kis_adapters.settings.sections import Count, Section
from kis_adapters.settings.settings import Settings
from kis_adapters.settings.yaml_file import read_yaml
from kis_adapters.virtual.rules import FillRules, Slippage

_MODE_DEFAULT = "기본값("
_BP_PER_PCT = 100


class VirtualSettings(Section):
    """The virtual account; `initial_cash` is won."""

    initial_cash: Count = 10_000_000
    slippage_ticks: Annotated[int, Field(ge=0, le=50)] = 1
    slippage_bp: Annotated[int, Field(ge=0, le=500)] = 0
    volume_share_pct: Annotated[float, Field(ge=0.01, le=100)] = 10.0


class RecordingSettings(Section):
    """Whether a session is put on record."""

    enabled: bool = True


class _File(Section):
    virtual: VirtualSettings = VirtualSettings()
    recording: RecordingSettings = RecordingSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class CbtSettings:
    """How the virtual account fills, and where a session is recorded (None: nowhere)."""

    rules: FillRules
    recordings: Path | None


def read_cbt_settings(path: Path, *, data_dir: Path) -> CbtSettings:
    """The settings in `kr_cbt.yaml`. Raises SettingsError."""
    tree, lines = read_yaml(path)
    try:
        given = _File.model_validate(tree)
        virtual = given.virtual
        rules = FillRules(
            initial_cash=virtual.initial_cash,
            volume_share_bp=round(virtual.volume_share_pct * _BP_PER_PCT),
            slippage=Slippage(ticks=virtual.slippage_ticks, bp=virtual.slippage_bp),
        )
    except ValidationError as error:
        raise SettingsError([_problem(path, lines, e) for e in error.errors()]) from error
    except ValueError as error:
        raise SettingsError(
            f"{path}: slippage_ticks 와 slippage_bp 는 하나만 쓸 수 있습니다."
        ) from error
    return CbtSettings(
        rules=rules, recordings=data_dir / "recordings" if given.recording.enabled else None
    )


def own_settings(settings: Settings) -> Settings:
    """The settings of kr_trade as CBT uses them: no mode's own limits, a directory of its own."""
    data_dir = settings.paths.data_dir / "cbt"
    cache = data_dir / Path(settings.universe.universe_cache_file).name
    return settings.model_copy(
        update={
            "risk": _without_mode_defaults(settings, "risk"),
            "strategy": _without_mode_defaults(settings, "strategy"),
            "paths": settings.paths.model_copy(update={"data_dir": data_dir}),
            "universe": settings.universe.model_copy(update={"universe_cache_file": str(cache)}),
        }
    )


def store_path(settings: Settings) -> Path:
    """Where daily bars are kept, unless the command line names another place."""
    return settings.paths.data_dir.parent / "bars" / "daily.parquet"


def _without_mode_defaults(settings: Settings, section: str) -> Section:
    found: Section = getattr(settings, section)
    fields = type(found).model_fields
    own = {
        name: fields[name].default
        for name in fields
        if settings.sources.get(f"{section}.{name}", "").startswith(_MODE_DEFAULT)
    }
    return found.model_copy(update=own)


def _problem(path: Path, lines: dict[str, int], finding: ErrorDetails) -> str:
    name = ".".join(str(part) for part in finding["loc"])
    where = f"{path}:{lines[name]}" if name in lines else str(path)
    if finding["type"] == "extra_forbidden":
        return f"{where}: 모르는 키입니다: {name}."
    return f"{where} ({name}): {sentence(finding, is_secret=False)}."
