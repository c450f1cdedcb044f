"""Stores to test, memory and real databases alike, and facts to store in them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from kis_adapters.memory.store import MemoryDatabase, MemoryStore
from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.sql.store import SqlStore
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.booking import Fill, Trade
from kis_core.orders.event import OrderEvent, OrderEventKind, OrderIntent, OrderType
from kis_core.orders.identity import Namespace, Side, TradingMode, idempotency_key, order_id_of
from kis_core.orders.order import Order, fold
from kis_core.orders.pending_exit import PendingExit
from kis_core.ports.store import AccountSnapshot, DailySummary, DecisionRecord, Store
from kis_core.positions.position import Levels, Position, PositionSource
from kis_core.risk.state import RiskRecord

DAY = date(2026, 3, 3)
AT = datetime(2026, 3, 3, 9, 0, 0, 1, tzinfo=KST)
SECOND = timedelta(seconds=1)
SAMSUNG = Symbol("005930")
BIG = 9_007_199_254_740_993  # 2**53 + 1: no float holds it


class Facts:
    """One valid value of everything that a store keeps beside orders."""

    position = Position(
        symbol=SAMSUNG,
        quantity=7,
        cost=BIG,
        levels=Levels(atr=0.1 + 0.2, stop=Won(68_000), take=Won(75_000)),
        entry_session=date(2026, 2, 27),
        entered_at=AT - timedelta(days=4),
        highest=Won(71_900),
        is_trailing=True,
        gap_checked_on=DAY,
        gap_triggered_on=date(2026, 3, 2),
        source=PositionSource.ADOPTED,
        entry_order_id="0a1b2c3d4e5f6071",
        entry_fees=105,
        realised_pnl=-3_001,
    )
    fill = Fill(
        order_id="0a1b2c3d4e5f6071",
        sequence=3,
        session_date=DAY,
        at=AT,
        symbol=SAMSUNG,
        side=Side.BUY,
        quantity=3,
        amount=210_000,
        commission=31,
        tax=0,
    )
    trade = Trade(
        order_id="0a1b2c3d4e5f6071",
        idempotency_key="ab" * 32,
        session_date=DAY,
        at=AT,
        symbol=SAMSUNG,
        side=Side.SELL,
        reason="stop_loss",
        quantity=3,
        amount=BIG,
        commission=31,
        tax=420,
        realised_pnl=-12_345,
        round_trip_pnl=-20_000,
    )
    pending = PendingExit(
        symbol=SAMSUNG,
        reason="trailing_stop",
        code="40570000",
        since=AT,
        retry_at=AT + timedelta(minutes=5),
        attempts=2,
    )
    risk = RiskRecord(
        session_date=DAY,
        start_equity=10_000_000,
        high_water_mark=10_500_000,
        kill_switch="운영자 요청",
        kill_switch_at=AT,
        is_drawdown_warned=True,
        api_error_times=(AT, AT + SECOND),
    )
    decision = DecisionRecord(
        session_date=DAY,
        at=AT,
        symbol=SAMSUNG,
        action="buy",
        reason="breakout",
        evidence={"price": 70_100, "sma": 1 / 3, "메모": "돌파 🚀", "ok": True, "none": None},
        order_id="0a1b2c3d4e5f6071",
    )
    snapshot = AccountSnapshot(
        session_date=DAY,
        at=AT,
        cash=BIG,
        equity=-1,
        evaluation_pnl=-2,
        realised_pnl=3,
        positions=4,
    )
    summary = DailySummary(
        session_date=DAY,
        realised_pnl=-50_000,
        trades=3,
        wins=1,
        losses=2,
        equity=9_950_000,
        positions=1,
        errors=2,
    )


@pytest.fixture
def facts() -> Facts:
    """Facts to store."""
    return Facts()


@pytest.fixture
def store(open_store: Callable[[Namespace], Store], maker: "OrderMaker") -> Store:
    """A store on an empty database."""
    return open_store(maker.namespace)


@pytest.fixture(params=["memory", "sqlite", "mariadb"])
def open_store(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[Namespace], Store]]:
    """Opens stores on one empty database: calling it twice is a restart, or a second program."""
    if request.param == "memory":
        database = MemoryDatabase()
        yield lambda namespace: MemoryStore(namespace, database)
        return
    url = f"sqlite:///{tmp_path / 'kis.db'}"
    if request.param == "mariadb":
        url = request.getfixturevalue("mariadb_url")
    engine = open_database(url)
    initialize_schema(engine)
    yield lambda namespace: SqlStore(engine, namespace)
    engine.dispose()


class OrderMaker:
    """Orders with histories, all different unless told otherwise; a second between events."""

    namespace = Namespace(mode=TradingMode.PAPER, account="50000000-01")
    session_date = date(2026, 3, 3)
    at = datetime(2026, 3, 3, 9, 0, 0, 123457, tzinfo=KST)

    def intent(
        self,
        symbol: str = "005930",
        *,
        side: Side = Side.BUY,
        signal: str = "trend:1",
        quantity: int = 10,
        order_id: str | None = None,
    ) -> OrderIntent:
        signal = f"{self.session_date}:{symbol}:{side}:{signal}"
        key = idempotency_key(
            mode=TradingMode.PAPER,
            side=side,
            symbol=Symbol(symbol),
            quantity=quantity,
            signal=signal,
        )
        return OrderIntent(
            order_id=order_id or order_id_of(key),
            idempotency_key=key,
            signal_id=signal,
            session_date=self.session_date,
            symbol=Symbol(symbol),
            side=side,
            quantity=quantity,
            order_type=OrderType.LIMIT,
            price=Won(70_100),
            reference=Won(70_000),
            reason="breakout",
            leg=0,
            atr=1_234.567890123456 if side is Side.BUY else None,
            evidence={"sma": 0.1 + 0.2, "bars": 50, "한글": "추세", "ok": True, "none": None},
        )

    def history(self, intent: OrderIntent, *kinds: OrderEventKind) -> list[OrderEvent]:
        """CREATED, then `kinds`; the n-th FILLED fills 3 n shares at 70,000."""
        events = [self._event(intent, OrderEventKind.CREATED, 0)]
        for sequence, kind in enumerate(kinds, start=1):
            event = self._event(intent, kind, sequence)
            if kind is OrderEventKind.FILLED:
                filled = 3 * (1 + sum(earlier.kind is kind for earlier in events))
                event = replace(
                    event,
                    filled_quantity=filled,
                    filled_amount=filled * 70_000,
                    commission=filled * 10,
                    tax=0,
                )
            events.append(event)
        return events

    def order(self, *kinds: OrderEventKind, intent: OrderIntent) -> tuple[Order, list[OrderEvent]]:
        """The order after this history, and the history."""
        events = self.history(intent, *kinds)
        return fold(events), events

    def _event(self, intent: OrderIntent, kind: OrderEventKind, sequence: int) -> OrderEvent:
        is_numbered = kind in {OrderEventKind.ACCEPTED, OrderEventKind.ADOPTED}
        is_no = kind in {OrderEventKind.REJECTED, OrderEventKind.OUTCOME_LOST}
        return OrderEvent(
            order_id=intent.order_id,
            sequence=sequence,
            kind=kind,
            at=self.at + timedelta(seconds=sequence),
            intent=intent if kind is OrderEventKind.CREATED else None,
            broker_order_no="0000117057" if is_numbered else None,
            broker_branch="91252" if is_numbered else None,
            code="40070000" if is_no else None,
            why="모의투자 주문이 거부되었습니다 🚫" if is_no else None,
        )


@pytest.fixture
def maker() -> OrderMaker:
    """Makes orders to store."""
    return OrderMaker()
