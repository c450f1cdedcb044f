"""Ports that answer from a record, and hold every question against the one on record."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import chain, islice
from typing import Any, cast

from kis_adapters.recording.difference import (
    Difference,
    Input,
    first_difference,
    shortened,
    symbols_in,
)
from kis_adapters.recording.plain import FUNCTIONS, PORTS, STORE, failure_of, plain, value_of
from kis_adapters.recording.record import BadRecord, Call, Record
from kis_adapters.recording.recorder import BEGIN, END, GIVEN
from kis_adapters.recording.verdict import Verdict, verdict_on_record
from kis_core.ports.files import PositionsMirror
from kis_core.ports.store import Store, UnitOfWork
from kis_core.session.engine import Ports

# Answers that a decision can rest on; the others follow from what the engine itself wrote.
_INPUTS = ("market_data.", "feed.", "broker.", "context_cache.load", "candidates.")
_UNIT = (BEGIN, END)
_QUOTES = "market_data.quotes"
_AHEAD = 100  # calls between a decision and what the record first tells of it


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
        self._given = frozenset(record.header.get(GIVEN, ()))
        self._seen = seen
        self._next: Call | None = None
        self._now: str | None = None
        self._inputs: dict[str, dict[str, Input]] = {}
        self._decided_again: list[Verdict] = []
        self._departed: Departed | None = None

    def ports(self) -> Ports:
        """Ports for an engine."""
        replayed = {name: cast(Any, _Replayed(name, self)) for name in PORTS}
        replayed |= {name: self.asking(name) for name in FUNCTIONS}
        # One that was not there then, or that nobody knew of, is not there now.
        replayed |= dict.fromkeys(PORTS.keys() - self._given)
        return Ports(store=_ReplayedStore(self), mirror=_NoMirror(), **replayed)

    def note_decision(self, verdict: Verdict) -> None:
        """The replayed engine has just decided this."""
        self._decided_again.append(verdict)

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
        try:
            failure = failure_of(call.raised) if call.raised is not None else None
            answer = value_of(name, call.answer) if failure is None and name not in _UNIT else None
        except (KeyError, ValueError) as error:
            raise BadRecord(f"{call.line}번째 줄의 답을 읽을 수 없습니다: {name}") from error
        if failure is not None:
            raise failure
        return answer

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
        if self._departed is not None:
            raise self._departed  # whatever is asked on the way out, the first difference counts
        if (call.name, call.args, call.kw) == (name, args, kw):
            return
        where, left, right = "", call.name, name
        if call.name == name:
            where, left, right = first_difference(
                {"args": call.args, **call.kw}, {"args": args, **kw}
            )
        decided, again = self._decisions(call)
        about = {v.symbol for v in (decided, again) if v is not None}
        self._departed = Departed(
            Difference(
                line=call.line,
                at=self._now,
                call=call.name,
                asked=name,
                where=where,
                on_record=left,
                in_replay=right,
                decided=decided,
                decided_again=again,
                inputs=self._inputs_of(about or set(symbols_in([call.args, args, kw]))),
            )
        )
        raise self._departed

    def _decisions(self, call: Call) -> tuple[Verdict | None, Verdict | None]:
        """The decision that differs, then and now: the first that the replay made on the last
        prices and that the record, from `call` on, tells otherwise or not at all."""
        ahead = islice(chain([call], self._calls), _AHEAD)
        told: dict[str, Verdict] = {}
        for each in ahead:
            if each.name == _QUOTES and each is not call:
                break
            verdict = verdict_on_record(each)
            if verdict is not None:
                told.setdefault(verdict.symbol, verdict)
        contradicted = [v for v in self._decided_again if _contradicts(v, told.get(v.symbol))]
        # What is not told is a reason to hold as in the cycle before, or an exit that waits.
        untold = [v for v in self._decided_again if v.action != "hold" and v.symbol not in told]
        for again in [*contradicted, *reversed(untold)]:
            return told.get(again.symbol), again
        return next(iter(told.values()), None), None

    def _remember(self, call: Call) -> None:
        """Keep the newest answer of each kind for each symbol that it speaks of."""
        if call.name == "clock.now":
            self._now = call.answer
        if call.name == _QUOTES:
            self._decided_again = []
        if not call.name.startswith(_INPUTS):
            return
        answers = call.answer if isinstance(call.answer, dict) else {}
        about = set(symbols_in([call.answer, call.args, call.kw]))
        about |= {s for s in call.args if isinstance(s, str)}
        for symbol in about:
            text = shortened(answers.get(symbol, call.raised or call.answer))
            said = Input(line=call.line, call=call.name, text=text)
            self._inputs.setdefault(symbol, {})[call.name] = said

    def _inputs_of(self, symbols: set[str]) -> tuple[Input, ...]:
        found = {each for symbol in symbols for each in self._inputs.get(symbol, {}).values()}
        return tuple(sorted(found, key=lambda each: each.line, reverse=True))


def _contradicts(again: Verdict, told: Verdict | None) -> bool:
    """Whether the replay decided something else than the record tells, or on other numbers."""
    if told is None:
        return False
    compared = {key: told.evidence.get(key) for key in again.evidence}
    return (again.action, again.reason, again.evidence) != (told.action, told.reason, compared)


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
