"""`--mode replay`: run a recorded session again and say whether it came out the same."""

import sys
from pathlib import Path

from apps.build import commit_hash
from apps.exit_code import ExitCode
from apps.recordings import recorded_settings
from kis_adapters.recording.difference import Difference, shortened
from kis_adapters.recording.record import BadRecord, Record
from kis_adapters.recording.replay import Replayed, replay


def print_replay(path: Path) -> int:
    """Replay the record in `path`; 0 only when it is unchanged and everything agreed."""
    try:
        record = Record(path)
        replayed = replay(record, recorded_settings(record.header))
    except BadRecord as error:
        print(error, file=sys.stderr)
        return ExitCode.REFUSED
    _print_head(record)
    _print_tally(replayed)
    for line in replayed.changed_lines:
        print(f"[변조] {line}번째 줄이 기록된 뒤에 바뀌었습니다.")
    if replayed.difference is not None:
        _print_difference(replayed.difference)
    if replayed.is_identical:
        print("결과: 판단, 주문, 손익이 기록과 모두 같습니다.")
        return ExitCode.OK
    return ExitCode.FAILURE


def _print_head(record: Record) -> None:
    header = record.header
    print(f"기록: {header['app']} · {header['mode']} · {header['started_at']}")
    if header["commit"] != commit_hash():
        print(f"[주의] 다른 버전에서 기록했습니다: {header['commit']} (지금 {commit_hash()})")


def _print_tally(replayed: Replayed) -> None:
    tally = replayed.tally
    print(
        f"재현: 호출 {tally.calls:,}건 · 판단 {tally.decisions:,}건 · 주문 {tally.orders:,}건"
        f" · 체결 {tally.trades:,}건 · 실현 손익 {tally.realised_pnl:+,}원"
    )
    if not replayed.is_whole and replayed.difference is None:
        print("[주의] 끝까지 쓰이지 못한 기록입니다. 남아 있는 데까지 재현했습니다.")


def _print_difference(difference: Difference) -> None:
    print(f"결과: {difference.line}번째 줄에서 처음으로 달라졌습니다.")
    if difference.where:
        print(f"  항목  {difference.call} · {difference.where}")
    print(f"  기록  {shortened(difference.on_record)}")
    print(f"  재현  {shortened(difference.in_replay) if difference.in_replay else '(없음)'}")
    if difference.next_on_record:
        print(f"  기록에서 이어진 일  {difference.next_on_record}")
    for line, call, text in difference.inputs:
        print(f"  입력  {line}번째 줄 {call} {text}")
