"""What risk lets pass: every limit at its boundary, and what may always be sold."""

import copy
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from kis_core.market.cost import Commission
from kis_core.market.session import KST
from kis_core.market.symbol import Market, Product, Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side
from kis_core.risk.approval import Approved, OrderProposal, RefusalReason, Refused, approve
from kis_core.risk.limits import RiskLimits
from kis_core.risk.state import RiskRecord, RiskState

_NOW = datetime(2026, 3, 3, 10, 0, tzinfo=KST)
_RECORD = RiskRecord(
    session_date=date(2026, 3, 3), start_equity=10_000_000, high_water_mark=10_000_000
)
_STATE = RiskState(
    record=_RECORD,
    realised_pnl=0,
    entries=0,
    consecutive_losses=0,
    holdings=0,
    equity=10_000_000,
)
_LIMITS = RiskLimits(
    daily_max_loss_pct=2.0,
    daily_max_trades=3,
    max_consecutive_losses=2,
    max_positions=5,
    max_order_value=1_000_000,
    max_order_quantity=100,
    max_orders_per_minute=10,
)
_BUY = OrderProposal(
    symbol=Symbol("005930"),
    side=Side.BUY,
    quantity=10,
    order_type=OrderType.LIMIT,
    price=Won(10_000),
    reference=Won(10_000),
    worst_price=Won(9_500),
    upper_limit=Won(13_000),
    lower_limit=Won(7_000),
)
_SELL = replace(_BUY, side=Side.SELL, held_quantity=10, sellable_quantity=10)


def _ask(
    proposal: OrderProposal = _BUY,
    *,
    state: RiskState = _STATE,
    limits: RiskLimits = _LIMITS,
    orders_last_minute: int = 0,
) -> Approved | Refused:
    return approve(
        proposal,
        state=state,
        limits=limits,
        orders_last_minute=orders_last_minute,
        now=_NOW,
        commission=Commission(ppm=150),
        settles_on=date(2026, 3, 5),
    )


def _reason(answer: Approved | Refused) -> RefusalReason | None:
    return answer.reason if isinstance(answer, Refused) else None


def test_an_ordinary_entry_is_approved_as_it_was_proposed() -> None:
    answer = _ask()

    assert isinstance(answer, Approved)
    assert answer.proposal == _BUY


@pytest.mark.req("R-09")
def test_nothing_but_approval_makes_an_approved_order() -> None:
    approved = _ask()
    assert isinstance(approved, Approved)

    with pytest.raises(ValueError):
        Approved(proposal=_BUY, seal=object())
    with pytest.raises((TypeError, ValueError)):
        replace(approved, proposal=_SELL)  # type: ignore[call-arg]  # mypy refuses it too
    assert copy.copy(approved) == approved


@pytest.mark.req("R-02")
def test_the_kill_switch_blocks_entries_and_says_why() -> None:
    state = replace(_STATE, record=replace(_RECORD, kill_switch="점검"))

    answer = _ask(state=state)

    assert answer == Refused(reason=RefusalReason.KILL_SWITCH, limit=None, was="점검")


@pytest.mark.req("R-03")
@pytest.mark.parametrize(
    ("realised", "reason"),
    [(-199_999, RefusalReason.WORST_CASE_LOSS), (-200_000, RefusalReason.DAILY_LOSS)],
)
def test_a_realised_loss_of_two_percent_blocks_entries(
    realised: int, reason: RefusalReason
) -> None:
    # One won above the limit it is the order's own risk that is too much.
    assert _reason(_ask(state=replace(_STATE, realised_pnl=realised))) is reason


@pytest.mark.req("R-03")
def test_the_daily_loss_is_told_with_its_limit() -> None:
    answer = _ask(state=replace(_STATE, realised_pnl=-250_000))

    assert answer == Refused(reason=RefusalReason.DAILY_LOSS, limit=-200_000, was=-250_000)


@pytest.mark.req("R-03", "F-111")
def test_the_daily_limit_is_of_the_days_start_equity() -> None:
    # Half the account left: half the loss is allowed.
    half = replace(_RECORD, start_equity=5_000_000)

    answer = _ask(state=replace(_STATE, record=half, realised_pnl=-100_000))

    assert _reason(answer) is RefusalReason.DAILY_LOSS


@pytest.mark.req("R-03")
def test_an_account_worth_nothing_enters_nothing() -> None:
    broke = replace(_RECORD, start_equity=0)

    assert _reason(_ask(state=replace(_STATE, record=broke))) is RefusalReason.DAILY_LOSS


@pytest.mark.req("R-04", "F-055")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"entries": 2}, None),
        ({"entries": 3}, RefusalReason.DAILY_TRADES),
        ({"consecutive_losses": 1}, None),
        ({"consecutive_losses": 2}, RefusalReason.CONSECUTIVE_LOSSES),
        ({"holdings": 4}, None),
        ({"holdings": 5}, RefusalReason.MAX_POSITIONS),
    ],
)
def test_counts_block_entries_at_their_limit(
    changes: dict[str, int], reason: RefusalReason | None
) -> None:
    state = replace(_STATE, **changes)  # type: ignore[arg-type]  # whole-number fields only

    assert _reason(_ask(state=state)) is reason


@pytest.mark.req("R-04")
def test_the_rest_of_an_entry_that_filled_in_part_is_no_further_position() -> None:
    state = replace(_STATE, holdings=5)

    assert _reason(_ask(replace(_BUY, held_quantity=4), state=state)) is None


@pytest.mark.req("R-09", "T-13")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quantity": 100}, None),
        ({"quantity": 101}, RefusalReason.ORDER_QUANTITY),
        ({"quantity": 100, "price": Won(10_010)}, RefusalReason.ORDER_VALUE),
        ({"price": Won(10_500)}, None),  # the collar of 5 %, either way
        ({"price": Won(10_510)}, RefusalReason.PRICE_COLLAR),
        ({"price": Won(9_500)}, None),
        ({"price": Won(9_490)}, RefusalReason.PRICE_COLLAR),
        ({"price": Won(10_005)}, RefusalReason.OFF_TICK),
        ({"price": Won(10_000), "upper_limit": Won(9_990)}, RefusalReason.OUTSIDE_LIMITS),
        ({"price": Won(10_000), "upper_limit": Won(10_000)}, None),
        ({"price": Won(10_000), "lower_limit": Won(10_010)}, RefusalReason.OUTSIDE_LIMITS),
        ({"price": Won(10_000), "lower_limit": Won(10_000)}, None),
        ({"quantity": 0}, RefusalReason.INVALID),
        ({"quantity": -1}, RefusalReason.INVALID),
        ({"price": Won(0)}, RefusalReason.INVALID),
        ({"price": Won(-10)}, RefusalReason.INVALID),
        ({"reference": Won(0)}, RefusalReason.INVALID),
        ({"order_type": OrderType.MARKET, "price": Won(10)}, RefusalReason.INVALID),
        ({"order_type": OrderType.MARKET, "price": Won(0)}, None),
        (
            {"order_type": OrderType.MARKET, "price": Won(0), "reference": Won(100_001)},
            RefusalReason.ORDER_VALUE,
        ),
    ],
)
def test_an_absurd_purchase_is_refused(
    changes: dict[str, Any], reason: RefusalReason | None
) -> None:
    assert _reason(_ask(replace(_BUY, **changes))) is reason


@pytest.mark.req("R-09")
def test_only_so_many_orders_a_minute_may_be_purchases() -> None:
    assert _reason(_ask(orders_last_minute=9)) is None
    assert _reason(_ask(orders_last_minute=10)) is RefusalReason.ORDER_RATE


@pytest.mark.req("R-08")
@pytest.mark.parametrize(
    ("realised", "reason"), [(-194_780, None), (-194_781, RefusalReason.WORST_CASE_LOSS)]
)
def test_a_purchase_whose_worst_case_reaches_the_daily_limit_is_refused(
    realised: int, reason: RefusalReason | None
) -> None:
    # 10 shares 10,000 -> 9,500: 5,000 lost, commission 15 + 14 (95,000 x 0.015 % = 14.25),
    # tax 190 (0.20 %), together 5,219. The limit is 200,000: 200,000 - 5,219 = 194,781.
    assert _reason(_ask(state=replace(_STATE, realised_pnl=realised))) is reason


@pytest.mark.req("R-08")
def test_the_tax_in_the_worst_case_is_that_of_the_product() -> None:
    fund = replace(_BUY, product=Product.ETF)
    konex = replace(_BUY, market=Market.KONEX)
    # Without the tax of 190 the order may lose 5,029, with KONEX's 95 it may lose 5,124.
    state = replace(_STATE, realised_pnl=-194_970)

    assert _reason(_ask(fund, state=state)) is None
    assert _reason(_ask(fund, state=replace(_STATE, realised_pnl=-194_971))) is not None
    assert _reason(_ask(konex, state=replace(_STATE, realised_pnl=-194_875))) is None
    assert _reason(_ask(konex, state=replace(_STATE, realised_pnl=-194_876))) is not None


@pytest.mark.req("R-02", "F-048")
def test_no_limit_of_the_account_keeps_a_position_from_being_sold() -> None:
    state = RiskState(
        record=replace(_RECORD, kill_switch="점검"),
        realised_pnl=-9_000_000,
        entries=99,
        consecutive_losses=99,
        holdings=99,
        equity=1,
    )
    huge = replace(_SELL, quantity=5_000, held_quantity=5_000, sellable_quantity=5_000)

    for proposal in (_SELL, huge, replace(huge, order_type=OrderType.MARKET, price=Won(0))):
        assert isinstance(_ask(proposal, state=state, orders_last_minute=999), Approved)


@pytest.mark.req("O-11", "R-09", "F-029")
@pytest.mark.parametrize(
    ("held", "sellable", "reason"),
    [
        (10, 10, None),
        (10, 9, RefusalReason.BEYOND_SELLABLE),
        (9, 10, RefusalReason.BEYOND_SELLABLE),  # a broker that calls more sellable than held
        (0, 0, RefusalReason.BEYOND_SELLABLE),
    ],
)
def test_no_more_is_sold_than_is_held_and_sellable(
    held: int, sellable: int, reason: RefusalReason | None
) -> None:
    proposal = replace(_SELL, held_quantity=held, sellable_quantity=sellable)

    assert _reason(_ask(proposal)) is reason


@pytest.mark.req("R-09", "T-13")
@pytest.mark.parametrize(
    ("price", "reason"),
    [
        (7_000, None),  # far from the last price, but the day allows it
        (7_005, RefusalReason.OFF_TICK),
        (6_990, RefusalReason.OUTSIDE_LIMITS),
        (13_010, RefusalReason.OUTSIDE_LIMITS),
    ],
)
def test_a_sale_must_stand_where_the_market_takes_it(
    price: int, reason: RefusalReason | None
) -> None:
    assert _reason(_ask(replace(_SELL, price=Won(price)))) is reason


def test_the_first_limit_in_the_order_is_the_answer() -> None:
    """Everything is exceeded at once; each line repairs what the one before complained of."""
    state = RiskState(
        record=replace(_RECORD, kill_switch="점검"),
        realised_pnl=-199_999,
        entries=3,
        consecutive_losses=2,
        holdings=5,
        equity=1,
    )
    proposal = replace(_BUY, quantity=101, price=Won(10_600))
    seen = [_reason(_ask(proposal, state=state, orders_last_minute=10))]
    state = replace(state, record=_RECORD)
    seen.append(_reason(_ask(proposal, state=state, orders_last_minute=10)))
    state = replace(state, entries=0)
    seen.append(_reason(_ask(proposal, state=state, orders_last_minute=10)))
    state = replace(state, consecutive_losses=0)
    seen.append(_reason(_ask(proposal, state=state, orders_last_minute=10)))
    state = replace(state, holdings=0)
    seen.append(_reason(_ask(proposal, state=state, orders_last_minute=10)))
    proposal = replace(proposal, quantity=99)
    seen.append(_reason(_ask(proposal, state=state, orders_last_minute=10)))
    proposal = replace(proposal, quantity=10)
    seen.append(_reason(_ask(proposal, state=state, orders_last_minute=10)))
    seen.append(_reason(_ask(proposal, state=state)))
    seen.append(_reason(_ask(_BUY, state=state)))

    assert seen == [
        RefusalReason.KILL_SWITCH,
        RefusalReason.DAILY_TRADES,
        RefusalReason.CONSECUTIVE_LOSSES,
        RefusalReason.MAX_POSITIONS,
        RefusalReason.ORDER_QUANTITY,
        RefusalReason.ORDER_VALUE,
        RefusalReason.ORDER_RATE,
        RefusalReason.PRICE_COLLAR,
        RefusalReason.WORST_CASE_LOSS,
    ]


@pytest.mark.req("R-04", "R-05")
def test_the_default_limits_are_those_of_the_requirements() -> None:
    limits = RiskLimits()

    assert limits.daily_max_loss_pct == 2.0
    assert limits.daily_max_trades == 3
    assert limits.max_consecutive_losses == 2
    assert (limits.drawdown_warn_pct, limits.drawdown_stop_pct) == (10.0, 15.0)
    assert (limits.api_error_limit, limits.api_error_window_s) == (5, 600)
    assert limits.price_collar_pct == 5.0


@pytest.mark.parametrize(
    "changes",
    [
        {"daily_max_loss_pct": 0.0},
        {"daily_max_loss_pct": 100.1},
        {"daily_max_trades": 0},
        {"max_order_value": 0},
        {"price_collar_pct": float("nan")},
        {"drawdown_warn_pct": 15.1},
    ],
)
def test_a_limit_that_does_not_limit_is_refused_by_name(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        RiskLimits(**changes)
