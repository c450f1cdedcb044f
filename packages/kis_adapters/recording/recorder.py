"""Ports that put on record what they were asked and what they answered.

The engine does not know: it is given these ports instead of the ones behind them. One wrapper
serves every port, so that a method which a port gets tomorrow is on record from its first day.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, cast

from kis_adapters.recording.plain import FUNCTIONS, PORTS, STORE, plain_failure
from kis_adapters.recording.tape import Tape
from kis_core.ports.store import Store, UnitOfWork
from kis_core.session.engine import Ports

BEGIN, END = f"{STORE}.begin", f"{STORE}.end"
GIVEN = "ports"  # in the header: the ports that the session had


def recorded(ports: Ports, tape: Tape) -> Ports:
    """The same ports, on record; which of those that need not be there are stands there first."""
    given = {name: port for name in PORTS if (port := getattr(ports, name)) is not None}
    tape.begin({GIVEN: list(given)})
    wrapped = {name: cast(Any, _Recorded(name, port, tape)) for name, port in given.items()}
    wrapped |= {name: _recording(name, getattr(ports, name), tape) for name in FUNCTIONS}
    return replace(ports, store=_RecordedStore(ports.store, tape), **wrapped)


class _Recorded:
    """One port. Its methods are those of `inner`; properties are calls without arguments."""

    def __init__(self, name: str, inner: object, tape: Tape) -> None:
        self._name, self._inner, self._tape = name, inner, tape

    def __getattr__(self, method: str) -> Any:
        call, attribute = f"{self._name}.{method}", getattr(self._inner, method)
        if not callable(attribute):
            self._tape.add({"call": call, "args": (), "kw": {}, "answer": attribute})
            return attribute
        remembered = _recording(call, attribute, self._tape)
        self.__dict__[method] = remembered
        return remembered


def _recording(call: str, function: Callable[..., Any], tape: Tape) -> Callable[..., Any]:
    """`function`, whose every call is put on record as `call`."""

    def ask(*args: Any, **kw: Any) -> Any:
        try:
            answer = function(*args, **kw)
        except BaseException as error:
            tape.add({"call": call, "args": args, "kw": kw, "raised": plain_failure(error)})
            raise
        tape.add({"call": call, "args": args, "kw": kw, "answer": answer})
        return answer

    return ask


class _RecordedStore(Store):
    """Units of work on record: their beginning, every call inside, and how they ended."""

    def __init__(self, inner: Store, tape: Tape) -> None:
        self._inner, self._tape = inner, tape

    def unit_of_work(self) -> AbstractContextManager[UnitOfWork]:
        return self._unit()

    @contextmanager
    def _unit(self) -> Iterator[UnitOfWork]:
        self._tape.add({"call": BEGIN, "args": (), "kw": {}, "answer": None})
        try:
            with self._inner.unit_of_work() as unit:
                yield cast(UnitOfWork, _Recorded(STORE, unit, self._tape))
        except BaseException as error:
            raised = plain_failure(error)
            self._tape.add({"call": END, "args": (), "kw": {}, "raised": raised})
            raise
        self._tape.add({"call": END, "args": (), "kw": {}, "answer": None})
