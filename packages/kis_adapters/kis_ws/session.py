"""The state of the stream, without the stream: what to send, when to give a connection up, when
to make the next, and whether the prices that come may be believed.

Pure: told what happened and when (seconds of one clock that never goes back), asked what to do.
A KIS socket seldom fails loudly. It stays open and says nothing; or answers PINGPONG and sends
no prices; or takes a registration and drops the connection. Each of these is a fault here (W-06).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kis_adapters.kis_ws.code import Remedy, remedy_for
from kis_adapters.kis_ws.control import Answer, Registration
from kis_adapters.kis_ws.frame import NOTICES
from kis_adapters.kis_ws.notice import NoticeKey
from kis_adapters.kis_ws.reconnects import Reconnects
from kis_adapters.kis_ws.registrations import Registrations, Step
from kis_core.market.symbol import Symbol
from kis_core.ports.feed import FeedState

_NOTICE_DROPS_MAX = 2  # a wrong HTS id: the connection goes without a word
_GAPS_OF_SILENCE = 20
_GAP_WEIGHT = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTiming:
    """Seconds. `silence`: without any frame, PINGPONG included, which comes every 10 to 15 s.
    `print_silence`: without any print while the exchange trades; longer where few prints are
    normal. `live_after`: how long a connection that replaces a lost one must be good before its
    prices are used again."""

    silence: float = 45.0
    print_silence: float = 60.0
    live_after: float = 10.0


@dataclass(frozen=True, slots=True)
class Told:
    """Something to pass on: a change of state, or, where `state` is None, a problem."""

    state: FeedState | None
    what: str
    why: str
    symbol: Symbol | None = None


class StreamSession:
    """One stream over any number of connections."""

    def __init__(self, timing: StreamTiming | None = None) -> None:
        self.state = FeedState.CONNECTING
        self.notice_key: NoticeKey | None = None
        self.needs_new_key = False
        self.reconnects = Reconnects()
        self._timing = timing or StreamTiming()
        self._registrations = Registrations()
        self._told: list[Told] = []
        self._ends_with: str | None = None
        self._is_busy = False
        self._is_connected = False
        self._connected_at = self._frame_at = self._print_at = 0.0
        self._has_printed = self._is_trading = self._was_live = False
        self._gap = 0.0
        self._notice_drops = 0
        self._active: frozenset[Registration] = frozenset()
        self._trades: frozenset[Symbol] = frozenset()

    @property
    def live(self) -> frozenset[Symbol]:
        """The symbols whose trades are registered; none while the stream is not LIVE."""
        if self.state is not FeedState.LIVE:
            return frozenset()
        return self._registered_trades()

    def take_told(self) -> list[Told]:
        """What is to be passed on, each once."""
        told, self._told = self._told, []
        return told

    def desire(self, wanted: Sequence[Registration]) -> None:
        """What is wanted from now on, the most important first."""
        self._registrations.want(wanted)

    def trading(self, is_trading: bool, now: float) -> None:
        """Whether the exchange trades continuously, so that prints must come."""
        if is_trading and not self._is_trading:
            self._print_at = now
            self.reconnects.hurry(now)
        self._is_trading = is_trading

    def may_connect(self, now: float) -> bool:
        """Whether to make a connection now."""
        is_possible = self.state is not FeedState.REFUSED and not self._is_connected
        return is_possible and self.reconnects.is_due(now)

    def connected(self, now: float) -> None:
        """The connection stands; nothing is registered on it."""
        self.reconnects.connected(now)
        self._registrations.connected()
        self.notice_key = None
        self._is_connected, self._ends_with, self._is_busy = True, None, False
        self._has_printed = False
        self._connected_at = self._frame_at = self._print_at = now

    def disconnected(self, now: float, why: str) -> None:
        """The connection is gone, was given up, or could not be made."""
        if self._is_connected and self._ends_with is None:
            self._suspect_notices()
        self._is_connected = False
        self.reconnects.failed(now, is_busy=self._is_busy)
        if self.state is FeedState.REFUSED:
            return
        if self.reconnects.are_used_up:
            self._become(FeedState.DOWN, why)
        elif self.state is FeedState.LIVE:
            self._become(FeedState.RECOVERING, why)

    def next(self, now: float) -> Step | None:
        """The message that is due now, or None."""
        if not self._is_connected or self._ends_with is not None:
            return None
        return self._registrations.next(now)

    def pinged(self, now: float) -> None:
        """A PINGPONG came."""
        self._frame_at = now
        self._judge(now)

    def printed(self, count: int, now: float) -> None:
        """`count` prints came in one frame."""
        if self._has_printed:
            gap = (now - self._print_at) / count
            self._gap += _GAP_WEIGHT * (gap - self._gap)
        self._frame_at = self._print_at = now
        self._has_printed = True
        self._judge(now)

    def noticed(self, now: float) -> None:
        """An execution notice came."""
        self._frame_at = now

    def answered(self, answer: Answer, now: float) -> None:
        """The server answered one of our messages, or refused the whole session."""
        self._frame_at = now
        remedy, one = remedy_for(answer.code), answer.registration
        if remedy in (Remedy.NEW_KEY, Remedy.BUSY, Remedy.STOP):
            self._end(remedy, answer.code)
        elif one is not None:
            self._apply(remedy, one, answer, now)
        self._judge(now)

    def fault(self, now: float) -> str | None:
        """Why the connection is to be given up, or None. Ask again before acting on a silence:
        what ends it may be on its way."""
        if self._ends_with is not None:
            return self._ends_with
        if now - self._frame_at > self._timing.silence:
            return "silence"
        must_print = self._is_trading and bool(self._registered_trades())
        limit = max(self._timing.print_silence, _GAPS_OF_SILENCE * self._gap)
        if must_print and now - self._print_at > limit:
            return "no_prints"
        return None

    def _end(self, remedy: Remedy, code: str) -> None:
        self._ends_with = code
        self._is_busy = remedy is Remedy.BUSY
        self.needs_new_key = self.needs_new_key or remedy is Remedy.NEW_KEY
        if remedy is Remedy.STOP:
            self._become(FeedState.REFUSED, code)

    def _apply(self, remedy: Remedy, one: Registration, answer: Answer, now: float) -> None:
        registrations = self._registrations
        match remedy:
            case Remedy.ACTIVE:
                registrations.confirmed(one)
                # Every answer brings a key; only the notices' own is theirs.
                if one.tr_id in NOTICES and answer.key:
                    self.notice_key = NoticeKey(answer.key, answer.iv)
                    self._notice_drops = 0
            case Remedy.INACTIVE:
                registrations.gone(one)
            case Remedy.FEWER:
                registrations.over(one, now)
                self._problem("feed_places_used_up", answer.code, one)
            case Remedy.GIVE_UP_ONE:
                registrations.give_up(one)
                self._problem("feed_registration_refused", answer.code, one)
            case _:
                registrations.refused(one, now)
                self._problem("feed_registration_failed", answer.code, one)

    def _judge(self, now: float) -> None:
        """Whether what comes is good enough to trade on."""
        is_proven = self._has_printed or not self._is_trading
        if not self._is_connected or self._ends_with is not None or not is_proven:
            return
        self.reconnects.good(now)
        if self.state in (FeedState.LIVE, FeedState.REFUSED) or not self._registrations.active:
            return
        is_first = not self._was_live
        if is_first or now - self._connected_at >= self._timing.live_after:
            self._was_live = True
            self._become(FeedState.LIVE, "connected" if is_first else "recovered")

    def _suspect_notices(self) -> None:
        """A connection that goes without a word while the notices' registration is unanswered:
        after the second time the notices are done without, rather than the prices."""
        pending = self._registrations.pending_of(NOTICES)
        if pending is None:
            return
        self._notice_drops += 1
        if self._notice_drops >= _NOTICE_DROPS_MAX:
            self._registrations.give_up(pending)
            self._problem("feed_notices_given_up", "dropped", None)

    def _registered_trades(self) -> frozenset[Symbol]:
        active = self._registrations.active
        if active is not self._active:
            self._active = active
            self._trades = frozenset(Symbol(r.tr_key) for r in active if r.tr_id not in NOTICES)
        return self._trades

    def _become(self, state: FeedState, why: str) -> None:
        if state is not self.state:
            self.state = state
            self._told.append(Told(state, "feed_state", why))

    def _problem(self, what: str, why: str, one: Registration | None) -> None:
        is_trade = one is not None and one.tr_id not in NOTICES
        symbol = Symbol(one.tr_key) if one is not None and is_trade else None
        self._told.append(Told(None, what, why, symbol))
