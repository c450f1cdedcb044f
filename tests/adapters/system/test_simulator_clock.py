"""The simulator's clock, against a loopback server that speaks its three words."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from kis_adapters.system.simulator_clock import (
    SimulatorClock,
    SimulatorUnreachable,
    simulator_clock_at,
)
from kis_core.market.session import KST

NINE = datetime(2026, 3, 2, 9, tzinfo=KST)
HOUR = timedelta(hours=1)


class FakeSimulator(ThreadingHTTPServer):
    """Shows `now` and moves it when asked; `answers` overrides the next answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mode, self.speed, self.now = "stepped", 1.0, NINE
        self.mark = "1"
        self.asked: list[str] = []
        self.body: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def advances(self) -> list[str]:
        return [line.removeprefix("advance ") for line in self.asked if line.startswith("advance")]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer
    server: FakeSimulator

    def do_GET(self) -> None:
        self.server.asked.append("read")
        document = {
            "mode": self.server.mode,
            "now": self.server.now.isoformat(),
            "speed": self.server.speed,
        }
        self._answer(200, self.server.body or json.dumps(document))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(f"advance {body['to']}")
        to = datetime.fromisoformat(body["to"])
        if to < self.server.now:
            self._answer(409, "{}")
            return
        self.server.now = to
        self._answer(200, json.dumps({"now": to.isoformat()}))

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("X-KIS-Sandbox", self.server.mark)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        """Say nothing."""


@pytest.fixture
def simulator() -> Iterator[FakeSimulator]:
    with FakeSimulator() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def clock(simulator: FakeSimulator) -> Iterator[SimulatorClock]:
    clock = simulator_clock_at(simulator.url)
    assert clock is not None
    yield clock
    clock.close()


@pytest.mark.req("X-03")
def test_sleeping_moves_the_stepped_clock_to_the_instant(
    simulator: FakeSimulator, clock: SimulatorClock
) -> None:
    clock.sleep_until(NINE + timedelta(minutes=1))

    assert simulator.now == NINE + timedelta(minutes=1)
    assert clock.now() == NINE + timedelta(minutes=1)
    assert clock.now().utcoffset() == timedelta(hours=9)


def test_a_long_sleep_is_made_of_steps(simulator: FakeSimulator, clock: SimulatorClock) -> None:
    clock.sleep_until(NINE + 2.5 * HOUR)

    assert simulator.advances == [(NINE + hours * HOUR).isoformat() for hours in (1.0, 2.0, 2.5)]


def test_waking_leaves_the_time_where_it_is(
    simulator: FakeSimulator, clock: SimulatorClock
) -> None:
    clock.wake()

    clock.sleep_until(NINE + HOUR)

    assert simulator.now == NINE
    assert simulator.advances == []


def test_the_time_that_others_passed_is_seen(
    simulator: FakeSimulator, clock: SimulatorClock
) -> None:
    simulator.now = NINE + HOUR

    assert clock.now() == NINE + HOUR


def test_with_observed_answers_nobody_is_asked_for_the_time(
    simulator: FakeSimulator, clock: SimulatorClock
) -> None:
    clock.observe(NINE + timedelta(seconds=3))
    asked = len(simulator.asked)

    now = clock.now()
    clock.observe(NINE)  # an answer overtaken by another

    assert now == clock.now() == NINE + timedelta(seconds=3)
    assert len(simulator.asked) == asked


def test_an_observed_clock_still_moves_by_sleeping(
    simulator: FakeSimulator, clock: SimulatorClock
) -> None:
    clock.observe(NINE + timedelta(seconds=3))

    clock.sleep_until(NINE + timedelta(minutes=1))

    assert clock.now() == simulator.now == NINE + timedelta(minutes=1)


def test_a_clock_that_is_already_further_is_believed(
    simulator: FakeSimulator, clock: SimulatorClock
) -> None:
    clock.observe(NINE)
    simulator.now = NINE + 2 * HOUR  # other requests took their time

    clock.sleep_until(NINE + timedelta(minutes=1))

    assert clock.now() == NINE + 2 * HOUR


def test_a_paced_day_takes_the_seconds_that_were_asked_for(simulator: FakeSimulator) -> None:
    """23,400 virtual seconds in 234 real ones: ten virtual seconds take a tenth of one."""
    clock = simulator_clock_at(simulator.url, day_seconds=234)
    assert clock is not None

    began = time.monotonic()
    clock.sleep_until(NINE + timedelta(seconds=10))
    paced = time.monotonic() - began
    began = time.monotonic()
    clock.sleep_until(NINE + 17 * HOUR)  # the night is passed over
    passed_over = time.monotonic() - began
    clock.close()

    assert 0.09 <= paced < 2
    assert passed_over < 5


def test_an_accelerated_clock_runs_by_itself(simulator: FakeSimulator) -> None:
    simulator.mode, simulator.speed = "accelerated", 60.0
    passed = [100.0]
    clock = SimulatorClock(_http(simulator), monotonic=lambda: passed[0])

    passed[0] += 10.0
    after_ten = clock.now()
    asked = len(simulator.asked)
    simulator.now = NINE + timedelta(minutes=11)
    passed[0] += 51.0
    resynchronised = clock.now()
    clock.close()

    assert after_ten == NINE + timedelta(minutes=10)
    assert asked == 1
    assert resynchronised == NINE + timedelta(minutes=11)


def test_an_accelerated_clock_never_runs_backwards(simulator: FakeSimulator) -> None:
    simulator.mode, simulator.speed = "accelerated", 60.0
    passed = [100.0]
    clock = SimulatorClock(_http(simulator), monotonic=lambda: passed[0])

    passed[0] += 60.0
    ahead = clock.now()
    passed[0] += 1.0  # the look after a minute shows that it had stood still
    looked = clock.now()
    clock.close()

    assert ahead == NINE + HOUR
    assert looked == ahead


def test_an_accelerated_clock_can_be_slept_on(simulator: FakeSimulator) -> None:
    simulator.mode, simulator.speed = "accelerated", 3_600.0
    clock = SimulatorClock(_http(simulator))

    clock.sleep_until(NINE + timedelta(minutes=3))
    now = clock.now()
    clock.close()

    assert now >= NINE + timedelta(minutes=3)
    assert simulator.advances == []


def test_only_this_machine_is_asked_for_a_simulator() -> None:
    assert simulator_clock_at("http://192.0.2.1:9") is None
    assert simulator_clock_at("https://openapi.koreainvestment.com:9443") is None


def test_a_server_without_the_mark_is_no_simulator(simulator: FakeSimulator) -> None:
    simulator.mark = ""

    assert simulator_clock_at(simulator.url) is None


def test_nobody_there_is_no_simulator() -> None:
    server = FakeSimulator()
    url = server.url
    server.server_close()

    assert simulator_clock_at(url) is None


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"now": "noon"}', '{"now": "2026-03-02"}'])
def test_a_clock_that_shows_no_time_is_unreachable(
    simulator: FakeSimulator, clock: SimulatorClock, body: str
) -> None:
    simulator.body = body or "\n"

    with pytest.raises(SimulatorUnreachable):
        clock.now()


def _http(simulator: FakeSimulator) -> httpx.Client:
    return httpx.Client(base_url=simulator.url, trust_env=False)
