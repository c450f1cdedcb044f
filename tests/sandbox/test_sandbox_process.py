"""The simulator as a process: its line, its banner, its end, its state after SIGKILL."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]
START = "2026-11-24T09:30:00+09:00"
Start = Callable[..., "Process"]


class Process:
    """A running simulator; its start line is read, its stdin held open."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "apps.kis_sandbox", *arguments],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'packages'}:{ROOT}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.info: dict[str, Any] = json.loads(line)
        self.http = httpx.Client(base_url=self.info["base_url"], timeout=10)
        self.token = ""

    def log_in(self) -> None:
        keys = {"appkey": self.info["app_key"], "appsecret": self.info["app_secret"]}
        answer = self.http.post("/oauth2/tokenP", json={"grant_type": "client_credentials", **keys})
        self.token = answer.json()["access_token"]

    def order(self, quantity: int, price: int = 0, *, tr_id: str = "VTTC0012U") -> dict[str, Any]:
        headers = {
            "authorization": f"Bearer {self.token}",
            "appkey": self.info["app_key"],
            "appsecret": self.info["app_secret"],
            "tr_id": tr_id,
        }
        body = {
            "CANO": self.info["account_no"],
            "ACNT_PRDT_CD": "01",
            "PDNO": "005930",
            "ORD_DVSN": "00" if price else "01",
            "ORD_QTY": str(quantity),
            "ORD_UNPR": str(price),
        }
        answer: dict[str, Any] = self.http.post(
            "/uapi/domestic-stock/v1/trading/order-cash", json=body, headers=headers
        ).json()
        return answer

    def get(self, what: str) -> dict[str, Any]:
        document: dict[str, Any] = self.http.get(f"/sandbox/{what}").json()
        return document

    def post(self, what: str, **body: object) -> httpx.Response:
        return self.http.post(f"/sandbox/{what}", json=body)

    def kill(self) -> None:
        self.process.kill()
        self.end()

    def end(self) -> tuple[str, str]:
        """Wait for the end; what it still wrote. A second time there is nothing."""
        self.http.close()
        self.process.wait(timeout=10)
        pipes = (self.process.stdin, self.process.stdout, self.process.stderr)
        said = tuple(p.read() for p in pipes[1:] if p is not None and not p.closed)
        for pipe in pipes:
            if pipe is not None:
                pipe.close()
        return ("", "") if len(said) < 2 else (said[0], said[1])


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[Process] = []

    def run(*arguments: str) -> Process:
        process = Process("--clock", "stepped", "--start", START, "--rate", "1000", *arguments)
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()


def refused(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "apps.kis_sandbox", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'packages'}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr.strip()


@pytest.mark.req("X-06")
def test_it_listens_on_the_loopback_only(start: Start) -> None:
    sandbox = start()
    port = httpx.URL(sandbox.info["base_url"]).port
    assert port is not None

    listening = {
        line.split()[1].split(":")[0]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
    }

    assert listening == {"0100007F"}  # 127.0.0.1, in the kernel's byte order
    assert sandbox.info["base_url"].startswith("http://127.0.0.1:")


@pytest.mark.req("X-01", "X-06")
def test_it_prints_one_line_on_stdout_and_a_banner_on_stderr(start: Start) -> None:
    sandbox = start()
    sandbox.process.send_signal(signal.SIGTERM)

    out, err = sandbox.end()

    assert out == ""
    assert "한국투자증권의 서버가 아닙니다" in err
    assert set(sandbox.info) == {
        "mode",
        "app_key",
        "app_secret",
        "account_no",
        "product_code",
        "base_url",
        "seed",
        "hts_id",
    }


@pytest.mark.req("X-01")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_within_two_seconds(start: Start, number: signal.Signals) -> None:
    sandbox = start()
    begun = time.monotonic()
    sandbox.process.send_signal(number)

    code = sandbox.process.wait(timeout=10)

    assert (code, time.monotonic() - begun < 2) == (0, True)


@pytest.mark.req("X-01")
def test_it_ends_with_the_process_that_started_it(start: Start) -> None:
    sandbox = start("--parent-pipe")
    assert sandbox.process.stdin is not None

    sandbox.process.stdin.close()

    assert sandbox.process.wait(timeout=5) == 0


@pytest.mark.req("X-01")
def test_it_outlives_a_closed_stdin_unless_asked(start: Start) -> None:
    sandbox = start()
    assert sandbox.process.stdin is not None
    sandbox.process.stdin.close()

    assert sandbox.get("clock")["mode"] == "stepped"


@pytest.mark.req("X-01")
@pytest.mark.parametrize(
    "arguments",
    [
        ("--mode", "demo"),
        ("--speed", "0"),
        ("--start", "tomorrow"),
        ("--start", "2024-01-05"),
        ("--symbols", "2601"),
        ("--cash", "-1"),
        ("--holding", "005930:ten:70000"),
        ("--holding", "000001:10:70000"),
        ("--bars", "no-such-file.parquet"),
        ("--unknown",),
    ],
)
def test_bad_arguments_are_one_korean_sentence_and_exit_2(arguments: tuple[str, ...]) -> None:
    code, message = refused(*arguments)

    assert code == 2
    assert len(message.splitlines()) == 1
    assert any("가" <= letter <= "힣" for letter in message)


@pytest.mark.req("X-01")
def test_a_port_in_use_is_a_failure(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, message = refused("--port", str(taken.getsockname()[1]))

    assert code == 1
    assert "모의서버를 열 수 없습니다" in message


@pytest.mark.req("X-01", "X-04")
def test_an_accepted_order_survives_a_kill(start: Start, tmp_path: Path) -> None:
    first = start("--state", str(tmp_path))
    first.log_in()
    answer = first.order(10)
    first.kill()

    again = start("--state", str(tmp_path))

    orders = again.get("ledger")["orders"]
    assert [order["order_no"] for order in orders] == [answer["output"]["ODNO"]]


@pytest.mark.req("X-01", "X-04")
def test_everything_is_as_before_after_a_kill(start: Start, tmp_path: Path) -> None:
    options = ("--state", str(tmp_path), "--holding", "000660:5:200000")
    first = start(*options)
    first.log_in()
    first.order(10)
    first.post("clock/advance", to="2026-11-24T13:00:00+09:00")
    first.post("symbols/005930", price_shock_pct=-10.0, warned=True)
    first.order(3)
    first.post("clock/advance", to="2026-11-25T09:20:00+09:00")  # the token lives a day
    first.post("symbols/035720", halted=True)
    first.order(2)
    ledger, clock = first.get("ledger"), first.get("clock")
    first.kill()

    again = start(*options)

    after = again.get("ledger")
    assert {k: v for k, v in after.items() if k != "requests"} == {
        k: v for k, v in ledger.items() if k != "requests"
    }
    assert len(after["orders"]) == 3
    assert len(after["fills"]) >= 2
    assert again.get("clock") == clock
    again.token = first.token
    assert again.order(1)["output"]["ODNO"] == "0000000002"


@pytest.mark.req("X-03")
def test_the_clock_does_not_go_back_over_a_restart(start: Start, tmp_path: Path) -> None:
    first = start("--state", str(tmp_path))
    first.post("clock/advance", to="2026-11-25T10:00:00+09:00")
    first.kill()

    again = start("--state", str(tmp_path))

    assert again.get("clock")["now"] == "2026-11-25T10:00:00.000000+09:00"
    assert again.post("clock/advance", to="2026-11-25T09:00:00+09:00").status_code == 409


@pytest.mark.req("X-04")
def test_a_line_cut_by_a_crash_is_dropped(start: Start, tmp_path: Path) -> None:
    first = start("--state", str(tmp_path))
    first.log_in()
    first.order(10)
    first.kill()
    with (tmp_path / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"what": "place", "at": "2026-11-24T09:3')

    again = start("--state", str(tmp_path))
    again.token = first.token
    again.order(1)
    again.kill()
    third = start("--state", str(tmp_path))

    assert len(third.get("ledger")["orders"]) == 2


@pytest.mark.req("X-04")
@pytest.mark.parametrize(
    "arguments", [("--seed", "5"), ("--mode", "real"), ("--cash", "1000"), ("--symbols", "40")]
)
def test_a_state_of_another_simulation_is_refused(
    start: Start, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    start("--state", str(tmp_path)).kill()

    code, message = refused("--state", str(tmp_path), "--start", START, *arguments)

    assert code == 2
    assert "다른 설정으로 만든 상태입니다" in message


@pytest.mark.req("X-04")
def test_a_state_has_one_owner(start: Start, tmp_path: Path) -> None:
    start("--state", str(tmp_path))

    code, message = refused("--state", str(tmp_path), "--start", START)

    assert code == 2
    assert "다른 모의서버가 이 상태를 쓰고 있습니다" in message


@pytest.mark.req("X-01")
def test_without_a_state_nothing_is_written(start: Start, tmp_path: Path) -> None:
    sandbox = start()
    sandbox.log_in()
    sandbox.order(1)

    held = Path(f"/proc/{sandbox.process.pid}/fd").iterdir()
    written = [one for one in held if str(one.resolve()).startswith(("/tmp", str(ROOT)))]

    assert written == []
