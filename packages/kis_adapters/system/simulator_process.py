"""The bundled simulator as a process of our own: started with the app, gone with the app.

It is told to end when its standard input closes, so it never outlives us, however we die; its
state directory keeps the account, the orders and the virtual time for the next start. The port
is that of the last start where it is free: tokens are kept by host and port.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 5.0
_LAST_LINES = 20
_PORT = "port.txt"


class SimulatorFailed(Exception):
    """The simulator did not start; the text is Korean, for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """How the simulator is started. `start` (aware) only counts for a new `state_dir`."""

    state_dir: Path
    start: datetime
    seed: int | None
    cash: int
    mode: str = "paper"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorInfo:
    """Where the simulator serves and the keys of its account; they open nothing else."""

    base_url: str
    app_key: str
    app_secret: str
    account_no: str
    product_code: str
    hts_id: str


class SimulatorProcess:
    """A running simulator. Raises SimulatorFailed when it cannot be started."""

    def __init__(self, options: SimulatorOptions) -> None:
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._process = subprocess.Popen(
            _command(options),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},  # whatever our own terminal speaks
            start_new_session=True,  # a Ctrl-C meant for the app must not end the market first
        )
        threading.Thread(target=self._drain, daemon=True).start()
        try:
            self.info = self._wait_until_ready()
            (options.state_dir / _PORT).write_text(str(urlsplit(self.info.base_url).port))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "SimulatorProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it and wait for its end; safe to call twice."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _wait_until_ready(self) -> SimulatorInfo:
        killer = threading.Timer(_START_TIMEOUT_S, self._process.kill)
        killer.start()
        try:
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
        finally:
            killer.cancel()
        try:
            document = json.loads(line)
            return SimulatorInfo(
                base_url=document["base_url"],
                app_key=document["app_key"],
                app_secret=document["app_secret"],
                account_no=document["account_no"],
                product_code=document["product_code"],
                hts_id=document["hts_id"],
            )
        except (ValueError, LookupError, TypeError) as error:
            self._process.wait(_STOP_TIMEOUT_S)
            last = self._last_lines[-1] if self._last_lines else "출력 없음"
            raise SimulatorFailed(f"시뮬레이터를 시작하지 못했습니다: {last}") from error

    def _drain(self) -> None:
        """Read what it logs, so that a full pipe never stops it; keep the last lines."""
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self._last_lines.append(line.rstrip())


def _command(options: SimulatorOptions) -> list[str]:
    command = [
        sys.executable,
        "-m",
        "apps.kis_sandbox",
        "--mode",
        options.mode,
        "--clock",
        "stepped",
        "--port",
        str(_port_of_last_start(options.state_dir)),
        "--parent-pipe",
        "--state",
        str(options.state_dir),
        "--start",
        options.start.isoformat(),
        "--cash",
        str(options.cash),
    ]
    if options.seed is not None:
        command += ["--seed", str(options.seed)]
    return command


def _port_of_last_start(state_dir: Path) -> int:
    """0 (any) where there was none, or somebody else has it now."""
    try:
        port = int((state_dir / _PORT).read_text())
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    except (OSError, ValueError, OverflowError):
        return 0
    return port
