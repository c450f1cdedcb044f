"""What the operator reads, and that telling never costs trading anything."""

import io
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

import pytest

from kis_adapters.console.console_notifier import ConsoleNotifier, symbol_text
from kis_adapters.console.fan_out import FanOut
from kis_adapters.console.words import TITLES, meaning
from kis_adapters.memory.listening import MemoryNotifier
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.orders.identity import Side
from kis_core.ports.notifier import Event, EventKind, FieldValue, Level, Notifier
from kis_core.positions.reconcile import DifferenceKind
from kis_core.risk.approval import RefusalReason
from kis_core.strategy.decision import Action, Reason

AT = datetime(2026, 11, 24, 10, 30, 5, tzinfo=KST)
SAMSUNG = Symbol("005930")
NAMES = {SAMSUNG: "삼성전자"}

FILLED = Event(
    kind=EventKind.ORDER_FILLED,
    at=AT,
    symbol=SAMSUNG,
    order_id="0123456789abcdef",
    fields={"side": "buy", "filled": 3, "filled_total": 10, "average": 70_150.0, "tax": 0},
)
FAILED = Event(
    kind=EventKind.ORDER_FAILED,
    at=AT,
    level=Level.WARNING,
    symbol=SAMSUNG,
    order_id="a",
    fields={"code": "40570000", "why": "장시작전"},
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def shown(events: Iterable[Event], stream: io.StringIO | None = None) -> str:
    stream = stream if stream is not None else io.StringIO()
    notifier = ConsoleNotifier(stream, name_of=NAMES.get)
    for event in events:
        notifier.tell(event)
    assert notifier.failures == 0
    return stream.getvalue()


@pytest.mark.req("N-03")
def test_a_fill_is_one_korean_line_with_name_figures_and_order_id() -> None:
    assert shown([FILLED]) == (
        "10:30:05 체결 완료 삼성전자(005930): 구분 매수, 체결 3주, 누적 체결 10주,"
        " 평균가 70,150원, 세금 0원 [주문 0123456789abcdef]\n"
    )


def test_urgency_is_a_word_where_there_are_no_colours() -> None:
    text = shown([FAILED, replace(FAILED, kind=EventKind.ERROR, level=Level.ERROR)])

    assert text.splitlines() == [
        "10:30:05 [주의] 주문 실패 삼성전자(005930): 코드 40570000, 내용 장시작전 [주문 a]",
        "10:30:05 [오류] 오류 삼성전자(005930): 코드 40570000, 내용 장시작전 [주문 a]",
    ]


@pytest.mark.req("N-03")
@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_has_a_korean_line_that_names_its_symbol(kind: EventKind) -> None:
    text = shown([Event(kind=kind, at=AT, symbol=SAMSUNG, fields={"reason": "stop_loss"})])

    assert TITLES[kind] in text or kind is EventKind.DAY_CLOSED
    assert "손절" in text or kind is EventKind.GAP_CHECKED


@pytest.mark.parametrize("words", [Reason, RefusalReason, DifferenceKind, Action, Side])
def test_every_word_of_ours_has_a_korean_meaning(words: type[StrEnum]) -> None:
    untranslated = [word for word in words if meaning(word) == word]

    assert untranslated == []


def test_a_pipe_gets_no_control_codes_and_a_terminal_gets_colours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")

    piped = shown([FAILED])
    on_terminal = shown([FAILED], Terminal())

    assert "\x1b" not in piped
    assert "\x1b" in on_terminal


def test_what_others_wrote_cannot_forge_a_line_or_move_the_cursor() -> None:
    why = "거부\x1b[2J\r\n10:30:06 체결 완료[bold]"
    text = shown([replace(FAILED, fields={"why": why})])

    assert len(text.splitlines()) == 1
    assert "\x1b" not in text
    assert "[bold]" in text  # markup is text too


@pytest.mark.req("N-03")
def test_a_name_that_cannot_be_had_never_costs_the_message() -> None:
    def broken(_symbol: Symbol) -> str:
        raise RuntimeError("no names today")

    assert symbol_text(SAMSUNG, NAMES.get) == "삼성전자(005930)"
    assert symbol_text(Symbol("0126Z0"), NAMES.get) == "UNKNOWN(0126Z0)"
    assert symbol_text(SAMSUNG, broken) == "UNKNOWN(005930)"


@pytest.mark.req("R-06")
def test_the_risk_status_shows_both_results_as_two_figures() -> None:
    event = Event(
        kind=EventKind.RISK_STATUS,
        at=AT,
        fields={"evaluation_pnl": 41_000, "realised_pnl": -12_345, "kill_switch": None},
    )

    lines = shown([event]).splitlines()

    assert lines[0].strip() == "RISK MANAGER STATUS"
    realised = next(line for line in lines if "당일 실현 손익" in line)
    evaluated = next(line for line in lines if "계좌 평가손익" in line)
    assert "-12,345원" in realised
    assert "41,000원" in evaluated
    assert lines.index(realised) < lines.index(evaluated)


@pytest.mark.req("N-06")
def test_the_days_summary_is_a_table() -> None:
    fields: dict[str, FieldValue] = {"session_date": "2026-11-24", "realised_pnl": 12_000}
    fields |= {"wins": 2, "positions": 1, "new_figure": 7}

    text = shown([Event(kind=EventKind.DAY_CLOSED, at=AT, fields=fields)])

    assert "거래일 마감 요약" in text
    for words in ("2026-11-24", "12,000원", "이익 청산", "2건", "new_figure"):
        assert words in text


def test_debug_events_are_not_for_the_console() -> None:
    assert shown([replace(FILLED, level=Level.DEBUG)]) == ""


@pytest.mark.req("F-056", "F-109", "N-04")
def test_the_same_event_again_is_told_once_and_counted() -> None:
    again = [replace(FAILED, at=AT + timedelta(minutes=n)) for n in range(4)]
    changed = replace(FAILED, at=AT + timedelta(minutes=4), fields={"code": "x"})

    lines = shown([*again, changed]).splitlines()

    assert len(lines) == 2
    assert lines[1].endswith("(앞의 같은 알림 3번 생략)")


@pytest.mark.req("N-04")
def test_the_same_event_after_ten_minutes_is_news() -> None:
    just_before = replace(FAILED, at=AT + timedelta(minutes=10) - timedelta(microseconds=1))
    at_ten = replace(FAILED, at=AT + timedelta(minutes=10))

    assert len(shown([FAILED, just_before]).splitlines()) == 1
    assert len(shown([FAILED, at_ten]).splitlines()) == 2


def test_the_same_event_of_another_symbol_is_another_event() -> None:
    other = replace(FAILED, symbol=Symbol("000660"))

    assert len(shown([FAILED, other, FAILED, other]).splitlines()) == 2


@pytest.mark.req("E-07")
def test_a_console_that_is_gone_is_counted_and_nothing_else() -> None:
    stream = io.StringIO()
    notifier = ConsoleNotifier(stream, name_of=NAMES.get)
    stream.close()

    notifier.tell(FILLED)

    assert notifier.failures == 1


class Stuck(Notifier):
    """A listener that does not return until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.entered = threading.Event()
        self.told = 0

    def tell(self, event: Event) -> None:
        self.entered.set()
        self.let_go.wait()
        self.told += 1


class Broken(Notifier):
    def tell(self, event: Event) -> None:
        raise RuntimeError("broken")


@pytest.mark.req("E-07", "F-036")
def test_a_stuck_listener_delays_nobody_and_its_losses_are_counted() -> None:
    stuck, healthy = Stuck(), MemoryNotifier()
    fan_out = FanOut([stuck, healthy], queue_max=5)
    fan_out.tell(FILLED)
    stuck.entered.wait()  # it holds the first; its queue is empty

    began = time.monotonic()
    for n in range(20):
        while len(healthy.events) <= n:  # the healthy one keeps up, so only the stuck one fills
            time.sleep(0)
        fan_out.tell(FILLED)
    took = time.monotonic() - began
    stuck.let_go.set()
    fan_out.close()

    assert took < 5
    assert fan_out.dropped == 15
    assert stuck.told == 6
    assert len(healthy.events) == 21


@pytest.mark.req("E-07")
def test_a_broken_listener_is_counted_and_the_others_hear_everything() -> None:
    healthy = MemoryNotifier()
    fan_out = FanOut([Broken(), healthy])

    for _ in range(3):
        fan_out.tell(FILLED)
    fan_out.close()

    assert fan_out.failures == 3
    assert healthy.events == [FILLED] * 3


@pytest.mark.req("E-07", "M-17")
def test_closing_waits_for_a_stuck_listener_within_a_bound() -> None:
    stuck = Stuck()
    fan_out = FanOut([stuck])
    fan_out.tell(FILLED)

    began = time.monotonic()
    fan_out.close(within_s=0.05)
    took = time.monotonic() - began
    stuck.let_go.set()

    assert took < 3


def test_a_listener_hears_events_in_order() -> None:
    healthy = MemoryNotifier()
    fan_out = FanOut([healthy])
    events = [replace(FILLED, order_id=str(n)) for n in range(500)]

    for event in events:
        fan_out.tell(event)
    fan_out.close()

    assert healthy.events == events


@pytest.mark.req("N-03")
def test_a_list_of_symbols_is_shown_by_name_and_a_long_one_by_its_beginning() -> None:
    def selected(*codes: str) -> Event:
        fields: dict[str, FieldValue] = {"step": "final", "symbols": ",".join(codes)}
        return Event(kind=EventKind.UNIVERSE_SELECTED, at=AT, fields=fields)

    few = shown([selected("005930", "000660")])
    many = shown([selected("005930", *(f"{number:06d}" for number in range(1, 25)))])
    none = shown([selected()])

    assert "종목 삼성전자(005930), UNKNOWN(000660)" in few
    assert "UNKNOWN(000019) 외 5종목" in many
    assert "000020" not in many
    assert "UNKNOWN" not in none
