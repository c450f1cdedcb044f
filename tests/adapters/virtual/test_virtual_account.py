"""The virtual account's money: costs, settlement, conservation, and what survives."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kis_adapters.virtual.account_file import AccountFile, AccountFileDamaged
from kis_core.orders.identity import Side
from kis_core.ports.broker import BrokerUnavailable, NotSent, RefusalKind, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.adapters.virtual.conftest import Table


@pytest.mark.req("C-01")
def test_a_round_trip_costs_commission_twice_and_the_sales_tax_once(table: "Table") -> None:
    table.held(100)
    table.sell(100, 70_000)
    table.trade(1_000)
    table.order()

    # 7,000,000 won: commission 0.015 % = 1,050 each way, tax 0.20 % in 2026 = 14,000.
    assert table.broker.account().cash == 10_000_000 - 1_050 - 1_050 - 14_000


@pytest.mark.req("C-01")
def test_the_tax_is_that_of_the_year_in_which_the_sale_settles(table: "Table") -> None:
    table.calendar.closed |= {date(2025, 12, 31), date(2026, 1, 1)}
    table.clock.set(table.clock.now().replace(year=2025, month=12, day=29))
    table.held(100)
    table.sell(100, 70_000)
    table.trade(1_000)
    table.order()

    # Sold on Monday 29 December 2025: T+1 is the 30th, T+2 Friday 2 January 2026, 0.20 %.
    assert table.broker.account().cash == 10_000_000 - 2_100 - 14_000
    table.clock.set(table.clock.now().replace(day=26))  # Friday: settles on the 30th, 0.15 %
    table.held(100)
    table.sell(100, 70_000)
    table.trade(1_000)
    table.order()
    assert table.broker.account().cash == 10_000_000 - 2_100 - 14_000 - 2_100 - 10_500


@pytest.mark.req("C-01")
def test_a_sale_settles_two_sessions_later_and_may_be_spent_at_once(table: "Table") -> None:
    table.held(140)
    table.sell(140, 70_000)
    table.trade(1_400)
    table.order()
    sold = table.broker.account()
    again = table.ask(Side.BUY, 142, 70_000)
    table.broker.cancel(broker_order_no="3", broker_branch="virtual", symbol=table.order().symbol)
    table.clock.set(table.clock.now() + timedelta(days=2))
    settled = table.broker.account()

    assert not isinstance(again, Rejected)
    assert sold.deposit == 10_000_000  # nothing has changed hands yet
    assert settled.deposit == settled.cash == sold.cash < 10_000_000


def test_live_purchases_keep_their_cash_back(table: "Table") -> None:
    table.buy(100, 60_000)

    refused = table.ask(Side.BUY, 67, 60_000)
    taken = table.ask(Side.BUY, 66, 60_000)

    # 6,000,900 won are kept back; 67 shares would need 4,020,603 of the 3,999,100 that remain.
    assert isinstance(refused, Rejected)
    assert refused.kind is RefusalKind.INSUFFICIENT_CASH
    assert not isinstance(taken, Rejected)


def test_a_market_purchase_needs_cash_up_to_the_upper_limit(table: "Table") -> None:
    refused = table.ask(Side.BUY, 110)

    assert isinstance(refused, Rejected)  # 110 x 91,000 = 10,010,000
    assert refused.kind is RefusalKind.INSUFFICIENT_CASH


@pytest.mark.req("C-02", "F-099")
def test_a_new_process_finds_cash_shares_and_the_order_that_was_going_on(table: "Table") -> None:
    table.held(10)
    table.buy(30, 70_000)
    table.trade(100)
    before, account = table.order(), table.broker.account()

    table.restart()

    assert table.broker.account() == account
    assert table.order() == before
    table.trade(200)
    assert (before.filled_quantity, table.order().filled_quantity) == (10, 30)


@pytest.mark.req("C-02")
def test_a_reset_begins_anew_and_keeps_what_was(table: "Table") -> None:
    table.held(10)
    first = table.file.account_name

    table.file.begin_anew(5_000_000)
    table.restart()

    assert table.file.account_name != first
    assert table.broker.account().equity == 5_000_000
    assert table.broker.orders_of(table.clock.now().date()) == ()
    with closing(sqlite3.connect(table.path)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM orders").fetchone() == (1,)


@pytest.mark.req("C-02")
def test_a_new_file_that_another_is_opening_is_waited_for(tmp_path: Path) -> None:
    """SQLite refuses the change to WAL at once, not after its timeout, while another writes."""
    path = tmp_path / "virtual.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = threading.Timer(0.3, other.execute, ("COMMIT",))
        done.start()

        file = AccountFile(path, initial_cash=1_000)

        done.join()
    assert (file.account_name, file.account().cash) == ("CBT-0001", 1_000)
    file.close()


@pytest.mark.req("C-02")
def test_programs_that_begin_together_begin_one_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them have seen that there is none before the first begins one."""
    path, have_seen, rows = tmp_path / "virtual.db", threading.Barrier(4), AccountFile._rows

    def seen_together(file: AccountFile, query: str, *values: object) -> list[Any]:
        found = rows(file, query, *values)
        if "MAX(generation)" in query:
            have_seen.wait(30)
        return found

    monkeypatch.setattr(AccountFile, "_rows", seen_together)

    def open_it(cash: int) -> tuple[str, int]:
        file = AccountFile(path, initial_cash=cash)
        found = file.account_name, file.account().cash
        file.close()
        return found

    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(open_it, (1_000, 2_000, 3_000, 4_000)))

    assert len(found) == 1
    assert found.pop()[0] == "CBT-0001"


@pytest.mark.req("C-02")
def test_what_could_not_be_written_did_not_happen(table: "Table") -> None:
    table.held(10)
    cash = table.broker.account().cash
    table.file.close()  # as a disk that is gone

    with pytest.raises(NotSent):
        table.ask(Side.BUY, 1)
    with pytest.raises(BrokerUnavailable):
        table.broker.orders_of(table.clock.now().date())
    table.open()

    assert table.broker.account().cash == cash


@pytest.mark.req("P-08")
def test_without_prices_the_account_is_not_told(table: "Table") -> None:
    table.held(10)
    table.tape.is_down = True

    with pytest.raises(BrokerUnavailable):
        table.broker.account()


def test_a_held_symbol_without_a_quote_keeps_its_last_price(table: "Table") -> None:
    table.held(10)
    table.trade(10, last=71_000)
    known = table.broker.account()
    table.tape.blind.add(known.holdings[0].symbol)

    assert table.broker.account().holdings == known.holdings


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"\x00" * 5000])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "account.db"
    path.write_bytes(content)

    with pytest.raises(AccountFileDamaged, match=r"account\.db"):
        AccountFile(path, initial_cash=1)


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "market buy", "market sell", "cancel", "restart"]),
        st.integers(1, 80),
        st.integers(-30, 30),
        st.integers(0, 3_000),
    ),
    min_size=1,
    max_size=25,
)


@pytest.mark.req("C-01")
@given(steps=_STEPS)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_cash_and_shares_are_conserved_whatever_happens(
    new_table: "Callable[[], Table]", steps: list[tuple[str, int, int, int]]
) -> None:
    table = new_table()
    for what, quantity, ticks, shares in steps:
        _do(table, what, quantity, 70_000 + 100 * ticks)
        table.trade(shares, last=70_000 + 100 * ticks)
        _check(table)
    table.file.close()


def _do(table: "Table", what: str, quantity: int, price: int) -> None:
    live = [o for o in table.broker.orders_of(table.clock.now().date()) if o.is_live]
    if what == "restart":
        table.restart()
    elif what == "cancel" and live:
        table.broker.cancel(
            broker_order_no=live[0].broker_order_no,
            broker_branch=live[0].broker_branch,
            symbol=live[0].symbol,
        )
    elif what != "cancel":
        side = Side.BUY if what.endswith("buy") else Side.SELL
        table.ask(side, quantity, 0 if what.startswith("market") else price)


def _check(table: "Table") -> None:
    """Won and shares against the list of orders, counted by hand."""
    orders = table.broker.orders_of(table.clock.now().date())
    account = table.broker.account()
    cash, shares = 10_000_000, 0
    for order in orders:
        amount = order.filled_amount
        commission = amount * 15 // 100_000
        if order.side is Side.BUY:
            cash, shares = cash - amount - commission, shares + order.filled_quantity
            assert amount <= order.filled_quantity * (order.price or 91_000)
        else:
            tax = amount * 2 // 1_000
            cash, shares = cash + amount - commission - tax, shares - order.filled_quantity
            assert amount >= order.filled_quantity * order.price
        done = order.filled_quantity + order.cancelled_quantity
        assert (done < order.quantity) is order.is_live
        assert done <= order.quantity
    assert account.cash == cash >= 0
    assert sum(h.quantity for h in account.holdings) == shares >= 0
    assert all(0 <= h.sellable <= h.quantity for h in account.holdings)
    assert account.deposit == 10_000_000


def test_the_commission_must_be_there_too(table: "Table") -> None:
    refused = table.ask(Side.BUY, 160, 62_500)  # exactly ten million won, and 1,500 of commission

    assert isinstance(refused, Rejected)
    assert refused.kind is RefusalKind.INSUFFICIENT_CASH


@pytest.mark.req("O-11")
def test_shares_that_are_being_sold_cannot_be_sold_again(table: "Table") -> None:
    table.held(10)
    table.sell(6, 80_000)

    refused = table.ask(Side.SELL, 5, 80_000)
    taken = table.ask(Side.SELL, 4, 80_000)

    assert isinstance(refused, Rejected)
    assert refused.kind is RefusalKind.INSUFFICIENT_QUANTITY
    assert not isinstance(taken, Rejected)
