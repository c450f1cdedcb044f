"""The first schema. Frozen: `schema.py` moves on, this stays what it created.

MariaDB and MySQL commit every CREATE by itself, so a start that died here left some of it; what is
there already is kept when its columns are ours. Tables of another system are never touched.
"""

from typing import Any

from alembic import op
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    inspect,
)

from kis_adapters.sql.columns import (
    FREE_TEXT,
    JSON_TEXT,
    RATIO,
    ROW_NUMBER,
    WON,
    Instant,
    identifier,
)
from kis_core.ports.store import StoreMisfit

revision = "0001"
down_revision = None

metadata = MetaData()

_SERVER: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}


def upgrade() -> None:
    """Create what is missing. Raises StoreMisfit when a table of one of our names is not ours."""
    connection = op.get_bind()
    inspector = inspect(connection)
    present = set(inspector.get_table_names())
    for table in metadata.sorted_tables:
        if table.name in present:
            names = {column["name"] for column in inspector.get_columns(table.name)}
            if names != set(table.columns.keys()):
                raise StoreMisfit(
                    f"데이터베이스에 다른 프로그램의 {table.name} 표가 있습니다. 빈 데이터베이스를"
                    " DATABASE_URL로 지정하고, 이전 자료는 --mode import-legacy로 가져오세요"
                )
    metadata.create_all(connection)
    for table in metadata.sorted_tables:
        for index in table.indexes:
            index.create(connection, checkfirst=True)


def _owner() -> list[Column[Any]]:
    return [
        Column("mode", identifier(8), primary_key=True),
        Column("account", identifier(32), primary_key=True),
    ]


def _numbered() -> list[Column[Any]]:
    return [
        Column("id", ROW_NUMBER, primary_key=True, autoincrement=True),
        Column("mode", identifier(8), nullable=False),
        Column("account", identifier(32), nullable=False),
    ]


def _required(name: str, kind: Any) -> Column[Any]:
    return Column(name, kind, nullable=False)


Table(
    "order_events",
    metadata,
    *_numbered(),
    _required("order_id", identifier(64)),
    _required("sequence", Integer()),
    _required("kind", identifier(24)),
    _required("at", Instant()),
    Column("intent", JSON_TEXT),
    Column("order_no", String(40)),
    Column("order_branch", String(40)),
    Column("filled_quantity", WON),
    Column("filled_amount", WON),
    Column("commission", WON),
    Column("tax", WON),
    Column("code", FREE_TEXT),
    Column("why", FREE_TEXT),
    UniqueConstraint("mode", "account", "order_id", "sequence", name="uq_order_events_sequence"),
    **_SERVER,
)

Table(
    "order_state",
    metadata,
    *_owner(),
    Column("order_id", identifier(64), primary_key=True),
    _required("idempotency_key", identifier(64)),
    _required("signal_id", identifier(160)),
    _required("session_date", Date()),
    _required("stock_code", identifier(12)),
    Column("live_symbol", identifier(12)),
    _required("side", identifier(8)),
    _required("status", identifier(16)),
    _required("quantity", WON),
    _required("filled_quantity", WON),
    _required("remaining_quantity", WON),
    _required("order_type", identifier(16)),
    _required("price", WON),
    _required("reference_price", WON),
    _required("filled_amount", WON),
    _required("commission", WON),
    _required("tax", WON),
    Column("order_no", String(40)),
    Column("order_branch", String(40)),
    Column("fill_id", identifier(80)),
    _required("reason", String(64)),
    _required("leg", Integer()),
    Column("atr", RATIO),
    _required("evidence", JSON_TEXT),
    _required("is_outcome_lost", Boolean()),
    Column("code", FREE_TEXT),
    Column("why", FREE_TEXT),
    Column("sent_at", Instant()),
    Column("cancel_requested_at", Instant()),
    _required("created_at", Instant()),
    _required("updated_at", Instant()),
    _required("sequence", Integer()),
    UniqueConstraint("mode", "account", "idempotency_key", name="uq_order_state_key"),
    UniqueConstraint("mode", "account", "signal_id", name="uq_order_state_signal"),
    UniqueConstraint("mode", "account", "live_symbol", name="uq_order_state_live"),
    Index("ix_order_state_session", "mode", "account", "session_date"),
    CheckConstraint(
        "(status IN ('PENDING', 'SUBMITTED', 'PARTIAL')) = (live_symbol IS NOT NULL)",
        name="ck_order_state_live",
    ),
    **_SERVER,
)

Table(
    "fills",
    metadata,
    *_numbered(),
    _required("fill_id", identifier(80)),
    _required("order_id", identifier(64)),
    _required("sequence", Integer()),
    _required("session_date", Date()),
    _required("at", Instant()),
    _required("stock_code", identifier(12)),
    _required("side", identifier(8)),
    _required("quantity", WON),
    _required("amount", WON),
    _required("commission", WON),
    _required("tax", WON),
    UniqueConstraint("mode", "account", "order_id", "sequence", name="uq_fills_sequence"),
    Index("ix_fills_session", "mode", "account", "session_date"),
    **_SERVER,
)

Table(
    "trades",
    metadata,
    *_numbered(),
    _required("order_id", identifier(64)),
    _required("idempotency_key", identifier(64)),
    _required("session_date", Date()),
    _required("at", Instant()),
    _required("stock_code", identifier(12)),
    _required("side", identifier(8)),
    _required("reason", String(64)),
    _required("quantity", WON),
    _required("amount", WON),
    _required("commission", WON),
    _required("tax", WON),
    _required("realised_pnl", WON),
    Column("round_trip_pnl", WON),
    UniqueConstraint("mode", "account", "order_id", name="uq_trades_order"),
    UniqueConstraint("mode", "account", "idempotency_key", name="uq_trades_key"),
    Index("ix_trades_session", "mode", "account", "session_date"),
    **_SERVER,
)

Table(
    "positions",
    metadata,
    *_numbered(),
    _required("stock_code", identifier(12)),
    Column("open_symbol", identifier(12)),
    _required("quantity", WON),
    _required("cost", WON),
    _required("atr", RATIO),
    _required("stop_price", WON),
    _required("take_price", WON),
    _required("highest_price", WON),
    _required("is_trailing", Boolean()),
    _required("entry_session", Date()),
    _required("entered_at", Instant()),
    Column("gap_checked_on", Date()),
    Column("gap_triggered_on", Date()),
    _required("source", identifier(16)),
    Column("entry_order_id", identifier(64)),
    _required("entry_fees", WON),
    _required("realised_pnl", WON),
    Column("closed_at", Instant()),
    Column("close_reason", FREE_TEXT),
    UniqueConstraint("mode", "account", "open_symbol", name="uq_positions_open"),
    Index("ix_positions_symbol", "mode", "account", "stock_code"),
    CheckConstraint("(open_symbol IS NULL) = (closed_at IS NOT NULL)", name="ck_positions_open"),
    **_SERVER,
)

Table(
    "pending_exits",
    metadata,
    *_owner(),
    Column("stock_code", identifier(12), primary_key=True),
    _required("reason", String(64)),
    _required("code", FREE_TEXT),
    _required("since", Instant()),
    _required("retry_at", Instant()),
    _required("attempts", Integer()),
    **_SERVER,
)

Table(
    "halted_symbols",
    metadata,
    *_owner(),
    Column("stock_code", identifier(12), primary_key=True),
    _required("why", FREE_TEXT),
    _required("at", Instant()),
    **_SERVER,
)

Table(
    "risk_state",
    metadata,
    *_owner(),
    Column("session_date", Date(), primary_key=True),
    _required("start_equity", WON),
    _required("high_water_mark", WON),
    Column("kill_switch", FREE_TEXT),
    Column("kill_switch_at", Instant()),
    _required("is_drawdown_warned", Boolean()),
    _required("api_error_times", JSON_TEXT),
    **_SERVER,
)

Table(
    "decisions",
    metadata,
    *_numbered(),
    _required("session_date", Date()),
    _required("at", Instant()),
    _required("stock_code", identifier(12)),
    _required("action", String(16)),
    _required("reason", String(64)),
    _required("evidence", JSON_TEXT),
    Column("order_id", identifier(64)),
    Index("ix_decisions_session", "mode", "account", "session_date"),
    **_SERVER,
)

Table(
    "account_snapshots",
    metadata,
    *_numbered(),
    _required("session_date", Date()),
    _required("at", Instant()),
    _required("cash", WON),
    _required("equity", WON),
    _required("evaluation_pnl", WON),
    _required("realised_pnl", WON),
    _required("positions", Integer()),
    Index("ix_account_snapshots_at", "mode", "account", "at"),
    **_SERVER,
)

Table(
    "daily_summary",
    metadata,
    *_owner(),
    Column("session_date", Date(), primary_key=True),
    _required("realised_pnl", WON),
    _required("trades", Integer()),
    _required("wins", Integer()),
    _required("losses", Integer()),
    _required("equity", WON),
    _required("positions", Integer()),
    _required("errors", Integer()),
    **_SERVER,
)

Table(
    "symbol_cache",
    metadata,
    Column("stock_code", identifier(12), primary_key=True),
    _required("stock_name", String(200)),
    _required("updated_at", Instant()),
    **_SERVER,
)
