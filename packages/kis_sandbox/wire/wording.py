"""The ledgers' words for a refused or accepted order. Source: kis-wire section 3.4.

The real ledger reuses codes, so clients must read the message too. Where no source gives the
real ledger's code (tick, price limit, nothing to cancel, unknown original), the text is the
known one under the code of its neighbours.
"""

from kis_sandbox.order import Kind, Side
from kis_sandbox.refusal import RefusalReason

PAPER_ACCEPTED = {
    (Kind.NEW, Side.BUY): ("40600000", "모의투자 매수주문이 완료 되었습니다."),
    (Kind.NEW, Side.SELL): ("40590000", "모의투자 매도주문이 완료 되었습니다."),
    (Kind.AMEND, Side.BUY): ("40620000", "모의투자 정정주문이 완료 되었습니다."),
    (Kind.AMEND, Side.SELL): ("40620000", "모의투자 정정주문이 완료 되었습니다."),
    (Kind.CANCEL, Side.BUY): ("40630000", "모의투자 취소주문이 완료 되었습니다."),
    (Kind.CANCEL, Side.SELL): ("40630000", "모의투자 취소주문이 완료 되었습니다."),
}
REAL_ACCEPTED = ("APBK0013", "주문 전송 완료 되었습니다.")

_UNTRADABLE = ("40070000", "모의투자 주문처리가 안되었습니다(매매불가 종목)")
_NO_HOLDING = ("40240000", "모의투자 잔고내역이 없습니다.")

PAPER_REFUSED: dict[RefusalReason, tuple[str, str]] = {
    RefusalReason.HOLIDAY: ("40100000", "모의투자 영업일이 아닙니다."),
    RefusalReason.BEFORE_OPEN: ("40570000", "모의투자 장시작전 입니다."),
    RefusalReason.AFTER_CLOSE: ("40580000", "모의투자 장종료 입니다."),
    RefusalReason.UNKNOWN_SYMBOL: _UNTRADABLE,
    RefusalReason.HALTED: _UNTRADABLE,
    RefusalReason.QUANTITY: ("40010000", "모의투자 주문수량을 확인 하여 주십시요."),
    RefusalReason.TICK: ("40030000", "모의투자 주문처리가 안되었습니다(호가단위 오류)"),
    RefusalReason.PRICE_LIMIT: ("40270000", "모의투자 상/하한가 오류"),
    RefusalReason.AUCTION_LIMIT_ONLY: ("90000000", "모의투자에서는 해당업무가 제공되지 않습니다."),
    RefusalReason.NOT_OFFERED: ("90000000", "모의투자에서는 해당업무가 제공되지 않습니다."),
    RefusalReason.CASH: ("40250000", "모의투자 주문가능금액이 부족합니다."),
    RefusalReason.NO_HOLDING: _NO_HOLDING,
    RefusalReason.SELL_QUANTITY: _NO_HOLDING,
    RefusalReason.NO_ORIGINAL: ("40320000", "모의투자 원주문번호가 존재하지 않습니다."),
    RefusalReason.NOTHING_LEFT: ("40330000", "모의투자 정정/취소할 수량이 없습니다."),
}

_CLOSED = ("APBK0918", "장운영시간이 아닙니다.")
_AUCTION = (
    "APBK3013",
    "[단일가매매] 지정가 주문(신규/정정/취소) 및 최유리/최우선 취소 주문만 가능합니다",
)

REAL_REFUSED: dict[RefusalReason, tuple[str, str]] = {
    RefusalReason.HOLIDAY: ("APBK0919", "장운영일자가 주문일과 상이합니다"),
    RefusalReason.BEFORE_OPEN: _CLOSED,
    RefusalReason.AFTER_CLOSE: _CLOSED,
    RefusalReason.UNKNOWN_SYMBOL: ("APBK0656", "해당종목정보가 없습니다"),
    RefusalReason.HALTED: ("APBK0918", "거래정지 종목입니다."),
    RefusalReason.QUANTITY: ("APBK0918", "주문수량을 확인 하여 주십시요."),
    RefusalReason.TICK: ("APBK0918", "주식주문호가단위 오류입니다."),
    RefusalReason.PRICE_LIMIT: ("APBK0918", "상/하한가를 초과하는 주문입니다."),
    RefusalReason.AUCTION_LIMIT_ONLY: _AUCTION,
    RefusalReason.NOT_OFFERED: _CLOSED,
    RefusalReason.CASH: ("APBK0918", "주문가능금액을 초과 했습니다"),
    RefusalReason.NO_HOLDING: ("APBK0400", "주문 가능한 수량을 초과했습니다."),
    RefusalReason.SELL_QUANTITY: ("APBK0400", "주문 가능한 수량을 초과했습니다."),
    RefusalReason.NO_ORIGINAL: ("APBK0918", "원주문번호가 존재하지 않습니다."),
    RefusalReason.NOTHING_LEFT: ("APBK0918", "정정/취소할 수량이 없습니다."),
}

INQUIRED_PAPER = ("20310000", "모의투자 조회가 완료되었습니다.")
INQUIRED_REAL = ("KIOK0510", "조회가 완료되었습니다")
MORE_REAL = ("KIOK0500", "조회가 계속됩니다..다음버튼을 Click 하십시오.")
LAST_REAL = ("KIOK0460", "조회 되었습니다. (마지막 자료)")
NO_ROWS_PAPER = ("70070000", "모의투자 조회할 내역(자료)이 없습니다.")
