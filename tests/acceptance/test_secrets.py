"""A whole day in which everything goes wrong once, and then a search for every secret (K-10)."""

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kis_core.market.session import KST
from kis_sandbox.config import CREDENTIALS, Personality, SandboxConfig
from kis_sandbox.faults import ANY_ROUTE, FaultKind
from kis_sandbox.server import SandboxServer
from tests.acceptance.planned_faults import PlannedFaults, Planning
from tests.telegram_server import CHAT, TOKEN, TelegramServer, serving

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk, Ended

pytestmark = pytest.mark.timeout(600)

_SYMBOLS = ("--stock", "068270", "--stock", "005490")
_KEYS = CREDENTIALS[Personality.PAPER]
_STREAM = {
    FaultKind.WS_CLOSE: "ws-frame",
    FaultKind.WS_DROP: "ws-frame",
    FaultKind.WS_SILENCE: "ws-frame",
    FaultKind.WS_GARBAGE: "ws-frame",
    FaultKind.WS_REFUSE: "ws-subscribe",
    FaultKind.NOTICE_DUPLICATE: "ws-notice",
    FaultKind.NOTICE_REORDER: "ws-notice",
}
_ORDER = {
    FaultKind.ORDER_REJECTED: "order-cash",
    FaultKind.EXCHANGE_REJECTED: "order-cash",
    FaultKind.PARTIAL_FILL: "order-cash",
    FaultKind.DELAYED_FILL: "order-cash",
    FaultKind.ROWS_LAG: "inquire-daily-ccld",
    FaultKind.CANCEL_RACE: "order-rvsecncl",
    FaultKind.OUTCOME_UNKNOWN: "order-cash",
}
_PARAMS: dict[FaultKind, dict[str, object]] = {FaultKind.WS_SILENCE: {"seconds": 90}}


def _plan() -> list[Planning]:
    """Each fault once, two minutes apart; those of orders wait for the first orders."""
    at = datetime(2026, 11, 24, 9, 1, tzinfo=KST)
    plan: list[Planning] = [
        (time(8), route, kind, 1, _PARAMS.get(kind, {})) for kind, route in _ORDER.items()
    ]
    for kind in FaultKind:
        if kind in _ORDER:
            continue
        plan.append((at.time(), _STREAM.get(kind, ANY_ROUTE), kind, 1, _PARAMS.get(kind, {})))
        at += timedelta(minutes=2)
    return plan


@dataclass(slots=True)
class FaultyDay:
    desk: "Desk"
    ended: "Ended"
    arguments: bytes
    telegram: TelegramServer
    struck: int


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyDay]:
    from tests.acceptance.conftest import new_desk

    desk = new_desk(tmp_path_factory.mktemp("secrets"))
    desk.write("paced.yaml", "simulator: {day_seconds: 90}\n")
    config = SandboxConfig(
        mode=Personality.PAPER, start=datetime(2026, 11, 24, 8, 30, tzinfo=KST), seed=8
    )
    with SandboxServer(config) as server, serving() as telegram:
        server.sandbox.faults = faults = PlannedFaults(server.sandbox, _plan(), seed=8)
        process = desk.start(
            *("--mode", "trade", "--feed", "ws", "--config", "paced.yaml"),
            *("--exit-after-close", *_SYMBOLS),
            KIS_BASE_URL=server.base_url,
            KIS_APP_KEY=_KEYS.app_key,
            KIS_APP_SECRET=_KEYS.app_secret,
            KIS_ACCOUNT_NO=_KEYS.account_no,
            KIS_HTS_ID=_KEYS.hts_id,
            TELEGRAM_ENABLED="true",
            TELEGRAM_BOT_TOKEN=TOKEN,
            TELEGRAM_CHAT_ID=str(CHAT),
            TELEGRAM_API_URL=telegram.url,
            LOG_LEVEL="DEBUG",
        )
        arguments = _arguments_of(process)
        ended = desk.end_of(process, within_s=400)
        struck = len(FaultKind) - len(faults.installed())  # one that struck is gone
        yield FaultyDay(desk, ended, arguments, telegram, struck)


def _arguments_of(process: subprocess.Popen[str]) -> bytes:
    return Path(f"/proc/{process.pid}/cmdline").read_bytes()


def _secrets(day: FaultyDay) -> dict[str, str]:
    """By a name that may be shown."""
    tokens = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in (day.desk.directory / "home").rglob("*.json")
    ]
    issued = {f"token {n}": text for n, token in enumerate(tokens) for text in _long(token)}
    return {
        "app key": _KEYS.app_key,
        "app secret": _KEYS.app_secret,
        "hts id": _KEYS.hts_id,
        "bot token": TOKEN,
        "chat": str(CHAT),
        **issued,
    }


def _long(document: object) -> list[str]:
    if isinstance(document, dict):
        return [text for value in document.values() for text in _long(value)]
    return [document] if isinstance(document, str) and len(document) > 40 else []


def _found(secrets: dict[str, str], content: bytes) -> list[str]:
    return [name for name, secret in secrets.items() if secret.encode() in content]


@pytest.mark.req("K-10", "F-057")
def test_the_day_met_its_faults_and_went_on_to_its_end(day: FaultyDay) -> None:
    assert day.ended.code == 0, day.ended.err
    assert day.struck > 20
    assert "거래일 마감 요약" in day.ended.out
    for told in ("시작", "마감 요약", "종료"):
        assert told in day.telegram.transcript


@pytest.mark.req("K-10", "L-03")
def test_no_file_console_or_argument_holds_a_secret(day: FaultyDay) -> None:
    secrets = {**_secrets(day), "account": _KEYS.account_no}
    assert any(name.startswith("token") for name in secrets)
    kept = {
        path.relative_to(day.desk.directory).as_posix(): path.read_bytes()
        for path in day.desk.directory.rglob("*")
        if path.is_file() and "tokens" not in path.parts and not path.name.startswith("kis.db")
    }
    assert any("audit" in name for name in kept)

    for name, content in kept.items():
        assert (name, _found(secrets, content)) == (name, [])
    assert _found(secrets, (day.ended.out + day.ended.err).encode()) == []
    assert _found(secrets, day.arguments) == []
    assert _found(secrets, day.telegram.transcript.encode()) == []


@pytest.mark.req("K-10")
def test_the_database_holds_no_secret_and_the_account_only_as_its_key(day: FaultyDay) -> None:
    with closing(sqlite3.connect(day.desk.database)) as connection:
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        dump = "\n".join(connection.iterdump()).encode()
        assert _found(_secrets(day), dump) == []
        for table in tables:
            cursor = connection.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in cursor.description]
            for row in cursor:
                values = zip(columns, row, strict=True)
                others = [str(value) for name, value in values if name != "account"]
                assert _KEYS.account_no not in " ".join(others), table
