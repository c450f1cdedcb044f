"""The demonstration day does what its page says."""

from datetime import timedelta

import pytest

from kis_sandbox.config import SandboxConfig
from kis_sandbox.demo import DEMO_SEED, DEMO_START, DEMO_SYMBOLS
from kis_sandbox.sandbox import Sandbox


@pytest.mark.req("X-02")
@pytest.mark.parametrize("symbol", DEMO_SYMBOLS[:2])
def test_a_breakout_of_the_demonstration_day_is_stopped_out(symbol: str) -> None:
    sandbox = Sandbox(SandboxConfig(seed=DEMO_SEED, start=DEMO_START))
    tape = sandbox.exchange.tape
    day = tape.day(symbol, DEMO_START.date())
    assert day is not None
    assert day.prior is not None

    prices = list(day.path.prices)
    breakout = next(n for n, price in enumerate(prices) if price > day.prior.high)

    past = tape.bars(symbol, DEMO_START.date() - timedelta(days=1))
    average = sum(bar.close for bar in past[-50:]) / 50
    assert prices[breakout] > average
    assert min(prices[breakout:]) <= prices[breakout] * 0.95


@pytest.mark.req("X-02")
def test_every_symbol_of_the_demonstration_breaks_out() -> None:
    sandbox = Sandbox(SandboxConfig(seed=DEMO_SEED, start=DEMO_START))

    days = [sandbox.exchange.tape.day(one, DEMO_START.date()) for one in DEMO_SYMBOLS]

    assert all(d and d.prior and max(d.path.prices) > d.prior.high for d in days)
