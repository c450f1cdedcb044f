"""Where values come from, how far they may go, and what may be shown of them."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from kis_adapters.settings.error import SettingsError
from kis_adapters.settings.load import load_settings
from kis_adapters.settings.location import config_directory
from kis_adapters.settings.settings import Settings
from kis_core.risk.limits import RiskLimits
from kis_core.strategy.parameters import StrategyParameters

Load = Callable[..., Settings]

ROOT = Path(__file__).parents[3]
REAL = {
    "TRADING_MODE": "REAL",
    "REAL_KIS_APP_KEY": "not-a-real-key",
    "REAL_KIS_APP_SECRET": "not-a-real-secret",
    "REAL_KIS_ACCOUNT_NO": "99100001",
}
MINUTES = "orders.pending_exit_backoff_minutes"


def test_each_layer_overrides_the_one_below_and_is_remembered(load: Load) -> None:
    config = "orders: {pending_exit_backoff_minutes: 6}\n"
    dotenv = "PENDING_EXIT_BACKOFF_MINUTES=7\n"
    environ = {"PENDING_EXIT_BACKOFF_MINUTES": "8"}

    default = load()
    from_file = load(config=config)
    from_dotenv = load(config=config, dotenv=dotenv)
    from_environ = load(config=config, dotenv=dotenv, environ=environ)
    from_argv = load(config=config, dotenv=dotenv, environ=environ, argv={MINUTES: "9"})

    resolved = [default, from_file, from_dotenv, from_environ, from_argv]
    assert [s.orders.pending_exit_backoff_minutes for s in resolved] == [5, 6, 7, 8, 9]
    assert MINUTES not in default.sources
    assert from_file.sources[MINUTES].endswith("kr_trade.yaml")
    assert from_dotenv.sources[MINUTES] == ".env"
    assert from_environ.sources[MINUTES] == "환경변수"
    assert from_argv.sources[MINUTES] == "명령줄"


def test_an_argument_that_was_not_given_overrides_nothing(load: Load) -> None:
    settings = load(argv={"engine.interval_s": None, "universe.stocks": []})

    assert settings.engine.interval_s == 60
    assert settings.universe.stocks == ("005930",)


def test_an_override_of_a_setting_that_does_not_exist_is_the_programs_own_error(
    load: Load,
) -> None:
    with pytest.raises(ValueError, match=r"engine\.speed"):
        load(argv={"engine.speed": "1"})


def test_an_unknown_name_of_ours_in_dotenv_is_refused_with_the_nearest(load: Load) -> None:
    with pytest.raises(SettingsError, match=r"KIS_APPKEY.*KIS_APP_KEY"):
        load(dotenv="KIS_APPKEY=x\n")


def test_an_unknown_name_of_ours_in_the_environment_is_a_warning(load: Load) -> None:
    settings = load(environ={"KIS_APPKEY": "x", "KIS_TEST_MYSQL_URL": "y", "PATH": "/bin"})

    assert len(settings.warnings) == 1
    assert "KIS_APP_KEY" in settings.warnings[0]


def test_other_programs_names_in_dotenv_are_theirs(load: Load) -> None:
    settings = load(dotenv="COMPOSE_PROJECT_NAME=x\n# a comment\nexport EDITOR=vi\n")

    assert settings.warnings == ()


def test_a_line_of_dotenv_that_is_no_assignment_is_refused_with_its_line(load: Load) -> None:
    with pytest.raises(SettingsError, match=r"\.env:2"):
        load(dotenv="LOG_LEVEL=INFO\n=oops\n")


def test_a_name_twice_in_dotenv_with_two_values_is_refused(load: Load) -> None:
    with pytest.raises(SettingsError, match=r"\.env:2.*LOG_LEVEL"):
        load(dotenv="LOG_LEVEL=INFO\nLOG_LEVEL=DEBUG\n")


def test_dotenv_values_are_taken_as_written(load: Load) -> None:
    settings = load(dotenv="KILL_SWITCH='점검 ${HOME} # 중'\n")

    assert settings.risk.kill_switch == "점검 ${HOME} # 중"


@pytest.mark.req("R-02")
@pytest.mark.parametrize("text", ["", "false", "No", "0", "off"])
def test_a_no_leaves_the_kill_switch_off(load: Load, text: str) -> None:
    settings = load(environ={"KILL_SWITCH": text})

    assert settings.risk.kill_switch is None


def test_a_yes_sets_the_kill_switch_with_a_default_reason(load: Load) -> None:
    settings = load(environ={"KILL_SWITCH": "true"})

    assert settings.risk.kill_switch == "설정에서 켠 킬 스위치(KILL_SWITCH)"


@pytest.mark.req("M-11")
def test_an_interval_below_sixty_seconds_is_refused(load: Load) -> None:
    at_bound = load(argv={"engine.interval_s": "60"})

    with pytest.raises(SettingsError, match="60 이상"):
        load(argv={"engine.interval_s": "59"})

    assert at_bound.engine.interval_s == 60


@pytest.mark.req("M-11")
def test_stocks_on_the_command_line_replace_the_universe(load: Load) -> None:
    settings = load(argv={"universe.stocks": ["000660", "035720"]})

    assert settings.universe.stocks == ("000660", "035720")
    assert settings.universe.selection_method == "fixed"


@pytest.mark.req("M-11")
def test_more_stocks_on_the_command_line_than_the_universe_holds_are_refused(load: Load) -> None:
    codes = [f"00000{n}" for n in range(6)]

    with pytest.raises(SettingsError, match="6종목인데 max_stocks는 5"):
        load(argv={"universe.stocks": codes})


@pytest.mark.req("M-11")
def test_the_feed_of_the_command_line_goes_before_the_files(load: Load) -> None:
    from_file = load(config="market_data: {feed: rest}\n")

    from_argv = load(config="market_data: {feed: rest}\n", argv={"market_data.feed": "ws"})

    assert (from_file.market_data.feed, from_argv.market_data.feed) == ("rest", "ws")


def test_a_feed_that_there_is_none_of_is_refused_naming_both(load: Load) -> None:
    with pytest.raises(SettingsError, match=r"rest.*ws"):
        load(config="market_data:\n  feed: rset\n")


@pytest.mark.req("K-11")
@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("ws://ops.koreainvestment.com:31000", True),
        ("ws://ops.koreainvestment.com:21000", False),
        ("ws://127.0.0.1:9000/tryitout", True),
        ("ws://stream.example.com", False),
        ("wss://stream.example.com", True),
    ],
)
def test_only_the_brokers_own_stream_may_go_unencrypted_beyond_this_machine(
    load: Load, url: str, is_allowed: bool
) -> None:
    if is_allowed:
        assert load(environ={"KIS_WS_URL": url}).api.ws_url == url
        return

    with pytest.raises(SettingsError, match="KIS_WS_URL"):
        load(environ={"KIS_WS_URL": url})


# Design, section 6: PAPER / REAL.
PER_MODE = {
    ("risk", "daily_max_loss_pct"): (5.0, 2.0),
    ("risk", "daily_max_trades"): (20, 3),
    ("risk", "max_consecutive_losses"): (3, 2),
    ("risk", "drawdown_warn_pct"): (10.0, 7.0),
    ("risk", "drawdown_stop_pct"): (20.0, 10.0),
    ("strategy", "max_loss_pct"): (5.0, 3.0),
    ("strategy", "gap_threshold_pct"): (2.0, 1.5),
    ("api", "rate_per_s"): (1.0, 18.0),
}


@pytest.mark.parametrize("name", PER_MODE)
def test_defaults_differ_by_mode(load: Load, name: tuple[str, str]) -> None:
    section, field = name

    paper = getattr(getattr(load(), section), field)
    real = getattr(getattr(load(environ=REAL), section), field)

    assert (paper, real) == PER_MODE[name]


def test_the_strategys_defaults_are_those_of_the_manual(load: Load) -> None:
    strategy = load().strategy

    # Requirement T-02.
    assert (strategy.atr_period, strategy.ma_period, strategy.adx_period) == (14, 50, 14)
    assert (strategy.adx_threshold, strategy.atr_spike_threshold) == (25.0, 2.5)
    assert (strategy.atr_multiplier_sl, strategy.atr_multiplier_tp) == (2.0, 3.0)
    assert (strategy.max_loss_pct, strategy.trailing_enabled) == (5.0, True)
    assert strategy.trailing_stop_atr_multiplier == 2.0
    assert strategy.trailing_activation_pct == 1.0


def test_every_parameter_of_the_strategy_can_be_set_and_none_that_it_lacks(load: Load) -> None:
    settings = load().strategy.model_dump()

    parameters = asdict(StrategyParameters())

    assert settings == parameters


@pytest.mark.req("F-055")
def test_every_limit_can_be_set_and_none_that_does_nothing(load: Load) -> None:
    settings = set(load().risk.model_dump())

    limits = set(asdict(RiskLimits()))

    assert settings - {"kill_switch"} == limits - {"max_positions"}  # that is the universe's


# Design, section 6: the last value that REAL still takes, and the first that it refuses.
BOUNDS = [
    ("risk", "daily_max_loss_pct", "3", "3.01"),
    ("risk", "drawdown_stop_pct", "15", "15.1"),
    ("risk", "daily_max_trades", "5", "6"),
    ("strategy", "gap_threshold_pct", "3", "3.01"),
    ("strategy", "max_loss_pct", "5", "5.1"),
    ("strategy", "atr_multiplier_sl", "1.5", "1.49"),
]


@pytest.mark.parametrize(("section", "field", "last", "beyond"), BOUNDS)
def test_real_refuses_what_lies_beyond_its_bounds(
    load: Load, section: str, field: str, last: str, beyond: str
) -> None:
    at_bound = load(environ=REAL, config=f"{section}: {{{field}: {last}}}\n")

    with pytest.raises(SettingsError, match=field):
        load(environ=REAL, config=f"{section}: {{{field}: {beyond}}}\n")

    assert getattr(getattr(at_bound, section), field) == float(last)


@pytest.mark.parametrize(("section", "field", "last", "beyond"), BOUNDS)
def test_paper_may_go_beyond_the_bounds_of_real(
    load: Load, section: str, field: str, last: str, beyond: str
) -> None:
    settings = load(config=f"{section}: {{{field}: {beyond}}}\n")

    assert getattr(getattr(settings, section), field) == float(beyond)


@pytest.mark.parametrize("off", ["0", "null"])
def test_real_refuses_to_trade_without_gap_protection(load: Load, off: str) -> None:
    config = f"strategy: {{gap_threshold_pct: {off}}}\n"

    in_paper = load(config=config)

    assert not in_paper.strategy.gap_threshold_pct
    with pytest.raises(SettingsError, match="gap_threshold_pct"):
        load(environ=REAL, config=config)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("engine: {interval_s: sixty}", "정수"),
        ("engine: {interval_s: }", "비어"),
        ("risk: {daily_max_loss_pct: .nan}", "숫자"),
        ("risk: {daily_max_loss_pct: inf}", "유한"),
        ("risk: {daily_max_loss_pct: 0}", "0보다 커야"),
        ("strategy: {trailing_enabled: maybe}", "true 또는 false"),
        ("sizing: {method: martingale}", "fixed, cash_fraction, atr_risk"),
        ("events: {high_risk_dates: [2026-13-01]}", "날짜"),
        ("events: {high_risk_dates: 2026-12-10}", "목록"),
        ("risk: {drawdown_warn_pct: 30, drawdown_stop_pct: 20}", "drawdown_warn_pct"),
        ("strategy: {adx_window: 27}", "adx_window"),
        ("log: {level: LOUD}", "DEBUG, INFO"),
    ],
)
def test_a_bad_value_is_one_korean_sentence(load: Load, config: str, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(config=config + "\n")

    assert len(refused.value.problems) == 1
    assert told in refused.value.message_ko


def test_high_risk_dates_are_dates(load: Load) -> None:
    settings = load(config="events: {high_risk_dates: [2026-12-10]}\n")

    assert [d.isoformat() for d in settings.events.high_risk_dates] == ["2026-12-10"]


@pytest.mark.req("M-14")
def test_nothing_secret_is_in_any_text_form_of_the_settings(load: Load) -> None:
    secrets = {
        "KIS_APP_KEY": "SECRET-app-key",
        "KIS_APP_SECRET": "SECRET-app-secret",
        "KIS_ACCOUNT_NO": "99000042",
        "KIS_HTS_ID": "SECRET-hts",
        "TELEGRAM_BOT_TOKEN": "1:SECRET-bot",
        "TELEGRAM_CHAT_ID": "-777000777",
        "HEARTBEAT_URL": "https://watch.example.invalid/SECRET-check",
        "DB_HOST": "db.example.invalid",
        "DB_NAME": "trading",
        "DB_USER": "trader",
        "DB_PASSWORD": "SECRET/p@ss",
    }

    settings = load(environ=secrets)

    texts = [repr(settings), str(settings), repr(settings.masked()), repr(settings.sources)]
    for text in texts:
        assert "SECRET" not in text
        assert "99000042" not in text
        assert "777000777" not in text
    assert settings.masked()["credentials.account_no"] == "******42"
    assert settings.masked()["database.url"] == (
        "mysql+pymysql://********@db.example.invalid:3306/trading"
    )
    expected = {value for name, value in secrets.items() if not name.startswith("DB_")}
    expected |= {"SECRET/p@ss", "SECRET%2Fp%40ss"}
    assert settings.secret_values() == expected


def test_an_error_in_a_secret_does_not_show_it(load: Load) -> None:
    with pytest.raises(SettingsError) as refused:
        load(environ={"DATABASE_URL": "postgresql://u:SECRET@h/n"})

    assert "SECRET" not in refused.value.message_ko


@pytest.mark.req("V-07", "M-07")
@pytest.mark.parametrize(
    "url",
    [
        "http://watch.example.invalid/SECRET",
        "ftp://watch.example.invalid/SECRET",
        "https://user:SECRET@watch.example.invalid/",
        "SECRET",
    ],
)
def test_a_watcher_is_called_by_https_or_on_this_machine_and_never_shown(
    load: Load, url: str
) -> None:
    with pytest.raises(SettingsError, match="HEARTBEAT_URL") as refused:
        load(environ={"HEARTBEAT_URL": url})

    assert "SECRET" not in refused.value.message_ko
    here = load(environ={"HEARTBEAT_URL": "http://127.0.0.1:8000/SECRET"})
    assert "SECRET" not in f"{here!r} {here.masked()}"


def test_equal_settings_have_equal_fingerprints_whatever_the_secrets(load: Load) -> None:
    keys = {"KIS_APP_KEY": "a", "KIS_APP_SECRET": "b", "KIS_ACCOUNT_NO": "99000001"}

    one = load(environ=keys)
    other = load(environ={**keys, "KIS_APP_SECRET": "c"})
    changed = load(environ=keys, config="risk: {daily_max_trades: 4}\n")

    assert one.fingerprint() == other.fingerprint()
    assert one.fingerprint() != changed.fingerprint()


def test_a_mysql_server_can_be_described_in_parts(load: Load) -> None:
    settings = load(dotenv="DB_HOST=h\nDB_PORT=3307\nDB_NAME=n\nDB_USER=u\nDB_PASSWORD=p/w\n")

    url = settings.database.url.get_secret_value()
    assert url == "mysql+pymysql://u:p%2Fw@h:3307/n?charset=utf8mb4"


@pytest.mark.req("F-006")
def test_there_is_one_default_database(load: Load) -> None:
    settings = load()

    assert settings.database.url.get_secret_value() == "sqlite:///data/kis.db"


@pytest.mark.req("F-006")
def test_half_a_database_is_refused_naming_the_rest(load: Load) -> None:
    with pytest.raises(SettingsError, match="DB_NAME, DB_USER"):
        load(dotenv="DB_HOST=h\n")


@pytest.mark.req("F-006")
def test_two_databases_in_one_place_are_refused(load: Load) -> None:
    with pytest.raises(SettingsError, match="하나만"):
        load(dotenv="DATABASE_URL=sqlite:///x.db\nDB_HOST=h\nDB_NAME=n\nDB_USER=u\n")


def test_the_environments_database_goes_before_dotenvs(load: Load) -> None:
    dotenv = "DB_HOST=h\nDB_NAME=n\nDB_USER=u\n"

    settings = load(dotenv=dotenv, environ={"DATABASE_URL": "sqlite:///x.db"})

    assert settings.database.url.get_secret_value() == "sqlite:///x.db"


def test_the_log_directory_may_start_at_home(load: Load) -> None:
    default = load()
    given = load(environ={"AUTO_TRADE_LOG_DIR": "~/elsewhere"})

    assert default.paths.log_dir == Path.home() / "auto-trade" / "logs"
    assert given.paths.log_dir == Path.home() / "elsewhere"


@pytest.mark.req("F-096")
def test_tokens_are_kept_outside_the_source_tree(load: Load) -> None:
    token_dir = load().paths.token_dir

    assert token_dir.is_absolute()
    assert ROOT not in token_dir.parents


def test_the_shipped_files_load_and_change_no_default_of_either_mode(load: Load) -> None:
    shipped = load_settings(
        argv_overrides={},
        environ=REAL,
        dotenv=ROOT / ".env.example",
        config=ROOT / "config" / "kr_trade.yaml",
        universe=ROOT / "config" / "universe.yaml",
    )

    plain = load(environ=REAL)

    changed = {
        name: value for name, value in shipped.masked().items() if plain.masked()[name] != value
    }
    assert set(changed) == {
        "universe.selection_method",
        "universe.max_stocks",
        "universe.max_positions",
        "universe.stocks",
    }
    assert shipped.warnings == ()


def test_the_example_of_dotenv_names_every_variable_and_gives_no_value() -> None:
    from kis_adapters.settings.variables import KNOWN

    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    assignments = [line for line in lines if line and not line.startswith("#")]

    assert {line.removesuffix("=") for line in assignments} == KNOWN


def test_the_configuration_comes_from_the_working_directory_first(tmp_path: Path) -> None:
    own = tmp_path / "config"
    own.mkdir()
    (own / "kr_trade.yaml").touch()

    assert config_directory(tmp_path) == own
    assert config_directory(tmp_path / "elsewhere") == ROOT / "config"


@pytest.mark.req("F-008", "F-004")
def test_importing_the_settings_reads_nothing() -> None:
    """A value of the environment that would be refused does no harm before it is loaded."""
    import subprocess
    import sys

    code = "import kis_adapters.settings.load, sys; sys.exit(0)"
    env = {"TRADING_MODE": "NONSENSE", "PYTHONPATH": f"{ROOT / 'packages'}:{ROOT}"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
