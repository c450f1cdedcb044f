"""Why the simulated broker turns an order away; the words for it are the ledger's (`wording`)."""

from enum import StrEnum, unique


@unique
class RefusalReason(StrEnum):
    """The checks an order can fail."""

    HOLIDAY = "holiday"
    BEFORE_OPEN = "before_open"
    AFTER_CLOSE = "after_close"
    UNKNOWN_SYMBOL = "unknown_symbol"
    HALTED = "halted"
    QUANTITY = "quantity"
    TICK = "tick"
    PRICE_LIMIT = "price_limit"
    AUCTION_LIMIT_ONLY = "auction_limit_only"
    NOT_OFFERED = "not_offered"
    CASH = "cash"
    NO_HOLDING = "no_holding"
    SELL_QUANTITY = "sell_quantity"
    NO_ORIGINAL = "no_original"
    NOTHING_LEFT = "nothing_left"


class Refusal(Exception):
    """The order did not reach the exchange."""

    def __init__(self, reason: RefusalReason) -> None:
        super().__init__(reason.value)
        self.reason = reason
