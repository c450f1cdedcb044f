"""The access token: when it is issued, and when it is not."""

import json
import stat
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from apps.first_token import await_first_token
from kis_adapters.kis.budget import RateBudget
from kis_adapters.kis.client import KisClient
from kis_adapters.kis.credentials import KisCredentials
from kis_adapters.kis.errors import KisError, KisTokenUnavailable, KisUnreachable
from kis_adapters.kis.trading import KisRestBroker
from kis_core.market.session import KST
from kis_core.orders.identity import TradingMode
from kis_core.ports.broker import BrokerUnavailable

TOKEN = "/oauth2/tokenP"
BALANCE = "/inquire-balance"


def _token_file(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "tokens").iterdir()
    return path


@pytest.mark.req("K-02")
def test_a_token_is_issued_once_and_shared(kis: Any, client: KisClient, wire: Any) -> None:
    kis.script(BALANCE, wire.ok("inquire-balance-paper"))
    broker = KisRestBroker(client)

    broker.account()
    broker.account()

    (asked,) = kis.asked(TOKEN)
    assert asked.body == {
        "grant_type": "client_credentials",
        "appkey": wire.APP_KEY,
        "appsecret": wire.APP_SECRET,
    }
    assert kis.asked(BALANCE)[1].headers["authorization"] == "Bearer fake-token-1"


@pytest.mark.req("K-02", "F-096")
def test_a_restart_uses_the_token_on_disk_which_only_its_owner_can_read(
    kis: Any, make_client: Any, tmp_path: Path, wire: Any
) -> None:
    make_client().ensure_token()
    path = _token_file(tmp_path)

    make_client().ensure_token()

    assert kis.count(TOKEN) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "paper" in path.name
    assert wire.APP_KEY not in path.name + path.read_text()


@pytest.mark.req("K-02", "F-007", "F-096")
def test_another_mode_key_or_host_never_gets_the_token(
    kis: Any, make_client: Any, wire: Any, tmp_path: Path
) -> None:
    other = KisCredentials(
        app_key="FAKE-OTHER-KEY", app_secret=wire.APP_SECRET, account_no=wire.ACCOUNT_NO
    )
    make_client().ensure_token()

    make_client(TradingMode.REAL).ensure_token()
    make_client(credentials=other).ensure_token()
    make_client(base_url=kis.url.replace("127.0.0.1", "localhost")).ensure_token()

    assert kis.count(TOKEN) == 4
    assert len(list((tmp_path / "tokens").iterdir())) == 4


@pytest.mark.req("K-02")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"mode":"PAPER"}',
        b'{"mode":"PAPER","key":"another","access_token":"stolen",'
        b'"expires_at":"2026-11-21T08:00:00+09:00","confirmed_on":"2026-11-20"}',
    ],
)
def test_a_damaged_cache_is_ignored_and_replaced(
    content: bytes, kis: Any, make_client: Any, tmp_path: Path
) -> None:
    make_client().ensure_token()
    path = _token_file(tmp_path)
    path.write_bytes(content)

    make_client().ensure_token()

    assert kis.count(TOKEN) == 2
    assert json.loads(path.read_text())["access_token"] == "fake-token-1"


@pytest.mark.req("K-02")
def test_a_cache_that_others_could_read_is_closed_to_them(
    kis: Any, make_client: Any, tmp_path: Path
) -> None:
    make_client().ensure_token()
    path = _token_file(tmp_path)
    path.chmod(0o644)

    make_client().ensure_token()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_token_that_cannot_be_kept_still_works(
    kis: Any, make_client: Any, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    client = make_client(token_dir=blocked / "tokens")

    client.ensure_token()
    client.ensure_token()

    assert kis.count(TOKEN) == 1


@pytest.mark.req("K-02")
def test_a_token_is_renewed_ten_minutes_before_it_expires(
    kis: Any, client: KisClient, clock: Any, wire: Any
) -> None:
    kis.script(
        TOKEN, wire.token_reply("early", expires="2026-11-20 20:00:00"), wire.token_reply("late")
    )
    client.ensure_token()

    clock.set(datetime(2026, 11, 20, 19, 49, 59, tzinfo=KST))
    client.ensure_token()
    before = kis.count(TOKEN)
    clock.set(datetime(2026, 11, 20, 19, 50, 0, tzinfo=KST))
    client.ensure_token()

    assert (before, kis.count(TOKEN)) == (1, 2)


@pytest.mark.req("K-02")
def test_a_token_is_renewed_on_a_new_day_once_even_if_it_is_the_same(
    kis: Any, make_client: Any, clock: Any, wire: Any
) -> None:
    kis.script(TOKEN, wire.token_reply(expires="2026-11-21 22:00:00"))
    client = make_client()
    client.ensure_token()

    clock.set(datetime(2026, 11, 21, 0, 1, tzinfo=KST))
    for _ in range(3):
        client.ensure_token()
    clock.set(datetime(2026, 11, 21, 8, 0, tzinfo=KST))
    make_client().ensure_token()

    assert kis.count(TOKEN) == 2


@pytest.mark.req("K-02")
def test_a_renewal_that_brings_the_same_expiry_does_not_loop(
    kis: Any, client: KisClient, clock: Any, wire: Any
) -> None:
    kis.script(TOKEN, wire.token_reply(expires="2026-11-20 10:35:00"))

    for _ in range(5):
        client.ensure_token()
    asked_at_once = kis.count(TOKEN)
    clock.set(wire.NOW + timedelta(seconds=62))
    client.ensure_token()

    assert (asked_at_once, kis.count(TOKEN)) == (1, 2)


@pytest.mark.req("K-02")
def test_the_brokers_minute_between_issues_is_waited_out(
    kis: Any, client: KisClient, clock: Any, wire: Any
) -> None:
    too_soon = wire.Reply(status=403, body=wire.sample("oauth2-tokenP-error-EGW00133"))
    kis.script(TOKEN, too_soon, wire.token_reply())

    client.ensure_token()

    assert kis.count(TOKEN) == 2
    assert clock.now() == wire.NOW + timedelta(seconds=61)


@pytest.mark.req("K-02")
def test_the_wait_for_a_token_ends(kis: Any, client: KisClient, clock: Any, wire: Any) -> None:
    kis.script(TOKEN, wire.Reply(status=403, body=wire.sample("oauth2-tokenP-error-EGW00133")))

    with pytest.raises(KisTokenUnavailable) as refused:
        client.ensure_token()

    assert refused.value.code == "EGW00133"
    assert kis.count(TOKEN) == 3
    assert clock.now() == wire.NOW + timedelta(seconds=122)


@pytest.mark.req("K-02")
def test_a_wake_ends_the_wait_for_a_token(
    kis: Any, client: KisClient, clock: Any, wire: Any
) -> None:
    kis.script(TOKEN, wire.Reply(status=403, body=wire.sample("oauth2-tokenP-error-EGW00133")))
    clock.wake()

    with pytest.raises(KisTokenUnavailable):
        client.ensure_token()

    assert kis.count(TOKEN) == 1
    assert clock.now() == wire.NOW


@pytest.mark.req("K-02")
def test_a_wrong_key_is_an_api_error_to_the_caller(
    kis: Any, client: KisClient, wire: Any, api_errors: list[Any]
) -> None:
    kis.script(TOKEN, wire.Reply(status=403, body=wire.sample("oauth2-tokenP-error-EGW00103")))

    with pytest.raises(BrokerUnavailable, match="EGW00103"):
        KisRestBroker(client).account()

    assert kis.count(TOKEN) == 1
    assert [at for at, _ in api_errors] == [wire.NOW]


@pytest.mark.req("K-07")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        {},
        {"access_token": "", "expires_in": 86400},
        {"access_token": "fake token", "expires_in": 86400},
        {"access_token": 7, "expires_in": 86400},
        {"access_token": "fake-token"},
        {"access_token": "fake-token", "access_token_token_expired": "soon"},
    ],
)
def test_a_token_answer_that_is_none_is_a_typed_error(
    body: Any, kis: Any, client: KisClient, wire: Any
) -> None:
    kis.script(TOKEN, wire.Reply(body=body))

    with pytest.raises(KisError):
        client.ensure_token()


@pytest.mark.req("K-03")
@pytest.mark.parametrize("name", ["token_invalid", "token_not_found", "token_expired"])
def test_a_token_rejected_in_mid_session_is_renewed_once_and_the_inquiry_repeated(
    name: str, kis: Any, client: KisClient, clock: Any, wire: Any
) -> None:
    kis.script(TOKEN, wire.token_reply(), wire.token_reply("fake-token-2"))
    kis.script(BALANCE, wire.gateway(name), wire.ok("inquire-balance-paper"))
    client.ensure_token()
    clock.set(wire.NOW + timedelta(minutes=5))

    KisRestBroker(client).account()

    used = [request.headers["authorization"] for request in kis.asked(BALANCE)]
    assert used == ["Bearer fake-token-1", "Bearer fake-token-2"]
    assert kis.count(TOKEN) == 2


@pytest.mark.req("K-03")
def test_a_token_rejected_again_and_again_is_not_issued_again_and_again(
    kis: Any, client: KisClient, clock: Any, wire: Any
) -> None:
    kis.script(BALANCE, wire.gateway("token_expired"))
    broker = KisRestBroker(client)
    client.ensure_token()
    clock.set(wire.NOW + timedelta(minutes=5))

    for _ in range(4):
        with pytest.raises(BrokerUnavailable):
            broker.account()

    assert kis.count(TOKEN) == 2
    assert kis.count(BALANCE) == 2


@pytest.mark.req("K-02")
def test_a_failed_renewal_leaves_the_old_token_in_use(
    kis: Any, client: KisClient, clock: Any, wire: Any
) -> None:
    kis.script(
        TOKEN, wire.token_reply(expires="2026-11-21 22:00:00"), wire.Reply(status=503, body=b"")
    )
    kis.script(BALANCE, wire.ok("inquire-balance-paper"))
    client.ensure_token()
    clock.set(datetime(2026, 11, 21, 0, 1, tzinfo=KST))

    KisRestBroker(client).account()

    assert kis.asked(BALANCE)[0].headers["authorization"] == "Bearer fake-token-1"


@pytest.mark.req("K-02")
def test_threads_that_need_a_token_at_once_cause_one_issue(
    kis: Any, client: KisClient, wire: Any
) -> None:
    kis.script(TOKEN, wire.Reply(body=wire.token_reply().body, delay_s=0.1))
    threads = [threading.Thread(target=client.ensure_token) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)

    assert kis.count(TOKEN) == 1


@pytest.mark.req("F-094", "F-095", "F-097")
def test_nothing_logged_or_raised_holds_a_secret(
    kis: Any, make_client: Any, clock: Any, wire: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    kis.script(TOKEN, wire.token_reply("fake-secret-token"))
    kis.script(BALANCE, wire.gateway("token_expired"), wire.Reply(body=b"<html>"))
    client = make_client(budget=RateBudget(18, clock))

    with structlog.testing.capture_logs() as logs, pytest.raises(BrokerUnavailable) as raised:
        KisRestBroker(client).account()

    cause: BaseException | None = raised.value
    told = [str(logs), caplog.text, repr(client), repr(client.credentials), repr(vars(client))]
    while cause is not None:
        told += [str(cause), repr(cause)]
        cause = cause.__cause__
    for secret in (wire.APP_KEY, wire.APP_SECRET, wire.ACCOUNT_NO, "fake-secret-token"):
        assert not [text for text in told if secret in text]


@pytest.mark.parametrize(
    "changes",
    [
        {"app_key": ""},
        {"app_key": "with blank"},
        {"app_secret": "줄"},
        {"account_no": "1234567"},
        {"account_no": "12345678-01"},
        {"product_code": "1"},
    ],
)
def test_malformed_credentials_are_refused_without_being_shown(changes: dict[str, str]) -> None:
    parts = {"app_key": "FAKE-KEY", "app_secret": "FAKE-SECRET", "account_no": "99000017"}

    with pytest.raises(ValueError) as refused:
        KisCredentials(**{**parts, **changes})

    assert not [value for value in changes.values() if value and value in str(refused.value)]


@pytest.mark.req("K-02", "E-01")
def test_a_start_waits_for_a_gateway_that_is_busy_and_not_for_keys_that_are_wrong(
    kis: Any, make_client: Any, clock: Any, wire: Any
) -> None:
    busy = {"error_description": "서버 오류", "error_code": "EGW00002"}
    kis.script(TOKEN, wire.Reply(status=500, body=busy), wire.token_reply())
    await_first_token(make_client(), clock)
    assert clock.now() - wire.NOW >= timedelta(seconds=61)
    waited_until = clock.now()

    refused = wire.Reply(status=403, body=wire.sample("oauth2-tokenP-error-EGW00103"))
    kis.script(TOKEN, refused, wire.token_reply())
    other = KisCredentials(
        app_key="FAKE-OTHER-KEY", app_secret=wire.APP_SECRET, account_no=wire.ACCOUNT_NO
    )
    with pytest.raises(KisTokenUnavailable, match="EGW00103"):
        await_first_token(make_client(credentials=other), clock)

    assert kis.count(TOKEN) == 3
    assert clock.now() == waited_until


@pytest.mark.req("K-02", "E-01")
def test_a_start_asks_a_broker_that_is_not_there_again_after_ten_seconds_each(
    kis: Any, make_client: Any, clock: Any, wire: Any
) -> None:
    kis.stop()

    with pytest.raises(KisUnreachable):
        await_first_token(make_client(), clock)

    assert clock.now() - wire.NOW == timedelta(seconds=20)
