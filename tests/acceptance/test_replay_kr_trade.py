"""A recorded day of kr_trade, killed once in it, as its operator replays it afterwards."""

import gzip
import json
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kis_core.market.session import KST
from kis_sandbox.config import CREDENTIALS, Personality, SandboxConfig
from kis_sandbox.server import SandboxServer

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk, Ended

pytestmark = pytest.mark.timeout(600)  # whichever test is first trades the day

# Two symbols of which one is bought at the open and one at 09:47 and stopped before 10:00.
_SEED, _START = 8, datetime(2026, 11, 24, 8, 30, tzinfo=KST)
_SYMBOLS = ("--stock", "068270", "--stock", "005490")
_STOPPED = "068270"
_PACED = "market_data: {feed: rest}\nsimulator: {day_seconds: 40}\n"
_SAME = "판단, 주문, 손익이 기록과 모두 같습니다"
_DAY = "data/recordings/kr_trade_20261124"


@dataclass(slots=True)
class KilledDay:
    """A day in two processes: the first was killed once its first purchase was on record."""

    desk: "Desk"
    variables: dict[str, str]

    @property
    def records(self) -> list[Path]:
        """Those of kr_trade, oldest first."""
        return sorted((self.desk.directory / "data" / "recordings").glob("kr_trade_*.jsonl.gz"))

    def replay(self, session: Path | str) -> "Ended":
        """`kr_cbt --mode replay --session SESSION`."""
        return self.desk.python("-m", "apps.kr_cbt", "--mode", "replay", "--session", str(session))

    def tells_of(self, call: str) -> bool:
        """Whether `call` is on the first record already."""
        return any(f'"{call}"'.encode() in _readable(path) for path in self.records[:1])


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KilledDay]:
    from tests.acceptance.conftest import new_desk

    keys = CREDENTIALS[Personality.PAPER]
    desk = new_desk(tmp_path_factory.mktemp("replayed"))
    desk.write("paced.yaml", _PACED)
    config = SandboxConfig(mode=Personality.PAPER, start=_START, seed=_SEED)
    with SandboxServer(config) as server:
        made = KilledDay(
            desk,
            {
                "KIS_BASE_URL": server.base_url,
                "KIS_APP_KEY": keys.app_key,
                "KIS_APP_SECRET": keys.app_secret,
                "KIS_ACCOUNT_NO": keys.account_no,
            },
        )
        command = ("--mode", "trade", *_SYMBOLS, "--exit-after-close")
        first = desk.start(*command, "--config", "paced.yaml", **made.variables)
        _wait_until(lambda: made.tells_of("store.put_trade"))
        first.send_signal(signal.SIGKILL)
        killed = desk.end_of(first)
        second = desk.run(*command, "--config", "fast.yaml", **made.variables)
        assert killed.code == -signal.SIGKILL, killed
        assert (second.code, second.err) == (0, ""), second
        yield made


@pytest.mark.req("C-06", "E-06")
def test_a_day_with_a_kill_in_it_replays_to_its_decisions_orders_and_result(
    day: KilledDay,
) -> None:
    replayed = day.replay(_DAY)

    realised = day.desk.rows("SELECT SUM(realised_pnl) FROM trades")[0][0]
    trades = day.desk.rows("SELECT COUNT(*) FROM trades")[0][0]
    sent = day.desk.rows("SELECT COUNT(*) FROM order_state")[0][0]
    assert (replayed.code, replayed.err) == (0, "")
    assert replayed.out.count(_SAME) == 2
    assert replayed.out.count("끝까지 쓰이지 못한 기록") == 1
    total = replayed.out.splitlines()[-1]
    assert total.startswith("합계 (2개 기록)")
    assert f"주문 {sent}건 · 체결 {trades}건 · 실현 손익 {realised:+,}원" in total
    assert (trades, realised < 0) == (3, True)


@pytest.mark.req("C-06")
def test_one_changed_price_is_named_with_both_decisions_and_its_input(
    day: KilledDay, tmp_path: Path
) -> None:
    changed, line, price = _with_another_price(day.records[1], tmp_path)

    replayed = day.replay(changed)

    shown = replayed.out.splitlines()
    assert (replayed.code, replayed.err) == (1, "")
    assert f"[변조] {line}번째 줄이 기록된 뒤에 바뀌었습니다." in shown
    assert any("처음으로 달라졌습니다" in text for text in shown)
    assert f"  종목  {_STOPPED}" in shown
    assert any(text.startswith("  기록  매도 · 손절") for text in shown)
    assert any(text.startswith("  재현  관망 · 보유 조건 유지") for text in shown), shown
    inputs = [text for text in shown if text.startswith("  입력  ")]
    assert inputs[0].startswith(f"  입력  [변조] {line}번째 줄 시세(market_data.quotes)")
    assert f'"last": {price}' in inputs[0]


@pytest.mark.req("C-06", "F-009")
def test_what_is_no_record_is_refused_in_korean_with_2(day: KilledDay, tmp_path: Path) -> None:
    whole = day.records[1].read_bytes()
    lines = gzip.decompress(whole).splitlines()
    files = {
        "empty": b"",
        "text": b"hello",
        "another version": gzip.compress(lines[0].replace(b'"format":', b'"format":9', 1) + b"\n"),
        "damaged": whole[:3_000] + b"\0" * 100 + whole[3_100:],
    }
    refused = {}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        refused[name] = day.replay(tmp_path / name)
    refused["absent"] = day.replay(tmp_path / "absent")

    assert {name: ended.code for name, ended in refused.items()} == dict.fromkeys(refused, 2)
    assert all(ended.err.count("\n") == 1 for ended in refused.values()), refused
    assert "빈 기록" in refused["empty"].err
    assert "세션 기록을 읽을 수 없습니다" in refused["text"].err
    assert "재현하세요" in refused["another version"].err
    assert "그런 세션 기록이 없습니다" in refused["absent"].err


@pytest.mark.req("K-10", "C-06")
def test_a_record_of_kr_trade_holds_no_key_and_no_account_number(day: KilledDay) -> None:
    keys = CREDENTIALS[Personality.PAPER]
    secrets = (keys.app_key, keys.app_secret, keys.account_no)
    told = b"".join(_readable(path) for path in day.records).decode()
    tokens = [
        json.loads(path.read_text())["access_token"]
        for path in (day.desk.directory / "home").rglob("*.json")
        if "token" in path.name or "tokens" in path.parts
    ]

    assert [s for s in (*secrets, *tokens) if s in told] == []
    assert f'"account":"********{(keys.account_no + "01")[-2:]}"' in told
    assert {path.stat().st_mode & 0o777 for path in day.records} == {0o600}


def _with_another_price(record: Path, directory: Path) -> tuple[Path, int, int]:
    """A copy in which the price that the stop was sold on is far above it; its line, the price."""
    lines = gzip.decompress(record.read_bytes()).decode().splitlines()
    documents: list[dict[str, Any]] = [json.loads(line) for line in lines]
    sold = next(
        n
        for n, d in enumerate(documents)
        if d.get("call") == "broker.place" and d["args"][0]["side"] == "sell"
    )
    place = max(
        n
        for n, d in enumerate(documents[:sold])
        if d.get("call") == "market_data.quotes" and _STOPPED in d["answer"]
    )
    quote = documents[place]["answer"][_STOPPED]
    quote["last"] += 5_000
    lines[place] = json.dumps(documents[place])
    changed = directory / "changed.jsonl.gz"
    changed.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    return changed, place + 1, quote["last"]


def _readable(path: Path) -> bytes:
    """What can be read of a record, its end cut off or not."""
    with gzip.open(path, "rb") as file:
        found = bytearray()
        try:
            for line in file:
                found += line
        except EOFError:
            pass
    return bytes(found)


def _wait_until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(2_000):
        if condition():
            return
        pause.wait(0.1)
    raise AssertionError("it never came to that")
