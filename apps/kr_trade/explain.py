"""`--mode explain`: why an order was sent, by the audit trail alone (M-19)."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic_core import to_json

from apps.account import account_of
from apps.exit_code import ExitCode
from apps.kr_trade.arguments import Arguments
from apps.kr_trade.offline import opened_store
from apps.listeners import trail_account, trail_folder
from apps.terminal import say
from kis_adapters.audit.fact import FactKind, order_event_fact
from kis_adapters.audit.reader import Checked, Entry, Trail
from kis_adapters.console.console_notifier import symbol_text
from kis_adapters.console.redactor import Redactor
from kis_adapters.console.story import at_text, event_sentence, evidence_lines, why_sentence
from kis_adapters.console.words import TITLES, labelled, meaning, plain
from kis_adapters.settings.settings import Settings
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.ports.notifier import EventKind
from kis_core.ports.store import StoreMisfit, StoreUnavailable

Told = Mapping[str, Any]


def explain(settings: Settings, arguments: Arguments) -> int:
    """Print the story of an order, the last decision on a symbol, or the state of the chain."""
    trail = Trail(
        trail_folder(settings, settings.mode),
        mode=settings.mode,
        account=trail_account(account_of(settings), is_simulated=settings.uses_simulator),
    )
    try:
        checked = trail.check()
        if arguments.order is not None:
            entries = trail.of_order(arguments.order)
        elif arguments.decision is not None:
            symbol, until = _asked(arguments.decision)
            entries = trail.of_decision(symbol, until)
        else:
            return _print_chain(checked, as_json=arguments.as_json)
    except ValueError as error:
        return say(str(error), ExitCode.REFUSED)
    except OSError as error:
        return say(f"감사 기록을 읽을 수 없습니다: {error}", ExitCode.FAILURE)
    source = "trail"
    if not entries and arguments.order is not None:
        source, entries = "database", _from_database(settings, arguments.order)
    if not entries:
        asked = arguments.order or arguments.decision
        return say(f"감사 기록에도 데이터베이스에도 없습니다: {asked}", ExitCode.REFUSED)
    redact = Redactor(settings.secret_values()).redact
    if arguments.as_json:
        print(redact(_document(arguments.order, source, checked, entries)))
    else:
        print(redact("\n".join(_story(settings, source, checked, entries))))
    return ExitCode.OK if checked.problem is None else ExitCode.FAILURE


def _asked(text: str) -> tuple[str, datetime | None]:
    """`CODE` or `CODE@INSTANT`. Raises ValueError (Korean)."""
    symbol, at, instant = text.partition("@")
    if not at:
        return symbol, None
    try:
        until = datetime.fromisoformat(instant)
    except ValueError:
        raise ValueError(
            f"--decision 의 시각을 읽을 수 없습니다: {instant} (예: 005930@2026-11-24T10:30:00)"
        ) from None
    return symbol, until if until.tzinfo is not None else until.replace(tzinfo=KST)


def _from_database(settings: Settings, order_id: str) -> list[Entry]:
    """The order's events as the database has them: for orders older than the trail."""
    try:
        with opened_store(settings) as store, store.unit_of_work() as uow:
            events = uow.events_of(order_id)
    except (StoreMisfit, StoreUnavailable, OSError):
        return []
    facts = [order_event_fact(event) for event in events]
    return [Entry(fact=fact, file="", number=0) for fact in facts]


def _document(order: str | None, source: str, checked: Checked, entries: list[Entry]) -> str:
    facts = [
        {"file": e.file, "n": e.number, "kind": e.fact.kind, "at": e.fact.at, "data": e.fact.data}
        for e in entries
    ]
    named = {"order_id": order, "source": source, "chain": asdict(checked), "facts": facts}
    return json.dumps(json.loads(to_json(named)), ensure_ascii=False, indent=2)


def _print_chain(checked: Checked, *, as_json: bool) -> int:
    print(json.dumps(asdict(checked), ensure_ascii=False) if as_json else _chain_line(checked))
    return ExitCode.OK if checked.problem is None else ExitCode.FAILURE


def _chain_line(checked: Checked) -> str:
    if checked.problem is not None:
        return (
            f"[주의] 감사 기록의 사슬이 끊겨 있습니다: {checked.problem}."
            f" 그 앞의 {checked.lines:,}줄은 온전합니다."
        )
    return f"감사 기록 확인: 파일 {checked.files}개, {checked.lines:,}줄의 사슬이 온전합니다."


def _story(settings: Settings, source: str, checked: Checked, entries: list[Entry]) -> list[str]:
    told: list[Told] = [
        {**json.loads(to_json(e.fact.data)), "_kind": e.fact.kind, "_at": e.fact.at.isoformat()}
        for e in entries
    ]
    names = _names(settings)
    lines = []
    if source == "database":
        lines.append("감사 기록에 없는 주문입니다. 아래는 데이터베이스의 내용입니다.")
    decisions = [t for t in told if t["_kind"] == FactKind.DECISION]
    events = [t for t in told if t["_kind"] == FactKind.ORDER_EVENT]
    intent = next((event["intent"] for event in events if event.get("intent")), None)
    if intent is not None:
        lines += _heading(settings, intent, names)
    elif decisions:
        decision = decisions[0]
        lines += [
            f"{_shown(decision['symbol'], names)} {meaning(decision['action'])}"
            f" · {at_text(decision['at'])}"
        ]
    why = intent or (decisions[0] if decisions else None)
    if why is not None:
        lines += ["", "왜", f"  {why_sentence(why['reason'], why['evidence'])}", "", "비교한 값"]
        lines += [f"  {line}" for line in evidence_lines(why["evidence"])]
    lines += _risk(told)
    if intent is not None:
        lines += ["", "일어난 일"]
        lines += [
            f"  {at_text(event['at'])} {event_sentence(event, quantity=intent['quantity'])}"
            for event in events
        ]
    lines += _told_lines(told) + _result(told)
    return [*lines, "", _chain_line(checked)]


def _heading(settings: Settings, intent: Told, names: Mapping[Symbol, str]) -> list[str]:
    price = f"{intent['price']:,}원 지정가" if intent["price"] else "시장가"
    return [
        f"{_shown(intent['symbol'], names)} {meaning(intent['side'])} {intent['quantity']:,}주"
        f" {price} · {meaning(intent['reason'])} [{settings.mode}]",
        f"주문 {intent['order_id']} · 신호 {intent['signal_id']}"
        f" · 신호가 {intent['reference']:,}원",
    ]


def _risk(told: list[Told]) -> list[str]:
    risk = next((t for t in told if t["_kind"] == FactKind.RISK), None)
    if risk is None:
        return []
    switch = risk.get("kill_switch")
    return [
        "",
        "그때의 리스크 상태",
        f"  시작 자산 {risk['start_equity']:,}원, 자산 고점 {risk['high_water_mark']:,}원,"
        f" 킬 스위치 {plain(switch) if switch else '꺼짐'}",
    ]


def _told_lines(told: list[Told]) -> list[str]:
    """What was told of the order and is no event of its own: a halt, a repair, a refusal."""
    lines = []
    for each in told:
        if each["_kind"] != FactKind.TOLD or each["event"].startswith("order."):
            continue
        fields = [labelled(n, v) for n, v in each.items() if n not in ("event", "_kind", "_at")]
        title = TITLES.get(EventKind(each["event"]), each["event"])
        text = ", ".join(f"{label} {value}" for label, value in fields)
        lines.append(f"  {at_text(each['_at'])} {title}: {text}")
    return ["", "함께 기록된 일", *lines] if lines else []


def _result(told: list[Told]) -> list[str]:
    trades = [t for t in told if t["_kind"] == FactKind.TRADE]
    if not trades:
        return []
    last = trades[-1]
    text = (
        f"  {last['quantity']:,}주 {last['amount']:,}원 체결, 수수료 {last['commission']:,}원,"
        f" 세금 {last['tax']:,}원"
    )
    if last["side"] == "sell":
        text += f", 실현 손익 {last['realised_pnl']:+,}원"
    return ["", "결과", text]


def _shown(symbol: str, names: Mapping[Symbol, str]) -> str:
    return symbol_text(Symbol(symbol), names.get)


def _names(settings: Settings) -> Mapping[Symbol, str]:
    """Names are for the eye: without a database the codes stand for themselves."""
    try:
        with opened_store(settings) as store, store.unit_of_work() as uow:
            return {symbol: name for symbol, (name, _) in uow.names().items()}
    except (StoreMisfit, StoreUnavailable, OSError):
        return {}
