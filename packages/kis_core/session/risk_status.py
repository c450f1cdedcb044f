"""What the limits stand at, told at the start of the day and at its close (R-06).

The realised result is that of closed trades, net of fees and tax, and is what the limits look
at; the evaluation is the broker's word on what is still held. They are two figures and are not
expected to agree.
"""

from dataclasses import dataclass
from datetime import date

from kis_core.ports.broker import AccountState
from kis_core.ports.notifier import EventKind
from kis_core.session.approvals import Approvals
from kis_core.session.telling import Teller


@dataclass(slots=True)
class RiskStatus:
    """Tells the risk state of a session, by what the database has of it."""

    approvals: Approvals
    teller: Teller
    _started: date | None = None

    def tell_start(self, session_date: date, account: AccountState) -> None:
        """Tell it once a session and process."""
        if self._started != session_date:
            self.tell(session_date, account)
            self._started = session_date

    def tell(self, session_date: date, account: AccountState) -> None:
        """Tell it. Raises StoreUnavailable."""
        state = self.approvals.state(session_date, equity=account.equity)
        self.teller.tell(
            EventKind.RISK_STATUS,
            realised_pnl=state.realised_pnl,
            evaluation_pnl=account.evaluation_pnl,
            entries=state.entries,
            consecutive_losses=state.consecutive_losses,
            positions=len(self.approvals.books.positions),
            equity=account.equity,
            start_equity=state.record.start_equity,
            high_water_mark=state.record.high_water_mark,
            kill_switch=state.record.kill_switch,
        )
