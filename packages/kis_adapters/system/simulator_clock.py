"""The simulator's virtual time, asked for over HTTP (`/sandbox/clock`).

`stepped`: time moves only when somebody asks for it, so a sleep is a request to advance, and the
pace is ours. `real` and `accelerated`: time runs at `speed` there, and is computed here between
looks once a minute.
"""

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx

from kis_adapters.system.wake import WakeableSleep
from kis_core.ports.clock import Clock

_PATH = "/sandbox/clock"
_ADVANCE = "/sandbox/clock/advance"
_MARK = "X-KIS-Sandbox"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_TRIES = 3
_AGAIN_S = 0.25
_TIMEOUT_S = 30.0  # advancing computes the market for all the time that is passed over
_RESYNC_S = 60.0
_SESSION_S = 23_400.0  # 09:00-15:30
_LONGEST_PACED = timedelta(minutes=30)  # a longer sleep is a night or the like: pass over it
_PACED_STEP = timedelta(seconds=60)
_FREE_STEP = timedelta(hours=1)


class SimulatorUnreachable(Exception):
    """The simulator does not answer: there is no time any more, and no market."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the simulator's clock said, and when on our own monotonic one."""

    mode: str
    now: datetime
    speed: float
    taken_at: float


class SimulatorClock(Clock):
    """Follows the simulator's clock; never runs backwards.

    `day_seconds` is how long 6.5 virtual hours shall take in stepped mode (0: as fast as it
    goes); `patience_s` how long a simulator that is gone is waited for, unless `wake` is called:
    it may be starting again, and until then there is no time. `paced_step` is how far a paced
    sleep moves at a time: what the market streams meanwhile comes at the end of each step. Every
    method but `wake` and `observe` raises SimulatorUnreachable.
    """

    def __init__(
        self,
        http: httpx.Client,
        *,
        day_seconds: float = 0.0,
        patience_s: float = 0.0,
        paced_step: timedelta = _PACED_STEP,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._patience_s = patience_s
        self._pace = day_seconds / _SESSION_S
        self._paced_step = paced_step
        self._monotonic = monotonic
        self._sleep = WakeableSleep()
        self._lock = threading.Lock()
        self._observed: datetime | None = None
        self._paced_from: tuple[datetime, float] | None = None
        self._reading = self._read()

    @property
    def is_stepped(self) -> bool:
        """Whether time moves only when it is told to."""
        return self._reading.mode == "stepped"

    def now(self) -> datetime:
        if self.is_stepped:
            with self._lock:
                observed = self._observed
            return observed if observed is not None else self._refresh()
        if self._monotonic() - self._reading.taken_at > _RESYNC_S:
            return self._refresh()
        return self._computed()

    def observe(self, instant: datetime) -> None:
        """Take `instant` from an answer's header: then `now` need not ask. Any thread may."""
        with self._lock:
            if self._observed is None or instant > self._observed:
                self._observed = instant

    def sleep_until(self, instant: datetime) -> None:
        if self.is_stepped:
            self._step_to(instant)
        else:
            self._wait_for(instant)

    def wake(self) -> None:
        self._sleep.wake()

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def _step_to(self, instant: datetime) -> None:
        now = self.now()
        is_paced = self._pace > 0 and instant - now <= _LONGEST_PACED
        if not is_paced:
            self._paced_from = None
        step = self._paced_step if is_paced else _FREE_STEP
        while now < instant:
            target = min(instant, now + step)
            if self._sleep.sleep(self._pause_before(now, target) if is_paced else 0.0):
                return
            now = self._advance(target)

    def _pause_before(self, now: datetime, target: datetime) -> float:
        """Real seconds until `target` is due at the pace; what the work itself took counts."""
        if self._paced_from is None:
            self._paced_from = (now, self._monotonic())
        virtual, real = self._paced_from
        due = real + (target - virtual).total_seconds() * self._pace
        return max(0.0, due - self._monotonic())

    def _wait_for(self, instant: datetime) -> None:
        while (remaining := (instant - self.now()).total_seconds()) > 0:
            if self._sleep.sleep(min(remaining / self._reading.speed, _RESYNC_S)):
                return

    def _advance(self, target: datetime) -> datetime:
        answer = self._ask("POST", _ADVANCE, {"to": target.isoformat()})
        if answer.status_code == HTTPStatus.CONFLICT:  # somebody else is already further
            return self._refresh()
        return self._seen(_instant(_document(answer)))

    def _refresh(self) -> datetime:
        self._reading = self._read()
        return self._seen(self._reading.now) if self.is_stepped else self._computed()

    def _seen(self, now: datetime) -> datetime:
        """Keep what was told while answers' headers are observed; the later of the two."""
        with self._lock:
            if self._observed is None:
                return now
            self._observed = max(self._observed, now)
            return self._observed

    def _computed(self) -> datetime:
        reading = self._reading
        passed = (self._monotonic() - reading.taken_at) * reading.speed
        now = reading.now + timedelta(seconds=passed)
        with self._lock:
            # A look can show that we ran ahead: then stand still until it has caught up.
            self._observed = max(now, self._observed or now)
            return self._observed

    def _read(self) -> _Reading:
        document = _document(self._ask("GET", _PATH))
        speed = document.get("speed")
        return _Reading(
            mode=str(document.get("mode")),
            now=_instant(document),
            speed=float(speed) if isinstance(speed, int | float) and speed > 0 else 1.0,
            taken_at=self._monotonic(),
        )

    def _ask(self, method: str, path: str, body: dict[str, str] | None = None) -> httpx.Response:
        """Both requests may be repeated: `advance` names the instant, not a distance."""
        deadline = self._monotonic() + self._patience_s
        for attempt in itertools.count(1):
            try:
                answer = self._http.request(method, path, json=body)
            except httpx.TransportError as error:
                if attempt >= _TRIES and not self._may_come_back(deadline):
                    raise SimulatorUnreachable(f"{method} {path}") from error
                continue
            if answer.is_success or answer.status_code == HTTPStatus.CONFLICT:
                return answer
            raise SimulatorUnreachable(f"{method} {path}: HTTP {answer.status_code}")
        raise AssertionError("the attempts are counted without end")

    def _may_come_back(self, deadline: float) -> bool:
        """Wait a little; whether to ask again."""
        if self._monotonic() >= deadline:
            return False
        return not self._sleep.sleep(_AGAIN_S)


def simulator_clock_at(
    base_url: str,
    *,
    day_seconds: float = 0.0,
    patience_s: float = 0.0,
    paced_step: timedelta = _PACED_STEP,
) -> SimulatorClock | None:
    """The clock of the simulator that serves at `base_url`; None when no simulator does.

    Only this machine is asked: no other can be one (X-06). Not to be closed by anyone else.
    """
    if (urlsplit(base_url).hostname or "") not in _LOOPBACK:
        return None
    http = httpx.Client(base_url=base_url, timeout=_TIMEOUT_S, trust_env=False)
    try:
        if http.get(_PATH).headers.get(_MARK) == "1":
            return SimulatorClock(
                http, day_seconds=day_seconds, patience_s=patience_s, paced_step=paced_step
            )
    except (httpx.TransportError, SimulatorUnreachable):
        pass  # nobody there, or somebody else: no simulator either way
    http.close()
    return None


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError as error:
        raise SimulatorUnreachable(f"{answer.request.url.path}: no JSON") from error
    if not isinstance(document, dict):
        raise SimulatorUnreachable(f"{answer.request.url.path}: no object")
    return document


def _instant(document: dict[str, Any]) -> datetime:
    try:
        instant = datetime.fromisoformat(str(document["now"]))
    except (KeyError, ValueError) as error:
        raise SimulatorUnreachable("the simulator's clock shows no instant") from error
    if instant.tzinfo is None:
        raise SimulatorUnreachable("the simulator's clock shows no time zone")
    return instant
