"""Real daily bars, traded session after session on the simulator, and every won counted again.

`scripts/real_prices.py` does the same for 40 symbols and 20 sessions.
"""

import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from scripts.real_prices import plan_of, round_trips, trade

_BESIDE = Path(__file__).parents[3] / "shared" / "data" / "krx-daily-2023-2025.parquet"


@pytest.fixture
def real_bars() -> Path:
    """Real bars, which are no part of the product: KIS_TEST_BARS, or a folder beside it."""
    given = os.environ.get("KIS_TEST_BARS")
    path = Path(given) if given else _BESIDE
    if not path.is_file():
        pytest.skip("no real bars: set KIS_TEST_BARS to a Parquet file of daily bars")
    return path


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.req("X-02", "C-10", "G-01", "G-04", "O-09", "P-06", "F-081", "F-099")
def test_sessions_of_real_prices_end_with_three_accounts_that_agree_to_the_won(
    real_bars: Path, tmp_path: Path
) -> None:
    plan = plan_of(real_bars, symbols=8, sessions=2)

    outcome = trade(plan, real_bars, tmp_path)

    consoles = [
        (tmp_path / f"console-{day}.txt").read_text(encoding="utf-8") for day in plan.sessions
    ]
    held_overnight = consoles[0].count("보유 유지")
    assert outcome.differences == []
    assert outcome.sessions == 2
    assert plan.halted_rows + plan.inconsistent_rows > 0  # dirty rows were among them
    assert outcome.orders > 0
    assert held_overnight > 0
    assert consoles[1].count("갭 확인") == held_overnight
    assert "Traceback" not in "".join(consoles)


def test_a_round_trip_is_what_came_back_less_what_went_out_and_all_costs() -> None:
    def fill(
        symbol: str, side: str, quantity: int, price: int, *, tax: int = 0
    ) -> dict[str, object]:
        return {
            "symbol": symbol,
            "side": side,
            "quantity": quantity,
            "price": price,
            "commission": 10,
            "tax": tax,
        }

    fills = [
        fill("005930", "buy", 3, 1_000),
        fill("000660", "buy", 1, 5_000),
        fill("005930", "sell", 1, 1_100, tax=2),
        fill("005930", "sell", 2, 900, tax=3),
        fill("005930", "buy", 4, 1_000),
    ]

    trips, held = round_trips(fills)

    # 1,100 + 1,800 - 3,000 = -100; three commissions of 10 and taxes of 5 make it -135.
    assert trips == [("005930", -135)]
    assert held == {"000660": 1, "005930": 4}


def test_a_plan_takes_the_most_traded_symbols_and_some_that_are_dirty(tmp_path: Path) -> None:
    days = [date.fromordinal(date(2025, 1, 1).toordinal() + n) for n in range(130)]

    def rows(symbol: str, volume: int, *, is_halted: bool = False) -> list[dict[str, object]]:
        row = {"symbol": symbol, "open": 100, "high": 100, "low": 100, "close": 100}
        made: list[dict[str, object]] = [{**row, "date": day, "volume": volume} for day in days]
        if is_halted:
            made[-2] |= {"open": 0, "high": 0, "low": 0, "volume": 0}
        return made

    listed = [("000010", 9), ("000020", 8), ("000030", 7), ("000040", 6)]
    frame = [row for symbol, volume in listed for row in rows(symbol, volume)]
    frame += rows("000050", 1, is_halted=True)
    pl.DataFrame(frame).write_parquet(tmp_path / "bars.parquet")

    plan = plan_of(tmp_path / "bars.parquet", symbols=4, sessions=5)

    assert plan.symbols == ("000010", "000020", "000030", "000050")
    assert plan.sessions == tuple(days[-5:])
    assert (plan.halted_rows, plan.inconsistent_rows) == (1, 0)
