"""Real parts for tests: a private MariaDB per test process with an empty database per test, and
the Chromium of the system."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from uuid import uuid4

import hypothesis
import pytest
from sqlalchemy import URL, NullPool, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from tests.certificate import write_certificate

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# No test is timed: the machine is shared and noisy. Derandomised in CI by hypothesis itself.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

_USER, _PASSWORD = "kis_test", "not-a-secret"
_START_S, _STOP_S = 30.0, 20.0
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_BROWSER_IS_QUIET = (
    "--no-sandbox",  # root has none, and only our own pages are shown
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_SEARCHED = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/opt/homebrew/bin")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Time for the first test of a bare machine to install the browser."""
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(600))


class OutsideNetwork:
    """Watches every connection of the test process; one that leaves the machine is refused.

    An audit hook sees each `connect` and each name looked up before the system does, whatever
    library asks for it, and cannot be removed. Unix sockets and loopback are the machine itself.
    """

    def __init__(self) -> None:
        self.attempts: list[str] = []
        sys.addaudithook(self._see)

    def _see(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in ("socket.connect", "socket.sendto"):
            address = arguments[1]
            host = address[0] if isinstance(address, tuple) else None
        elif event == "socket.getaddrinfo":
            host = arguments[0]
        else:
            return
        if host is not None and not _is_this_machine(host):
            self.attempts.append(f"{event} {host!r}")
            raise OSError(f"a test asked for {host!r}, outside this machine")


_outside_network = OutsideNetwork()


@pytest.fixture(autouse=True)
def outside_network() -> Iterator[OutsideNetwork]:
    """Fails a test that reached for the network, also where the code swallowed the refusal."""
    _outside_network.attempts.clear()
    yield _outside_network
    assert _outside_network.attempts == []


class MariaDbServer:
    """A server of our own: own directory, own socket, free loopback port, ended by its pid.

    `kill` is SIGKILL, as a power cut would be; `restart` starts it again on the same port with
    the same data.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        self._install()

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def url(self, database: str = "") -> URL:
        return URL.create(
            "mysql+pymysql", _USER, _PASSWORD, "127.0.0.1", self.port, database or None
        )

    def start(self) -> None:
        command = [
            _program("mariadbd"),
            "--no-defaults",
            f"--datadir={self._directory / 'data'}",
            f"--socket={self._directory / 's'}",
            f"--pid-file={self._directory / 'pid'}",
            f"--init-file={self._directory / 'init.sql'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--innodb-buffer-pool-size=32M",
            "--performance-schema=OFF",
            f"--ssl-cert={self.certificate}",
            f"--ssl-key={self._directory / 'key.pem'}",
            *_as_root(),
        ]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._wait_until_it_answers()

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(_STOP_S)

    def restart(self) -> None:
        if self.is_alive:
            self.kill()
        self.start()

    def stop(self) -> None:
        if self.is_alive and self._process is not None:
            self._process.terminate()
            self._process.wait(_STOP_S)

    @property
    def certificate(self) -> Path:
        """Of its own, in PEM: newer servers offer encryption by themselves, and so does this."""
        return self._directory / "certificate.pem"

    def _install(self) -> None:
        write_certificate(self.certificate, self._directory / "key.pem")
        account = f"'{_USER}'@'127.0.0.1'"
        (self._directory / "init.sql").write_text(
            f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY '{_PASSWORD}';\n"
            f"GRANT ALL ON *.* TO {account};\n"
        )
        subprocess.run(
            [
                _program("mariadb-install-db"),
                "--no-defaults",
                f"--datadir={self._directory / 'data'}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--innodb-log-file-size=16M",
                *_as_root(),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                _execute(self.url(), "SELECT 1")
            except DBAPIError:
                if not self.is_alive or time.monotonic() > deadline:
                    log = (self._directory / "log").read_text(errors="replace")
                    pytest.fail(f"mariadbd did not start:\n{log[-2000:]}")
                time.sleep(0.05)
            else:
                return


@pytest.fixture(scope="session")
def _own_server() -> Iterator[MariaDbServer]:
    reason = _why_no_server()
    if reason:
        _do_without(reason)
    # Not below pytest's own directory: a socket's path must stay under 108 characters.
    with tempfile.TemporaryDirectory(prefix="kis-mariadb-") as directory:
        server = MariaDbServer(Path(directory))
        server.start()
        yield server
        server.stop()


@pytest.fixture
def mariadb_server(_own_server: MariaDbServer) -> Iterator[MariaDbServer]:
    """The private server, for tests that kill it; alive again for the next test."""
    yield _own_server
    if not _own_server.is_alive:
        _own_server.restart()


@pytest.fixture
def mariadb_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database, dropped after the test.

    On the server of KIS_TEST_MYSQL_URL (whose user may create databases), else on a private one.
    """
    given = os.environ.get("KIS_TEST_MYSQL_URL")
    server = make_url(given) if given else request.getfixturevalue("mariadb_server").url()
    name = f"kis_test_{uuid4().hex[:12]}"
    _execute(server, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    yield server.set(database=name).render_as_string(hide_password=False)
    if not given and not request.getfixturevalue("mariadb_server").is_alive:
        request.getfixturevalue("mariadb_server").restart()
    _execute(server, f"DROP DATABASE {name}")


@pytest.fixture(params=["sqlite", "mariadb"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once on SQLite and once on MariaDB."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'kis.db'}"
    url: str = request.getfixturevalue("mariadb_url")
    return url


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """The system's Chromium, headless, driven by playwright; a context per test is the test's own.

    Not for the whole session: while playwright runs, its event loop counts as the running one,
    and other modules have loops of their own.
    """
    from playwright.sync_api import sync_playwright  # most tests need no browser

    reason = _why_no_chromium()
    if reason:
        _do_without(reason)
    program = next(path for name in _CHROMIUM if (path := _found(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=list(_BROWSER_IS_QUIET), timeout=90_000
        )
        yield browser
        browser.close()


def _is_this_machine(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host)
    given = os.environ.get("KIS_TEST_MYSQL_URL")  # a database that was asked for by name
    if name in ("", "localhost") or (given and name == make_url(given).host):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _why_no_server() -> str:
    """Empty when `mariadbd` is there, or could be installed."""
    return _why_not_installed(
        "mariadb-server",
        lambda: bool(_found("mariadbd") and _found("mariadb-install-db")),
        otherwise="MariaDB tests need mariadbd, or KIS_TEST_MYSQL_URL, or root on Debian",
    )


def _why_no_chromium() -> str:
    """Empty when a Chromium is there, or could be installed."""
    return _why_not_installed(
        "chromium",
        lambda: any(_found(name) for name in _CHROMIUM),
        otherwise="browser tests need chromium, or root on Debian",
    )


def _why_not_installed(package: str, is_there: Callable[[], bool], *, otherwise: str) -> str:
    with Path(tempfile.gettempdir(), f"kis-install-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one installation, however many test processes
        if is_there():
            return ""
        if os.getuid() != 0 or not shutil.which("apt-get"):
            return otherwise
        # At run level 1 a package does not start a service.
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        for arguments in (["update"], ["install", "-y", package]):
            done = subprocess.run(
                ["apt-get", "-qq", *arguments], env=environment, capture_output=True, timeout=600
            )
            if done.returncode:
                return f"apt-get {arguments[0]} failed: {done.stderr.decode()[-300:]}"
        return "" if is_there() else f"{package} brought no program"


def _do_without(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _found(program: str) -> str | None:
    return shutil.which(program, path=os.pathsep.join([os.environ["PATH"], *_SEARCHED]))


def _program(name: str) -> str:
    path = _found(name)
    assert path is not None
    return path


def _as_root() -> list[str]:
    return ["--user=root"] if os.getuid() == 0 else []


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _execute(url: URL, statement: str) -> None:
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
