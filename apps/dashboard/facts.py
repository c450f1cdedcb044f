"""What the page is sent: one document, in Korean where a person reads it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from kis_adapters.console.console_notifier import symbol_text
from kis_adapters.console.log_tail import log_tail
from kis_adapters.console.words import TITLES, labelled, meaning, plain
from kis_adapters.sql.glance import Glance
from kis_core.market.symbol import Symbol
from kis_core.ports.notifier import EventKind
from kis_core.ports.store import StoreMisfit, StoreUnavailable

_LOG_LINES = 50
_TROUBLES = 10
_STATUS = {
    "pending": "전송 중/확인 중",
    "submitted": "접수",
    "partial": "부분 체결",
    "filled": "체결",
    "cancelled": "취소",
    "failed": "실패",
}

Document = dict[str, Any]


@dataclass(slots=True)
class Facts:
    """Reads everything anew when asked; remembers the last that could be read."""

    glance: Glance
    banner: str
    account: str
    log_dir: Path
    heartbeat: Path
    outside_switch: Callable[[], str | None]
    redact: Callable[[str], str]
    now: Callable[[], datetime]
    _last: Document = field(default_factory=dict)

    def document(self) -> Document:
        """The page's content; where the database cannot be read, the last that was, and why."""
        trouble = None
        try:
            self._last = {**_shown(self.glance.take()), "read_at": _at(self.now())}
        except (StoreUnavailable, StoreMisfit) as error:
            trouble = str(error)
        return {
            "banner": self.banner,
            "account": self.account,
            "now": _at(self.now()),
            "trouble": trouble,
            "switch": self.outside_switch(),
            **self._last,
            **self._health(),
        }

    def _health(self) -> Document:
        entries = self._entries()
        lines = [self._line(entry) for entry in entries]
        return {
            "alive_s": self._alive_s(),
            "feed": next(
                (
                    self.redact(meaning(str(entry.get("source") or entry.get("feed"))))
                    for entry in reversed(entries)
                    if entry.get("event") in ("feed.switched", "session.started")
                ),
                None,
            ),
            "troubles": [line for line in lines if line["level"] in ("warning", "error")][
                -_TROUBLES:
            ][::-1],
            "log": lines[-_LOG_LINES:][::-1],
        }

    def _entries(self) -> list[dict[str, object]]:
        try:
            return log_tail(self.log_dir, "kr_trade", _LOG_LINES * 4)
        except OSError:
            return []

    def _alive_s(self) -> float | None:
        """Seconds since the session's last sign of life; None where there never was one."""
        try:
            beat = datetime.fromtimestamp(self.heartbeat.stat().st_mtime, tz=self.now().tzinfo)
        except OSError:
            return None
        return (self.now() - beat).total_seconds()

    def _line(self, entry: Mapping[str, object]) -> Document:
        event = str(entry.get("event", ""))
        known = {kind.value for kind in EventKind}
        title = TITLES.get(EventKind(event), event) if event in known else event
        fields = [
            f"{label} {value}"
            for label, value in (
                labelled(name, value if isinstance(value, str | int | float) else None)
                for name, value in entry.items()
                if name not in ("event", "level", "timestamp", "session_date", "app", "logger")
                and isinstance(value, str | int | float)
            )
        ]
        return {
            "at": str(entry.get("timestamp", ""))[5:19].replace("T", " "),
            "level": str(entry.get("level", "")),
            "text": self.redact(plain(f"{title}: {', '.join(fields)}"))[:400],
        }


def _shown(state: Document) -> Document:
    names = state["names"]
    return {
        "session_date": str(state["session_date"]) if state["session_date"] else None,
        "risk": _risk(state),
        "positions": [_position(row, names) for row in state["positions"]],
        "orders": [_order(row, names) for row in state["orders"]],
        "waiting": [
            *(
                f"{_name(r['stock_code'], names)}: 거래 중지, {plain(meaning(r['why']))}"
                for r in state["halted"]
            ),
            *(
                f"{_name(r['stock_code'], names)}: 청산 보류, {meaning(r['reason'])},"
                f" {r['retry_at']:%H:%M} 이후 다시"
                for r in state["pending_exits"]
            ),
        ],
        "equity": [[_at(at), equity] for at, equity in state["equity"]],
        "decisions": [_decision(row, names) for row in state["decisions"]],
        "last_decision": _at(state["decisions"][0]["at"]) if state["decisions"] else None,
        "last_snapshot": _at(state["snapshot"]["at"]) if state["snapshot"] else None,
    }


def _risk(state: Document) -> Document:
    risk, snapshot = state["risk"] or {}, state["snapshot"] or {}
    high, equity = risk.get("high_water_mark"), snapshot.get("equity")
    drawdown = (high - equity) / high * 100 if high and equity is not None else None
    return {
        "realised_pnl": state["realised_pnl"],
        "evaluation_pnl": snapshot.get("evaluation_pnl"),
        "equity": equity,
        "cash": snapshot.get("cash"),
        "start_equity": risk.get("start_equity"),
        "high_water_mark": high,
        "drawdown_pct": max(0.0, drawdown) if drawdown is not None else None,
        "kill_switch": plain(risk["kill_switch"]) if risk.get("kill_switch") else None,
    }


def _position(row: Document, names: Mapping[str, str]) -> Document:
    last, stop = row["last"], row["stop_price"]
    return {
        "name": _name(row["stock_code"], names),
        "quantity": row["quantity"],
        "average": row["cost"] / row["quantity"],
        "stop": stop,
        "take": row["take_price"],
        "highest": row["highest_price"],
        "is_trailing": row["is_trailing"],
        "last": last,
        "stop_distance_pct": (last - stop) / last * 100 if last else None,
        "entry_session": str(row["entry_session"]),
    }


def _order(row: Document, names: Mapping[str, str]) -> Document:
    return {
        "at": _at(row["created_at"]),
        "name": _name(row["stock_code"], names),
        "side": meaning(row["side"]),
        "reason": meaning(row["reason"]),
        "quantity": row["quantity"],
        "filled": row["filled_quantity"],
        "status": _STATUS.get(str(row["status"]).lower(), str(row["status"])),
        "order_id": row["order_id"],
    }


def _decision(row: Document, names: Mapping[str, str]) -> Document:
    return {
        "at": _at(row["at"]),
        "name": _name(row["stock_code"], names),
        "action": meaning(row["action"]),
        "reason": meaning(row["reason"]),
        "last": row["evidence"].get("last"),
    }


def _name(symbol: str, names: Mapping[str, str]) -> str:
    return symbol_text(Symbol(symbol), lambda code: names.get(code))


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}"
