"""The composition root of kr_trade: which class stands behind which port, and what is closed."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

import httpx
import structlog
from sqlalchemy.engine import Engine as Database

from apps.injection import containers, providers
from apps.recordings import open_tape
from apps.session_settings import SCAN_CHUNK, session_settings
from kis_adapters.files.context_cache import JsonContextCache
from kis_adapters.files.kill_switch import TextKillSwitchFile
from kis_adapters.files.positions_mirror import JsonPositionsMirror
from kis_adapters.files.universe_cache import FileUniverseCache
from kis_adapters.kis.budget import RateBudget
from kis_adapters.kis.client import KisClient
from kis_adapters.kis.credentials import KisCredentials
from kis_adapters.kis.endpoints import HOLIDAYS
from kis_adapters.kis.exchange import http_client
from kis_adapters.kis.holidays import KisHolidays
from kis_adapters.kis.market_data import KisMarketData
from kis_adapters.kis.market_scan import KisMarketScan
from kis_adapters.kis.trading import KisRestBroker
from kis_adapters.recording.recorder import recorded
from kis_adapters.recording.tape import Tape
from kis_adapters.settings.by_mode import PAPER_REST, REAL_REST
from kis_adapters.settings.sections import Feed as QuoteFeed
from kis_adapters.settings.settings import Settings
from kis_adapters.sql.account_lock import account_lock
from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.sql.store import SqlStore
from kis_adapters.system.broker_checked_calendar import BrokerCheckedCalendar
from kis_adapters.system.broker_holidays import BrokerHolidays
from kis_adapters.system.index_members import MEMBERS_FILE, DatedIndexMembers
from kis_adapters.system.krx_calendar import KrxCalendar
from kis_adapters.system.locked_broker import LockedBroker
from kis_adapters.system.master_file import download_master
from kis_adapters.system.session_overlay import read_overlay
from kis_adapters.system.simulator_clock import SimulatorClock, simulator_clock_at
from kis_adapters.system.simulator_process import SimulatorOptions, SimulatorProcess
from kis_adapters.system.wall_clock import WallClock
from kis_core.market.session import KST
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.ports.account_lock import AccountLock
from kis_core.ports.broker import Broker
from kis_core.ports.calendar import Calendar
from kis_core.ports.clock import Clock
from kis_core.ports.feed import Feed
from kis_core.ports.market_data import MarketData
from kis_core.ports.notifier import Event, EventKind, Level, Notifier
from kis_core.ports.operator_inbox import OperatorInbox
from kis_core.ports.store import Store
from kis_core.session.engine import Engine, Ports
from kis_core.session.settings import SessionSettings
from kis_core.session.telling import Teller
from kis_core.session.universe_selection import UniverseSelector

_IN_FLIGHT = {TradingMode.PAPER: 1, TradingMode.REAL: 4}  # design section 3
_SPARE_CONNECTIONS = 2
_SIMULATOR_PATIENCE_S = 120.0
_SIMULATOR_BEGINS = time(8, 30)
# A seed and a date on which the shipped universe sees an entry and an exit within one day: a
# demonstration of the program, and no statement about its profit.
_DEMO_SEED = 8
_DEMO_DATE = date(2026, 11, 24)
# Between two steps of a watched simulated day nothing is streamed: a stop is to be seen in time.
_SIMULATED_STEPS = {
    QuoteFeed.REST: timedelta(seconds=60),
    QuoteFeed.WS: timedelta(seconds=5),
}
_SANDBOX_TIME = "X-KIS-Sandbox-Time"

_log = structlog.get_logger(__name__)


class Connection:
    """Where the broker is, and the keys for it; `hts_id` where it is the bundled simulator's."""

    def __init__(
        self, *, base_url: str | None, credentials: KisCredentials, hts_id: str = ""
    ) -> None:
        self.base_url = base_url
        self.credentials = credentials
        self.hts_id = hts_id

    @property
    def account(self) -> str:
        """The account as it stands in every key of the database."""
        return self.credentials.account_no + self.credentials.product_code


def _simulator(settings: Settings) -> Iterator[SimulatorProcess | None]:
    """The bundled simulator, where no credentials were given."""
    if not settings.uses_simulator:
        yield None
        return
    options = SimulatorOptions(
        state_dir=settings.paths.data_dir / "simulator",
        start=datetime.combine(settings.simulator.start_date or _DEMO_DATE, _SIMULATOR_BEGINS, KST),
        seed=settings.simulator.seed if settings.simulator.seed is not None else _DEMO_SEED,
        cash=settings.simulator.cash,
    )
    with SimulatorProcess(options) as process:
        yield process


def _connection(settings: Settings, simulator: SimulatorProcess | None) -> Connection:
    if simulator is not None:
        info = simulator.info
        credentials = KisCredentials(
            app_key=info.app_key,
            app_secret=info.app_secret,
            account_no=info.account_no,
            product_code=info.product_code,
        )
        return Connection(base_url=info.base_url, credentials=credentials, hts_id=info.hts_id)
    given = settings.credentials
    if given is None:
        raise ValueError("settings without credentials use the simulator")
    credentials = KisCredentials(
        app_key=given.app_key.get_secret_value(),
        app_secret=given.app_secret.get_secret_value(),
        account_no=given.account_no.get_secret_value(),
        product_code=given.product_code,
    )
    return Connection(base_url=settings.api.base_url, credentials=credentials)


def _clock(settings: Settings, connection: Connection) -> Iterator[Clock]:
    """The wall clock; or the simulator's, wherever a simulator answers on this machine."""
    day_seconds = settings.simulator.day_seconds
    simulated = None
    if connection.base_url is not None:
        # The bundled one is gone for good when it is gone; one of the operator's may come back.
        patience_s = 0.0 if settings.uses_simulator else _SIMULATOR_PATIENCE_S
        simulated = simulator_clock_at(
            connection.base_url,
            day_seconds=day_seconds,
            patience_s=patience_s,
            paced_step=_SIMULATED_STEPS[settings.market_data.feed],
        )
    if simulated is None:
        yield WallClock()
        return
    yield simulated
    simulated.close()


def _client(
    settings: Settings, connection: Connection, clock: Clock, budget: RateBudget
) -> Iterator[KisClient]:
    in_flight = _IN_FLIGHT[settings.mode]
    http = http_client(
        timeout_s=settings.api.timeout_s,
        connections=in_flight + _SPARE_CONNECTIONS,
        is_local=isinstance(clock, SimulatorClock),
    )
    if isinstance(clock, SimulatorClock):
        _follow(http, clock)
    client = KisClient(
        credentials=connection.credentials,
        mode=settings.mode,
        clock=clock,
        token_dir=settings.paths.token_dir,
        budget=budget,
        base_url=connection.base_url,
        http=http,
        retries=settings.api.retries,
        retry_delay_s=settings.api.retry_delay_s,
        timeout_s=settings.api.timeout_s,
        max_in_flight=in_flight,
    )
    yield client
    client.close()


def _follow(http: httpx.Client, clock: SimulatorClock) -> None:
    """Take the simulator's time from its answers, so that asking for it costs no request."""

    def observe(response: httpx.Response) -> None:
        at = response.headers.get(_SANDBOX_TIME)
        if at:
            clock.observe(datetime.fromisoformat(at))

    http.event_hooks = {"response": [observe]}


def _calendar(settings: Settings, krx: KrxCalendar, client: KisClient, clock: Clock) -> Calendar:
    """Our own calendar; in REAL, where the broker tells its holidays, laid beside the broker's."""
    if not HOLIDAYS.is_offered(settings.mode):
        return krx
    holidays = BrokerHolidays(
        KisHolidays(client), clock=clock, path=settings.paths.data_dir / "broker_holidays.json"
    )
    return BrokerCheckedCalendar(krx, holidays=holidays, clock=clock)


def _database(settings: Settings) -> Iterator[Database]:
    database = open_database(settings.database.url.get_secret_value())
    initialize_schema(database)
    yield database
    database.dispose()


def _namespace(settings: Settings, connection: Connection) -> Namespace:
    return Namespace(mode=settings.mode, account=connection.account)


def _account_lock(database: Database, namespace: Namespace) -> Iterator[AccountLock]:
    lock = account_lock(database, namespace)
    yield lock
    lock.release()


def _session_settings(settings: Settings, connection: Connection) -> SessionSettings:
    return session_settings(settings, account=connection.account)


def _universe(
    settings: Settings,
    config_dir: Path,
    client: KisClient,
    calendar: Calendar,
    clock: Clock,
    notifier: Notifier,
) -> UniverseSelector:
    """The universe of this configuration. The index list is refreshed from the broker's public
    files only where the broker itself is the server."""
    is_official = client.base_url in (REAL_REST, PAPER_REST)
    return UniverseSelector(
        policy=settings.universe.policy(),
        mode=settings.mode,
        calendar=calendar,
        scan=KisMarketScan(client),
        members=DatedIndexMembers(
            clock=clock,
            bundled=config_dir / MEMBERS_FILE,
            refreshed=settings.paths.data_dir / MEMBERS_FILE,
            download=download_master if is_official else None,
        ),
        cache=FileUniverseCache(Path(settings.universe.universe_cache_file)),
        teller=Teller(clock, notifier),
        chunk=SCAN_CHUNK[settings.mode],
    )


def _recordings(settings: Settings) -> Path | None:
    """Where sessions are put on record; None: nowhere."""
    return settings.paths.data_dir / "recordings" if settings.recording.enabled else None


def _tape(
    directory: Path | None,
    settings: Settings,
    app: str,
    namespace: Namespace,
    clock: Clock,
    notifier: Notifier,
) -> Iterator[Tape | None]:
    """This session's record. A session that cannot be put on record trades all the same (E-07)."""
    if directory is None:
        yield None
        return
    try:
        tape = open_tape(directory, settings, app=app, namespace=namespace, clock=clock)
    except OSError as error:
        notifier.tell(
            Event(
                kind=EventKind.ERROR,
                at=clock.now(),
                level=Level.WARNING,
                fields={"what": "recording", "why": f"이 세션은 기록하지 못합니다: {error}"},
            )
        )
        yield None
        return
    yield tape
    tape.close()


def _feed(
    settings: Settings,
    connection: Connection,
    client: KisClient,
    clock: Clock,
    calendar: Calendar,
    namespace: Namespace,
) -> Iterator[Feed | None]:
    """The realtime stream, where quotes come by it; begun with the engine. The notices are the
    broker's account's: a virtual one has none."""
    if settings.market_data.feed is not QuoteFeed.WS:
        yield None
        return
    from apps.kr_trade.stream import StreamSource, open_stream

    source = StreamSource(
        base_url=client.base_url,
        credentials=connection.credentials,
        hts_id=connection.hts_id,
        has_notices=namespace.mode is not TradingMode.VIRTUAL,
    )
    with open_stream(settings, source, clock=clock, calendar=calendar) as feed:
        yield feed
        _log.info("feed.counts", **feed.counts())


def _engine(ports: Ports, settings: SessionSettings, tape: Tape | None) -> Engine:
    if ports.feed is not None:
        ports.feed.start()  # with the account's lock held: one session an app key
    return Engine(ports if tape is None else recorded(ports, tape), settings)


class TradeContainer(containers.DeclarativeContainer):
    """Everything that kr_trade is made of. `settings`, `config_dir` and `notifier` are given;
    `app` is the name of what is run, `operator` where commands come from, if from anywhere."""

    settings = providers.Dependency(instance_of=Settings)
    config_dir = providers.Dependency(instance_of=Path)
    notifier: providers.Dependency[Notifier] = providers.Dependency()
    app = providers.Object("kr_trade")
    operator: providers.Provider[OperatorInbox | None] = providers.Object(None)

    simulator = providers.Resource(_simulator, settings)
    connection = providers.Singleton(_connection, settings, simulator)
    clock: providers.Provider[Clock] = providers.Resource(_clock, settings, connection)
    krx_calendar = providers.Singleton(
        KrxCalendar,
        providers.Callable(
            read_overlay, providers.Callable(Path.joinpath, config_dir, "krx_sessions.yaml")
        ),
    )
    budget = providers.Singleton(RateBudget, settings.provided.api.rate_per_s, clock)
    client = providers.Resource(_client, settings, connection, clock, budget)
    calendar: providers.Provider[Calendar] = providers.Singleton(
        _calendar, settings, krx_calendar, client, clock
    )
    database = providers.Resource(_database, settings)
    namespace = providers.Singleton(_namespace, settings, connection)
    store: providers.Provider[Store] = providers.Singleton(SqlStore, database, namespace)
    account_lock: providers.Provider[AccountLock] = providers.Resource(
        _account_lock, database, namespace
    )
    broker: providers.Provider[Broker] = providers.Singleton(
        LockedBroker, providers.Singleton(KisRestBroker, client), account_lock
    )
    market_data: providers.Provider[MarketData] = providers.Singleton(KisMarketData, client)
    feed: providers.Provider[Feed | None] = providers.Resource(
        _feed, settings, connection, client, clock, calendar, namespace
    )
    data_dir = settings.provided.paths.data_dir
    universe = providers.Singleton(
        _universe, settings, config_dir, client, calendar, clock, notifier
    )
    ports = providers.Singleton(
        Ports,
        clock=clock,
        calendar=calendar,
        market_data=market_data,
        feed=feed,
        broker=broker,
        store=store,
        notifier=notifier,
        mirror=providers.Singleton(
            JsonPositionsMirror, providers.Callable(Path.joinpath, data_dir, "positions.json")
        ),
        context_cache=providers.Singleton(
            JsonContextCache, providers.Callable(Path.joinpath, data_dir, "day_context.json")
        ),
        kill_switch_file=providers.Singleton(
            TextKillSwitchFile, providers.Callable(Path.joinpath, data_dir, "KILL_SWITCH")
        ),
        candidates=universe,
        operator=operator,
        calendar_warning=krx_calendar.provided.warning,
        clock_skew=client.provided.clock_skew,
    )
    session_settings = providers.Singleton(_session_settings, settings, connection)
    recordings: providers.Provider[Path | None] = providers.Callable(_recordings, settings)
    tape = providers.Resource(_tape, recordings, settings, app, namespace, clock, notifier)
    engine = providers.Singleton(_engine, ports, session_settings, tape)
