"""Whether the calls that a configuration needs fit the broker's rate, before trading starts (K-12).

The worst case is counted: every place held by a symbol that is no candidate of today. A cycle
quotes what is held and then the candidates; near a stop the loop shortens and what is held alone
must fit. While an order is followed, its polls take their share.
"""

from dataclasses import dataclass

from kis_core.universe.plan import SelectionPlan

REGISTRATIONS_MAX = 41  # a WebSocket session's, the execution notice included (kis-wire 6)
_NOTICES = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlan:
    """The arithmetic of one configuration; durations are seconds.

    `symbols_per_quote` is how many symbols one call quotes, `calls_to_prepare` what one symbol
    costs in the morning (bars, name). `streams` is whether quotes come by WebSocket; what it has
    no place for is asked by REST.
    """

    rate_per_s: float
    symbols_per_quote: int
    candidates: int
    positions_max: int
    interval_s: float
    near_stop_interval_s: float
    poll_s: float
    prepare_s: float
    calls_to_prepare: int
    selection: SelectionPlan
    streams: bool = False
    has_notices: bool = False

    @property
    def symbols(self) -> int:
        """How many symbols are looked at in a cycle, at most."""
        return self.candidates + self.positions_max

    @property
    def registrations(self) -> int:
        """The WebSocket registrations in use, of `REGISTRATIONS_MAX`."""
        notices = _NOTICES if self.has_notices else 0
        return min(self.symbols + notices, REGISTRATIONS_MAX) if self.streams else 0

    @property
    def streamed(self) -> int:
        """The symbols whose quotes come by WebSocket; what is held has its place first."""
        return max(0, self.registrations - (_NOTICES if self.has_notices else 0))

    @property
    def calls_per_cycle(self) -> int:
        """REST quotes of one cycle: held, then candidates, each rounded up to whole calls."""
        held = max(0, self.positions_max - self.streamed)
        candidates = self.symbols - max(self.streamed, self.positions_max)
        return self._calls(held) + self._calls(candidates)

    @property
    def calls_without_stream(self) -> int:
        """The same when the stream is lost and REST takes over."""
        return self._calls(self.positions_max) + self._calls(self.candidates)

    @property
    def calls_near_stop(self) -> int:
        """REST quotes of what is held, by REST alone: a stop does not wait for a stream."""
        return self._calls(self.positions_max)

    @property
    def rate_beside_order(self) -> float:
        """Calls a second that are left while one order is followed."""
        return self.rate_per_s - 1 / self.poll_s

    @property
    def calls_in_the_morning(self) -> int:
        """Selection and preparation before the open."""
        return self.selection.total + self.symbols * self.calls_to_prepare

    def seconds(self, calls: int) -> float:
        """How long `calls` take at the configured rate."""
        return calls / self.rate_per_s

    def refusals(self) -> list[str]:
        """Why the start is refused, in Korean with the numbers; empty when everything fits."""
        told = []
        if self.seconds(self.calls_per_cycle) > self.interval_s:
            told.append(
                self._too_slow("판단 주기", self.calls_per_cycle, self.interval_s)
                + " 종목 수를 줄이거나 interval을 늘리세요."
            )
        if self.seconds(self.calls_near_stop) > self.near_stop_interval_s:
            told.append(
                self._too_slow("손절 근접 주기", self.calls_near_stop, self.near_stop_interval_s)
                + " max_positions를 줄이거나 near_stop_interval_s를 늘리세요."
            )
        if self.rate_beside_order <= 0:
            told.append(
                f"주문 확인(초당 {1 / self.poll_s:g}건)이 호출 한도(초당 {self.rate_per_s:g}건)를"
                " 다 씁니다. orders.poll_s를 늘리세요."
            )
        return told

    def warnings(self) -> list[str]:
        """What fits only while nothing else happens, in Korean."""
        told = []
        cycle_s = self.seconds(self.calls_per_cycle)
        left = self.rate_beside_order
        if left > 0 and self.calls_per_cycle / left > self.interval_s >= cycle_s:
            told.append(
                f"주문을 확인하는 동안에는 초당 {left:g}건만 남아 한 주기가"
                f" {self.calls_per_cycle / left:.0f}초 걸립니다 (주기 {self.interval_s:g}초)."
            )
        if self.streams and self.seconds(self.calls_without_stream) > self.interval_s:
            told.append(
                self._too_slow("WS가 끊긴 동안의 주기", self.calls_without_stream, self.interval_s)
            )
        if self.seconds(self.calls_in_the_morning) > self.prepare_s:
            told.append(
                self._too_slow("개장 전 준비", self.calls_in_the_morning, self.prepare_s)
                + " 준비가 끝난 종목부터 판단합니다."
            )
        return told

    def lines(self) -> list[str]:
        """The arithmetic, in Korean, a line each."""
        told = [
            f"호출 한도: 초당 {self.rate_per_s:g}건, 시세 한 건에 {self.symbols_per_quote}종목",
            f"판단 주기: 보유 {self.positions_max} + 후보 {self.candidates}종목 ="
            f" {self._arithmetic(self.calls_per_cycle)} / {self.interval_s:g}초",
            f"손절 근접 주기: 보유 {self.positions_max}종목 ="
            f" {self._arithmetic(self.calls_near_stop)} / {self.near_stop_interval_s:g}초",
            f"유니버스 선정: {self.selection.total}건 (최대 {self.selection.total_max}건),"
            f" 종목 준비: {self.symbols} × {self.calls_to_prepare}건 ="
            f" 합계 {self._arithmetic(self.calls_in_the_morning)} / {self.prepare_s:g}초",
        ]
        if self.streams:
            told.append(f"WS 등록: {self.registrations} / {REGISTRATIONS_MAX}")
        return told

    def _calls(self, symbols: int) -> int:
        return -(-max(0, symbols) // self.symbols_per_quote)

    def _arithmetic(self, calls: int) -> str:
        return f"{calls}건 = {self.seconds(calls):.1f}초"

    def _too_slow(self, what: str, calls: int, available_s: float) -> str:
        return (
            f"{what}에 들어가지 않습니다: {calls}건 ÷ 초당 {self.rate_per_s:g}건 ="
            f" {self.seconds(calls):.1f}초 > {available_s:g}초."
        )
