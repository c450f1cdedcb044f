"""One selection of the universe: fetching what the policy asks for, chunk by chunk.

Each `advance` costs at most one chunk of calls, so that whoever has positions to guard can do so
in between. Too many symbols without an answer are an error, not a small universe (F-078).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.ports.market_scan import (
    Board,
    History,
    IndexMembers,
    MarketScan,
    MarketScanUnavailable,
    RankedIssue,
    Ranking,
)
from kis_core.strategy.indicators import RollingSum, TrueRange
from kis_core.universe.candidate import (
    AtrReading,
    Need,
    Needed,
    Selection,
    Snapshot,
    Status,
    Unread,
)
from kis_core.universe.filters import BARS_MIN
from kis_core.universe.policy import PoolMode, SelectionMethod, UniversePolicy
from kis_core.universe.selection import SelectionInputs, select

_WHOLE_PCT = 100
_T = TypeVar("_T")


class UniverseSourceFailed(Exception):
    """The market could not be looked over: no universe may be concluded from what was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanDay:
    """Whose traded value counts: today's so far when `is_open`, else that of the last completed
    day. `completed` is the last day whose bar is final."""

    is_open: bool
    completed: date


@dataclass(slots=True)
class SelectionRun:
    """Advance it until it answers. `notes` and `warnings` are Korean, for the operator: what the
    candidates come from, and which source was replaced by another. `calls_for` counts the calls
    that were made for one symbol alone."""

    policy: UniversePolicy
    scan: MarketScan
    members: IndexMembers
    day: ScanDay
    chunk: int = 30
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    calls_for: Counter[Symbol] = field(default_factory=Counter)
    _pool: tuple[str, ...] | None = None
    _snapshots: dict[Symbol, Snapshot | Unread] = field(default_factory=dict)
    _statuses: dict[Symbol, Status | Unread] = field(default_factory=dict)
    _atrs: dict[Symbol, AtrReading | Unread] = field(default_factory=dict)
    _histories: dict[Symbol, History | Unread] = field(default_factory=dict)

    def finish(self) -> Selection:
        """The selection. Raises UniverseSourceFailed."""
        while True:
            selection = self.advance()
            if selection is not None:
                return selection

    def advance(self) -> Selection | None:
        """Fetch the next chunk; the selection once nothing is missing.

        Raises UniverseSourceFailed.
        """
        try:
            if self._pool is None:
                self._pool = self._gather_pool()
                return None
            answer = select(self.policy, self._inputs(self._pool))
            if isinstance(answer, Selection):
                return answer
            self._fetch(answer)
        except MarketScanUnavailable as error:
            raise UniverseSourceFailed(str(error)) from error
        return None

    def _inputs(self, pool: tuple[str, ...]) -> SelectionInputs:
        return SelectionInputs(
            pool=pool, snapshots=self._snapshots, statuses=self._statuses, atrs=self._atrs
        )

    def _gather_pool(self) -> tuple[str, ...]:
        policy = self.policy
        if policy.method is SelectionMethod.FIXED:
            return policy.stocks
        if policy.pool_mode is PoolMode.YAML:
            return policy.listed_pool
        if policy.pool_mode is PoolMode.KOSPI200 or not self.scan.offers_rankings:
            return self._index_members()
        try:
            ranked = self._ranked()
        except MarketScanUnavailable as error:
            self.warnings.append(f"순위 조회 실패로 KOSPI200 목록을 씁니다: {error}")
            return self._index_members()
        if policy.pool_mode is PoolMode.VOLUME_TOP and ranked:
            return ranked
        if not ranked:
            self.notes.append("아직 거래 순위가 없어 KOSPI200 목록을 씁니다")
        if len(ranked) >= policy.scan_size:
            return ranked
        return tuple(dict.fromkeys((*ranked, *self._index_members())))

    def _ranked(self) -> tuple[str, ...]:
        """The union of the rankings, most traded first: one ranking has thirty rows (F-070)."""
        by_value: list[RankedIssue] = []
        by_size: list[RankedIssue] = []
        for board in Board:
            by_value += self.scan.ranking(Ranking.TRADED_VALUE, board)
        if self.day.is_open and not by_value:
            raise MarketScanUnavailable("장중인데 거래대금 순위가 비어 있습니다")
        if self.policy.pool_mode is PoolMode.MARKET:
            for board in Board:
                by_size += self.scan.ranking(Ranking.MARKET_CAP, board)
        return tuple(dict.fromkeys((*_by_amount(by_value), *_by_amount(by_size))))

    def _index_members(self) -> tuple[str, ...]:
        told = self.members.kospi200()
        self.notes.append(f"KOSPI200 목록: {told.as_of:%Y-%m-%d} 기준 ({told.source})")
        if told.warning is not None:
            self.warnings.append(told.warning)
        return told.codes

    def _fetch(self, needed: Needed) -> None:
        symbols = needed.symbols[: self.chunk]
        if needed.what is Need.STATUS:
            self._statuses.update(self._counted(self.scan.statuses(symbols)))
            self._refuse_failures(self._statuses, needed)
        elif needed.what is Need.SNAPSHOT and self.day.is_open:
            self._snapshots.update(self.scan.snapshots(symbols))
            self._refuse_failures(self._snapshots, needed)
        else:
            self._read_histories(symbols, needed)

    def _read_histories(self, symbols: tuple[Symbol, ...], needed: Needed) -> None:
        """Bars serve two stages: the last completed day's value, and ATR; they are asked once."""
        missing = [symbol for symbol in symbols if symbol not in self._histories]
        count = max(BARS_MIN, self.policy.atr_period) + 1  # one more: the first previous close
        if missing:
            on = self.day.completed
            self._histories.update(self._counted(self.scan.histories(missing, on=on, count=count)))
            self._refuse_failures(self._histories, needed)
        for symbol in symbols:
            history = self._histories[symbol]
            if needed.what is Need.ATR:
                self._atrs[symbol] = _reading(history, period=self.policy.atr_period)
            else:
                self._snapshots[symbol] = _as_snapshot(history, on=self.day.completed)

    def _counted(self, answers: Mapping[Symbol, _T]) -> Mapping[Symbol, _T]:
        self.calls_for.update(answers.keys())
        return answers

    def _refuse_failures(self, answers: Mapping[Symbol, object], needed: Needed) -> None:
        """Give up as soon as more than the allowed share cannot be answered any more."""
        failed = [answer for answer in answers.values() if isinstance(answer, Unread)]
        total = len({*answers, *needed.symbols})
        if len(failed) * _WHOLE_PCT > self.policy.failures_max_pct * total:
            raise UniverseSourceFailed(
                f"후보 {total}종목 중 {len(failed)}종목의 조회가 실패했습니다"
                f" (허용 {self.policy.failures_max_pct}%): {failed[0].why}"
            )


def _by_amount(issues: Iterable[RankedIssue]) -> Iterator[str]:
    ordered = sorted(issues, key=lambda issue: (-issue.amount, issue.code))
    return (issue.code for issue in ordered)


def _as_snapshot(history: History | Unread, *, on: date) -> Snapshot | Unread:
    """The last completed day as the day that counts. A day without trades has its last close and
    a traded value of zero; an issue without any bar has no price."""
    if isinstance(history, Unread):
        return history
    last = history.bars[-1] if history.bars else None
    is_of_day = last is not None and last.session_date == on
    return Snapshot(
        symbol=history.symbol,
        last=last.close if last is not None else Won(0),
        open=last.open if last is not None and is_of_day else Won(0),
        traded_value=history.traded_value if is_of_day else 0,
        valued_on=on,
        market_cap_eok=history.market_cap_eok,
    )


def _reading(history: History | Unread, *, period: int) -> AtrReading | Unread:
    if isinstance(history, Unread):
        return history
    true_range, ranges = TrueRange(), RollingSum(period)
    total: int | None = None
    for bar in history.bars:
        total = ranges.push(true_range.push(bar))
    return AtrReading(
        symbol=history.symbol,
        range_sum=total or 0,
        period=period,
        close=history.bars[-1].close if history.bars else Won(0),
        bar_count=len(history.bars),
    )
