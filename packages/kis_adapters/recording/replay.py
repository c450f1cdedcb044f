"""Replaying a session: the same engine on the answers of then, held against the record (C-06)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kis_adapters.recording.difference import Difference
from kis_adapters.recording.plain import RecordedFailure
from kis_adapters.recording.playback import Departed, EndOfRecord, Playback
from kis_adapters.recording.record import Call, Record
from kis_adapters.recording.verdict import watched
from kis_core.session.engine import Engine
from kis_core.session.settings import SessionSettings


@dataclass(slots=True)
class Tally:
    """What was replayed and agreed: all of it written by the engine, not read from anywhere.

    `realised_pnl` is the won that the session's sales brought, net of fees."""

    calls: int = 0
    decisions: int = 0
    orders: int = 0
    _trades: dict[str, int] = field(default_factory=dict)

    @property
    def trades(self) -> int:
        """Orders that filled."""
        return len(self._trades)

    @property
    def realised_pnl(self) -> int:
        """Won, net of fees."""
        return sum(self._trades.values())

    @classmethod
    def sum(cls, tallies: Iterable["Tally"]) -> "Tally":
        """Several sessions together; a fill that two of them know of counts once."""
        total = cls()
        for each in tallies:
            total.calls += each.calls
            total.decisions += each.decisions
            total.orders += each.orders
            total._trades |= each._trades
        return total

    def see(self, call: Call) -> None:
        """Count one call that agreed."""
        self.calls += 1
        self.decisions += call.name == "store.add_decision"
        self.orders += call.name == "broker.place"
        if call.name == "store.put_trade":
            trade: dict[str, Any] = call.args[0]
            self._trades[str(trade["order_id"])] = int(trade["realised_pnl"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How a replay went. `difference` None: everything on record came out again.

    `changed_lines` were altered after they had been written, whatever they led to. `is_whole`:
    the session ended by itself; a killed one is replayed as far as its record goes.
    """

    tally: Tally
    difference: Difference | None
    changed_lines: tuple[int, ...]
    is_whole: bool

    @property
    def is_identical(self) -> bool:
        """Whether record and replay agree in everything, and the record is as it was written."""
        return self.difference is None and not self.changed_lines


def replay(record: Record, settings: SessionSettings) -> Replayed:
    """Run an engine with `settings` on `record`. Raises BadRecord."""
    tally, difference = Tally(), None
    playback = Playback(record, seen=tally.see)
    try:
        engine = Engine(playback.ports(), watched(settings, playback.note_decision))
        while engine.step() is not None:
            pass
        playback.expect_end()
    except Departed as departed:
        difference = departed.difference
    except (EndOfRecord, RecordedFailure):
        pass  # stopped from outside, or killed: the record ends between two steps
    return Replayed(
        tally=tally,
        difference=difference,
        changed_lines=tuple(record.changed),
        is_whole=record.is_whole,
    )
