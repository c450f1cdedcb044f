"""The engine: one thread that decides, as a small agenda over ports.

`step` runs what is due and says when it wants to run next; whoever calls it sleeps until then.
Nothing here sleeps, asks the time but through the Clock port, or remembers what the database
does not: killed at any moment and built again, it goes on from what is committed.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from kis_core.market.session import Phase, Session
from kis_core.market.symbol import Symbol
from kis_core.orders.identity import Side
from kis_core.orders.order import Order
from kis_core.ports.broker import BrokerUnavailable
from kis_core.ports.market_data import MarketDataUnavailable
from kis_core.ports.notifier import EventKind, Level
from kis_core.ports.store import CommitOutcomeUnknown, DuplicateOrder, StoreUnavailable
from kis_core.session.agenda import Agenda, Item
from kis_core.session.assembly import Ports, assemble
from kis_core.session.settings import SessionSettings

__all__ = ["Engine", "Ports"]

_RETRY = timedelta(seconds=10)
_RETRY_AT_NIGHT = timedelta(minutes=1)
_TRACK_AT_NIGHT = timedelta(minutes=10)
_AGAIN = timedelta(seconds=30)
_CLOCK_WENT_BACK = timedelta(seconds=5)
_BETWEEN_HINTS = timedelta(seconds=0.5)  # notices come in bunches; the list costs a call each time


class Engine:
    """Trades one account. Deterministic: the same answers of its ports give the same requests."""

    def __init__(self, ports: Ports, settings: SessionSettings) -> None:
        self._settings = settings
        self._clock = ports.clock
        parts = assemble(ports, settings, may_cancel=self._may_cancel)
        self.books = parts.books
        self._teller, self._line = parts.teller, parts.line
        self._timetable, self._listening = parts.timetable, parts.listening
        self._preparation, self._desk, self._custody = parts.preparation, parts.desk, parts.custody
        self._supervision, self._guard = parts.supervision, parts.guard
        self._lookout = parts.lookout
        self._entries, self._closing = parts.entries, parts.closing
        self._risk_status = parts.risk_status
        self._entry_list, self._first_day = parts.entry_list, parts.first_day
        self._surroundings, self._remote_control = parts.surroundings, parts.remote_control
        self._agenda = Agenda()
        self._is_finished = False
        self._told_open_orders = False
        self._to_prepare: list[Symbol] = []
        self._cycles = 0
        self._stepped_at = self._followed_at = ports.clock.now()
        self._agenda.set(Item.RECOVER, self._stepped_at)

    @property
    def is_finished(self) -> bool:
        """Whether the engine has nothing left to do and may be shut down."""
        return self._is_finished

    @property
    def halted(self) -> str | None:
        """Why policy leaves nothing to enter, where it does (exit code 4)."""
        return self._entry_list.halted

    def step(self) -> datetime | None:
        """Run everything that is due now, once; returns when to call again, None when finished.

        An item whose port does not answer is tried again later; what failed changed nothing.
        """
        now = self._clock.now()
        self._notice_clock(now)
        if self._remote_control.listen():
            self._agenda.bring_forward(Item.OBEY, now)
        self._listen(now)
        while not self._is_finished:
            due = self._agenda.pop_due(now)
            if due is None:
                break
            self._run(*due)
        return None if self._is_finished else self._agenda.next_at()

    def stop(self) -> None:
        """Write the mirror a last time; everything else is already where it must be."""
        self._custody.write_mirror()

    def _listen(self, now: datetime) -> None:
        """Bring forward what the feed gives a reason for; nothing is decided here."""
        if self._listening.listen(self._entry_list.symbols) and self.books.live_orders:
            at = max(now, self._followed_at + _BETWEEN_HINTS)
            self._agenda.bring_forward(Item.TRACK_ORDERS, at)
        if self._timetable.phase_at(now) is not Phase.CONTINUOUS:
            return
        if self._listening.has_moved:
            self._agenda.bring_forward(Item.GLANCE, now)
        if self._listening.has_completed:
            self._agenda.bring_forward(Item.SCAN, now)

    def _notice_clock(self, now: datetime) -> None:
        """A clock that went back would leave everything due late: begin anew, as after a start.
        One that went forward needs nothing; what became due is run once."""
        back, self._stepped_at = self._stepped_at - now, now
        if back < _CLOCK_WENT_BACK:
            return
        what, why = "clock_went_back", str(back)
        self._teller.tell(EventKind.ERROR, None, Level.WARNING, what=what, why=why)
        self._agenda.clear()
        self._agenda.set(Item.RECOVER, now)

    def _run(self, item: Item, due_at: datetime) -> None:
        actions: dict[Item, Callable[[datetime], None]] = {
            Item.OBEY: self._obey,
            Item.RECOVER: self._recover,
            Item.START_DAY: self._start_day,
            Item.TRACK_ORDERS: self._track_orders,
            Item.GLANCE: self._glance,
            Item.CYCLE: self._cycle,
            Item.SELECT: self._select,
            Item.SCAN: self._scan,
            Item.PREPARE: self._prepare,
            Item.SNAPSHOT: self._snapshot,
            Item.CLOSE_DAY: self._close_day,
        }
        try:
            if not self.books.is_current:
                self.books.reload()
            actions[item](due_at)
        except (StoreUnavailable, CommitOutcomeUnknown, DuplicateOrder) as error:
            self.books.is_current = False
            self._teller.tell(
                EventKind.STORE_UNAVAILABLE, None, Level.ERROR, item=item.name, why=str(error)
            )
            self._agenda.bring_forward(item, self._clock.now() + _RETRY)
        except (MarketDataUnavailable, BrokerUnavailable):
            if self._timetable.is_in_session():
                self._supervision.note_api_error()
            self._agenda.bring_forward(item, self._clock.now() + self._retry_after(item))
        if self.books.live_orders and self._agenda.due_at(Item.TRACK_ORDERS) is None:
            self._agenda.set(Item.TRACK_ORDERS, self._next_track())
        self._custody.write_mirror()

    def _retry_after(self, item: Item) -> timedelta:
        if not self._timetable.is_in_session():
            return _RETRY_AT_NIGHT
        if item is Item.TRACK_ORDERS:
            return self._settings.orders.settle_interval
        return self._settings.near_stop_interval if item is Item.CYCLE else _RETRY

    def _next_track(self) -> datetime:
        now, poll = self._clock.now(), self._settings.orders.poll
        return now + (poll if self._timetable.is_in_session() else _TRACK_AT_NIGHT)

    def _may_cancel(self, order: Order) -> bool:
        """A purchase until the session ends; a sale while its symbol trades continuously."""
        session = self._timetable.session
        if session is None or order.intent.session_date != session.session_date:
            return False
        phase = session.phase_at(self._clock.now())
        if order.intent.side is Side.BUY:
            return phase in (Phase.CONTINUOUS, Phase.CLOSING_AUCTION)
        return phase is Phase.CONTINUOUS and not self._guard.is_stopped(order.intent.symbol)

    def _obey(self, _due_at: datetime) -> None:
        """What the operator asked for; a sale is placed by the next look, which is now."""
        if self._remote_control.obey() and self._agenda.due_at(Item.CYCLE) is not None:
            now, session = self._clock.now(), self._timetable.current
            self._agenda.bring_forward(Item.CYCLE, max(now, session.opens_at))

    def _recover(self, _due_at: datetime) -> None:
        """Resolve what was open when the last process ended, before anything is decided."""
        self.books.reload()
        open_orders = len(self.books.live_orders)
        if not self._told_open_orders:
            self._teller.tell(EventKind.RECOVERY_OPEN_ORDERS, count=open_orders)
            self._told_open_orders = True
        session, now = self._timetable.look_up(), self._clock.now()
        self._preparation.begin(session.session_date, today=now.date())
        self._follow(now.date())
        account = self._custody.refresh()
        self._closing.close_forgotten(session.session_date, account)
        self._supervision.begin_session(session.session_date, account)
        self._preparation.prepare(self._custody.unknown)  # what is adopted gets the current ATR
        repairs = self._custody.reconcile(
            session.session_date, is_open=self._timetable.is_open(), is_start=True
        )
        self._line.reconciled()
        self._teller.tell(
            EventKind.RECOVERY_FINISHED,
            positions=len(self.books.positions),
            live_orders=len(self.books.live_orders),
            resolved=open_orders - len(self.books.live_orders),
            repairs=repairs,
        )
        self._agenda.set(Item.START_DAY, self._timetable.begins_at())

    def _start_day(self, _due_at: datetime) -> None:
        """Plan the day first: what is held is guarded even while the account cannot be asked."""
        session, now = self._timetable.look_up(), self._clock.now()
        self._preparation.begin(session.session_date, today=now.date())
        self._agenda.bring_forward(Item.CYCLE, max(now, session.opens_at))
        self._entry_list.begin(session.session_date)
        self._agenda.bring_forward(Item.SELECT, now)
        self._agenda.bring_forward(Item.PREPARE, now)
        self._agenda.bring_forward(Item.SNAPSHOT, max(now, session.opens_at))
        self._agenda.set(Item.CLOSE_DAY, session.closes_at + self._settings.close_after)
        self._timetable.tell_day(positions=len(self.books.positions))
        self._surroundings.look(now.date())
        compared = self._custody.recent()  # by the recovery of a moment ago
        account = compared or self._custody.refresh()
        self._supervision.begin_session(session.session_date, account)
        self._risk_status.tell_start(session.session_date, account)
        if compared is None:
            self._custody.reconcile(session.session_date, is_open=self._timetable.is_open())

    def _prepare(self, _due_at: datetime) -> None:
        """Bars of the next symbols, what is held first; what failed is tried again later."""
        if not self._to_prepare:
            held = sorted(self.books.positions)
            others = [s for s in self._entry_list.symbols if s not in self.books.positions]
            self._to_prepare = self._preparation.missing([*held, *others])
        size, now = self._settings.prepare_chunk, self._clock.now()
        portion, self._to_prepare = self._to_prepare[:size], self._to_prepare[size:]
        complete = self._preparation.prepare(portion)
        names = {s: i.name for s, i in self._preparation.instruments.items() if i.name}
        self.books.keep_names(names, at=self._clock.now())
        if self._to_prepare:
            self._agenda.set(Item.PREPARE, now)
        elif not complete:
            self._agenda.set(Item.PREPARE, now + self._settings.interval)

    def _select(self, _due_at: datetime) -> None:
        """Choose the day's candidates, a portion at a time."""
        again = self._entry_list.advance()
        if again is not None:
            self._agenda.set(Item.SELECT, again)
        if self._entry_list.symbols:
            self._agenda.bring_forward(Item.PREPARE, self._clock.now())
        nothing_to_guard = not self.books.positions and not self.books.live_orders
        if self._entry_list.halted is not None and nothing_to_guard:
            self._is_finished = True

    def _cycle(self, due_at: datetime) -> None:
        """One look at everything held, then the candidates in portions."""
        session, now = self._timetable.current, self._clock.now()
        phase = session.phase_at(now)
        if phase is Phase.AFTER:
            return
        if now - due_at > self._settings.late_cycle:
            delay = (now - due_at).total_seconds()
            self._teller.tell(EventKind.CYCLE_LATE, None, Level.WARNING, delay_s=delay)
        self._supervision.check_kill_switch()
        interval = self._settings.near_stop_interval
        try:
            self._resume_after_outage(session)
            if not self._lookout.watch_all(session.session_date, phase):
                interval = self._settings.interval
            self._hurry()
        finally:
            self._plan_cycle(session, interval)
        if self._may_enter(phase):
            candidates = self._entry_list.symbols
            self._entries.begin_scan(self._first_day.symbols(candidates, session.session_date))
            if self._entries.has_waiting:
                self._agenda.set(Item.SCAN, self._clock.now())
        self._count_cycle()

    def _resume_after_outage(self, session: Session) -> None:
        """After an outage nothing is sent before the broker's word is in the books (E-03)."""
        if not self._line.is_down:
            return
        self._follow(self._clock.now().date())
        self._custody.refresh()
        self._custody.reconcile(session.session_date, is_open=self._timetable.is_open())
        self._line.reconciled()

    def _glance(self, _due_at: datetime) -> None:
        """Judge what is held and has just printed, at the price that the feed brought."""
        session, phase = self._timetable.current, self._timetable.phase
        quotes = self._listening.moved()
        if phase is not Phase.CONTINUOUS or self._line.is_down:
            return  # nothing is sold now; the cycle sees to it
        self._lookout.watch(quotes, session.session_date, phase)
        self._hurry()

    def _hurry(self) -> None:
        """An exit that is not done is decided again as soon as O-12 says, not at the interval."""
        if self._lookout.is_retrying:
            at = self._clock.now() + self._settings.orders.exit_wait
            self._agenda.bring_forward(Item.CYCLE, at)

    def _plan_cycle(self, session: Session, interval: timedelta) -> None:
        """The next cycle on the grid of the session's open: late cycles are skipped, never piled
        up, and a retry between two of them moves none."""
        now = self._clock.now()
        planned = session.opens_at + interval * ((now - session.opens_at) // interval + 1)
        if planned < session.closes_at:
            self._agenda.bring_forward(Item.CYCLE, planned)

    def _may_enter(self, phase: Phase) -> bool:
        risk, session = self.books.risk, self._timetable.current
        return (
            phase is Phase.CONTINUOUS
            and self._timetable.is_confirmed
            and not self._line.is_down
            and risk is not None
            and risk.session_date == session.session_date
            and not self._supervision.blocks_entries()
        )

    def _count_cycle(self) -> None:
        self._cycles += 1
        if not self._entries.has_waiting:
            self._finish_if_counted()

    def _scan(self, _due_at: datetime) -> None:
        session = self._timetable.current
        self._supervision.check_kill_switch()
        if not self._may_enter(session.phase_at(self._clock.now())):
            self._entries.stop_scan()
            self._listening.completed(())
            return
        if self._listening.has_completed:
            candidates = self._entry_list.symbols
            allowed = self._first_day.symbols(candidates, session.session_date)
            self._entries.queue(self._listening.completed(allowed))
        self._entries.scan_portion(session.session_date)
        if self._entries.has_waiting:
            self._agenda.set(Item.SCAN, self._clock.now())
        else:
            self._finish_if_counted()

    def _finish_if_counted(self) -> None:
        """An order on its way is followed to its end first."""
        limit = self._settings.max_cycles
        if limit is not None and self._cycles >= limit and not self.books.live_orders:
            self._is_finished = True

    def _track_orders(self, _due_at: datetime) -> None:
        ended = self._follow()
        if ended:
            settled = self._settings.orders.unsettled_for + timedelta(seconds=1)
            self._agenda.bring_forward(Item.SNAPSHOT, self._clock.now() + settled)
        if any(self._is_exit_undone(order) for order in ended) and self._timetable.is_in_session():
            self._agenda.bring_forward(Item.CYCLE, self._clock.now())
        self._finish_if_counted()

    def _follow(self, *days: date) -> list[Order]:
        """Follow the orders; those that ended by it. Sums up again what ended after its day."""
        before = dict(self.books.live_orders)
        self._followed_at = self._clock.now()
        self._desk.follow(*days)
        ended = [order for key, order in before.items() if key not in self.books.live_orders]
        for session_date in sorted({order.intent.session_date for order in ended}):
            self._closing.restate(session_date)
        return ended

    def _is_exit_undone(self, order: Order) -> bool:
        """Whether an exit has to be decided again: its sale ended short of what is held, or
        `order` was a purchase taken off because it stood in the way."""
        stood_in_the_way = order.cancel_requested_at is not None
        is_held = order.intent.symbol in self.books.positions
        return is_held and (order.intent.side is Side.SELL or stood_in_the_way)

    def _snapshot(self, _due_at: datetime) -> None:
        """Ask the account, compare, keep a snapshot; sooner again while something is unclear."""
        session, now = self._timetable.current, self._clock.now()
        self._follow(now.date())
        account = self._custody.refresh()
        self._custody.reconcile(session.session_date, is_open=self._timetable.is_open())
        self._supervision.snapshot(session.session_date, account)
        self._surroundings.look(now.date())
        self._timetable.confirm_again()
        again = _AGAIN if self._custody.has_doubts else self._settings.snapshot_every
        if now + again < session.closes_at:
            self._agenda.set(Item.SNAPSHOT, now + again)
        self._agenda.bring_forward(Item.PREPARE, now)
        self._lookout.look_closely()

    def _close_day(self, _due_at: datetime) -> None:
        """After the close: the last word on the day's orders, then the summary; no forced exit."""
        session = self._timetable.current
        self._follow(session.session_date)
        if self.books.live_orders and not self._timetable.is_closing_late():
            self._agenda.set(Item.CLOSE_DAY, self._clock.now() + _AGAIN)
            return
        account = self._custody.refresh()
        self._custody.reconcile(session.session_date, is_open=False)
        self._closing.close(session.session_date, account)
        for item in (Item.CYCLE, Item.SELECT, Item.SCAN, Item.PREPARE, Item.SNAPSHOT):
            self._agenda.drop(item)
        if self._settings.exit_after_close:
            self._is_finished = True
            return
        self._timetable.look_up()
        self._agenda.set(Item.START_DAY, self._timetable.begins_at())
