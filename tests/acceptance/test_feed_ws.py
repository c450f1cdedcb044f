"""`--feed ws` as its user meets it: a day that decides as by REST, and a morning of trouble."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from datetime import time as TimeOfDay
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kis_core.market.session import KST
from kis_sandbox.config import CREDENTIALS, Personality, SandboxConfig
from kis_sandbox.faults import FaultKind
from kis_sandbox.server import SandboxServer
from tests.acceptance.planned_faults import PlannedFaults, Planning

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk, Ended, TwoDays

pytestmark = pytest.mark.timeout(600)  # whichever test is first trades the days

# The bundled demonstration's market: one symbol that enters at 09:47 and is stopped at 10:00.
_SEED, _START = 8, datetime(2026, 11, 24, 8, 30, tzinfo=KST)
_SYMBOLS = ("--stock", "068270", "--stock", "005490")
_PACED = "simulator: {day_seconds: 90}\n"
_PAST_THE_STOP = "75"  # minutes after the open

_FRAME, _SUBSCRIBE, _NOTICE = "ws-frame", "ws-subscribe", "ws-notice"
_PLAN: tuple[Planning, ...] = (
    (TimeOfDay(8), _NOTICE, FaultKind.NOTICE_DUPLICATE, None, {}),
    (TimeOfDay(8), _NOTICE, FaultKind.NOTICE_REORDER, None, {}),
    (TimeOfDay(9, 5), _FRAME, FaultKind.WS_CLOSE, 1, {}),
    (TimeOfDay(9, 10), _FRAME, FaultKind.WS_DROP, 1, {}),
    (TimeOfDay(9, 15), _FRAME, FaultKind.WS_GARBAGE, 1, {"frames": 300}),
    (TimeOfDay(9, 20), _FRAME, FaultKind.WS_SILENCE, 1, {"seconds": 180}),
    (TimeOfDay(9, 26), _SUBSCRIBE, FaultKind.WS_REFUSE, 1, {"code": "OPSP0011"}),
    (TimeOfDay(9, 26), _FRAME, FaultKind.WS_CLOSE, 1, {}),
    (TimeOfDay(9, 31), _SUBSCRIBE, FaultKind.WS_REFUSE, 1, {"code": "OPSP0008"}),
    (TimeOfDay(9, 31), _FRAME, FaultKind.WS_CLOSE, 1, {}),
    (TimeOfDay(9, 36), _SUBSCRIBE, FaultKind.WS_REFUSE, 6, {"code": "OPSP8996"}),
    (TimeOfDay(9, 36), _FRAME, FaultKind.WS_CLOSE, 1, {}),
    (TimeOfDay(9, 58), _FRAME, FaultKind.WS_DROP, 1, {}),
)


@dataclass(slots=True)
class Morning:
    """A morning on a simulator with the faults of the plan, and what became of it."""

    desk: "Desk"
    server: SandboxServer
    ended: "Ended"
    lines: list[str] = field(default_factory=list)

    def told(self, text: str) -> list[str]:
        """The console's lines with `text`."""
        return [line for line in self.lines if text in line]


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    from tests.acceptance.conftest import new_desk

    desk = new_desk(tmp_path_factory.mktemp("trouble"))
    desk.write("paced.yaml", _PACED)
    keys = CREDENTIALS[Personality.PAPER]
    config = SandboxConfig(mode=Personality.PAPER, start=_START, seed=_SEED)
    with SandboxServer(config) as server:
        server.sandbox.faults = PlannedFaults(server.sandbox, _PLAN, seed=_SEED)
        ended = desk.run(
            "--mode",
            "trade",
            "--feed",
            "ws",
            "--config",
            "paced.yaml",
            "--max-runs",
            _PAST_THE_STOP,
            *_SYMBOLS,
            KIS_BASE_URL=server.base_url,
            KIS_APP_KEY=keys.app_key,
            KIS_APP_SECRET=keys.app_secret,
            KIS_ACCOUNT_NO=keys.account_no,
            KIS_HTS_ID=keys.hts_id,
        )
        yield Morning(desk, server, ended, ended.out.splitlines())


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> "tuple[Desk, Ended]":
    """The README's command with the other feed: the bundled simulator at full speed."""
    from tests.acceptance.conftest import new_desk

    desk = new_desk(tmp_path_factory.mktemp("ws-day"))
    return desk, desk.trade("--feed", "ws", "--exit-after-close", *_SYMBOLS)


def _decided(desk: "Desk") -> list[tuple[object, ...]]:
    """What was bought and sold on the first day, and why."""
    rows = desk.rows(
        "SELECT stock_code, side, reason, quantity FROM trades"
        " WHERE session_date = '2026-11-24' ORDER BY id"
    )
    return [tuple(row) for row in rows]


@pytest.mark.req("M-02", "M-16", "E-05")
def test_a_day_by_the_stream_trades_and_ends_with_0(day: "tuple[Desk, Ended]") -> None:
    desk, ended = day

    assert (ended.code, ended.err) == (0, "")
    assert "시세 WS" in ended.out.splitlines()[4]
    assert len(re.findall("시세 전환: 시세 WS", ended.out)) == 1
    assert "거래일 마감 요약" in ended.out
    assert '"event": "feed.counts"' in desk.log


@pytest.mark.req("M-02", "C-01")
def test_the_day_is_decided_as_by_rest(day: "tuple[Desk, Ended]", two_days: "TwoDays") -> None:
    decided = _decided(day[0])

    assert decided == _decided(two_days.desk)
    assert [row[1:3] for row in decided] == [
        ("buy", "breakout"),
        ("buy", "breakout"),
        ("sell", "stop_loss"),
    ]


@pytest.mark.req("M-02")
def test_at_an_equal_price_both_days_came_to_the_same_reason(
    day: "tuple[Desk, Ended]", two_days: "TwoDays"
) -> None:
    """Of candidates: of what is held, the decision also rests on what was seen before."""
    statement = (
        "SELECT stock_code, json_extract(evidence, '$.last') AS last, action, reason"
        " FROM decisions WHERE session_date = '2026-11-24' AND action != 'sell'"
    )
    by_stream, by_rest = (
        {
            (row["stock_code"], row["last"]): (row["action"], row["reason"])
            for row in desk.rows(statement)
        }
        for desk in (day[0], two_days.desk)
    )

    shared = by_stream.keys() & by_rest.keys()

    assert shared
    assert {key: by_stream[key] for key in shared} == {key: by_rest[key] for key in shared}


@pytest.mark.req("C-06", "E-06")
def test_the_days_record_replays_to_the_same_decisions(day: "tuple[Desk, Ended]") -> None:
    desk, _ = day
    (record,) = (desk.directory / "data" / "recordings").glob("*.jsonl.gz")

    replayed = desk.python("-m", "apps.kr_cbt", "--mode", "replay", "--session", str(record))

    assert (replayed.code, replayed.err) == (0, "")
    assert "판단, 주문, 손익이 기록과 모두 같습니다" in replayed.out


@pytest.mark.req("M-03", "C-01")
def test_a_cbt_day_by_the_stream_decides_the_same_and_asks_for_no_notices(
    tmp_path: Path, two_days: "TwoDays"
) -> None:
    from tests.acceptance.conftest import new_desk

    desk = new_desk(tmp_path)

    ended = desk.python(
        *("-m", "apps.kr_cbt", "--mode", "cbt", "--feed", "ws", "--trade-config", "fast.yaml"),
        *("--exit-after-close", *_SYMBOLS),
    )

    assert (ended.code, ended.err) == (0, "")
    assert "시세 전환: 시세 WS" in ended.out
    assert [row[:3] for row in _decided(desk)] == [row[:3] for row in _decided(two_days.desk)]
    logs = "".join(f.read_text(encoding="utf-8") for f in (desk.directory / "logs").glob("*.log"))
    assert '"event": "feed.counts"' in logs
    assert '"notices"' not in logs


@pytest.mark.req("W-03", "W-05", "W-06", "W-08", "X-05", "F-061", "F-062")
def test_whatever_happens_to_the_stream_the_stop_sells_in_its_minute(morning: Morning) -> None:
    sold = morning.told("신호 셀트리온(068270): 판단 매도, 사유 손절")

    assert (morning.ended.code, morning.ended.err) == (0, "")
    assert len(sold) == 1
    assert "09:59" <= sold[0][:5] <= "10:00"
    assert "Traceback" not in morning.ended.out


@pytest.mark.req("O-08", "O-06", "W-04", "X-05")
def test_doubled_and_reordered_notices_book_nothing_twice(morning: Morning) -> None:
    with morning.server.sandbox.lock:
        fills = list(morning.server.sandbox.exchange.account.fills)
    trades = morning.desk.rows("SELECT stock_code, side, quantity, amount FROM trades ORDER BY id")

    assert [(t["stock_code"], t["side"], t["quantity"], t["amount"]) for t in trades] == [
        (f.symbol, str(f.side), f.quantity, f.quantity * f.price) for f in fills
    ]
    assert len(fills) == 3
    counted = re.search(r'"notices": (\d+)', morning.desk.log)
    assert counted is not None
    assert int(counted[1]) > 2 * len(fills)  # each fill was told at least twice


@pytest.mark.req("W-05", "N-02")
def test_the_console_says_each_thing_that_happened_in_one_line(morning: Morning) -> None:
    losses = [line.partition("내용 ")[2] for line in morning.told("실시간 연결: 상태 끊김")]
    switches = morning.told("시세 전환")
    closed, dropped = "서버가 연결을 닫음(재시작 등)", "연결이 예고 없이 끊김"

    assert losses == [
        closed,
        dropped,
        "오래 아무것도 오지 않음",
        closed,  # then an invalid approval key: a new one is fetched without a word
        closed,
        closed,
        dropped,
    ]
    assert len(morning.told("등록 수 초과(OPSP0008 MAX SUBSCRIBE OVER)")) == 1
    assert ["REST" in line for line in switches] == [False, True, False]
    assert "OPSP8996 ALREADY IN USE" in switches[1]


@pytest.mark.req("W-08", "X-05")
def test_garbage_is_counted_and_nobody_is_bothered_with_it(morning: Morning) -> None:
    counts = [line for line in morning.desk.log.splitlines() if '"event": "feed.counts"' in line]

    skipped = [int(n) for n in re.findall(r'"skipped_[a-z_]+": (\d+)', counts[0])]

    assert sum(skipped) >= 200
    assert morning.told("09:15") == []
