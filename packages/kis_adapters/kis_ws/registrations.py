"""What is wanted on the stream, what the broker has confirmed, and the next message between.

41 registrations a session, the notices' included (W-07). A registration whose answer is
outstanding is left alone, and messages keep their distance: subscribing and unsubscribing
without waiting for answers gets an app key blocked. Pure: the time is an argument, in seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum, unique

from kis_adapters.kis_ws.control import Registration

PLACES = 41
SPACING_S = 0.12  # the broker asks for 0.1 to 0.15 s
ANSWER_WITHIN_S = 10.0
AGAIN_AFTER_S = 30.0


@unique
class _Stage(StrEnum):
    SUBSCRIBING = "subscribing"
    ACTIVE = "active"
    UNSUBSCRIBING = "unsubscribing"


@dataclass(frozen=True, slots=True)
class Step:
    """The message to send next."""

    registration: Registration
    subscribes: bool


@dataclass(slots=True)
class Registrations:
    """The registrations of one connection after the other. `places`: how many there are.

    Asked for every frame that comes, and seldom changed: what follows from a change is kept until
    the next one.
    """

    places: int = PLACES
    _wanted: tuple[Registration, ...] = ()
    _stages: dict[Registration, _Stage] = field(default_factory=dict)
    _asked_at: dict[Registration, float] = field(default_factory=dict)
    _not_before: dict[Registration, float] = field(default_factory=dict)
    _given_up: set[Registration] = field(default_factory=set)
    _spare: int = PLACES
    _sent_at: float | None = None
    _active: frozenset[Registration] | None = None
    _is_quiet: bool = False

    def __post_init__(self) -> None:
        self._spare = self.places

    @property
    def active(self) -> frozenset[Registration]:
        """What the broker has confirmed; the same object until it changes."""
        if self._active is None:
            stages = self._stages.items()
            self._active = frozenset(r for r, stage in stages if stage is _Stage.ACTIVE)
        return self._active

    @property
    def is_settled(self) -> bool:
        """Whether everything that is to be had is confirmed."""
        return self._chosen() <= self.active

    def want(self, wanted: Sequence[Registration]) -> None:
        """What is wanted from now on, the most important first."""
        self._wanted = tuple(dict.fromkeys(wanted))
        self._changed()

    def connected(self) -> None:
        """A new connection: nothing is registered, and all places are free."""
        self._stages.clear()
        self._asked_at.clear()
        self._not_before.clear()
        self._spare = self.places
        self._sent_at = None
        self._changed()

    def next(self, now: float) -> Step | None:
        """The message that is due at `now`, or None; it counts as sent."""
        if self._is_quiet:
            return None
        self._give_up_waiting(now)
        if self._sent_at is not None and now - self._sent_at < SPACING_S:
            return None
        step = self._next_step(now)
        self._is_quiet = step is None and not self._waits_for(now)
        if step is not None:
            self._sent_at = self._asked_at[step.registration] = now
            stage = _Stage.SUBSCRIBING if step.subscribes else _Stage.UNSUBSCRIBING
            self._stages[step.registration] = stage
            self._active = None
        return step

    def confirmed(self, registration: Registration) -> None:
        """It stands."""
        if registration in self._stages:
            self._stages[registration] = _Stage.ACTIVE
            self._changed()

    def gone(self, registration: Registration) -> None:
        """It does not stand any more."""
        self._stages.pop(registration, None)
        self._changed()

    def refused(self, registration: Registration, now: float) -> None:
        """Not now: asked again after a while."""
        self._stages.pop(registration, None)
        self._not_before[registration] = now + AGAIN_AFTER_S
        self._changed()

    def give_up(self, registration: Registration) -> None:
        """Not at all, whatever the connection."""
        self._stages.pop(registration, None)
        self._given_up.add(registration)
        self._changed()

    def over(self, registration: Registration, now: float) -> None:
        """The places are used up: there are as many as are taken without it."""
        self._stages.pop(registration, None)
        self._spare = max(1, len(self._stages))
        if registration not in self._chosen():
            self._not_before[registration] = now + AGAIN_AFTER_S
        self._changed()

    def pending_of(self, tr_ids: Sequence[str]) -> Registration | None:
        """A registration of one of `tr_ids` that waits for its answer, or None."""
        for registration, stage in self._stages.items():
            if stage is _Stage.SUBSCRIBING and registration.tr_id in tr_ids:
                return registration
        return None

    def _changed(self) -> None:
        self._active, self._is_quiet = None, False

    def _waits_for(self, now: float) -> bool:
        """Whether time alone will make something due: an answer that does not come, or a refusal
        whose while is over."""
        is_asked = any(stage is not _Stage.ACTIVE for stage in self._stages.values())
        return is_asked or any(until > now for until in self._not_before.values())

    def _chosen(self) -> frozenset[Registration]:
        possible = [r for r in self._wanted if r not in self._given_up]
        return frozenset(possible[: self._spare])

    def _next_step(self, now: float) -> Step | None:
        chosen = self._chosen()
        for registration, stage in self._stages.items():
            if stage is _Stage.ACTIVE and registration not in chosen:
                return Step(registration, subscribes=False)
        if len(self._stages) >= self._spare:
            return None
        for registration in self._wanted:
            is_due = self._not_before.get(registration, now) <= now
            if registration in chosen and registration not in self._stages and is_due:
                return Step(registration, subscribes=True)
        return None

    def _give_up_waiting(self, now: float) -> None:
        """No answer at all: as if refused. An unsubscription unanswered is taken for done."""
        for registration, stage in list(self._stages.items()):
            if stage is _Stage.ACTIVE or now - self._asked_at[registration] < ANSWER_WITHIN_S:
                continue
            if stage is _Stage.SUBSCRIBING:
                self.refused(registration, now)
            else:
                self.gone(registration)
