"""The fixed universe (U-02, U-11, U-12)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kis_core.market.symbol import Symbol
from kis_core.universe.fixed import select_fixed


def _select(
    *stocks: str, max_stocks: int = 5, allow_alphanumeric: bool = False
) -> tuple[Symbol, ...]:
    return select_fixed(stocks, max_stocks=max_stocks, allow_alphanumeric=allow_alphanumeric)


@pytest.mark.req("U-02")
def test_the_list_keeps_its_order_and_is_cut() -> None:
    assert _select("035720", "005930", "000660", max_stocks=2) == ("035720", "005930")


@pytest.mark.req("U-11")
def test_a_symbol_listed_twice_is_taken_once_and_uses_up_one_place() -> None:
    selected = _select("005930", "005930", "000660", max_stocks=2)

    assert selected == ("005930", "000660")


@pytest.mark.req("U-11")
def test_no_stocks_at_all_stops_with_a_korean_sentence() -> None:
    with pytest.raises(ValueError, match="종목이 없습니다"):
        _select()


@pytest.mark.req("U-11")
def test_a_universe_of_at_most_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="max_stocks"):
        _select("005930", max_stocks=0)


@pytest.mark.req("U-12")
def test_a_listed_code_with_letters_is_an_error_unless_allowed() -> None:
    with pytest.raises(ValueError, match="allow_alphanumeric_codes"):
        _select("005930", "0126Z0")
    assert _select("005930", "0126Z0", allow_alphanumeric=True) == ("005930", "0126Z0")


@pytest.mark.req("U-11", "U-12")
def test_an_invalid_code_is_an_error_even_where_it_would_be_cut() -> None:
    with pytest.raises(ValueError, match="종목코드"):
        _select("005930", "5930", max_stocks=1)


@pytest.mark.req("U-02", "U-11")
@given(
    stocks=st.lists(st.from_regex(r"[0-9]{6}", fullmatch=True).filter(str.isascii), min_size=1),
    most=st.integers(1, 10),
)
def test_a_selection_is_distinct_ordered_and_bounded(stocks: list[str], most: int) -> None:
    selected = _select(*stocks, max_stocks=most)

    assert 1 <= len(selected) <= most
    assert len(set(selected)) == len(selected)
    positions = [stocks.index(symbol) for symbol in selected]
    assert positions == sorted(positions)
