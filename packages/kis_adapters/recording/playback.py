"""Ports that answer from a record, and hold every question against the one on record."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import chain
from typing import Any, cast

from kis_adapters.recording.difference import (
    Difference,
    first_difference,
    shortened,
    symbols_in,
)
from kis_adapters.recording.plain import FUNCTIONS, PORTS, STORE, failure_of, plain, value_of
from kis_adapters.recording.record import BadRecord, Call, Record
from kis_adapters.recording.recorder import BEGIN, END
from kis_core.ports.files import PositionsMirror
from kis_core.ports.store import Store, UnitOfWork
from kis_core.session.engine import Ports

# Answers that a decision can rest on; the others follow from what the engine itself wrote.
_INPUTS = ("market_data.", "broker.", "context_cache.load", "candidates.")


# Where the calls differ by name (a unit of work was begun), what it was for comes after it.
_TELLING = ("store.add_decision", "store.append_order_events", "broker.place", "notifier.tell")


class Departed(BaseException):
    """The replay left the record here; no handler of the engine may catch it."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(difference.call)
        self.difference = difference


class EndOfRecord(BaseException):
    """Everything on record was replayed; no handler of the engine may catch it."""


class Playback:
    """The calls of one record, one after the other. `seen` is called with each that agreed."""

    def __init__(self, record: Record, *, seen: Callable[[Call], None]) -> None:
        self._calls = record.calls()
        self._absent = [
            name for name in ("candidates", "operator") if not record.header.get(f"has_{name}")
        ]
        self._seen = seen
        self._next: Call | None = None
        self._inputs: dict[str, dict[str, tuple[int, str, str]]] = {}

    def ports(self) -> Ports:
        """Ports for an engine."""
        replayed = {name: cast(Any, _Replayed(name, self)) for name in PORTS}
        replayed |= {name: self.asking(name) for name in FUNCTIONS}
        replayed |= dict.fromkeys(self._absent)
        return Ports(store=_ReplayedStore(self), mirror=_NoMirror(), **replayed)

    def asking(self, call: str) -> Callable[..., Any]:
        """A function that is answered from the record."""

        def ask(*args: Any, **kw: Any) -> Any:
            return self.ask(call, args, kw)

        return ask

    def ask(self, name: str, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
        """The answer on record. Raises Departed for another question, EndOfRecord after the
        last, and whatever the port raised."""
        call = self.peek()
        self._compare(call, name, plain(args), plain(kw))
        self._next = None
        self._remember(call)
        self._seen(call)
        if call.raised is not None:
            raise failure_of(call.raised)
        if name in (BEGIN, END):
            return None
        try:
            return value_of(name, call.answer)
        except ValueError as error:
            raise BadRecord(f"{call.line}번째 줄의 답을 읽을 수 없습니다: {name}") from error

    def take(self, name: str) -> Call:
        """The next call, which must be `name` without arguments. Raises Departed."""
        call = self.peek()
        self._compare(call, name, [], {})
        self._next = None
        return call

    def peek(self) -> Call:
        """The next call. Raises EndOfRecord."""
        if self._next is None:
            self._next = next(self._calls, None)
        if self._next is None:
            raise EndOfRecord
        return self._next

    def expect_end(self) -> None:
        """Nothing more may be on record. Raises Departed where there is, else EndOfRecord."""
        self._compare(self.peek(), "", [], {})

    def _compare(self, call: Call, name: str, args: list[Any], kw: dict[str, Any]) -> None:
        if (call.name, call.args, call.kw) == (name, args, kw):
            return
        where, left, right = "", call.name, name
        if call.name == name:
            where, left, right = first_difference(
                {"args": call.args, **call.kw}, {"args": args, **kw}
            )
        told = self._told_next(call)
        raise Departed(
            Difference(
                line=call.line,
                call=call.name,
                asked=name,
                where=where,
                on_record=left,
                in_replay=right,
                next_on_record=f"{told.name} {shortened(told.args or told.kw)}" if told else "",
                inputs=self._inputs_of([told.args if told else [], args, kw]),
            )
        )

    def _told_next(self, call: Call) -> Call | None:
        """The next call on record, from `call` on, that says what was decided."""
        return next((each for each in chain([call], self._calls) if each.name in _TELLING), None)

    def _remember(self, call: Call) -> None:
        """Keep the newest answer of each kind for each symbol that it speaks of."""
        if not call.name.startswith(_INPUTS):
            return
        answers = call.answer if isinstance(call.answer, dict) else {}
        about = set(symbols_in([call.answer, call.args, call.kw]))
        about |= {s for s in call.args if isinstance(s, str)}
        for symbol in about:
            text = shortened(answers.get(symbol, call.raised or call.answer))
            self._inputs.setdefault(symbol, {})[call.name] = (call.line, call.name, text)

    def _inputs_of(self, asked: list[Any]) -> tuple[tuple[int, str, str], ...]:
        found = {e for symbol in symbols_in(asked) for e in self._inputs.get(symbol, {}).values()}
        return tuple(sorted(found))


class _Replayed:
    """One port."""

    def __init__(self, name: str, playback: Playback) -> None:
        self._name, self._playback = name, playback

    def __getattr__(self, method: str) -> Any:
        call = f"{self._name}.{method}"
        if isinstance(getattr(PORTS.get(self._name), method, None), property):
            return self._playback.ask(call, (), {})

        return self._playback.asking(call)


class _ReplayedStore(Store):
    """Units of work that read from the record; what they write is compared with it."""

    def __init__(self, playback: Playback) -> None:
        self._playback = playback

    def unit_of_work(self) -> AbstractContextManager[UnitOfWork]:
        return self._unit()

    @contextmanager
    def _unit(self) -> Iterator[UnitOfWork]:
        self._playback.ask(BEGIN, (), {})
        if self._playback.peek().name == END:
            self._playback.ask(END, (), {})  # it could not begin, and raises again here
        try:
            yield cast(UnitOfWork, _Replayed(STORE, self._playback))
        except Exception:
            # The caller goes on with what it met itself; the record calls it by its name.
            self._playback.take(END)
            raise
        self._playback.ask(END, (), {})


class _NoMirror(PositionsMirror):
    """Nothing is mirrored: what was written for real stays as it is."""

    def write(self, positions: object, *, at: object) -> None:
        """Does nothing."""
