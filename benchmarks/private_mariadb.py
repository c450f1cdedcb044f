"""A MariaDB server of the benchmark's own: its data in a given directory, gone with the block."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

_SEARCHED = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
_START_S = 30.0
_STOP_S = 20.0
_USER, _PASSWORD, _DATABASE = "bench", "not-a-secret", "bench"


def is_installed() -> bool:
    """Whether this machine has the server."""
    return all(shutil.which(name, path=_SEARCHED) for name in ("mariadbd", "mariadb-install-db"))


@contextmanager
def mariadb_in(directory: Path) -> Iterator[str]:
    """The URL of an empty database whose data lie in `directory`.

    The server writes and syncs its log at each commit, which is its default. Raises TimeoutError
    when it does not start.
    """
    as_root = ["--user=root"] if os.getuid() == 0 else []
    data = f"--datadir={directory / 'data'}"
    subprocess.run(
        [_program("mariadb-install-db"), "--no-defaults", data, "--skip-test-db", *as_root],
        check=True,
        capture_output=True,
    )
    first = directory / "init.sql"
    first.write_text(
        f"CREATE DATABASE {_DATABASE} CHARACTER SET utf8mb4;\n"
        f"CREATE USER '{_USER}'@'127.0.0.1' IDENTIFIED BY '{_PASSWORD}';\n"
        f"GRANT ALL ON {_DATABASE}.* TO '{_USER}'@'127.0.0.1';\n",
        encoding="utf-8",
    )
    port = _free_port()
    options = ["--bind-address=127.0.0.1", f"--port={port}", f"--socket={directory / 's'}"]
    options += [f"--pid-file={directory / 'pid'}", f"--init-file={first}", "--skip-name-resolve"]
    options += ["--innodb-flush-log-at-trx-commit=1", *as_root]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [_program("mariadbd"), "--no-defaults", data, *options], stdout=log, stderr=log
        )
    url = f"mysql+pymysql://{_USER}:{_PASSWORD}@127.0.0.1:{port}/{_DATABASE}"
    try:
        _wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait(_STOP_S)


def _wait_for(url: str) -> None:
    engine = create_engine(url)
    deadline = time.monotonic() + _START_S
    while True:
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except OperationalError as error:
            if time.monotonic() > deadline:
                raise TimeoutError("the private MariaDB did not start") from error
            time.sleep(0.1)
        else:
            engine.dispose()
            return


def _program(name: str) -> str:
    path = shutil.which(name, path=_SEARCHED)
    if path is None:
        raise FileNotFoundError(name)
    return path


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
