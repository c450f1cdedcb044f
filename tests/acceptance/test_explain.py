"""`--mode explain` and the audit trail of whole days, as the operator meets them."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from kis_adapters.audit.folder import TrailFolder
from kis_adapters.audit.reader import Trail
from kis_adapters.sql.database import open_database
from kis_adapters.sql.store import SqlStore
from kis_core.market.session import KST
from kis_core.orders.identity import Namespace, TradingMode
from kis_sandbox.config import CREDENTIALS, Personality, SandboxConfig
from kis_sandbox.faults import FaultKind
from kis_sandbox.server import SandboxServer
from tests.acceptance.conftest import TWO_SYMBOLS, Desk, new_desk

_EXPLAIN = ("--mode", "explain", "--config", "fast.yaml")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A day that was killed in its middle and gone on with in another process."""
    desk = new_desk(tmp_path_factory.mktemp("explain"))
    process = desk.start_trading()
    assert process.stdout is not None
    for line in process.stdout:
        if "포지션 진입" in line:
            break
    process.kill()
    desk.end_of(process)
    ended = desk.trade(*TWO_SYMBOLS, "--exit-after-close")
    assert ended.code == 0, ended.err
    return desk


def _folder(desk: Desk) -> TrailFolder:
    return TrailFolder(desk.directory / "logs" / "audit")


def _trail(desk: Desk) -> Trail:
    return Trail(_folder(desk), mode=TradingMode.PAPER, account="simulator")


def _orders(desk: Desk, side: str) -> list[str]:
    rows = desk.rows("SELECT order_id, side FROM order_state ORDER BY created_at")
    return [row["order_id"] for row in rows if row["side"] == side]


@pytest.mark.req("L-03")
def test_the_trail_of_a_day_is_one_whole_chain_in_the_days_file(day: Desk) -> None:
    files = [path.name for path in _folder(day).files()]
    assert files == ["audit_20261124.json"]
    ended = day.run(*_EXPLAIN)
    assert ended.code == 0
    assert "온전합니다" in ended.out


@pytest.mark.req("L-04")
def test_positions_trades_and_orders_are_rebuilt_from_the_trail_alone(day: Desk) -> None:
    stands = _trail(day).rebuilt()

    account = day.rows("SELECT DISTINCT account FROM order_state")[0]["account"]
    engine = open_database(f"sqlite:///{day.database}")
    with SqlStore(engine, Namespace(mode=TradingMode.PAPER, account=account)).unit_of_work() as uow:
        positions = {p.symbol: p for p in uow.positions()}
        events = uow.all_events()
        orders = {event.order_id for event in events}
        trades = {order: trade for order in orders if (trade := uow.trade(order)) is not None}
    engine.dispose()
    assert trades
    assert stands.positions.keys() == positions.keys()
    for symbol, position in positions.items():
        told = stands.positions[symbol]
        assert isinstance(told, dict)
        assert (told["quantity"], told["cost"]) == (position.quantity, position.cost)
        assert told["levels"] == {
            "atr": position.levels.atr,
            "stop": position.levels.stop,
            "take": position.levels.take,
        }
        assert (told["highest"], told["is_trailing"]) == (position.highest, position.is_trailing)
    assert stands.trades.keys() == trades.keys()
    for order, trade in trades.items():
        told = stands.trades[order]
        assert isinstance(told, dict)
        for name in ("symbol", "side", "quantity", "amount", "commission", "tax", "realised_pnl"):
            assert told[name] == getattr(trade, name)
    assert {order: len(told) for order, told in stands.events.items()} == {
        order: sum(event.order_id == order for event in events) for order in orders
    }


def _logged(desk: Desk) -> list[dict[str, object]]:
    return [json.loads(line) for line in desk.log.splitlines()]


def _orders_in_the_log(desk: Desk) -> set[object]:
    entries = (e for e in _logged(desk) if str(e.get("event", "")).startswith("order."))
    return {entry["order_id"] for entry in entries}


@pytest.mark.req("L-05")
def test_log_trail_and_database_name_an_order_alike(desk: Desk) -> None:
    ended = desk.trade(*TWO_SYMBOLS, "--exit-after-close")

    assert ended.code == 0, ended.err
    orders = _orders(desk, "buy") + _orders(desk, "sell")
    assert orders
    assert _orders_in_the_log(desk) == set(orders)
    for order in orders:
        assert _trail(desk).of_order(order)
    started = next(entry for entry in _logged(desk) if entry["event"] == "session.started")
    for name in ("settings", "calendar", "tick_table", "tax_table", "commit"):
        assert started[name]


@pytest.mark.req("L-05")
def test_after_a_kill_the_trail_has_every_order_and_the_log_no_other(day: Desk) -> None:
    orders = _orders(day, "buy") + _orders(day, "sell")

    assert orders
    assert _orders_in_the_log(day) <= set(orders)  # it is written behind the orders
    for order in orders:
        assert _trail(day).of_order(order)


@pytest.mark.req("M-19")
def test_a_purchase_is_explained_with_its_inputs_and_what_became_of_it(day: Desk) -> None:
    ended = day.run(*_EXPLAIN, "--order", _orders(day, "buy")[-1])

    assert ended.code == 0, ended.err
    for said in ("매수", "돌파 진입", "전일 고가", "ADX", "리스크 상태", "접수했습니다", "체결"):
        assert said in ended.out


@pytest.mark.req("M-19")
def test_a_sale_names_the_level_that_was_reached(day: Desk) -> None:
    sale = _orders(day, "sell")[-1]

    ended = day.run(*_EXPLAIN, "--order", sale)
    machine = json.loads(day.run(*_EXPLAIN, "--order", sale, "--json").out)

    assert "손절가" in ended.out
    assert "이하로 내려와 팔았습니다" in ended.out
    assert machine["source"] == "trail"
    assert [fact["data"]["sequence"] for fact in machine["facts"] if fact["kind"] == "order_event"]


@pytest.mark.req("M-19")
def test_without_the_trail_the_database_answers_and_it_is_said(day: Desk, tmp_path: Path) -> None:
    order = _orders(day, "buy")[0]

    ended = day.run(*_EXPLAIN, "--order", order, AUTO_TRADE_LOG_DIR=str(tmp_path))

    assert ended.code == 0
    assert "감사 기록에 없는 주문" in ended.out
    assert "장부에 적었습니다" in ended.out


@pytest.mark.req("M-19")
def test_a_decision_is_explained_by_symbol_and_time(day: Desk) -> None:
    last = day.run(*_EXPLAIN, "--decision", "068270")
    first = day.run(*_EXPLAIN, "--decision", "068270@2026-11-24T09:00:30")

    assert last.code == first.code == 0
    assert "2026-11-24 09:00:" in first.out
    assert last.out != first.out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--order", "nothing"), "없습니다: nothing"),
        (("--order", "../../etc/passwd"), "없습니다"),
        (("--decision", "005930@yesterday"), "시각을 읽을 수 없습니다"),
        (("--decision", "999999"), "없습니다: 999999"),
    ],
)
def test_what_is_not_there_is_said(day: Desk, asked: tuple[str, str], said: str) -> None:
    ended = day.run(*_EXPLAIN, *asked)

    assert ended.code == 2
    assert said in ended.err


@pytest.mark.req("L-03")
def test_a_touched_trail_is_named_and_ends_with_a_failure(day: Desk, tmp_path: Path) -> None:
    logs = tmp_path / "logs" / "audit"
    logs.mkdir(parents=True)
    source = _folder(day).files()[0]
    lines = source.read_bytes().splitlines(keepends=True)
    (logs / source.name).write_bytes(b"".join([*lines[:10], *lines[11:]]))

    ended = day.run(*_EXPLAIN, AUTO_TRADE_LOG_DIR=str(tmp_path / "logs"))

    assert ended.code == 1
    assert f"{source.name} 11번째 줄" in ended.out


@pytest.mark.req("M-19")
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (FaultKind.ORDER_REJECTED, ("증권사가 거부했습니다",)),
        (
            FaultKind.OUTCOME_UNKNOWN,
            ("응답을 받지 못했습니다", "다시 보내지", "증권사 주문 목록에서 주문번호"),
        ),
        (FaultKind.RATE_LIMIT, ("받지 않은 것이 확실합니다", "주문은 나가지 않았습니다")),
        (FaultKind.DROP_BEFORE, ("응답을 받지 못했습니다", "증권사 주문 목록에 없었습니다")),
    ],
)
def test_an_order_that_went_wrong_tells_how(
    desk: Desk, kind: FaultKind, said: tuple[str, ...]
) -> None:
    keys = CREDENTIALS[Personality.PAPER]
    start = datetime(2026, 11, 24, 8, 30, tzinfo=KST)
    config = SandboxConfig(mode=Personality.PAPER, start=start, seed=8)
    with SandboxServer(config) as server:
        server.faults.add("order-cash", kind, count=1)
        ended = desk.trade(
            *TWO_SYMBOLS,
            "--exit-after-close",
            KIS_BASE_URL=server.base_url,
            KIS_APP_KEY=keys.app_key,
            KIS_APP_SECRET=keys.app_secret,
            KIS_ACCOUNT_NO=keys.account_no,
        )
        assert ended.code == 0, ended.err
        first = desk.rows("SELECT order_id FROM order_state ORDER BY created_at LIMIT 1")[0]
        told = desk.run(
            *_EXPLAIN,
            "--order",
            first["order_id"],
            KIS_BASE_URL=server.base_url,
            KIS_APP_KEY=keys.app_key,
            KIS_APP_SECRET=keys.app_secret,
            KIS_ACCOUNT_NO=keys.account_no,
        )

    assert told.code == 0, told.err
    assert [text for text in said if text not in told.out] == []
