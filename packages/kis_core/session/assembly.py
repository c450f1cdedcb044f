"""Putting the engine's parts together over its ports."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from kis_core.orders.order import Order
from kis_core.ports.broker import Broker
from kis_core.ports.calendar import Calendar
from kis_core.ports.candidate_source import CandidateSource
from kis_core.ports.clock import Clock
from kis_core.ports.feed import Feed
from kis_core.ports.files import ContextCache, KillSwitchFile, PositionsMirror
from kis_core.ports.market_data import MarketData
from kis_core.ports.notifier import Notifier
from kis_core.ports.operator_inbox import OperatorInbox
from kis_core.ports.store import Store
from kis_core.session.approvals import Approvals
from kis_core.session.books import Books
from kis_core.session.closing import Closing
from kis_core.session.custody import Custody
from kis_core.session.desk import OrderDesk
from kis_core.session.entries import Entries
from kis_core.session.entry_list import EntryList, ListedCandidates
from kis_core.session.feed_market_data import FeedMarketData
from kis_core.session.first_day import FirstDay
from kis_core.session.guard import Guard
from kis_core.session.journal import OrderJournal
from kis_core.session.ledger import Ledger
from kis_core.session.line import Line, LineBroker, LineMarketData
from kis_core.session.listening import Listening
from kis_core.session.lookout import Lookout
from kis_core.session.lost import LostAnswers
from kis_core.session.preparation import Preparation
from kis_core.session.remote_control import RemoteControl
from kis_core.session.risk_status import RiskStatus
from kis_core.session.settings import SessionSettings
from kis_core.session.supervision import Supervision
from kis_core.session.surroundings import Surroundings
from kis_core.session.telling import Teller
from kis_core.session.timetable import Timetable


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything that the engine talks to. Without `candidates`, those of the settings count;
    without `operator` nobody gives commands; without `feed` all quotes are `market_data`'s.
    `calendar_warning` and `clock_skew`: see Surroundings."""

    clock: Clock
    calendar: Calendar
    market_data: MarketData
    broker: Broker
    store: Store
    notifier: Notifier
    mirror: PositionsMirror
    context_cache: ContextCache
    kill_switch_file: KillSwitchFile
    candidates: CandidateSource | None = None
    operator: OperatorInbox | None = None
    feed: Feed | None = None
    calendar_warning: Callable[[date], str | None] = lambda _: None
    clock_skew: Callable[[], float | None] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the engine is made of."""

    teller: Teller
    line: Line
    books: Books
    market_data: MarketData
    listening: Listening
    timetable: Timetable
    preparation: Preparation
    desk: OrderDesk
    custody: Custody
    supervision: Supervision
    guard: Guard
    lookout: Lookout
    entries: Entries
    closing: Closing
    risk_status: RiskStatus
    entry_list: EntryList
    first_day: FirstDay
    surroundings: Surroundings
    remote_control: RemoteControl


def assemble(
    ports: Ports, settings: SessionSettings, *, may_cancel: Callable[[Order], bool]
) -> Parts:
    """Build the parts. `may_cancel`: see OrderDesk."""
    clock, calendar = ports.clock, ports.calendar
    teller, books = Teller(clock, ports.notifier), Books(ports.store)
    line = Line(teller=teller, outage_after=settings.outage_after)
    broker = LineBroker(broker=ports.broker, line=line)
    rest = LineMarketData(market_data=ports.market_data, line=line)
    # The line hears of requests alone: a stream that prints does not say that REST answers.
    streamed = None if ports.feed is None else FeedMarketData(ports.feed, rest=rest, clock=clock)
    market_data = rest if streamed is None else streamed
    preparation = Preparation(
        market_data=market_data,
        calendar=calendar,
        cache=ports.context_cache,
        teller=teller,
        settings=settings,
    )
    journal = OrderJournal(books=books, clock=clock, teller=teller)
    ledger = Ledger(
        books=books,
        clock=clock,
        calendar=calendar,
        journal=journal,
        settings=settings,
        instrument_of=preparation.instrument_of,
    )
    desk = OrderDesk(
        books=books,
        broker=broker,
        journal=journal,
        ledger=ledger,
        lost=LostAnswers(journal=journal, ledger=ledger, settings=settings.orders),
        settings=settings,
        may_cancel=may_cancel,
    )
    custody = Custody(
        books=books,
        broker=broker,
        clock=clock,
        teller=teller,
        mirror=ports.mirror,
        settings=settings,
        context_of=preparation.context_of,
    )
    supervision = Supervision(
        books=books,
        custody=custody,
        kill_switch_file=ports.kill_switch_file,
        clock=clock,
        teller=teller,
        settings=settings,
    )
    line.on_answer.append(supervision.note_answer)
    first_day = FirstDay(books=books, teller=teller, limits=settings.first_day)
    approvals = Approvals(
        books=books,
        preparation=preparation,
        calendar=calendar,
        clock=clock,
        teller=teller,
        settings=settings,
        outside_switch=lambda: supervision.outside,
        first_day=first_day,
    )
    guard = Guard(
        books=books,
        desk=desk,
        custody=custody,
        preparation=preparation,
        approvals=approvals,
        clock=clock,
        teller=teller,
        settings=settings,
    )
    entries = Entries(
        books=books,
        desk=desk,
        custody=custody,
        preparation=preparation,
        approvals=approvals,
        market_data=market_data,
        clock=clock,
        teller=teller,
        settings=settings,
    )
    risk_status = RiskStatus(approvals=approvals, teller=teller)
    closing = Closing(
        books=books,
        custody=custody,
        supervision=supervision,
        status=risk_status,
        clock=clock,
        teller=teller,
    )
    return Parts(
        teller=teller,
        line=line,
        books=books,
        market_data=market_data,
        listening=Listening(feed=streamed, books=books, teller=teller),
        timetable=Timetable(calendar=calendar, clock=clock, teller=teller, settings=settings),
        preparation=preparation,
        desk=desk,
        custody=custody,
        supervision=supervision,
        guard=guard,
        lookout=Lookout(
            books=books, guard=guard, market_data=market_data, clock=clock, settings=settings
        ),
        entries=entries,
        closing=closing,
        risk_status=risk_status,
        first_day=first_day,
        surroundings=Surroundings(
            teller=teller,
            calendar_warning=ports.calendar_warning,
            clock_skew=ports.clock_skew,
        ),
        remote_control=RemoteControl(
            inbox=ports.operator,
            books=books,
            supervision=supervision,
            clock=clock,
            teller=teller,
        ),
        entry_list=EntryList(
            source=ports.candidates or ListedCandidates(settings.candidates),
            clock=clock,
            teller=teller,
        ),
    )
