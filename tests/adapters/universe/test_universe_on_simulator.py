"""The whole selection over the wire: both personalities of the simulator, before and in session."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from kis_adapters.console.universe_table import print_universe, universe_json
from kis_adapters.console.universe_words import (
    CACHE_REASONS,
    HALT_REASONS,
    LABELS,
    ORIGINS,
    REASONS,
    STAGES,
    STEPS,
)
from kis_adapters.files.universe_cache import FileUniverseCache
from kis_adapters.kis.budget import RateBudget
from kis_adapters.kis.client import KisClient
from kis_adapters.kis.credentials import KisCredentials
from kis_adapters.kis.market_scan import KisMarketScan
from kis_adapters.memory.calendar import WeekdayCalendar
from kis_adapters.memory.listening import MemoryNotifier
from kis_adapters.system.index_members import DatedIndexMembers
from kis_core.market.session import KST
from kis_core.orders.identity import TradingMode
from kis_core.ports.clock import Clock
from kis_core.session.telling import Teller
from kis_core.session.universe_run import UniverseSourceFailed
from kis_core.session.universe_selection import Origin, UniverseSelection, UniverseSelector
from kis_core.universe.candidate import Stage, Why
from kis_core.universe.fallback import HaltReason
from kis_core.universe.plan import planned_calls
from kis_core.universe.policy import PoolMode, SelectionMethod, UniversePolicy
from kis_core.universe.reuse import CacheReason
from kis_core.universe.rows import as_rows
from kis_sandbox.config import CREDENTIALS, Personality, SandboxConfig
from kis_sandbox.server import SandboxServer

ROOT = Path(__file__).parents[3]
TUESDAY = date(2026, 11, 24)
BEFORE, DURING = (datetime(2026, 11, 24, hour, 40, tzinfo=KST) for hour in (8, 10))
WIDE = UniversePolicy(
    method=SelectionMethod.VOLUME_TOP,
    max_stocks=30,
    entry_candidates=30,
    min_traded_value=1,
    min_market_cap_eok=0,
)


class _SimulatorClock(Clock):
    def __init__(self, server: SandboxServer) -> None:
        self._server = server

    def now(self) -> datetime:
        return self._server.clock.now()

    def sleep_until(self, instant: datetime) -> None:
        with self._server.sandbox.lock:
            if instant > self._server.clock.now():
                self._server.sandbox.advance(instant)

    def wake(self) -> None:
        """Nobody sleeps long here."""


class Place:
    """A simulator at `start` and a selector in front of it; `selector` builds further ones."""

    def __init__(
        self, server: SandboxServer, client: KisClient, mode: TradingMode, directory: Path
    ) -> None:
        self.server, self.client, self.mode = server, client, mode
        self.scan = KisMarketScan(client)
        self.cache = FileUniverseCache(directory / "universe_cache.json")
        self.notifier = MemoryNotifier()
        self.policy = WIDE

    def selector(self, policy: UniversePolicy) -> UniverseSelector:
        self.policy = policy
        return UniverseSelector(
            policy=policy,
            mode=self.mode,
            calendar=WeekdayCalendar(),
            scan=self.scan,
            members=DatedIndexMembers(
                clock=self.client.clock, bundled=ROOT / "config" / "kospi200.csv"
            ),
            cache=self.cache,
            teller=Teller(clock=self.client.clock, notifier=self.notifier),
        )

    def select(self, policy: UniversePolicy = WIDE) -> UniverseSelection:
        outcome = self.selector(policy).select(TUESDAY, self.client.clock.now())
        assert isinstance(outcome, UniverseSelection)
        return outcome

    def planned(self, *, is_open: bool) -> int:
        return planned_calls(
            self.policy,
            offers_rankings=self.scan.offers_rankings,
            symbols_per_snapshot=self.scan.symbols_per_snapshot,
            is_open=is_open,
        ).total_max


Start = Callable[[TradingMode, datetime], Place]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def _start(mode: TradingMode, at: datetime) -> Place:
            personality = Personality(mode.lower())
            server = stack.enter_context(
                SandboxServer(SandboxConfig(mode=personality, start=at, latency_ms=0))
            )
            clock = _SimulatorClock(server)
            keys = CREDENTIALS[personality]
            client = KisClient(
                credentials=KisCredentials(
                    app_key=keys.app_key, app_secret=keys.app_secret, account_no=keys.account_no
                ),
                mode=mode,
                base_url=server.base_url,
                clock=clock,
                token_dir=tmp_path,
                budget=RateBudget(18 if mode is TradingMode.REAL else 1, clock),
            )
            stack.callback(client.close)
            return Place(server, client, mode, tmp_path)

        yield _start


def reasons(chosen: UniverseSelection) -> dict[str, Why]:
    assert chosen.account is not None
    return {row.code: row.why for row in as_rows(chosen.account)}


@pytest.mark.req("U-03", "U-07", "F-070")
@pytest.mark.parametrize("at", [BEFORE, DURING])
def test_in_real_the_market_is_scanned_and_what_must_not_be_bought_leaves(
    start: Start, at: datetime
) -> None:
    place = start(TradingMode.REAL, at)

    chosen = place.select()

    why = reasons(chosen)
    assert chosen.symbols[0] in ("005930", "000660")  # the two with the largest turnover
    assert {"005380", "247540"} <= set(chosen.symbols)  # of either board
    assert why["990020"] is Why.MANAGED
    assert why["0126Z0"] is Why.LETTER_CODE
    assert "990010" not in chosen.symbols  # halted
    assert chosen.calls == place.scan.calls <= place.planned(is_open=at is DURING)


@pytest.mark.req("U-04", "U-07")
@pytest.mark.parametrize("at", [BEFORE, DURING])
def test_in_paper_the_bundled_index_list_takes_the_rankings_place(
    start: Start, at: datetime
) -> None:
    place = start(TradingMode.PAPER, at)

    chosen = place.select()

    why = reasons(chosen)
    assert chosen.symbols[0] in ("005930", "000660")
    assert len(chosen.symbols) == 16  # the simulator's members without a letter in their code
    assert why["002030"] is Why.PRICE_ZERO  # a member that the simulator does not list
    assert any("2026-06-30 기준" in note for note in chosen.notes)
    assert chosen.calls <= place.planned(is_open=at is DURING)


@pytest.mark.req("U-06")
def test_combined_over_listed_candidates_finishes_with_the_atr_filter(start: Start) -> None:
    place = start(TradingMode.PAPER, BEFORE)
    policy = UniversePolicy(
        pool_mode=PoolMode.YAML,
        candidate_stocks=("005930", "000660", "035720", "990020"),
        max_stocks=2,
        entry_candidates=2,
        min_atr_pct=0.1,
        max_atr_pct=30.0,
    )

    chosen = place.select(policy)

    assert set(chosen.symbols) == {"005930", "000660"}
    assert chosen.account is not None
    assert [account.stage for account in chosen.account.stages] == list(Stage)


@pytest.mark.req("U-08", "U-09")
def test_a_restart_in_session_reads_the_file_and_asks_the_broker_nothing(start: Start) -> None:
    place = start(TradingMode.REAL, BEFORE)
    morning = place.select()
    with place.server.sandbox.lock:
        place.server.sandbox.advance(DURING)
    calls = place.scan.calls

    again = place.select()

    assert (again.origin, again.symbols) == (Origin.CACHE, morning.symbols)
    assert place.scan.calls == calls


@pytest.mark.req("F-078")
@pytest.mark.parametrize("kind", ["http_500", "html", "empty_body", "missing_field"])
def test_a_source_that_fails_is_an_error_and_stores_nothing(start: Start, kind: str) -> None:
    place = start(TradingMode.PAPER, DURING)
    place.server.faults.add("inquire-price", kind, params={"field": "stck_prpr"})

    with pytest.raises(UniverseSourceFailed):
        place.select()

    assert not Path(place.cache.location).exists()


@pytest.mark.req("U-16")
def test_the_selection_is_shown_as_a_table_and_as_json(start: Start) -> None:
    chosen = start(TradingMode.REAL, DURING).select()
    text = StringIO()

    print_universe(chosen, Console(file=text, width=160), names={chosen.symbols[0]: "[b]이름[/b]"})
    document = json.loads(universe_json(chosen))

    shown = text.getvalue()
    assert f"[b]이름[/b]({chosen.symbols[0]})" in shown  # a name is never markup
    assert "관리종목" in shown
    assert "문자 종목코드" in shown
    assert document["stocks"] == list(chosen.symbols)
    assert document["calls"] == chosen.calls
    first = document["stages"][0]
    assert first["entered"] == len(first["candidates"])
    assert {"code", "stage", "why", "value", "limit", "stayed"} == set(first["candidates"][0])


def test_every_word_of_the_account_has_its_korean() -> None:
    assert set(STAGES) == set(Stage)
    assert set(REASONS) == set(Why)
    assert set(ORIGINS) == set(Origin)
    assert set(CACHE_REASONS) == set(CacheReason)
    assert set(HALT_REASONS) == set(HaltReason)


def test_every_field_and_step_told_of_a_selection_has_its_korean(start: Start) -> None:
    place = start(TradingMode.REAL, BEFORE)

    place.select()

    told = [event.fields for event in place.notifier.events]
    assert {name for fields in told for name in fields} <= {*LABELS, "reason", "why", "candidates"}
    assert {fields["step"] for fields in told} <= set(STEPS)
