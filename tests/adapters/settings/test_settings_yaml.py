"""The YAML files: codes survive, slips are named with their line, damage is one sentence."""

from collections.abc import Callable

import pytest

from kis_adapters.settings.error import SettingsError
from kis_adapters.settings.settings import Settings

Load = Callable[..., Settings]


@pytest.mark.req("U-12")
@pytest.mark.parametrize("code", ["000660", "035720", "005930", "012330", "000010", "123456"])
@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_a_code_is_the_six_characters_that_were_written(load: Load, code: str, quote: str) -> None:
    settings = load(universe=f"universe:\n  stocks: [{quote}{code}{quote}]\n")

    assert settings.universe.stocks == (code,)


@pytest.mark.req("U-12")
@pytest.mark.parametrize("code", ["660", "5930", "0x1234", "00593O", "005930 ", "1_0000", "1e5"])
def test_what_is_no_code_is_refused(load: Load, code: str) -> None:
    with pytest.raises(SettingsError, match=r"종목코드|문자가 든"):
        load(universe=f"universe:\n  stocks: ['{code}']\n")


@pytest.mark.req("U-12")
def test_a_code_with_letters_needs_permission(load: Load) -> None:
    allowed = load(
        universe="universe: {stocks: [0126Z0, 123E45], allow_alphanumeric_codes: true}\n"
    )

    assert allowed.universe.stocks == ("0126Z0", "123E45")
    with pytest.raises(SettingsError, match="allow_alphanumeric_codes"):
        load(universe="universe: {stocks: [0126Z0]}\n")


@pytest.mark.req("U-01", "F-077")
def test_stocks_at_the_root_are_accepted(load: Load) -> None:
    settings = load(universe="stocks:\n  - 000660\nuniverse:\n  max_stocks: 3\n")

    assert settings.universe.stocks == ("000660",)


@pytest.mark.req("U-01", "F-077")
@pytest.mark.parametrize(
    "universe",
    [
        "stocks: [000660]\nuniverse:\n  stocks: [035720]\n",
        "universe:\n  stocks: [035720]\nstocks: [000660]\n",
    ],
)
def test_stocks_below_universe_win_over_those_at_the_root(load: Load, universe: str) -> None:
    settings = load(universe=universe)

    assert settings.universe.stocks == ("035720",)


@pytest.mark.req("U-01")
def test_the_universes_defaults_are_the_designs(load: Load) -> None:
    universe = load().universe

    assert universe.selection_method == "combined"
    assert (universe.max_stocks, universe.entry_candidates, universe.positions_max) == (5, 5, 5)
    assert universe.min_volume == 1_000_000_000
    assert universe.min_market_cap == 1_000
    assert (universe.min_atr_pct, universe.max_atr_pct) == (1.0, 8.0)
    assert universe.exclude_management
    assert universe.volume_top_n == 50
    assert universe.atr_period == 14
    assert universe.candidate_pool_mode == "market"
    assert universe.market_scan_size == 200
    assert not universe.allow_alphanumeric_codes
    assert universe.fallback_to_fixed
    assert not universe.halt_on_fallback_in_real
    assert universe.universe_cache_file == "data/universe_cache.json"
    assert not universe.cache_refresh_enabled
    assert universe.cache_refresh_interval_minutes == 0
    assert universe.cache_refresh_methods == ("combined", "volume_top", "atr_filter")


@pytest.mark.req("U-01")
def test_sizes_that_are_absent_follow_max_stocks(load: Load) -> None:
    follows = load(universe="universe: {stocks: [005930], max_stocks: 7}\n").universe
    own = load(
        universe="universe: {stocks: [005930], max_stocks: 7, universe_size: 4, max_positions: 2}\n"
    ).universe

    assert (follows.entry_candidates, follows.positions_max) == (7, 7)
    assert (own.entry_candidates, own.positions_max) == (4, 2)


@pytest.mark.parametrize("method", ["fixed", "volume_top", "atr_filter", "combined"])
def test_every_selection_method_can_be_configured(load: Load, method: str) -> None:
    settings = load(universe=f"universe: {{selection_method: {method}, stocks: [005930]}}\n")

    assert settings.universe.selection_method == method


def test_an_unknown_selection_method_is_refused_with_the_known_ones(load: Load) -> None:
    with pytest.raises(SettingsError, match="fixed, volume_top, atr_filter, combined"):
        load(universe="universe: {selection_method: momentum, stocks: [005930]}\n")


def test_a_pool_of_listed_candidates_without_any_is_refused(load: Load) -> None:
    with pytest.raises(SettingsError, match="candidate_pool_mode"):
        load(universe="universe: {candidate_pool_mode: yaml}\n")


def test_atr_bounds_that_contradict_are_refused(load: Load) -> None:
    with pytest.raises(SettingsError, match="min_atr_pct"):
        load(universe="universe: {min_atr_pct: 5.0, max_atr_pct: 4.0}\n")


def test_settings_that_the_method_does_not_use_are_named(load: Load) -> None:
    text = "universe: {selection_method: fixed, stocks: [005930], min_volume: 5}\n"

    settings = load(universe=text)

    assert any("universe.min_volume" in warning for warning in settings.warnings)


@pytest.mark.req("U-01", "F-080")
def test_an_unknown_key_is_refused_with_file_line_and_the_nearest_name(load: Load) -> None:
    universe = "universe:\n  max_stocks: 3\n  max_stock: 4\n  stocks: [005930]\n"

    with pytest.raises(SettingsError, match=r"universe\.yaml:3: .*'max_stock'.*'max_stocks'"):
        load(universe=universe)


@pytest.mark.req("F-080")
@pytest.mark.parametrize(
    ("config", "line", "near"),
    [
        ("engine:\n  intervals: 60\n", 2, "interval_s"),
        ("\nrisks: {}\n", 2, "risk"),
        ("strategy:\n  atr_period: 14\n  atr_multiplier_tl: 2\n", 3, "atr_multiplier_tp"),
    ],
)
def test_an_unknown_key_of_the_trade_file_is_refused_likewise(
    load: Load, config: str, line: int, near: str
) -> None:
    with pytest.raises(SettingsError, match=rf"kr_trade\.yaml:{line}: .*'{near}'"):
        load(config=config)


@pytest.mark.parametrize("section", ["credentials", "database", "telegram"])
def test_secrets_have_no_place_in_the_trade_file(load: Load, section: str) -> None:
    with pytest.raises(SettingsError, match=section):
        load(config=f"{section}: {{}}\n")


@pytest.mark.req("F-080")
def test_overrides_of_a_symbol_are_read_and_checked(load: Load) -> None:
    stocks = "universe: {stocks: [000660]}\n"

    read = load(universe=stocks + "stock_overrides:\n  000660: {order_quantity: 2}\n")

    assert read.stock_overrides["000660"].order_quantity == 2
    with pytest.raises(SettingsError, match=r"000660\.order_quantitee"):
        load(universe=stocks + "stock_overrides:\n  000660: {order_quantitee: 2}\n")
    with pytest.raises(SettingsError, match="660"):
        load(universe=stocks + "stock_overrides:\n  660: {order_quantity: 2}\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("engine: {interval_s: 60, interval_s: 90}\n", "두 번"),
        ("engine:\n  interval_s: 60\nengine:\n  interval_s: 90\n", "두 번"),
        ("engine: [60]\n", "'이름: 값'"),
        ("engine: 60\n", "'이름: 값'"),
        ("- engine\n", "최상위"),
        ("just words\n", "최상위"),
        ("engine: {interval_s: 60\n", "문법"),
        ("engine:\n\tinterval_s: 60\n", "문법"),
        ("a: &x 1\nb: *x\n", "문법"),
        ("engine: {interval_s: !!python/object/apply:os.getcwd []}\n", "태그"),
        ("--- {}\n--- {}\n", "문법"),
        ("engine: " + "[" * 5_000 + "\n", "깊게|문법"),
        (b"log: {level: \xb0\xa1}\n", "UTF-8"),
        ("engine: {interval_s: 60}\n".encode("utf-16"), "UTF-8|문법"),
        (b"\x00\x01\x02", "문법|UTF-8"),
    ],
)
def test_a_damaged_file_is_one_korean_sentence(load: Load, text: str | bytes, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as refused:
        load(config=text)

    assert len(refused.value.problems) == 1


@pytest.mark.parametrize("text", ["# nothing\n", "---\n", "engine:\n", "\ufeffengine: {}\n"])
def test_a_file_that_says_nothing_changes_nothing(load: Load, text: str) -> None:
    settings = load(config=text)

    assert settings.engine.interval_s == 60


def test_an_unreadable_file_is_one_korean_sentence(load: Load) -> None:
    from pathlib import Path

    from kis_adapters.settings.load import load_settings

    missing = Path("/nonexistent/universe.yaml")
    with pytest.raises(SettingsError, match="설정 파일이 없습니다"):
        load_settings(argv_overrides={}, environ={}, dotenv=missing, config=None, universe=missing)
    with pytest.raises(SettingsError, match="읽을 수 없습니다"):
        load_settings(
            argv_overrides={}, environ={}, dotenv=missing, config=Path("/tmp"), universe=missing
        )


@pytest.mark.req("U-11")
@pytest.mark.parametrize(
    "universe",
    [
        "universe: {selection_method: fixed}\n",
        "stocks: []\nuniverse: {selection_method: fixed}\n",
        "universe: {selection_method: fixed, stocks: []}",
        "universe: {selection_method: fixed, candidate_stocks: [005930]}",
    ],
)
def test_a_fixed_universe_without_stocks_is_refused(load: Load, universe: str) -> None:
    with pytest.raises(SettingsError, match="하나도 없습니다"):
        load(universe=universe)


def test_a_section_without_content_says_nothing(load: Load) -> None:
    settings = load(universe="universe:\nstocks: [005930]\n")

    assert settings.universe.stocks == ("005930",)


@pytest.mark.parametrize("words", ["universe: 5", "universe: [005930]"])
def test_a_universe_that_is_no_mapping_is_refused(load: Load, words: str) -> None:
    with pytest.raises(SettingsError, match="'universe' 아래"):
        load(universe=f"stocks: [005930]\n{words}\n")


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_file_is_a_lost_file(load: Load, text: str) -> None:
    with pytest.raises(SettingsError, match="비어 있습니다"):
        load(config=text)
