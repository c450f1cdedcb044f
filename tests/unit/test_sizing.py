"""How many shares (T-14), and never more than the cash pays for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kis_core.market.cost import Commission
from kis_core.market.won import Won
from kis_core.sizing import (
    AtrRisk,
    CashFraction,
    Fixed,
    SizingPolicy,
    affordable,
    quantity_for,
)

_COMMISSION = Commission(ppm=150)


def _quantity(
    policy: SizingPolicy,
    *,
    price: int = 10_000,
    stop: int = 9_600,
    equity: int = 10_000_000,
    cash: int = 5_000_000,
) -> int:
    return quantity_for(
        policy,
        price=Won(price),
        stop=Won(stop),
        equity=equity,
        cash=cash,
        commission=_COMMISSION,
    )


@pytest.mark.req("T-14")
def test_fixed_is_one_share_unless_told_otherwise() -> None:
    assert _quantity(Fixed()) == 1
    assert _quantity(Fixed(shares=7)) == 7


@pytest.mark.req("T-14")
def test_cash_fraction_spends_its_share_of_the_cash() -> None:
    assert _quantity(CashFraction(pct=10.0)) == 50
    assert _quantity(CashFraction(pct=10.0), price=10_001) == 49


@pytest.mark.req("T-14")
def test_atr_risk_loses_its_share_of_the_equity_at_the_stop() -> None:
    # 1 % of 10,000,000 is 100,000; 400 won a share are at risk.
    assert _quantity(AtrRisk(risk_pct=1.0)) == 250
    assert _quantity(AtrRisk(risk_pct=1.0), stop=9_599) == 249


@pytest.mark.req("T-14")
@pytest.mark.parametrize("stop", [10_000, 10_001])
def test_without_a_stop_below_the_price_there_is_no_size(stop: int) -> None:
    assert _quantity(AtrRisk(risk_pct=1.0), stop=stop) == 0


@pytest.mark.req("T-13", "F-030")
@pytest.mark.parametrize(
    ("cash", "quantity"),
    [
        (100_015, 10),  # 10 x 10,000 and 15 of commission
        (100_014, 9),
        (10_001, 1),
        (10_000, 0),
        (0, 0),
        (-5, 0),
    ],
)
def test_cash_pays_for_shares_and_commission(cash: int, quantity: int) -> None:
    assert _quantity(Fixed(shares=10), cash=cash) == quantity


@pytest.mark.req("T-13", "F-030")
@given(
    cash=st.integers(-10, 10**12),
    price=st.integers(1, 3_000_000),
    ppm=st.sampled_from([0, 36, 150, 10_000]),
)
def test_one_share_more_than_affordable_is_too_much(cash: int, price: int, ppm: int) -> None:
    commission = Commission(ppm=ppm)

    def bill(shares: int) -> int:
        return shares * price + commission.on(shares * price)

    quantity = affordable(cash, price=Won(price), commission=commission)

    assert quantity == 0 or bill(quantity) <= cash
    assert bill(quantity + 1) > cash


@pytest.mark.req("T-13", "T-14")
@given(
    policy=st.one_of(
        st.builds(Fixed, shares=st.integers(1, 10_000)),
        st.builds(CashFraction, pct=st.floats(0.01, 100)),
        st.builds(AtrRisk, risk_pct=st.floats(0.01, 100)),
    ),
    price=st.integers(1, 1_000_000),
    equity=st.integers(-1, 10**10),
    cash=st.integers(-1, 10**10),
    data=st.data(),
)
def test_no_policy_orders_more_than_the_cash_pays_for(
    policy: SizingPolicy, price: int, equity: int, cash: int, data: st.DataObject
) -> None:
    stop = data.draw(st.integers(0, price))

    quantity = _quantity(policy, price=price, stop=stop, equity=equity, cash=cash)

    assert quantity >= 0
    assert quantity == 0 or quantity * price + _COMMISSION.on(quantity * price) <= cash


@pytest.mark.parametrize("percent", [0.0, -1.0, 100.1, float("nan")])
def test_a_share_of_nothing_or_of_more_than_all_is_refused(percent: float) -> None:
    with pytest.raises(ValueError, match="percent"):
        CashFraction(pct=percent)
    with pytest.raises(ValueError, match="percent"):
        AtrRisk(risk_pct=percent)


def test_fixed_of_no_share_and_a_price_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="shares"):
        Fixed(shares=0)
    with pytest.raises(ValueError, match="price"):
        _quantity(Fixed(), price=0)
