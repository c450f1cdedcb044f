"""The command line of the research modes: bars, sessions, parameter sets, where they run."""

import argparse
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

_WORKERS_MOST = 256
_REPEATS_MOST = 1_000
_CASES = ("w1", "w2")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResearchArguments:
    """What was typed for research; None or empty where nothing was."""

    data: Path | None
    first: date | None
    last: date | None
    is_whole_market: bool
    grid: tuple[str, ...]
    workers: int | None
    dask: str | None
    walk_forward: tuple[int, int] | None
    score: str
    csv: tuple[Path, ...]
    kis_yaml: Path | None
    run: Path | None
    is_lookahead_checked: bool
    case: str | None
    repeat: int


def add_research(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="경로",
        help="backtest, sweep, bench: 봉 파일(.parquet, .csv)이나 폴더",
    )
    parser.add_argument("--first", type=_date, metavar="날짜", help="첫 거래일 (2024-01-02)")
    parser.add_argument("--last", type=_date, metavar="날짜", help="마지막 거래일")
    parser.add_argument(
        "--whole-market", action="store_true", help="유니버스 대신 자료의 모든 종목을 거래"
    )
    parser.add_argument(
        "--check-lookahead",
        action="store_true",
        help="backtest: 앞날의 봉을 섞어도 판단이 같은지 확인",
    )
    parser.add_argument(
        "--run", type=Path, metavar="폴더", help="report: 가상 계좌 대신 이 백테스트 결과를"
    )
    parser.add_argument("--case", choices=_CASES, help="bench: w1 은 종목마다, w2 는 한 계좌")
    parser.add_argument(
        "--repeat", type=_repeats, default=1, metavar="N", help="bench: 되풀이 횟수 (기본 1)"
    )
    _add_sweep(parser)
    parser.add_argument(
        "--csv", type=Path, action="append", default=[], metavar="파일",
        help="import: 가져올 CSV 파일이나 폴더 (여러 번)",
    )  # fmt: skip
    parser.add_argument(
        "--kis-yaml", type=Path, metavar="파일", help="import: 가져올 KIS 전략 파일(.kis.yaml)"
    )


def research_of(given: argparse.Namespace) -> ResearchArguments:
    """The same, read."""
    return ResearchArguments(
        data=given.data,
        first=given.first,
        last=given.last,
        is_whole_market=given.whole_market,
        grid=tuple(given.grid),
        workers=given.workers,
        dask=given.dask,
        walk_forward=given.walk_forward,
        score=given.score,
        csv=tuple(given.csv),
        kis_yaml=given.kis_yaml,
        run=given.run,
        is_lookahead_checked=given.check_lookahead,
        case=given.case,
        repeat=given.repeat,
    )


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--grid",
        action="append",
        default=[],
        metavar="이름=값,값",
        help="sweep: 바꿔 볼 파라미터 (여러 번). 값은 1.5,2,2.5 나 처음:끝:간격(20:60:10)",
    )
    parser.add_argument(
        "--workers", type=_workers, metavar="N", help="sweep: 함께 돌릴 프로세스 수 (기본: 코어 수)"
    )
    parser.add_argument(
        "--dask",
        metavar="주소",
        help="sweep: 그 주소의 Dask 클러스터에서(tcp://주소:포트). local 은 이 컴퓨터에 만든 것",
    )
    parser.add_argument(
        "--walk-forward",
        type=_folds,
        metavar="학습,시험",
        help="sweep: 앞 구간에서 고르고 바로 뒤 구간에서 시험. 거래일 수 둘 (예: 120,40)",
    )
    parser.add_argument(
        "--score", default="sharpe", metavar="지표", help="sweep: 순위를 매길 지표 (기본 sharpe)"
    )


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"날짜가 아닙니다: {text} (예: 2024-01-02)") from error


def _workers(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= _WORKERS_MOST:
        raise argparse.ArgumentTypeError(f"프로세스 수는 1 이상 {_WORKERS_MOST} 이하여야 합니다")
    return int(text)


def _repeats(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= _REPEATS_MOST:
        raise argparse.ArgumentTypeError(f"되풀이 횟수는 1 이상 {_REPEATS_MOST} 이하여야 합니다")
    return int(text)


def _folds(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,5}),([0-9]{1,5})", text)
    if found is None or not (int(found[1]) and int(found[2])):
        raise argparse.ArgumentTypeError(f"거래일 수 둘이어야 합니다: {text} (예: 120,40)")
    return int(found[1]), int(found[2])
