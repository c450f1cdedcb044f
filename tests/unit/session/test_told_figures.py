"""Figures that are told: the risk status twice a day, and what a fill slipped by."""

import io
from datetime import timedelta

import pytest

from kis_adapters.console.console_notifier import ConsoleNotifier
from kis_adapters.memory.world import SAMSUNG, World
from kis_core.orders.slippage import slippage_bp
from kis_core.ports.notifier import EventKind
from kis_core.sizing.policy import Fixed


@pytest.mark.req("R-06")
def test_the_risk_status_is_told_at_the_start_and_at_the_close(holding: World) -> None:
    """One share of 70,300 at 70,900: nothing realised, 600 won by the broker's evaluation."""
    holding.market.set_price(SAMSUNG, 70_900)

    holding.run_until(holding.at(16, 0))

    told = holding.notifier.of(EventKind.RISK_STATUS)
    assert [event.at for event in told] == [holding.at(8, 40), holding.at(15, 32)]
    start, close = (event.fields for event in told)
    assert (start["realised_pnl"], start["evaluation_pnl"], start["entries"]) == (0, 0, 0)
    assert (close["realised_pnl"], close["evaluation_pnl"], close["entries"]) == (0, 600, 1)
    assert close["start_equity"] == 10_000_000


@pytest.mark.req("R-06")
def test_a_loss_taken_is_realised_and_no_longer_evaluated(holding: World) -> None:
    """Bought at 70,300, sold at 69,400: −900, the fees of 10 and 10 won (0.015 %, down to the
    won) and 0.20 % of tax on the sale, 138 won."""
    holding.market.set_price(SAMSUNG, 69_400)

    holding.run_until(holding.at(16, 0))

    close = holding.notifier.of(EventKind.RISK_STATUS)[-1].fields
    assert (close["realised_pnl"], close["evaluation_pnl"]) == (-900 - 10 - 10 - 138, 0)
    assert (close["consecutive_losses"], close["positions"]) == (1, 0)


@pytest.mark.req("R-06")
def test_the_risk_status_shows_both_figures_by_their_names(holding: World) -> None:
    holding.market.set_price(SAMSUNG, 70_900)
    holding.run_until(holding.at(16, 0))
    shown = io.StringIO()

    ConsoleNotifier(shown, name_of=lambda symbol: None).tell(
        holding.notifier.of(EventKind.RISK_STATUS)[-1]
    )

    text = shown.getvalue()
    assert "RISK MANAGER STATUS" in text
    [realised] = [line for line in text.splitlines() if "당일 실현 손익" in line]
    [evaluated] = [line for line in text.splitlines() if "계좌 평가손익" in line]
    assert "0원" in realised
    assert "600원" in evaluated


@pytest.mark.req("R-06", "R-02")
def test_the_risk_status_of_the_next_day_names_the_kill_switch(world: World) -> None:
    world.kill_switch.text = "휴가"

    world.run_until(world.at(8, 50))

    [told] = world.notifier.of(EventKind.RISK_STATUS)
    assert told.fields["kill_switch"] == "휴가"


@pytest.mark.req("R-06")
def test_the_next_session_has_a_status_of_its_own(world: World) -> None:
    world.run_until(world.at(16, 0))

    world.run_until(world.at(8, 59) + timedelta(days=1))

    assert len(world.notifier.of(EventKind.RISK_STATUS)) == 3


def _ten_shares(world: World, *fills: tuple[int, int]) -> None:
    """A purchase of ten at a signal of 70,300, filled as given: shares and price."""
    world.tune(sizing=Fixed(shares=10))
    world.broker.fills_at_once = False
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(world.at(9, 2, 1))
    for quantity, price in fills:
        world.broker.fill("1", quantity, price=price)
        world.run_for(seconds=5)


@pytest.mark.req("F-113")
def test_a_purchase_records_what_it_paid_above_its_signal(world: World) -> None:
    """3 at 70,300 and 7 at 70,500 are 703,000 + 1,400: 1,400 / 703,000 = 19.9147 bp."""
    _ten_shares(world, (3, 70_300), (7, 70_500))

    [part] = world.notifier.of(EventKind.ORDER_PARTIAL)
    [filled] = world.notifier.of(EventKind.ORDER_FILLED)
    with world.store.unit_of_work() as uow:
        [order] = uow.orders_of(world.clock.now().date())
    assert part.fields["slippage_bp"] == 0
    assert filled.fields["slippage_bp"] == pytest.approx(19.9147, abs=0.0001)
    assert slippage_bp(order) == filled.fields["slippage_bp"]  # the database has it for good
    assert filled.fields["reference"] == 70_300


@pytest.mark.req("F-113")
def test_a_sale_below_its_signal_is_adverse_and_above_it_favourable(holding: World) -> None:
    """Signal 69,400: sold at 69,000 it lost 400 / 69,400 = 57.6369 bp."""
    holding.broker.fills_at_once = False
    holding.market.set_price(SAMSUNG, 69_400)
    holding.run_until(holding.at(9, 6, 1))

    holding.broker.fill("2", 1, price=69_000)
    holding.run_until(holding.at(9, 6, 5))

    sold = holding.notifier.of(EventKind.ORDER_FILLED)[-1]
    assert sold.fields["slippage_bp"] == pytest.approx(57.6369, abs=0.0001)


@pytest.mark.req("F-113")
def test_slippage_of_an_entry_is_bounded_by_its_limit(world: World) -> None:
    """0.5 % above 70,300 is 70,651.5, up to the tick of 100 won: 70,700, 56.9 bp at the most."""
    _ten_shares(world)

    [order] = world.broker.orders
    assert order.price == 70_700


def test_an_order_without_a_fill_has_no_slippage(world: World) -> None:
    _ten_shares(world)

    with world.store.unit_of_work() as uow:
        [order] = uow.orders_of(world.clock.now().date())
    assert slippage_bp(order) is None
