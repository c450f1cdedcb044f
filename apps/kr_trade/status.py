"""`--mode status`: what the database knows, without asking the broker (M-18)."""

import json
from dataclasses import dataclass
from datetime import date

from kis_core.market.symbol import Symbol
from kis_core.orders.order import Order
from kis_core.orders.pending_exit import PendingExit
from kis_core.ports.store import AccountSnapshot, Store
from kis_core.positions.position import Position
from kis_core.risk.state import RiskRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One account's state as stored; `session_date` is the newest session that traded."""

    mode: str
    account: str
    session_date: date | None
    positions: tuple[Position, ...]
    live_orders: tuple[Order, ...]
    pending_exits: tuple[PendingExit, ...]
    halted: dict[Symbol, str]
    names: dict[Symbol, str]
    realised_pnl: int
    trades: int
    risk: RiskRecord | None
    snapshot: AccountSnapshot | None


def read_status(store: Store, *, mode: str, account: str) -> Status:
    """Read the state in one transaction. Raises StoreUnavailable."""
    with store.unit_of_work() as uow:
        risk = uow.risk()
        session_date = risk.session_date if risk is not None else None
        trades = uow.trades_of(session_date) if session_date is not None else ()
        return Status(
            mode=mode,
            account=account,
            session_date=session_date,
            positions=uow.positions(),
            live_orders=uow.live_orders(),
            pending_exits=uow.pending_exits(),
            halted=uow.halted_symbols(),
            names={symbol: name for symbol, (name, _) in uow.names().items()},
            realised_pnl=sum(trade.realised_pnl for trade in trades),
            trades=len(trades),
            risk=risk,
            snapshot=uow.latest_snapshot(),
        )


def as_json(status: Status) -> str:
    """The status for machines: one JSON object, keys in English, money in won."""
    risk, snapshot = status.risk, status.snapshot
    document = {
        "mode": status.mode,
        "account": status.account,
        "session_date": status.session_date.isoformat() if status.session_date else None,
        "realised_pnl": status.realised_pnl,
        "trades": status.trades,
        "positions": [_position(p, status.names) for p in status.positions],
        "open_orders": [_order(o, status.names) for o in status.live_orders],
        "pending_exits": [
            {
                "symbol": p.symbol,
                "reason": p.reason,
                "code": p.code,
                "retry_at": p.retry_at.isoformat(),
            }
            for p in status.pending_exits
        ],
        "halted_symbols": dict(status.halted),
        "risk": None
        if risk is None
        else {
            "start_equity": risk.start_equity,
            "high_water_mark": risk.high_water_mark,
            "kill_switch": risk.kill_switch,
        },
        "account_snapshot": None
        if snapshot is None
        else {
            "at": snapshot.at.isoformat(),
            "cash": snapshot.cash,
            "equity": snapshot.equity,
            "evaluation_pnl": snapshot.evaluation_pnl,
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def as_text(status: Status) -> str:
    """The status for people, in Korean."""
    lines = [f"[{status.mode}] 계좌 {status.account} · 기준일 {status.session_date or '거래 없음'}"]
    lines += _position_lines(status)
    lines += _order_lines(status)
    lines += _risk_lines(status)
    return "\n".join(lines)


def _position_lines(status: Status) -> list[str]:
    if not status.positions:
        return ["보유 종목: 없음"]
    lines = [f"보유 종목: {len(status.positions)}"]
    for position in status.positions:
        levels = position.levels
        trailing = f" · 최고 {position.highest:,} (추적 중)" if position.is_trailing else ""
        lines.append(
            f"  {_shown(position.symbol, status.names)} {position.quantity:,}주"
            f" · 평균 {position.average:,.0f} · 손절 {levels.stop:,} · 익절 {levels.take:,}"
            f" · 진입 {position.entry_session}{trailing}"
        )
    return lines


def _order_lines(status: Status) -> list[str]:
    lines = [f"미체결 주문: {len(status.live_orders) or '없음'}"]
    for order in status.live_orders:
        intent = order.intent
        side = "매수" if intent.side == "buy" else "매도"
        unclear = " · 응답 불명, 증권사 조회로 확인 중" if order.is_ambiguous else ""
        lines.append(
            f"  {order.order_id} {_shown(intent.symbol, status.names)} {side}"
            f" {order.filled_quantity:,}/{intent.quantity:,}주 {order.status}{unclear}"
        )
    for pending in status.pending_exits:
        lines.append(
            f"  보류된 청산 {_shown(pending.symbol, status.names)} · {pending.reason}"
            f" · {pending.retry_at:%H:%M} 이후 재시도"
        )
    for symbol, why in status.halted.items():
        lines.append(f"  거래 중지 {_shown(symbol, status.names)} · {why}")
    return lines


def _risk_lines(status: Status) -> list[str]:
    lines = [
        "RISK MANAGER STATUS",
        f"  당일 실현 손익: {status.realised_pnl:+,}원 (거래 {status.trades}건)",
    ]
    snapshot, risk = status.snapshot, status.risk
    if snapshot is not None:
        lines.append(
            f"  계좌 평가손익: {snapshot.evaluation_pnl:+,}원 · 평가금액 {snapshot.equity:,}원"
            f" ({snapshot.at:%Y-%m-%d %H:%M} 기준)"
        )
    if risk is not None:
        switch = f"켜짐 — {risk.kill_switch}" if risk.kill_switch else "꺼짐"
        lines.append(f"  킬 스위치: {switch} · 최고 평가금액 {risk.high_water_mark:,}원")
    return lines


def _position(position: Position, names: dict[Symbol, str]) -> dict[str, object]:
    return {
        "symbol": position.symbol,
        "name": names.get(position.symbol),
        "quantity": position.quantity,
        "cost": position.cost,
        "stop": position.levels.stop,
        "take": position.levels.take,
        "atr": position.levels.atr,
        "highest": position.highest,
        "is_trailing": position.is_trailing,
        "entry_session": position.entry_session.isoformat(),
        "source": position.source,
    }


def _order(order: Order, names: dict[Symbol, str]) -> dict[str, object]:
    intent = order.intent
    return {
        "order_id": order.order_id,
        "symbol": intent.symbol,
        "name": names.get(intent.symbol),
        "side": intent.side,
        "status": order.status,
        "quantity": intent.quantity,
        "filled_quantity": order.filled_quantity,
        "order_no": order.broker_order_no,
        "reason": intent.reason,
        "created_at": order.created_at.isoformat(),
    }


def _shown(symbol: Symbol, names: dict[Symbol, str]) -> str:
    return f"{names.get(symbol, 'UNKNOWN')}({symbol})"
