"""The calls that this configuration will make (K-12)."""

from kis_adapters.kis.endpoints import MULTI_PRICE, VOLUME_RANK
from kis_adapters.settings.sections import Feed
from kis_adapters.settings.settings import Settings
from kis_core.orders.identity import TradingMode
from kis_core.session.call_plan import CallPlan
from kis_core.universe.plan import planned_calls

_PER_MULTI_QUOTE = 30
_TO_PREPARE = {TradingMode.REAL: 2, TradingMode.PAPER: 3}  # bars and what the symbol is
_MINUTE_S = 60


def call_plan(settings: Settings) -> CallPlan:
    """The plan for `settings`: the selection is the one before the open."""
    mode, universe, engine = settings.mode, settings.universe, settings.engine
    per_quote = _PER_MULTI_QUOTE if MULTI_PRICE.is_offered(mode) else 1
    candidates = min(universe.max_stocks, universe.entry_candidates)
    if universe.selection_method == "fixed":
        candidates = min(candidates, len(set(universe.stocks)))
    return CallPlan(
        rate_per_s=settings.api.rate_per_s,
        symbols_per_quote=per_quote,
        candidates=candidates,
        positions_max=universe.positions_max,
        interval_s=engine.interval_s,
        near_stop_interval_s=engine.near_stop_interval_s,
        poll_s=settings.orders.poll_s,
        prepare_s=engine.prepare_minutes_before_open * _MINUTE_S,
        calls_to_prepare=_TO_PREPARE[mode],
        selection=planned_calls(
            universe.policy(),
            offers_rankings=VOLUME_RANK.is_offered(mode),
            symbols_per_snapshot=per_quote,
            is_open=False,
        ),
        streams=settings.market_data.feed is Feed.WS,
        has_notices=settings.api.hts_id is not None,
    )
