"""Every key that can be set, with what it must not be: one Korean sentence that names it.

The cases come from the models, so a setting that is added is tested from its first day.
"""

import types
from collections.abc import Callable, Iterator
from typing import Any, Union, get_args, get_origin

import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from kis_adapters.settings import variables
from kis_adapters.settings.error import SettingsError
from kis_adapters.settings.sections import Section
from kis_adapters.settings.settings import Settings, sections_of
from kis_adapters.settings.universe import StockOverride, UniverseSettings
from kis_core.orders.identity import TradingMode

Load = Callable[..., Settings]

NOT_IN_YAML = {"credentials", "database", "telegram", "universe"}
STRANGE = "이상한-값"
HUGE = "9" * 40


def _types_of(info: FieldInfo) -> set[Any]:
    """The plain types that a field takes."""
    annotation = info.annotation
    if get_origin(annotation) in (Union, types.UnionType):
        return set(get_args(annotation))
    return {annotation}


def _fields() -> Iterator[tuple[str, str, FieldInfo]]:
    for name, model in sections_of().items():
        for field, info in model.model_fields.items():
            if name not in NOT_IN_YAML and (name, field) != ("api", "hts_id"):
                yield name, field, info


def _cases(model: type[Section], prefix: str) -> Iterator[tuple[str, str]]:
    """(field, a value that it must refuse)."""
    for field, info in model.model_fields.items():
        for bad in _bad_values(info):
            yield f"{prefix}{field}", bad


def _bad_values(info: FieldInfo) -> Iterator[str]:
    kinds = _types_of(info)
    if kinds & {int, float}:
        yield from (STRANGE, "[1, 2]", "{a: 1}", "-1")
        yield "nan" if float in kinds else "1.5"
        yield HUGE
    elif bool in kinds:
        yield from (STRANGE, "2", "[true]")
    elif str not in kinds:  # enumerations, paths, lists, dates
        yield "{a: 1}"
    if type(None) not in kinds:
        yield ""


TRADE_FILE = sorted(
    {(section, field, bad) for section, field, info in _fields() for bad in _bad_values(info)}
)
UNIVERSE_FILE = sorted(set(_cases(UniverseSettings, "")))
OVERRIDES = sorted({(f, b) for f, b in _cases(StockOverride, "") if b})  # empty: as everywhere


def test_the_cases_are_about_every_key() -> None:
    keys = {(section, field) for section, field, _ in _fields()}

    assert len(keys) > 70
    text_alone = {
        (section, field)
        for section, field, info in _fields()
        if str in _types_of(info) and type(None) in _types_of(info)
    }
    assert {case[:2] for case in TRADE_FILE} == keys - text_alone
    assert {field for field, _ in UNIVERSE_FILE} == set(UniverseSettings.model_fields)
    assert {field for field, _ in OVERRIDES} == set(StockOverride.model_fields)


def _told_of(refused: SettingsError, name: str) -> None:
    assert name in refused.message_ko
    assert any("가" <= letter <= "힣" for letter in refused.message_ko)
    assert "Traceback" not in refused.message_ko
    assert "pydantic" not in refused.message_ko


@pytest.mark.parametrize(("section", "field", "bad"), TRADE_FILE)
def test_a_bad_value_in_the_trade_file_is_refused_by_its_key_and_line(
    load: Load, section: str, field: str, bad: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        load(config=f"{section}:\n  {field}: {bad}\n")

    _told_of(refused.value, field)
    assert "kr_trade.yaml:2" in refused.value.message_ko


@pytest.mark.parametrize(("field", "bad"), UNIVERSE_FILE)
@pytest.mark.req("U-01")
def test_a_bad_value_in_the_universe_file_is_refused_by_its_key_and_line(
    load: Load, field: str, bad: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        load(universe=f"stocks: [005930]\nuniverse:\n  {field}: {bad}\n")

    _told_of(refused.value, field)
    assert "universe.yaml:" in refused.value.message_ko


@pytest.mark.parametrize(("field", "bad"), OVERRIDES)
@pytest.mark.req("T-16", "F-080")
def test_a_bad_value_in_stock_overrides_is_refused_by_symbol_and_key(
    load: Load, field: str, bad: str
) -> None:
    text = f"universe: {{stocks: [000660]}}\nstock_overrides:\n  000660: {{{field}: {bad}}}\n"

    with pytest.raises(SettingsError) as refused:
        load(universe=text)

    _told_of(refused.value, f"000660.{field}")


@pytest.mark.parametrize("section", sorted({section for section, _, _ in _fields()}))
def test_a_key_twice_or_a_key_that_is_none_is_refused_in_every_section(
    load: Load, section: str
) -> None:
    field = next(field for name, field, _ in _fields() if name == section)

    with pytest.raises(SettingsError, match="두 번 나옵니다"):
        load(config=f"{section}:\n  {field}: 1\n  {field}: 1\n")
    with pytest.raises(SettingsError, match=rf"kr_trade\.yaml:2.*{field}x.*혹시 '{field}'"):
        load(config=f"{section}:\n  {field}x: 1\n")


@pytest.mark.req("T-16", "F-080")
def test_an_unknown_key_of_an_override_is_refused_with_the_nearest(load: Load) -> None:
    text = "universe: {stocks: [000660]}\nstock_overrides: {000660: {order_quantty: 2}}\n"

    with pytest.raises(SettingsError, match=r"order_quantty.*혹시 'order_quantity'"):
        load(universe=text)


@pytest.mark.req("T-16")
@pytest.mark.parametrize(
    "overrides",
    ["[000660]", "{66: {order_quantity: 1}}", "{000660: 3}", "{0126Z0: {order_quantity: 1}}"],
)
def test_overrides_of_another_shape_are_refused(load: Load, overrides: str) -> None:
    with pytest.raises(SettingsError):
        load(universe=f"universe: {{stocks: [000660]}}\nstock_overrides: {overrides}\n")


_REAL = {
    "TRADING_MODE": "REAL",
    "REAL_KIS_APP_KEY": "not-a-real-key",
    "REAL_KIS_APP_SECRET": "not-a-real-secret",
    "REAL_KIS_ACCOUNT_NO": "99100001",
}


@pytest.mark.req("T-16")
@pytest.mark.parametrize(
    ("own", "is_taken"),
    [
        ("max_loss_pct: 5", True),
        ("max_loss_pct: 5.1", False),
        ("atr_multiplier_sl: 1.5", True),
        ("atr_multiplier_sl: 1.49", False),
    ],
)
def test_an_override_cannot_go_beyond_what_real_allows(
    load: Load, own: str, is_taken: bool
) -> None:
    text = f"universe: {{stocks: [000660]}}\nstock_overrides: {{000660: {{{own}}}}}\n"

    if is_taken:
        assert load(universe=text, environ=_REAL).stock_overrides
        return
    with pytest.raises(SettingsError, match=r"stock_overrides\.000660"):
        load(universe=text, environ=_REAL)


def test_an_override_of_the_entry_threshold_stays_above_the_common_exit_threshold(
    load: Load,
) -> None:
    text = "universe: {stocks: [000660]}\nstock_overrides: {000660: {adx_threshold: 19}}\n"

    with pytest.raises(SettingsError, match="adx_exit_threshold"):
        load(universe=text)


def _variable_cases() -> Iterator[tuple[str, str]]:
    models = {**sections_of()}
    for name, setting in variables.setting_of(TradingMode.PAPER).items():
        section, _, field = setting.partition(".")
        info = models[section].model_fields[field] if section in models else None
        if info is not None and not _types_of(info) & {SecretStr, str}:
            yield from ((name, bad) for bad in _bad_values(info) if bad and bad[0] not in "[{")


@pytest.mark.parametrize(("name", "bad"), sorted(set(_variable_cases())))
@pytest.mark.parametrize("where", ["environ", "dotenv"])
def test_a_bad_value_in_a_variable_is_refused_by_its_name(
    load: Load, name: str, bad: str, where: str
) -> None:
    given = {name: bad} if where == "environ" else f"{name}={bad}\n"

    with pytest.raises(SettingsError) as refused:
        load(**{where: given})

    _told_of(refused.value, name)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"DB_HOST": "h", "DB_NAME": "n", "DB_USER": "u", "DB_PORT": "-1"}, "DB_PORT"),
        ({"DB_HOST": "h", "DB_NAME": "n", "DB_USER": "u", "DB_PORT": HUGE}, "DB_PORT"),
        ({"DB_HOST": "h", "DB_NAME": "n", "DB_USER": "u", "DB_PORT": "많이"}, "DB_PORT"),
        ({"DATABASE_URL": "이상한 값"}, "DATABASE_URL"),
        ({"KIS_BASE_URL": "이상한 값"}, "KIS_BASE_URL"),
        ({"KIS_WS_URL": "http://h"}, "KIS_WS_URL"),
        ({"KIS_ACCOUNT_NO": "1234567"}, "KIS_ACCOUNT_NO"),
        ({"KIS_ACCOUNT_NO": HUGE}, "KIS_ACCOUNT_NO"),
        ({"KIS_ACCOUNT_PRODUCT_CODE": "1"}, "KIS_ACCOUNT_PRODUCT_CODE"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL"),
        ({"KIS_DEVLP_FILE": "/nowhere/kis_devlp.yaml"}, "kis_devlp.yaml"),
        ({"TRADING_MODE": "-1"}, "TRADING_MODE"),
    ],
)
def test_variables_with_a_form_of_their_own_are_refused_by_name(
    load: Load, given: dict[str, str], named: str
) -> None:
    keys = {"KIS_APP_KEY": "k", "KIS_APP_SECRET": "s", "KIS_ACCOUNT_NO": "99000001"}
    environ = given if "KIS_DEVLP_FILE" in given else {**keys, **given}

    with pytest.raises(SettingsError) as refused:
        load(environ=environ)

    _told_of(refused.value, named)


@pytest.mark.parametrize("name", sorted(variables.KNOWN))
def test_an_empty_variable_is_as_good_as_absent(load: Load, name: str) -> None:
    assert load(environ={name: "  "}).masked() == load(dotenv=f"{name}=\n").masked()


@pytest.mark.req("M-09", "M-10")
@pytest.mark.parametrize(
    ("argument", "bad"),
    [
        *(("real.first_order_percent", bad) for bad in ("0", "-1", "101", "10.5", STRANGE, HUGE)),
        ("real.limit_symbols_first_day", STRANGE),
    ],
)
def test_limits_of_the_first_day_that_are_none_are_refused(
    load: Load, argument: str, bad: str
) -> None:
    with pytest.raises(SettingsError, match=argument.split(".")[1]):
        load(argv={argument: bad})
