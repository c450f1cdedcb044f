"""Commands of the operator while the engine runs: stop, go on, sell, and nothing twice."""

from collections import deque
from dataclasses import replace

import pytest

from kis_adapters.memory.broker import Fault
from kis_adapters.memory.world import SAMSUNG, World
from kis_core.orders.identity import Side
from kis_core.orders.order import OrderStatus
from kis_core.ports.notifier import EventKind
from kis_core.ports.operator_inbox import CommandKind, OperatorCommand, OperatorInbox
from kis_core.strategy.decision import Reason

_BREAKOUT = 70_300


class Phone(OperatorInbox):
    """An operator who gives commands to the engine of `world`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._given: deque[OperatorCommand] = deque()
        self._count = 0
        world.wrap = lambda ports: replace(ports, operator=self)
        world.restart()

    def take(self) -> tuple[OperatorCommand, ...]:
        taken = tuple(self._given)
        self._given.clear()
        return taken

    def give(self, kind: CommandKind, *, about: str = "", command_id: str = "") -> str:
        """Give a command and let the engine look at it; its id."""
        self._count += 1
        named = command_id or f"m{self._count}"
        symbol = SAMSUNG if kind in (CommandKind.SELL, CommandKind.KEEP) else None
        self._given.append(OperatorCommand(command_id=named, kind=kind, symbol=symbol, about=about))
        self._world.engine.step()
        return named

    def outcome(self, command_id: str) -> tuple[object, object]:
        """What was told about a command: outcome, and why it was not done."""
        told = [
            event.fields
            for event in self._world.notifier.of(EventKind.OPERATOR_COMMAND)
            if event.fields["command_id"] == command_id
        ]
        assert len(told) == 1, told
        return told[0]["outcome"], told[0]["why"]


@pytest.fixture
def phone(world: World) -> Phone:
    """At 08:30 with an operator."""
    return Phone(world)


def _held(world: World, phone: Phone) -> None:
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, _BREAKOUT)
    world.run_until(world.at(9, 5))
    assert world.engine.books.positions[SAMSUNG].quantity == 1


def _buys(world: World) -> int:
    with world.store.unit_of_work() as uow:
        orders = uow.orders_of(world.clock.now().date())
    return len([order for order in orders if order.intent.side is Side.BUY])


@pytest.mark.req("R-02", "N-05")
def test_a_kill_by_message_stops_entries_at_once_and_through_a_restart(
    world: World, phone: Phone
) -> None:
    world.run_until(world.at(9, 1, 30))

    said = phone.give(CommandKind.KILL, about="텔레그램 /kill: 뉴스")
    world.restart()
    world.market.set_price(SAMSUNG, _BREAKOUT)
    world.run_until(world.at(9, 30))

    assert phone.outcome(said) == ("done", "")
    assert _buys(world) == 0
    assert world.engine.books.risk is not None
    assert world.engine.books.risk.kill_switch == "텔레그램 /kill: 뉴스"
    told = [event.fields["reason"] for event in world.notifier.of(EventKind.KILL_SWITCH_ON)]
    assert told == ["텔레그램 /kill: 뉴스"]


@pytest.mark.req("R-02", "F-048")
def test_exits_go_on_while_the_operator_has_killed_entries(world: World, phone: Phone) -> None:
    _held(world, phone)

    phone.give(CommandKind.KILL)
    world.market.set_price(SAMSUNG, 69_400)  # the stop is 69,500
    world.run_for(minutes=3)

    assert SAMSUNG not in world.engine.books.positions


@pytest.mark.req("N-05")
def test_a_pause_stops_entries_until_it_is_lifted_without_a_kill_switch_being_told(
    world: World, phone: Phone
) -> None:
    world.run_until(world.at(9, 1, 30))
    phone.give(CommandKind.PAUSE)
    world.market.set_price(SAMSUNG, _BREAKOUT)
    world.run_until(world.at(9, 10))
    during = _buys(world)

    phone.give(CommandKind.RESUME)
    world.run_until(world.at(9, 20))

    assert (during, _buys(world)) == (0, 1)
    assert world.notifier.of(EventKind.KILL_SWITCH_ON) == []


@pytest.mark.req("N-05", "R-07")
def test_a_pause_survives_a_restart(world: World, phone: Phone) -> None:
    world.run_until(world.at(9, 1, 30))
    phone.give(CommandKind.PAUSE)

    world.restart()
    world.market.set_price(SAMSUNG, _BREAKOUT)
    world.run_until(world.at(9, 30))

    assert _buys(world) == 0


@pytest.mark.req("R-02")
def test_a_kill_during_a_pause_is_not_lifted_with_the_pause(world: World, phone: Phone) -> None:
    world.run_until(world.at(9, 1, 30))
    phone.give(CommandKind.PAUSE)
    phone.give(CommandKind.KILL, about="뉴스")

    said = phone.give(CommandKind.RESUME)

    assert phone.outcome(said)[0] == "refused"
    assert world.engine.books.risk is not None
    assert world.engine.books.risk.kill_switch == "뉴스"


@pytest.mark.req("R-02", "N-05")
def test_a_kill_switch_is_cleared_only_for_the_reason_that_was_shown(
    world: World, phone: Phone
) -> None:
    world.run_until(world.at(9, 1, 30))
    phone.give(CommandKind.KILL, about="뉴스")

    other = phone.give(CommandKind.CLEAR_KILL_SWITCH, about="API 오류 5회")
    still = world.engine.books.risk
    same = phone.give(CommandKind.CLEAR_KILL_SWITCH, about="뉴스")

    assert still is not None
    assert still.kill_switch == "뉴스"
    assert phone.outcome(other)[0] == "refused"
    assert phone.outcome(same) == ("done", "")
    assert world.engine.books.risk is not None
    assert world.engine.books.risk.kill_switch is None
    assert [e.fields["reason"] for e in world.notifier.of(EventKind.KILL_SWITCH_OFF)] == ["뉴스"]


@pytest.mark.req("R-02")
def test_a_switch_of_the_file_is_not_cleared_by_message(world: World, phone: Phone) -> None:
    world.kill_switch.text = "정전 예고"
    world.run_until(world.at(9, 1, 30))

    resumed = phone.give(CommandKind.RESUME)
    cleared = phone.give(CommandKind.CLEAR_KILL_SWITCH)

    for said in (resumed, cleared):
        outcome, why = phone.outcome(said)
        assert outcome == "refused"
        assert "정전 예고" in str(why)
    assert world.engine.books.risk is not None


@pytest.mark.req("N-05", "O-02")
def test_a_sale_by_message_sells_at_once_once_and_is_not_bought_back_that_day(
    world: World, phone: Phone
) -> None:
    _held(world, phone)

    first = phone.give(CommandKind.SELL)
    again = phone.give(CommandKind.SELL)
    world.run_for(minutes=2)
    sold_at = world.clock.now()
    world.run_until(world.at(10, 0))  # the breakout still stands

    with world.store.unit_of_work() as uow:
        orders = uow.orders_of(sold_at.date())
    sales = [order for order in orders if order.intent.side is Side.SELL]
    assert phone.outcome(first) == ("done", "")
    assert phone.outcome(again) == ("done", "")
    assert [(o.intent.reason, o.status) for o in sales] == [
        (Reason.BY_OPERATOR, OrderStatus.FILLED)
    ]
    assert SAMSUNG not in world.engine.books.positions
    assert _buys(world) == 1


@pytest.mark.req("N-05")
def test_a_sale_that_was_confirmed_is_carried_out_by_the_next_process(
    world: World, phone: Phone
) -> None:
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, _BREAKOUT)
    world.run_until(world.at(15, 40))  # after the close: nothing can be sold now

    phone.give(CommandKind.SELL)
    world.restart()
    world.run_until(world.at(23, 0))
    held_at_night = SAMSUNG in world.engine.books.positions
    world.run_for(hours=10, minutes=5)

    assert held_at_night
    assert SAMSUNG not in world.engine.books.positions


@pytest.mark.req("N-05")
def test_a_sale_that_waits_can_be_taken_back(world: World, phone: Phone) -> None:
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, _BREAKOUT)
    world.run_until(world.at(15, 40))
    phone.give(CommandKind.SELL)

    kept = phone.give(CommandKind.KEEP)
    nothing = phone.give(CommandKind.KEEP)
    world.run_for(hours=17, minutes=25)

    assert phone.outcome(kept) == ("done", "")
    assert phone.outcome(nothing)[0] == "refused"
    assert SAMSUNG in world.engine.books.positions


@pytest.mark.req("N-05", "O-10")
def test_a_sale_that_the_broker_refuses_is_parked_and_tried_again(
    world: World, phone: Phone
) -> None:
    _held(world, phone)
    world.broker.fail_next("place", Fault.REJECT)

    phone.give(CommandKind.SELL)
    parked = world.engine.books.pending_exits[SAMSUNG]
    world.run_for(minutes=7)

    assert (parked.reason, parked.attempts) == (Reason.BY_OPERATOR, 1)
    assert SAMSUNG not in world.engine.books.positions


def test_what_is_not_held_is_not_sold(world: World, phone: Phone) -> None:
    world.run_until(world.at(9, 1))

    said = phone.give(CommandKind.SELL)

    assert phone.outcome(said) == ("refused", "보유하지 않은 종목입니다.")
    assert SAMSUNG not in world.engine.books.pending_exits


def test_the_same_message_is_carried_out_once(world: World, phone: Phone) -> None:
    world.run_until(world.at(9, 1))
    phone.give(CommandKind.PAUSE, command_id="17")
    phone.give(CommandKind.RESUME, command_id="18")

    phone.give(CommandKind.PAUSE, command_id="17")

    assert world.engine.books.risk is not None
    assert world.engine.books.risk.kill_switch is None


@pytest.mark.req("D-06", "R-02")
def test_a_kill_waits_for_a_database_that_does_not_answer(world: World, phone: Phone) -> None:
    world.run_until(world.at(9, 1))
    world.store.fail_next_commit("not_committed")

    said = phone.give(CommandKind.KILL)
    told_early = world.notifier.of(EventKind.OPERATOR_COMMAND)
    world.run_for(minutes=1)

    assert told_early == []
    assert phone.outcome(said) == ("done", "")


@pytest.mark.req("N-05")
def test_a_command_before_the_first_session_of_an_account_waits_for_it(
    world: World, phone: Phone
) -> None:
    said = phone.give(CommandKind.KILL)

    world.run_until(world.at(9, 30))

    assert phone.outcome(said) == ("done", "")
    assert _buys(world) == 0
