"""Every key of universe.yaml with every kind of bad value, and the policy that good ones make."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from kis_adapters.settings.error import SettingsError
from kis_adapters.settings.settings import Settings
from kis_adapters.settings.universe import UniverseSettings
from kis_core.market.symbol import Symbol
from kis_core.orders.identity import TradingMode
from kis_core.universe.fallback import UseFixed, after_nothing_chosen
from kis_core.universe.policy import PoolMode, RefreshPolicy, SelectionMethod, UniversePolicy

Load = Callable[..., Settings]
KEYS = sorted(UniverseSettings.model_fields)
BAD = ("", "{a: 1}", "[[1]]", "-1", "99999999999999999999", "뭔가")
MAY_BE_EMPTY = {"universe_size", "max_positions"}  # then max_stocks counts
ANY_TEXT = {"universe_cache_file"}
BAD_VALUES = [
    (key, bad)
    for key in KEYS
    for bad in BAD
    if not (key in MAY_BE_EMPTY and bad == "")
    and not (key in ANY_TEXT and bad in ("-1", "99999999999999999999", "뭔가"))
]


@pytest.mark.parametrize(("key", "bad"), BAD_VALUES)
def test_a_bad_value_is_refused_naming_the_key_and_its_line(load: Load, key: str, bad: str) -> None:
    listed = "" if key == "stocks" else "  stocks: [005930]\n"

    with pytest.raises(SettingsError, match=rf"universe\.yaml:2.*{key}"):
        load(universe=f"universe:\n  {key}: {bad}\n{listed}")


@pytest.mark.parametrize("key", KEYS)
def test_a_key_given_twice_is_refused(load: Load, key: str) -> None:
    with pytest.raises(SettingsError, match="두 번"):
        load(universe=f"universe:\n  {key}: 1\n  {key}: 2\n")


@pytest.mark.req("U-12")
@pytest.mark.parametrize("key", ["stocks", "candidate_stocks"])
@pytest.mark.parametrize("code", ["5930", "00593O", "0126Z0", "０05930", "0059300", "005930 "])
def test_a_listed_code_that_is_none_is_refused(load: Load, key: str, code: str) -> None:
    with pytest.raises(SettingsError, match="종목코드"):
        load(universe=f"universe:\n  selection_method: combined\n  {key}: ['{code}']\n")


@pytest.mark.req("U-01", "U-15")
def test_the_settings_become_the_policy_that_selects(load: Load) -> None:
    text = """
universe:
  selection_method: atr_filter
  max_stocks: 7
  universe_size: 3
  min_volume: 2000000000
  min_market_cap: 500
  min_atr_pct: 1.5
  max_atr_pct: 6
  exclude_management: false
  volume_top_n: 40
  atr_period: 20
  candidate_pool_mode: volume_top
  market_scan_size: 100
  candidate_stocks: [000660]
  stocks: [005930]
  allow_alphanumeric_codes: true
  fallback_to_fixed: false
  halt_on_fallback_in_real: true
  cache_refresh_enabled: true
  cache_refresh_on_restart: true
  cache_refresh_on_market_open: true
  cache_refresh_interval_minutes: 45
  cache_refresh_methods: [atr_filter]
"""

    policy = load(universe=text).universe.policy()

    assert policy == UniversePolicy(
        method=SelectionMethod.ATR_FILTER,
        stocks=("005930",),
        candidate_stocks=("000660",),
        pool_mode=PoolMode.VOLUME_TOP,
        scan_size=100,
        max_stocks=7,
        entry_candidates=3,
        min_traded_value=2_000_000_000,
        min_market_cap_eok=500,
        min_atr_pct=1.5,
        max_atr_pct=6.0,
        exclude_managed=False,
        volume_top_n=40,
        atr_period=20,
        allow_alphanumeric=True,
        fallback_to_fixed=False,
        halt_on_fallback_in_real=True,
        refresh=RefreshPolicy(
            is_enabled=True,
            on_restart=True,
            on_market_open=True,
            interval=timedelta(minutes=45),
            methods=frozenset({SelectionMethod.ATR_FILTER}),
        ),
    )


@pytest.mark.req("U-01")
def test_a_policy_of_defaults_is_the_settings_of_defaults(load: Load) -> None:
    settings = load(universe="universe: {}\n").universe

    policy = settings.policy()

    assert policy == UniversePolicy(
        refresh=RefreshPolicy(
            methods=frozenset(
                {SelectionMethod.COMBINED, SelectionMethod.VOLUME_TOP, SelectionMethod.ATR_FILTER}
            )
        )
    )
    assert policy.refresh.interval is None


@pytest.mark.req("U-10", "F-077")
@pytest.mark.parametrize(
    "text",
    [
        "stocks: [000660]\nuniverse: {selection_method: combined}\n",
        "universe: {selection_method: combined, stocks: [000660]}\n",
    ],
)
def test_the_list_to_fall_back_to_is_found_wherever_it_is_written(load: Load, text: str) -> None:
    policy = load(universe=text).universe.policy()

    answer = after_nothing_chosen(policy, mode=TradingMode.PAPER)

    assert answer == UseFixed(symbols=(Symbol("000660"),), wait=timedelta())
