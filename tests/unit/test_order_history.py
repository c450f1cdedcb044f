"""Every short history of an order, against a table written here by hand."""

import itertools
from datetime import date, datetime, timedelta

import pytest

from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.event import OrderEvent, OrderEventKind, OrderIntent, OrderType
from kis_core.orders.identity import Side
from kis_core.orders.order import IllegalTransition, Order, OrderStatus, born, fold

_K = OrderEventKind
_START = datetime(2026, 3, 3, 9, 1, tzinfo=KST)
_QUANTITY = 3
_INTENT = OrderIntent(
    order_id="a" * 16,
    idempotency_key="a" * 64,
    signal_id="2026-03-03:trend_atr:005930:buy:breakout:0",
    session_date=date(2026, 3, 3),
    symbol=Symbol("005930"),
    side=Side.BUY,
    quantity=_QUANTITY,
    order_type=OrderType.MARKET,
    price=Won(0),
    reference=Won(70_000),
    reason="breakout",
    leg=0,
    atr=1_000.0,
)

# What may happen in each state, and where it leads; "*" is decided by the filled quantity.
_LEGAL = {
    "PENDING": {
        "sending": "PENDING",
        "accepted": "SUBMITTED",
        "adopted": "SUBMITTED",
        "rejected": "FAILED",
        "not_sent": "FAILED",
        "not_received": "FAILED",
        "outcome_lost": "PENDING",
        "cancelled": "CANCELLED",
    },
    "SUBMITTED": {
        "filled": "*",
        "cancel_requested": "SUBMITTED",
        "cancel_refused": "SUBMITTED",
        "cancelled": "CANCELLED",
        "rejected": "FAILED",
    },
    "PARTIAL": {
        "filled": "*",
        "cancel_requested": "PARTIAL",
        "cancel_refused": "PARTIAL",
        "cancelled": "CANCELLED",
        "rejected": "CANCELLED",
    },
    "CANCELLED": {"filled": "*"},
    "FAILED": {"adopted": "SUBMITTED"},
    "FILLED": {},
}

Step = tuple[OrderEventKind, int]  # the kind, and the cumulative quantity of a fill
_STEPS: list[Step] = [(kind, 0) for kind in OrderEventKind if kind is not _K.FILLED]
_STEPS += [(_K.FILLED, quantity) for quantity in range(1, _QUANTITY + 2)]


def _event(sequence: int, step: Step) -> OrderEvent:
    kind, filled = step
    is_numbered = kind in (_K.ACCEPTED, _K.ADOPTED)
    return OrderEvent(
        order_id=_INTENT.order_id,
        sequence=sequence,
        kind=kind,
        at=_START + timedelta(seconds=sequence),
        intent=_INTENT if kind is _K.CREATED else None,
        broker_order_no="123" if is_numbered else None,
        broker_branch="06010" if is_numbered else None,
        filled_quantity=filled or None,
        filled_amount=filled * 70_000 or None,
        code="X" if kind is _K.REJECTED else None,
    )


def _fold(*steps: Step | OrderEventKind) -> Order:
    history = [step if isinstance(step, tuple) else (step, 0) for step in steps]
    return fold([_event(sequence, step) for sequence, step in enumerate(history)])


def _expected(history: tuple[Step, ...]) -> tuple[str, int] | None:
    """Status and filled quantity after `history` by the table above; None where it is illegal."""
    if history[0][0] is not _K.CREATED:
        return None
    status, filled, is_sent = "PENDING", 0, False
    for kind, quantity in history[1:]:
        following = _LEGAL[status].get(str(kind))
        if following is None or (kind is _K.SENDING and is_sent):
            return None
        is_sent = is_sent or kind is _K.SENDING
        if following == "*":
            if not filled < quantity <= _QUANTITY:
                return None
            filled = quantity
            open_status = "CANCELLED" if status == "CANCELLED" else "PARTIAL"
            following = "FILLED" if filled == _QUANTITY else open_status
        status = following
    return status, filled


@pytest.mark.req("O-01", "O-08")
@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_every_history_folds_as_the_table_says_or_is_illegal(length: int) -> None:
    legal = 0

    for history in itertools.product(_STEPS, repeat=length):
        expected = _expected(history)
        if expected is None:
            with pytest.raises(IllegalTransition):
                _fold(*history)
        else:
            order = _fold(*history)
            assert (order.status, order.filled_quantity) == expected
            assert order.sequence == length - 1
            legal += 1

    assert legal == {1: 1, 2: 8, 3: 35, 4: 144}[length]  # counted by hand


@pytest.mark.req("O-05", "F-011")
def test_an_order_whose_answer_was_lost_is_ambiguous_not_failed() -> None:
    order = _fold(_K.CREATED, _K.SENDING, _K.OUTCOME_LOST)

    assert order.status is OrderStatus.PENDING
    assert order.is_ambiguous
    assert order.is_live


@pytest.mark.req("O-05")
def test_a_process_that_died_while_sending_leaves_an_ambiguous_order() -> None:
    assert _fold(_K.CREATED, _K.SENDING).is_ambiguous
    assert not _fold(_K.CREATED).is_ambiguous


@pytest.mark.req("O-04")
def test_an_order_is_not_sent_a_second_time() -> None:
    with pytest.raises(IllegalTransition, match="sent once"):
        _fold(_K.CREATED, _K.SENDING, _K.OUTCOME_LOST, _K.SENDING)


@pytest.mark.req("O-07", "F-019")
def test_a_cancel_that_lost_the_race_ends_as_filled() -> None:
    steps = [_K.CREATED, _K.SENDING, _K.ACCEPTED, _K.CANCEL_REQUESTED, _K.CANCEL_REFUSED]

    order = _fold(*steps, (_K.FILLED, _QUANTITY))

    assert order.status is OrderStatus.FILLED
    assert order.remaining_quantity == 0


@pytest.mark.req("O-07", "F-020")
def test_a_fill_that_crossed_the_cancel_is_not_lost() -> None:
    steps: list[Step | OrderEventKind] = [_K.CREATED, _K.SENDING, _K.ACCEPTED, (_K.FILLED, 1)]

    order = _fold(*steps, _K.CANCEL_REQUESTED, _K.CANCELLED, (_K.FILLED, 2))

    assert order.status is OrderStatus.CANCELLED
    assert (order.filled_quantity, order.remaining_quantity) == (2, 1)


@pytest.mark.req("O-08")
def test_the_same_fill_seen_twice_is_illegal_to_book_again() -> None:
    accepted: list[Step | OrderEventKind] = [_K.CREATED, _K.SENDING, _K.ACCEPTED]

    with pytest.raises(IllegalTransition, match="filled 1 -> 1"):
        _fold(*accepted, (_K.FILLED, 1), (_K.FILLED, 1))


@pytest.mark.req("O-08")
def test_more_shares_for_no_more_money_are_illegal() -> None:
    order = _fold(_K.CREATED, _K.SENDING, _K.ACCEPTED, (_K.FILLED, 2))
    event = OrderEvent(
        order_id=order.order_id,
        sequence=4,
        kind=_K.FILLED,
        at=_START,
        filled_quantity=3,
        filled_amount=140_000,
    )

    with pytest.raises(IllegalTransition, match="amount"):
        order.after(event)


def test_an_event_out_of_sequence_or_of_another_order_is_illegal() -> None:
    order = born(_event(0, (_K.CREATED, 0)))
    other = OrderEvent(order_id="b" * 16, sequence=1, kind=_K.SENDING, at=_START)

    for event in (_event(0, (_K.SENDING, 0)), _event(2, (_K.SENDING, 0)), other):
        with pytest.raises(IllegalTransition):
            order.after(event)


def test_acceptance_without_a_number_is_illegal() -> None:
    order = born(_event(0, (_K.CREATED, 0)))

    with pytest.raises(IllegalTransition, match="number"):
        order.after(OrderEvent(order_id=order.order_id, sequence=1, kind=_K.ACCEPTED, at=_START))


def test_nothing_is_no_history() -> None:
    with pytest.raises(IllegalTransition):
        fold([])


def test_adoption_tells_the_number_and_forgets_the_loss() -> None:
    order = _fold(_K.CREATED, _K.SENDING, _K.OUTCOME_LOST, _K.ADOPTED)

    assert (order.broker_order_no, order.broker_branch) == ("123", "06010")
    assert not order.is_outcome_lost
    assert not order.is_ambiguous


def test_the_times_of_sending_and_cancelling_are_kept() -> None:
    order = _fold(_K.CREATED, _K.SENDING, _K.ACCEPTED, _K.CANCEL_REQUESTED)

    assert order.created_at == _START
    assert order.sent_at == _START + timedelta(seconds=1)
    assert order.cancel_requested_at == _START + timedelta(seconds=3)
    assert order.updated_at == _START + timedelta(seconds=3)
