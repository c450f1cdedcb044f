"""The close of a session: nothing is sold for it (T-07); what happened is summed up and kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from kis_core.orders.booking import Trade
from kis_core.orders.identity import Side
from kis_core.ports.broker import AccountState
from kis_core.ports.clock import Clock
from kis_core.ports.notifier import EventKind
from kis_core.ports.store import DailySummary
from kis_core.session.books import Books
from kis_core.session.custody import Custody
from kis_core.session.risk_status import RiskStatus
from kis_core.session.supervision import Supervision
from kis_core.session.telling import Teller


@dataclass(slots=True)
class Closing:
    """Sums a session up from what the database has of it."""

    books: Books
    custody: Custody
    supervision: Supervision
    status: RiskStatus
    clock: Clock
    teller: Teller

    def is_due(self) -> date | None:
        """The last session begun, if it was never summed up."""
        if self.books.risk is None:
            return None
        session_date = self.books.risk.session_date
        with self.books.reading() as uow:
            return session_date if uow.summary_of(session_date) is None else None

    def close_forgotten(self, session_date: date, account: AccountState) -> None:
        """Sum up a session before `session_date` if the process died ahead of its summary."""
        forgotten = self.is_due()
        if forgotten is not None and forgotten < session_date:
            self.close(forgotten, account)

    def restate(self, session_date: date) -> None:
        """Correct the summary of a session of which a fill was learnt after its end."""
        with self.books.writing() as uow:
            earlier = uow.summary_of(session_date)
            if earlier is not None:
                uow.put_summary(_counted(earlier, uow.trades_of(session_date)))

    def close(self, session_date: date, account: AccountState) -> DailySummary:
        """Store and tell the summary. Told again after a restart behind the close, stored once."""
        snapshot = self.supervision.snapshot(session_date, account)
        with self.books.writing() as uow:
            trades = uow.trades_of(session_date)
            summary = _counted(
                DailySummary(
                    session_date=session_date,
                    realised_pnl=snapshot.realised_pnl,
                    trades=0,
                    wins=0,
                    losses=0,
                    equity=account.equity,
                    positions=len(self.books.positions),
                    errors=self.teller.errors,
                ),
                trades,
            )
            uow.put_summary(summary)
        self.teller.errors = 0
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
            errors=summary.errors,
        )
        self.status.tell(session_date, account)
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


def _counted(summary: DailySummary, trades: Sequence[Trade]) -> DailySummary:
    """`summary` with what the session's trades say; what the account says stays."""
    results = [t.round_trip_pnl for t in trades if t.round_trip_pnl is not None]
    return replace(
        summary,
        realised_pnl=sum(t.realised_pnl for t in trades),
        trades=len(trades),
        wins=len([pnl for pnl in results if pnl > 0]),
        losses=len([pnl for pnl in results if pnl < 0]),
    )
