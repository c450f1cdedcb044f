"""What the operator says about one symbol: it is ours, it is his, it was looked at (P-12, P-13).

Each answer is written while no engine runs; the next one reads it at its start. Whether shares
are guarded hangs on it, so what would be unclear is refused, and nothing is written then.
"""

from dataclasses import replace
from datetime import datetime

from kis_core.market.symbol import Symbol
from kis_core.ports.store import UnitOfWork
from kis_core.positions.position import PositionSource

# Stands where a reason to halt stands: what is not ours to sell is not ours to add to either.
HANDS_OFF = "직접 관리하는 종목(자동으로 사고팔지 않음)"


class NotPossible(Exception):
    """The symbol is not in the state that the answer is about; the text is Korean."""


def adopt(uow: UnitOfWork, symbol: Symbol) -> str:
    """Take over what a hand bought or changed; what was done, in Korean. Raises NotPossible.

    A position keeps its levels. Shares that were left to the operator become a position, with
    levels from the current ATR, at the engine's next start. Either way the symbol may be entered
    again.
    """
    position = next((p for p in uow.positions() if p.symbol == symbol), None)
    is_left = uow.halted_symbols().get(symbol) == HANDS_OFF
    if position is None and not is_left:
        raise NotPossible("편입할 것이 없습니다: 포지션도, 직접 관리로 둔 종목도 아닙니다.")
    if position is not None and position.source is PositionSource.STRATEGY:
        raise NotPossible("이미 전략이 관리하는 포지션입니다.")
    if position is not None:
        uow.put_position(replace(position, source=PositionSource.ADOPTED))
    uow.clear_halted_symbol(symbol)
    return "편입했습니다. 다음 시작부터 다른 포지션처럼 관리합니다."


def ignore(uow: UnitOfWork, symbol: Symbol, *, at: datetime) -> str:
    """Leave the symbol's shares to the operator: neither guarded nor sold nor added to, until
    they are adopted. Raises NotPossible for what our own strategy bought, and while an order of
    ours is open."""
    if any(order.intent.symbol == symbol for order in uow.live_orders()):
        raise NotPossible("끝나지 않은 주문이 있습니다. 엔진을 한 번 실행해 정리한 뒤 다시 하세요.")
    position = next((p for p in uow.positions() if p.symbol == symbol), None)
    if position is not None and position.source is PositionSource.STRATEGY:
        raise NotPossible("전략이 산 포지션이라 손절 없이 둘 수 없습니다.")
    if position is not None:
        uow.close_position(symbol, at=at, why=HANDS_OFF)
        uow.clear_pending_exit(symbol)
    uow.put_halted_symbol(symbol, why=HANDS_OFF, at=at)
    return "직접 관리로 두었습니다. 손절·익절을 포함해 아무것도 자동으로 하지 않습니다."


def clear_halt(uow: UnitOfWork, symbol: Symbol) -> str:
    """Allow entries in a halted symbol again. Raises NotPossible."""
    why = uow.halted_symbols().get(symbol)
    if why is None:
        raise NotPossible("중지된 종목이 아닙니다.")
    if why == HANDS_OFF:
        raise NotPossible("직접 관리로 둔 종목입니다. 다시 맡기려면 --adopt 를 쓰세요.")
    uow.clear_halted_symbol(symbol)
    return f"종목 중지를 해제했습니다: {why}"
