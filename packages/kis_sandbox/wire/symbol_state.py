"""What several quote endpoints say of a symbol in the same way."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, timedelta

from kis_core.market.bar import Bar
from kis_core.market.symbol import Market, Product
from kis_sandbox.after_market import as_quoted
from kis_sandbox.order_price import best_prices
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.tape import State
from kis_sandbox.wire.answer import Row, sign_of

EOK = 100_000_000
_EARNINGS_MULTIPLE, _BOOK_MULTIPLE = 13.2, 1.21  # of every issue: nobody trades on them here


@dataclass(frozen=True, slots=True, kw_only=True)
class Extreme:
    """A highest or lowest price and its day."""

    price: int
    on: date


def find_state(sandbox: Sandbox, symbol: str) -> State | None:
    """The state of `symbol` as quotes show it now, or None for an unknown one."""
    state = sandbox.exchange.state(symbol[-6:])
    if state is None:
        return None
    session = sandbox.calendar.session(state.day.session_date)
    assert session is not None, state.day.session_date
    return as_quoted(
        state, closes_at=session.closes_at, now=sandbox.exchange.now, seed=sandbox.config.seed
    )


def any_state(sandbox: Sandbox) -> State:
    """Some state, for the names of the fields."""
    state = find_state(sandbox, sandbox.listing.symbols[0])
    assert state is not None
    return state


def change_fields(state: State) -> Row:
    """Change against the base price."""
    return {
        "prdy_vrss": str(state.change),
        "prdy_vrss_sign": change_sign(state),
        "prdy_ctrt": f"{state.change_pct:.2f}",
    }


def change_sign(state: State) -> str:
    """prdy_vrss_sign of the last price."""
    limits = state.day.limits
    return sign_of(
        state.change,
        at_upper=state.last == limits.upper,
        at_lower=state.last == limits.lower,
    )


def market_name(state: State) -> str:
    """rprs_mrkt_kor_name."""
    is_kosdaq = state.issue.instrument.market is Market.KOSDAQ
    if state.issue.is_index_member:
        return "KSQ150" if is_kosdaq else "KOSPI200"
    return "KOSDAQ" if is_kosdaq else "KOSPI"


def status_code(state: State) -> str:
    """iscd_stat_cls_code: only one value is given, so one state can mask another."""
    if state.is_halted:
        return "58"
    if state.is_managed:
        return "51"
    return "53" if state.is_warned else "55"


def warning_code(state: State) -> str:
    """mrkt_warn_cls_code."""
    return "02" if state.is_warned else "00"


def yes(flag: bool) -> str:
    """Y or N."""
    return "Y" if flag else "N"


def market_value(state: State) -> int:
    """Market capitalisation in 억원."""
    return state.issue.shares * state.last // EOK


def face_value(state: State) -> int:
    """Par value in won; an invention that fits the capital."""
    return 100 if state.issue.anchor_price > 20_000 else 500


def earnings(state: State) -> tuple[str, str, str, str]:
    """per, pbr, eps, bps."""
    eps = state.issue.anchor_price / _EARNINGS_MULTIPLE
    bps = state.issue.anchor_price / _BOOK_MULTIPLE
    return f"{state.last / eps:.2f}", f"{state.last / bps:.2f}", f"{eps:.2f}", f"{bps:.2f}"


def prior_volume(state: State) -> int:
    """The volume of the session before."""
    return state.day.prior.volume if state.day.prior else 0


def best(state: State) -> tuple[int, int]:
    """Best bid and ask; (0, 0) while nothing stands in a halted issue's book."""
    return (0, 0) if state.is_halted else best_prices(state.day, state.last)


def is_fund(state: State) -> bool:
    """Whether the issue is an ETF or ETN."""
    return state.issue.instrument.product in (Product.ETF, Product.ETN)


def extremes(sandbox: Sandbox, state: State, *, since: date) -> tuple[Extreme, Extreme]:
    """Highest and lowest price from `since` on, the day so far included."""
    day = state.day
    bars = sandbox.exchange.tape.bars(state.issue.symbol, day.session_date - timedelta(days=1))
    window = [bar for bar in bars[_index_of(bars, since) :] if bar.is_traded]
    high = Extreme(price=state.high or state.last, on=day.session_date)
    low = Extreme(price=state.low or state.last, on=day.session_date)
    for bar in window:
        if bar.high > high.price:
            high = Extreme(price=bar.high, on=bar.session_date)
        if bar.low < low.price:
            low = Extreme(price=bar.low, on=bar.session_date)
    return high, low


def _index_of(bars: list[Bar], since: date) -> int:
    return bisect_left(bars, since, key=lambda bar: bar.session_date)
