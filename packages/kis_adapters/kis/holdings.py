"""The account from the pages of inquire-balance, or KisImplausible (F-110).

An answer that could make a position look sold is not believed: rows that do not add up to the
broker's own totals, a row that comes twice, an account of nothing at all. Source: kis-wire 5.7.
"""

from collections.abc import Sequence
from datetime import datetime

from kis_adapters.kis.errors import KisFieldError, KisImplausible
from kis_adapters.kis.wire import BalanceRow, BalanceTotals
from kis_core.market.symbol import Symbol, parse_symbol
from kis_core.market.won import Won
from kis_core.ports.broker import AccountState, Holding

ENDPOINT = "inquire-balance"

_SHORT_CODE = 6
_WIDTHS = {6, 7, 12}  # a share's, an exchange-traded note's, a ledger's (kis-wire 5.1, 7.7)
_NOTES_AND_WARRANTS = ("Q", "J")  # kis-wire 7.7
_PER_ROW_WON = 1  # each row's amount may be rounded on its own
_MOVED_BP = 200  # prices move while several pages are read; costs do not


def account_from(
    rows: Sequence[BalanceRow], totals: BalanceTotals, *, at: datetime, pages_are_many: bool
) -> AccountState:
    """The account at `at`, without the notes and warrants in it, which are never ours. Raises
    KisImplausible, and KisFieldError for an unreadable symbol."""
    _check_rows_are_distinct(rows)
    _check_sums(rows, totals, pages_are_many=pages_are_many)
    _check_is_something(rows, totals)
    by_symbol: dict[Symbol, Holding] = {}
    for row in rows:
        # Issues sold out stay in the list until they settle.
        if row.hldg_qty > 0 and _letter(row.pdno) not in _NOTES_AND_WARRANTS:
            holding = _holding(row)
            by_symbol[holding.symbol] = _together(by_symbol.get(holding.symbol), holding)
    return AccountState(
        at=at,
        holdings=tuple(by_symbol.values()),
        cash=totals.prvs_rcdl_excc_amt,
        deposit=totals.dnca_tot_amt,
        equity=totals.tot_evlu_amt,
        evaluation_pnl=totals.evlu_pfls_smtl_amt,
    )


def short_code(pdno: str, *, endpoint: str) -> Symbol:
    """The six-character code at the end of `pdno`. Raises KisFieldError where it holds none."""
    try:
        if len(pdno) not in _WIDTHS or _letter(pdno) not in ("", "A", *_NOTES_AND_WARRANTS):
            raise ValueError(pdno)
        return parse_symbol(pdno[-_SHORT_CODE:], allow_alphanumeric=True)
    except ValueError:
        raise KisFieldError(endpoint, field="output1.pdno", why="not a short code") from None


def _letter(pdno: str) -> str:
    """What stands before the short code, but for zeros."""
    return pdno[:-_SHORT_CODE].lstrip("0")


def _holding(row: BalanceRow) -> Holding:
    return Holding(
        symbol=short_code(row.pdno, endpoint=ENDPOINT),
        name=row.prdt_name,
        quantity=row.hldg_qty,
        sellable=min(row.ord_psbl_qty, row.hldg_qty),
        cost=row.pchs_amt,
        price=Won(row.prpr),
    )


def _together(one: Holding | None, other: Holding) -> Holding:
    """One entry a symbol: cash and margin shares of an issue are separate rows."""
    if one is None:
        return other
    return Holding(
        symbol=one.symbol,
        name=one.name or other.name,
        quantity=one.quantity + other.quantity,
        sellable=one.sellable + other.sellable,
        cost=one.cost + other.cost,
        price=one.price or other.price,
    )


def _check_rows_are_distinct(rows: Sequence[BalanceRow]) -> None:
    keys = [(row.pdno[-_SHORT_CODE:], row.trad_dvsn_name, row.loan_dt) for row in rows]
    if len(set(keys)) != len(keys):
        raise KisImplausible(ENDPOINT, "the same holding comes twice")


def _check_sums(rows: Sequence[BalanceRow], totals: BalanceTotals, *, pages_are_many: bool) -> None:
    """A total that is 0 beside rows that are not was left blank, and says nothing missing."""
    slack = _PER_ROW_WON * len(rows)
    cost = sum(row.pchs_amt for row in rows)
    if totals.pchs_amt_smtl_amt and abs(cost - totals.pchs_amt_smtl_amt) > slack:
        raise KisImplausible(ENDPOINT, "the holdings' cost does not add up to the total")
    value = sum(row.evlu_amt for row in rows)
    if pages_are_many:
        slack += totals.scts_evlu_amt * _MOVED_BP // 10_000
    if totals.scts_evlu_amt and abs(value - totals.scts_evlu_amt) > slack:
        raise KisImplausible(ENDPOINT, "the holdings' value does not add up to the total")


def _check_is_something(rows: Sequence[BalanceRow], totals: BalanceTotals) -> None:
    amounts = (totals.dnca_tot_amt, totals.prvs_rcdl_excc_amt, totals.tot_evlu_amt)
    if not any(row.hldg_qty for row in rows) and not any(amounts):
        raise KisImplausible(ENDPOINT, "neither holdings nor cash: an account of nothing")
