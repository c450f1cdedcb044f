"""The stream's state by what happened to it, on a clock that the test moves."""

import pytest

from kis_adapters.kis_ws.control import Answer, Registration
from kis_adapters.kis_ws.session import StreamSession, Told
from kis_core.market.symbol import Symbol
from kis_core.ports.feed import FeedState

NOTICES = Registration("H0STCNI9", "sandbox")
A, B = Registration("H0STCNT0", "005930"), Registration("H0STCNT0", "000660")
KEY, IV = "k" * 32, "i" * 16


class Stream:
    """A session, and a server that answers as told."""

    def __init__(self, *wanted: Registration) -> None:
        self.session = StreamSession()
        self.session.desire(wanted or (A, B))
        self.now = 0.0

    def pass_by(self, seconds: float) -> None:
        self.now += seconds

    def connect(self) -> None:
        assert self.session.may_connect(self.now)
        self.session.reconnects.connecting(self.now)
        self.session.connected(self.now)

    def lose(self, why: str = "dropped") -> None:
        self.session.disconnected(self.now, why)

    def answer(self, code: str, registration: Registration | None, *, key: str = KEY) -> None:
        answer = Answer(registration=registration, code=code, text="", key=key, iv=IV)
        self.session.answered(answer, self.now)

    def register(self) -> list[Registration]:
        asked = []
        while (step := self.session.next(self.now)) is not None:
            asked.append(step.registration)
            self.answer("OPSP0000", step.registration)
            self.pass_by(0.2)
        return asked

    def go_live(self) -> None:
        self.connect()
        self.register()
        self.session.printed(1, self.now)

    def states(self) -> list[tuple[FeedState, str]]:
        return [(t.state, t.why) for t in self.session.take_told() if t.state is not None]


@pytest.fixture
def stream() -> Stream:
    return Stream()


@pytest.mark.req("W-01")
def test_connected_and_registered_is_live_outside_trading_hours(stream: Stream) -> None:
    stream.connect()
    stream.register()

    assert stream.states() == [(FeedState.LIVE, "connected")]
    assert stream.session.live == {Symbol("005930"), Symbol("000660")}


@pytest.mark.req("W-06")
def test_while_the_exchange_trades_only_prints_make_it_live(stream: Stream) -> None:
    stream.session.trading(True, 0)
    stream.connect()
    stream.register()
    stream.session.pinged(stream.now)
    before = stream.session.state

    stream.session.printed(1, stream.now)

    assert before is FeedState.CONNECTING
    assert stream.session.state is FeedState.LIVE


@pytest.mark.req("W-03", "W-05")
def test_a_lost_stream_is_live_again_only_after_ten_good_seconds(stream: Stream) -> None:
    stream.go_live()
    stream.pass_by(100)
    stream.lose()
    stream.pass_by(1)
    stream.connect()
    again = stream.register()
    stream.session.printed(1, stream.now)
    early = (stream.session.state, stream.session.live)
    stream.pass_by(10)
    stream.session.printed(1, stream.now)

    assert again == [A, B]
    assert early == (FeedState.RECOVERING, frozenset())
    assert stream.states() == [
        (FeedState.LIVE, "connected"),
        (FeedState.RECOVERING, "dropped"),
        (FeedState.LIVE, "recovered"),
    ]


@pytest.mark.req("W-03", "W-05")
def test_five_failed_attempts_put_it_down_and_it_keeps_trying(stream: Stream) -> None:
    stream.go_live()
    stream.lose()
    attempts = 0
    while stream.session.state is not FeedState.DOWN:
        stream.pass_by(0.5)
        if stream.session.may_connect(stream.now):
            attempts += 1
            stream.session.reconnects.connecting(stream.now)
            stream.lose("connect_refused")
    stream.pass_by(300)

    assert attempts == 5
    assert stream.states()[-1] == (FeedState.DOWN, "connect_refused")
    assert stream.session.may_connect(stream.now)


@pytest.mark.req("W-05")
def test_a_stream_that_is_down_comes_back_by_itself_when_it_is_healthy(stream: Stream) -> None:
    for _ in range(6):
        stream.session.reconnects.connecting(stream.now)
        stream.lose("connect_refused")
    stream.pass_by(60)
    stream.connect()
    stream.register()
    stream.pass_by(10)
    stream.session.pinged(stream.now)

    assert stream.states() == [(FeedState.DOWN, "connect_refused"), (FeedState.LIVE, "connected")]


@pytest.mark.req("W-06")
def test_no_frame_at_all_for_45_seconds_is_a_fault(stream: Stream) -> None:
    stream.go_live()
    since = stream.now

    assert stream.session.fault(since + 44.9) is None
    assert stream.session.fault(since + 45.1) == "silence"


@pytest.mark.req("W-06")
@pytest.mark.parametrize("event", ["pinged", "printed", "noticed", "answered"])
def test_any_frame_ends_a_silence(stream: Stream, event: str) -> None:
    stream.go_live()
    stream.pass_by(44)

    match event:
        case "pinged":
            stream.session.pinged(stream.now)
        case "printed":
            stream.session.printed(1, stream.now)
        case "noticed":
            stream.session.noticed(stream.now)
        case _:
            stream.answer("OPSP0002", A)

    assert stream.session.fault(stream.now + 44) is None


@pytest.mark.req("W-06")
def test_pingpong_without_prints_is_a_fault_while_the_exchange_trades(stream: Stream) -> None:
    stream.session.trading(True, 0)
    stream.go_live()
    for _ in range(6):
        stream.pass_by(12)
        stream.session.pinged(stream.now)

    assert stream.session.fault(stream.now) == "no_prints"


@pytest.mark.req("W-06", "F-061")
def test_no_prints_at_night_are_no_fault(stream: Stream) -> None:
    stream.go_live()
    for _ in range(1_000):
        stream.pass_by(12)
        stream.session.pinged(stream.now)

    assert stream.session.fault(stream.now) is None


@pytest.mark.req("W-06")
def test_the_open_is_not_blamed_for_the_silence_before_it(stream: Stream) -> None:
    stream.go_live()
    stream.pass_by(3_600)
    stream.session.pinged(stream.now)
    stream.session.trading(True, stream.now)

    assert stream.session.fault(stream.now + 40) is None


@pytest.mark.req("W-06")
def test_where_few_prints_are_normal_their_absence_is_a_fault_later(stream: Stream) -> None:
    stream.session.trading(True, 0)
    stream.go_live()
    for _ in range(200):
        stream.pass_by(20)  # three a minute
        stream.session.printed(1, stream.now)
    stream.pass_by(100)
    stream.session.pinged(stream.now)
    patient = stream.session.fault(stream.now)
    stream.pass_by(301)
    stream.session.pinged(stream.now)

    assert patient is None
    assert stream.session.fault(stream.now) == "no_prints"


@pytest.mark.req("W-06")
def test_a_positive_answer_and_then_nothing_is_a_fault(stream: Stream) -> None:
    stream.session.trading(True, 0)
    stream.connect()
    stream.register()
    stream.pass_by(59)
    stream.session.pinged(stream.now)
    early = stream.session.fault(stream.now)
    stream.pass_by(5)

    assert early is None
    assert stream.session.fault(stream.now) == "no_prints"


@pytest.mark.req("F-062")
def test_an_unknown_approval_key_is_renewed_before_the_next_connection(stream: Stream) -> None:
    stream.connect()
    stream.session.next(stream.now)

    stream.answer("OPSP0011", None)

    assert stream.session.fault(stream.now) == "OPSP0011"
    assert stream.session.needs_new_key
    assert stream.session.next(stream.now + 1) is None


@pytest.mark.req("F-062", "W-03")
def test_an_app_key_in_use_is_waited_for(stream: Stream) -> None:
    stream.connect()
    stream.session.next(stream.now)
    stream.answer("OPSP8996", None)
    stream.lose("OPSP8996")

    assert not stream.session.may_connect(stream.now + 29)
    assert stream.session.may_connect(stream.now + 30)
    assert not stream.session.needs_new_key


@pytest.mark.req("F-062")
def test_a_wrong_app_key_ends_it_for_good(stream: Stream) -> None:
    stream.connect()
    stream.session.next(stream.now)
    stream.answer("OPSP9994", None)
    stream.lose("OPSP9994")

    assert stream.states() == [(FeedState.REFUSED, "OPSP9994")]
    assert not stream.session.may_connect(stream.now + 10**6)


@pytest.mark.req("W-07", "F-062")
def test_a_refused_registration_is_told_by_symbol_and_the_others_stand(stream: Stream) -> None:
    stream.connect()
    stream.session.next(stream.now)
    stream.answer("OPSP8992", A)
    stream.pass_by(1)
    stream.register()

    told = [t for t in stream.session.take_told() if t.state is None]
    assert told == [Told(None, "feed_registration_refused", "OPSP8992", Symbol("005930"))]
    assert stream.session.live == {Symbol("000660")}


@pytest.mark.req("W-04")
def test_the_notice_key_is_the_one_of_the_notices_own_answer() -> None:
    stream = Stream(NOTICES, A)
    stream.connect()
    stream.session.next(stream.now)
    stream.answer("OPSP0000", NOTICES, key="n" * 32)
    stream.pass_by(1)
    stream.session.next(stream.now)
    stream.answer("OPSP0000", A, key="q" * 32)

    held = stream.session.notice_key
    stream.lose()
    stream.pass_by(1)
    stream.connect()

    assert held is not None
    assert held.key == "n" * 32
    assert stream.session.notice_key is None


@pytest.mark.req("W-04")
def test_notices_that_cost_the_connection_twice_are_done_without() -> None:
    stream = Stream(NOTICES, A)
    for _ in range(2):
        stream.connect()
        assert stream.session.next(stream.now) is not None
        stream.lose()
        stream.pass_by(5)

    stream.connect()
    asked = stream.register()

    assert asked == [A]
    assert [t.what for t in stream.session.take_told() if t.state is None] == [
        "feed_notices_given_up"
    ]


def test_no_connection_is_made_beside_the_one_that_stands(stream: Stream) -> None:
    stream.connect()

    assert not stream.session.may_connect(stream.now + 1_000)


@pytest.mark.req("W-04")
def test_a_session_that_was_refused_as_a_whole_says_nothing_against_the_notices() -> None:
    stream = Stream(NOTICES, A)
    for _ in range(3):
        stream.connect()
        assert stream.session.next(stream.now) is not None
        stream.answer("OPSP8996", None)
        stream.lose("OPSP8996")
        stream.pass_by(60)

    stream.connect()

    assert stream.register() == [NOTICES, A]
