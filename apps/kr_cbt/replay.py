"""`--mode replay`: run recorded sessions again and say whether they came out the same."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from apps.build import commit_hash
from apps.exit_code import ExitCode
from apps.recordings import recorded_settings
from apps.terminal import say
from kis_adapters.console.words import meaning
from kis_adapters.recording.difference import Difference, shortened
from kis_adapters.recording.record import BadRecord, Record
from kis_adapters.recording.replay import Replayed, Tally, replay
from kis_adapters.recording.verdict import Verdict

_SUFFIX = ".jsonl.gz"
_CALLS: Mapping[str, str] = {
    "clock.now": "시각",
    "market_data.quotes": "시세",
    "market_data.daily_bars": "일봉",
    "market_data.instrument": "종목 정보",
    "broker.place": "주문 요청",
    "broker.cancel": "취소 요청",
    "broker.orders_of": "주문 목록",
    "broker.account": "계좌",
    "notifier.tell": "알림",
    "candidates.advance": "후보 종목",
    "store.begin": "기록 시작",
    "store.end": "기록 끝",
    "store.add_decision": "판단 저장",
    "store.append_order_events": "주문 저장",
    "store.put_position": "포지션 저장",
    "store.put_trade": "거래 저장",
}


def print_replay(asked: Path) -> int:
    """Replay the records that `asked` names: a file, all of a folder, or all whose names begin
    so (a day that was begun more than once). 0 only when each is unchanged and agreed."""
    try:
        ended = [_print_one(path) for path in _records(asked)]
    except BadRecord as error:
        return say(str(error), ExitCode.REFUSED)
    if len(ended) > 1:
        print(f"합계 ({len(ended)}개 기록): {_counted(Tally.sum(e.tally for e in ended))}")
    return ExitCode.OK if all(each.is_identical for each in ended) else ExitCode.FAILURE


def _records(asked: Path) -> list[Path]:
    """In order of their beginning, which their names tell. Raises BadRecord where there is none."""
    if asked.is_file():
        return [asked]
    pattern = f"*{_SUFFIX}" if asked.is_dir() else f"{asked.name}*{_SUFFIX}"
    found = sorted((asked if asked.is_dir() else asked.parent).glob(pattern))
    if not found:
        raise BadRecord(f"{asked}: 그런 세션 기록이 없습니다. 기록은 data/recordings 에 있습니다")
    return found


def _print_one(path: Path) -> Replayed:
    record = Record(path)
    replayed = replay(record, recorded_settings(record.header))
    _print_head(record)
    print(f"재현: {_counted(replayed.tally)}")
    if not replayed.is_whole and replayed.difference is None:
        print("[주의] 끝까지 쓰이지 못한 기록입니다. 남아 있는 데까지 재현했습니다.")
    for line in replayed.changed_lines:
        print(f"[변조] {line}번째 줄이 기록된 뒤에 바뀌었습니다.")
    if replayed.difference is not None:
        _print_difference(replayed.difference, frozenset(replayed.changed_lines))
    elif replayed.is_identical:
        print("결과: 판단, 주문, 손익이 기록과 모두 같습니다.")
    else:
        print("결과: 판단, 주문, 손익은 같지만 바뀐 줄이 있어 증거로 쓸 수 없습니다.")
    return replayed


def _print_head(record: Record) -> None:
    header = record.header
    print(f"기록: {header['app']} · {header['mode']} · {header['started_at']}")
    if header["commit"] != commit_hash():
        print(f"[주의] 다른 버전에서 기록했습니다: {header['commit']} (지금 {commit_hash()})")


def _counted(tally: Tally) -> str:
    return (
        f"호출 {tally.calls:,}건 · 판단 {tally.decisions:,}건 · 주문 {tally.orders:,}건"
        f" · 체결 {tally.trades:,}건 · 실현 손익 {tally.realised_pnl:+,}원"
    )


def _print_difference(difference: Difference, changed: frozenset[int]) -> None:
    at = f" {datetime.fromisoformat(difference.at):%H:%M:%S}" if difference.at else ""
    print(f"결과: {difference.line}번째 줄{at} 에서 처음으로 달라졌습니다.")
    then, now = difference.decided, difference.decided_again
    for symbol in sorted({v.symbol for v in (then, now) if v is not None}):
        print(f"  종목  {symbol}")
    if difference.where:
        print(f"  항목  {_call(difference.call)} · {difference.where}")
        print(f"  기록  {shortened(difference.on_record)}")
        print(f"  재현  {shortened(difference.in_replay)}")
    else:
        print(f"  기록  {_decision(then, now)} → {_call(difference.call)}")
        asked = _call(difference.asked) if difference.asked else "끝"
        print(f"  재현  {_decision(now, then)} → {asked}")
    for each in difference.inputs:
        mark = "[변조] " if each.line in changed else ""
        print(f"  입력  {mark}{each.line}번째 줄 {_call(each.call)}: {each.text}")


def _decision(verdict: Verdict | None, other: Verdict | None) -> str:
    """A decision, with the numbers that the other one did not see alike."""
    if verdict is None:
        return "(새 판단 없음)"
    numbers = {
        name: value
        for name, value in verdict.evidence.items()
        if other is None or other.evidence.get(name) != value
    }
    shown = f" {shortened(numbers)}" if numbers else ""
    return f"{meaning(verdict.action)} · {meaning(verdict.reason)}{shown}"


def _call(name: str) -> str:
    known = _CALLS.get(name)
    return f"{known}({name})" if known else name
