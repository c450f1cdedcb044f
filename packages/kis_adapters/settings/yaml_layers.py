"""`kr_trade.yaml` and `universe.yaml` as layers: known names with the lines they stand on."""

from collections.abc import Mapping
from pathlib import Path

from kis_adapters.settings.layer import Given, Layer, RawValue, nearest
from kis_adapters.settings.settings import sections_of
from kis_adapters.settings.universe import UniverseSettings
from kis_adapters.settings.yaml_file import Lines, read_yaml

# Secrets belong into .env, the universe into its own file.
_NOT_IN_TRADE_FILE = frozenset({"credentials", "database", "telegram", "universe"})
_FROM_ENVIRONMENT_ONLY = frozenset({"api.hts_id"})


def trade_layer(path: Path) -> Layer:
    """The settings of `--config`. Raises SettingsError when the file cannot be read."""
    tree, lines = read_yaml(path)
    known = {
        name: frozenset(
            field for field in model.model_fields if f"{name}.{field}" not in _FROM_ENVIRONMENT_ONLY
        )
        for name, model in sections_of().items()
        if name not in _NOT_IN_TRADE_FILE
    }
    values: dict[str, Given] = {}
    problems: list[str] = []
    for section, content in tree.items():
        where = f"{path}:{lines[section]}"
        if section not in known:
            problems.append(_unknown(where, section, frozenset(known)))
        elif isinstance(content, dict):
            found, strange = _fields(path, section, content, known[section], lines)
            values |= found
            problems += strange
        elif content is not None:
            problems.append(f"{where}: '{section}' 아래에는 '이름: 값'이 와야 합니다.")
    return Layer(label=str(path), values=values, problems=tuple(problems))


def universe_layer(path: Path, *, may_be_absent: bool) -> Layer:
    """The universe: keys below `universe`, `stocks` also at the root (U-01), and beside them
    `stock_overrides`. Raises SettingsError when the file cannot be read, unless it
    `may_be_absent` and is."""
    if may_be_absent and not path.exists():
        return Layer(label=str(path))
    tree, lines = read_yaml(path)
    values: dict[str, Given] = {}
    problems: list[str] = []
    for key, content in tree.items():
        where = f"{path}:{lines[key]}"
        if key == "universe" and isinstance(content, dict):
            fields = frozenset(UniverseSettings.model_fields)
            found, problems_found = _fields(path, "universe", content, fields, lines)
            values |= found
            problems += problems_found
        elif key == "stocks":
            values.setdefault("universe.stocks", Given(value=content, where=where))
        elif key == "stock_overrides":
            values["stock_overrides"] = Given(value=content, where=where)
        elif key == "universe" and content is not None:
            problems.append(f"{where}: 'universe' 아래에는 '이름: 값'이 와야 합니다.")
        elif key != "universe":
            known = frozenset({"universe", "stocks", "stock_overrides"})
            problems.append(_unknown(where, key, known))
    return Layer(label=str(path), values=values, problems=tuple(problems))


def _fields(
    path: Path,
    section: str,
    content: Mapping[str, RawValue],
    known: frozenset[str],
    lines: Lines,
) -> tuple[dict[str, Given], list[str]]:
    values: dict[str, Given] = {}
    problems: list[str] = []
    for key, value in content.items():
        name = f"{section}.{key}"
        where = f"{path}:{lines[name]}"
        if key in known:
            values[name] = Given(value=value, where=where)
        else:
            problems.append(_unknown(where, key, known))
    return values, problems


def _unknown(where: str, key: str, known: frozenset[str]) -> str:
    return f"{where}: 모르는 설정입니다: '{key}'.{nearest(key, known)}"
