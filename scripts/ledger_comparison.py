"""Whether a database of kr_trade says what the simulator's ledger says, to share and won."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import NullPool, create_engine, text

from scripts.market_stage import INITIAL_CASH


def differences(
    ledger: Mapping[str, Any], database_url: str, *, initial_cash: int = INITIAL_CASH
) -> list[str]:
    """Where the database disagrees with the broker's own ledger; empty when it does nowhere."""
    orders = rows(database_url, "SELECT * FROM order_state")
    trades = rows(database_url, "SELECT * FROM trades")
    fills = rows(database_url, "SELECT * FROM fills")
    open_positions = rows(database_url, "SELECT * FROM positions WHERE closed_at IS NULL")
    return [
        *_of_orders(ledger, orders),
        *_of_fills(ledger, orders, fills=fills, trades=trades),
        *_of_money(ledger, trades, initial_cash=initial_cash),
        *_of_holdings(ledger, open_positions),
    ]


def _of_orders(ledger: Mapping[str, Any], orders: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Every order at the broker belongs to one row, and every numbered row to one order."""
    claimed = Counter(
        (str(o["session_date"]), _number(o["order_no"])) for o in orders if o["order_no"]
    )
    there = {(o["date"], _number(o["order_no"])): o for o in sent(ledger)}
    for key in there.keys() - claimed.keys():
        yield f"sent and not in the database: {there[key]}"
    for key, count in claimed.items():
        if key not in there:
            yield f"in the database and not at the broker: {key}"
        elif count > 1:
            yield f"claimed {count} times: {key}"
    for order in orders:
        if order["live_symbol"] is not None:
            yield f"still live: {order['order_id']} {order['status']}"
    keys = Counter(order["idempotency_key"] for order in orders)
    yield from (f"{count} rows for the intent {key}" for key, count in keys.items() if count > 1)


def _of_fills(
    ledger: Mapping[str, Any],
    orders: Sequence[Mapping[str, Any]],
    *,
    fills: Sequence[Mapping[str, Any]],
    trades: Sequence[Mapping[str, Any]],
) -> Iterator[str]:
    """Per order: shares, won, commission and tax in orders, fills and trades."""
    there: dict[tuple[str, int], list[int]] = {}
    for fill in ledger["fills"]:
        figures = there.setdefault((fill["date"], _number(fill["order_no"])), [0, 0, 0, 0])
        amount = fill["quantity"] * fill["price"]
        for place, won in enumerate((fill["quantity"], amount, fill["commission"], fill["tax"])):
            figures[place] += won
    traded = {trade["order_id"]: trade for trade in trades}
    for order in orders:
        key = (str(order["session_date"]), _number(order["order_no"]))
        expected = there.pop(key, [0, 0, 0, 0])
        names = ("filled_quantity", "filled_amount", "commission", "tax")
        booked = {"order_state": [int(order[name]) for name in names]}
        own = [fill for fill in fills if fill["order_id"] == order["order_id"]]
        columns = ("quantity", "amount", "commission", "tax")
        booked["fills"] = [sum(int(fill[name]) for fill in own) for name in columns]
        trade = traded.get(order["order_id"])
        booked["trades"] = [int(trade[name]) if trade else 0 for name in columns]
        for table, figures in booked.items():
            if figures != expected:
                yield f"{table} of {order['order_id']}: {figures}, at the broker {expected}"
    yield from (f"filled and not in the database: {key}" for key in there)


def _of_money(
    ledger: Mapping[str, Any], trades: Sequence[Mapping[str, Any]], *, initial_cash: int
) -> Iterator[str]:
    """The cash that the trades leave, and all fees and taxes."""
    cash = initial_cash
    for trade in trades:
        amount, costs = int(trade["amount"]), int(trade["commission"]) + int(trade["tax"])
        cash += amount - costs if trade["side"] == "sell" else -amount - costs
    for name, here in (
        ("cash_d2", cash),
        ("fees_total", sum(int(trade["commission"]) for trade in trades)),
        ("taxes_total", sum(int(trade["tax"]) for trade in trades)),
    ):
        if here != ledger[name]:
            yield f"{name}: {here} by the database, {ledger[name]} at the broker"


def _of_holdings(
    ledger: Mapping[str, Any], positions: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """What is held, and what it cost."""
    here = {p["stock_code"]: (int(p["quantity"]), int(p["cost"])) for p in positions}
    there = {h["symbol"]: (h["quantity"], h["cost"]) for h in ledger["holdings"]}
    for symbol in sorted(here.keys() | there.keys()):
        if here.get(symbol) != there.get(symbol):
            yield f"{symbol}: {here.get(symbol)} in the database, {there.get(symbol)} held"


def sent(ledger: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The orders of the ledger that are no cancels and no amendments."""
    return [order for order in ledger["orders"] if order["kind"] == "new"]


def _number(order_no: object) -> int:
    """As a number; 0, which the broker never gives, for none."""
    return int(str(order_no or 0))


def rows(database_url: str, statement: str) -> list[Mapping[str, Any]]:
    """What the database answers."""
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(statement)).mappings()]
