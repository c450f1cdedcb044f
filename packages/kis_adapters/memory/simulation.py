"""Random sessions, seeded: a market that wanders, ports that fail, a process that dies anywhere.

Sessions are 40 minutes long, so that most of what happens is trouble. In the first 30 minutes
faults are injected; then the world is left alone until the day is closed, and what is known must
equal what happened at the broker. A simulation of one seed is the same every time. Every other
seed is a world with a stream, which has faults of its own.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from kis_adapters.memory.broker import Fault
from kis_adapters.memory.calendar import WeekdayCalendar
from kis_adapters.memory.invariants import always, settled
from kis_adapters.memory.mortal import Crash, Fate, mortal
from kis_adapters.memory.store import CommitFailure
from kis_adapters.memory.stream_trouble import StreamTrouble
from kis_adapters.memory.world import NAMESPACE, World
from kis_core.market.session import KST, Session, regular_session
from kis_core.market.symbol import Symbol
from kis_core.ports.broker import BrokerOrder
from kis_core.ports.calendar import Closed, Unconfirmed
from kis_core.risk.kill_switch import clear
from kis_core.risk.limits import RiskLimits
from kis_core.session.settings import SessionSettings
from kis_core.sizing.policy import Fixed
from kis_core.strategy.parameters import StrategyParameters

SYMBOLS = tuple(Symbol(f"00{n}930") for n in range(10, 14))
START_CASH = 50_000_000

_FIRST_DAY = date(2026, 3, 2)
_TICK = 100  # between 50,000 and 200,000 won
_LOWEST, _HIGHEST = 60_000, 180_000
_MARKET_STEP = timedelta(seconds=10)
_TROUBLE_ENDS = time(9, 30)
_DAY_ENDS = time(9, 55)
_LAG_MAX_S = 20  # below `settle_sell`: a list slower than we are told to wait is another matter

FAULTS: dict[str, tuple[Fault, ...]] = {
    "place": (
        Fault.REFUSE,
        Fault.RATE_LIMIT,
        Fault.LOSE_BEFORE,
        Fault.LOSE_AFTER,
        Fault.REJECT,
        Fault.MARKET_CLOSED,
    ),
    "cancel": (Fault.REFUSE, Fault.LOSE_BEFORE, Fault.LOSE_AFTER, Fault.FILL_FIRST),
    "orders_of": (Fault.UNAVAILABLE, Fault.LAGGING_LIST, Fault.REPEATED_ROWS),
    "account": (Fault.UNAVAILABLE, Fault.EMPTY_HOLDINGS),
}
COMMIT_FAILURES: tuple[CommitFailure, ...] = (
    "not_committed",
    "committed_but_unknown",
    "not_committed_but_unknown",
)


class Violation(AssertionError):
    """Something that may never be, with the seed and the instant that show it again."""


class ShortDays(WeekdayCalendar):
    """Weekdays from 09:00 to 09:40."""

    def session_of(self, session_date: date) -> Session | Closed | Unconfirmed:
        answer = super().session_of(session_date)
        if isinstance(answer, Closed):
            return answer
        return regular_session(session_date, closes=time(9, 40))


@dataclass(slots=True)
class Tally:
    """What a simulation met: a run that met nothing proves nothing."""

    sessions: int = 0
    steps: int = 0
    met: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Count another simulation's into this one."""
        self.sessions += other.sessions
        self.steps += other.steps
        self.met += other.met


@dataclass(slots=True)
class Simulation:
    """One world over several sessions. `trouble` scales how often something goes wrong."""

    seed: int
    trouble: float = 1.0
    tally: Tally = field(default_factory=Tally)
    fate: Fate = field(default_factory=Fate)
    rng: random.Random = field(init=False)
    world: World = field(init=False)
    _prices: dict[Symbol, int] = field(default_factory=dict)
    _down_until: datetime | None = None
    _stream: StreamTrouble = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        start = datetime.combine(_FIRST_DAY, time(8, 35), KST)
        self.world = World(
            start=start,
            settings=_settings(self.rng),
            calendar=ShortDays(),
            wrap=lambda ports: mortal(ports, self.fate),
            has_feed=self.seed % 2 == 1,
        )
        self._stream = StreamTrouble(self.world, self.tally.met, random.Random(~self.seed))
        self.world.broker.cash = START_CASH
        self._prices = {s: self.rng.randrange(70_000, 150_000, _TICK) for s in SYMBOLS}

    def run(self, sessions: int) -> Tally:
        """Live through `sessions` sessions. Raises Violation."""
        day = _FIRST_DAY
        for _ in range(sessions):
            self._live(day)
            day = self.world.calendar.sessions_after(day, 1)[0]
        self._count_orders()
        return self.tally

    def _live(self, day: date) -> None:
        clock = self.world.clock
        clock.set(datetime.combine(day, time(8, 35), KST))
        self._morning()
        trouble_ends = datetime.combine(day, _TROUBLE_ENDS, KST)
        for instant in _instants(clock.now(), datetime.combine(day, _DAY_ENDS, KST)):
            self._advance_to(instant)
            if clock.now() < trouble_ends:
                self._make_trouble()
            else:
                self._calm_down()
            self._trade(is_calm=clock.now() >= trouble_ends)
        self._report(settled(self.world, start_cash=START_CASH))
        self.tally.sessions += 1

    def _morning(self) -> None:
        """New bars overnight, and an operator who clears what only a person may clear."""
        world = self.world
        for symbol, price in self._prices.items():
            step = self.rng.choice((100, 300, 500))  # how far its levels are
            world.list_symbol(symbol, last_close=price, step=step)
        with world.store.unit_of_work() as uow:
            record = uow.risk()
            if record is not None and record.kill_switch is not None:
                equity = world.broker.account().equity
                uow.put_risk(clear(record, equity=equity, limits=world.settings.limits))
            for symbol in uow.halted_symbols():
                uow.clear_halted_symbol(symbol)
                self.tally.met["symbol halted"] += 1
        self._restart()

    def _advance_to(self, instant: datetime) -> None:
        """Let the engine run until `instant`; when it dies, a new one begins."""
        world = self.world
        while world.clock.now() < instant:
            try:
                wanted = world.engine.step()
            except Crash:
                self.tally.met["crash"] += 1
                self._restart()
                wanted = world.clock.now()
            self.tally.steps += 1
            self._report(always(world))
            world.clock.set(min(max(wanted or instant, world.clock.now()), instant))

    def _restart(self) -> None:
        """The next process; it may die in its turn."""
        self.fate.dies_after = None
        if self._happens(0.2):
            self.fate.dies_after = self.fate.calls + self.rng.randrange(1, 20)
        self.world.restart()

    def _make_trouble(self) -> None:
        rng, world, now = self.rng, self.world, self.world.clock.now()
        self._stream.make(self.trouble)
        world.broker.faults.clear()  # what nobody met is over
        if self._happens(0.20):
            call = rng.choice(("place", "place", *FAULTS))
            fault = rng.choice(FAULTS[call])
            world.broker.fail_next(call, *[fault] * rng.choice((1, 1, 2, 5)))
            self.tally.met[f"{call}: {fault}"] += 1
        if self._happens(0.04):
            at = world.store.commits + rng.randrange(1, 6)
            world.store.fails_at[at] = failure = rng.choice(COMMIT_FAILURES)
            self.tally.met[f"commit: {failure}"] += 1
        if self._happens(0.05):
            self.fate.dies_after = self.fate.calls + rng.randrange(1, 60)
        if self._happens(0.005):
            self._down_until = now + timedelta(seconds=rng.choice((15, 45, 120)))
            self.tally.met["market data down"] += 1
        world.market.is_down = self._down_until is not None and now < self._down_until
        if self._happens(0.01):
            world.market.blind ^= {rng.choice(SYMBOLS)}
            world.market.halted ^= {rng.choice(SYMBOLS)}
            self.tally.met["blind or halted"] += 1
        if self._happens(0.05):
            world.broker.fills_at_once = not world.broker.fills_at_once
        if self._happens(0.03):
            world.broker.list_lag = timedelta(seconds=rng.randrange(_LAG_MAX_S))
        if self._happens(0.005):
            world.clock.set(now - timedelta(seconds=rng.choice((1, 20, 180))))
            self.tally.met["clock went back"] += 1

    def _calm_down(self) -> None:
        world = self.world
        self.fate.dies_after = None
        self._stream.calm_down()
        world.broker.faults.clear()
        world.broker.fills_at_once = True
        world.broker.list_lag = timedelta(0)
        world.store.fails_at.clear()
        world.market.is_down = False
        world.market.blind.clear()
        world.market.halted.clear()

    def _trade(self, *, is_calm: bool) -> None:
        """Prices move, and what rests at the broker may fill, in part, or be refused."""
        world, now = self.world, self.world.clock.now()
        answer = world.calendar.session_of(now.date())
        if isinstance(answer, Session) and answer.opens_at <= now < answer.closes_at:
            for symbol in SYMBOLS:
                self._move(symbol)
            for order in [o for o in world.broker.orders if o.is_live]:
                self._serve(order, is_calm=is_calm)
            self._stream.print_and_notice(is_calm=is_calm)
        elif isinstance(answer, Session) and now >= answer.closes_at:
            world.broker.expire_all()

    def _move(self, symbol: Symbol) -> None:
        change = self.rng.choice((-3, -2, -1, 0, 0, 0, 1, 1, 2, 3)) * _TICK
        if self.rng.random() < 0.01:
            change *= 8
        self._prices[symbol] = min(_HIGHEST, max(_LOWEST, self._prices[symbol] + change))
        self.world.market.set_price(symbol, self._prices[symbol])

    def _serve(self, order: BrokerOrder, *, is_calm: bool) -> None:
        broker, rest = self.world.broker, order.quantity - order.filled_quantity
        chance = self.rng.random()
        if chance < 0.02 and not is_calm:
            broker.reject_at_exchange(order.broker_order_no)
            self.tally.met["refused by the exchange"] += 1
        elif (chance < 0.5 or is_calm) and broker.is_marketable(order):
            quantity = rest if is_calm else self.rng.randint(1, rest)
            broker.fill(order.broker_order_no, quantity)
            self.tally.met["partial fill"] += quantity < rest

    def _happens(self, chance: float) -> bool:
        return self.rng.random() < chance * self.trouble

    def _count_orders(self) -> None:
        for event in self.world.notifier.events:
            self.tally.met[f"told {event.kind}"] += 1
        for order in self.world.broker.orders:
            self.tally.met[f"{order.side} at the broker"] += 1

    def _report(self, wrong: list[str]) -> None:
        if wrong:
            at = self.world.clock.now().isoformat(sep=" ")
            raise Violation(f"seed {self.seed}, {at}: " + "; ".join(wrong))


def simulate(*, seed: int, sessions: int, sessions_each: int = 5, trouble: float = 1.0) -> Tally:
    """At least `sessions` sessions, in worlds of `sessions_each` seeded from `seed` upwards.

    Raises Violation at the first thing that is wrong; it names the seed of its world.
    """
    total = Tally()
    while total.sessions < sessions:
        world_seed = seed + total.sessions // sessions_each
        total.add(Simulation(seed=world_seed, trouble=trouble).run(sessions_each))
    return total


def _settings(rng: random.Random) -> SessionSettings:
    return SessionSettings(
        namespace=NAMESPACE,
        candidates=SYMBOLS,
        parameters=StrategyParameters(),
        limits=RiskLimits(
            daily_max_trades=6, max_consecutive_losses=4, max_positions=3, api_error_limit=12
        ),
        sizing=Fixed(shares=rng.choice((1, 3, 10))),
    )


def _instants(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        start += _MARKET_STEP
        yield start
