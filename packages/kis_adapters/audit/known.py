"""What the trail already says, so that nothing is written twice and nothing is left out.

Only the recent past is kept: everything up to a checkpoint is in the trail by the checkpoint's
word. What was known before the last checkpoint but one is forgotten, so memory stays that of two
days however long the process runs.
"""

from collections.abc import Mapping

from kis_adapters.audit.fact import Fact, FactKind, digest_of
from kis_core.ports.committed import Committed


class Known:
    """The facts of the trail by their identity, each as the digest of its data."""

    def __init__(self) -> None:
        self._recent: dict[tuple[FactKind, str], bytes] = {}
        self._older: dict[tuple[FactKind, str], bytes] = {}
        self._positions: dict[str, bytes] = {}
        self._risk: bytes | None = None

    def is_news(self, fact: Fact) -> bool:
        """Whether the trail does not say it yet. What is only told is always news."""
        match fact.kind:
            case FactKind.POSITION:
                return self._positions.get(fact.identity) != digest_of(fact.data)
            case FactKind.POSITION_CLOSED:
                return fact.identity in self._positions
            case FactKind.RISK:
                return self._risk != digest_of(fact.data)
            case FactKind.ORDER_EVENT | FactKind.DECISION | FactKind.TRADE:
                key = (fact.kind, fact.identity)
                return self._recent.get(key, self._older.get(key)) != digest_of(fact.data)
            case _:
                return True

    def take(self, fact: Fact) -> None:
        """The trail says it from now on."""
        match fact.kind:
            case FactKind.POSITION:
                self._positions[fact.identity] = digest_of(fact.data)
            case FactKind.POSITION_CLOSED:
                self._positions.pop(fact.identity, None)
            case FactKind.RISK:
                self._risk = digest_of(fact.data)
            case FactKind.ORDER_EVENT | FactKind.DECISION | FactKind.TRADE:
                self._recent[fact.kind, fact.identity] = digest_of(fact.data)
            case _:
                pass

    @property
    def open_symbols(self) -> frozenset[str]:
        """The symbols of which the trail tells an open position."""
        return frozenset(self._positions)

    def begin_from(self, *, positions: Mapping[str, object], risk: object) -> None:
        """Take over a checkpoint's word on what stands from before it."""
        self._positions = {symbol: digest_of(data) for symbol, data in positions.items()}
        self._risk = digest_of(risk) if risk is not None else None

    def turn(self) -> None:
        """A checkpoint was written: what was known before the one before it is forgotten."""
        self._older, self._recent = self._recent, {}

    def tells_more_than(self, committed: Committed) -> bool:
        """Whether the trail tells of an order event behind its last checkpoint that is not in
        `committed`, asked for from that checkpoint on."""
        have = {f"{event.order_id}-{event.sequence}" for event in committed.events}
        told = {name for kind, name in self._recent if kind is FactKind.ORDER_EVENT}
        return not told <= have
