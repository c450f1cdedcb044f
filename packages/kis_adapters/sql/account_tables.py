"""The part of a unit of work that concerns the account: positions, risk, decisions, figures."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime

from kis_adapters.sql import account_rows, statements
from kis_adapters.sql.order_tables import OwnedTables
from kis_core.market.symbol import Symbol
from kis_core.orders.pending_exit import PendingExit
from kis_core.ports.store import AccountSnapshot, DailySummary, DecisionRecord
from kis_core.positions.position import Position
from kis_core.risk.state import RiskRecord


class AccountTables(OwnedTables):
    """See the port for what each method promises."""

    def put_position(self, position: Position) -> None:
        self._write(self._upserts.put_position, account_rows.position_row(position))

    def close_position(self, symbol: Symbol, *, at: datetime, why: str) -> None:
        self._change(statements.CLOSE_POSITION, of_symbol=symbol, at=at, why=why)

    def positions(self) -> tuple[Position, ...]:
        return tuple(map(account_rows.position_of, self._read(statements.SELECT_POSITIONS)))

    def put_pending_exit(self, pending: PendingExit) -> None:
        self._write(self._upserts.put_pending_exit, account_rows.pending_exit_row(pending))

    def clear_pending_exit(self, symbol: Symbol) -> None:
        self._change(statements.DELETE_PENDING_EXIT, of_symbol=symbol)

    def pending_exits(self) -> tuple[PendingExit, ...]:
        rows = self._read(statements.SELECT_PENDING_EXITS)
        return tuple(map(account_rows.pending_exit_of, rows))

    def put_risk(self, record: RiskRecord) -> None:
        self._write(self._upserts.put_risk, account_rows.risk_row(record))

    def risk(self) -> RiskRecord | None:
        rows = self._read(statements.SELECT_RISK)
        return account_rows.risk_of(rows[0]) if rows else None

    def add_decision(self, decision: DecisionRecord) -> None:
        self._write(statements.INSERT_DECISION, account_rows.decision_row(decision))

    def decisions_of(self, session_date: date) -> tuple[DecisionRecord, ...]:
        rows = self._read(statements.SELECT_DECISIONS_OF, of_session=session_date)
        return tuple(map(account_rows.decision_of, rows))

    def add_snapshot(self, snapshot: AccountSnapshot) -> None:
        self._write(statements.INSERT_SNAPSHOT, asdict(snapshot))

    def latest_snapshot(self) -> AccountSnapshot | None:
        rows = self._read(statements.SELECT_SNAPSHOT)
        return account_rows.snapshot_of(rows[0]) if rows else None

    def put_summary(self, summary: DailySummary) -> None:
        self._write(self._upserts.put_summary, asdict(summary))

    def summary_of(self, session_date: date) -> DailySummary | None:
        rows = self._read(statements.SELECT_SUMMARY, of_session=session_date)
        return account_rows.summary_of(rows[0]) if rows else None

    def put_names(self, names: Mapping[Symbol, str], *, at: datetime) -> None:
        rows = [
            {"stock_code": symbol, "stock_name": name, "updated_at": at}
            for symbol, name in sorted(names.items())  # one order of locks for every process
        ]
        if rows:
            self._transaction.write(self._upserts.put_names, rows)

    def names(self) -> dict[Symbol, tuple[str, datetime]]:
        rows = self._transaction.read(statements.SELECT_NAMES, {})
        return {Symbol(row.stock_code): (row.stock_name, row.updated_at) for row in rows}

    def put_halted_symbol(self, symbol: Symbol, *, why: str, at: datetime) -> None:
        row = {"stock_code": symbol, "why": why, "at": at}
        self._write(self._upserts.put_halted, row)

    def clear_halted_symbol(self, symbol: Symbol) -> None:
        self._change(statements.DELETE_HALTED, of_symbol=symbol)

    def halted_symbols(self) -> dict[Symbol, str]:
        return {Symbol(row.stock_code): row.why for row in self._read(statements.SELECT_HALTED)}
