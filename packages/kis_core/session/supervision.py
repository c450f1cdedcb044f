"""Keeping the risk record: the day's start equity, the high-water mark, the kill switch.

The kill switch stops entries and nothing else: exits stay allowed and the process stays alive
(F-048). The setting and the file `data/KILL_SWITCH` switch entries off for as long as they say
so. Too many API errors in a row and the drawdown limit are written to the record: they stay on
through restarts until they are cleared on purpose.
"""

from dataclasses import dataclass, replace
from datetime import date

from kis_core.ports.broker import AccountState
from kis_core.ports.clock import Clock
from kis_core.ports.files import KillSwitchFile
from kis_core.ports.notifier import EventKind, Level
from kis_core.ports.store import AccountSnapshot, CommitOutcomeUnknown, StoreUnavailable
from kis_core.risk.drawdown import DrawdownSignal, after_equity
from kis_core.risk.kill_switch import (
    PAUSED,
    after_api_error,
    clear,
    engage,
    is_paused,
    lift_pause,
)
from kis_core.risk.state import RiskRecord, roll_session
from kis_core.session.books import Books
from kis_core.session.custody import Custody
from kis_core.session.settings import SessionSettings
from kis_core.session.telling import Teller


@dataclass(slots=True)
class Supervision:
    """Writes the risk record down whenever it changes."""

    books: Books
    custody: Custody
    kill_switch_file: KillSwitchFile
    clock: Clock
    teller: Teller
    settings: SessionSettings
    outside: str | None = None

    def begin_session(self, session_date: date, account: AccountState) -> None:
        """Start the session's record, once; a restart within the session finds it again."""
        self._keep(roll_session(self.books.risk, session_date=session_date, equity=account.equity))
        self.check_kill_switch()

    def blocks_entries(self) -> bool:
        """Whether a kill switch is on, or there is no record yet to know it by."""
        return self.books.risk is None or self.reason() is not None

    def reason(self) -> str | None:
        """Why entries are switched off: by the record, or from outside."""
        stored = self.books.risk.kill_switch if self.books.risk is not None else None
        return stored or self.outside

    def check_kill_switch(self) -> None:
        """Look at the setting and the file; tell when that changes anything."""
        before, self.outside = self.outside, self.settings.kill_switch
        if self.outside is None:
            self.outside = self.kill_switch_file.reason()
        if self.outside is not None and before is None:
            self._tell_on(self.outside)
        elif self.outside is None and before is not None:
            self.teller.tell(EventKind.KILL_SWITCH_OFF, None, Level.WARNING, reason=before)

    def switch_on(self, reason: str) -> None:
        """Stop entries until a person clears the switch; a pause gives way to it."""
        self._keep(engage(self._record(), reason=reason, at=self.clock.now()))

    def pause(self) -> None:
        """Stop entries until `resume`; what stops them already stays as it is."""
        self._keep(engage(self._record(), reason=PAUSED, at=self.clock.now()))

    @property
    def is_paused(self) -> bool:
        """Whether entries are stopped by a pause alone."""
        return self.books.risk is not None and is_paused(self.books.risk)

    def resume(self) -> None:
        """Lift a pause."""
        self._keep(lift_pause(self._record()))

    def switch_off(self) -> None:
        """Clear the switch on record, on purpose; a drawdown is measured anew from here."""
        record = self._record()
        account = self.custody.state
        equity = account.equity if account is not None else record.start_equity
        self._keep(clear(record, equity=equity, limits=self.settings.limits))
        self.teller.tell(EventKind.KILL_SWITCH_OFF, None, Level.WARNING, reason=record.kill_switch)

    def _record(self) -> RiskRecord:
        if self.books.risk is None:
            raise ValueError("no risk record has begun")
        return self.books.risk

    def note_api_error(self) -> None:
        """One more piece of work failed because nothing answered. Never raises."""
        record = self.books.risk
        if record is not None:
            now = self.clock.now()
            self._keep_or_tell(after_api_error(record, at=now, limits=self.settings.limits))

    def note_answer(self) -> None:
        """Something answered: the errors before it were not in a row. Never raises."""
        record = self.books.risk
        if record is not None and record.api_error_times:
            self._keep_or_tell(replace(record, api_error_times=()))

    def snapshot(self, session_date: date, account: AccountState) -> AccountSnapshot:
        """Keep a snapshot of the account, and look at the drawdown."""
        with self.books.writing() as uow:
            realised = sum(t.realised_pnl for t in uow.trades_of(session_date))
            snapshot = AccountSnapshot(
                session_date=session_date,
                at=account.at,
                cash=account.cash,
                equity=account.equity,
                evaluation_pnl=account.evaluation_pnl,
                realised_pnl=realised,
                positions=len(self.books.positions),
            )
            uow.add_snapshot(snapshot)
        self.teller.tell(
            EventKind.ACCOUNT_SNAPSHOT,
            None,
            Level.DEBUG,
            cash=account.cash,
            equity=account.equity,
            evaluation_pnl=account.evaluation_pnl,
            realised_pnl=realised,
        )
        self._watch_drawdown(account)
        return snapshot

    def _watch_drawdown(self, account: AccountState) -> None:
        record = self.books.risk
        if record is None:
            return
        now = self.clock.now()
        after, signal = after_equity(
            record, equity=account.equity, limits=self.settings.limits, at=now
        )
        self._keep(after)
        if signal is DrawdownSignal.WARN:
            self.teller.tell(
                EventKind.RISK_LIMIT,
                None,
                Level.WARNING,
                limit="drawdown_warn",
                equity=account.equity,
                high_water_mark=after.high_water_mark,
            )

    def _keep_or_tell(self, record: RiskRecord) -> None:
        try:
            self._keep(record)
        except (StoreUnavailable, CommitOutcomeUnknown) as error:
            self.teller.tell(
                EventKind.STORE_UNAVAILABLE, None, Level.ERROR, item="risk", why=str(error)
            )

    def _keep(self, record: RiskRecord) -> None:
        before = self.books.risk
        if record == before:
            return
        with self.books.writing() as uow:
            uow.put_risk(record)
        self.books.risk = record
        known = before.kill_switch if before is not None else None
        if record.kill_switch not in (None, PAUSED, known):
            self._tell_on(str(record.kill_switch))

    def _tell_on(self, reason: str) -> None:
        self.teller.tell(EventKind.KILL_SWITCH_ON, None, Level.ERROR, reason=reason)
