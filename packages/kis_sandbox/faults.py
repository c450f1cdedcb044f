"""Faults on demand: what goes wrong, on which route, how often (X-05)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from random import Random
from threading import Lock

ANY_ROUTE = "*"

Params = Mapping[str, object]


@unique
class FaultKind(StrEnum):
    """The ways in which a call can go wrong; parameters and their defaults in brackets.

    On any route: REFUSE resets the connection, DROP_BEFORE and DROP_AFTER close it without an
    answer, before or after the call was processed; DELAY [ms 1000, clock "real" or "virtual"];
    HTTP_500 with empty codes and HTML [processed false]; MALFORMED_JSON, EMPTY_BODY, TRUNCATED
    (processed); OUTCOME_UNKNOWN is EGW00302 [processed true]; RATE_LIMIT turns the call away.
    On what carries a token: LEDGER_LIMIT turns it away, TOKEN_REVOKED forgets its token.
    On inquiries: MISSING_FIELD [field], ZERO_PRICE, STALE (what the same question was answered
    before), DUPLICATE_ROWS, MISSING_PAGE.
    On order-cash: ORDER_REJECTED [code, msg], EXCHANGE_REJECTED, PARTIAL_FILL [quantity 1] fills
    no more than that, DELAYED_FILL [ms 5000], ROWS_LAG [ms 5000] (also on inquire-daily-ccld).
    On order-rvsecncl: CANCEL_RACE fills the order just before.
    On ws-frame, when something is about to be sent: WS_CLOSE, WS_DROP without a close frame,
    WS_SILENCE [seconds 3600] of an open socket, WS_GARBAGE [frames 20] before it. On
    ws-subscribe: WS_REFUSE [code OPSP0007]. On ws-notice: NOTICE_DUPLICATE, NOTICE_REORDER.
    """

    REFUSE = "refuse"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    DELAY = "delay"
    HTTP_500 = "http_500"
    MALFORMED_JSON = "malformed_json"
    EMPTY_BODY = "empty_body"
    HTML = "html"
    TRUNCATED = "truncated"
    MISSING_FIELD = "missing_field"
    ZERO_PRICE = "zero_price"
    STALE = "stale"
    DUPLICATE_ROWS = "duplicate_rows"
    MISSING_PAGE = "missing_page"
    RATE_LIMIT = "rate_limit"
    LEDGER_LIMIT = "ledger_limit"
    TOKEN_REVOKED = "token_revoked"
    ORDER_REJECTED = "order_rejected"
    EXCHANGE_REJECTED = "exchange_rejected"
    PARTIAL_FILL = "partial_fill"
    DELAYED_FILL = "delayed_fill"
    ROWS_LAG = "rows_lag"
    CANCEL_RACE = "cancel_race"
    OUTCOME_UNKNOWN = "outcome_unknown"
    WS_CLOSE = "ws_close"
    WS_DROP = "ws_drop"
    WS_SILENCE = "ws_silence"
    WS_GARBAGE = "ws_garbage"
    WS_REFUSE = "ws_refuse"
    NOTICE_DUPLICATE = "notice_duplicate"
    NOTICE_REORDER = "notice_reorder"

    @classmethod
    def _missing_(cls, value: object) -> "FaultKind | None":
        return cls.OUTCOME_UNKNOWN if value == "EGW00302" else None  # by its wire code too


@dataclass(slots=True)
class Fault:
    """One installed fault. Without `count` and `probability` it always strikes."""

    number: int
    route: str
    kind: FaultKind
    count: int | None = None
    probability: float | None = None
    params: Params = field(default_factory=dict)
    struck: int = 0

    def number_param(self, name: str, default: int) -> int:
        """An integer parameter. Raises ValueError for something else."""
        value = self.params.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"{name} must be an integer, was {value!r}")
        return value

    def text_param(self, name: str, default: str) -> str:
        """A text parameter."""
        return str(self.params.get(name, default))


class Faults:
    """The installed faults. Safe to use from the test's thread while the server runs.

    A fault with `count` strikes the next so many calls of its route, one with `probability` each
    call with that chance, drawn from the seed: the same calls meet the same faults.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._lock = Lock()
        self._faults: list[Fault] = []
        self._randoms: dict[int, Random] = {}
        self._number = 0

    def add(
        self,
        route: str,
        kind: FaultKind | str,
        *,
        count: int | None = None,
        probability: float | None = None,
        params: Params | None = None,
    ) -> Fault:
        """Install a fault on `route` (a path's last part, or "*"). Raises ValueError."""
        if count is not None and count < 1:
            raise ValueError(f"count must be at least 1, was {count}")
        if probability is not None and not 0 < probability <= 1:
            raise ValueError(f"probability must be in (0, 1], was {probability}")
        with self._lock:
            self._number += 1
            fault = Fault(
                number=self._number,
                route=route,
                kind=FaultKind(kind),
                count=count,
                probability=probability,
                params=dict(params or {}),
            )
            self._faults.append(fault)
            self._randoms[fault.number] = Random(f"{self._seed}:fault:{fault.number}")
            return fault

    def clear(self) -> None:
        """Remove every fault."""
        with self._lock:
            self._faults.clear()

    def installed(self) -> list[Fault]:
        """The faults that may still strike."""
        with self._lock:
            return list(self._faults)

    def striking(self, route: str) -> dict[FaultKind, Fault]:
        """The faults that strike this call of `route`; each counts it."""
        with self._lock:
            found: dict[FaultKind, Fault] = {}
            for fault in list(self._faults):
                if fault.route in (route, ANY_ROUTE) and self._strikes(fault):
                    found.setdefault(fault.kind, fault)
            return found

    def _strikes(self, fault: Fault) -> bool:
        chance = fault.probability
        if chance is not None and self._randoms[fault.number].random() >= chance:
            return False
        fault.struck += 1
        if fault.count is not None and fault.struck >= fault.count:
            self._faults.remove(fault)
        return True
