"""One mode decides everything, and whatever contradicts it stops the start."""

from collections.abc import Callable

import pytest

from kis_adapters.settings.error import SettingsError
from kis_adapters.settings.settings import Settings
from kis_core.orders.identity import TradingMode

Load = Callable[..., Settings]

PAPER_KEYS = {
    "KIS_APP_KEY": "not-a-real-key",
    "KIS_APP_SECRET": "not-a-real-secret",
    "KIS_ACCOUNT_NO": "99000001",
}
REAL_KEYS = {f"REAL_{name}": value for name, value in PAPER_KEYS.items()}


@pytest.mark.req("M-04")
def test_the_mode_is_paper_when_nothing_says_otherwise(load: Load) -> None:
    settings = load()

    assert settings.mode is TradingMode.PAPER


@pytest.mark.req("M-04")
@pytest.mark.parametrize("text", ["paper", "Real", "LIVE", "DRY_RUN", "PAPER,REAL", "VIRTUAL"])
@pytest.mark.parametrize("place", ["environ", "dotenv"])
def test_any_other_mode_is_refused_naming_the_allowed_ones(
    load: Load, text: str, place: str
) -> None:
    given = {"TRADING_MODE": text} if place == "environ" else f"TRADING_MODE={text}\n"

    with pytest.raises(SettingsError) as refused:
        load(**{place: given})

    assert "PAPER" in refused.value.message_ko
    assert "REAL" in refused.value.message_ko
    assert text in refused.value.message_ko


@pytest.mark.req("M-05")
@pytest.mark.parametrize(("here", "there"), [("PAPER", "REAL"), ("REAL", "PAPER")])
def test_two_different_modes_are_refused_naming_both(load: Load, here: str, there: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(environ={"TRADING_MODE": here, **PAPER_KEYS}, dotenv=f"TRADING_MODE={there}\n")

    assert f"환경변수는 {here}, .env는 {there}" in refused.value.message_ko


@pytest.mark.req("M-05")
def test_the_same_mode_twice_is_one_mode(load: Load) -> None:
    settings = load(environ={"TRADING_MODE": "REAL", **REAL_KEYS}, dotenv="TRADING_MODE=REAL\n")

    assert settings.mode is TradingMode.REAL


@pytest.mark.req("M-05")
def test_an_empty_mode_says_nothing(load: Load) -> None:
    settings = load(environ={"TRADING_MODE": "", **REAL_KEYS}, dotenv="TRADING_MODE=REAL\n")

    assert settings.mode is TradingMode.REAL


@pytest.mark.req("M-06", "F-007")
@pytest.mark.parametrize("name", [*REAL_KEYS, "REAL_KIS_HTS_ID", "real_kis_app_key"])
@pytest.mark.parametrize("place", ["environ", "dotenv"])
def test_paper_with_a_real_key_is_refused_naming_the_variable_not_its_value(
    load: Load, name: str, place: str
) -> None:
    value = "zzz-the-value-zzz"
    given = {name: value} if place == "environ" else f"{name}={value}\n"

    with pytest.raises(SettingsError) as refused:
        load(**{place: given})

    assert name in refused.value.message_ko
    assert value not in refused.value.message_ko


@pytest.mark.req("M-06", "F-007")
@pytest.mark.parametrize("name", [*PAPER_KEYS, "KIS_ACCOUNT_PRODUCT_CODE"])
@pytest.mark.parametrize("place", ["environ", "dotenv"])
def test_real_with_a_paper_key_is_refused_naming_the_variable_not_its_value(
    load: Load, name: str, place: str
) -> None:
    value = "zzz-the-value-zzz"
    environ = {"TRADING_MODE": "REAL", **REAL_KEYS}
    dotenv = f"{name}={value}\n" if place == "dotenv" else ""
    if place == "environ":
        environ[name] = value

    with pytest.raises(SettingsError) as refused:
        load(environ=environ, dotenv=dotenv)

    assert name in refused.value.message_ko
    assert value not in refused.value.message_ko


@pytest.mark.req("M-06")
def test_empty_keys_of_the_other_mode_are_as_good_as_absent(load: Load) -> None:
    settings = load(
        environ={**PAPER_KEYS, "REAL_KIS_APP_KEY": "", "REAL_KIS_APP_SECRET": "  "},
        dotenv="REAL_KIS_ACCOUNT_NO=\n",
    )

    assert settings.credentials is not None


@pytest.mark.req("M-06", "F-007")
def test_each_mode_reads_its_own_keys(load: Load) -> None:
    real = {f"REAL_{name}": f"real{value}" for name, value in PAPER_KEYS.items()}
    real["REAL_KIS_ACCOUNT_NO"] = "99100001"

    in_paper = load(environ=PAPER_KEYS).credentials
    in_real = load(environ={"TRADING_MODE": "REAL", **real}).credentials

    assert in_paper is not None
    assert in_real is not None
    assert in_paper.app_key.get_secret_value() == "not-a-real-key"
    assert in_real.app_key.get_secret_value() == "realnot-a-real-key"
    assert in_real.account_no.get_secret_value() == "99100001"


@pytest.mark.req("F-001", "F-002")
@pytest.mark.parametrize("name", ["EXECUTION_MODE", "ENABLE_REAL_TRADING", "DB_ENABLED"])
def test_a_second_switch_of_the_old_system_stops_the_start(load: Load, name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load(environ={name: "PAPER"})


@pytest.mark.req("F-002", "M-07")
@pytest.mark.parametrize(
    ("mode", "keys", "host"),
    [
        ("PAPER", PAPER_KEYS, "https://openapivts.koreainvestment.com:29443"),
        ("REAL", REAL_KEYS, "https://openapi.koreainvestment.com:9443"),
    ],
)
def test_the_mode_alone_decides_the_host(
    load: Load, mode: str, keys: dict[str, str], host: str
) -> None:
    settings = load(environ={"TRADING_MODE": mode, **keys})

    assert settings.api.base_url == host


@pytest.mark.req("F-002", "M-07", "K-11")
@pytest.mark.parametrize(
    ("mode", "keys", "url"),
    [
        ("PAPER", PAPER_KEYS, "https://openapi.koreainvestment.com:9443"),
        ("PAPER", PAPER_KEYS, "https://OPENAPI.koreainvestment.com"),
        ("REAL", REAL_KEYS, "https://openapivts.koreainvestment.com:29443"),
    ],
)
def test_a_mode_cannot_be_pointed_at_the_other_modes_host(
    load: Load, mode: str, keys: dict[str, str], url: str
) -> None:
    with pytest.raises(SettingsError, match="KIS_BASE_URL"):
        load(environ={"TRADING_MODE": mode, "KIS_BASE_URL": url, **keys})


@pytest.mark.req("K-11")
@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:1", "http://[::1]:5"])
def test_plain_http_is_allowed_on_this_machine(load: Load, url: str) -> None:
    settings = load(environ={"KIS_BASE_URL": url, **PAPER_KEYS})

    assert settings.api.base_url == url


@pytest.mark.req("K-11")
@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1:8000",
        "http://127.0.0.1.example.invalid",
        "ftp://127.0.0.1",
        "127.0.0.1:8000",
        "https://somebody:word@127.0.0.1",
        "https://127.0.0.1:port",
    ],
)
def test_other_addresses_are_refused(load: Load, url: str) -> None:
    with pytest.raises(SettingsError, match="KIS_BASE_URL"):
        load(environ={"KIS_BASE_URL": url, **PAPER_KEYS})


def test_paper_without_any_key_uses_the_simulator(load: Load) -> None:
    settings = load()

    assert settings.uses_simulator
    assert settings.api.base_url is None


def test_paper_with_keys_uses_the_broker(load: Load) -> None:
    settings = load(environ=PAPER_KEYS)

    assert not settings.uses_simulator


def test_no_keys_for_a_host_elsewhere_are_missing_keys(load: Load) -> None:
    with pytest.raises(SettingsError, match="KIS_APP_KEY"):
        load(environ={"KIS_BASE_URL": "https://kis.example.invalid"})


@pytest.mark.parametrize("missing", list(PAPER_KEYS))
def test_some_keys_without_the_others_are_refused_naming_the_missing_one(
    load: Load, missing: str
) -> None:
    given = {name: value for name, value in PAPER_KEYS.items() if name != missing}

    with pytest.raises(SettingsError, match=missing):
        load(environ=given)


def test_real_without_keys_is_refused_naming_its_own_variables(load: Load) -> None:
    with pytest.raises(SettingsError, match="REAL_KIS_APP_KEY, REAL_KIS_APP_SECRET"):
        load(environ={"TRADING_MODE": "REAL"})


@pytest.mark.parametrize("account", ["9900000", "99000001-01", "9900000a", "９９０００００１"])
def test_an_account_number_is_eight_digits(load: Load, account: str) -> None:
    with pytest.raises(SettingsError, match="KIS_ACCOUNT_NO") as refused:
        load(environ={**PAPER_KEYS, "KIS_ACCOUNT_NO": account})

    assert account not in refused.value.message_ko


def test_a_product_code_is_two_digits_and_never_shown(load: Load) -> None:
    with pytest.raises(SettingsError, match="KIS_ACCOUNT_PRODUCT_CODE") as refused:
        load(environ={**PAPER_KEYS, "KIS_ACCOUNT_PRODUCT_CODE": "0x7"})

    assert "0x7" not in refused.value.message_ko


def test_several_problems_are_told_together(load: Load) -> None:
    with pytest.raises(SettingsError) as refused:
        load(
            environ={"EXECUTION_MODE": "REAL", "REAL_KIS_APP_KEY": "x"},
            config="engine: {interval_s: 5}\nrisk: {daily_max_trades: -1}\n",
        )

    assert len(refused.value.problems) == 4
