"""Values of the ports as plain JSON, and back by the types that the ports declare."""

import inspect
import json
from functools import cache
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter
from pydantic_core import to_json

from kis_core.ports.broker import Broker, BrokerUnavailable, NotSent, OutcomeUnknown
from kis_core.ports.calendar import Calendar
from kis_core.ports.candidate_source import CandidateSource, CandidatesUnavailable
from kis_core.ports.clock import Clock
from kis_core.ports.feed import Feed
from kis_core.ports.files import ContextCache, KillSwitchFile
from kis_core.ports.market_data import MarketData, MarketDataUnavailable
from kis_core.ports.notifier import Notifier
from kis_core.ports.operator_inbox import OperatorInbox
from kis_core.ports.store import (
    CommitOutcomeUnknown,
    DuplicateOrder,
    StoreMisfit,
    StoreUnavailable,
    UnitOfWork,
)
from kis_core.session.engine import Ports

STORE = "store"

# A port that the engine is given gets its line here, and with it its place on record.
PORTS: dict[str, type] = {
    "clock": Clock,
    "calendar": Calendar,
    "market_data": MarketData,
    "feed": Feed,
    "broker": Broker,
    "notifier": Notifier,
    "context_cache": ContextCache,
    "kill_switch_file": KillSwitchFile,
    "candidates": CandidateSource,
    "operator": OperatorInbox,
}
# Ports that are one function.
FUNCTIONS = ("calendar_warning", "clock_skew")
# The positions mirror is written, never read, and a last time on the way out.
LEFT_OUT = ("mirror",)

_FAILURES: dict[str, type[Exception]] = {
    failure.__name__: failure
    for failure in (
        BrokerUnavailable,
        CandidatesUnavailable,
        CommitOutcomeUnknown,
        DuplicateOrder,
        MarketDataUnavailable,
        NotSent,
        OutcomeUnknown,
        StoreMisfit,
        StoreUnavailable,
    )
}


class RecordedFailure(Exception):
    """What a port raised that it does not declare; the session ended by it."""


def text_of(value: object) -> bytes:
    """`value` as JSON. Dataclasses become objects, enumerations their values, instants text."""
    return to_json(value)


def plain(value: object) -> Any:
    """`value` as it reads back from a record."""
    return json.loads(to_json(value))


def value_of(call: str, answer: Any) -> Any:
    """What `call` ("port.method") returned, from its plain form. Raises ValueError (pydantic's)
    for an answer that does not fit the port."""
    return _adapter_of(call).validate_python(answer)


def plain_failure(error: BaseException) -> dict[str, object]:
    """What a port raised, by name and text."""
    found: dict[str, object] = {"type": type(error).__name__, "text": str(error)}
    for name in ("why", "code", "is_final"):
        if hasattr(error, name):
            found[name] = getattr(error, name)
    return found


def failure_of(found: dict[str, Any]) -> Exception:
    """The failure that `plain_failure` put down."""
    kind = _FAILURES.get(found["type"])
    if kind is None:
        return RecordedFailure(f"{found['type']}: {found['text']}")
    if kind in (NotSent, OutcomeUnknown):
        return kind(found["why"], code=found["code"])
    if kind is CandidatesUnavailable:
        return CandidatesUnavailable(found["text"], is_final=found["is_final"])
    return kind(found["text"])


@cache
def _adapter_of(call: str) -> TypeAdapter[Any]:
    port, _, method = call.partition(".")
    if port in FUNCTIONS:
        return TypeAdapter(get_args(get_type_hints(Ports)[port])[1])
    declared = inspect.getattr_static(UnitOfWork if port == STORE else PORTS[port], method)
    function = declared.fget if isinstance(declared, property) else declared
    return TypeAdapter(get_type_hints(function)["return"])
