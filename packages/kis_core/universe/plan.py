"""How many calls a selection will cost, before any is made (K-12)."""

from dataclasses import dataclass

from kis_core.universe.policy import COMBINED_FACTOR, PoolMode, SelectionMethod, UniversePolicy

_BOARDS = 4
_RANKED_ROWS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionPlan:
    """Calls by kind. `statuses` where the first candidates pass, `statuses_max` where all but
    the last are turned away."""

    rankings: int = 0
    snapshots: int = 0
    histories: int = 0
    statuses: int = 0
    statuses_max: int = 0

    @property
    def total(self) -> int:
        """The calls of an ordinary selection."""
        return self.rankings + self.snapshots + self.histories + self.statuses

    @property
    def total_max(self) -> int:
        """The most calls that a selection can need."""
        return self.total - self.statuses + self.statuses_max


def planned_calls(
    policy: UniversePolicy,
    *,
    offers_rankings: bool,
    symbols_per_snapshot: int,
    is_open: bool,
    index_members: int = 200,
) -> SelectionPlan:
    """The plan for one selection, before the open or in session (`is_open`).

    `symbols_per_snapshot` is how many symbols one call quotes; where it is more than one, the
    quote tells no flags, and neither does the history that serves before the open.
    """
    if policy.method is SelectionMethod.FIXED:
        return SelectionPlan()
    pool = _pool_size(policy, offers_rankings=offers_rankings, index_members=index_members)
    is_ranked_pool = policy.pool_mode in (PoolMode.MARKET, PoolMode.VOLUME_TOP)
    kinds = 2 if policy.pool_mode is PoolMode.MARKET else 1
    rankings = _BOARDS * kinds if offers_rankings and is_ranked_pool else 0
    is_by_value = (
        policy.method is not SelectionMethod.ATR_FILTER or policy.pool_mode is PoolMode.VOLUME_TOP
    )
    snapshots = -(-pool // symbols_per_snapshot) if is_by_value and is_open else 0
    tells_flags = is_by_value and is_open and symbols_per_snapshot == 1
    first = min(_first_step(policy), pool)
    return SelectionPlan(
        rankings=rankings,
        snapshots=snapshots,
        histories=_histories(policy, pool=pool, first=first, by_value=is_by_value, is_open=is_open),
        statuses=0 if tells_flags else first,
        statuses_max=0 if tells_flags else pool,
    )


def _pool_size(policy: UniversePolicy, *, offers_rankings: bool, index_members: int) -> int:
    if policy.pool_mode is PoolMode.YAML:
        size = len(dict.fromkeys(policy.listed_pool))
    elif not offers_rankings or policy.pool_mode is PoolMode.KOSPI200:
        size = index_members
    elif policy.pool_mode is PoolMode.VOLUME_TOP:
        size = _BOARDS * _RANKED_ROWS
    else:
        size = policy.scan_size
    return min(size, policy.scan_size) if policy.is_pool_bounded else size


def _first_step(policy: UniversePolicy) -> int:
    """How many the step that asks single quotes has to find."""
    is_of_top = policy.pool_mode is PoolMode.VOLUME_TOP
    if policy.method is SelectionMethod.ATR_FILTER:
        return policy.volume_top_n if is_of_top else policy.max_stocks
    factor = COMBINED_FACTOR if policy.method is SelectionMethod.COMBINED else 1
    wanted = policy.max_stocks * factor
    return min(wanted, policy.volume_top_n) if is_of_top else wanted


def _histories(
    policy: UniversePolicy, *, pool: int, first: int, by_value: bool, is_open: bool
) -> int:
    if by_value and not is_open:
        return pool
    if policy.method is SelectionMethod.VOLUME_TOP:
        return 0
    return first if by_value else pool
