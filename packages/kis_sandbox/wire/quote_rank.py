"""Rankings: volume-rank and market-cap, thirty rows at most. Source: kis-wire 4.8 and 4.9.

Over thousands of issues the day's exact prints are too much work for one call, so candidates are
taken by what they normally trade, and only they are ranked by their prints.
"""

from collections.abc import Callable, Iterator

from kis_core.market.symbol import Market
from kis_sandbox.listing import Issue
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.tape import State
from kis_sandbox.wire.answer import Answer, Row, percent, quoted
from kis_sandbox.wire.call import Call
from kis_sandbox.wire.symbol_state import (
    change_fields,
    find_state,
    is_fund,
    market_value,
    prior_volume,
)

VOLUME_FIELDS = (
    "FID_COND_MRKT_DIV_CODE",
    "FID_COND_SCR_DIV_CODE",
    "FID_INPUT_ISCD",
    "FID_DIV_CLS_CODE",
    "FID_BLNG_CLS_CODE",
    "FID_TRGT_CLS_CODE",
    "FID_TRGT_EXLS_CLS_CODE",
    "FID_INPUT_PRICE_1",
    "FID_INPUT_PRICE_2",
    "FID_VOL_CNT",
    "FID_INPUT_DATE_1",
)
VALUE_FIELDS = (
    "FID_COND_MRKT_DIV_CODE",
    "FID_COND_SCR_DIV_CODE",
    "FID_DIV_CLS_CODE",
    "FID_INPUT_ISCD",
    "FID_TRGT_CLS_CODE",
    "FID_TRGT_EXLS_CLS_CODE",
    "FID_INPUT_PRICE_1",
    "FID_INPUT_PRICE_2",
    "FID_VOL_CNT",
)

_ROWS, _CANDIDATES = 30, 90
_BY_TURNOVER = ("3", "4")  # FID_BLNG_CLS_CODE
# Places in FID_TRGT_EXLS_CLS_CODE: 투자위험/경고/주의, 관리종목, 거래정지, ETF
_WARNED, _MANAGED, _HALTED, _FUND = 0, 1, 5, 6


def volume_rank(sandbox: Sandbox, call: Call) -> Answer:
    """The most traded issues, by shares or by won."""
    if call.field("FID_COND_MRKT_DIV_CODE") == "UN":  # measured: answers nothing
        return quoted(output=[])
    is_by_turnover = call.field("FID_BLNG_CLS_CODE") in _BY_TURNOVER

    def expected(issue: Issue) -> int:
        return issue.turnover if is_by_turnover else issue.turnover // issue.anchor_price

    def size(state: State) -> int:
        return state.turnover if is_by_turnover else state.volume

    excluded = call.field("FID_TRGT_EXLS_CLS_CODE")
    states = [s for s in _ranked(sandbox, call, expected, size) if not _excludes(excluded, s)]
    rows = [_volume_row(state, n) for n, state in enumerate(states[:_ROWS], start=1)]
    return quoted(output=rows)


def market_cap(sandbox: Sandbox, call: Call) -> Answer:
    """The largest issues."""
    states = _ranked(sandbox, call, lambda issue: issue.shares * issue.anchor_price, market_value)
    whole = sum(issue.shares * issue.anchor_price for issue in sandbox.listing) // 100_000_000
    rows = [_value_row(state, n, whole) for n, state in enumerate(states[:_ROWS], start=1)]
    return quoted(output=rows)


def _ranked(
    sandbox: Sandbox,
    call: Call,
    expected: Callable[[Issue], int],
    size: Callable[[State], int],
) -> list[State]:
    issues = sorted(_asked(sandbox, call), key=expected, reverse=True)[:_CANDIDATES]
    states = (find_state(sandbox, issue.symbol) for issue in issues)
    known = [state for state in states if state is not None]
    return sorted(known, key=lambda s: (-size(s), s.issue.symbol))


def _asked(sandbox: Sandbox, call: Call) -> Iterator[Issue]:
    """0000 all, 0001 KOSPI, 1001 KOSDAQ, 2001 KOSPI200; 2 of the division is preferred shares."""
    code = call.field("FID_INPUT_ISCD")
    if call.field("FID_DIV_CLS_CODE") == "2":
        return
    for issue in sandbox.listing:
        market = issue.instrument.market
        if code == "0001" and market is not Market.KOSPI:
            continue
        if code == "1001" and market is not Market.KOSDAQ:
            continue
        if code == "2001" and not issue.is_index_member:
            continue
        yield issue


def _excludes(flags: str, state: State) -> bool:
    def wants(place: int) -> bool:
        return len(flags) > place and flags[place] == "1"

    return (
        (wants(_WARNED) and state.is_warned)
        or (wants(_MANAGED) and state.is_managed)
        or (wants(_HALTED) and state.is_halted)
        or (wants(_FUND) and is_fund(state))
    )


def _volume_row(state: State, rank: int) -> Row:
    issue = state.issue
    turnover_rate = percent(state.volume, issue.shares)
    value_rate = percent(state.turnover, issue.shares * state.last)
    return {
        "hts_kor_isnm": issue.instrument.name,
        "mksc_shrn_iscd": issue.symbol,
        "data_rank": str(rank),
        "stck_prpr": str(state.last),
        **change_fields(state),
        "acml_vol": str(state.volume),
        "prdy_vol": str(prior_volume(state)),
        "lstn_stcn": str(issue.shares),
        "avrg_vol": str(state.volume),
        "n_befr_clpr_vrss_prpr_rate": f"{state.change_pct:.2f}",
        "vol_inrt": percent(state.volume, prior_volume(state)),
        "vol_tnrt": turnover_rate,
        "nday_vol_tnrt": turnover_rate,
        "avrg_tr_pbmn": str(state.turnover),
        "tr_pbmn_tnrt": value_rate,
        "nday_tr_pbmn_tnrt": value_rate,
        "acml_tr_pbmn": str(state.turnover),
    }


def _value_row(state: State, rank: int, whole: int) -> Row:
    return {
        "mksc_shrn_iscd": state.issue.symbol,
        "data_rank": str(rank),
        "hts_kor_isnm": state.issue.instrument.name,
        "stck_prpr": str(state.last),
        **change_fields(state),
        "acml_vol": str(state.volume),
        "lstn_stcn": str(state.issue.shares),
        "stck_avls": str(market_value(state)),
        "mrkt_whol_avls_rlim": percent(market_value(state), whole),
    }
