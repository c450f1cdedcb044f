"""Broker on the KIS domestic-stock REST API.

The one place where an order's fields get KIS's names. Source: kis-wire sections 5.1, 5.2, 5.6, 5.7.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from kis_adapters.kis.client import KisClient
from kis_adapters.kis.endpoints import (
    BALANCE,
    ORDER_BUY,
    ORDER_CANCEL,
    ORDER_SELL,
    ORDERS,
    ORDERS_BEFORE_3_MONTHS,
    Endpoint,
)
from kis_adapters.kis.errors import KisError, KisFieldError, KisImplausible, KisRefused
from kis_adapters.kis.holdings import account_from
from kis_adapters.kis.order_list import orders_from
from kis_adapters.kis.paging import read_pages
from kis_adapters.kis.wire import (
    BalanceRow,
    BalanceTotals,
    OrderAnswer,
    OrderRow,
    object_at,
    read,
)
from kis_core.market.symbol import Symbol
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side, TradingMode
from kis_core.ports.broker import (
    Accepted,
    AccountState,
    Broker,
    BrokerOrder,
    BrokerUnavailable,
    NotSent,
    OrderTicket,
    OutcomeUnknown,
    Rejected,
)

_ORDER_TYPES = {OrderType.LIMIT: "00", OrderType.MARKET: "01"}
_VENUE = "KRX"  # O-15
_CANCEL = "02"  # RVSE_CNCL_DVSN_CD
_NUMBER_DIGITS = 10
_RECENT = timedelta(days=85)  # the recent list reaches back three months


class KisRestBroker(Broker):
    """One account at KIS. Every order and every cancel is one request, never repeated."""

    def __init__(self, client: KisClient) -> None:
        self._client = client
        credentials = client.credentials
        self._account = {
            "CANO": credentials.account_no,
            "ACNT_PRDT_CD": credentials.product_code,
        }

    def place(self, ticket: OrderTicket) -> Accepted | Rejected:
        """See the port. The token is not waited for: an order's price does not keep."""
        if ticket.quantity < 1 or (ticket.order_type is OrderType.MARKET) != (ticket.price == 0):
            raise NotSent(f"주문 내용이 맞지 않습니다: {ticket.order_id}")
        body = {
            **self._account,
            "PDNO": ticket.symbol,
            "ORD_DVSN": _ORDER_TYPES[ticket.order_type],
            "ORD_QTY": str(ticket.quantity),
            "ORD_UNPR": str(ticket.price),
            "EXCG_ID_DVSN_CD": _VENUE,
        }
        return self._sent(ORDER_BUY if ticket.side is Side.BUY else ORDER_SELL, body)

    def cancel(
        self, *, broker_order_no: str, broker_branch: str, symbol: Symbol
    ) -> Accepted | Rejected:
        """See the port. KIS identifies an order by number and branch; `symbol` is not sent."""
        del symbol
        body = {
            **self._account,
            "KRX_FWDG_ORD_ORGNO": broker_branch,
            "ORGN_ODNO": broker_order_no.zfill(_NUMBER_DIGITS),
            "ORD_DVSN": "00",
            "RVSE_CNCL_DVSN_CD": _CANCEL,
            "ORD_QTY": "0",
            "ORD_UNPR": "0",
            "QTY_ALL_ORD_YN": "Y",
            "EXCG_ID_DVSN_CD": _VENUE,
        }
        return self._sent(ORDER_CANCEL, body)

    def orders_of(self, session_date: date) -> tuple[BrokerOrder, ...]:
        """See the port. Oldest first, so that an order placed meanwhile moves no page."""
        is_recent = self._client.clock.now().date() - session_date <= _RECENT
        endpoint = ORDERS if is_recent else ORDERS_BEFORE_3_MONTHS
        day = f"{session_date:%Y%m%d}"
        params = {
            **self._account,
            "INQR_STRT_DT": day,
            "INQR_END_DT": day,
            "SLL_BUY_DVSN_CD": "00",
            "INQR_DVSN": "01",
            "PDNO": "",
            "CCLD_DVSN": "00",
            "ORD_GNO_BRNO": "",
            "ODNO": "",
            "INQR_DVSN_3": "00",
            "INQR_DVSN_1": "",
            "EXCG_ID_DVSN_CD": self._listed_venues(),
        }
        with self._translated():
            pages = read_pages(self._client, endpoint, params, rows_key="output1")
            rows = []
            for row in pages.rows:
                self._client.drift.see(ORDERS.name, "output1", row)
                rows.append(read(OrderRow, row, endpoint=endpoint.name, at="output1"))
            return orders_from(rows, session_date=session_date)

    def account(self) -> AccountState:
        """See the port."""
        params = {
            **self._account,
            "AFHR_FLPR_YN": "N",
            "OFL_YN": "",
            "INQR_DVSN": "02",
            "UNPR_DVSN": "01",
            "FUND_STTL_ICLD_YN": "N",
            "FNCG_AMT_AUTO_RDPT_YN": "N",
            "PRCS_DVSN": "00",
        }
        name = BALANCE.name
        with self._translated():
            pages = read_pages(self._client, BALANCE, params, rows_key="output1")
            at = self._client.clock.now()
            rows = []
            for row in pages.rows:
                self._client.drift.see(name, "output1", row)
                rows.append(read(BalanceRow, row, endpoint=name, at="output1"))
            told = object_at(pages.last, "output2", endpoint=name)
            self._client.drift.see(name, "output2", told)
            totals = read(BalanceTotals, told, endpoint=name, at="output2")
            return account_from(rows, totals, at=at, pages_are_many=pages.count > 1)

    def _sent(self, endpoint: Endpoint, body: dict[str, str]) -> Accepted | Rejected:
        try:
            envelope = self._client.send_order(endpoint, body)
        except KisRefused as error:
            return Rejected(kind=error.classified.kind, code=error.code or "", why=error.text)
        try:
            output = object_at(envelope.body, "output", endpoint=endpoint.name)
            self._client.drift.see("order", "output", output)
            answer = read(OrderAnswer, output, endpoint=endpoint.name)
        except KisFieldError as error:
            # Accepted without a number is not accepted: only the list can tell what it was.
            self._client.report(error)
            raise OutcomeUnknown(error.why) from error
        return Accepted(broker_order_no=str(answer.odno), broker_branch=answer.krx_fwdg_ord_orgno)

    def _listed_venues(self) -> str:
        """Whoever sent it: REAL has further exchanges, the paper server knows KRX alone."""
        return "ALL" if self._client.mode is TradingMode.REAL else _VENUE

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except KisError as error:
            if isinstance(error, KisFieldError | KisImplausible):
                self._client.report(error)
            raise BrokerUnavailable(str(error)) from error
