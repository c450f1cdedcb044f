"""A selection of the universe, shown: a table for people, a document for programs (U-16)."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kis_core.market.symbol import Symbol
from kis_core.session.universe_selection import Origin, UniverseSelection
from kis_core.universe.candidate import Stage, Why
from kis_core.universe.rows import CandidateRow, as_rows

STAGES: Mapping[Stage, str] = {
    Stage.POOL: "후보군",
    Stage.TRADED_VALUE: "거래대금",
    Stage.STATUS: "종목 상태",
    Stage.ATR: "ATR 범위",
    Stage.FINAL: "최종",
}
REASONS: Mapping[Why, str] = {
    Why.PASSED: "선정",
    Why.DUPLICATE: "중복",
    Why.INVALID_CODE: "종목코드 아님",
    Why.LETTER_CODE: "문자 종목코드(허용 안 함)",
    Why.BEYOND_SCAN_SIZE: "스캔 한도 밖(market_scan_size)",
    Why.NO_ANSWER: "조회 실패",
    Why.PRICE_ZERO: "현재가 0",
    Why.BELOW_MIN_VOLUME: "거래대금 부족(min_volume)",
    Why.MOVED_TOO_FAR: "시가 대비 급변",
    Why.HALTED: "거래정지",
    Why.MANAGED: "관리종목",
    Why.STATE_UNKNOWN: "종목 상태를 알 수 없음",
    Why.BELOW_MARKET_CAP: "시가총액 부족(min_market_cap)",
    Why.TOO_FEW_BARS: "일봉 부족",
    Why.CLOSE_ZERO: "종가 0",
    Why.BELOW_MIN_ATR: "ATR 부족(min_atr_pct)",
    Why.ABOVE_MAX_ATR: "ATR 초과(max_atr_pct)",
    Why.ENOUGH_FOUND: "이미 충분히 찾음",
}
ORIGINS: Mapping[Origin, str] = {
    Origin.SELECTED: "새로 선정",
    Origin.CACHE: "오늘 캐시 재사용",
    Origin.FALLBACK: "고정 목록으로 대체",
}


def print_universe(
    chosen: UniverseSelection, console: Console, *, names: Mapping[Symbol, str] | None = None
) -> None:
    """Print the stages, every candidate with its reason, and the result."""
    if chosen.account is not None:
        console.print(_stage_table(chosen))
        rows = as_rows(chosen.account, chosen.calls_for)
        console.print(_candidate_table(rows, names or {}))
    for note in chosen.notes:
        console.print(f"· {note}", markup=False, highlight=False)
    symbols = ", ".join(_named(symbol, names or {}) for symbol in chosen.symbols)
    console.print(
        f"{chosen.session_date} 유니버스({ORIGINS[chosen.origin]}, {chosen.method}):"
        f" {symbols or '없음'}",
        markup=False,
        highlight=False,
    )
    console.print(
        f"진입 후보 {len(chosen.candidates)}종목, 조회 {chosen.calls}회",
        markup=False,
        highlight=False,
    )


def universe_json(chosen: UniverseSelection) -> str:
    """The same as one JSON document, with every verdict of every stage."""
    stages = chosen.account.stages if chosen.account is not None else ()
    document = {
        "session_date": chosen.session_date.isoformat(),
        "selected_at": chosen.selected_at.isoformat(),
        "selection_method": chosen.method,
        "origin": chosen.origin,
        "stocks": chosen.symbols,
        "entry_candidates": chosen.candidates,
        "calls": chosen.calls,
        "calls_for": dict(sorted(chosen.calls_for.items())),
        "notes": chosen.notes,
        "stages": [
            {
                "stage": account.stage,
                "entered": len(account.verdicts),
                "stayed": len(account.stayed),
                "candidates": [
                    {**asdict(verdict), "stayed": verdict.stayed} for verdict in account.verdicts
                ],
            }
            for account in stages
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1)


def _stage_table(chosen: UniverseSelection) -> Table:
    table = Table(title="단계별 후보 수")
    for heading in ("단계", "들어옴", "남음", "나간 이유"):
        table.add_column(heading, justify="left" if heading in ("단계", "나간 이유") else "right")
    for account in chosen.account.stages if chosen.account is not None else ():
        left = [
            f"{REASONS[why]} {account.count(why)}"
            for why in Why
            if why is not Why.PASSED and account.count(why)
        ]
        table.add_row(
            STAGES[account.stage],
            str(len(account.verdicts)),
            str(len(account.stayed)),
            ", ".join(left) or "-",
        )
    return table


def _candidate_table(rows: tuple[CandidateRow, ...], names: Mapping[Symbol, str]) -> Table:
    table = Table(title="후보별 결과")
    table.add_column("순위", justify="right")
    table.add_column("종목")
    table.add_column("단계")
    table.add_column("이유")
    table.add_column("값", justify="right")
    table.add_column("기준", justify="right")
    table.add_column("조회", justify="right")
    for row in rows:
        table.add_row(
            str(row.rank) if row.rank is not None else "-",
            escape(_named(Symbol(row.code), names)),
            STAGES[row.stage],
            REASONS[row.why],
            _number(row.value),
            _number(row.limit),
            str(row.calls),
        )
    return table


def _named(symbol: Symbol, names: Mapping[Symbol, str]) -> str:
    name = names.get(symbol)
    return f"{name}({symbol})" if name else str(symbol)


def _number(value: float | int | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
