"""The command line of `python -m apps.kr_trade`."""

import argparse
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path

from apps.command_line import CommandLine


@unique
class Mode(StrEnum):
    """What the application is asked to do."""

    TRADE = "trade"
    STATUS = "status"
    UNIVERSE = "universe"
    VERIFY = "verify"
    CLEAR_KILL_SWITCH = "clear-kill-switch"
    SYMBOL = "symbol"
    EXPLAIN = "explain"
    BACKUP = "backup"
    RESTORE = "restore"
    IMPORT_LEGACY = "import-legacy"


@unique
class Answer(StrEnum):
    """What `--mode symbol` says about its symbol (P-12, P-13)."""

    ADOPT = "adopt"
    IGNORE = "ignore"
    CLEAR_HALT = "clear-halt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The command line, read. Values that were not given are None."""

    mode: Mode
    config: Path | None
    universe: Path | None
    feed: str | None
    interval: str | None
    max_runs: str | None
    stocks: tuple[str, ...]
    exit_after_close: bool
    is_real_confirmed: bool
    first_order_percent: str | None
    limits_symbols_first_day: bool | None
    checklist: str | None
    as_json: bool
    answer: Answer | None = None
    order: str | None = None
    decision: str | None = None
    to: Path | None = None
    source: str | None = None
    yes: bool = False
    is_rehearsal: bool = False

    def overrides(self) -> dict[str, str | list[str] | None]:
        """The settings that the command line gives, by their dotted names."""
        return {
            "market_data.feed": self.feed,
            "engine.interval_s": self.interval,
            "engine.max_runs": self.max_runs,
            "engine.exit_after_close": "true" if self.exit_after_close else None,
            "universe.stocks": list(self.stocks) or None,
            "real.first_order_percent": self.first_order_percent,
            "real.limit_symbols_first_day": None
            if self.limits_symbols_first_day is None
            else str(self.limits_symbols_first_day).lower(),
        }


_ANSWERS = {
    Answer.ADOPT: "symbol: 손으로 바꾼 보유를 맡깁니다",
    Answer.IGNORE: "symbol: 손으로 산 보유를 건드리지 않게 합니다",
    Answer.CLEAR_HALT: "symbol: 중지된 종목의 진입을 다시 허용합니다",
}


def parse(argv: list[str]) -> Arguments:
    """Read the command line. Ends the process with code 2 and a Korean sentence where it is not
    understood, and with 0 after `--help`."""
    parser = _parser()
    given = parser.parse_args(argv)
    if given.mode == Mode.SYMBOL and (given.answer is None or len(given.stock) != 1):
        parser.error("--mode symbol 에는 --stock 하나와 --adopt, --ignore, --clear-halt 중 하나")
    if given.mode == Mode.BACKUP and given.to is None:
        parser.error("--mode backup 에는 --to 파일")
    if given.mode in (Mode.RESTORE, Mode.IMPORT_LEGACY) and given.source is None:
        parser.error(f"--mode {given.mode} 에는 --from")
    if given.mode != Mode.IMPORT_LEGACY and given.dry_run:
        parser.error("--dry-run 은 --mode import-legacy 에만")
    if given.mode != Mode.SYMBOL and given.answer is not None:
        parser.error(f"--{given.answer} 는 --mode symbol 에만")
    return Arguments(
        mode=Mode(given.mode),
        config=given.config,
        universe=given.universe,
        feed=given.feed,
        interval=given.interval,
        max_runs=given.max_runs,
        stocks=tuple(given.stock),
        exit_after_close=given.exit_after_close,
        is_real_confirmed=given.confirm_real_trading,
        first_order_percent=given.real_first_order_percent,
        limits_symbols_first_day=given.real_limit_symbols_first_day,
        checklist=given.checklist,
        as_json=given.json,
        answer=given.answer,
        order=given.order,
        decision=given.decision,
        to=given.to,
        source=given.source,
        yes=given.yes,
        is_rehearsal=given.dry_run,
    )


def _parser() -> argparse.ArgumentParser:
    parser = CommandLine(
        prog="python -m apps.kr_trade",
        description="한국 주식 추세+ATR 자동매매(KIS). 키가 없으면 내장 시뮬레이터로 돕니다.",
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("-h", "--help", action="help", help="이 도움말을 보여 줍니다")
    parser.add_argument(
        "--mode",
        choices=[mode.value for mode in Mode],
        required=True,
        help="trade: 매매 · status: 데이터베이스의 현재 상태 · universe: 종목 선정과 그 이유"
        " · verify: 매매하지 않고 준비 상태 점검 · clear-kill-switch: 킬 스위치 해제"
        " · symbol: 한 종목에 대한 사람의 답"
        " · explain: 주문이나 판단의 이유를 감사 기록에서"
        " · backup, restore: 데이터베이스 백업과 되돌리기"
        " · import-legacy: 옛 시스템의 기록 가져오기",
    )
    parser.add_argument("--feed", choices=["rest", "ws"], help="시세 원천 (없으면 설정 파일)")
    parser.add_argument("--interval", metavar="초", help="주기, 60초 이상")
    parser.add_argument("--max-runs", metavar="N", help="N번 돌고 끝냅니다")
    parser.add_argument(
        "--stock",
        metavar="코드",
        action="append",
        default=[],
        help="유니버스 대신 쓸 종목 (여러 번)",
    )
    parser.add_argument("--config", type=Path, metavar="파일", help="kr_trade.yaml 의 위치")
    parser.add_argument("--universe", type=Path, metavar="파일", help="universe.yaml 의 위치")
    parser.add_argument(
        "--exit-after-close", action="store_true", help="장 마감 요약 뒤에 끝냅니다"
    )
    parser.add_argument(
        "--confirm-real-trading", action="store_true", help="REAL: 실제 돈으로 거래함을 확인"
    )
    parser.add_argument(
        "--real-first-order-percent",
        metavar="%",
        help="REAL: 계좌의 첫 주문을 계산된 수량의 이만큼으로 (기본 10, 최소 1주)",
    )
    parser.add_argument(
        "--real-limit-symbols-first-day",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="REAL: 첫 거래일에는 한 종목만 (기본 켜짐)",
    )
    parser.add_argument("--checklist", choices=["real"], help="verify: 실계좌 전환 점검표까지")
    answers = parser.add_mutually_exclusive_group()
    for answer, text in _ANSWERS.items():
        answers.add_argument(
            f"--{answer}", dest="answer", action="store_const", const=answer, help=text
        )
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--order", metavar="ID", help="explain: 이 주문의 이유와 경과")
    asked.add_argument(
        "--decision", metavar="코드[@시각]", help="explain: 이 종목의 마지막(그 시각까지의) 판단"
    )
    parser.add_argument("--to", type=Path, metavar="파일", help="backup: 백업할 파일")
    parser.add_argument(
        "--from",
        dest="source",
        metavar="파일|DSN",
        help="restore: 백업 파일 · import-legacy: 옛 데이터베이스",
    )
    parser.add_argument(
        "--yes", action="store_true", help="restore: 지금의 데이터베이스를 백업으로 바꿈"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="import-legacy: 가져오지 않고 보고만"
    )
    parser.add_argument(
        "--json", action="store_true", help="status, universe, explain: JSON 으로 출력"
    )
    return parser
