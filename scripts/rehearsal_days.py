"""The five days of the rehearsal: what is done to `kr_trade`, and what is measured of it."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from kis_core.ports.notifier import EventKind
from scripts.rehearsal_stage import (
    Figure,
    Sample,
    at,
    at_least,
    ends_well,
    none_of,
    stage_in,
    wait_for,
)

_CYCLE = timedelta(seconds=65)  # the interval and the five seconds after which a cycle is late
_FILL_WAIT = timedelta(seconds=45)
_MEMORY_LIMIT_MB = 110  # V-04
_GROWTH_LIMIT_MB = 5
_LOG_LIMIT_KB = 1024
_POOL = 5  # connections, D-01
_READY_S = 30.0
_HOURS = 6
_OUTAGE_S = 60  # E-03
_TIMEOUT_S, _SILENCE_MS = 0.3, 900

_CHOSEN = """\
universe:
  selection_method: combined
  candidate_pool_mode: yaml
  max_stocks: 5
  candidate_stocks: [005930, 000660, 035720, 005380, 035420, 068270, 051910, 005490]
  stocks: [005930, 000660]
"""


def a_purchase_and_a_sale(directory: Path) -> Iterator[Figure]:
    """Day 1: an entry by the strategy's rules, then a rise beyond the take-profit."""
    with stage_in(directory) as stage:
        app = stage.trade()
        symbol = stage.first_held(app)
        stage.shock(symbol, 12)
        yield ends_well(app)
        yield at_least("매수 체결", stage.events(EventKind.ORDER_FILLED, side="buy"), 1)
        yield at_least(
            "익절 매도 체결",
            stage.events(EventKind.ORDER_FILLED, side="sell", reason="take_profit"),
            1,
        )
        longest = stage.longest_wait()
        yield Figure(
            what="접수에서 체결까지 (가장 긴 것)",
            measured="-" if longest is None else f"{longest.total_seconds():.1f}초",
            wanted=f"{_FILL_WAIT.total_seconds():.0f}초 이내",
            holds=longest is not None and longest <= _FILL_WAIT,
        )
        yield stage.books_agree()


def a_stop_loss(directory: Path) -> Iterator[Figure]:
    """Day 2: the price of what was bought falls through its stop."""
    with stage_in(directory) as stage:
        app = stage.trade()
        symbol = stage.first_held(app)
        fell_at = stage.shock(symbol, -8)
        yield ends_well(app)
        signals = stage.events(EventKind.SIGNAL, action="sell", reason="stop_loss", symbol=symbol)
        yield at_least("손절 신호", signals, 1)
        delay = at(signals[0]) - fell_at if signals else timedelta.max
        yield Figure(
            what="손절가 아래로 내려간 뒤 신호까지",
            measured=f"{delay.total_seconds():.1f}초" if signals else "-",
            wanted=f"{_CYCLE.total_seconds():.0f}초 이내 (판단 주기)",
            holds=delay <= _CYCLE,
        )
        sales = stage.rows(f"SELECT * FROM trades WHERE stock_code = '{symbol}' AND side = 'sell'")
        yield Figure(
            what="손절 매도 (거래 원장)",
            measured=", ".join(f"{row['quantity']}주 {row['realised_pnl']:,}원" for row in sales),
            wanted="1건, 손실",
            holds=len(sales) == 1 and sales[0]["realised_pnl"] < 0,
        )
        yield stage.books_agree()


def a_restart_in_mid_session(directory: Path) -> Iterator[Figure]:
    """Day 3: SIGKILL while an order is on its way, and SIGKILL while something is held."""
    with stage_in(directory, universe=_CHOSEN) as stage:
        stage.market.hold_next_order()
        first = stage.trade("--universe", "universe.yaml")
        wait_for(first, EventKind.ORDER_CREATED)
        first.kill()
        second = stage.trade("--universe", "universe.yaml")
        wait_for(second, EventKind.POSITION_OPENED)
        stage.await_events(2, EventKind.UNIVERSE_SELECTED, step="cache")
        second.kill()
        before = stage.stops()
        yield ends_well(stage.trade("--universe", "universe.yaml"))
        chosen = stage.events(EventKind.UNIVERSE_SELECTED, step="cache")
        yield Figure(
            what="재시작 때 유니버스",
            measured=", ".join(event["cache"] for event in chosen),
            wanted="MISS, HIT, HIT (다시 고르지 않음)",
            holds=[event["cache"] for event in chosen] == ["MISS", "HIT", "HIT"],
        )
        opened = [event["count"] for event in stage.events(EventKind.RECOVERY_OPEN_ORDERS)]
        yield Figure(
            what="재시작 때 찾은 미결 주문",
            measured=", ".join(map(str, opened)) + "건",
            wanted="두 번째 시작에서 1건",
            holds=len(opened) == 3 and opened[1] == 1,
        )
        yield none_of("두 번 나간 주문", len(stage.doubled()))
        yield Figure(
            what="재시작 뒤 손절가·익절가·고정 ATR",
            measured=f"{len(before)}종목 비교",
            wanted="재시작 전과 같음",
            holds=bool(before) and before.items() <= stage.stops(also_closed=True).items(),
        )
        yield stage.books_agree()


def six_hours_of_memory(directory: Path) -> Iterator[Figure]:
    """Day 4: a whole session, measured from outside every simulated hour, then a restart."""
    with stage_in(directory) as stage:
        app = stage.trade()
        wait_for(app, EventKind.DAY_STARTED)
        samples = list(stage.samples(app))
        yield ends_well(app)
        yield from _figures_of_memory(samples)
        took_s = stage.restarted_in_s()
        yield Figure(
            what="연속 실행 뒤 재시작에서 복구 완료까지",
            measured=f"{took_s:.1f}초",
            wanted="30초 이내",
            holds=took_s <= _READY_S,
        )
        yield stage.books_agree()


def _figures_of_memory(samples: list[Sample]) -> Iterator[Figure]:
    first, last = samples[0], samples[-1]
    hours = (last.at - first.at) / timedelta(hours=1)
    yield Figure(
        what="연속 실행 (장중 시각)",
        measured=f"{hours:.1f}시간, {len(samples)}번 측정",
        wanted=f"{_HOURS}시간 이상",
        holds=hours >= _HOURS,
    )
    peak = max(sample.rss_mb for sample in samples)
    yield _at_most("상주 메모리 (가장 클 때)", peak, _MEMORY_LIMIT_MB, "MB")
    warm = next(sample for sample in samples if sample.at >= first.at + timedelta(hours=1))
    growth = last.rss_mb - warm.rss_mb
    yield _at_most("한 시간 뒤부터 마감까지 메모리 증가", growth, _GROWTH_LIMIT_MB, "MB")
    log_kb = (last.log_bytes - first.log_bytes) / 1024 / hours
    yield _at_most("로그 증가 (시간당)", log_kb, _LOG_LIMIT_KB, "KB")
    connections = max(sample.connections for sample in samples)
    yield _at_most("DB 연결 (가장 많을 때)", connections, _POOL, "개")


def _at_most(what: str, measured: float, limit: float, unit: str) -> Figure:
    return Figure(
        what=what,
        measured=f"{measured:,.1f} {unit}",
        wanted=f"{limit:,.0f} {unit} 이하",
        holds=measured <= limit,
    )


def a_silent_broker(directory: Path) -> Iterator[Figure]:
    """Day 5: quotes that do not answer for minutes, and an order whose answer is lost."""
    api = f"api: {{timeout_s: {_TIMEOUT_S}}}\n"
    with stage_in(directory, more=api) as stage:
        stage.fail("order-cash", "drop_after", count=1)
        app = stage.trade()
        stage.first_held(app)
        asked = Counter(stage.market.ledger()["requests"])
        stage.fail("inquire-price", "delay", ms=_SILENCE_MS)
        wait_for(app, EventKind.OUTAGE_STARTED)
        sent = len(stage.market.ledger()["orders"])  # a look before it may have ordered yet
        wait_for(app, EventKind.KILL_SWITCH_ON)
        sent_meanwhile = len(stage.market.ledger()["orders"]) - sent
        asked = Counter(stage.market.ledger()["requests"]) - asked
        stage.heal()
        yield ends_well(app)
        yield Figure(
            what="응답이 사라진 주문",
            measured=f"확인 요청 {len(stage.events(EventKind.ORDER_AMBIGUOUS))}건, "
            f"증권사 목록에서 찾음 {len(stage.events(EventKind.ORDER_ADOPTED))}건",
            wanted="1건, 1건 (다시 보내지 않음)",
            holds=len(stage.events(EventKind.ORDER_ADOPTED)) == 1,
        )
        yield Figure(
            what="시세 무응답 동안의 재시도",
            measured=f"시세 요청 {asked['inquire-price']}건",
            wanted="3건 이상",
            holds=asked["inquire-price"] >= 3,
        )
        yield at_least("장애 시작 기록", stage.events(EventKind.OUTAGE_STARTED), 1)
        yield none_of("장애 동안 나간 주문", sent_meanwhile)
        yield at_least("거래 중단 (API 오류 한도)", stage.events(EventKind.KILL_SWITCH_ON), 1)
        lasted = [event["seconds"] for event in stage.events(EventKind.OUTAGE_ENDED)]
        yield Figure(
            what="장애 종료와 길이 기록",
            measured=", ".join(f"{seconds:.0f}초" for seconds in lasted) or "-",
            wanted="1건, 60초 이상",
            holds=len(lasted) == 1 and lasted[0] >= _OUTAGE_S,
        )
        yield stage.books_agree()
