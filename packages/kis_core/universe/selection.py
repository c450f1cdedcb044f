"""Choosing the universe: a pure function of the settings and of what is known of the candidates.

What a stage must know is asked for only for those that reached it: `select` answers `Needed`
until it knows enough, and whoever asks fetches in between. So a scan of two hundred symbols costs
single quotes for the few that could be chosen, and the same inputs always give the same account.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from kis_core.market.symbol import Symbol, parse_symbol
from kis_core.universe.candidate import (
    AtrReading,
    Need,
    Needed,
    Selection,
    Snapshot,
    Stage,
    StageAccount,
    Status,
    Unread,
    Verdict,
    Why,
)
from kis_core.universe.filters import judge_atr, judge_status, judge_traded_value
from kis_core.universe.policy import COMBINED_FACTOR, PoolMode, SelectionMethod, UniversePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionInputs:
    """What is known: `pool` are codes in order of preference, as their source gave them."""

    pool: tuple[str, ...]
    snapshots: Mapping[Symbol, Snapshot | Unread] = field(default_factory=dict)
    statuses: Mapping[Symbol, Status | Unread] = field(default_factory=dict)
    atrs: Mapping[Symbol, AtrReading | Unread] = field(default_factory=dict)


_Step = Callable[[UniversePolicy, SelectionInputs, Sequence[Symbol]], StageAccount | Needed]


def select(policy: UniversePolicy, inputs: SelectionInputs) -> Selection | Needed:
    """The universe, or what is still missing to choose it."""
    stages = [_pool_account(policy, inputs.pool)]
    for step in _steps(policy):
        account = step(policy, inputs, stages[-1].stayed)
        if isinstance(account, Needed):
            return account
        stages.append(account)
    stages.append(_final_account(policy, stages[-1].stayed))
    return Selection(symbols=stages[-1].stayed, stages=tuple(stages))


def _steps(policy: UniversePolicy) -> tuple[_Step, ...]:
    if policy.method is SelectionMethod.FIXED:
        return ()
    if policy.method is SelectionMethod.VOLUME_TOP:
        return _by_traded_value, _by_status(_of_pool(policy, policy.max_stocks))
    if policy.method is SelectionMethod.COMBINED:
        wide = _of_pool(policy, policy.max_stocks * COMBINED_FACTOR)
        return (_by_traded_value, _by_status(wide), _by_atr)
    if policy.pool_mode is PoolMode.VOLUME_TOP:
        return (_by_traded_value, _by_status(policy.volume_top_n), _by_atr)
    return (_by_atr, _by_status(policy.max_stocks))


def _of_pool(policy: UniversePolicy, wanted: int) -> int:
    """At most the size of the pool, where the pool is the most traded `volume_top_n`."""
    if policy.pool_mode is PoolMode.VOLUME_TOP:
        return min(wanted, policy.volume_top_n)
    return wanted


def _pool_account(policy: UniversePolicy, pool: Sequence[str]) -> StageAccount:
    """Valid codes, each once, at most `scan_size` of a pool that is bounded (U-11, U-12)."""
    is_scanned = policy.method is not SelectionMethod.FIXED
    most = policy.scan_size if is_scanned and policy.is_pool_bounded else None
    seen: set[str] = set()
    verdicts: list[Verdict] = []
    kept = 0
    for code in pool:
        why = _code_verdict(code, policy) if code not in seen else Why.DUPLICATE
        seen.add(code)
        if why is Why.PASSED and most is not None and kept >= most:
            why = Why.BEYOND_SCAN_SIZE
        kept += why is Why.PASSED
        limit = most if why is Why.BEYOND_SCAN_SIZE else None
        verdicts.append(Verdict(code=code, stage=Stage.POOL, why=why, limit=limit))
    return StageAccount(stage=Stage.POOL, verdicts=tuple(verdicts))


def _code_verdict(code: str, policy: UniversePolicy) -> Why:
    try:
        parse_symbol(code, allow_alphanumeric=True)
    except ValueError:
        return Why.INVALID_CODE
    is_usable = policy.allow_alphanumeric or code.isdigit()
    return Why.PASSED if is_usable else Why.LETTER_CODE


def _by_traded_value(
    policy: UniversePolicy, inputs: SelectionInputs, symbols: Sequence[Symbol]
) -> StageAccount | Needed:
    """By traded value, descending; equal values in order of the code."""
    missing = tuple(symbol for symbol in symbols if symbol not in inputs.snapshots)
    if missing:
        return Needed(what=Need.SNAPSHOT, symbols=missing)
    verdicts = [judge_traded_value(inputs.snapshots[symbol], policy=policy) for symbol in symbols]
    stayed = sorted(
        (verdict for verdict in verdicts if verdict.stayed),
        key=lambda verdict: (-(verdict.value or 0), verdict.code),
    )
    left = [verdict for verdict in verdicts if not verdict.stayed]
    return StageAccount(stage=Stage.TRADED_VALUE, verdicts=(*stayed, *left))


def _by_status(most: int) -> _Step:
    """The first `most` that may be traded; those after them are not looked at."""

    def step(
        policy: UniversePolicy, inputs: SelectionInputs, symbols: Sequence[Symbol]
    ) -> StageAccount | Needed:
        verdicts: list[Verdict] = []
        missing: list[Symbol] = []
        found = 0
        for symbol in symbols:
            if found >= most:
                verdicts.append(_not_needed(symbol, Stage.STATUS, most))
                continue
            status = _status_of(symbol, policy, inputs)
            if status is None:
                missing.append(symbol)
                found += 1  # it may pass: then nobody after it need be asked
                continue
            verdicts.append(judge_status(status, policy=policy))
            found += verdicts[-1].stayed
        if missing:
            return Needed(what=Need.STATUS, symbols=tuple(missing))
        return StageAccount(stage=Stage.STATUS, verdicts=tuple(verdicts))

    return step


def _by_atr(
    policy: UniversePolicy, inputs: SelectionInputs, symbols: Sequence[Symbol]
) -> StageAccount | Needed:
    missing = tuple(symbol for symbol in symbols if symbol not in inputs.atrs)
    if missing:
        return Needed(what=Need.ATR, symbols=missing)
    verdicts = [judge_atr(inputs.atrs[symbol], policy=policy) for symbol in symbols]
    return StageAccount(stage=Stage.ATR, verdicts=tuple(verdicts))


def _final_account(policy: UniversePolicy, symbols: Sequence[Symbol]) -> StageAccount:
    most = policy.max_stocks
    verdicts = [
        Verdict(code=symbol, stage=Stage.FINAL, why=Why.PASSED)
        if place < most
        else _not_needed(symbol, Stage.FINAL, most)
        for place, symbol in enumerate(symbols)
    ]
    return StageAccount(stage=Stage.FINAL, verdicts=tuple(verdicts))


def _not_needed(symbol: Symbol, stage: Stage, most: int) -> Verdict:
    return Verdict(code=symbol, stage=stage, why=Why.ENOUGH_FOUND, limit=most)


def _status_of(
    symbol: Symbol, policy: UniversePolicy, inputs: SelectionInputs
) -> Status | Unread | None:
    """What is known of the issue's standing; None when it must still be asked."""
    asked = inputs.statuses.get(symbol)
    seen = inputs.snapshots.get(symbol)
    if asked is not None or not isinstance(seen, Snapshot):
        return asked
    is_told = seen.is_halted is not None and (
        seen.is_managed is not None or not policy.exclude_managed
    )
    if not is_told:
        return None
    return Status(
        symbol=symbol,
        last=seen.last,
        market_cap_eok=seen.market_cap_eok,
        is_halted=seen.is_halted,
        is_managed=seen.is_managed,
    )
