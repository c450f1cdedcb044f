"""docs/start-refusals.md: every start that is refused, as a person at the terminal meets it.

Each row is provoked by a case below and compared with the document. To rewrite the document's
rows, run this file with KIS_TEST_WRITE_DOCS=1.
"""

import os
import re
import signal
import socket
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kis_adapters.files.instance_lock import FileInstanceLock
from kis_core.market.session import KST
from kis_sandbox.config import Personality, SandboxConfig
from kis_sandbox.server import SandboxServer

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk, Ended

DOCUMENT = Path(__file__).parents[2] / "docs" / "start-refusals.md"
_IS_WRITTEN = bool(os.environ.get("KIS_TEST_WRITE_DOCS"))
_BEGIN, _END = "<!-- rows -->\n", "<!-- /rows -->\n"

KEYS = {"KIS_APP_KEY": "FAKE-KEY", "KIS_APP_SECRET": "FAKE-SECRET", "KIS_ACCOUNT_NO": "99000001"}
REAL_KEYS = {"TRADING_MODE": "REAL", **{f"REAL_{name}": text for name, text in KEYS.items()}}
_DEVLP = """\
my_app: FAKE-REAL-APP
my_sec: FAKE-REAL-SEC
my_acct_stock: "99100001"
paper_app: {paper_app}
paper_sec: FAKE-PAPER-SEC
my_paper_stock: "99000001"
"""
_NOBODY_PASSES = """\
universe:
  selection_method: volume_top
  candidate_pool_mode: yaml
  candidate_stocks: [005930]
  min_volume: 1000000000000000
  fallback_to_fixed: {fallback}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way not to start. `files` are written first; `{directory}` and `{url}` in variables
    stand for the desk's directory and for `url`'s answer."""

    code: int
    arguments: tuple[str, ...] = ("--mode", "trade", "--config", "fast.yaml")
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[["Desk"], None] = lambda _: None
    hidden: tuple[str, ...] = ()


def _with(*more: str) -> tuple[str, ...]:
    return ("--mode", "trade", "--config", "fast.yaml", *more)


def _newer_schema(desk: "Desk") -> None:
    desk.database.parent.mkdir()
    with closing(sqlite3.connect(desk.database)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
        connection.commit()


def _no_database(desk: "Desk") -> None:
    desk.database.parent.mkdir()
    desk.database.write_bytes(b"this is no database, it only has the name of one" * 100)


def _own_configuration(name: str, content: str) -> Mapping[str, str]:
    shipped = Path(__file__).parents[2] / "config"
    files = {f"config/{f.name}": f.read_text(encoding="utf-8") for f in shipped.glob("*.yaml")}
    return {**files, f"config/{name}": content}


CASES: dict[str, Case] = {
    # --- the command line
    "no mode on the command line": Case(code=2, arguments=()),
    "a mode that there is not": Case(code=2, arguments=("--mode", "tarde")),
    "an argument that there is not": Case(code=2, arguments=_with("--confirm")),
    "an interval below 60 s": Case(code=2, arguments=_with("--interval", "59")),
    "a stock code that is none": Case(code=2, arguments=_with("--stock", "5930")),
    "more stocks than the universe holds": Case(
        code=2,
        arguments=_with("--universe", "u.yaml", "--stock", "005930", "--stock", "000660"),
        files={"u.yaml": "universe: {max_stocks: 1, stocks: [005930]}\n"},
    ),
    "a first order of more than the whole": Case(
        code=2, arguments=_with("--real-first-order-percent", "101")
    ),
    # --- the mode and its keys
    "a trading mode that there is not": Case(code=2, variables={"TRADING_MODE": "LIVE"}),
    "two different trading modes": Case(
        code=2, variables={"TRADING_MODE": "PAPER"}, files={".env": "TRADING_MODE=REAL\n"}
    ),
    "a mode variable of the replaced system": Case(code=2, variables={"EXECUTION_MODE": "REAL"}),
    "PAPER with a key of REAL": Case(
        code=2, variables={"REAL_KIS_APP_KEY": "FAKE-HIDDEN"}, hidden=("FAKE-HIDDEN",)
    ),
    "REAL with a key of PAPER": Case(
        code=2,
        arguments=_with("--confirm-real-trading"),
        variables={**REAL_KEYS, "KIS_APP_KEY": "FAKE-HIDDEN"},
        hidden=("FAKE-HIDDEN",),
    ),
    "REAL without the confirmation": Case(code=2, variables=REAL_KEYS),
    "REAL without keys": Case(
        code=2, arguments=_with("--confirm-real-trading"), variables={"TRADING_MODE": "REAL"}
    ),
    "half of the keys": Case(code=2, variables={"KIS_APP_KEY": "FAKE-KEY"}),
    "an account number that is none": Case(
        code=2, variables={**KEYS, "KIS_ACCOUNT_NO": "12345"}, hidden=("12345",)
    ),
    "keys in kis_devlp.yaml and in variables": Case(
        code=2,
        variables={**KEYS, "KIS_DEVLP_FILE": "kis_devlp.yaml"},
        files={"kis_devlp.yaml": _DEVLP.format(paper_app="FAKE-PAPER-APP")},
    ),
    "the real key in kis_devlp.yaml's paper field": Case(
        code=2,
        variables={"KIS_DEVLP_FILE": "kis_devlp.yaml"},
        files={"kis_devlp.yaml": _DEVLP.format(paper_app="FAKE-REAL-APP")},
        hidden=("FAKE-REAL-APP",),
    ),
    "a kis_devlp.yaml that is not there": Case(
        code=2, variables={"KIS_DEVLP_FILE": "kis_devlp.yaml"}
    ),
    "plain http to another machine": Case(
        code=2, variables={**KEYS, "KIS_BASE_URL": "http://203.0.113.1"}
    ),
    "the other mode's server": Case(
        code=2,
        variables={**KEYS, "KIS_BASE_URL": "https://openapi.koreainvestment.com:9443"},
    ),
    "REAL beyond its hard bounds": Case(
        code=2,
        arguments=("--mode", "trade", "--confirm-real-trading", "--config", "mine.yaml"),
        variables=REAL_KEYS,
        files={"mine.yaml": "risk: {daily_max_loss_pct: 3.5}\n"},
    ),
    # --- the files
    "a configuration that is not there": Case(
        code=2, arguments=("--mode", "trade", "--config", "nowhere.yaml")
    ),
    "a configuration that is empty": Case(
        code=2, arguments=("--mode", "trade", "--config", "mine.yaml"), files={"mine.yaml": ""}
    ),
    "a configuration that is no YAML": Case(
        code=2,
        arguments=("--mode", "trade", "--config", "mine.yaml"),
        files={"mine.yaml": "engine: {interval_s: 60\n"},
    ),
    "a setting that there is not": Case(
        code=2,
        arguments=("--mode", "trade", "--config", "mine.yaml"),
        files={"mine.yaml": "engine:\n  intervall_s: 60\n"},
    ),
    "a setting with a wrong value": Case(
        code=2,
        arguments=("--mode", "trade", "--config", "mine.yaml"),
        files={"mine.yaml": "risk: {daily_max_trades: 많이}\n"},
    ),
    "a setting twice": Case(
        code=2,
        arguments=("--mode", "trade", "--config", "mine.yaml"),
        files={"mine.yaml": "risk:\n  daily_max_trades: 1\n  daily_max_trades: 2\n"},
    ),
    "a variable of ours in .env that there is not": Case(
        code=2, files={".env": "KIS_APPKEY=FAKE-HIDDEN\n"}, hidden=("FAKE-HIDDEN",)
    ),
    "a universe setting that there is not": Case(
        code=2,
        arguments=_with("--universe", "u.yaml"),
        files={"u.yaml": "universe:\n  stocks: [005930]\n  max_stock: 3\n"},
    ),
    "a universe without a symbol": Case(
        code=2,
        arguments=_with("--universe", "u.yaml"),
        files={"u.yaml": "universe: {selection_method: fixed, stocks: []}\n"},
    ),
    "an own setting of a symbol that there is not": Case(
        code=2,
        arguments=_with("--universe", "u.yaml"),
        files={
            "u.yaml": "universe: {selection_method: fixed, stocks: [005930]}\n"
            "stock_overrides: {005930: {order_quantty: 2}}\n"
        },
    ),
    "an exchange calendar that cannot be read": Case(
        code=2,
        arguments=("--mode", "trade"),
        files=_own_configuration("krx_sessions.yaml", "confirmed_until: soon\n"),
    ),
    "more calls than a cycle has time for": Case(
        code=2,
        arguments=_with("--universe", "u.yaml"),
        files={
            "u.yaml": "universe: {selection_method: combined, max_stocks: 60, max_positions: 5}\n"
        },
    ),
    # --- the database
    "half of a MySQL server": Case(code=2, variables={"DB_HOST": "db"}),
    "a database of another kind": Case(code=2, variables={"DATABASE_URL": "postgresql://h/n"}),
    "two databases": Case(
        code=2,
        files={".env": "DATABASE_URL=sqlite:///x.db\nDB_HOST=h\nDB_NAME=n\nDB_USER=u\n"},
    ),
    "a database of a newer version": Case(code=2, prepare=_newer_schema),
    "a database file that is none": Case(code=2, prepare=_no_database),
    "a database that does not answer": Case(
        code=1,
        variables={"DATABASE_URL": "mysql+pymysql://u:FAKE-HIDDEN@127.0.0.1:{closed}/kis"},
        hidden=("FAKE-HIDDEN",),
    ),
    # --- the broker
    "keys that the broker does not know": Case(
        code=2, variables={**KEYS, "KIS_BASE_URL": "{simulator}"}, hidden=("FAKE-",)
    ),
    "a broker that does not answer": Case(
        code=1, variables={**KEYS, "KIS_BASE_URL": "http://127.0.0.1:{closed}"}, hidden=("FAKE-",)
    ),
    # --- the machine
    "a data directory that is a file": Case(code=1, files={"data": "in the way"}),
    "a log directory that is a file": Case(code=1, files={"logs": "in the way"}),
    # --- policy
    "nobody passes the filters, and no list to fall back to is wanted": Case(
        code=4,
        arguments=_with("--universe", "u.yaml"),
        files={"u.yaml": _NOBODY_PASSES.format(fallback="false")},
    ),
    "nobody passes the filters, and there is no list to fall back to": Case(
        code=4,
        arguments=_with("--universe", "u.yaml"),
        files={"u.yaml": _NOBODY_PASSES.format(fallback="true")},
    ),
}
HELD = "another kr_trade is running"
STOPPED = "Ctrl-C in the countdown of REAL"


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    """The address of a PAPER simulator."""
    start = datetime(2026, 11, 24, 8, 30, tzinfo=KST)
    with SandboxServer(SandboxConfig(mode=Personality.PAPER, start=start)) as server:
        yield server.base_url


@pytest.mark.req("M-16", "F-009")
@pytest.mark.parametrize("situation", CASES)
def test_a_refused_start_says_what_the_document_says(
    desk: "Desk", simulator: str, situation: str
) -> None:
    case = CASES[situation]
    for name, content in case.files.items():
        (desk.directory / name).parent.mkdir(exist_ok=True)
        desk.write(name, content)
    case.prepare(desk)
    words = {"closed": str(_closed_port()), "simulator": simulator}

    ended = desk.run(*case.arguments, **{n: t.format(**words) for n, t in case.variables.items()})

    assert ended.code == case.code, ended.err
    for secret in case.hidden:
        assert secret not in ended.out + ended.err
    _is_in_the_document(situation, ended, desk)


@pytest.mark.req("P-01", "M-16", "F-009")
def test_a_second_kr_trade_says_what_the_document_says(desk: "Desk") -> None:
    lock = FileInstanceLock(desk.directory / "data" / "instance.lock")
    lock.acquire(now=datetime(2026, 11, 24, 9, tzinfo=KST))
    try:
        ended = desk.trade()
    finally:
        lock.release()

    assert ended.code == 3
    _is_in_the_document(HELD, ended, desk)


@pytest.mark.req("M-08", "M-16")
def test_a_countdown_that_is_stopped_says_what_the_document_says(desk: "Desk") -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        process = desk.start(*_with("--confirm-real-trading"), **REAL_KEYS, KIS_BASE_URL=url)
        assert process.stdout is not None
        assert any("9초 뒤에" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        ended = desk.end_of(process)
        with pytest.raises(BlockingIOError):
            listener.accept()

    assert ended.code == 130
    _is_in_the_document(STOPPED, ended, desk)


def test_the_document_has_a_row_for_every_case_and_no_other() -> None:
    assert list(_rows()) == [*CASES, HELD, STOPPED]


def _is_in_the_document(situation: str, ended: "Ended", desk: "Desk") -> None:
    assert "Traceback" not in ended.out + ended.err
    assert any("가" <= letter <= "힣" for letter in ended.err)
    row = _row(situation, ended, desk)
    if _IS_WRITTEN:
        _write({**_rows(), situation: row})
    assert _rows()[situation] == row


def _row(situation: str, ended: "Ended", desk: "Desk") -> str:
    text = ended.err.strip().replace(str(desk.directory), "~")
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:<port>", text)
    text = re.sub(r"pid=\d+", "pid=<pid>", text)
    text = re.sub(r"host=[^,]+", "host=<host>", text)
    told = "<br>".join(line.replace("|", "\\|") for line in text.splitlines())
    return f"| {situation} | {told} | {ended.code} |"


def _rows() -> dict[str, str]:
    """The document's rows by situation, in its order."""
    _, _, behind = DOCUMENT.read_text(encoding="utf-8").partition(_BEGIN)
    lines = behind.partition(_END)[0].splitlines()[2:]
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines}


def _write(rows: Mapping[str, str]) -> None:
    before, _, behind = DOCUMENT.read_text(encoding="utf-8").partition(_BEGIN)
    after = behind.partition(_END)[2]
    ordered = [rows[name] for name in (*CASES, HELD, STOPPED) if name in rows]
    head = ["| the start | what is said (stderr) | exit code |", "|---|---|---|"]
    table = "\n".join([*head, *ordered]) + "\n"
    DOCUMENT.write_text(before + _BEGIN + table + _END + after, encoding="utf-8")


def _closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
