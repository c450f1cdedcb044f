"""A start whose first token does not come at once (K-02, E-01)."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from kis_core.market.session import KST
from kis_sandbox.config import CREDENTIALS, Personality, SandboxConfig
from kis_sandbox.faults import FaultKind
from kis_sandbox.server import SandboxServer
from tests.acceptance.conftest import TWO_SYMBOLS

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk, Ended

_ROUTE = "tokenP"


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    start = datetime(2026, 11, 24, 8, 30, tzinfo=KST)
    with SandboxServer(SandboxConfig(mode=Personality.PAPER, start=start, seed=8)) as server:
        yield server


def _trade(desk: "Desk", server: SandboxServer) -> "Ended":
    return desk.trade(*TWO_SYMBOLS, "--max-runs", "1", **_keys(server))


def _keys(server: SandboxServer) -> dict[str, str]:
    keys = CREDENTIALS[Personality.PAPER]
    return {
        "KIS_BASE_URL": server.base_url,
        "KIS_APP_KEY": keys.app_key,
        "KIS_APP_SECRET": keys.app_secret,
        "KIS_ACCOUNT_NO": keys.account_no,
    }


@pytest.mark.req("K-02", "E-01")
@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.REFUSE,
        FaultKind.DROP_AFTER,
        FaultKind.HTTP_500,
        FaultKind.HTML,
        FaultKind.TRUNCATED,
    ],
)
def test_one_answer_that_was_lost_does_not_cost_the_day(
    desk: "Desk", server: SandboxServer, kind: FaultKind
) -> None:
    server.faults.add(_ROUTE, kind, count=1)

    ended = _trade(desk, server)

    assert ended.code == 0, ended.err
    assert [line for line in ended.out.splitlines() if "61초 뒤" in line and "(2/3)" in line]
    assert "(3/3)" not in ended.out


@pytest.mark.req("K-02", "C-01")
def test_the_closed_beta_test_waits_for_its_token_alike(
    desk: "Desk", server: SandboxServer
) -> None:
    server.faults.add(_ROUTE, FaultKind.HTTP_500, count=1)
    command = ("--mode", "cbt", "--trade-config", "fast.yaml", *TWO_SYMBOLS, "--max-runs", "1")

    ended = desk.python("-m", "apps.kr_cbt", *command, **_keys(server))

    assert ended.code == 0, ended.err
    assert "(2/3)" in ended.out


@pytest.mark.req("K-02")
def test_after_the_third_time_the_start_fails_and_says_why(
    desk: "Desk", server: SandboxServer
) -> None:
    server.faults.add(_ROUTE, FaultKind.HTTP_500, count=None)

    ended = _trade(desk, server)

    assert ended.code == 1
    assert "토큰을 받지 못했습니다" in ended.err
    assert server.sandbox.requests[_ROUTE] == 3
    assert server.sandbox.exchange.now >= datetime(2026, 11, 24, 8, 32, 2, tzinfo=KST)
