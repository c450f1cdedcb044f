"""What went wrong, by type, and every broker code classified once.

The same business code is used for several reasons (APBK0918 is a closed market, missing cash or a
quantity), so those are read from the text beside it; an unknown code is UNKNOWN, never a default.
Source: kis-wire sections 3.2-3.4 and 8.
"""

from dataclasses import dataclass
from enum import StrEnum, unique

from kis_core.ports.broker import RefusalKind


class KisError(Exception):
    """A call to KIS that brought no usable answer. `endpoint` is our name of the TR, `code` the
    broker's where it gave one. The text holds neither keys, tokens nor account numbers.
    """

    def __init__(self, endpoint: str, why: str, *, code: str | None = None) -> None:
        super().__init__(f"{endpoint}: {why}")
        self.endpoint = endpoint
        self.why = why
        self.code = code


class KisUnreachable(KisError):
    """No complete answer came. `is_certainly_unsent`: the connection was never made."""

    def __init__(self, endpoint: str, why: str, *, is_certainly_unsent: bool) -> None:
        super().__init__(endpoint, why)
        self.is_certainly_unsent = is_certainly_unsent


class KisUnreadable(KisError):
    """An answer came, but it is not KIS's envelope: empty, HTML, broken JSON."""


class KisFieldError(KisError):
    """A field of the answer is missing, blank or of the wrong type; names endpoint and field."""

    def __init__(self, endpoint: str, *, field: str, why: str) -> None:
        super().__init__(endpoint, f"field {field}: {why}")
        self.field = field


class KisImplausible(KisError):
    """The answer is well formed, and incomplete or contradicts itself."""


class KisTokenUnavailable(KisError):
    """No access token could be had, so no call was made."""


class UnsupportedInMode(KisError):
    """The mode's server lacks the TR; refused here, before any call. The text is Korean."""


@unique
class ErrorClass(StrEnum):
    """What to do about a code."""

    RETRYABLE = "retryable"  # an inquiry may be repeated; of an order nothing is known
    TOKEN = "token"  # the gateway turned the token away, the request went no further
    AUTH = "auth"
    RATE_LIMIT = "rate_limit"  # turned away, not processed
    OUTCOME_UNKNOWN = "outcome_unknown"  # the broker itself does not know
    MARKET_CLOSED = "market_closed"
    INSUFFICIENT_CASH = "insufficient_cash"
    REJECTED = "rejected"
    UNSUPPORTED = "unsupported"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """One code with its text. `kind` is what an order refused so is refused for."""

    error_class: ErrorClass
    kind: RefusalKind


class KisRefused(KisError):
    """KIS's envelope says no. `status` is HTTP's."""

    def __init__(
        self, endpoint: str, *, code: str, text: str, status: int, classified: Classified
    ) -> None:
        super().__init__(endpoint, f"{code or 'no code'} {text} (HTTP {status})", code=code)
        self.text = text
        self.status = status
        self.classified = classified

    @property
    def is_gateways(self) -> bool:
        """Whether the gateway answered, so that the request went no further (kis-wire 3.3)."""
        return (self.code or "").startswith(("EGW", "OPSQ", "IGW"))


TOO_MANY_PER_SECOND = "EGW00201"
TOKEN_ISSUE_TOO_SOON = "EGW00133"
ACCOUNT_NOT_BOUND = "OPSQ2000"

_C, _R = ErrorClass, RefusalKind


def _all(
    codes: str, error_class: ErrorClass, kind: RefusalKind
) -> dict[str, tuple[ErrorClass, RefusalKind]]:
    return dict.fromkeys(codes.split(), (error_class, kind))


_BY_CODE: dict[str, tuple[ErrorClass, RefusalKind]] = {
    **_all("EGW00001 EGW00002 EGW00202 EGW00203 EGW00204", _C.RETRYABLE, _R.OTHER),
    **_all("EGW00300 EGW00316 OPSQ1002 90020000", _C.RETRYABLE, _R.OTHER),
    **_all("OPSQ0001 OPSQ0003 OPSQ0004 OPSQ0005 OPSQ0006", _C.RETRYABLE, _R.OTHER),
    **_all("OPSQ0007 OPSQ0008 OPSQ0009 OPSQ0010 OPSQ0011", _C.RETRYABLE, _R.OTHER),
    **_all("EGW00121 EGW00122 EGW00123", _C.TOKEN, _R.AUTH),
    **_all(f"{TOO_MANY_PER_SECOND} EGW00215 {TOKEN_ISSUE_TOO_SOON}", _C.RATE_LIMIT, _R.OTHER),
    **_all("EGW00301 EGW00302", _C.OUTCOME_UNKNOWN, _R.OTHER),
    # Words of acceptance: where they come as a refusal, the answer contradicts itself.
    **_all("APBK0013 40590000 40600000 40620000 40630000", _C.OUTCOME_UNKNOWN, _R.OTHER),
    **_all("EGW00003 EGW00004 EGW00102 EGW00103 EGW00104 EGW00105", _C.AUTH, _R.AUTH),
    **{f"EGW{number:05}": (_C.AUTH, _R.AUTH) for number in range(106, 121)},
    **{f"EGW{number:05}": (_C.AUTH, _R.AUTH) for number in range(124, 131)},
    **_all("EGW00205 EGW00206 EGW00207 EGW00208 EGW00209", _C.AUTH, _R.AUTH),
    **_all("EGW00210 EGW00211 EGW00212 EGW00303 EGW00304", _C.AUTH, _R.AUTH),
    **_all("EGW02007", _C.AUTH, _R.AUTH),
    **_all("EGW00213 EGW02004 EGW02006 90000000", _C.UNSUPPORTED, _R.UNSUPPORTED),
    **_all("EGW00101 EGW00131 EGW00132 OPSQ0002 OPSQ2001 OPSQ2002", _C.REJECTED, _R.OTHER),
    **_all("OPSQ9995 OPSQ9996 OPSQ9997 OPSQ9998 OPSQ9999", _C.REJECTED, _R.OTHER),
    **_all(f"{ACCOUNT_NOT_BOUND} IGW00002 IGW00007 IGW00036", _C.REJECTED, _R.ACCOUNT),
    **_all("40570000 40580000 40100000 KIOK0320 APBK1664", _C.MARKET_CLOSED, _R.MARKET_CLOSED),
    **_all("40250000", _C.INSUFFICIENT_CASH, _R.INSUFFICIENT_CASH),
    **_all("40240000 APBK0400 APBK1234", _C.REJECTED, _R.INSUFFICIENT_QUANTITY),
    **_all("40270000 40030000 APBK1943 APBK3013", _C.REJECTED, _R.PRICE),
    **_all("40070000", _C.REJECTED, _R.NOT_TRADABLE),
    **_all("40330000", _C.REJECTED, _R.NOTHING_TO_CANCEL),
    # An original the broker has never seen has not "ended meanwhile": it is no NOTHING_TO_CANCEL.
    **_all("40320000", _C.REJECTED, _R.OTHER),
    **_all("40910000 APAC0489 APBK1271", _C.REJECTED, _R.ACCOUNT),
}

# Read in this order: the first words found decide. For codes that are absent above because
# they are used for several reasons, or that nobody has seen yet.
_BY_TEXT: tuple[tuple[str, ErrorClass, RefusalKind], ...] = (
    ("정정/취소할 수량", _C.REJECTED, _R.NOTHING_TO_CANCEL),
    ("원주문번호", _C.REJECTED, _R.OTHER),
    ("장운영", _C.MARKET_CLOSED, _R.MARKET_CLOSED),
    ("장시작전", _C.MARKET_CLOSED, _R.MARKET_CLOSED),
    ("장종료", _C.MARKET_CLOSED, _R.MARKET_CLOSED),
    ("영업일이 아", _C.MARKET_CLOSED, _R.MARKET_CLOSED),
    ("주문가능금액", _C.INSUFFICIENT_CASH, _R.INSUFFICIENT_CASH),
    ("예수금", _C.INSUFFICIENT_CASH, _R.INSUFFICIENT_CASH),
    ("증거금", _C.INSUFFICIENT_CASH, _R.INSUFFICIENT_CASH),
    ("호가단위", _C.REJECTED, _R.PRICE),
    ("상/하한가", _C.REJECTED, _R.PRICE),
    ("상한가", _C.REJECTED, _R.PRICE),
    ("하한가", _C.REJECTED, _R.PRICE),
    ("시장가", _C.REJECTED, _R.PRICE),
    ("지정가", _C.REJECTED, _R.PRICE),
    ("거래정지", _C.REJECTED, _R.NOT_TRADABLE),
    ("매매불가", _C.REJECTED, _R.NOT_TRADABLE),
    ("종목정보가 없", _C.REJECTED, _R.NOT_TRADABLE),
    ("수량", _C.REJECTED, _R.INSUFFICIENT_QUANTITY),
    ("잔고", _C.REJECTED, _R.INSUFFICIENT_QUANTITY),
    ("계좌", _C.REJECTED, _R.ACCOUNT),
)


def classify(code: str, text: str) -> Classified:
    """The class of a refusal with `code` (stripped) and its text.

    A code with one meaning is classified by itself; any other by its text; neither known is
    UNKNOWN. No code at all is UNKNOWN whatever the text says.
    """
    if code in _BY_CODE:
        error_class, kind = _BY_CODE[code]
        return Classified(error_class=error_class, kind=kind)
    if code:
        for words, error_class, kind in _BY_TEXT:
            if words in text:
                return Classified(error_class=error_class, kind=kind)
    return Classified(error_class=ErrorClass.UNKNOWN, kind=RefusalKind.OTHER)
