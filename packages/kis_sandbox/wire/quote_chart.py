"""Bars: daily chart, daily price, minute charts. Source: kis-wire sections 4.4 to 4.7.

The adjusted-price flag is read and makes no difference: the simulated issues do not split.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from kis_core.market.bar import Bar
from kis_core.market.won import Won
from kis_sandbox.history import halted_bar
from kis_sandbox.path import SECOND_US, DayPath, microseconds
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.tape import Day, State
from kis_sandbox.wire.answer import Answer, Row, percent, quoted, sign_of
from kis_sandbox.wire.call import Call
from kis_sandbox.wire.symbol_state import (
    any_state,
    best,
    change_fields,
    earnings,
    face_value,
    find_state,
    market_value,
    prior_volume,
)

CHART_FIELDS = (
    "FID_COND_MRKT_DIV_CODE",
    "FID_INPUT_ISCD",
    "FID_INPUT_DATE_1",
    "FID_INPUT_DATE_2",
    "FID_PERIOD_DIV_CODE",
    "FID_ORG_ADJ_PRC",
)
DAILY_FIELDS = (
    "FID_COND_MRKT_DIV_CODE",
    "FID_INPUT_ISCD",
    "FID_PERIOD_DIV_CODE",
    "FID_ORG_ADJ_PRC",
)
MINUTE_FIELDS = (
    "FID_COND_MRKT_DIV_CODE",
    "FID_INPUT_ISCD",
    "FID_INPUT_HOUR_1",
    "FID_PW_DATA_INCU_YN",
    "FID_ETC_CLS_CODE",
)
MINUTE_OF_DAY_FIELDS = (
    "FID_COND_MRKT_DIV_CODE",
    "FID_INPUT_ISCD",
    "FID_INPUT_HOUR_1",
    "FID_INPUT_DATE_1",
    "FID_PW_DATA_INCU_YN",
)

_CHART_ROWS, _DAILY_ROWS, _MINUTE_ROWS, _MINUTE_OF_DAY_ROWS = 100, 30, 30, 120
_MINUTE_US = 60 * SECOND_US
_NEWEST_US = 24 * 60 * _MINUTE_US


def daily_chart(sandbox: Sandbox, call: Call) -> Answer:
    """At most a hundred bars of a range, newest first, with today's provisional one."""
    first, last = call.day("FID_INPUT_DATE_1"), call.day("FID_INPUT_DATE_2")
    symbol = call.field("FID_INPUT_ISCD")
    state = find_state(sandbox, symbol)
    if state is None:
        some = any_state(sandbox)
        blank = dict.fromkeys(_snapshot(some), "0") | {"hts_kor_isnm": "", "stck_shrn_iscd": symbol}
        return quoted(output1=blank, output2=[])
    bars = grouped(bars_shown(sandbox, state), call.field("FID_PERIOD_DIV_CODE"))
    rows = [_chart_row(bar, prior) for prior, bar in _pairs(bars) if first <= _on(bar) <= last]
    rows.reverse()
    return quoted(
        output1=_snapshot(state),
        output2=[*rows[:_CHART_ROWS], *_missing(sandbox, state, first, last, len(rows))],
    )


def daily_price(sandbox: Sandbox, call: Call) -> Answer:
    """The last thirty bars, newest first, without turnover."""
    state = find_state(sandbox, call.field("FID_INPUT_ISCD"))
    if state is None:
        return quoted(output=[])
    bars = grouped(bars_shown(sandbox, state), call.field("FID_PERIOD_DIV_CODE"))
    rows = [_daily_row(bar, prior) for prior, bar in _pairs(bars[-_DAILY_ROWS - 1 :])]
    rows.reverse()
    return quoted(output=rows[:_DAILY_ROWS])


def minute_chart(sandbox: Sandbox, call: Call) -> Answer:
    """At most thirty one-minute bars of today up to an hour, newest first."""
    return _minutes(sandbox, call, on=None, rows_max=_MINUTE_ROWS)


def minute_chart_of_day(sandbox: Sandbox, call: Call) -> Answer:
    """At most 120 one-minute bars of any day up to an hour, newest first."""
    on = call.day("FID_INPUT_DATE_1")
    return _minutes(sandbox, call, on=on, rows_max=_MINUTE_OF_DAY_ROWS)


def bars_shown(sandbox: Sandbox, state: State) -> list[Bar]:
    """Completed bars and, once it has printed, the day's own; a halted day's row is empty."""
    day = state.day
    bars = sandbox.exchange.tape.bars(state.issue.symbol, day.session_date - timedelta(days=1))
    if state.count or state.is_halted:
        bars = [*bars, _bar_shown(state)]
    return bars


def _bar_shown(state: State) -> Bar:
    """The day's own bar as it stands; in the evening it holds the after-market too."""
    if not state.volume:
        return halted_bar(state.day.session_date, state.day.base)
    return Bar(
        session_date=state.day.session_date,
        open=Won(state.open),
        high=Won(state.high),
        low=Won(state.low),
        close=Won(state.last),
        volume=state.volume,
    )


def grouped(bars: list[Bar], period: str) -> list[Bar]:
    """Bars by day, week, month or year (D, W, M, Y); a group carries its last session's date."""
    if period not in ("W", "M", "Y"):
        return bars
    groups: dict[tuple[int, ...], Bar] = {}
    for bar in bars:
        if not bar.is_traded:
            continue
        key = _period_key(bar.session_date, period)
        so_far = groups.get(key)
        groups[key] = bar if so_far is None else _joined(so_far, bar)
    return list(groups.values())


def _period_key(day: date, period: str) -> tuple[int, ...]:
    if period == "W":
        return day.isocalendar()[:2]
    return (day.year, day.month) if period == "M" else (day.year,)


def _joined(first: Bar, then: Bar) -> Bar:
    return Bar(
        session_date=then.session_date,
        open=first.open,
        high=max(first.high, then.high),
        low=min(first.low, then.low),
        close=then.close,
        volume=first.volume + then.volume,
    )


def _on(bar: Bar) -> date:
    return bar.session_date


def _pairs(bars: list[Bar]) -> Iterator[tuple[Bar | None, Bar]]:
    """Each bar after the one before it; the first has none before it."""
    prior: Bar | None = None
    for bar in bars:
        yield prior, bar
        prior = bar


def _missing(
    sandbox: Sandbox, state: State, first: date, last: date, found: int
) -> list[dict[str, str]]:
    """The empty objects that a young issue's history is filled up with."""
    listed_on = state.issue.listed_on
    if listed_on is None or listed_on <= first:
        return []
    missing = len(sandbox.calendar.between(first, min(last, listed_on - timedelta(days=1))))
    return [{} for _ in range(min(missing, _CHART_ROWS - min(found, _CHART_ROWS)))]


def _turnover(bar: Bar) -> int:
    """Traded won of a completed bar: its typical price times its volume."""
    return (bar.open + bar.high + bar.low + bar.close) // 4 * bar.volume


def _chart_row(bar: Bar, prior: Bar | None) -> Row:
    change = bar.close - prior.close if prior else 0
    return {
        "stck_bsop_date": f"{bar.session_date:%Y%m%d}",
        "stck_clpr": str(bar.close),
        "stck_oprc": str(bar.open),
        "stck_hgpr": str(bar.high),
        "stck_lwpr": str(bar.low),
        "acml_vol": str(bar.volume),
        "acml_tr_pbmn": str(_turnover(bar)),
        "flng_cls_code": "00",
        "prtt_rate": "0.00",
        "mod_yn": "N" if bar.is_traded else "Y",
        "prdy_vrss_sign": sign_of(change),
        "prdy_vrss": str(change),
        "revl_issu_reas": "",
    }


def _daily_row(bar: Bar, prior: Bar | None) -> Row:
    change = bar.close - prior.close if prior else 0
    volume_change = bar.volume - prior.volume if prior else 0
    return {
        "stck_bsop_date": f"{bar.session_date:%Y%m%d}",
        "stck_oprc": str(bar.open),
        "stck_hgpr": str(bar.high),
        "stck_lwpr": str(bar.low),
        "stck_clpr": str(bar.close),
        "acml_vol": str(bar.volume),
        "prdy_vrss_vol_rate": percent(volume_change, prior.volume if prior else 0),
        "prdy_vrss": str(change),
        "prdy_vrss_sign": sign_of(change),
        "prdy_ctrt": percent(change, prior.close if prior else 0),
        "hts_frgn_ehrt": "50.12",
        "frgn_ntby_qty": "0",
        "flng_cls_code": "00",
        "acml_prtt_rate": "0.00",
    }


def _snapshot(state: State) -> Row:
    day, issue = state.day, state.issue
    per, pbr, eps, _ = earnings(state)
    prior = day.prior
    bid, ask = best(state)
    return {
        **change_fields(state),
        "stck_prdy_clpr": str(prior.close if prior else 0),
        "acml_vol": str(state.volume),
        "acml_tr_pbmn": str(state.turnover),
        "hts_kor_isnm": issue.instrument.name,
        "stck_prpr": str(state.last),
        "stck_shrn_iscd": issue.symbol,
        "prdy_vol": str(prior_volume(state)),
        "stck_mxpr": str(day.limits.upper),
        "stck_llam": str(day.limits.lower),
        "stck_oprc": str(state.open),
        "stck_hgpr": str(state.high),
        "stck_lwpr": str(state.low),
        "stck_prdy_oprc": str(prior.open if prior else 0),
        "stck_prdy_hgpr": str(prior.high if prior else 0),
        "stck_prdy_lwpr": str(prior.low if prior else 0),
        "askp": str(ask),
        "bidp": str(bid),
        "prdy_vrss_vol": str(state.volume - prior_volume(state)),
        "vol_tnrt": percent(state.volume, issue.shares),
        "stck_fcam": str(face_value(state)),
        "lstn_stcn": str(issue.shares),
        "cpfn": str(issue.shares * face_value(state) // 100_000_000),
        "hts_avls": str(market_value(state)),
        "per": per,
        "eps": eps,
        "pbr": pbr,
        "itewhol_loan_rmnd_ratem": "0.18",
    }


def _minutes(sandbox: Sandbox, call: Call, *, on: date | None, rows_max: int) -> Answer:
    symbol = call.field("FID_INPUT_ISCD")
    state = find_state(sandbox, symbol)
    if state is None:
        return quoted(output1={}, output2=[])
    day = _asked_day(sandbox, state, on)
    until = _hour_us(call.field("FID_INPUT_HOUR_1"))
    rows: list[Row] = []
    if day is state.day:
        rows = _future_rows(sandbox, state, until, rows_max)
    if day is not None:
        count = state.count if day is state.day else len(day.path)
        rows += _minute_rows(day, count, until=until, rows_max=rows_max - len(rows))
    snapshot = {
        **change_fields(state),
        "stck_prdy_clpr": str(state.day.prior.close if state.day.prior else 0),
        "acml_vol": str(state.volume),
        "acml_tr_pbmn": str(state.turnover),
        "hts_kor_isnm": state.issue.instrument.name,
        "stck_prpr": str(state.last),
    }
    return quoted(output1=snapshot, output2=rows)


def _asked_day(sandbox: Sandbox, state: State, on: date | None) -> Day | None:
    """The day of the minutes: the shown one, or an earlier one; a later one has none."""
    shown = state.day
    if on is None or on == shown.session_date:
        return shown
    if on > shown.session_date or not sandbox.calendar.is_session(on):
        return None
    return sandbox.exchange.tape.day(state.issue.symbol, on)


def _hour_us(text: str) -> int:
    """HHMMSS after midnight in microseconds; 000000 and anything else ask for the newest."""
    if len(text) != 6 or not text.isdigit() or not int(text):
        return _NEWEST_US
    at = timedelta(hours=int(text[:2]), minutes=int(text[2:4]), seconds=int(text[4:]))
    return at // timedelta(microseconds=1)


def _future_rows(sandbox: Sandbox, state: State, until: int, rows_max: int) -> list[Row]:
    """The minutes between now and an asked hour to come: the last price, repeated."""
    now = sandbox.exchange.now
    if until == _NEWEST_US or not state.count or now.date() != state.day.session_date:
        return []
    current = microseconds(now) // _MINUTE_US
    minutes = range(until // _MINUTE_US, current, -1)
    return [_flat_row(state, minute) for minute in minutes[:rows_max]]


def _flat_row(state: State, minute: int) -> Row:
    price = str(state.last)
    return {
        "stck_bsop_date": f"{state.day.session_date:%Y%m%d}",
        "stck_cntg_hour": f"{minute // 60:02d}{minute % 60:02d}00",
        "stck_prpr": price,
        "stck_oprc": price,
        "stck_hgpr": price,
        "stck_lwpr": price,
        "cntg_vol": "0",
        "acml_tr_pbmn": str(state.turnover),
    }


def _minute_rows(day: Day, count: int, *, until: int, rows_max: int) -> list[Row]:
    path = day.path
    end = min(count, path.count_until(until + _MINUTE_US - 1))
    rows: list[Row] = []
    while end and len(rows) < rows_max:
        minute = path.times_us[end - 1] // _MINUTE_US
        start = path.count_until(minute * _MINUTE_US - 1)
        rows.append(_minute_row(day, path, start, end, minute))
        end = start
    return rows


def _minute_row(day: Day, path: DayPath, start: int, end: int, minute: int) -> Row:
    prices = path.prices[start:end]
    return {
        "stck_bsop_date": f"{day.session_date:%Y%m%d}",
        "stck_cntg_hour": f"{minute // 60:02d}{minute % 60:02d}00",
        "stck_prpr": str(prices[-1]),
        "stck_oprc": str(prices[0]),
        "stck_hgpr": str(max(prices)),
        "stck_lwpr": str(min(prices)),
        "cntg_vol": str(sum(path.volumes[start:end])),
        "acml_tr_pbmn": str(path.turnover_so_far[end - 1]),
    }
