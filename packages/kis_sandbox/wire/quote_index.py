"""Index endpoints: made from the listed issues of a board. Source: kis-wire 4.14 to 4.16.

The index is the average change of the board's first issues since the first day, weighted equally:
a number that moves with the market, without being anybody's index.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from kis_core.market.bar import Bar
from kis_core.market.symbol import Market
from kis_sandbox.listing import Issue
from kis_sandbox.sandbox import Sandbox
from kis_sandbox.tape import bar_of
from kis_sandbox.wire.answer import Answer, Row, percent, quoted, sign_of
from kis_sandbox.wire.call import Call

CHART_FIELDS = (
    "FID_COND_MRKT_DIV_CODE",
    "FID_INPUT_ISCD",
    "FID_INPUT_DATE_1",
    "FID_INPUT_DATE_2",
    "FID_PERIOD_DIV_CODE",
)
DAILY_FIELDS = CHART_FIELDS[:3] + CHART_FIELDS[4:]

_MEMBERS_MAX = 8  # enough to look like a market, few enough to be quick
_CHART_ROWS, _DAILY_ROWS = 50, 100
_NAMES = {"0001": "종합", "1001": "KOSDAQ", "2001": "KOSPI200"}
_START = {"0001": 2_650.0, "1001": 870.0, "2001": 355.0}
_THOUSAND, _MILLION = 1_000, 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _IndexDay:
    """One day of an index; volume in shares, turnover in won."""

    on: date
    open: float
    high: float
    low: float
    close: float
    volume: int
    turnover: int


def index_price(sandbox: Sandbox, call: Call) -> Answer:
    """The index now."""
    days = _days(sandbox, call.field("FID_INPUT_ISCD"))
    if not days:
        return quoted(output={})
    now, before = days[-1], days[-2]
    year = [day for day in days if day.on.year == now.on.year]
    high = max(year, key=lambda day: day.high)
    low = min(year, key=lambda day: day.low)
    up, flat, down = _breadth(sandbox, call.field("FID_INPUT_ISCD"))
    output = {
        **_change(now, before),
        **_volumes(now, before),
        "bstp_nmix_oprc": f"{now.open:.2f}",
        "prdy_nmix_vrss_nmix_oprc": f"{now.open - before.close:.2f}",
        "oprc_vrss_prpr_sign": sign_of(_hundredths(now.close - now.open)),
        "bstp_nmix_oprc_prdy_ctrt": percent(now.open - before.close, before.close),
        "bstp_nmix_hgpr": f"{now.high:.2f}",
        "prdy_nmix_vrss_nmix_hgpr": f"{now.high - before.close:.2f}",
        "hgpr_vrss_prpr_sign": sign_of(_hundredths(now.close - now.high)),
        "bstp_nmix_hgpr_prdy_ctrt": percent(now.high - before.close, before.close),
        "bstp_nmix_lwpr": f"{now.low:.2f}",
        "prdy_clpr_vrss_lwpr": f"{now.low - before.close:.2f}",
        "lwpr_vrss_prpr_sign": sign_of(_hundredths(now.close - now.low)),
        "prdy_clpr_vrss_lwpr_rate": percent(now.low - before.close, before.close),
        "ascn_issu_cnt": str(up),
        "uplm_issu_cnt": "0",
        "stnr_issu_cnt": str(flat),
        "down_issu_cnt": str(down),
        "lslm_issu_cnt": "0",
        "dryy_bstp_nmix_hgpr": f"{high.high:.2f}",
        "dryy_hgpr_vrss_prpr_rate": percent(now.close - high.high, high.high),
        "dryy_bstp_nmix_hgpr_date": f"{high.on:%Y%m%d}",
        "dryy_bstp_nmix_lwpr": f"{low.low:.2f}",
        "dryy_lwpr_vrss_prpr_rate": percent(now.close - low.low, low.low),
        "dryy_bstp_nmix_lwpr_date": f"{low.on:%Y%m%d}",
        "total_askp_rsqn": "0",
        "total_bidp_rsqn": "0",
        "seln_rsqn_rate": "0",
        "shnu_rsqn_rate": "0",
        "ntby_rsqn": "0",
    }
    return quoted(output=output)


def index_chart(sandbox: Sandbox, call: Call) -> Answer:
    """At most fifty days of an index, newest first."""
    code = call.field("FID_INPUT_ISCD")
    first, last = call.day("FID_INPUT_DATE_1"), call.day("FID_INPUT_DATE_2")
    days = _days(sandbox, code)
    if not days:
        return quoted(output1={}, output2=[])
    now, before = days[-1], days[-2]
    rows = [_chart_row(day) for day in reversed(days) if first <= day.on <= last]
    volumes = _volumes(now, before)
    output1 = {
        **_change(now, before),
        "prdy_nmix": f"{before.close:.2f}",
        "acml_vol": volumes["acml_vol"],
        "acml_tr_pbmn": volumes["acml_tr_pbmn"],
        "hts_kor_isnm": _NAMES[code],
        "bstp_cls_code": code,
        "prdy_vol": volumes["prdy_vol"],
        "bstp_nmix_oprc": f"{now.open:.2f}",
        "bstp_nmix_hgpr": f"{now.high:.2f}",
        "bstp_nmix_lwpr": f"{now.low:.2f}",
        "futs_prdy_oprc": f"{before.open:.2f}",
        "futs_prdy_hgpr": f"{before.high:.2f}",
        "futs_prdy_lwpr": f"{before.low:.2f}",
    }
    return quoted(output1=output1, output2=rows[:_CHART_ROWS])


def index_daily(sandbox: Sandbox, call: Call) -> Answer:
    """At most a hundred days of an index up to a date, newest first."""
    code = call.field("FID_INPUT_ISCD")
    last = call.day("FID_INPUT_DATE_1")
    days = _days(sandbox, code)
    if not days:
        return quoted(output1={}, output2=[])
    now, before = days[-1], days[-2]
    year = [day for day in days if day.on.year == now.on.year]
    high = max(year, key=lambda day: day.high)
    low = min(year, key=lambda day: day.low)
    up, flat, down = _breadth(sandbox, code)
    output1 = {
        **_change(now, before),
        **_volumes(now, before),
        "bstp_nmix_oprc": f"{now.open:.2f}",
        "bstp_nmix_hgpr": f"{now.high:.2f}",
        "bstp_nmix_lwpr": f"{now.low:.2f}",
        "ascn_issu_cnt": str(up),
        "down_issu_cnt": str(down),
        "stnr_issu_cnt": str(flat),
        "uplm_issu_cnt": "0",
        "lslm_issu_cnt": "0",
        "dryy_bstp_nmix_hgpr_date": f"{high.on:%Y%m%d}",
        "dryy_bstp_nmix_hgpr": f"{high.high:.2f}",
        "dryy_bstp_nmix_lwpr": f"{low.low:.2f}",
        "dryy_bstp_nmix_lwpr_date": f"{low.on:%Y%m%d}",
    }
    asked = [pair for pair in zip(days[1:], days, strict=False) if pair[0].on <= last]
    rows = [_daily_row(day, prior, days) for day, prior in reversed(asked[-_DAILY_ROWS:])]
    return quoted(output1=output1, output2=rows)


def _members(sandbox: Sandbox, code: str) -> list[Issue]:
    market = Market.KOSDAQ if code == "1001" else Market.KOSPI
    issues = [i for i in sandbox.listing if i.instrument.market is market and not i.listed_on]
    return issues[:_MEMBERS_MAX]


def _days(sandbox: Sandbox, code: str) -> list[_IndexDay]:
    """The index from its first day to now; nothing for an unknown code."""
    if code not in _START:
        return []
    tape = sandbox.exchange.tape
    shown = tape.quote_date(sandbox.exchange.now)
    series: list[list[Bar]] = []
    for issue in _members(sandbox, code):
        bars = tape.bars(issue.symbol, shown - timedelta(days=1))
        state = sandbox.exchange.state(issue.symbol)
        if bars and state is not None:
            series.append([*bars, bar_of(state.day.path, shown, state.day.base, state.count)])
    if not series:
        return []
    scale = _START[code] / len(series)
    firsts = [int(bars[0].close) for bars in series]
    return [_index_day(bars, firsts, scale) for bars in zip(*series, strict=False)]


def _index_day(bars: tuple[Bar, ...], firsts: list[int], scale: float) -> _IndexDay:
    def level(prices: list[int]) -> float:
        pairs = zip(prices, bars, firsts, strict=False)
        return scale * sum((price or bar.close) / first for price, bar, first in pairs)

    return _IndexDay(
        on=bars[0].session_date,
        open=level([int(bar.open) for bar in bars]),
        high=level([int(bar.high) for bar in bars]),
        low=level([int(bar.low) for bar in bars]),
        close=level([int(bar.close) for bar in bars]),
        volume=sum(bar.volume for bar in bars),
        turnover=sum(bar.volume * bar.close for bar in bars),
    )


def _breadth(sandbox: Sandbox, code: str) -> tuple[int, int, int]:
    """How many members are up, flat and down."""
    states = (sandbox.exchange.state(issue.symbol) for issue in _members(sandbox, code))
    changes = [state.change for state in states if state is not None]
    up, down = sum(c > 0 for c in changes), sum(c < 0 for c in changes)
    return up, len(changes) - up - down, down


def _hundredths(points: float) -> int:
    return round(points * 100)


def _change(now: _IndexDay, before: _IndexDay) -> Row:
    change = now.close - before.close
    return {
        "bstp_nmix_prpr": f"{now.close:.2f}",
        "bstp_nmix_prdy_vrss": f"{change:.2f}",
        "prdy_vrss_sign": sign_of(_hundredths(change)),
        "bstp_nmix_prdy_ctrt": percent(change, before.close),
    }


def _volumes(now: _IndexDay, before: _IndexDay) -> Row:
    """Thousands of shares and millions of won (the units are not sure on the real wire)."""
    return {
        "acml_vol": str(now.volume // _THOUSAND),
        "prdy_vol": str(before.volume // _THOUSAND),
        "acml_tr_pbmn": str(now.turnover // _MILLION),
        "prdy_tr_pbmn": str(before.turnover // _MILLION),
    }


def _chart_row(day: _IndexDay) -> Row:
    return {
        "stck_bsop_date": f"{day.on:%Y%m%d}",
        "bstp_nmix_prpr": f"{day.close:.2f}",
        "bstp_nmix_oprc": f"{day.open:.2f}",
        "bstp_nmix_hgpr": f"{day.high:.2f}",
        "bstp_nmix_lwpr": f"{day.low:.2f}",
        "acml_vol": str(day.volume // _THOUSAND),
        "acml_tr_pbmn": str(day.turnover // _MILLION),
        "mod_yn": "N",
    }


def _daily_row(day: _IndexDay, prior: _IndexDay, days: list[_IndexDay]) -> Row:
    index = days.index(day)
    recent = [one.close for one in days[max(0, index - 19) : index + 1]]
    mean = sum(recent) / len(recent)
    return {
        "stck_bsop_date": f"{day.on:%Y%m%d}",
        **_change(day, prior),
        "bstp_nmix_oprc": f"{day.open:.2f}",
        "bstp_nmix_hgpr": f"{day.high:.2f}",
        "bstp_nmix_lwpr": f"{day.low:.2f}",
        "acml_vol_rlim": "100.00",
        "acml_vol": str(day.volume // _THOUSAND),
        "acml_tr_pbmn": str(day.turnover // _MILLION),
        "invt_new_psdg": "50",
        "d20_dsrt": percent(day.close, mean),
    }
