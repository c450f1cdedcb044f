"""What is listed on the simulated exchange.

Codes and names of well-known issues are public facts; prices, share counts and sectors are only
roughly theirs, because the market is invented. Made-up issues extend the list to any size.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from random import Random

from kis_core.market.symbol import Instrument, Market, Product, Symbol
from kis_sandbox.calendar import TradingCalendar

SYMBOLS_MAX = 2_600

_HALTED_SESSIONS_BEFORE_START = 10
_PAST_HALT = (40, 37)  # sessions before the start: a halt of three days that ended
_LISTED_SESSIONS_BEFORE_START = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A listed issue: what it is, and how its invented market starts.

    `anchor_price` is won around which its price wanders, `turnover` a normal day's traded won.
    `halts` are session-date ranges (first, last or None for open-ended) without trading.
    """

    instrument: Instrument
    anchor_price: int
    shares: int
    turnover: int
    sector: str
    is_index_member: bool = False
    is_managed: bool = False
    is_warned: bool = False
    listed_on: date | None = None
    halts: tuple[tuple[date, date | None], ...] = ()

    @property
    def symbol(self) -> Symbol:
        """The short code."""
        return self.instrument.symbol


_Row = tuple[str, str, str, int, int, int, str]
_EOK = 100_000_000

_WELL_KNOWN: tuple[_Row, ...] = (  # symbol, name, market, price, shares, turnover in 억원, sector
    ("005930", "삼성전자", "kospi", 70_000, 5_919_637_922, 9_000, "전기·전자"),
    ("000660", "SK하이닉스", "kospi", 210_000, 728_002_365, 8_000, "전기·전자"),
    ("373220", "LG에너지솔루션", "kospi", 380_000, 234_000_000, 1_200, "전기·전자"),
    ("207940", "삼성바이오로직스", "kospi", 1_050_000, 71_174_000, 700, "제약"),
    ("005380", "현대차", "kospi", 220_000, 209_416_191, 1_800, "운송장비·부품"),
    ("068270", "셀트리온", "kospi", 180_000, 217_000_000, 1_000, "제약"),
    ("035420", "NAVER", "kospi", 200_000, 158_437_008, 1_500, "IT 서비스"),
    ("105560", "KB금융", "kospi", 90_000, 393_528_423, 1_100, "기타금융"),
    ("005490", "POSCO홀딩스", "kospi", 320_000, 84_571_230, 1_000, "금속"),
    ("012330", "현대모비스", "kospi", 250_000, 93_000_000, 500, "운송장비·부품"),
    ("051910", "LG화학", "kospi", 300_000, 70_592_343, 700, "화학"),
    ("035720", "카카오", "kospi", 45_000, 443_600_000, 900, "IT 서비스"),
    ("055550", "신한지주", "kospi", 55_000, 509_300_000, 700, "기타금융"),
    ("015760", "한국전력", "kospi", 22_500, 641_964_077, 400, "전기·가스"),
    ("017670", "SK텔레콤", "kospi", 56_000, 214_790_053, 300, "통신"),
    ("034020", "두산에너빌리티", "kospi", 19_500, 640_561_146, 1_600, "기계·장비"),
    ("0126Z0", "삼성에피스홀딩스", "kospi", 410_000, 24_900_000, 350, "제약"),
    ("247540", "에코프로비엠", "kosdaq", 160_000, 97_801_344, 1_300, "전기·전자"),
    ("196170", "알테오젠", "kosdaq", 340_000, 53_300_000, 1_500, "제약"),
    ("086520", "에코프로", "kosdaq", 75_000, 133_000_000, 1_100, "금융"),
    ("035900", "JYP Ent.", "kosdaq", 62_000, 35_500_000, 200, "오락·문화"),
    ("293490", "카카오게임즈", "kosdaq", 17_000, 82_700_000, 150, "IT 서비스"),
    ("069500", "KODEX 200", "kospi", 36_000, 180_000_000, 2_000, "ETF"),
)
_HALTED: _Row = ("990010", "모의정지제약", "kosdaq", 3_120, 26_025_641, 10, "제약")
_MANAGED: _Row = ("990020", "모의관리산업", "kosdaq", 2_450, 31_000_000, 30, "기타제조")
_WARNED: _Row = ("990030", "모의경고바이오", "kosdaq", 8_400, 22_000_000, 120, "제약")
_NEW: _Row = ("0990Z0", "모의신규상장", "kosdaq", 31_000, 15_000_000, 200, "IT 서비스")
_PAST_HALTED = "293490"

DEFAULT_COUNT = len(_WELL_KNOWN) + 4


class Listing:
    """Every issue by its short code."""

    def __init__(self, issues: Iterable[Issue]) -> None:
        self._issues = {issue.symbol: issue for issue in issues}
        if not self._issues:
            raise ValueError("상장 종목이 없습니다")

    def __iter__(self) -> Iterator[Issue]:
        return iter(self._issues.values())

    def __len__(self) -> int:
        return len(self._issues)

    def find(self, symbol: str) -> Issue | None:
        """The issue with the short code `symbol`, or None."""
        return self._issues.get(Symbol(symbol))

    @property
    def symbols(self) -> list[Symbol]:
        """Every short code, in listing order."""
        return list(self._issues)


def default_listing(
    *, count: int | None, seed: int, start: date, calendar: TradingCalendar
) -> Listing:
    """The well-known issues and some with special states, extended or cut to `count`.

    `start` is the date on which the simulation begins. Raises ValueError for a count out of range.
    """
    wanted = DEFAULT_COUNT if count is None else count
    if not 1 <= wanted <= SYMBOLS_MAX:
        raise ValueError(f"종목 수는 1에서 {SYMBOLS_MAX} 사이여야 합니다: {wanted}")
    issues = [*_around(start, calendar), *_made_up(wanted - DEFAULT_COUNT, seed)]
    return Listing(issues[:wanted])


def known_issues() -> Iterator[Issue]:
    """The well-known issues, in their normal state."""
    for row in _WELL_KNOWN:
        yield _issue(row, is_index_member=row[2] == "kospi" and row[6] != "ETF")


def _around(start: date, calendar: TradingCalendar) -> Iterator[Issue]:
    """The default issues, their halts and listing days placed around `start`."""
    dates = calendar.dates
    index = dates.index(calendar.at_or_after(start))
    past = (dates[index - _PAST_HALT[0]], dates[index - _PAST_HALT[1]])
    for issue in known_issues():
        yield replace(issue, halts=(past,)) if issue.symbol == _PAST_HALTED else issue
    yield _issue(_HALTED, halts=((dates[index - _HALTED_SESSIONS_BEFORE_START], None),))
    yield _issue(_MANAGED, is_managed=True)
    yield _issue(_WARNED, is_warned=True)
    yield _issue(_NEW, listed_on=dates[index - _LISTED_SESSIONS_BEFORE_START])


def _issue(
    row: _Row,
    *,
    is_index_member: bool = False,
    is_managed: bool = False,
    is_warned: bool = False,
    listed_on: date | None = None,
    halts: tuple[tuple[date, date | None], ...] = (),
) -> Issue:
    symbol, name, market, price, shares, turnover, sector = row
    product = Product.ETF if sector == "ETF" else Product.STOCK
    return Issue(
        instrument=Instrument(
            symbol=Symbol(symbol), name=name, market=Market(market), product=product
        ),
        anchor_price=price,
        shares=shares,
        turnover=turnover * _EOK,
        sector=sector,
        is_index_member=is_index_member,
        is_managed=is_managed,
        is_warned=is_warned,
        listed_on=listed_on,
        halts=halts,
    )


def _made_up(count: int, seed: int) -> Iterator[Issue]:
    """Issues 800010, 800020, ...: prices and sizes spread over three decades, like a real board."""
    for n in range(max(0, count)):
        random = Random(f"{seed}:listing:{n}")
        price = int(10 ** random.uniform(3.1, 5.3))
        capital = int(10 ** random.uniform(10.7, 13.0))
        yield Issue(
            instrument=Instrument(
                symbol=Symbol(f"{800_010 + 10 * n:06d}"),
                name=f"모의{n + 1:04d}",
                market=Market.KOSPI if n % 3 == 0 else Market.KOSDAQ,
            ),
            anchor_price=price,
            shares=max(1_000_000, capital // price),
            turnover=max(50_000_000, int(capital * random.uniform(0.001, 0.01))),
            sector="기타제조",
        )
