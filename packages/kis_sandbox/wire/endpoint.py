"""Every business endpoint: path, TR ids, required fields, and who offers it.

Paper ids are the real ones with V for the first letter, but for quotes (FH...), which are the
same on both. Source: kis-wire sections 2.1, 4 and 5.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kis_sandbox.sandbox import Sandbox
from kis_sandbox.wire import (
    book,
    quote_chart,
    quote_index,
    quote_info,
    quote_price,
    quote_price_more,
    quote_rank,
    trading_balance,
    trading_list,
    trading_means,
    trading_order,
)
from kis_sandbox.wire.answer import Answer
from kis_sandbox.wire.call import Call

Handler = Callable[[Sandbox, Call], Answer]

_QUOTATIONS = "/uapi/domestic-stock/v1/quotations"
_RANKING = "/uapi/domestic-stock/v1/ranking"
_TRADING = "/uapi/domestic-stock/v1/trading"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint. `tr_ids` are the real server's; `needs_account` is true of trading calls."""

    method: str
    path: str
    tr_ids: tuple[str, ...]
    handler: Handler
    fields: tuple[str, ...]
    is_on_paper: bool
    needs_account: bool = False

    @property
    def route(self) -> str:
        """The path's last part: how faults and counts name the endpoint."""
        return self.path.rsplit("/", 1)[1]

    def served_tr_ids(self, *, on_paper: bool) -> Iterator[str]:
        """The TR ids under which this personality serves it."""
        if not on_paper:
            yield from self.tr_ids
        elif self.is_on_paper:
            yield from (paper_tr_id(tr_id) for tr_id in self.tr_ids)


def paper_tr_id(tr_id: str) -> str:
    """The paper server's id of a real one."""
    return "V" + tr_id[1:] if tr_id[0] in "TJC" else tr_id


def _quote(
    name: str,
    tr_id: str,
    handler: Handler,
    fields: tuple[str, ...],
    *,
    is_on_paper: bool,
    base: str = _QUOTATIONS,
) -> Endpoint:
    return Endpoint(
        method="GET",
        path=f"{base}/{name}",
        tr_ids=(tr_id,),
        handler=handler,
        fields=fields,
        is_on_paper=is_on_paper,
    )


def _trade(
    name: str,
    tr_ids: str,
    handler: Handler,
    fields: tuple[str, ...],
    *,
    is_on_paper: bool = True,
    method: str = "GET",
) -> Endpoint:
    return Endpoint(
        method=method,
        path=f"{_TRADING}/{name}",
        tr_ids=tuple(tr_ids.split()),
        handler=handler,
        fields=("CANO", "ACNT_PRDT_CD", *fields),
        is_on_paper=is_on_paper,
        needs_account=True,
    )


_SYMBOL = quote_price.SYMBOL_FIELDS

ENDPOINTS: tuple[Endpoint, ...] = (
    _quote("inquire-price", "FHKST01010100", quote_price.inquire_price, _SYMBOL, is_on_paper=True),
    _quote(
        "inquire-price-2",
        "FHPST01010000",
        quote_price_more.inquire_price_2,
        _SYMBOL,
        is_on_paper=False,
    ),
    _quote(
        "inquire-asking-price-exp-ccn",
        "FHKST01010200",
        book.asking_price,
        _SYMBOL,
        is_on_paper=True,
    ),
    _quote(
        "inquire-daily-price",
        "FHKST01010400",
        quote_chart.daily_price,
        quote_chart.DAILY_FIELDS,
        is_on_paper=True,
    ),
    _quote(
        "inquire-daily-itemchartprice",
        "FHKST03010100",
        quote_chart.daily_chart,
        quote_chart.CHART_FIELDS,
        is_on_paper=True,
    ),
    _quote(
        "inquire-time-itemchartprice",
        "FHKST03010200",
        quote_chart.minute_chart,
        quote_chart.MINUTE_FIELDS,
        is_on_paper=True,
    ),
    _quote(
        "inquire-time-dailychartprice",
        "FHKST03010230",
        quote_chart.minute_chart_of_day,
        quote_chart.MINUTE_OF_DAY_FIELDS,
        is_on_paper=False,
    ),
    _quote(
        "volume-rank",
        "FHPST01710000",
        quote_rank.volume_rank,
        quote_rank.VOLUME_FIELDS,
        is_on_paper=False,
    ),
    _quote(
        "market-cap",
        "FHPST01740000",
        quote_rank.market_cap,
        quote_rank.VALUE_FIELDS,
        is_on_paper=False,
        base=_RANKING,
    ),
    _quote(
        "chk-holiday",
        "CTCA0903R",
        quote_info.holidays,
        quote_info.HOLIDAY_FIELDS,
        is_on_paper=False,
    ),
    _quote(
        "search-stock-info",
        "CTPF1002R",
        quote_info.stock_info,
        quote_info.PRODUCT_FIELDS,
        is_on_paper=False,
    ),
    _quote(
        "search-info",
        "CTPF1604R",
        quote_info.product_info,
        quote_info.PRODUCT_FIELDS,
        is_on_paper=False,
    ),
    _quote(
        "intstock-multprice",
        "FHKST11300006",
        quote_price_more.multi_price,
        quote_price_more.MULTI_FIELDS,
        is_on_paper=False,
    ),
    _quote(
        "inquire-vi-status",
        "FHPST01390000",
        quote_info.vi_status,
        quote_info.VI_FIELDS,
        is_on_paper=False,
    ),
    _quote(
        "inquire-index-price",
        "FHPUP02100000",
        quote_index.index_price,
        _SYMBOL,
        is_on_paper=False,
    ),
    _quote(
        "inquire-daily-indexchartprice",
        "FHKUP03500100",
        quote_index.index_chart,
        quote_index.CHART_FIELDS,
        is_on_paper=True,
    ),
    _quote(
        "inquire-index-daily-price",
        "FHPUP02120000",
        quote_index.index_daily,
        quote_index.DAILY_FIELDS,
        is_on_paper=False,
    ),
    _trade(
        "order-cash",
        "TTTC0011U TTTC0012U TTTC0801U TTTC0802U",
        trading_order.order_cash,
        trading_order.ORDER_FIELDS,
        method="POST",
    ),
    _trade(
        "order-rvsecncl",
        "TTTC0013U TTTC0803U",
        trading_order.order_revise,
        trading_order.REVISION_FIELDS,
        method="POST",
    ),
    _trade("inquire-psbl-order", "TTTC8908R", trading_means.buyable, trading_means.BUYABLE_FIELDS),
    _trade(
        "inquire-psbl-sell",
        "TTTC8408R",
        trading_means.sellable,
        trading_means.SELLABLE_FIELDS,
        is_on_paper=False,
    ),
    _trade(
        "inquire-psbl-rvsecncl",
        "TTTC0084R TTTC8036R",
        trading_list.open_orders,
        trading_list.OPEN_FIELDS,
        is_on_paper=False,
    ),
    _trade(
        "inquire-daily-ccld",
        "TTTC0081R TTTC8001R CTSC9215R CTSC9115R",
        trading_list.daily_orders,
        trading_list.DAILY_FIELDS,
    ),
    _trade("inquire-balance", "TTTC8434R", trading_balance.balance, trading_balance.BALANCE_FIELDS),
    _trade(
        "inquire-balance-rlz-pl",
        "TTTC8494R",
        trading_balance.balance_realised,
        trading_balance.REALISED_FIELDS,
        is_on_paper=False,
    ),
    _trade(
        "inquire-account-balance",
        "CTRP6548R",
        trading_balance.account_balance,
        trading_balance.ASSET_FIELDS,
        is_on_paper=False,
    ),
)

BY_PATH = {endpoint.path: endpoint for endpoint in ENDPOINTS}
KNOWN_REAL = frozenset(tr_id for e in ENDPOINTS for tr_id in e.tr_ids)
IN_PAPER_FORM = frozenset(paper_tr_id(tr_id) for tr_id in KNOWN_REAL)
