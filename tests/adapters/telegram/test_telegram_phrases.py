"""Every kind of message: what it says, that it names its symbol, and that nobody can forge it."""

import re

import pytest

from kis_adapters.console import words
from kis_adapters.memory.world import HYNIX, SAMSUNG
from kis_adapters.telegram.markup import TEXT_MAX, escaped, pages, plain_of
from kis_adapters.telegram.phrases import Phrases
from kis_adapters.telegram.saying import Saying
from kis_adapters.telegram.topics import Topic, topic_of
from kis_core.market.symbol import Symbol
from kis_core.ports.notifier import Event, EventKind, Level
from kis_core.strategy.decision import Reason
from tests.telegram_server import TelegramServer
from tests.telephone import Telephone, event, shown

PHRASES = Phrases(Saying(words=words, shown=shown))
HOSTILE = "_*[`]()~>#+-=|{}.!<b>&amp;</code><script>\u202e\x1b[2J\n10:31 ⛔ 가짜 줄\\"


def said(told: Event) -> str:
    """The event as its reader sees it."""
    return plain_of("\n".join(PHRASES.lines(told)))


def _exit(reason: Reason) -> Event:
    return event(
        EventKind.SIGNAL, SAMSUNG,
        action="sell", reason=reason, last=69_400, average=70_300.0, stop=69_500, take=71_500,
    )  # fmt: skip


# Of each kind of N-02 one event with the fields that the session tells, and what it must say.
KINDS: list[tuple[Topic, Event, tuple[str, ...]]] = [
    (
        Topic.SESSION,
        event(EventKind.SESSION_STARTED, mode="REAL", feed="rest", host="h", simulator=False,
              account="********01", version="0.1.0", settings="ab"),
        ("시작", "REAL", "********01"),
    ),
    (Topic.SESSION, event(EventKind.SESSION_STOPPED, reason="interrupted"), ("종료 중단 요청",)),
    (
        Topic.SIGNAL,
        event(EventKind.SIGNAL, SAMSUNG, action="buy", reason="breakout", last=70_300),
        ("매수 신호 삼성전자(005930) 70,300원", "돌파 진입"),
    ),
    (
        Topic.ORDER_SENT,
        event(EventKind.ORDER_SUBMITTED, SAMSUNG, order_id="0a1b", side="buy", reason="breakout",
              order_no="117"),
        ("매수 주문 접수 삼성전자(005930)", "주문번호 117", "/explain_0a1b"),
    ),
    (
        Topic.ORDER_FILLED,
        event(EventKind.ORDER_FILLED, SAMSUNG, order_id="0a1b", side="sell", filled_total=3,
              quantity=3, average=69_400.0, commission=31, tax=416, slippage_bp=-5.0),
        ("매도 체결 삼성전자(005930) 3주 @69,400원", "세금 416원", "0.05% 유리", "/explain_0a1b"),
    ),
    (
        Topic.ORDER_FILLED,
        event(EventKind.POSITION_OPENED, SAMSUNG, order_id="0a1b", quantity=3, average=70_000.0,
              stop=69_300, take=72_100, atr=400.0),
        ("진입 삼성전자(005930) 3주 평균 70,000원", "손절 69,300원 (-1.0%)",
         "익절 72,100원 (+3.0%)"),
    ),
    (
        Topic.ORDER_FILLED,
        event(EventKind.POSITION_CLOSED, SAMSUNG, order_id="0a1b", reason="stop_loss", pnl=-2_700),
        ("청산 삼성전자(005930) -2,700원", "손절"),
    ),
    (
        Topic.ORDER_PARTIAL,
        event(EventKind.ORDER_PARTIAL, SAMSUNG, order_id="0a1b", side="buy", filled_total=4,
              quantity=10, average=70_300.0, commission=42, tax=0),
        ("매수 부분 체결 삼성전자(005930) 4/10주 @70,300원",),
    ),
    (
        Topic.ORDER_CANCELLED,
        event(EventKind.ORDER_CANCELLED, SAMSUNG, order_id="0a1b", side="buy", reason="breakout",
              filled_total=4, remaining=6, code="cancelled"),
        ("매수 주문 취소 삼성전자(005930)", "체결 4주 · 남음 6주", "/explain_0a1b"),
    ),
    (
        Topic.ORDER_FAILED,
        event(EventKind.ORDER_FAILED, SAMSUNG, level=Level.WARNING, order_id="0a1b", side="buy",
              code="40570000", why="장종료"),
        ("⚠️ 주문 실패 삼성전자(005930)", "40570000", "장종료", "/explain_0a1b"),
    ),
    (Topic.STOP_LOSS, _exit(Reason.STOP_LOSS),
     ("손절 삼성전자(005930) 69,400원 → 매도", "평균 70,300원 · 손절 69,500원 · 익절 71,500원")),
    (Topic.TAKE_PROFIT, _exit(Reason.TAKE_PROFIT), ("익절 삼성전자(005930)",)),
    (Topic.TRAILING, _exit(Reason.TRAILING_STOP), ("트레일링 스탑 삼성전자(005930)",)),
    (Topic.GAP, _exit(Reason.GAP_PROTECTION), ("갭 보호 삼성전자(005930)",)),
    (
        Topic.GAP,
        event(EventKind.GAP_CHECKED, SAMSUNG, open=68_500, base_label="entry", base_price=70_300,
              gap_pct=-2.5605, display=-2.56, threshold=2.0, triggered=True, reason="gap"),
        ("갭 하락 삼성전자(005930) -2.56%", "시가 68,500원", "진입가 70,300원", "-2.5605%", "2%"),
    ),
    (
        Topic.NEAR_STOP,
        event(EventKind.NEAR_STOP, SAMSUNG, last=70_000, progress=82.0, level_price=69_300),
        ("손절가 근접 삼성전자(005930) 70,000원", "손절 69,300원까지 (-1.0%)"),
    ),
    (
        Topic.NEAR_TAKE,
        event(EventKind.NEAR_TAKE, SAMSUNG, last=71_300, progress=83.0, level_price=71_500),
        ("익절가 근접 삼성전자(005930) 71,300원", "익절 71,500원까지"),
    ),
    (
        Topic.PENDING_EXIT,
        event(EventKind.PENDING_EXIT_SET, SAMSUNG, level=Level.WARNING, reason="stop_loss",
              code="symbol_halted", retry_at="2026-11-24T10:35:00+09:00"),
        ("청산 보류 삼성전자(005930)", "손절", "거래 정지 종목", "10:35"),
    ),
    (
        Topic.PENDING_EXIT,
        event(EventKind.PENDING_EXIT_CLEARED, SAMSUNG, why="filled"),
        ("청산 보류 해제 삼성전자(005930)", "체결됨"),
    ),
    (
        Topic.POSITION,
        event(EventKind.POSITION_REPAIRED, SAMSUNG, level=Level.WARNING, what="corrected",
              difference="fewer_shares", known_quantity=10, held_quantity=7, by_hand=True),
        ("포지션 보정", "삼성전자(005930)", "수량이 적음", "기록 수량 10주", "잔고 수량 7주"),
    ),
    (
        Topic.UNIVERSE,
        event(EventKind.UNIVERSE_SELECTED, level=Level.WARNING, step="fallback",
              reason="source_failed", symbols="005930,000660"),
        ("유니버스 선정 2종목", "삼성전자(005930), UNKNOWN(000660)"),
    ),
    (Topic.FEED, event(EventKind.FEED_SWITCHED, level=Level.WARNING, source="rest", why="끊김"),
     ("⚠️ 시세 전환", "REST", "끊김")),
    (Topic.FEED, event(EventKind.FEED_PROBLEM, SAMSUNG, level=Level.WARNING, what="refused"),
     ("실시간 시세 문제 삼성전자(005930)",)),
    (Topic.OUTAGE, event(EventKind.OUTAGE_STARTED, level=Level.ERROR, since="2026-11-24T10:29:00"),
     ("🚨 접속 장애 시작",)),
    (Topic.OUTAGE, event(EventKind.OUTAGE_ENDED, seconds=75.0), ("접속 복구", "75.0초")),
    (
        Topic.RISK,
        event(EventKind.RISK_LIMIT, level=Level.WARNING, limit="drawdown_warn", equity=9_000_000),
        ("리스크 한도", "고점 대비 하락 경고", "9,000,000원"),
    ),
    (Topic.KILL_SWITCH, event(EventKind.KILL_SWITCH_ON, level=Level.ERROR, reason="API 오류 5회"),
     ("킬 스위치 켜짐 API 오류 5회", "손절·익절은 계속", "/resume")),
    (Topic.KILL_SWITCH, event(EventKind.KILL_SWITCH_OFF, level=Level.WARNING, reason="뉴스"),
     ("킬 스위치 꺼짐", "뉴스")),
    (
        Topic.SUMMARY,
        event(EventKind.DAY_CLOSED, session_date="2026-11-24", realised_pnl=-10_494,
              evaluation_pnl=2_500, buys=2, sells=3, wins=2, losses=1, equity=9_991_975,
              cash=9_779_475, positions=1, errors=4),
        ("마감 요약 2026-11-24", "당일 실현 손익 -10,494원", "계좌 평가손익 +2,500원",
         "매수 2건 · 매도 3건", "이익 2 / 손실 1 · 승률 67%", "총자산 9,991,975원",
         "오류 알림 4건"),
    ),
    (
        Topic.SUMMARY,
        event(EventKind.POSITION_KEPT, SAMSUNG, quantity=1, average=70_300.0, stop=69_500,
              take=71_500, highest=70_900, is_trailing=True),
        ("보유 삼성전자(005930) 1주", "손절 69,500원 · 익절 71,500원", "최고 70,900원"),
    ),
    (Topic.ERROR, event(EventKind.ERROR, level=Level.ERROR, what="account", why="시간 초과"),
     ("🚨 오류", "계좌 조회", "시간 초과")),
]  # fmt: skip


@pytest.mark.req("N-02", "N-03")
@pytest.mark.parametrize(
    ("topic", "told", "words_of_it"), KINDS, ids=[f"{t}-{e.kind}" for t, e, _ in KINDS]
)
def test_each_kind_is_its_topic_and_says_its_fields(
    topic: Topic, told: Event, words_of_it: tuple[str, ...]
) -> None:
    text = said(told)

    assert topic_of(told) is topic
    assert text.startswith("10:30 ")
    for expected in words_of_it:
        assert expected in text


@pytest.mark.req("N-02")
def test_the_kinds_above_are_all_that_an_operator_can_switch() -> None:
    seen = {topic for topic, _, _ in KINDS}

    assert seen == set(Topic) - {Topic.COMMAND}


@pytest.mark.req("R-06")
def test_the_two_results_of_the_day_stand_on_lines_of_their_own() -> None:
    closed = next(told for _, told, _ in KINDS if told.kind is EventKind.DAY_CLOSED)

    lines = said(closed).splitlines()

    assert [line for line in lines if "실현" in line and "평가손익" in line] == []
    assert len([line for line in lines if "실현 손익" in line or "평가손익" in line]) == 2


@pytest.mark.req("N-02")
@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_that_is_serious_is_told_and_none_fails_without_its_fields(
    kind: EventKind,
) -> None:
    bare = event(kind, SAMSUNG, level=Level.ERROR, order_id="0a1b")

    assert said(bare)
    untold = {EventKind.MESSENGER_DOWN, EventKind.MESSENGER_UP}
    untold |= {EventKind.GAP_CHECKED, EventKind.RECOVERY_OPEN_ORDERS}  # by their fields
    assert (topic_of(bare) is None) == (kind in untold)


def test_what_only_the_log_needs_is_no_message() -> None:
    inner = [
        event(EventKind.ORDER_CREATED, SAMSUNG),
        event(EventKind.HOLD_CHANGED, SAMSUNG, level=Level.DEBUG, reason="weak_trend"),
        event(EventKind.GAP_CHECKED, SAMSUNG, triggered=False),
        event(EventKind.RECOVERY_OPEN_ORDERS, count=0),
        event(EventKind.UNIVERSE_SELECTED, step="stage"),
        event(EventKind.ACCOUNT_SNAPSHOT, level=Level.DEBUG),
    ]

    assert [topic_of(each) for each in inner] == [None] * len(inner)


@pytest.mark.req("F-098", "N-07")
@pytest.mark.parametrize(
    "told", [told for _, told, _ in KINDS], ids=[f"{t}-{e.kind}" for t, e, _ in KINDS]
)
def test_hostile_fields_names_and_reasons_are_delivered_and_forge_nothing(
    told: Event, listening: Telephone, server: TelegramServer
) -> None:
    """The server refuses broken markup as the real one does."""
    phrases = Phrases(Saying(words=words, shown=lambda symbol: f"{HOSTILE}({symbol})"))
    fields = {k: HOSTILE if isinstance(v, str) else v for k, v in told.fields.items()}
    hostile = Event(
        kind=told.kind, at=told.at, level=told.level, symbol=told.symbol,
        order_id=HOSTILE if told.order_id else None, fields=fields,
    )  # fmt: skip
    lines = phrases.lines(hostile)
    listening.notifier.phrases = phrases

    listening.tell(hostile)
    if topic_of(hostile) is not None:
        server.wait_for(lambda: server.sent)

    assert server.called("sendMessage") == (1 if topic_of(hostile) is not None else 0)
    for line in plain_of("\n".join(lines)).splitlines()[1:]:
        assert not re.match(r"\d\d:\d\d ", line)
    assert "\x1b" not in "".join(lines)
    assert "\u202e" not in "".join(lines)


@pytest.mark.req("N-07")
def test_a_long_text_is_cut_between_lines_and_never_inside_markup() -> None:
    lines = [f"<b>{escaped('&' * 50)}</b> {number}" for number in range(200)]

    parts = pages(lines)

    assert "\n".join(parts) == "\n".join(lines)
    assert all(len(part) <= TEXT_MAX for part in parts)
    assert all(part.count("<b>") == part.count("</b>") for part in parts)


def test_a_line_longer_than_a_message_is_shortened_without_its_markup() -> None:
    (page,) = pages(["<b>" + "&lt;" * 3_000 + "</b>"])

    assert len(page) <= TEXT_MAX
    assert "<b>" not in page
    assert plain_of(page).startswith("<<<")


def test_one_field_of_any_length_leaves_room_for_the_others() -> None:
    told = event(EventKind.ERROR, HYNIX, Level.ERROR, what="account", why="가" * 10_000)

    assert len(said(told)) < 500


def test_a_symbol_that_nobody_knows_is_named_by_its_code() -> None:
    told = event(EventKind.NEAR_STOP, Symbol("0126Z0"), last=1, level_price=1)

    assert "UNKNOWN(0126Z0)" in said(told)
