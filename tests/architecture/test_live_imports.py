"""A live kr_trade carries nothing of what only research or the simulator's server needs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("numpy", "pandas", "polars", "uvicorn", "kis_sandbox.server", "telegram")
STREAM = ("kis_adapters.kis_ws", "websockets", "cryptography")  # of no use where REST is asked
WEB = "starlette"  # uvicorn's companion; another library than the simulator looks for it too
_BUILD = """
import json, sys
from os import environ
from pathlib import Path
import apps.kr_trade.__main__ as kr_trade
from kis_adapters.console.log_file import close_log, open_log
from kis_adapters.console.redactor import Redactor

config = Path(sys.argv[1])
settings = kr_trade.load_settings(
    argv_overrides={},
    environ=environ,
    dotenv=Path(".env"),
    config=config / "kr_trade.yaml",
    universe=config / "universe.yaml",
)
log = open_log(
    settings.paths.log_dir,
    name="kr_trade",
    level="INFO",
    redactor=Redactor(settings.secret_values()),
)
told = kr_trade.open_listeners(settings, config, mode=settings.mode)
container = kr_trade.TradeContainer(settings=settings, config_dir=config, notifier=told.fan_out)
container.init_resources()
built = type(container.engine()).__name__
modules = sorted(sys.modules)
container.shutdown_resources()
told.close()
close_log(log)
print(json.dumps({"built": built, "modules": modules}))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """Every module of a process that has built all of kr_trade and not begun to trade."""
    directory = tmp_path_factory.mktemp("live")
    environment = {
        "PYTHONPATH": f"{ROOT / 'packages'}:{ROOT}",
        "PATH": "/usr/bin:/bin",
        "HOME": str(directory),
        "TRADING_MODE": "REAL",
        "REAL_KIS_APP_KEY": "NOT-A-KEY",
        "REAL_KIS_APP_SECRET": "NOT-A-SECRET",
        "REAL_KIS_ACCOUNT_NO": "00000000",
        "KIS_BASE_URL": "http://127.0.0.1:9",  # the discard port: nobody answers
    }
    run = subprocess.run(
        [sys.executable, "-c", _BUILD, str(ROOT / "config")],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    answer = json.loads(run.stdout.splitlines()[-1])
    assert answer["built"] == "Engine"
    return frozenset(answer["modules"])


def test_all_of_kr_trade_was_built(loaded: frozenset[str]) -> None:
    """Or the absence of the rest would prove nothing."""
    needed = {"httpx", "sqlite3", "holidays", "kis_core.session.engine", "kis_adapters.sql.store"}

    assert needed <= loaded


@pytest.mark.req("F-107")
@pytest.mark.parametrize("name", HEAVY + STREAM)
def test_a_live_process_does_not_load(name: str, loaded: frozenset[str]) -> None:
    found = [module for module in loaded if module == name or module.startswith(f"{name}.")]

    assert found == []


@pytest.mark.req("F-107")
def test_a_live_process_does_not_load_a_web_framework(loaded: frozenset[str]) -> None:
    found = [module for module in loaded if module.split(".")[0] == WEB]

    assert found == []
