"""A broker that takes orders only while this program is the account's only one (P-02)."""

from datetime import date

from kis_core.market.symbol import Symbol
from kis_core.ports.account_lock import AccountLock
from kis_core.ports.broker import (
    Accepted,
    AccountState,
    Broker,
    BrokerOrder,
    NotSent,
    OrderTicket,
    Rejected,
)


class LockedBroker(Broker):
    """Asks the account's lock before every order; inquiries and cancels pass."""

    def __init__(self, broker: Broker, lock: AccountLock) -> None:
        self._broker = broker
        self._lock = lock

    def place(self, ticket: OrderTicket) -> Accepted | Rejected:
        if not self._lock.is_held():
            raise NotSent("계좌 잠금을 잃었습니다", code="account_lock_lost")
        return self._broker.place(ticket)

    def cancel(
        self, *, broker_order_no: str, broker_branch: str, symbol: Symbol
    ) -> Accepted | Rejected:
        return self._broker.cancel(
            broker_order_no=broker_order_no, broker_branch=broker_branch, symbol=symbol
        )

    def orders_of(self, session_date: date) -> tuple[BrokerOrder, ...]:
        return self._broker.orders_of(session_date)

    def account(self) -> AccountState:
        return self._broker.account()
