"""Identity: the documented string, hashed by hand."""

import inspect
from datetime import date

import pytest

from kis_core.market.symbol import Symbol
from kis_core.orders.identity import (
    Namespace,
    Side,
    TradingMode,
    idempotency_key,
    order_id_of,
    signal_id,
)

_SIGNAL = "2026-03-03:trend_atr:005930:buy:breakout:0"
# printf 'PAPER|buy|005930|10|2026-03-03:trend_atr:005930:buy:breakout:0' | sha256sum
_KEY = "3ac5be57d084fe36749e5e96a829aeaad3f320a431fb7507b9321994a669b7c3"


def _signal(*, leg: int = 0) -> str:
    return signal_id(
        session_date=date(2026, 3, 3),
        strategy="trend_atr",
        symbol=Symbol("005930"),
        side=Side.BUY,
        reason="breakout",
        leg=leg,
    )


def _key(
    *,
    mode: TradingMode = TradingMode.PAPER,
    side: Side = Side.BUY,
    symbol: str = "005930",
    quantity: int = 10,
    signal: str = _SIGNAL,
) -> str:
    return idempotency_key(
        mode=mode, side=side, symbol=Symbol(symbol), quantity=quantity, signal=signal
    )


@pytest.mark.req("O-02")
def test_the_key_is_sha256_of_mode_side_code_quantity_and_signal() -> None:
    assert _signal() == _SIGNAL
    assert _key() == _KEY


@pytest.mark.req("O-02", "F-012")
def test_the_signal_knows_neither_minute_nor_price() -> None:
    # A minute later and a tick higher the intention is the same: there is no way to say them.
    known = set(inspect.signature(signal_id).parameters)

    assert known == {"session_date", "strategy", "symbol", "side", "reason", "leg"}


@pytest.mark.req("O-02")
def test_each_part_of_the_key_makes_another_order() -> None:
    keys = {
        _key(),
        _key(mode=TradingMode.REAL),
        _key(side=Side.SELL),
        _key(symbol="000660"),
        _key(quantity=11),
        _key(signal=_signal(leg=1)),
    }

    assert len(keys) == 6


def test_a_leg_counts_from_zero() -> None:
    with pytest.raises(ValueError, match="leg"):
        _signal(leg=-1)


def test_the_order_id_is_the_head_of_the_key() -> None:
    assert order_id_of(_KEY) == _KEY[:16]


def test_an_account_number_is_not_shown() -> None:
    namespace = Namespace(mode=TradingMode.PAPER, account="9900000101")

    assert "99000001" not in repr(namespace)
    assert repr(namespace).endswith("01)")
