"""A whole small world in memory: market, broker, database and clock, with an engine in it.

What is durable (the store, the broker, the files) outlives the engine: `restart` throws the
engine away and builds a new one, as a killed process would be.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from kis_adapters.memory.broker import MemoryBroker
from kis_adapters.memory.calendar import WeekdayCalendar
from kis_adapters.memory.clock import ManualClock
from kis_adapters.memory.feed import MemoryFeed
from kis_adapters.memory.listening import (
    MemoryContextCache,
    MemoryKillSwitchFile,
    MemoryMirror,
    MemoryNotifier,
)
from kis_adapters.memory.market import MemoryMarket
from kis_adapters.memory.mortal import BrittleStore
from kis_core.market.bar import Bar
from kis_core.market.session import KST, Session
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.risk.limits import RiskLimits
from kis_core.session.engine import Engine, Ports
from kis_core.session.settings import SessionSettings
from kis_core.strategy.parameters import StrategyParameters

SAMSUNG, HYNIX, KAKAO = Symbol("005930"), Symbol("000660"), Symbol("035720")
NAMESPACE = Namespace(mode=TradingMode.PAPER, account="9900000101")
TUESDAY = date(2026, 11, 24)


def trending_bars(
    calendar: WeekdayCalendar, *, before: date, last_close: int, count: int = 120, step: int = 100
) -> tuple[Bar, ...]:
    """Bars that rise by `step` won a session up to `last_close`: a strong trend whose true range
    is `4 × step` every day, so ATR is exactly that and ADX is near 100."""
    bars: list[Bar] = []
    day, close = before, last_close
    for _ in range(count):
        day = calendar.session_before(day)
        bars.append(
            Bar(
                session_date=day,
                open=Won(close - step),
                high=Won(close + step),
                low=Won(close - 3 * step),
                close=Won(close),
                volume=1_000,
            )
        )
        close -= step
    return tuple(reversed(bars))


@dataclass(slots=True)
class World:
    """Everything an engine needs, in memory; `run_until` moves it through the day. `wrap` may put
    something between the engine and its ports. With `has_feed`, quotes come by a stream, a new one
    for each engine."""

    start: datetime = field(
        default_factory=lambda: (
            datetime.combine(TUESDAY, datetime.min.time(), KST) + timedelta(hours=8, minutes=30)
        )
    )
    settings: SessionSettings = field(
        default_factory=lambda: SessionSettings(
            namespace=NAMESPACE,
            candidates=(SAMSUNG,),
            parameters=StrategyParameters(),
            limits=RiskLimits(),
        )
    )
    clock: ManualClock = field(init=False)
    calendar: WeekdayCalendar = field(default_factory=WeekdayCalendar)
    market: MemoryMarket = field(init=False)
    broker: MemoryBroker = field(init=False)
    store: BrittleStore = field(init=False)
    notifier: MemoryNotifier = field(default_factory=MemoryNotifier)
    mirror: MemoryMirror = field(default_factory=MemoryMirror)
    cache: MemoryContextCache = field(default_factory=MemoryContextCache)
    kill_switch: MemoryKillSwitchFile = field(default_factory=MemoryKillSwitchFile)
    wrap: Callable[[Ports], Ports] = field(default=lambda ports: ports)
    has_feed: bool = False
    feed: MemoryFeed = field(init=False)
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.clock = ManualClock(self.start)
        self.market = MemoryMarket(clock=self.clock)
        self.broker = MemoryBroker(
            clock=self.clock,
            price_of=self.market.last,
            settles_on=lambda day: self.calendar.sessions_after(day, 2)[-1],
        )
        self.store = BrittleStore(self.settings.namespace)
        self.restart()

    def restart(self) -> None:
        """Throw the engine away and build a new one from what is durable."""
        self.feed = MemoryFeed(self.market, clock=self.clock)
        today = self.calendar.session_of(self.clock.now().date())
        if isinstance(today, Session):
            self.feed.begin(today)
        ports = Ports(
            clock=self.clock,
            calendar=self.calendar,
            market_data=self.market,
            broker=self.broker,
            store=self.store,
            notifier=self.notifier,
            mirror=self.mirror,
            context_cache=self.cache,
            kill_switch_file=self.kill_switch,
            feed=self.feed if self.has_feed else None,
        )
        self.engine = Engine(self.wrap(ports), self.settings)

    def list_symbol(self, symbol: Symbol, *, last_close: int, step: int = 100) -> None:
        """Give `symbol` a trending history up to yesterday's `last_close`."""
        self.market.bars[symbol] = trending_bars(
            self.calendar, before=self.clock.now().date(), last_close=last_close, step=step
        )

    def run_until(self, instant: datetime) -> None:
        """Let the engine run, sleeping as it asks, until `instant` (or until it is finished)."""
        while self.clock.now() <= instant and not self.engine.is_finished:
            wanted = self.engine.step()
            if wanted is None or wanted > instant:
                break
            self.clock.sleep_until(max(wanted, self.clock.now()))
        if self.clock.now() < instant:
            self.clock.set(instant)

    def run_for(self, **duration: float) -> None:
        """`run_until` that much later."""
        self.run_until(self.clock.now() + timedelta(**duration))

    def at(self, hour: int, minute: int, second: int = 0) -> datetime:
        """That time of the present day, KST."""
        return self.clock.now().replace(hour=hour, minute=minute, second=second, microsecond=0)

    def tune(self, **changes: object) -> None:
        """Change settings and restart with them."""
        self.settings = replace(self.settings, **changes)  # type: ignore[arg-type]  # names are checked by replace
        self.restart()
