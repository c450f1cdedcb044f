"""A real account's first day over the wire: one symbol, a small first order, a checked calendar."""

import signal
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kis_core.market.session import KST
from kis_sandbox.config import CREDENTIALS, Personality, SandboxConfig
from kis_sandbox.server import SandboxServer

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk

# The day on which both of these break out (see conftest.TWO_SYMBOLS).
_START, _SEED = datetime(2026, 11, 24, 8, 30, tzinfo=KST), 8
_TWO = ("--stock", "068270", "--stock", "005490")
_TWENTY_SHARES = "simulator: {day_seconds: 0}\nsizing: {method: fixed, shares: 20}\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SandboxServer]:
    """A simulator that plays the real server, with money enough."""
    config = SandboxConfig(mode=Personality.REAL, start=_START, seed=_SEED, cash=1_000_000_000)
    with SandboxServer(config) as running:
        yield running


def _variables(server: SandboxServer) -> dict[str, str]:
    keys = CREDENTIALS[Personality.REAL]
    return {
        "TRADING_MODE": "REAL",
        "KIS_BASE_URL": server.base_url,
        "REAL_KIS_APP_KEY": keys.app_key,
        "REAL_KIS_APP_SECRET": keys.app_secret,
        "REAL_KIS_ACCOUNT_NO": keys.account_no,
    }


@pytest.mark.req("M-08", "M-09", "M-10", "F-005", "E-04")
def test_the_first_real_day_buys_one_symbol_and_a_tenth(
    desk: "Desk", server: SandboxServer
) -> None:
    desk.write("real.yaml", _TWENTY_SHARES)

    ended = desk.run(
        *("--mode", "trade", "--config", "real.yaml", "--confirm-real-trading"),
        *("--exit-after-close", *_TWO),
        **_variables(server),
    )

    bought = desk.rows("SELECT DISTINCT stock_code FROM order_state WHERE side = 'buy'")
    quantities = desk.rows("SELECT quantity FROM order_state WHERE side = 'buy'")
    assert ended.code == 0, ended.err
    assert "10초 뒤에 시작합니다" in ended.out
    assert [row[0] for row in bought] == ["068270"]
    assert [row[0] for row in quantities] == [2]
    assert "REAL 계좌의 첫 주문: 계산 수량 20주의 10%인 2주만 냅니다" in ended.out
    assert server.sandbox.requests["chk-holiday"] == 1


@pytest.mark.req("E-04")
def test_a_broker_whose_holidays_cannot_be_asked_lets_nothing_be_entered(
    desk: "Desk", server: SandboxServer
) -> None:
    desk.write("real.yaml", _TWENTY_SHARES)
    server.sandbox.faults.clear()
    url = server.base_url
    _break_route(url, "chk-holiday")

    ended = desk.run(
        *("--mode", "trade", "--config", "real.yaml", "--confirm-real-trading"),
        *("--exit-after-close", *_TWO),
        **_variables(server),
    )

    assert ended.code == 0, ended.err
    assert "증권사 휴장일 조회에 실패했습니다" in ended.out
    assert desk.rows("SELECT * FROM order_state") == []


def _break_route(url: str, route: str) -> None:
    import httpx

    fault = {"route": route, "kind": "http_500", "count": 1_000}
    httpx.post(f"{url}/sandbox/faults", json=fault).raise_for_status()


def test_signal_is_not_needed() -> None:
    assert signal.SIGINT
