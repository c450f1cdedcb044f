"""Messages reach the telephone, whatever the server does; where they cannot, the day goes on."""

import threading

import pytest

from kis_adapters.memory.world import SAMSUNG
from kis_adapters.telegram.courier import CHAT_REFUSED, CHAT_UNKNOWN, TOKEN_REFUSED, UNREACHABLE
from kis_adapters.telegram.message import Message
from kis_adapters.telegram.outbox import Outbox
from kis_core.market.symbol import Symbol
from kis_core.ports.notifier import Event, EventKind, Level
from tests.telegram_server import STRANGER, Fault, TelegramServer
from tests.telephone import NewTelephone, Telephone, event

_ERROR = event(EventKind.ERROR, level=Level.ERROR, what="holdings", why="잔고를 읽지 못했습니다")


def _fill(order_id: str = "a") -> Event:
    return event(
        EventKind.ORDER_FILLED,
        SAMSUNG,
        order_id=order_id,
        side="buy",
        quantity=10,
        filled_total=10,
        average=70_150.0,
        commission=105,
        tax=0,
        slippage_bp=12.0,
    )


def _error(number: int) -> Event:
    return event(EventKind.ERROR, Symbol(f"{number:06}"), Level.ERROR, what="account", why="x")


@pytest.mark.req("N-01", "N-02")
def test_a_fill_arrives_with_its_mode_time_name_and_figures(
    telephone: Telephone, server: TelegramServer
) -> None:
    telephone.tell(_fill("0123456789abcdef"))

    sent = server.wait_for_text("체결")
    assert sent.text == (
        "[모의] 10:30 🟢 매수 체결 삼성전자(005930) 10주 @70,150원\n"
        "수수료 105원 · 세금 0원 · 신호가보다 0.12% 불리\n"
        "/explain_0123456789abcdef"
    )
    assert not sent.is_silent


@pytest.mark.req("N-01")
def test_what_happens_together_is_one_message_in_order(
    new_telephone: NewTelephone, server: TelegramServer
) -> None:
    telephone = new_telephone(gather_s=0.3)

    telephone.tell(_error(1), _error(2), _error(3))
    server.wait_for_text("000003")

    assert len(server.sent) == 1
    text = server.sent[0].text
    assert text.index("000001") < text.index("000002") < text.index("000003")


@pytest.mark.req("N-02")
def test_each_kind_comes_with_a_sound_without_one_or_not_at_all_as_it_is_set(
    new_telephone: NewTelephone, server: TelegramServer
) -> None:
    telephone = new_telephone(loudness={"order_filled": "silent", "error": "off", "outage": "on"})

    telephone.tell(_fill())
    silent = server.wait_for_text("체결")
    telephone.tell(_ERROR)
    telephone.tell(event(EventKind.OUTAGE_STARTED, level=Level.ERROR))
    loud = server.wait_for_text("접속 장애")

    assert silent.is_silent
    assert not loud.is_silent
    assert "잔고를 읽지" not in server.transcript


@pytest.mark.req("N-01")
def test_a_flood_limit_is_waited_out_as_long_as_the_server_says(
    telephone: Telephone, server: TelegramServer
) -> None:
    server.fail("sendMessage", Fault(429, description="Too Many Requests", retry_after=1))

    telephone.tell(_ERROR)
    server.wait_for(lambda: server.sent)

    first, second = [at for method, at in server.calls if method == "sendMessage"]
    assert second - first >= 1.0
    assert telephone.troubles == []  # being asked to wait is no trouble


@pytest.mark.req("N-01")
@pytest.mark.parametrize("status", [500, 502, -1])
def test_a_server_error_is_tried_again_until_it_arrives_and_told_once_where_it_lasts(
    telephone: Telephone, server: TelegramServer, status: int
) -> None:
    server.fail("sendMessage", Fault(status, times=4))

    telephone.tell(_ERROR)
    server.wait_for(lambda: server.sent and len(telephone.troubles) == 2)

    assert [(t.is_down, t.why) for t in telephone.troubles] == [(True, UNREACHABLE), (False, "")]
    assert server.called("sendMessage") == 5
    assert "끊겼다가 이어집니다" in server.sent[0].text


@pytest.mark.req("N-01")
def test_one_failure_alone_is_no_news(telephone: Telephone, server: TelegramServer) -> None:
    server.fail("sendMessage", Fault(500))

    telephone.tell(_ERROR)
    server.wait_for(lambda: server.sent)

    assert telephone.troubles == []
    assert "끊겼다가" not in server.sent[0].text


@pytest.mark.req("N-01", "E-07")
def test_a_server_that_hangs_is_left_and_asked_again(
    new_telephone: NewTelephone, server: TelegramServer
) -> None:
    telephone = new_telephone(answer_s=0.2)
    server.fail("sendMessage", Fault(0, times=2))

    telephone.tell(_ERROR)
    server.wait_for(lambda: server.sent)

    assert "잔고를 읽지 못했습니다" in server.sent[0].text


@pytest.mark.req("F-036", "E-07")
def test_telling_never_waits_for_a_server_that_hangs(
    telephone: Telephone, server: TelegramServer
) -> None:
    """All of it is told while the first request is still without an answer."""
    server.fail("sendMessage", Fault(0, times=1_000))
    telephone.tell(_ERROR)
    server.wait_for(lambda: server.called("sendMessage"))

    telephone.tell(*(_error(number) for number in range(500)))

    assert server.sent == []
    assert server.called("sendMessage") == 1
    assert len(telephone.outbox) == 200


@pytest.mark.req("E-07", "M-17")
def test_the_end_of_the_process_does_not_wait_for_a_server_that_hangs(
    telephone: Telephone, server: TelegramServer
) -> None:
    """The request's own limit is 20 s; the line is left long before it."""
    server.fail("*", Fault(0, times=1_000))
    telephone.tell(_ERROR)
    server.wait_for(lambda: server.called("sendMessage"))
    ended = threading.Event()

    def close() -> None:
        telephone.line.close(within_s=0.3)
        ended.set()

    threading.Thread(target=close, daemon=True).start()

    assert ended.wait(15)


@pytest.mark.req("M-17")
def test_the_last_words_are_sent_before_the_end(
    new_telephone: NewTelephone, server: TelegramServer
) -> None:
    telephone = new_telephone(gather_s=60.0)

    telephone.tell(event(EventKind.SESSION_STOPPED, reason="interrupted"))
    telephone.line.close(within_s=30.0)

    assert "종료 중단 요청" in server.transcript


@pytest.mark.req("N-01")
def test_what_there_was_no_room_for_is_counted_and_told_when_it_goes_on(
    new_telephone: NewTelephone, server: TelegramServer
) -> None:
    telephone = new_telephone(most=10)
    server.fail("sendMessage", Fault(500, times=1_000))
    telephone.tell(*(_error(number) for number in range(35)))
    server.wait_for(lambda: telephone.troubles)

    server.mend()
    server.wait_for(lambda: "000034" in server.transcript)

    assert "알림 25건은 너무 많아 보내지 못했습니다" in server.transcript
    assert "000024" not in server.transcript
    assert all(f"{number:06}" in server.transcript for number in range(25, 35))


def test_silent_messages_make_room_before_others() -> None:
    outbox = Outbox(most=2)

    for text, is_silent in (("a", False), ("b", True), ("c", False)):
        outbox.put(Message(lines=(text,), is_silent=is_silent))
    batch = outbox.take()

    assert batch is not None
    assert [message.text for message in batch.messages] == ["a", "c"]
    assert batch.dropped == 1


@pytest.mark.req("N-01")
@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault(401, times=1_000, description="Unauthorized"), TOKEN_REFUSED),
        (Fault(404, times=1_000, description="Not Found"), TOKEN_REFUSED),
        (Fault(403, times=1_000, description="Forbidden: bot was blocked"), CHAT_REFUSED),
        (Fault(400, times=1_000, description="Bad Request: chat not found"), CHAT_UNKNOWN),
    ],
)
def test_a_refusal_for_good_is_told_once_and_tried_again_now_and_then(
    telephone: Telephone, server: TelegramServer, fault: Fault, why: str
) -> None:
    server.fail("sendMessage", fault)
    telephone.tell(_ERROR)
    server.wait_for(lambda: server.called("sendMessage") >= 3)
    while_refused = [(trouble.is_down, trouble.why) for trouble in telephone.troubles]

    server.mend()
    server.wait_for_text("잔고를 읽지 못했습니다")

    assert while_refused == [(True, why)]


@pytest.mark.req("N-01")
def test_a_wrong_token_and_a_wrong_chat_are_told_apart(
    new_telephone: NewTelephone, server: TelegramServer
) -> None:
    of_nobody = new_telephone(token="7:NOT-A-TOKEN-that-the-server-knows")
    elsewhere = new_telephone(chat_id=STRANGER)

    of_nobody.tell(_ERROR)
    elsewhere.tell(_ERROR)
    server.wait_for(lambda: of_nobody.troubles and elsewhere.troubles)

    assert [trouble.why for trouble in of_nobody.troubles] == [TOKEN_REFUSED]
    assert [trouble.why for trouble in elsewhere.troubles] == [CHAT_UNKNOWN]
    assert server.sent == []


@pytest.mark.req("F-098", "N-07")
def test_a_text_that_the_server_cannot_read_as_markup_goes_as_plain_text(
    telephone: Telephone, server: TelegramServer
) -> None:
    server.fail("sendMessage", Fault(400, description="Bad Request: can't parse entities"))

    telephone.tell(_fill())

    assert "매수 체결 삼성전자(005930)" in server.wait_for_text("체결").text


@pytest.mark.req("F-056", "N-04")
def test_the_same_error_again_and_again_is_one_message_with_a_count(
    telephone: Telephone, server: TelegramServer
) -> None:
    telephone.tell(*[_ERROR] * 40)
    other = event(EventKind.ERROR, level=Level.ERROR, what="holdings", why="다른 오류")
    telephone.tell(other)

    server.wait_for_text("다른 오류")
    assert server.transcript.count("잔고를 읽지 못했습니다") == 1
    assert "(같은 알림 39번 생략)" in server.transcript


@pytest.mark.req("N-01")
def test_what_was_told_today_comes_after_a_restart_without_a_sound_and_marked(
    new_telephone: NewTelephone, server: TelegramServer
) -> None:
    near = event(EventKind.NEAR_STOP, SAMSUNG, last=69_600, progress=87.5, level_price=69_500)
    first = new_telephone()
    first.tell(near)
    before = server.wait_for_text("손절가 근접")
    first.line.close(within_s=30.0)

    second = new_telephone()
    second.tell(near)
    server.wait_for(lambda: len(server.sent) == 2)

    assert not before.is_silent
    assert "재시작 전에 이미 알림" not in before.text
    assert server.sent[1].is_silent
    assert "재시작 전에 이미 알림" in server.sent[1].text


@pytest.mark.req("F-056", "N-04")
def test_a_process_that_ends_the_same_way_again_is_loud_once_and_another_way_again(
    new_telephone: NewTelephone, server: TelegramServer
) -> None:
    def end_by(why: str) -> None:
        telephone, before = new_telephone(), len(server.sent)
        telephone.tell(event(EventKind.ERROR, level=Level.ERROR, what="app", why=why))
        server.wait_for(lambda: len(server.sent) == before + 1)
        telephone.line.close(within_s=30.0)

    end_by("서버가 없음")
    end_by("서버가 없음")
    end_by("다른 까닭")

    assert [message.is_silent for message in server.sent] == [False, True, False]


@pytest.mark.req("N-01")
def test_what_did_not_arrive_before_a_restart_is_news_after_it(
    new_telephone: NewTelephone, server: TelegramServer
) -> None:
    near = event(EventKind.NEAR_STOP, SAMSUNG, last=69_600, progress=87.5, level_price=69_500)
    first = new_telephone()
    server.fail("sendMessage", Fault(500, times=1_000))
    first.tell(near)
    server.wait_for(lambda: first.troubles)
    first.line.close(within_s=0.0)
    server.mend()

    new_telephone().tell(near)

    sent = server.wait_for_text("손절가 근접")
    assert not sent.is_silent
    assert "재시작 전에 이미 알림" not in sent.text


@pytest.mark.req("E-07")
def test_a_full_disk_and_a_damaged_memory_stop_no_message(
    new_telephone: NewTelephone, server: TelegramServer
) -> None:
    first = new_telephone()
    first.paper.text = '{"last_update": "no number", "waiting": 3'

    second = new_telephone()
    second.paper.is_full = True
    second.tell(_ERROR)

    server.wait_for_text("잔고를 읽지 못했습니다")
    assert second.memory.last_update is None
