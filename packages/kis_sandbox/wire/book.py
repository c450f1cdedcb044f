"""The order book: inquire-asking-price-exp-ccn. Source: kis-wire section 4.3.

The simulated market prints; it has no book. What is shown is made from the last print: it is the
best bid, one tick above it the best ask, and the quantities follow from the symbol and the print.
"""

from random import Random

from kis_core.market.session import Phase
from kis_core.market.tick import tick_size
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.tape import State
from kis_sandbox.wire.answer import Answer, Row, percent, quoted, sign_of
from kis_sandbox.wire.call import Call
from kis_sandbox.wire.symbol_state import any_state, best, find_state, yes

_LEVELS = 10
_PHASE_CODES = {
    Phase.BEFORE: "112",
    Phase.OPENING_AUCTION: "311",
    Phase.CONTINUOUS: "112",
    Phase.CLOSING_AUCTION: "121",
    Phase.AFTER: "129",
}


def asking_price(sandbox: Sandbox, call: Call) -> Answer:
    """Ten levels a side, and the expected auction price."""
    symbol = call.field("FID_INPUT_ISCD")
    state = find_state(sandbox, symbol)
    if state is None:
        some = any_state(sandbox)
        output1 = dict.fromkeys(_book(sandbox, some), "0")
        output2 = dict.fromkeys(_expected(some), "0") | {"stck_shrn_iscd": symbol}
        return quoted(output1=output1, output2=output2)
    return quoted(output1=_book(sandbox, state), output2=_expected(state))


def book_quantities(state: State) -> tuple[list[int], list[int]]:
    """Shares at each ask and each bid, best first; none while the issue is halted."""
    if state.is_halted:
        return [0] * _LEVELS, [0] * _LEVELS
    random = Random(f"{state.issue.symbol}:{state.day.session_date}:{state.count}")
    typical = max(10, state.issue.turnover // state.day.base // 500)

    def side() -> list[int]:
        return [int(typical * random.uniform(0.5, 1.5)) for _ in range(_LEVELS)]

    return side(), side()


def _levels(state: State) -> tuple[list[int], list[int]]:
    """Ask prices upwards and bid prices downwards, 0 beyond the day's limits."""
    bid, ask = best(state)
    product, on = state.issue.instrument.product, state.day.session_date
    asks, bids = [], []
    for _ in range(_LEVELS):
        asks.append(ask)
        bids.append(bid)
        ask = ask + tick_size(ask, product, on) if ask else 0
        ask = ask if ask <= state.day.limits.upper else 0
        bid = bid - tick_size(max(bid - 1, 0), product, on) if bid else 0
        bid = bid if bid >= state.day.limits.lower else 0
    return asks, bids


def _book(sandbox: Sandbox, state: State) -> Row:
    asks, bids = _levels(state)
    ask_quantities, bid_quantities = book_quantities(state)
    total_asks, total_bids = sum(ask_quantities), sum(bid_quantities)
    row: Row = {"aspr_acpt_hour": f"{sandbox.exchange.now:%H%M%S}"}
    row |= {f"askp{n}": str(price) for n, price in enumerate(asks, start=1)}
    row |= {f"bidp{n}": str(price) for n, price in enumerate(bids, start=1)}
    row |= {f"askp_rsqn{n}": str(q) for n, q in enumerate(ask_quantities, start=1)}
    row |= {f"bidp_rsqn{n}": str(q) for n, q in enumerate(bid_quantities, start=1)}
    row |= {f"askp_rsqn_icdc{n}": "0" for n in range(1, _LEVELS + 1)}
    row |= {f"bidp_rsqn_icdc{n}": "0" for n in range(1, _LEVELS + 1)}
    return row | {
        "total_askp_rsqn": str(total_asks),
        "total_bidp_rsqn": str(total_bids),
        "total_askp_rsqn_icdc": "0",
        "total_bidp_rsqn_icdc": "0",
        "ovtm_total_askp_icdc": "0",
        "ovtm_total_bidp_icdc": "0",
        "ovtm_total_askp_rsqn": "0",
        "ovtm_total_bidp_rsqn": "0",
        "ntby_aspr_rsqn": str(total_bids - total_asks),
        "new_mkop_cls_code": "20" if state.phase is Phase.CONTINUOUS else "10",
    }


def _expected(state: State) -> Row:
    day = state.day
    expected = state.open or state.last
    change = expected - day.base
    return {
        "antc_mkop_cls_code": _PHASE_CODES[state.phase],
        "stck_prpr": str(state.last),
        "stck_oprc": str(state.open),
        "stck_hgpr": str(state.high),
        "stck_lwpr": str(state.low),
        "stck_sdpr": str(day.base),
        "antc_cnpr": str(expected),
        "antc_cntg_vrss_sign": sign_of(change),
        "antc_cntg_vrss": str(change),
        "antc_cntg_prdy_ctrt": percent(change, day.base),
        "antc_vol": str(day.path.volumes[0] if state.open else 0),
        "stck_shrn_iscd": state.issue.symbol,
        "vi_cls_code": yes(state.interruption is not None),
    }
