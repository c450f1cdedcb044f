"""`python -m apps.dashboard`: the operator's page, on this machine only (V-06)."""

import socket
from collections.abc import Sequence
from datetime import datetime
from os import environ
from pathlib import Path

from apps.account import account_of
from apps.command_line import CommandLine
from apps.dashboard.facts import Facts
from apps.dashboard.server import application, serve
from apps.exit_code import ExitCode
from apps.terminal import accept_any_terminal, say
from kis_adapters.console.redactor import Redactor
from kis_adapters.files.kill_switch import TextKillSwitchFile
from kis_adapters.settings.error import SettingsError
from kis_adapters.settings.load import load_settings
from kis_adapters.settings.location import config_directory
from kis_adapters.settings.settings import Settings
from kis_adapters.sql.glance import Glance, open_to_read
from kis_core.market.session import KST
from kis_core.orders.identity import Namespace, TradingMode, masked_account
from kis_core.ports.store import StoreMisfit

_PORT = 8_765
_BANNERS = {TradingMode.PAPER: "모의투자", TradingMode.REAL: "실거래"}


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the page; returns the exit code."""
    accept_any_terminal()
    parser = CommandLine(
        prog="python -m apps.dashboard",
        description="매매 상태를 보여 주는 페이지. 읽기만 하며 이 컴퓨터에서만 열립니다.",
    )
    parser.add_argument("--port", type=int, default=_PORT, help="포트 (기본 8765, 0이면 빈 포트)")
    parser.add_argument("--config", type=Path, help="kr_trade.yaml 의 위치")
    parser.add_argument("--universe", type=Path, help="universe.yaml 의 위치")
    given = parser.parse_args(argv)
    try:
        config_dir = config_directory(Path.cwd())
        settings = load_settings(
            argv_overrides={},
            environ=environ,
            dotenv=Path(".env"),
            config=given.config or config_dir / "kr_trade.yaml",
            universe=given.universe or config_dir / "universe.yaml",
        )
        facts = _facts(settings)
        bound = _bound(given.port)
    except (SettingsError, FileNotFoundError, StoreMisfit, OverflowError) as error:
        return say(str(error), ExitCode.REFUSED)
    except OSError as error:
        return say(
            f"포트 {given.port}를 열 수 없습니다. --port 로 바꾸세요. ({error})", ExitCode.REFUSED
        )
    with bound:
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
        serve(
            application(facts.document),
            bound,
            announce=lambda: print(f"{url} 에서 볼 수 있습니다.", flush=True),
        )
    return ExitCode.OK


def _facts(settings: Settings) -> Facts:
    account = account_of(settings)
    file = TextKillSwitchFile(settings.paths.data_dir / "KILL_SWITCH")
    database = open_to_read(settings.database.url.get_secret_value())
    is_simulated = settings.uses_simulator
    return Facts(
        glance=Glance(database, Namespace(mode=settings.mode, account=account)),
        banner="내장 시뮬레이터(가상)" if is_simulated else _BANNERS[settings.mode],
        account=masked_account(account),
        log_dir=settings.paths.log_dir,
        heartbeat=settings.paths.data_dir / "instance.lock",
        outside_switch=lambda: settings.risk.kill_switch or file.reason(),
        redact=Redactor(settings.secret_values()).redact,
        now=lambda: datetime.now(KST),
    )


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    bound.listen(32)
    return bound


if __name__ == "__main__":
    raise SystemExit(main())
