"""Symbol names as listeners ask for them: the broker's word before the shipped list's (N-03)."""

from datetime import datetime
from pathlib import Path

import pytest

from apps.listeners import Names
from kis_adapters.memory.store import MemoryStore
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.session.books import Books

_LISTING = Path(__file__).parents[3] / "config" / "kospi200.csv"


@pytest.mark.req("N-03")
def test_the_listing_names_a_symbol_until_the_broker_does() -> None:
    store = MemoryStore(Namespace(mode=TradingMode.PAPER, account="9900000101"))
    names, books = Names(_LISTING), Books(store)
    samsung, stranger = Symbol("005930"), Symbol("999990")
    before = names.of(samsung)

    names.follow(books)
    unheard = names.of(samsung)
    books.keep_names({samsung: "이름이 바뀐 전자"}, at=datetime(2026, 11, 24, 9, 0, tzinfo=KST))

    assert (before, unheard) == ("삼성전자", "삼성전자")
    assert names.of(samsung) == "이름이 바뀐 전자"
    assert names.of(stranger) is None
