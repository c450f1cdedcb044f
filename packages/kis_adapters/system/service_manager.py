"""Telling systemd how the process is: ready, alive, about to end.

The protocol is one datagram to the socket that NOTIFY_SOCKET names (sd_notify(3), systemd 252):
`READY=1`, `WATCHDOG=1`, `STOPPING=1`. Started by hand there is no such variable and nothing is
sent. An error here is never the session's: a manager that hears nothing acts by itself.
"""

import os
import socket
from collections.abc import Mapping

_MICROSECONDS = 1_000_000


class ServiceManager:
    """Whoever started this process and watches it. `environ` is the process's own."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._watchdog_s = _watchdog_s(environ)

    @property
    def pulse_s(self) -> float | None:
        """At the latest after so many seconds it wants to hear that the process lives: half of
        what it would wait; None when it does not watch."""
        return self._watchdog_s / 2 if self._watchdog_s is not None and self._address else None

    def ready(self) -> None:
        """The session has begun."""
        self._send("READY=1")

    def alive(self) -> None:
        """The main loop came round once more."""
        if self.pulse_s is not None:
            self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """The session ends."""
        self._send("STOPPING=1")

    def _send(self, state: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.settimeout(0)  # a full queue is the manager's trouble, not the session's
                line.sendto(state.encode(), self._address)
        except OSError:
            return


def _address(text: str) -> str:
    """The socket's path; an abstract one begins with a null byte, written `@`."""
    if text.startswith("@"):
        return "\0" + text[1:]
    return text if text.startswith("/") else ""


def _watchdog_s(environ: Mapping[str, str]) -> float | None:
    text, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if pid and pid != str(os.getpid()):
        return None  # meant for another process of the unit
    return int(text) / _MICROSECONDS if text.isdecimal() and int(text) > 0 else None
