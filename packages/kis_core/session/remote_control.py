"""Carrying out what the operator asked for from afar, inside the engine's own thread.

A command is done once its effect is committed; until then it waits, also through a database that
does not answer. Done twice it is done once: a switch that is on stays on, a sale that is on its
way stays the one sale. Nothing here sends an order: a sale is parked as an exit that is due, and
the guard places it as it places every other (O-10, O-12).
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from kis_core.market.symbol import Symbol
from kis_core.orders.identity import Side
from kis_core.orders.pending_exit import PendingExit
from kis_core.ports.clock import Clock
from kis_core.ports.notifier import EventKind, Level
from kis_core.ports.operator_inbox import CommandKind, OperatorCommand, OperatorInbox
from kis_core.session.books import Books
from kis_core.session.supervision import Supervision
from kis_core.session.telling import Teller
from kis_core.strategy.decision import Reason

BY_MESSAGE = "operator"  # the code of an exit that no refusal parked
_REMEMBERED = 500


@dataclass(frozen=True, slots=True)
class _Refused:
    why: str


@dataclass(slots=True)
class RemoteControl:
    """Takes commands from `inbox` (None: nobody gives any) and carries them out in order."""

    inbox: OperatorInbox | None
    books: Books
    supervision: Supervision
    clock: Clock
    teller: Teller
    _waiting: list[OperatorCommand] = field(default_factory=list)
    _known: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def listen(self) -> bool:
        """Take what has come; whether anything waits to be carried out."""
        if self.inbox is not None:
            for command in self.inbox.take():
                if command.command_id not in self._known:
                    self._remember(command.command_id)
                    self._waiting.append(command)
        return bool(self._waiting)

    def obey(self) -> bool:
        """Carry out what waits; whether a sale is now due. What waits for the first risk record
        of an account goes on waiting: without one nothing is entered anyway.

        Raises what the store raises; the command that met it waits on, and those behind it.
        """
        is_sale_due = False
        while self._waiting and self.books.risk is not None:
            command = self._waiting[0]
            refused = self._carry_out(command)
            del self._waiting[0]
            is_sale_due |= command.kind is CommandKind.SELL and refused is None
            self._tell(command, refused)
        return is_sale_due

    def _carry_out(self, command: OperatorCommand) -> _Refused | None:
        match command.kind:
            case CommandKind.KILL:
                self.supervision.switch_on(command.about or "사람의 지시(/kill)")
            case CommandKind.PAUSE:
                return self._pause()
            case CommandKind.RESUME:
                return self._resume()
            case CommandKind.CLEAR_KILL_SWITCH:
                return self._clear(command.about)
            case CommandKind.SELL:
                return self._sell(command.symbol)
            case CommandKind.KEEP:
                return self._keep(command.symbol)
        return None

    def _pause(self) -> _Refused | None:
        self.supervision.pause()
        if not self.supervision.is_paused:
            return _Refused(f"이미 킬 스위치로 멈춰 있습니다: {self.supervision.reason()}")
        return None

    def _resume(self) -> _Refused | None:
        reason = self.supervision.reason()
        if reason is not None and not self.supervision.is_paused:
            return _Refused(f"일시 중지가 아니라 킬 스위치가 켜져 있습니다: {reason}")
        self.supervision.resume()
        if self.supervision.outside is not None:
            return _Refused(_outside(self.supervision.outside))
        return None

    def _clear(self, shown: str) -> _Refused | None:
        record = self.books.risk
        reason = record.kill_switch if record is not None else None
        if reason is None and self.supervision.outside is not None:
            return _Refused(_outside(self.supervision.outside))
        if reason is None:
            return _Refused("켜져 있는 킬 스위치가 없습니다.")
        if shown and reason != shown:
            return _Refused(f"확인하는 사이에 사유가 바뀌었습니다. 다시 지시하세요: {reason}")
        self.supervision.switch_off()
        return None

    def _sell(self, symbol: Symbol | None) -> _Refused | None:
        if symbol is None or symbol not in self.books.positions:
            return _Refused("보유하지 않은 종목입니다.")
        earlier = self.books.pending_exits.get(symbol)
        if earlier is not None and earlier.reason == Reason.BY_OPERATOR:
            return None
        now = self.clock.now()
        pending = PendingExit(
            symbol=symbol,
            reason=Reason.BY_OPERATOR,
            code=BY_MESSAGE,
            since=now,
            retry_at=now,
            attempts=0,
        )
        with self.books.writing() as uow:
            uow.put_pending_exit(pending)
        self.books.pending_exits[symbol] = pending
        return None

    def _keep(self, symbol: Symbol | None) -> _Refused | None:
        pending = self.books.pending_exits.get(symbol) if symbol is not None else None
        if symbol is None or pending is None or pending.reason != Reason.BY_OPERATOR:
            return _Refused("기다리는 매도 지시가 없습니다.")
        live = self.books.live_order_of(symbol)
        if live is not None and live.intent.side is Side.SELL:
            return _Refused("매도 주문이 이미 나갔습니다.")
        with self.books.writing() as uow:
            uow.clear_pending_exit(symbol)
        del self.books.pending_exits[symbol]
        self.teller.tell(EventKind.PENDING_EXIT_CLEARED, symbol, why="withdrawn")
        return None

    def _tell(self, command: OperatorCommand, refused: _Refused | None) -> None:
        self.teller.tell(
            EventKind.OPERATOR_COMMAND,
            command.symbol,
            Level.WARNING,
            command=command.kind,
            outcome="done" if refused is None else "refused",
            why=refused.why if refused is not None else "",
            command_id=command.command_id,
        )

    def _remember(self, command_id: str) -> None:
        self._known[command_id] = None
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def _outside(reason: str) -> str:
    return f"설정이나 파일(data/KILL_SWITCH)로 켜져 있어 여기서 끌 수 없습니다: {reason}"
