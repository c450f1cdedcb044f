"""What is answered to a question about the account: what the database has of it, on a telephone.

Read in a transaction of its own, in the telephone's thread: the engine is not asked and does not
wait. The realised result and the evaluation are two figures and always stand apart (R-06).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from kis_adapters.telegram.figures import ago, signed_won, won
from kis_adapters.telegram.markup import bold, escaped
from kis_adapters.telegram.saying import Words
from kis_core.market.symbol import Symbol
from kis_core.orders.booking import Trade
from kis_core.orders.order import Order
from kis_core.orders.pending_exit import PendingExit
from kis_core.ports.store import AccountSnapshot, Store
from kis_core.positions.position import Position
from kis_core.risk.kill_switch import PAUSED
from kis_core.risk.state import RiskRecord
from kis_core.strategy.decision import Reason

Lines = tuple[str, ...]
_ORDERS_SHOWN = 15
_PERCENT = 100.0


class Explainer(Protocol):
    """Tells an order's whole story."""

    def __call__(self, order_id: str) -> str | None:
        """In Korean, lines of plain text; None for an order that nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What one reading found."""

    session_date: date | None
    positions: Sequence[Position]
    live_orders: Sequence[Order]
    orders: Sequence[Order]
    pending_exits: dict[Symbol, PendingExit]
    halted: dict[Symbol, str]
    trades: Sequence[Trade]
    risk: RiskRecord | None
    snapshot: AccountSnapshot | None


def read_stored(store: Store) -> Stored:
    """Read it. Raises StoreUnavailable."""
    with store.unit_of_work() as uow:
        risk = uow.risk()
        day = risk.session_date if risk is not None else None
        return Stored(
            session_date=day,
            positions=uow.positions(),
            live_orders=uow.live_orders(),
            orders=uow.orders_of(day) if day is not None else (),
            pending_exits={p.symbol: p for p in uow.pending_exits()},
            halted=uow.halted_symbols(),
            trades=uow.trades_of(day) if day is not None else (),
            risk=risk,
            snapshot=uow.latest_snapshot(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """`outside_switch`: the reason of a kill switch of settings or file, or None. `engine_seen_s`:
    how long ago the engine last took a step. `shown`: `종목명(종목코드)`."""

    store: Store
    words: Words
    shown: Callable[[Symbol], str]
    outside_switch: Callable[[], str | None]
    engine_seen_s: Callable[[], float | None]
    explain: Explainer
    mode: str

    def stored(self) -> Stored:
        """See `read_stored`."""
        return read_stored(self.store)

    def switch(self, stored: Stored) -> str | None:
        """Why nothing is entered, or None: by the record, or from outside."""
        recorded = stored.risk.kill_switch if stored.risk is not None else None
        return recorded if recorded not in (None, PAUSED) else self.outside_switch() or recorded

    def status(self) -> Lines:
        """Everything at a glance."""
        stored = self.stored()
        reason, seen = self.switch(stored), self.engine_seen_s()
        if reason is None:
            entering = "🟩 새 진입 가능"
        elif reason == PAUSED:
            entering = "⏸ 일시 중지 (재개: /resume)"
        else:
            entering = f"⛔ 킬 스위치: {escaped(reason)} (해제: /resume)"
        return (
            f"{bold('상태')} {escaped(self.mode)} · 거래일 {stored.session_date or '아직 없음'}",
            f"엔진 마지막 동작 {ago(seen)}" if seen is not None else "엔진이 아직 돌지 않음",
            entering,
            *self._results(stored),
            f"보유 {len(stored.positions)}종목 /positions · 미결 주문 {len(stored.live_orders)}건"
            " /orders",
            *(
                f"거래 중지 {self._symbol(symbol)}: {escaped(why)}"
                for symbol, why in sorted(stored.halted.items())
            ),
        )

    def positions(self) -> Lines:
        """What is held, with its levels, each with the command that sells it."""
        stored = self.stored()
        if not stored.positions:
            return ("보유 종목이 없습니다.",)
        lines = [bold(f"보유 {len(stored.positions)}종목")]
        for position in stored.positions:
            lines += self._position(position, stored.pending_exits.get(position.symbol))
        return tuple(lines)

    def orders(self) -> Lines:
        """The session's orders, the newest last, each with the command that explains it."""
        stored = self.stored()
        known = {order.order_id: order for order in (*stored.live_orders, *stored.orders)}
        if not known:
            return ("오늘 낸 주문이 없습니다.",)
        newest = sorted(known.values(), key=lambda order: order.created_at)
        left_out = len(newest) - _ORDERS_SHOWN
        lines = [
            bold(f"주문 {len(newest)}건") + (f" (앞의 {left_out}건 생략)" if left_out > 0 else "")
        ]
        for order in newest[-_ORDERS_SHOWN:]:
            lines += self._order(order)
        return tuple(lines)

    def pnl(self) -> Lines:
        """The two results, apart."""
        stored = self.stored()
        ended = [t.round_trip_pnl for t in stored.trades if t.round_trip_pnl is not None]
        wins = len([pnl for pnl in ended if pnl > 0])
        rate = f" · 승률 {_PERCENT * wins / len(ended):.0f}%" if ended else ""
        return (
            f"{bold('손익')} {stored.session_date or ''}",
            *self._results(stored),
            f"끝난 거래 {len(ended)}건 · 이익 {wins}건{rate}",
            "두 손익은 서로 다른 것을 재므로 맞지 않는 것이 정상입니다.",
        )

    def explanation(self, order_id: str) -> Lines:
        """The story of one order."""
        if not order_id:
            return (
                "주문번호가 필요합니다: /explain 97d58dd9fdc8f0b0 (번호는 /orders 에 있습니다)",
            )
        told = self.explain(order_id)
        if told is None:
            return (
                f"그런 주문이 없습니다: {escaped(order_id, most=40)} (번호는 /orders 에 있습니다)",
            )
        return tuple(escaped(line) for line in told.splitlines())

    def _results(self, stored: Stored) -> Lines:
        realised = sum(trade.realised_pnl for trade in stored.trades)
        lines = [f"당일 실현 손익 {bold(signed_won(realised))} (끝난 거래, 비용 뺌)"]
        snapshot = stored.snapshot
        if snapshot is not None:
            lines.append(
                f"계좌 평가손익 {signed_won(snapshot.evaluation_pnl)} · 총자산"
                f" {won(snapshot.equity)} ({snapshot.at:%m-%d %H:%M} 잔고)"
            )
        return tuple(lines)

    def _position(self, position: Position, pending: PendingExit | None) -> Lines:
        levels = position.levels
        trailing = f" · 최고 {won(position.highest)} 추적 중" if position.is_trailing else ""
        is_wanted_sold = pending is not None and pending.reason == Reason.BY_OPERATOR
        way_out = "매도 지시 대기 중, 취소 /keep_" if is_wanted_sold else "팔기 /sell_"
        parked = ""
        if pending is not None and not is_wanted_sold:
            parked = f" · 청산 보류({escaped(self.words.meaning(pending.reason))})"
        return (
            f"{bold(self.shown(position.symbol))} {position.quantity:,}주"
            f" 평균 {won(position.average)}",
            f"손절 {won(levels.stop)} · 익절 {won(levels.take)}{trailing}{parked}",
            f"{position.entry_session} 진입 · {way_out}{escaped(position.symbol)}",
        )

    def _order(self, order: Order) -> Lines:
        intent = order.intent
        side, reason = self.words.meaning(intent.side), self.words.meaning(intent.reason)
        state = "응답 불명, 증권사 조회로 확인 중" if order.is_ambiguous else _STATES[order.status]
        return (
            f"{order.created_at:%H:%M} {escaped(side)} {self._symbol(intent.symbol)}"
            f" {order.filled_quantity:,}/{intent.quantity:,}주 {state}",
            f"{escaped(reason)} · /explain_{escaped(order.order_id, most=40)}",
        )

    def _symbol(self, symbol: Symbol) -> str:
        return escaped(self.shown(symbol))


_STATES = {
    "PENDING": "보내는 중",
    "SUBMITTED": "접수됨",
    "PARTIAL": "부분 체결",
    "FILLED": "체결",
    "CANCELLED": "취소됨",
    "FAILED": "실패",
}
