"""Positions, risk, decisions and the account's figures as rows and back, equal to the last bit.

A row here is without `mode` and `account`: the unit of work adds its own.
"""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from kis_adapters.sql.columns import stored_instant
from kis_adapters.sql.order_rows import Columns, evidence_text
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.pending_exit import PendingExit
from kis_core.ports.store import AccountSnapshot, DailySummary, DecisionRecord
from kis_core.positions.position import Levels, Position, PositionSource
from kis_core.risk.state import RiskRecord


def position_row(position: Position) -> Columns:
    """The `positions` row of an open position."""
    return {
        "stock_code": position.symbol,
        "open_symbol": position.symbol,
        "quantity": position.quantity,
        "cost": position.cost,
        "atr": position.levels.atr,
        "stop_price": position.levels.stop,
        "take_price": position.levels.take,
        "highest_price": position.highest,
        "is_trailing": position.is_trailing,
        "entry_session": position.entry_session,
        "entered_at": position.entered_at,
        "gap_checked_on": position.gap_checked_on,
        "gap_triggered_on": position.gap_triggered_on,
        "source": position.source.value,
        "entry_order_id": position.entry_order_id,
        "entry_fees": position.entry_fees,
        "realised_pnl": position.realised_pnl,
        "closed_at": None,
        "close_reason": None,
    }


def position_of(row: Any) -> Position:
    """The position that `position_row` wrote."""
    return Position(
        symbol=Symbol(row.stock_code),
        quantity=row.quantity,
        cost=row.cost,
        levels=Levels(atr=row.atr, stop=Won(row.stop_price), take=Won(row.take_price)),
        entry_session=row.entry_session,
        entered_at=row.entered_at,
        highest=Won(row.highest_price),
        is_trailing=row.is_trailing,
        gap_checked_on=row.gap_checked_on,
        gap_triggered_on=row.gap_triggered_on,
        source=PositionSource(row.source),
        entry_order_id=row.entry_order_id,
        entry_fees=row.entry_fees,
        realised_pnl=row.realised_pnl,
    )


def pending_exit_row(pending: PendingExit) -> Columns:
    """The `pending_exits` row of a parked exit."""
    row = asdict(pending)
    row["stock_code"] = row.pop("symbol")
    return row


def pending_exit_of(row: Any) -> PendingExit:
    """The parked exit that `pending_exit_row` wrote."""
    return PendingExit(
        symbol=Symbol(row.stock_code),
        reason=row.reason,
        code=row.code,
        since=row.since,
        retry_at=row.retry_at,
        attempts=row.attempts,
    )


def risk_row(record: RiskRecord) -> Columns:
    """The `risk_state` row of a risk record."""
    times = [stored_instant(at).isoformat() for at in record.api_error_times]
    return asdict(record) | {"api_error_times": json.dumps(times)}


def risk_of(row: Any) -> RiskRecord:
    """The risk record that `risk_row` wrote."""
    return RiskRecord(
        session_date=row.session_date,
        start_equity=row.start_equity,
        high_water_mark=row.high_water_mark,
        kill_switch=row.kill_switch,
        kill_switch_at=row.kill_switch_at,
        is_drawdown_warned=row.is_drawdown_warned,
        api_error_times=tuple(
            datetime.fromisoformat(text).replace(tzinfo=KST)
            for text in json.loads(row.api_error_times)
        ),
    )


def decision_row(decision: DecisionRecord) -> Columns:
    """The `decisions` row of a decision."""
    return {
        "session_date": decision.session_date,
        "at": decision.at,
        "stock_code": decision.symbol,
        "action": decision.action,
        "reason": decision.reason,
        "evidence": evidence_text(decision.evidence),
        "order_id": decision.order_id,
    }


def decision_of(row: Any) -> DecisionRecord:
    """The decision that `decision_row` wrote."""
    return DecisionRecord(
        session_date=row.session_date,
        at=row.at,
        symbol=Symbol(row.stock_code),
        action=row.action,
        reason=row.reason,
        evidence=json.loads(row.evidence),
        order_id=row.order_id,
    )


def snapshot_of(row: Any) -> AccountSnapshot:
    """The snapshot in an `account_snapshots` row."""
    return AccountSnapshot(
        session_date=row.session_date,
        at=row.at,
        cash=row.cash,
        equity=row.equity,
        evaluation_pnl=row.evaluation_pnl,
        realised_pnl=row.realised_pnl,
        positions=row.positions,
    )


def summary_of(row: Any) -> DailySummary:
    """The summary in a `daily_summary` row."""
    return DailySummary(
        session_date=row.session_date,
        realised_pnl=row.realised_pnl,
        trades=row.trades,
        wins=row.wins,
        losses=row.losses,
        equity=row.equity,
        positions=row.positions,
        errors=row.errors,
    )
