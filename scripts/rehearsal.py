"""The five-day rehearsal before real money, by itself, on the simulator (V-01).

`nox -s rehearsal` runs each day with the real `kr_trade` in a process of its own: a purchase and a
sale, a stop loss, a kill and a restart in mid-session, six simulated hours of measured memory, and
a broker that does not answer. Every figure stands in a Korean report beside what it must be; exit
code 0 when every figure holds, 1 when one does not. `--report FILE` keeps the report as Markdown.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scripts.rehearsal_days import (
    a_purchase_and_a_sale,
    a_restart_in_mid_session,
    a_silent_broker,
    a_stop_loss,
    six_hours_of_memory,
)
from scripts.rehearsal_stage import Figure

_DAYS: tuple[tuple[str, Callable[[Path], Iterable[Figure]]], ...] = (
    ("정상 매수와 매도", a_purchase_and_a_sale),
    ("손절", a_stop_loss),
    ("장중 강제 종료와 재시작", a_restart_in_mid_session),
    ("메모리 압박: 장중 6시간 이상 연속", six_hours_of_memory),
    ("API 응답 없음", a_silent_broker),
)
_COLUMNS = ("항목", "측정값", "기준", "판정")


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of the rehearsal and what was measured."""

    number: int
    title: str
    figures: tuple[Figure, ...]
    took_s: float

    @property
    def holds(self) -> bool:
        """Whether every figure is what it must be."""
        return all(figure.holds for figure in self.figures)

    @property
    def heading(self) -> str:
        """As it stands above the figures."""
        verdict = "통과" if self.holds else "실패"
        return f"{self.number}일차 {self.title}: {verdict} ({self.took_s:.0f}초)"


def main(arguments: Sequence[str]) -> int:
    """Rehearse the days asked for; returns the exit code."""
    given = _parser().parse_args(arguments)
    console = Console(width=110)
    days: list[Day] = []
    with tempfile.TemporaryDirectory(prefix="kis-rehearsal-") as directory:
        for number in given.days:
            title = _DAYS[number - 1][0]
            with console.status(f"{number}일차 {title} …"):
                day = rehearse(number, Path(directory) / f"day{number}")
            _show(console, day)
            days.append(day)
    console.print(_verdict(days), style="bold")
    if given.report is not None:
        given.report.write_text(markdown(days), encoding="utf-8")
    return 0 if all(day.holds for day in days) else 1


def rehearse(number: int, directory: Path) -> Day:
    """One day in `directory`, which is made."""
    directory.mkdir(parents=True)
    title, live_through = _DAYS[number - 1]
    started = time.monotonic()
    figures = tuple(live_through(directory))
    return Day(number=number, title=title, figures=figures, took_s=time.monotonic() - started)


def markdown(days: Sequence[Day]) -> str:
    """The report as a document."""
    lines = ["# 5거래일 리허설 결과", "", _verdict(days), ""]
    for day in days:
        lines += [f"## {day.heading}", "", f"| {' | '.join(_COLUMNS)} |", "|---|---|---|---|"]
        lines += [f"| {' | '.join(figure.row)} |" for figure in day.figures] + [""]
    return "\n".join(lines)


def _show(console: Console, day: Day) -> None:
    table = Table(*_COLUMNS, title=day.heading, title_justify="left", min_width=100)
    for figure in day.figures:
        table.add_row(*figure.row, style=None if figure.holds else "bold red")
    console.print(table)


def _verdict(days: Sequence[Day]) -> str:
    failed = [str(day.number) for day in days if not day.holds]
    if failed:
        return f"리허설 실패: {', '.join(failed)}일차를 확인하세요."
    return f"리허설 통과: {len(days)}일 모두 기준을 지켰습니다."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rehearsal", description=__doc__)
    every = list(range(1, len(_DAYS) + 1))
    parser.add_argument("--days", type=int, nargs="+", choices=every, default=every)
    parser.add_argument("--report", type=Path, default=None, metavar="FILE")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
