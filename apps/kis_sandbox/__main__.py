"""`python -m apps.kis_sandbox`: serve the KIS simulator on the loopback.

Prints one JSON line (the /sandbox/info document) on stdout when it serves; everything else goes
to stderr. Exit codes: 0 ended, 1 could not listen, 2 bad arguments or a state that is not its own.
"""

import argparse
import json
import os
import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from apps.command_line import CommandLine
from apps.terminal import accept_any_terminal
from kis_core.market.session import KST
from kis_sandbox.clock import SPEED_MAX, ClockMode
from kis_sandbox.config import DEFAULT_SEED, Personality, Preload, SandboxConfig
from kis_sandbox.journal import StateRefused
from kis_sandbox.listing import SYMBOLS_MAX
from kis_sandbox.server import ForegroundServer

_LOOPBACK = "127.0.0.1"
_BANNER = """\
============================================================
  KIS 모의서버 (SANDBOX, {mode}) - 한국투자증권의 서버가 아닙니다
  가상의 시세와 가상의 계좌이며 실제 주문은 나가지 않습니다
  {url}
============================================================"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, serve, and return the exit code."""
    accept_any_terminal()
    options = _parser().parse_args(arguments)
    try:
        server = ForegroundServer(_config(options), on_started=_announce)
    except (StateRefused, ValueError) as error:
        print(f"모의서버를 시작할 수 없습니다: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"모의서버를 열 수 없습니다: {error}", file=sys.stderr)
        return 1
    if options.parent_pipe:
        threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
    server.serve()
    return 0


def _parser() -> CommandLine:
    parser = CommandLine(prog="apps.kis_sandbox", description="KIS 오픈 API 모의서버")
    parser.add_argument("--mode", choices=[p.value for p in Personality], default="paper")
    parser.add_argument("--port", type=_whole(0, 65_535), default=0)
    parser.add_argument("--clock", choices=[m.value for m in ClockMode], default="real")
    parser.add_argument("--speed", type=_speed, default=60.0)
    parser.add_argument("--start", type=_instant, default=None, metavar="ISO")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--symbols", type=_whole(1, SYMBOLS_MAX), default=None)
    parser.add_argument("--cash", type=_whole(0, 10**15), default=10_000_000)
    parser.add_argument("--holding", type=_holding, action="append", default=[])
    parser.add_argument("--state", type=Path, default=None, metavar="DIR")
    parser.add_argument("--bars", type=_file, default=None, metavar="FILE.parquet")
    parser.add_argument("--commission-ppm", type=_whole(0, 10_000), default=150)
    parser.add_argument("--latency-ms", type=_whole(0, 60_000), default=20)
    parser.add_argument("--rate", type=_whole(1, 100_000), default=None)
    parser.add_argument("--drop-sold-rows", action="store_true")
    parser.add_argument("--allow-remote", action="store_true")
    parser.add_argument("--parent-pipe", action="store_true")
    return parser


def _config(options: argparse.Namespace) -> SandboxConfig:
    return SandboxConfig(
        mode=Personality(options.mode),
        host="0.0.0.0" if options.allow_remote else _LOOPBACK,
        port=options.port,
        clock=ClockMode(options.clock),
        speed=options.speed,
        start=options.start,
        seed=options.seed,
        symbols=options.symbols,
        cash=options.cash,
        holdings=tuple(options.holding),
        commission_ppm=options.commission_ppm,
        latency_ms=options.latency_ms,
        rate_per_second=options.rate,
        keeps_sold_rows=not options.drop_sold_rows,
        state_dir=options.state,
        bars=options.bars,
    )


def _announce(info: dict[str, object]) -> None:
    print(_BANNER.format(mode=info["mode"], url=info["base_url"]), file=sys.stderr, flush=True)
    print(json.dumps(info, ensure_ascii=False), flush=True)


def _end_with_parent(server: ForegroundServer) -> None:
    """The parent holds the other end of stdin; when it is gone, so is the reason to serve."""
    while os.read(sys.stdin.fileno(), 4_096):
        pass
    server.stop()


class _whole:
    """Reads a whole number within a range."""

    def __init__(self, low: int, high: int) -> None:
        self._low, self._high = low, high

    def __call__(self, text: str) -> int:
        number = int(text) if text.removeprefix("-").isdigit() else self._low - 1
        if not self._low <= number <= self._high:
            raise argparse.ArgumentTypeError(
                f"{self._low}에서 {self._high} 사이의 정수여야 합니다: {text}"
            )
        return number


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= SPEED_MAX:
        raise argparse.ArgumentTypeError(f"0보다 크고 {SPEED_MAX:.0f} 이하여야 합니다: {text}")
    return speed


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"ISO 8601 시각이어야 합니다: {text}") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=KST)


def _holding(text: str) -> Preload:
    parts = text.split(":")
    if len(parts) != 3 or not (parts[1].isdigit() and parts[2].isdigit()):
        raise argparse.ArgumentTypeError(f"종목:수량:단가 꼴이어야 합니다: {text}")
    return Preload(symbol=parts[0], quantity=int(parts[1]), price=int(parts[2]))


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"파일이 없습니다: {text}")
    return path


if __name__ == "__main__":
    sys.exit(main())
