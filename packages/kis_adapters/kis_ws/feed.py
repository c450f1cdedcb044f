"""The stream as a Feed: a thread of its own that reads, and fills the inbox, and nothing else.

Nothing that trades runs in it, so a slow strategy never slows the socket (F-064). PINGPONG is
answered with its own text, as most clients do; a control frame would do as well (kis-wire 6.3),
but whatever stands between passes a text on.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import structlog

from kis_adapters.kis_ws.approval import ApprovalKeys, ApprovalUnavailable
from kis_adapters.kis_ws.control import PingPong, Registration, message, read_control
from kis_adapters.kis_ws.frame import TRADE, Encrypted, Garbage, read_frame
from kis_adapters.kis_ws.notice import read_notice
from kis_adapters.kis_ws.session import StreamSession, StreamTiming
from kis_adapters.kis_ws.socket import ConnectionLost, TextSocket
from kis_core.market.minute_bar import MinuteBars
from kis_core.market.session import Phase, Session
from kis_core.market.symbol import Symbol
from kis_core.ports.calendar import Calendar, Closed, Unconfirmed
from kis_core.ports.clock import Clock
from kis_core.ports.feed import Arrived, Feed, FeedChange, FeedProblem, FeedState, OrderHint
from kis_core.session.inbox import Inbox

_STOP_WITHIN_S = 3.0
_SURE_AFTER = 3  # looks in a row at which a connection must seem dead: data may be on its way

_STRIDE_MAX_S = 10.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSettings:
    """`url` of the stream; `notice_tr_id` and `hts_id` of the execution notices (no id: none);
    `account` is number and product code, the only one whose notices count. `tick_s`: how often,
    in real seconds, a quiet stream is looked after."""

    url: str
    notice_tr_id: str
    hts_id: str
    account: str
    timeout_s: float = 10.0
    tick_s: float = 0.1
    timing: StreamTiming = field(default_factory=StreamTiming)

    def __repr__(self) -> str:
        return f"FeedSettings(url={self.url!r})"


class KisWsFeed(Feed):
    """The broker's realtime stream.

    `seconds` counts what the stream's patience is measured in: real time, or a simulator's.
    `on_news` is called from the feed's thread when something came that should not wait for the
    next poll: a print of a held symbol, a completed minute, a hint, a change of state.
    """

    def __init__(
        self,
        settings: FeedSettings,
        *,
        approval: ApprovalKeys,
        clock: Clock,
        calendar: Calendar,
        on_news: Callable[[], None] = lambda: None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._approval = approval
        self._clock = clock
        self._calendar = calendar
        self._on_news = on_news
        self._seconds = seconds
        self._inbox = Inbox(threading.Lock(), bars=MinuteBars())
        self._session = StreamSession(settings.timing)
        self._counts: Counter[str] = Counter()
        self._urgent: frozenset[Symbol] = frozenset()
        self._wanted: tuple[Registration, ...] = ()
        self._applied: tuple[Registration, ...] | None = None
        self._today: Session | None = None
        self._day: date | None = None
        self._at = clock.now()
        self._waited, self._waited_until = 0.0, seconds()
        self._live: frozenset[Symbol] = frozenset()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kis-feed", daemon=True)
        self.desire((), ())

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_WITHIN_S)

    def desire(self, held: Sequence[Symbol], others: Sequence[Symbol]) -> None:
        notices = [Registration(self._settings.notice_tr_id, self._settings.hts_id)]
        trades = [Registration(TRADE, symbol) for symbol in [*held, *others]]
        self._urgent = frozenset(held)
        self._wanted = (*(notices if self._settings.hts_id else ()), *trades)

    def drain(self) -> Arrived:
        return self._inbox.drain()

    def counts(self) -> Mapping[str, int]:
        inbox = self._inbox
        return {
            **dict(self._counts),
            "connects": self._session.reconnects.connects,
            "quotes_replaced": inbox.replaced,
            "bars_dropped": inbox.dropped_bars,
            "hints_dropped": inbox.dropped_hints,
            "prints_late": inbox.bar_counts.late,
            "prints_reordered": inbox.bar_counts.reordered,
            "prints_outside": inbox.bar_counts.outside,
        }

    # -- the feed's own thread ---------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                now = self._look_around()
                self._close_minutes()
                if self._session.may_connect(now):
                    self._connect(now)
                else:
                    self._stopping.wait(self._settings.tick_s)
        finally:
            if not self._stopping.is_set():  # a bug of ours: nobody is to wait for prices
                self._tell(FeedState.REFUSED, "feed_thread_ended")
                self._inbox.put_live(frozenset())

    def _connect(self, now: float) -> None:
        session = self._session
        session.reconnects.connecting(now)
        try:
            if session.needs_new_key:
                self._approval.reject()
                session.needs_new_key = False
            key = self._approval.current(now)
            with TextSocket(self._settings.url, timeout_s=self._settings.timeout_s) as connection:
                session.connected(self._look_around())
                self._converse(connection, key)
            why = "stopped"
        except (ConnectionLost, ApprovalUnavailable) as error:
            why = str(error)
        session.disconnected(self._look_around(), why)
        self._counts["disconnects"] += 1
        _log.info("feed.disconnected", why=why, failures=session.reconnects.failures)
        self._pass_on()

    def _converse(self, connection: TextSocket, key: str) -> None:
        """Read and answer until the connection is lost, given up, or not wanted any more."""
        now, dead_looks = self._look_around(), 0
        while not self._stopping.is_set():
            for text in connection.receive(self._settings.tick_s):
                self._take(text, now, connection)
            if connection.is_drained:  # everything is in that was sent before we last looked
                self._close_minutes()
            now = self._look_around()
            self._send_steps(connection, key, now)
            self._pass_on()
            fault = self._session.fault(now)
            dead_looks = dead_looks + 1 if fault is not None else 0
            if fault is not None and dead_looks >= _SURE_AFTER:
                raise ConnectionLost(fault)

    def _send_steps(self, connection: TextSocket, key: str, now: float) -> None:
        """Register and take back what is due."""
        while (step := self._session.next(now)) is not None:
            connection.send(
                message(step.registration, approval_key=key, subscribes=step.subscribes)
            )

    def _look_around(self) -> float:
        """What may have changed outside; returns the present second."""
        self._at = self._clock.now()
        now = self._patience()
        if self._at.date() != self._day:
            self._day = self._at.date()
            self._today = self._session_of(self._day)
            if self._today is not None:
                self._inbox.begin(self._today)
        today = self._today
        is_trading = today is not None and today.phase_at(self._at) is Phase.CONTINUOUS
        self._session.trading(is_trading, now)
        wanted = self._wanted
        if wanted is not self._applied:
            self._applied = wanted
            self._session.desire(wanted)
        return now

    def _patience(self) -> float:
        """Seconds spent waiting, with our eyes open: of a suspended process, or of a simulated
        clock that jumped, only so many count, because what was sent meanwhile is yet to be read.
        """
        until = self._seconds()
        self._waited += min(max(0.0, until - self._waited_until), _STRIDE_MAX_S)
        self._waited_until = until
        return self._waited

    def _close_minutes(self) -> None:
        if self._inbox.close_minutes(self._at):
            self._on_news()

    def _session_of(self, day: date) -> Session | None:
        answer = self._calendar.session_of(day)
        if isinstance(answer, Closed):
            return None
        return answer.session if isinstance(answer, Unconfirmed) else answer

    def _take(self, text: str, now: float, connection: TextSocket) -> None:
        """One frame. What makes no sense is counted and passed over (W-08)."""
        self._counts["frames"] += 1
        try:
            if text.startswith("{"):
                self._take_control(text, now, connection)
                return
            content = read_frame(text)
            if isinstance(content, Encrypted):
                self._take_notice(content, now)
                return
        except Garbage as garbage:
            self._counts[f"skipped_{garbage.why}"] += 1
            return
        self._session.printed(len(content), now)
        self._inbox.put_prints(content)
        self._counts["prints"] += len(content)
        if content[0].symbol in self._urgent:
            self._on_news()

    def _take_control(self, text: str, now: float, connection: TextSocket) -> None:
        control = read_control(text)
        if isinstance(control, PingPong):
            connection.send(text)
            self._session.pinged(now)
            return
        self._session.answered(control, now)

    def _take_notice(self, encrypted: Encrypted, now: float) -> None:
        key = self._session.notice_key
        if key is None:
            raise Garbage("notice_without_key")
        notice = read_notice(encrypted.payload, key)
        self._session.noticed(now)
        if notice.account != self._settings.account:
            self._counts["notices_of_others"] += 1
            return
        self._counts["notices"] += 1
        for number in filter(None, (notice.order_no, notice.original_no)):
            hint = OrderHint(broker_order_no=number, symbol=Symbol(notice.symbol), at=self._at)
            self._inbox.put_hint(hint)
        self._on_news()

    def _pass_on(self) -> None:
        """What the session has to tell, and which symbols are registered."""
        for told in self._session.take_told():
            if told.state is not None:
                self._tell(told.state, told.why)
                continue
            problem = FeedProblem(at=self._at, what=told.what, why=told.why, symbol=told.symbol)
            self._inbox.put_problem(problem)
        live = self._session.live
        if live != self._live:
            self._live = live
            self._inbox.put_live(live)

    def _tell(self, state: FeedState, why: str) -> None:
        self._inbox.put_change(FeedChange(at=self._at, state=state, why=why))
        self._on_news()
