"""Commands: from one conversation only, each once, asked back where it costs money."""

import json
import threading
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kis_adapters.console import words
from kis_adapters.memory.store import MemoryUnitOfWork
from kis_adapters.memory.world import SAMSUNG, World
from kis_adapters.telegram.answers import Answers
from kis_adapters.telegram.commands import DESCRIPTIONS
from kis_adapters.telegram.explanation import stored_order_story
from kis_adapters.telegram.poller import ANOTHER_LISTENS
from kis_core.ports.operator_inbox import CommandKind, OperatorCommand
from kis_core.ports.store import StoreUnavailable
from kis_core.risk.kill_switch import PAUSED, engage
from kis_core.risk.state import RiskRecord
from tests.telegram_server import BOT_NAME, STRANGER, Fault, TelegramServer
from tests.telephone import NewTelephone, Telephone, shown

_DAY = datetime(2026, 11, 24, tzinfo=UTC).date()


def _given(telephone: Telephone) -> list[tuple[CommandKind, object, str]]:
    return [(c.kind, c.symbol, c.about) for c in telephone.inbox.take()]


def _commands(telephone: Telephone) -> list[OperatorCommand]:
    """What the engine would take, once there is something."""
    telephone.server.wait_for(telephone.woken.is_set)
    telephone.woken.clear()
    return list(telephone.inbox.take())


def _record(telephone: Telephone, *, kill_switch: str | None) -> None:
    record = RiskRecord(session_date=_DAY, start_equity=10_000_000, high_water_mark=10_000_000)
    if kill_switch is not None:
        record = engage(record, reason=kill_switch, at=None)
    with telephone.store.unit_of_work() as uow:
        uow.put_risk(record)


@pytest.fixture
def holding_phone(new_telephone: NewTelephone, holding: World) -> Telephone:
    """A telephone on the database of a world that holds one share of 005930."""
    telephone = new_telephone()
    telephone.desk.answers = _with_store(telephone, holding)
    telephone.listen()
    return telephone


@pytest.fixture
def holding() -> World:
    """At 09:05 with one share bought at 70,300."""
    world = World()
    world.list_symbol(SAMSUNG, last_close=70_000)
    world.market.set_price(SAMSUNG, 70_050)
    world.run_until(world.at(9, 1, 30))
    world.market.set_price(SAMSUNG, 70_300)
    world.run_until(world.at(9, 5))
    return world


def _with_store(telephone: Telephone, world: World) -> Answers:
    explain = stored_order_story(world.store, words, shown)
    return replace(telephone.desk.answers, store=world.store, explain=explain)


@pytest.mark.req("N-05", "R-02")
def test_a_kill_reaches_the_engine_with_its_reason_and_wakes_it(
    listening: Telephone, server: TelegramServer
) -> None:
    update = server.say("/kill 뉴스 속보")

    (command,) = _commands(listening)

    assert command == OperatorCommand(
        command_id=f"telegram:{update}", kind=CommandKind.KILL, about="텔레그램 /kill: 뉴스 속보"
    )


@pytest.mark.req("N-05")
def test_a_stranger_gets_no_answer_and_leaves_only_a_count(
    listening: Telephone, server: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    for text in ("/kill", "/status", "나에게 돈을", None):
        server.say(text, chat=STRANGER)
    server.say("/help")

    server.wait_for_text("도움말")
    assert len(server.sent) == 1
    assert listening.desk.strangers == 4
    assert _given(listening) == []
    assert "나에게 돈을" not in caplog.text
    assert str(STRANGER) not in caplog.text


@pytest.mark.req("N-05")
def test_a_stranger_cannot_press_the_operators_button(
    holding_phone: Telephone, server: TelegramServer
) -> None:
    server.say("/sell 005930")
    asked = server.wait_for_text("팔까요")

    server.press(asked, "팔기", chat=STRANGER)
    server.say("/help")
    server.wait_for_text("도움말")

    assert _given(holding_phone) == []


@pytest.mark.req("N-05", "N-07")
@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("/nonsense", "모르는 명령입니다"),
        ("/", "모르는 명령입니다"),
        ("hello", "명령은 /로 시작합니다"),
        ("/sell", "종목코드 6자리가 필요합니다"),
        ("/sell <b>005930", "종목코드 6자리가 필요합니다"),
        ("/sell 00593O0", "종목코드 6자리가 필요합니다"),
        ("/sell 000660", "보유하지 않은 종목입니다: UNKNOWN(000660)"),
        ("/explain", "주문번호가 필요합니다"),
        ("/explain <i>_*[`</b>&amp;", "그런 주문이 없습니다: <i>_*[`</b>&amp;"),
        ("/kill" + "가" * 4_000, "너무 긴 메시지입니다"),
        (None, "글자로 된 명령만 받습니다"),
    ],
)
def test_what_is_not_understood_is_answered_shortly(
    listening: Telephone, server: TelegramServer, text: str | None, answer: str
) -> None:
    server.say(text)

    sent = server.wait_for_text(answer)

    assert len(sent.text) < 120
    assert _given(listening) == []


def test_every_command_of_the_menu_is_described_and_offered_to_the_telephone(
    listening: Telephone, server: TelegramServer
) -> None:
    server.wait_for(lambda: server.commands)

    assert [c["command"] for c in server.commands] == [name.value for name in DESCRIPTIONS]


def test_in_a_group_a_command_to_another_bot_is_not_ours(
    listening: Telephone, server: TelegramServer
) -> None:
    server.say("/pause@some_other_bot")
    server.say(f"/pause@{BOT_NAME}")

    (command,) = _commands(listening)

    assert command.kind is CommandKind.PAUSE
    assert server.sent == []


@pytest.mark.req("N-05")
def test_a_sale_is_asked_back_and_given_once_however_often_the_button_is_pressed(
    holding_phone: Telephone, server: TelegramServer
) -> None:
    server.say("/sell_005930")
    asked = server.wait_for_text("삼성전자(005930) 1주를 시장가로 모두 팔까요?")
    before = _given(holding_phone)

    server.press(asked, "팔기")
    server.press(asked, "팔기")
    server.press(asked, "취소")
    server.wait_for(lambda: server.called("answerCallbackQuery") == 3)

    assert before == []
    assert _given(holding_phone) == [(CommandKind.SELL, SAMSUNG, "")]


@pytest.mark.req("N-05")
def test_a_question_that_was_cancelled_or_has_expired_does_nothing(
    holding_phone: Telephone, server: TelegramServer
) -> None:
    server.say("/sell 005930")
    first = server.wait_for_text("팔까요")
    server.press(first, "취소")
    server.wait_for(lambda: "취소했습니다" in server.edited(first))
    server.say("/sell 005930")
    server.wait_for(lambda: len(server.sent) == 2)
    second = server.sent[1]

    holding_phone.seconds += 61
    server.press(second, "팔기")
    server.wait_for(lambda: "시간이 지난 질문" in server.edited(second))

    assert _given(holding_phone) == []


@pytest.mark.req("N-05")
def test_a_button_of_an_earlier_process_does_nothing(
    new_telephone: NewTelephone, holding: World, server: TelegramServer
) -> None:
    first = new_telephone()
    first.desk.answers = _with_store(first, holding)
    first.listen()
    server.say("/sell 005930")
    asked = server.wait_for_text("팔까요")
    first.line.close(within_s=30.0)

    second = new_telephone()
    second.listen()
    server.press(asked, "팔기")
    server.wait_for(lambda: "다시 명령하세요" in server.edited(asked))

    assert _given(second) == []


@pytest.mark.req("N-05", "R-02")
def test_clearing_a_kill_switch_is_asked_back_and_bound_to_the_reason_that_was_shown(
    listening: Telephone, server: TelegramServer
) -> None:
    _record(listening, kill_switch="API 오류 5회 (10분 이내)")

    server.say("/resume")
    asked = server.wait_for_text("사유: API 오류 5회 (10분 이내)")
    server.press(asked, "해제")
    (command,) = _commands(listening)

    assert command.kind is CommandKind.CLEAR_KILL_SWITCH
    assert command.about == "API 오류 5회 (10분 이내)"


@pytest.mark.req("N-05")
@pytest.mark.parametrize("recorded", [None, PAUSED])
def test_a_pause_is_lifted_without_a_question(
    listening: Telephone, server: TelegramServer, recorded: str | None
) -> None:
    _record(listening, kill_switch=recorded)

    server.say("/resume")
    (command,) = _commands(listening)

    assert command.kind is CommandKind.RESUME


@pytest.mark.req("N-05")
def test_an_old_command_that_waited_at_the_server_is_answered_and_not_given_but_a_kill_is(
    telephone: Telephone, server: TelegramServer
) -> None:
    server.say("/pause", age_s=35 * 60)
    server.say("/status", age_s=35 * 60)
    server.say("/kill", age_s=35 * 60)
    server.say("/keep 005930", age_s=10)

    telephone.listen()
    server.wait_for(lambda: server.called("getUpdates") >= 2)
    given = [command.kind for command in _commands(telephone)]
    given += [kind for kind, _, _ in _given(telephone)]

    assert given == [CommandKind.KILL, CommandKind.KEEP]
    server.wait_for_text("35분 전의 명령이라 실행하지 않았습니다: /pause")
    server.wait_for_text("35분 전의 명령이라 실행하지 않았습니다: /status")


@pytest.mark.req("N-05")
def test_a_wrong_clock_of_ours_does_not_make_a_fresh_command_old(
    listening: Telephone, server: TelegramServer
) -> None:
    """Whoever listened all the while knows that it is fresh."""
    server.say("/help")
    server.wait_for_text("도움말")
    listening.now += timedelta(hours=9)

    server.say("/pause")

    assert [command.kind for command in _commands(listening)] == [CommandKind.PAUSE]


@pytest.mark.req("N-05")
def test_each_message_is_heard_once_also_over_a_restart(
    new_telephone: NewTelephone, server: TelegramServer
) -> None:
    first = new_telephone()
    first.listen()
    update = server.say("/kill")
    (command,) = _commands(first)
    first.settle(command.command_id)
    server.wait_for(lambda: update + 1 in server.offsets)
    first.line.close(within_s=30.0)

    second = new_telephone()
    second.listen()
    server.say("/pause")
    given = [command.kind for command in _commands(second)]

    assert given == [CommandKind.PAUSE]
    assert server.offsets[-1] > update


@pytest.mark.req("N-05", "R-02")
def test_a_kill_that_was_heard_and_not_carried_out_is_given_by_the_next_process(
    new_telephone: NewTelephone, server: TelegramServer
) -> None:
    """The first process dies between hearing and doing; the server will not say it again."""
    first = new_telephone()
    first.listen()
    update = server.say("/kill")
    server.wait_for(lambda: update + 1 in server.offsets)
    first.line.close(within_s=0.0)

    second = new_telephone()
    second.now += timedelta(hours=3)
    second.listen()
    (command,) = _commands(second)

    assert (command.kind, command.command_id) == (CommandKind.KILL, f"telegram:{update}")


@pytest.mark.req("N-05")
def test_any_other_command_of_an_earlier_process_is_given_while_it_is_young_only(
    new_telephone: NewTelephone, server: TelegramServer
) -> None:
    first = new_telephone()
    first.listen()
    update = server.say("/pause")
    server.wait_for(lambda: update + 1 in server.offsets)
    first.line.close(within_s=0.0)
    written = first.paper.text

    young = new_telephone()
    young.listen()
    given = [command.kind for command in _commands(young)]
    young.line.close(within_s=0.0)
    young.paper.text = written
    old = new_telephone()
    old.now += timedelta(minutes=3)
    old.listen()
    server.wait_for_text("결과를 확인하지 못했습니다")

    assert given == [CommandKind.PAUSE]
    assert _given(old) == []
    assert old.memory.waiting == ()


@pytest.mark.req("N-05")
def test_a_command_is_on_disk_before_the_server_hears_that_it_was_heard(
    listening: Telephone, server: TelegramServer
) -> None:
    update = server.say("/pause")
    server.wait_for(lambda: update + 1 in server.offsets)

    assert listening.paper.text is not None
    document = json.loads(listening.paper.text)
    assert document["last_update"] == update
    assert [each["kind"] for each in document["waiting"]] == ["pause"]


@pytest.mark.req("N-05")
def test_where_another_program_listens_we_stop_and_say_so_and_go_on_sending(
    telephone: Telephone, server: TelegramServer
) -> None:
    server.fail("getUpdates", Fault(409, times=1_000, description="Conflict: terminated by other"))

    telephone.listen()
    server.wait_for_text("다른 프로그램이 이 봇의 명령을 받고 있어")
    polls = server.called("getUpdates")
    telephone.settle("x")
    server.wait_for_text("새 진입 중단(킬 스위치)")

    assert polls == server.called("getUpdates") == 1
    assert [trouble.why for trouble in telephone.troubles] == [ANOTHER_LISTENS]


@pytest.mark.req("N-01")
@pytest.mark.parametrize(
    "fault",
    [
        Fault(500, times=3),
        Fault(-1, times=3),
        Fault(429, times=1, description="Too Many Requests", retry_after=1),
        Fault(401, times=2, description="Unauthorized"),
    ],
    ids=["500", "closed", "429", "401"],
)
def test_listening_begins_again_after_whatever_went_wrong(
    telephone: Telephone, server: TelegramServer, fault: Fault
) -> None:
    server.fail("getUpdates", fault)

    telephone.listen()
    server.say("/pause")

    assert [command.kind for command in _commands(telephone)] == [CommandKind.PAUSE]


def test_an_update_that_is_no_message_is_passed_over(
    listening: Telephone, server: TelegramServer
) -> None:
    update = server.queue_raw({"poll_answer": {"poll_id": "1", "option_ids": [0]}})
    server.queue_raw({"something_new": {"of": "tomorrow"}})
    server.say("/pause")

    assert [command.kind for command in _commands(listening)] == [CommandKind.PAUSE]
    server.wait_for(lambda: max(server.offsets) > update)


@pytest.mark.req("N-05")
def test_an_engine_that_does_not_come_to_a_command_is_told_of(
    new_telephone: NewTelephone, server: TelegramServer
) -> None:
    telephone = new_telephone(unheard_s=0.1)
    telephone.listen()

    server.say("/kill")

    server.wait_for_text("지시를 받았지만 아직 실행하지 못했습니다")


@pytest.mark.req("N-05", "D-06")
def test_a_database_that_does_not_answer_is_said_and_kills_all_the_same(
    listening: Telephone, server: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(listening.store, "unit_of_work", away)

    server.say("/positions")
    server.wait_for_text("데이터베이스가 응답하지 않아")
    server.say("/kill")

    assert [command.kind for command in _commands(listening)] == [CommandKind.KILL]


@pytest.mark.req("N-05", "R-06")
def test_the_questions_are_answered_from_the_database(
    holding_phone: Telephone, server: TelegramServer
) -> None:
    for text in ("/status", "/positions", "/orders", "/pnl"):
        server.say(text)

    status = server.wait_for_text("상태").text
    held = server.wait_for_text("보유 1종목\n").text
    orders = server.wait_for_text("주문 1건").text
    pnl = server.wait_for_text("손익 2026-11-24").text
    everything = "\n".join((status, held, orders, pnl))

    for expected in (
        "🟩 새 진입 가능",
        "삼성전자(005930) 1주 평균 70,300원\n손절 69,500원 · 익절 71,500원",
        "팔기 /sell_005930",
        "매수 삼성전자(005930) 1/1주 체결\n돌파 진입 · /explain_",
        "당일 실현 손익 0원",
        "계좌 평가손익",
        "맞지 않는 것이 정상",
    ):
        assert expected in everything


@pytest.mark.req("N-05", "L-05")
def test_an_order_is_explained_by_its_id(
    holding_phone: Telephone, holding: World, server: TelegramServer
) -> None:
    with holding.store.unit_of_work() as uow:
        (order,) = uow.orders_of(_DAY)

    server.say(f"/explain_{order.order_id}")

    told = server.wait_for_text("사유: 돌파 진입").text
    assert "삼성전자(005930) 매수 1주" in told
    assert "체결 1/1주" in told


@pytest.mark.req("N-05")
def test_a_switch_from_outside_is_shown_with_its_reason(
    listening: Telephone, server: TelegramServer
) -> None:
    listening.outside = "정전 예고"

    server.say("/status")

    assert "⛔ 킬 스위치: 정전 예고" in server.wait_for_text("상태").text


def test_too_many_questions_at_once_are_refused(
    listening: Telephone, server: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()
    answer = listening.store.unit_of_work

    def slowly() -> AbstractContextManager[MemoryUnitOfWork]:
        let_go.wait(60)
        return answer()

    monkeypatch.setattr(listening.store, "unit_of_work", slowly)
    for _ in range(30):
        server.say("/status")
    server.wait_for_text("질문이 너무 많습니다")
    server.say("/kill")
    kill = [command.kind for command in _commands(listening)]
    let_go.set()

    assert kill == [CommandKind.KILL]
    server.wait_for_text("상태")
