"""One trade as the exchange prints it: the price everything in between two bars is judged by.

A price step is called a tick here (`kis_core.market.tick`), so a trade that printed is a `Print`.
Made by the thousand per second at the open: plain integers in slots, nothing checked, nothing
converted that nobody may ask for. Who makes one checks it.
"""

from dataclasses import dataclass
from datetime import date, datetime

from kis_core.market.session import KST
from kis_core.market.symbol import Symbol


@dataclass(slots=True)
class Print:
    """One trade of `symbol`.

    `day` is the business date as YYYYMMDD and `hms` the exchange's time as HHMMSS, both as
    integers: they compare and group as they are. Prices are won; `change` is signed, against
    the day's base price. `open`, `high` and `low` are the day's so far, `quantity` the shares of
    this trade, `volume` and `turnover` the day's shares and won up to and including it: the
    exchange gives no sequence number, so `volume` is what orders the prints of one day.
    """

    symbol: Symbol
    day: int
    hms: int
    price: int
    change: int
    open: int
    high: int
    low: int
    quantity: int
    volume: int
    turnover: int
    is_halted: bool

    @property
    def at(self) -> datetime:
        """When it traded, aware, KST, to the second. Raises ValueError for no real instant."""
        day, hms = self.day, self.hms
        return datetime(
            day // 10_000,
            day // 100 % 100,
            day % 100,
            hms // 10_000,
            hms // 100 % 100,
            hms % 100,
            tzinfo=KST,
        )

    @property
    def base(self) -> int:
        """The day's base price, from which `change` is counted."""
        return self.price - self.change

    def is_later_than(self, other: "Print") -> bool:
        """Whether it traded after `other`, a print of the same symbol; a repeat did not."""
        return (self.day, self.volume, self.hms) > (other.day, other.volume, other.hms)


def day_number(day: date) -> int:
    """`day` as it stands in `Print.day`."""
    return day.year * 10_000 + day.month * 100 + day.day


def hms_number(instant: datetime) -> int:
    """The KST time of `instant` as it stands in `Print.hms`."""
    local = instant.astimezone(KST)
    return local.hour * 10_000 + local.minute * 100 + local.second
