"""An order's story by what the database has of it: why, on which numbers, and what became of it."""

from collections.abc import Callable

from kis_adapters.telegram.answers import Explainer
from kis_adapters.telegram.figures import won
from kis_adapters.telegram.saying import Words
from kis_core.market.symbol import Symbol
from kis_core.ports.store import Store


def stored_order_story(store: Store, words: Words, shown: Callable[[Symbol], str]) -> Explainer:
    """Explains orders by what the database has of them."""

    def explain(order_id: str) -> str | None:
        with store.unit_of_work() as uow:
            order, events = uow.order(order_id), uow.events_of(order_id)
        if order is None:
            return None
        intent = order.intent
        price = won(intent.price) if intent.price else "시장가"
        evidence = [words.labelled(name, value) for name, value in intent.evidence.items()]
        return "\n".join(
            [
                f"{shown(intent.symbol)} {words.meaning(intent.side)} {intent.quantity:,}주"
                f" {price}",
                f"사유: {words.meaning(intent.reason)} (신호가 {won(intent.reference)})",
                "근거: " + ", ".join(f"{label} {text}" for label, text in evidence),
                *(
                    f"{event.at:%H:%M:%S} {_EVENTS.get(event.kind.value, event.kind.value)}"
                    f" {event.broker_order_no or ''} {words.meaning(event.code or '')}"
                    f" {event.why or ''}".rstrip()
                    for event in events
                ),
                f"체결 {order.filled_quantity:,}/{intent.quantity:,}주, "
                f"수수료 {won(order.commission)}, 세금 {won(order.tax)}",
            ]
        )

    return explain


_EVENTS = {
    "created": "주문 기록",
    "sending": "전송",
    "accepted": "접수",
    "adopted": "증권사 목록에서 찾음",
    "filled": "체결",
    "rejected": "거부",
    "not_sent": "전송되지 않음",
    "not_received": "증권사에 접수되지 않음",
    "outcome_lost": "응답 없음",
    "cancel_requested": "취소 요청",
    "cancel_refused": "취소 거부",
    "cancelled": "취소됨",
}
