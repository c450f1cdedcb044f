"""The listed symbols, in the order in which the operator listed them (U-02)."""

from collections.abc import Sequence

from kis_core.market.symbol import Symbol, parse_symbol


def select_fixed(
    stocks: Sequence[str], *, max_stocks: int, allow_alphanumeric: bool
) -> tuple[Symbol, ...]:
    """The first `max_stocks` distinct symbols of `stocks`.

    Every entry must be valid, also one that would be cut: what is listed is meant (U-12). Raises
    ValueError with a Korean sentence for an invalid code, for `max_stocks` below 1, and when
    nothing is left, for no symbols means no trading (U-11).
    """
    if max_stocks < 1:
        raise ValueError(f"max_stocks는 1 이상이어야 합니다: {max_stocks}")
    parsed = [parse_symbol(text, allow_alphanumeric=allow_alphanumeric) for text in stocks]
    distinct = tuple(dict.fromkeys(parsed))
    if not distinct:
        raise ValueError("거래할 종목이 없습니다: 유니버스의 stocks가 비어 있습니다")
    return distinct[:max_stocks]
