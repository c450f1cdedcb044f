"""Quotes of now, by the way the mode offers.

REAL asks for thirty symbols a call, several calls in flight; PAPER lacks that and asks one by one
(K-06). A price is believed only if it is positive, inside the day's limits, and answered for the
symbol that was asked (K-07). Source: kis-wire sections 4.1, 4.13.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from kis_adapters.kis.budget import Priority
from kis_adapters.kis.client import KisClient
from kis_adapters.kis.endpoints import MULTI_PRICE, PRICE
from kis_adapters.kis.errors import KisError, KisFieldError, KisRefused, KisTokenUnavailable
from kis_adapters.kis.wire import (
    Envelope,
    MultiPriceRow,
    PriceAnswer,
    object_at,
    read,
    rows_at,
)
from kis_core.market.quote import Quote, QuoteUnavailable
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.ports.market_data import MarketDataUnavailable

_PER_CALL = 30
_GIVEN_UP_AFTER = 3  # calls in a row that brought no answer: the source is down, not a symbol

_HALTED = "58"  # iscd_stat_cls_code
_MANAGED = "51"
_WARNED = frozenset({"52", "53", "54"})
_NO_WARNING = frozenset({"00", "0"})  # mrkt_warn_cls_code
_NO_VI = frozenset({"0", "N"})  # vi_cls_code: anything else means that one is on

_Answer = Quote | QuoteUnavailable


class KisQuotes:
    """Asks for quotes. `is_held` puts the symbols of open positions first (K-05)."""

    def __init__(self, client: KisClient, *, is_held: Callable[[Symbol], bool]) -> None:
        self._client = client
        self._is_held = is_held

    def quotes(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, _Answer]:
        """See the MarketData port. Where call after call brings no answer, the symbols not yet
        asked are told unavailable without further calls.
        """
        wanted = sorted(dict.fromkeys(symbols), key=lambda symbol: not self._is_held(symbol))
        if not wanted:
            return {}
        # One symbol costs one call either way, and only this way tells halts and warnings.
        is_bulk = len(wanted) > 1 and MULTI_PRICE.is_offered(self._client.mode)
        ask = self._in_bulk if is_bulk else self._one_by_one
        answers, unanswered = ask(wanted)
        if len(unanswered) == len(wanted):
            first = answers[wanted[0]]
            why = first.why if isinstance(first, QuoteUnavailable) else ""
            raise MarketDataUnavailable(f"시세를 받지 못했습니다: {why}")
        return answers

    def price(self, symbol: Symbol, *, tries: int | None = None) -> PriceAnswer:
        """The checked answer of inquire-price. Raises KisError."""
        envelope = self._client.get(
            PRICE,
            {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": symbol},
            priority=self._priority(symbol),
            tries=tries,
        )
        output = object_at(envelope.body, "output", endpoint=PRICE.name)
        self._client.drift.see(PRICE.name, "output", output)
        answer = read(PriceAnswer, output, endpoint=PRICE.name)
        if answer.stck_shrn_iscd != symbol:
            raise KisFieldError(
                PRICE.name, field="output.stck_shrn_iscd", why="another symbol's answer"
            )
        return answer

    def _one_by_one(self, symbols: Sequence[Symbol]) -> tuple[dict[Symbol, _Answer], set[Symbol]]:
        """The answers, and the symbols among them for which no call was answered."""
        answers: dict[Symbol, _Answer] = {}
        unanswered: set[Symbol] = set()
        in_a_row = 0
        for symbol in symbols:
            if in_a_row >= _GIVEN_UP_AFTER:
                why = "이어진 호출 실패로 묻지 않았습니다"
                answers[symbol] = QuoteUnavailable(symbol=symbol, why=why)
                unanswered.add(symbol)
                continue
            try:
                # A dead server costs full patience once, not once a symbol.
                answer = self.price(symbol, tries=1 if in_a_row else None)
            except KisFieldError as error:
                self._client.report(error)
                answers[symbol] = QuoteUnavailable(symbol=symbol, why=str(error))
                in_a_row = 0
            except KisError as error:
                answers[symbol] = QuoteUnavailable(symbol=symbol, why=str(error))
                unanswered.add(symbol)
                in_a_row = _failures_in_a_row(in_a_row, error)
            else:
                answers[symbol] = _quote_of(answer, symbol, at=self._client.clock.now())
                in_a_row = 0
        return answers, unanswered

    def _in_bulk(self, symbols: Sequence[Symbol]) -> tuple[dict[Symbol, _Answer], set[Symbol]]:
        """As `_one_by_one`, thirty symbols a call."""
        parts = [symbols[i : i + _PER_CALL] for i in range(0, len(symbols), _PER_CALL)]
        if len(parts) == 1:
            results = [self._part(parts[0])]
        else:
            with ThreadPoolExecutor(max_workers=self._client.max_in_flight) as pool:
                results = list(pool.map(self._part, parts))
        answers: dict[Symbol, _Answer] = {}
        unanswered: set[Symbol] = set()
        for part, result in zip(parts, results, strict=True):
            if isinstance(result, str):
                unanswered.update(part)
                answers.update({s: QuoteUnavailable(symbol=s, why=result) for s in part})
            else:
                answers.update(result)
        return answers, unanswered

    def _part(self, symbols: Sequence[Symbol]) -> dict[Symbol, _Answer] | str:
        """The answers for at most thirty symbols, or why there are none."""
        params: dict[str, str] = {}
        for number, symbol in enumerate(symbols, start=1):
            params[f"FID_COND_MRKT_DIV_CODE_{number}"] = "J"
            params[f"FID_INPUT_ISCD_{number}"] = symbol
        priority = min(self._priority(symbol) for symbol in symbols)
        try:
            envelope = self._client.get(MULTI_PRICE, params, priority=priority)
        except KisError as error:
            return str(error)
        at = self._client.clock.now()
        try:
            return self._bulk_answers(envelope, symbols, at=at)
        except KisFieldError as error:
            self._client.report(error)
            return str(error)

    def _bulk_answers(
        self, envelope: Envelope, symbols: Sequence[Symbol], *, at: datetime
    ) -> dict[Symbol, _Answer]:
        answers: dict[Symbol, _Answer] = {
            symbol: QuoteUnavailable(symbol=symbol, why=f"{MULTI_PRICE.name}: not in the answer")
            for symbol in symbols
        }
        seen: dict[Symbol, MultiPriceRow | None] = {}
        for data in rows_at(envelope.body, "output", endpoint=MULTI_PRICE.name):
            self._client.drift.see(MULTI_PRICE.name, "output", data)
            symbol = Symbol(str(data.get("inter_shrn_iscd", "")).strip())
            if symbol not in answers:
                continue  # not asked for: never taken for another
            row = _row(MultiPriceRow, data)
            if isinstance(row, str) or seen.get(symbol, row) != row:
                why = row if isinstance(row, str) else f"{MULTI_PRICE.name}: told twice"
                answers[symbol], seen[symbol] = QuoteUnavailable(symbol=symbol, why=why), None
                continue
            seen[symbol] = row
            answers[symbol] = _bulk_quote_of(row, symbol, at=at)
        return answers

    def _priority(self, symbol: Symbol) -> Priority:
        return Priority.EXIT if self._is_held(symbol) else Priority.ENTRY


def _failures_in_a_row(before: int, error: KisError) -> int:
    if isinstance(error, KisTokenUnavailable):
        return _GIVEN_UP_AFTER  # without a token no other symbol fares better
    return 0 if isinstance(error, KisRefused) else before + 1


def _is_halted(answer: PriceAnswer) -> bool | None:
    """Whether trading is suspended; None where the answer does not tell."""
    if not answer.iscd_stat_cls_code and not answer.temp_stop_yn:
        return None
    return answer.iscd_stat_cls_code == _HALTED or answer.temp_stop_yn == "Y"


def _row(model: type[MultiPriceRow], data: Mapping[str, object]) -> MultiPriceRow | str:
    try:
        return read(model, data, endpoint=MULTI_PRICE.name)
    except KisFieldError as error:
        return str(error)


def _quote_of(answer: PriceAnswer, symbol: Symbol, *, at: datetime) -> _Answer:
    status = answer.iscd_stat_cls_code
    quote = Quote(
        symbol=symbol,
        at=at,
        last=Won(answer.stck_prpr),
        open=Won(answer.stck_oprc),
        high=Won(answer.stck_hgpr),
        low=Won(answer.stck_lwpr),
        base=Won(answer.stck_sdpr),
        upper_limit=Won(answer.stck_mxpr),
        lower_limit=Won(answer.stck_llam),
        volume=answer.acml_vol,
        turnover=answer.acml_tr_pbmn,
        is_halted=_is_halted(answer),
        is_managed=_told(status, answer.mang_issu_cls_code)
        and (status == _MANAGED or answer.mang_issu_cls_code == "Y"),
        is_warned=_told(status, answer.mrkt_warn_cls_code)
        and (status in _WARNED or answer.mrkt_warn_cls_code not in {"", *_NO_WARNING}),
        is_vi=_told(answer.vi_cls_code) and answer.vi_cls_code not in _NO_VI,
    )
    return _believed(quote)


def _bulk_quote_of(row: MultiPriceRow, symbol: Symbol, *, at: datetime) -> _Answer:
    quote = Quote(
        symbol=symbol,
        at=at,
        last=Won(row.inter2_prpr),
        open=Won(row.inter2_oprc),
        high=Won(row.inter2_hgpr),
        low=Won(row.inter2_lwpr),
        base=Won(row.inter2_sdpr),
        upper_limit=Won(row.inter2_mxpr),
        lower_limit=Won(row.inter2_llam),
        volume=row.acml_vol,
        turnover=row.acml_tr_pbmn,
        ask=Won(row.inter2_askp),
        bid=Won(row.inter2_bidp),
    )
    return _believed(quote)


def _told(*codes: str) -> bool | None:
    """True when any of the codes says something; None (unknown) when all are blank."""
    return True if any(codes) else None


def _believed(quote: Quote) -> _Answer:
    """`quote`, unless its prices cannot be (T-10): an order is never decided on such."""
    why = _implausibility(quote)
    return quote if why is None else QuoteUnavailable(symbol=quote.symbol, why=why)


def _implausibility(quote: Quote) -> str | None:
    if quote.last <= 0:
        return "price is zero"
    if quote.base <= 0:
        return "base price is zero"
    if not 0 < quote.lower_limit < quote.upper_limit:
        return "price limits are missing or crossed"
    if not quote.lower_limit <= quote.last <= quote.upper_limit:
        return "price outside the day's limits"
    day = (quote.open, quote.high, quote.low)
    if any(day) and not quote.lower_limit <= quote.low <= quote.open <= quote.high:
        return "open, high and low contradict each other"
    if quote.high > quote.upper_limit:
        return "high above the day's limit"
    return None
