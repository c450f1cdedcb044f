"""The command line of `python -m apps.kr_cbt`."""

import argparse
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path

from apps.command_line import CommandLine
from apps.kr_cbt.research_arguments import ResearchArguments, add_research, research_of


@unique
class Mode(StrEnum):
    """What the application is asked to do."""

    CBT = "cbt"
    STATUS = "status"
    RESET = "reset"
    EXPORT = "export"
    FETCH = "fetch"
    REPLAY = "replay"
    REPORT = "report"
    BACKTEST = "backtest"
    SWEEP = "sweep"
    BENCH = "bench"
    IMPORT = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The command line, read. Values that were not given are None."""

    mode: Mode
    config: Path | None
    trade_config: Path | None
    universe: Path | None
    feed: str | None
    interval: str | None
    max_runs: str | None
    stocks: tuple[str, ...]
    exit_after_close: bool
    is_recorded: bool
    as_json: bool
    yes: bool
    to: Path | None
    session: Path | None
    days: int
    research: ResearchArguments

    def overrides(self) -> dict[str, str | list[str] | None]:
        """The settings that the command line gives, by their dotted names."""
        return {
            "market_data.feed": self.feed,
            "engine.interval_s": self.interval,
            "engine.max_runs": self.max_runs,
            "engine.exit_after_close": "true" if self.exit_after_close else None,
            "universe.stocks": list(self.stocks) or None,
        }


def parse(argv: list[str]) -> Arguments:
    """Read the command line. Ends the process with code 2 and a Korean sentence where it is not
    understood, and with 0 after `--help`."""
    parser = _parser()
    given = parser.parse_args(argv)
    if given.mode == Mode.REPLAY and given.session is None:
        parser.error("--mode replay 에는 --session 파일이 필요합니다")
    if given.mode == Mode.SWEEP and given.data is None:
        parser.error("--mode sweep 에는 --data 봉 자료가 필요합니다")
    if given.mode == Mode.BENCH and (given.data is None or given.case is None):
        parser.error("--mode bench 에는 --data 봉 자료와 --case w1 또는 w2 가 필요합니다")
    if given.first is not None and given.last is not None and given.first > given.last:
        parser.error(f"--first {given.first} 이 --last {given.last} 보다 뒤입니다")
    if given.mode == Mode.IMPORT and bool(given.csv) == bool(given.kis_yaml):
        parser.error("--mode import 에는 --csv 나 --kis-yaml 가운데 하나가 필요합니다")
    return Arguments(
        mode=Mode(given.mode),
        config=given.config,
        trade_config=given.trade_config,
        universe=given.universe,
        feed=given.feed,
        interval=given.interval,
        max_runs=given.max_runs,
        stocks=tuple(given.stock),
        exit_after_close=given.exit_after_close,
        is_recorded=not given.no_recording,
        as_json=given.json,
        yes=given.yes,
        to=given.to,
        session=given.session,
        days=given.days,
        research=research_of(given),
    )


def _parser() -> argparse.ArgumentParser:
    parser = CommandLine(
        prog="python -m apps.kr_cbt",
        description="비공개 베타 테스트: 실제 시세, 가상 계좌. 증권사에 주문을 보내지 않습니다.",
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("-h", "--help", action="help", help="이 도움말을 보여 줍니다")
    parser.add_argument(
        "--mode",
        choices=[mode.value for mode in Mode],
        required=True,
        help="cbt: 가상 매매 · status: 가상 계좌의 현재 상태 · reset: 가상 계좌를 새로 시작 ·"
        " export: CSV 와 Parquet 으로 내보내기 · fetch: 일봉 내려받기 ·"
        " replay: 기록된 세션을 다시 돌려 비교 · backtest: 일봉으로 전략을 시험 ·"
        " report: 가상 계좌나 백테스트의 HTML 보고서 ·"
        " sweep: 파라미터 여러 벌을 백테스트 · import: CSV 봉이나 KIS 전략 파일 가져오기 ·"
        " bench: 속도 재기",
    )
    _add_session(parser)
    parser.add_argument("--json", action="store_true", help="status: JSON 으로 출력")
    parser.add_argument("--yes", action="store_true", help="reset: 묻지 않고 새로 시작합니다")
    parser.add_argument(
        "--to", type=Path, metavar="경로", help="결과를 둘 곳(폴더나 파일). 없으면 data 아래"
    )
    parser.add_argument("--session", type=Path, metavar="파일", help="replay: 세션 기록 파일")
    parser.add_argument(
        "--days", type=_days, default=500, metavar="N", help="fetch: 거래일 수 (기본 500)"
    )
    add_research(parser)
    return parser


def _add_session(parser: argparse.ArgumentParser) -> None:
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
    parser.add_argument("--config", type=Path, metavar="파일", help="kr_cbt.yaml 의 위치")
    parser.add_argument("--trade-config", type=Path, metavar="파일", help="kr_trade.yaml 의 위치")
    parser.add_argument("--universe", type=Path, metavar="파일", help="universe.yaml 의 위치")
    parser.add_argument(
        "--exit-after-close", action="store_true", help="장 마감 요약 뒤에 끝냅니다"
    )
    parser.add_argument("--no-recording", action="store_true", help="세션을 기록하지 않습니다")


def _days(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 5_000:
        raise argparse.ArgumentTypeError("거래일 수는 1 이상 5000 이하여야 합니다")
    return number
