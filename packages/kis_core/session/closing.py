"""The close of a session: nothing is sold for it (T-07); what happened is summed up and kept."""

from dataclasses import dataclass
from datetime import date

from kis_core.orders.identity import Side
from kis_core.ports.broker import AccountState
from kis_core.ports.clock import Clock
from kis_core.ports.notifier import EventKind
from kis_core.ports.store import DailySummary
from kis_core.session.books import Books
from kis_core.session.custody import Custody
from kis_core.session.supervision import Supervision
from kis_core.session.telling import Teller


@dataclass(slots=True)
class Closing:
    """Sums a session up from what the database has of it."""

    books: Books
    custody: Custody
    supervision: Supervision
    clock: Clock
    teller: Teller

    def close(self, session_date: date, account: AccountState) -> DailySummary:
        """Store and tell the summary. Told again after a restart behind the close, stored once."""
        snapshot = self.supervision.snapshot(session_date, account)
        with self.books.writing() as uow:
            trades = uow.trades_of(session_date)
            results = [t.round_trip_pnl for t in trades if t.round_trip_pnl is not None]
            summary = DailySummary(
                session_date=session_date,
                realised_pnl=snapshot.realised_pnl,
                trades=len(trades),
                wins=len([pnl for pnl in results if pnl > 0]),
                losses=len([pnl for pnl in results if pnl < 0]),
                equity=account.equity,
                positions=len(self.books.positions),
                errors=0,
            )
            uow.put_summary(summary)
        bought = len([t for t in trades if t.side is Side.BUY])
        self.teller.tell(
            EventKind.DAY_CLOSED,
            session_date=session_date.isoformat(),
            realised_pnl=summary.realised_pnl,
            evaluation_pnl=account.evaluation_pnl,
            buys=bought,
            sells=len(trades) - bought,
            wins=summary.wins,
            losses=summary.losses,
            equity=account.equity,
            cash=account.cash,
            positions=summary.positions,
        )
        for symbol, position in sorted(self.books.positions.items()):
            self.teller.tell(
                EventKind.POSITION_KEPT,
                symbol,
                quantity=position.quantity,
                average=position.average,
                stop=position.levels.stop,
                take=position.levels.take,
                highest=position.highest,
                is_trailing=position.is_trailing,
            )
        return summary
