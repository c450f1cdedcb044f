"""One purchase and one sale, with everything that can go wrong while they are made, one by one.

No sampling: the process dies after every single call, under every fault of the broker and every
outcome of every commit. Whatever happened, once the world has settled the intention must have
been carried out exactly once, or not at all where the broker said no.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

from kis_adapters.memory.broker import Fault
from kis_adapters.memory.calendar import WeekdayCalendar
from kis_adapters.memory.invariants import always, settled
from kis_adapters.memory.listening import MemoryContextCache
from kis_adapters.memory.mortal import Crash, Fate, mortal
from kis_adapters.memory.simulation import COMMIT_FAILURES, FAULTS
from kis_adapters.memory.store import CommitFailure
from kis_adapters.memory.world import SAMSUNG, TUESDAY, World, trending_bars
from kis_core.market.bar import Bar
from kis_core.orders.identity import Side

_CASH = 10_000_000
_LAST_CLOSE, _BREAKOUT, _BELOW_STOP = 70_000, 70_200, 69_000
_SLOW = "slow"  # the broker fills nothing before the order was taken off once
_DANGER = timedelta(seconds=20)  # from the decision on: faults, failing commits, death
_SETTLED = timedelta(minutes=8)
_WATCHED_COMMITS = 6  # the intent, the answer, the fill, and what stands around them


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One combination. `commit` counts from the start of the danger; 0 is before none."""

    side: Side
    call: str | None = None
    fault: Fault | None = None
    is_slow: bool = False
    commit: int = 0
    failure: CommitFailure | None = None
    dies_after: int | None = None


def cases(side: Side) -> Iterator[Case]:
    """Every combination but the moment of death."""
    faults: list[tuple[str | None, Fault | None]] = [(None, None)]
    faults += [(call, fault) for call, all_ in FAULTS.items() for fault in all_]
    commits: list[tuple[int, CommitFailure | None]] = [(0, None)]
    commits += [(at, how) for at in range(1, _WATCHED_COMMITS + 1) for how in COMMIT_FAILURES]
    for call, fault in faults:
        for commit, failure in commits:
            is_slow = call == "cancel"
            yield Case(
                side=side, call=call, fault=fault, is_slow=is_slow, commit=commit, failure=failure
            )


def with_deaths(case: Case) -> Iterator[tuple[Case, list[str]]]:
    """Live through `case` without dying, then dying after each call that it made; each with
    what was wrong."""
    wrong, calls = live(case)
    yield case, wrong
    for call in range(1, calls + 1):
        dying = replace(case, dies_after=call)
        yield dying, live(dying)[0]


def live(case: Case) -> tuple[list[str], int]:
    """Live through one case: what was wrong, and how many calls were made in the danger."""
    fate = Fate()
    world = _world_before(case.side, fate)
    _endanger(world, case, fate)
    calls_before = fate.calls
    wrong: list[str] = []
    danger_ends = world.clock.now() + _DANGER
    _run(world, fate, until=danger_ends, wrong=wrong)
    calls = fate.calls - calls_before
    fate.dies_after = None
    world.broker.faults.clear()
    world.store.fails_at.clear()
    world.broker.fills_at_once = True
    for order in [o for o in world.broker.orders if o.is_live]:
        if world.broker.is_marketable(order):
            world.broker.fill(order.broker_order_no, order.quantity - order.filled_quantity)
    _run(world, fate, until=danger_ends + _SETTLED, wrong=wrong)
    return wrong + settled(world, start_cash=_CASH) + _carried_out(world, case), calls


def _world_before(side: Side, fate: Fate) -> World:
    """A minute before the decision; for a sale, with the position that it will close."""
    world = World(wrap=lambda ports: mortal(ports, fate), cache=_prepared())
    orders = replace(
        world.settings.orders,
        fill_wait=timedelta(seconds=5),
        settle_buy=timedelta(seconds=20),
        settle_sell=timedelta(seconds=10),
    )
    world.market.bars[SAMSUNG] = _bars()
    world.market.set_price(SAMSUNG, _LAST_CLOSE)
    world.tune(orders=orders)
    world.run_until(world.at(9, 0, 30))
    if side is Side.SELL:
        world.market.set_price(SAMSUNG, _BREAKOUT)
        world.run_until(world.at(9, 3, 30))
    return world


def _endanger(world: World, case: Case, fate: Fate) -> None:
    """Stand at the second of the decision, with the price that calls for it."""
    world.run_until(world.clock.now() + timedelta(seconds=29))
    world.market.set_price(SAMSUNG, _BREAKOUT if case.side is Side.BUY else _BELOW_STOP)
    if case.call is not None and case.fault is not None:
        world.broker.fail_next(case.call, case.fault)
    world.broker.fills_at_once = not case.is_slow
    if case.failure is not None:
        world.store.fails_at[world.store.commits + case.commit] = case.failure
    if case.dies_after is not None:
        fate.dies_after = fate.calls + case.dies_after


def _run(world: World, fate: Fate, *, until: datetime, wrong: list[str]) -> None:
    while world.clock.now() < until:
        try:
            wanted = world.engine.step()
        except Crash:
            fate.dies_after = None
            world.restart()
            wanted = world.clock.now()
        wrong += always(world)
        world.clock.set(min(max(wanted or until, world.clock.now()), until))


def _carried_out(world: World, case: Case) -> list[str]:
    """Whether the intention came true, exactly once."""
    sides = [o.side for o in world.broker.orders if o.filled_quantity]
    buys, sells = sides.count(Side.BUY), sides.count(Side.SELL)
    if case.side is Side.SELL:
        return [] if (buys, sells) == (1, 1) else [f"{buys} purchases and {sells} sales filled"]
    is_refused = case.fault in (Fault.REJECT, Fault.MARKET_CLOSED)
    allowed = (0, 1) if is_refused else (1,)  # a fault that death forestalled refuses nothing
    return [] if buys in allowed and not sells else [f"{buys} purchases, {sells} sales filled"]


@cache
def _bars() -> tuple[Bar, ...]:
    return trending_bars(WeekdayCalendar(), before=TUESDAY, last_close=_LAST_CLOSE)


@cache
def _prepared() -> MemoryContextCache:
    """The day's contexts, computed once for all cases."""
    world = World()
    world.market.bars[SAMSUNG] = _bars()
    world.market.set_price(SAMSUNG, _LAST_CLOSE)
    world.run_until(world.at(9, 0, 30))
    return world.cache
