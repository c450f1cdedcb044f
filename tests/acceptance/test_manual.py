"""The operations manual, typed line by line (V-03)."""

import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from apps.exit_code import ExitCode
from kis_adapters.settings.sections import MessageSettings
from kis_adapters.telegram.commands import DESCRIPTIONS
from kis_core.market.session import KST
from kis_sandbox.config import CREDENTIALS, Personality, SandboxConfig
from kis_sandbox.server import SandboxServer
from tests.acceptance.conftest import Desk

pytestmark = [pytest.mark.req("V-03"), pytest.mark.timeout(900)]

_ROOT = Path(__file__).parents[2]
_MANUAL = (_ROOT / "docs" / "manual.ko.md").read_text(encoding="utf-8")
_EXPECTED = re.compile(r"# 종료 코드 (\d+)")
_WITHIN_S = 240


def _boxes(language: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", _MANUAL, re.DOTALL)
    return [line for box in found for line in box.splitlines() if line.strip()]


@dataclass(slots=True)
class Typed:
    """What each line of the manual did, in the manual's order."""

    desk: Desk
    ended: dict[str, tuple[int, str]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Typed:
    desk = Desk(tmp_path_factory.mktemp("manual"))
    shutil.copytree(_ROOT / "config", desk.directory / "config")
    settings = desk.directory / "config" / "kr_trade.yaml"
    text = settings.read_text(encoding="utf-8")
    assert "day_seconds: 60" in text
    settings.write_text(text.replace("day_seconds: 60", "day_seconds: 0"), encoding="utf-8")
    with closing(sqlite3.connect(desk.directory / "old.db")) as old:
        old.execute("CREATE TABLE symbol_cache (stock_code TEXT, stock_name TEXT, updated_at TEXT)")
        old.commit()
    done = Typed(desk)
    config = SandboxConfig(
        mode=Personality.REAL,
        start=datetime(2026, 11, 24, 8, 30, tzinfo=KST),
        seed=8,
        cash=1_000_000_000,
    )
    with SandboxServer(config) as real:
        for line in _boxes("sh"):
            done.ended[line] = _type(desk, line, real)
    return done


def _type(desk: Desk, line: str, real: SandboxServer) -> tuple[int, str]:
    """Type one line as it stands, with what it names in braces put in."""
    command = line.split("#")[0].replace("python ", f"{shlex.quote(sys.executable)} ", 1)
    if "{주문}" in command:
        row = desk.rows("SELECT order_id FROM order_state WHERE mode = 'PAPER' LIMIT 1")[0]
        command = command.replace("{주문}", row["order_id"])
    if "{기록}" in command:
        records = sorted((desk.directory / "data" / "recordings").glob("*.gz"))
        command = command.replace("{기록}", str(records[0]))
    variables = _of_real(desk, real) if line.startswith("TRADING_MODE=REAL") else {}
    process = subprocess.Popen(
        ["/bin/sh", "-c", f"exec {command}" if _runs_on(line) else command],
        cwd=desk.directory,
        env=desk.environment(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    started = ""
    if _runs_on(line):
        started = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
    try:
        out, _ = process.communicate(timeout=_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, _ = process.communicate()
        pytest.fail(f"{line}\ndid not end:\n{out}")
    return process.returncode, started + out


def _runs_on(line: str) -> bool:
    return "# 계속 돕니다" in line


def _of_real(desk: Desk, real: SandboxServer) -> dict[str, str]:
    keys = CREDENTIALS[Personality.REAL]
    return {
        "KIS_BASE_URL": real.base_url,
        "REAL_KIS_APP_KEY": keys.app_key,
        "REAL_KIS_APP_SECRET": keys.app_secret,
        "REAL_KIS_ACCOUNT_NO": keys.account_no,
        "DATABASE_URL": f"sqlite:///{desk.directory / 'data' / 'real.db'}",
    }


@pytest.mark.parametrize("line", list(dict.fromkeys(_boxes("sh"))))
def test_a_command_of_the_manual_does_what_it_says(line: str, typed: Typed) -> None:
    code, out = typed.ended[line]
    expected = _EXPECTED.search(line)

    assert "Traceback" not in out
    assert code == (int(expected[1]) if expected else 0), out[-3_000:]


@pytest.mark.parametrize("query", _boxes("sql"))
def test_a_query_of_the_manual_is_answered(query: str, typed: Typed) -> None:
    typed.desk.rows(query)


@pytest.mark.req("M-16", "N-02")
def test_every_exit_code_notification_and_telegram_command_is_explained() -> None:
    for code in ExitCode:
        assert re.search(rf"^\| {code.value} \|", _MANUAL, re.MULTILINE), code
    kinds = set(MessageSettings.model_fields) - {"commands", "stale_command_s", "confirm_within_s"}
    explained = set(re.findall(r"^\| `([a-z_]+)` \|", _MANUAL, re.MULTILINE))
    assert explained == kinds
    for name in DESCRIPTIONS:
        assert f"/{name}" in _MANUAL


def test_every_document_that_the_manual_points_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", _MANUAL):
        assert (_ROOT / "docs" / target).resolve().exists(), target
