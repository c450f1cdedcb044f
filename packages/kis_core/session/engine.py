"""The engine: one thread that decides, as a small agenda over ports.

`step` runs what is due and says when it wants to run next; whoever calls it sleeps until then.
Nothing here sleeps, asks the time but through the Clock port, or remembers what the database
does not: killed at any moment and built again, it goes on from what is committed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kis_core.market.session import Phase, Session
from kis_core.ports.broker import Broker, BrokerUnavailable
from kis_core.ports.calendar import Calendar, Closed, Unconfirmed
from kis_core.ports.clock import Clock
from kis_core.ports.files import ContextCache, KillSwitchFile, PositionsMirror
from kis_core.ports.market_data import MarketData, MarketDataUnavailable
from kis_core.ports.notifier import EventKind, Level, Notifier
from kis_core.ports.store import (
    CommitOutcomeUnknown,
    DuplicateOrder,
    Store,
    StoreUnavailable,
)
from kis_core.session.agenda import Agenda, Item
from kis_core.session.approvals import Approvals
from kis_core.session.books import Books
from kis_core.session.closing import Closing
from kis_core.session.custody import Custody
from kis_core.session.desk import OrderDesk
from kis_core.session.entries import Entries
from kis_core.session.guard import Guard
from kis_core.session.ledger import Ledger
from kis_core.session.preparation import Preparation
from kis_core.session.settings import SessionSettings
from kis_core.session.supervision import Supervision
from kis_core.session.telling import Teller

_RETRY = timedelta(seconds=10)
_NEXT_DAYS = 30
_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything that the engine talks to."""

    clock: Clock
    calendar: Calendar
    market_data: MarketData
    broker: Broker
    store: Store
    notifier: Notifier
    mirror: PositionsMirror
    context_cache: ContextCache
    kill_switch_file: KillSwitchFile


class Engine:
    """Trades one account. Deterministic: the same answers of its ports give the same requests."""

    def __init__(self, ports: Ports, settings: SessionSettings) -> None:
        self._ports = ports
        self._settings = settings
        self._clock = ports.clock
        self._teller = Teller(ports.clock, ports.notifier)
        self._agenda = Agenda()
        self._session: Session | None = None
        self._is_confirmed = True
        self._is_recovered = False
        self._is_finished = False
        self._cycles = 0
        self._wire()
        self._agenda.set(Item.RECOVER, ports.clock.now())

    def _wire(self) -> None:
        ports, settings, teller = self._ports, self._settings, self._teller
        self.books = Books(ports.store)
        self._preparation = Preparation(
            market_data=ports.market_data,
            calendar=ports.calendar,
            cache=ports.context_cache,
            teller=teller,
            parameters=settings.parameters,
        )
        self._desk = OrderDesk(
            books=self.books,
            broker=ports.broker,
            clock=ports.clock,
            ledger=Ledger(
                books=self.books,
                clock=ports.clock,
                calendar=ports.calendar,
                teller=teller,
                settings=settings,
                instrument_of=self._preparation.instrument_of,
            ),
            teller=teller,
            settings=settings,
        )
        self._custody = Custody(
            books=self.books,
            broker=ports.broker,
            clock=ports.clock,
            teller=teller,
            mirror=ports.mirror,
            parameters=settings.parameters,
            context_of=self._preparation.context_of,
        )
        self._supervision = Supervision(
            books=self.books,
            custody=self._custody,
            kill_switch_file=ports.kill_switch_file,
            clock=ports.clock,
            teller=teller,
            settings=settings,
        )
        approvals = Approvals(
            books=self.books,
            preparation=self._preparation,
            calendar=ports.calendar,
            clock=ports.clock,
            teller=teller,
            settings=settings,
            outside_switch=self._outside_switch,
        )
        self._guard = Guard(
            books=self.books,
            desk=self._desk,
            custody=self._custody,
            preparation=self._preparation,
            approvals=approvals,
            clock=ports.clock,
            teller=teller,
            settings=settings,
        )
        self._entries = Entries(
            books=self.books,
            desk=self._desk,
            custody=self._custody,
            preparation=self._preparation,
            approvals=approvals,
            market_data=ports.market_data,
            clock=ports.clock,
            teller=teller,
            settings=settings,
        )
        self._closing = Closing(
            books=self.books,
            custody=self._custody,
            supervision=self._supervision,
            clock=ports.clock,
            teller=teller,
        )

    @property
    def is_finished(self) -> bool:
        """Whether the engine has nothing left to do and may be shut down."""
        return self._is_finished

    def step(self) -> datetime | None:
        """Run everything that is due now, once; returns when to call again, None when finished.

        An item whose port does not answer is tried again later; what failed changed nothing.
        """
        now = self._clock.now()
        while not self._is_finished:
            due = self._agenda.pop_due(now)
            if due is None:
                break
            self._run(*due)
        if self._is_finished:
            return None
        return self._agenda.next_at()

    def stop(self) -> None:
        """Write the mirror a last time; everything else is already where it must be."""
        self._custody.write_mirror()

    def _run(self, item: Item, due_at: datetime) -> None:
        actions: dict[Item, Callable[[datetime], None]] = {
            Item.RECOVER: self._recover,
            Item.START_DAY: self._start_day,
            Item.TRACK_ORDERS: self._track_orders,
            Item.CYCLE: self._cycle,
            Item.SCAN: self._scan,
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
        except (MarketDataUnavailable, BrokerUnavailable) as error:
            self._supervision.note_api_error(what=item.name, why=str(error))
            self._agenda.bring_forward(item, self._clock.now() + self._retry_after(item))
        else:
            self._supervision.note_success()
        if self.books.live_orders:
            self._agenda.bring_forward(Item.TRACK_ORDERS, self._next_track())

    def _retry_after(self, item: Item) -> timedelta:
        if item is Item.TRACK_ORDERS:
            return self._settings.orders.settle_interval
        if item is Item.CYCLE:
            return self._settings.near_stop_interval
        return _RETRY

    def _next_track(self) -> datetime:
        return self._clock.now() + self._settings.orders.poll

    def _outside_switch(self) -> str | None:
        return self._supervision.outside

    # --- start-up -------------------------------------------------------------------------

    def _recover(self, _due_at: datetime) -> None:
        """Resolve what was open when the last process ended, before anything is decided."""
        self.books.reload()
        open_orders = len(self.books.live_orders)
        self._teller.tell(EventKind.RECOVERY_OPEN_ORDERS, count=open_orders)
        session = self._session_now()
        self._preparation.begin(session.session_date)
        if self.books.live_orders:
            self._desk.follow()
        account = self._custody.refresh()
        self._supervision.begin_session(session.session_date, account)
        self._prepare_holdings()
        repairs = self._custody.reconcile(session.session_date)
        self._custody.write_mirror()
        self._is_recovered = True
        self._teller.tell(
            EventKind.RECOVERY_FINISHED,
            positions=len(self.books.positions),
            live_orders=len(self.books.live_orders),
            resolved=open_orders - len(self.books.live_orders),
            repairs=repairs,
        )
        self._agenda.set(Item.START_DAY, self._prepare_at(session))

    def _prepare_holdings(self) -> None:
        """Bars of what is held, so that an adopted holding gets the current ATR."""
        state = self._custody.state
        held = [h.symbol for h in state.holdings] if state is not None else []
        if any(symbol not in self.books.positions for symbol in held):
            self._preparation.prepare(held)

    def _session_now(self) -> Session:
        """The session of today, or the next one if today has none or it is over."""
        today, now = self._clock.now().date(), self._clock.now()
        for offset in range(_NEXT_DAYS):
            answer = self._ports.calendar.session_of(today + timedelta(days=offset))
            if isinstance(answer, Closed):
                continue
            session = answer.session if isinstance(answer, Unconfirmed) else answer
            if now < session.closes_at + self._settings.close_after:
                self._is_confirmed = not isinstance(answer, Unconfirmed)
                if isinstance(answer, Unconfirmed):
                    self._teller.tell(
                        EventKind.CALENDAR_WARNING, None, Level.WARNING, why=answer.reason
                    )
                self._session = session
                return session
        raise ValueError(f"no session within {_NEXT_DAYS} days of {today}")

    def _prepare_at(self, session: Session) -> datetime:
        return max(self._clock.now(), session.opens_at - self._settings.prepare_before_open)

    # --- the day --------------------------------------------------------------------------

    def _start_day(self, _due_at: datetime) -> None:
        session = self._session_now()
        self._preparation.begin(session.session_date)
        self._teller.tell(
            EventKind.DAY_STARTED,
            session_date=session.session_date.isoformat(),
            opens_at=session.opens_at.isoformat(),
            closes_at=session.closes_at.isoformat(),
            positions=len(self.books.positions),
            candidates=len(self._settings.candidates),
        )
        account = self._custody.refresh()
        self._supervision.begin_session(session.session_date, account)
        self._agenda.set(Item.CYCLE, max(self._clock.now(), session.opens_at))
        self._agenda.set(Item.SNAPSHOT, max(self._clock.now(), session.opens_at))
        self._agenda.set(Item.CLOSE_DAY, session.closes_at + self._settings.close_after)
        self._prepare_symbols()

    def _prepare_symbols(self) -> bool:
        held = sorted(self.books.positions)
        others = [s for s in self._settings.candidates if s not in self.books.positions]
        complete = self._preparation.prepare([*held, *others])
        names = {s: i.name for s, i in self._preparation.instruments.items() if i.name}
        self.books.keep_names(names, at=self._clock.now())
        return complete

    def _cycle(self, due_at: datetime) -> None:
        """One look at everything held, then the candidates in portions."""
        session, now = self._current(), self._clock.now()
        phase = session.phase_at(now)
        if phase is Phase.AFTER:
            return
        if now - due_at > self._settings.late_cycle:
            delay = (now - due_at).total_seconds()
            self._teller.tell(EventKind.CYCLE_LATE, None, Level.WARNING, delay_s=delay)
        self._supervision.check_kill_switch()
        try:
            is_near_stop = self._watch(session, phase)
        finally:
            self._plan_cycle(session, due_at, is_near_stop=False)
        if is_near_stop:
            self._plan_cycle(session, due_at, is_near_stop=True)
        if self._may_enter(phase):
            self._entries.begin_scan(self._settings.candidates)
            if self._entries.has_waiting:
                self._agenda.set(Item.SCAN, self._clock.now())
        self._count_cycle()

    def _watch(self, session: Session, phase: Phase) -> bool:
        held = sorted(self.books.positions)
        if not held:
            return False
        quotes = self._ports.market_data.quotes(held)
        return self._guard.watch(quotes, session_date=session.session_date, phase=phase)

    def _plan_cycle(self, session: Session, due_at: datetime, *, is_near_stop: bool) -> None:
        """The next cycle on the grid of this one: late cycles are skipped, never piled up."""
        near, usual = self._settings.near_stop_interval, self._settings.interval
        interval = near if is_near_stop else usual
        now, planned = self._clock.now(), due_at + interval
        if planned <= now:
            planned += interval * ((now - planned) // interval + 1)
        if planned < session.closes_at:
            self._agenda.set(Item.CYCLE, planned)

    def _may_enter(self, phase: Phase) -> bool:
        return (
            phase is Phase.CONTINUOUS
            and self._is_confirmed
            and self._is_recovered
            and not self._supervision.blocks_entries()
        )

    def _count_cycle(self) -> None:
        self._cycles += 1
        if self._settings.max_cycles is not None and self._cycles >= self._settings.max_cycles:
            if self.books.live_orders:
                return  # an order on its way is followed to its end first
            self._is_finished = not self._entries.has_waiting

    def _scan(self, _due_at: datetime) -> None:
        session = self._current()
        if not self._may_enter(session.phase_at(self._clock.now())):
            self._entries.stop_scan()
            return
        self._entries.scan_portion(session.session_date)
        if self._entries.has_waiting:
            self._agenda.set(Item.SCAN, self._clock.now())
        elif self._settings.max_cycles is not None:
            self._finish_if_counted()

    def _finish_if_counted(self) -> None:
        limit = self._settings.max_cycles
        if limit is not None and self._cycles >= limit and not self.books.live_orders:
            self._is_finished = True

    def _track_orders(self, _due_at: datetime) -> None:
        before = len(self.books.live_orders)
        self._desk.follow()
        if len(self.books.live_orders) != before:
            self._custody.write_mirror()
            self._agenda.bring_forward(Item.SNAPSHOT, self._clock.now() + _AGAIN)
        self._finish_if_counted()

    def _snapshot(self, _due_at: datetime) -> None:
        """Ask the account, compare, keep a snapshot; sooner again while something is unclear."""
        session = self._current()
        account = self._custody.refresh()
        self._custody.reconcile(session.session_date)
        self._supervision.snapshot(session.session_date, account)
        self._custody.write_mirror()
        again = _AGAIN if self._custody.has_unconfirmed else self._settings.snapshot_every
        if not self._prepare_symbols():
            again = min(again, self._settings.interval)
        if self._clock.now() + again < session.closes_at:
            self._agenda.set(Item.SNAPSHOT, self._clock.now() + again)

    def _close_day(self, _due_at: datetime) -> None:
        """After the close: the last word on the day's orders, then the summary; no forced exit."""
        session = self._current()
        if self.books.live_orders:
            self._desk.follow()
        if self.books.live_orders and not self._is_closing_late(session):
            self._agenda.set(Item.CLOSE_DAY, self._clock.now() + _AGAIN)
            return
        account = self._custody.refresh()
        self._custody.reconcile(session.session_date)
        self._closing.close(session.session_date, account)
        self._custody.write_mirror()
        self._agenda.drop(Item.CYCLE)
        self._agenda.drop(Item.SCAN)
        self._agenda.drop(Item.SNAPSHOT)
        if self._settings.exit_after_close:
            self._is_finished = True
            return
        self._agenda.set(Item.START_DAY, self._prepare_at(self._session_now()))

    def _is_closing_late(self, session: Session) -> bool:
        return self._clock.now() >= session.closes_at + self._settings.close_after * 5

    def _current(self) -> Session:
        if self._session is None:
            raise ValueError("the engine has not recovered yet")
        return self._session
