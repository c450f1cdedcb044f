"""What a line of the trail tells: one committed fact, or one that was told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from hashlib import blake2b
from typing import Any

from pydantic_core import to_json

from kis_core.orders.booking import Trade
from kis_core.orders.event import OrderEvent
from kis_core.orders.identity import TradingMode
from kis_core.ports.store import DecisionRecord
from kis_core.positions.position import Position
from kis_core.risk.state import RiskRecord


@unique
class FactKind(StrEnum):
    """What is told of. The first ones stand in the database too, word for word."""

    ORDER_EVENT = "order_event"
    DECISION = "decision"
    TRADE = "trade"  # cumulative: the newest of an order counts
    POSITION = "position"  # the newest of a symbol counts
    POSITION_CLOSED = "position_closed"
    RISK = "risk"  # the newest counts
    TOLD = "told"  # an event that is about more than one row: a repair, a refusal, a command
    CHECKPOINT = "checkpoint"  # everything committed up to here is in the trail
    SET_ASIDE = "set_aside"  # the end of the trail was damaged; where it lies now


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact. `data` is what JSON can hold, or one of the core's values. `identity` tells facts
    of one kind apart where several may be true together."""

    kind: FactKind
    at: datetime
    data: object
    symbol: str | None = None
    order_id: str | None = None
    identity: str = ""

    def record(self, mode: TradingMode) -> dict[str, object]:
        """The fact as it stands in its line."""
        named = {"symbol": self.symbol, "order_id": self.order_id}
        return {
            "at": self.at,
            "mode": mode,
            "kind": self.kind,
            **{name: value for name, value in named.items() if value is not None},
            "data": self.data,
        }


def order_event_fact(event: OrderEvent) -> Fact:
    """One event in an order's life."""
    return Fact(
        kind=FactKind.ORDER_EVENT,
        at=event.at,
        data=event,
        symbol=event.intent.symbol if event.intent is not None else None,
        order_id=event.order_id,
        identity=f"{event.order_id}-{event.sequence}",
    )


def decision_fact(decision: DecisionRecord) -> Fact:
    """A decision with every number it compared."""
    return Fact(
        kind=FactKind.DECISION,
        at=decision.at,
        data=decision,
        symbol=decision.symbol,
        order_id=decision.order_id,
        identity=f"{decision.symbol} {decision.at.isoformat()} {decision.action} {decision.reason}",
    )


def trade_fact(trade: Trade) -> Fact:
    """What an order has traded so far."""
    return Fact(
        kind=FactKind.TRADE,
        at=trade.at,
        data=trade,
        symbol=trade.symbol,
        order_id=trade.order_id,
        identity=trade.order_id,
    )


def position_fact(position: Position, *, at: datetime) -> Fact:
    """An open position as it is from now on."""
    return Fact(
        kind=FactKind.POSITION,
        at=at,
        data=position,
        symbol=position.symbol,
        order_id=position.entry_order_id,
        identity=position.symbol,
    )


def closed_fact(symbol: str, *, at: datetime, why: str) -> Fact:
    """A position that is open no more."""
    return Fact(
        kind=FactKind.POSITION_CLOSED,
        at=at,
        data={"why": why},
        symbol=symbol,
        identity=symbol,
    )


def risk_fact(record: RiskRecord, *, at: datetime) -> Fact:
    """The risk record as it is from now on."""
    return Fact(kind=FactKind.RISK, at=at, data=record)


def digest_of(data: object) -> bytes:
    """What tells `data` from other data of its kind; the same for what is read back from a
    line."""
    return blake2b(to_json(data), digest_size=8).digest()


def fact_of(record: Mapping[str, Any]) -> Fact:
    """The fact of a line's record, `data` as plain JSON. Raises ValueError and LookupError for a
    record that is none."""
    kind, data = FactKind(record["kind"]), record["data"]
    symbol, order_id = record.get("symbol"), record.get("order_id")
    return Fact(
        kind=kind,
        at=datetime.fromisoformat(record["at"]),
        data=data,
        symbol=symbol,
        order_id=order_id,
        identity=_identity(kind, data, symbol, order_id),
    )


def _identity(kind: FactKind, data: Any, symbol: str | None, order_id: str | None) -> str:
    match kind:
        case FactKind.ORDER_EVENT:
            return f"{order_id}-{data['sequence']}"
        case FactKind.DECISION:
            at = datetime.fromisoformat(data["at"]).isoformat()
            return f"{symbol} {at} {data['action']} {data['reason']}"
        case FactKind.TRADE:
            return str(order_id)
        case FactKind.RISK:
            return ""
        case _:
            return symbol or ""
