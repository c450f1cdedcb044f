"""The figures of a report as they are read: Korean names, units, thousands separators."""

from collections.abc import Sequence
from dataclasses import dataclass

from kis_adapters.report.model import Report, ReportTrade

NOTHING = "–"
MONTHS = tuple(range(1, 13))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure. `sign` is above 0 for what is good, below for what is bad, 0 for neither."""

    name: str
    value: str
    sign: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Trades taken together, by symbol or by exit reason; `pnl` and `costs` are won."""

    name: str
    trades: int
    wins: int
    pnl: int
    costs: int

    @property
    def win_rate_pct(self) -> float:
        """Trades with a gain in percent of all."""
        return 100.0 * self.wins / self.trades


@dataclass(frozen=True, slots=True, kw_only=True)
class YearRow:
    """Returns of a year in percent: its months (None: no session in it), and the whole."""

    year: str
    months: tuple[float | None, ...]
    whole: float


def figures(report: Report) -> list[Figure]:
    """The metrics, the most asked for first."""
    metrics = report.metrics()
    fall, against = metrics.drawdown, report.benchmark_return_pct
    turned = NOTHING if metrics.turnover is None else f"{metrics.turnover:.1f}회"
    return [
        _signed("총 수익률", metrics.total_return_pct),
        _signed("기준 수익률", against),
        _signed("연 수익률", metrics.annual_return_pct),
        Figure(name="최대 낙폭", value=percent(fall.pct)),
        Figure(name="가장 긴 낙폭", value=f"{fall.sessions:,}거래일"),
        Figure(name="샤프", value=ratio(metrics.sharpe)),
        Figure(name="소르티노", value=ratio(metrics.sortino)),
        Figure(name="칼마", value=ratio(metrics.calmar)),
        Figure(name="거래", value=f"{metrics.trades:,}건"),
        Figure(name="승률", value=percent(metrics.win_rate_pct)),
        Figure(name="손익비(총이익÷총손실)", value=ratio(metrics.profit_factor)),
        _signed_won("기대값(거래당)", metrics.expectancy),
        _signed_won("평균 이익", metrics.average_win),
        _signed_won("평균 손실", metrics.average_loss),
        Figure(name="평균 노출", value=percent(metrics.exposure_pct)),
        Figure(name="회전율(연)", value=turned),
    ]


def costs(report: Report) -> list[Figure]:
    """From the start to the end of the account, in won. What is left between the parts and the
    whole are the commissions of what is still held."""
    paid = report.commission + report.tax
    before = report.realised + sum(trade.costs for trade in report.trades)
    rest = report.equity[-1] - report.start - report.realised
    held = [Figure(name="보유 종목 평가손익과 그 밖", value=won(rest, sign=True))]
    if report.unrealised is not None:
        rest -= report.unrealised
        held = [
            Figure(name="보유 종목 평가손익", value=won(report.unrealised, sign=True)),
            Figure(name="보유 종목 매수 비용과 그 밖", value=won(rest, sign=True)),
        ]
    return [
        Figure(name="시작 자금", value=won(report.start)),
        Figure(name="끝난 거래의 손익(비용 전)", value=won(before, sign=True)),
        Figure(name="끝난 거래의 비용", value=won(report.realised - before, sign=True)),
        Figure(name="실현 손익(비용 뺌)", value=won(report.realised, sign=True)),
        *held,
        Figure(name="끝 자산", value=won(report.equity[-1])),
        Figure(name="수수료(모두)", value=won(report.commission)),
        Figure(name="거래세(모두)", value=won(report.tax)),
        Figure(name="비용 ÷ 시작 자금", value=percent(100.0 * paid / report.start)),
    ]


def years(monthly: Sequence[tuple[str, float]]) -> list[YearRow]:
    """`(YYYY-MM, percent)` as rows of years, the newest first; the months compound to the year."""
    found = dict(monthly)
    rows = []
    for year in sorted({name[:4] for name in found}, reverse=True):
        months = tuple(found.get(f"{year}-{month:02d}") for month in MONTHS)
        growth = 1.0
        for each in months:
            growth *= 1 + (each or 0.0) / 100
        rows.append(YearRow(year=year, months=months, whole=100 * (growth - 1)))
    return rows


def totals(trades: Sequence[ReportTrade], *, by: str) -> list[Total]:
    """Trades by "symbol" or by "reason", the largest gain first."""
    groups: dict[str, list[ReportTrade]] = {}
    for trade in trades:
        name = trade.reason if by == "reason" else label(trade.symbol, trade.name)
        groups.setdefault(name, []).append(trade)
    found = [
        Total(
            name=name,
            trades=len(group),
            wins=sum(trade.pnl > 0 for trade in group),
            pnl=sum(trade.pnl for trade in group),
            costs=sum(trade.costs for trade in group),
        )
        for name, group in groups.items()
    ]
    return sorted(found, key=lambda total: (-total.pnl, total.name))


def headline(report: Report) -> str:
    """The result in one line, for a console."""
    metrics = report.metrics()
    return (
        f"총 수익률 {percent(metrics.total_return_pct, sign=True)}"
        f" (기준 {percent(report.benchmark_return_pct, sign=True)}),"
        f" 최대 낙폭 {percent(metrics.drawdown.pct)}, 거래 {metrics.trades:,}건,"
        f" 승률 {percent(metrics.win_rate_pct)}, 샤프 {ratio(metrics.sharpe)}"
    )


def label(symbol: str, name: str) -> str:
    """`종목명(종목코드)`, or the code alone where no name is known (N-03)."""
    return f"{name}({symbol})" if name else symbol


def won(value: float | None, *, sign: bool = False) -> str:
    """Won with thousands separators; an absent value is a dash."""
    if value is None:
        return NOTHING
    return f"{value:+,.0f}원" if sign else f"{value:,.0f}원"


def percent(value: float | None, *, sign: bool = False) -> str:
    """Percent with two decimals."""
    if value is None:
        return NOTHING
    return f"{value:+.2f}%" if sign else f"{value:.2f}%"


def ratio(value: float | None) -> str:
    """A ratio with two decimals."""
    return NOTHING if value is None else f"{value:.2f}"


def _signed(name: str, value: float | None) -> Figure:
    return Figure(name=name, value=percent(value, sign=True), sign=_sign(value))


def _signed_won(name: str, value: float | None) -> Figure:
    return Figure(name=name, value=won(value, sign=True), sign=_sign(value))


def _sign(value: float | None) -> int:
    return 0 if not value else 1 if value > 0 else -1
