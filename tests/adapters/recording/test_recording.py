"""A session on record: replayed to the same decisions, and a changed one found."""

import errno
import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kis_adapters.memory.broker import Fault
from kis_adapters.memory.world import SAMSUNG, World
from kis_adapters.recording.plain import FUNCTIONS, LEFT_OUT, PORTS, STORE
from kis_adapters.recording.record import BadRecord, Record
from kis_adapters.recording.recorder import recorded
from kis_adapters.recording.replay import Replayed, replay
from kis_adapters.recording.retention import drop_oldest
from kis_adapters.recording.tape import Tape
from kis_core.session.engine import Ports
from kis_core.session.settings import SessionSettings

Change = Callable[[dict[str, Any]], None]


def _day(path: Path, trouble: Callable[[World], None] = lambda _: None) -> World:
    """A recorded morning: an entry at 70,100 won, ten minutes of calm, and its stop."""
    tape = Tape(path, {"app": "test"})
    world = World(wrap=lambda ports: recorded(ports, tape))
    world.list_symbol(SAMSUNG, last_close=70_000, step=300)
    trouble(world)
    world.run_until(world.at(9, 0))
    for price, minutes in ((70_100, 1), (70_500, 2), (70_400, 10), (67_000, 5), (66_900, 5)):
        world.market.set_price(SAMSUNG, price)
        world.run_for(minutes=minutes)
    world.run_until(world.at(15, 35))
    tape.close()
    return world


def _replay(path: Path, settings: SessionSettings) -> Replayed:
    return replay(Record(path), settings)


def _rewrite(path: Path, change: Change) -> None:
    """Change lines of a record, as somebody with an editor would."""
    lines = gzip.decompress(path.read_bytes()).splitlines()
    documents = [json.loads(line) for line in lines]
    for document in documents:
        change(document)
    after = [
        line if json.loads(line) == document else json.dumps(document).encode()
        for line, document in zip(lines, documents, strict=True)
    ]
    path.write_bytes(gzip.compress(b"".join(line + b"\n" for line in after)))


def wait_until(condition: Callable[[], bool]) -> bool:
    """Whether the writer's thread gets there; its flush comes with the first lull."""
    return any(condition() or threading.Event().wait(0.01) for _ in range(3_000))


def _quote_of(document: dict[str, Any], last: int) -> dict[str, Any] | None:
    """The quote of the line, where it is one of 005930 at `last`."""
    if document.get("call") != "market_data.quotes":
        return None
    quote: dict[str, Any] = document["answer"][SAMSUNG]
    return quote if quote.get("last") == last else None


def _changing_once(last: int, *, to: int) -> Change:
    """The first quote at `last` says `to` instead."""
    done: list[int] = []

    def change(document: dict[str, Any]) -> None:
        quote = _quote_of(document, last)
        if quote is not None and not done:
            quote["last"] = to
            done.append(to)

    return change


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recordings" / "day.jsonl.gz"


@pytest.mark.req("C-06", "E-06")
def test_a_recorded_day_replays_to_the_same_decisions_orders_and_result(path: Path) -> None:
    world = _day(path)

    replayed = _replay(path, world.settings)

    # Bought at 70,500 and sold at 67,000: commission 10 + 10, tax 0.20 % of 67,000 = 134.
    assert replayed.is_identical
    assert replayed.is_whole
    assert (replayed.tally.orders, replayed.tally.trades) == (2, 2)
    assert replayed.tally.realised_pnl == 67_000 - 70_500 - 10 - 10 - 134
    assert replayed.tally.decisions >= 2


@pytest.mark.req("C-06", "E-06")
def test_a_changed_price_that_changes_a_decision_is_named_with_its_inputs(path: Path) -> None:
    world = _day(path)
    _rewrite(path, _changing_once(67_000, to=69_000))

    replayed = _replay(path, world.settings)

    difference = replayed.difference
    assert difference is not None
    assert not replayed.is_identical
    (changed,) = replayed.changed_lines
    told = [each.text for each in difference.inputs if each.line == changed]
    assert difference.line > changed
    assert any('"last": 69000' in text for text in told)
    assert difference.at == "2026-11-24T09:14:00+09:00"
    then, now = difference.decided, difference.decided_again
    assert then is not None
    assert now is not None
    assert (then.symbol, then.action, then.reason) == (SAMSUNG, "sell", "stop_loss")
    assert (now.symbol, now.action, now.reason) == (SAMSUNG, "hold", "within_levels")
    assert (then.evidence["last"], now.evidence["last"]) == (67_000, 69_000)


@pytest.mark.req("C-06", "E-06")
def test_a_changed_price_that_makes_the_replay_sell_is_named_with_its_decision(path: Path) -> None:
    world = _day(path)
    _rewrite(path, _changing_once(70_400, to=65_000))

    difference = _replay(path, world.settings).difference

    assert difference is not None
    assert difference.decided is None
    again = difference.decided_again
    assert again is not None
    assert (again.symbol, again.action, again.reason) == (SAMSUNG, "sell", "stop_loss")
    assert (again.evidence["last"], again.evidence["average"]) == (65_000, 70_500)


@pytest.mark.req("C-06")
def test_what_is_asked_on_the_way_out_does_not_hide_the_first_difference(path: Path) -> None:
    world = _day(path)
    _rewrite(path, _changing_once(70_400, to=65_000))
    calls = {call.line: call for call in Record(path).calls()}

    difference = _replay(path, world.settings).difference

    # The engine plans its next cycle in a `finally`, which asks the clock once more.
    assert difference is not None
    assert difference.asked == "notifier.tell"  # of the sale that was not recorded
    assert difference.call == calls[difference.line].name


@pytest.mark.req("C-06")
def test_the_first_difference_names_the_value_that_differs(path: Path) -> None:
    world = _day(path)
    _rewrite(path, _changing_once(70_500, to=70_600))

    difference = _replay(path, world.settings).difference

    # Another price is still a breakout: what differs is what the decision rests on.
    assert difference is not None
    assert (difference.on_record, difference.in_replay) == (70_500, 70_600)
    assert difference.call == difference.asked


@pytest.mark.req("C-06")
def test_a_changed_price_that_changes_nothing_is_found_all_the_same(path: Path) -> None:
    world = _day(path)
    _rewrite(path, _changing_once(70_400, to=70_450))

    replayed = _replay(path, world.settings)

    assert replayed.difference is None
    assert len(replayed.changed_lines) == 1
    assert not replayed.is_identical


def test_another_setting_than_the_sessions_is_a_difference(path: Path) -> None:
    world = _day(path)
    tighter = replace(world.settings.parameters, adx_threshold=99.9)

    replayed = _replay(path, replace(world.settings, parameters=tighter))

    assert replayed.difference is not None
    assert replayed.changed_lines == ()


@pytest.mark.req("E-06")
def test_lost_answers_failed_commits_and_outages_replay_too(path: Path) -> None:
    def trouble(world: World) -> None:
        world.broker.fail_next("place", Fault.LOSE_AFTER)
        world.broker.fail_next("orders_of", Fault.UNAVAILABLE, Fault.REPEATED_ROWS)
        world.broker.fail_next("account", Fault.EMPTY_HOLDINGS)
        world.store.fails_at = {3: "not_committed", 9: "committed_but_unknown"}

    world = _day(path, trouble)

    replayed = _replay(path, world.settings)

    assert replayed.is_identical
    raised = [c.raised["type"] for c in Record(path).calls() if c.raised is not None]
    assert {"OutcomeUnknown", "BrokerUnavailable", "StoreUnavailable"} <= set(raised)
    assert "CommitOutcomeUnknown" in raised


@pytest.mark.req("E-06")
def test_another_process_with_another_hash_seed_replays_it_the_same(path: Path) -> None:
    _day(path)

    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path\n"
            "from kis_adapters.memory.world import World\n"
            "from kis_adapters.recording.record import Record\n"
            "from kis_adapters.recording.replay import replay\n"
            "done = replay(Record(Path(sys.argv[1])), World().settings)\n"
            "print(done.is_identical, done.tally.realised_pnl)",
            str(path),
        ],
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["True", "-3654"]


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_the_record_of_a_killed_session_replays_as_far_as_it_goes(path: Path, part: float) -> None:
    world = _day(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])

    replayed = _replay(path, world.settings)

    assert replayed.is_identical
    assert not replayed.is_whole
    assert replayed.tally.calls > 0


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", gzip.compress(b""), gzip.compress(b"{}\n")],
    ids=["empty", "no gzip", "empty gzip", "no header"],  # gzip's bytes hold the second
)
def test_what_is_no_record_is_refused_by_name(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(BadRecord, match=r"day\.jsonl\.gz"):
        Record(path)


def test_a_record_of_another_format_says_which_version_can_replay_it(path: Path) -> None:
    _day(path)
    _rewrite(path, lambda d: d.update(format=1, version="0.0.9") if "format" in d else None)

    with pytest.raises(BadRecord, match=r"형식이 1입니다.*0\.0\.9"):
        Record(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("call", None), ("args", "005930"), ("kw", []), ("raised", {"type": "NotSent"})],
)
def test_a_line_that_is_no_call_is_refused_by_its_number(
    path: Path, key: str, value: object
) -> None:
    world = _day(path)
    place = next(call.line for call in Record(path).calls() if call.name == "broker.place")
    _rewrite(path, lambda d: d.update({key: value}) if d.get("call") == "broker.place" else None)

    with pytest.raises(BadRecord, match=rf"\b{place}(:|번째)"):
        _replay(path, world.settings)


def test_what_a_file_holds_after_damage_is_refused_not_replayed(path: Path) -> None:
    world = _day(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:2_000] + b"\0" * 50 + whole[2_050:])

    with pytest.raises(BadRecord):
        _replay(path, world.settings)


@pytest.mark.req("E-07")
def test_a_record_that_reaches_its_limit_ends_and_not_the_session(path: Path) -> None:
    tape = Tape(path, {}, most_bytes=1)
    world = World(wrap=lambda ports: recorded(ports, tape))
    world.list_symbol(SAMSUNG, last_close=70_000)
    world.run_until(world.at(8, 45))
    assert wait_until(lambda: tape.failure is not None)

    world.run_until(world.at(15, 35))
    tape.close()

    assert world.engine.books.risk is not None
    replayed = _replay(path, world.settings)
    assert replayed.is_identical
    assert not replayed.is_whole


def test_the_oldest_records_give_way_and_those_of_another_app_stay(tmp_path: Path) -> None:
    for number, (app, size) in enumerate(
        [("kr_trade", 400), ("kr_cbt", 400), ("kr_trade", 300), ("kr_trade", 300)]
    ):
        record = tmp_path / f"{app}_2026112{number}_083000.jsonl.gz"
        record.write_bytes(b"x" * size)
        os.utime(record, (number, number))
    (tmp_path / "kr_trade_notes.txt").write_text("kept")

    dropped = drop_oldest(tmp_path, app="kr_trade", most_bytes=600)

    assert [path.name for path in dropped] == ["kr_trade_20261120_083000.jsonl.gz"]
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.req("E-07")
def test_a_full_disk_ends_the_record_and_not_the_session(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(gzip.GzipFile, "write", full)

    world = _day(path)

    assert world.broker.calls["place"] == 2


def test_a_record_is_for_its_owner_alone_and_never_written_over(path: Path) -> None:
    _day(path)

    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        Tape(path, {})


def test_a_session_stopped_from_outside_replays_to_its_end(path: Path) -> None:
    tape = Tape(path, {})
    world = World(wrap=lambda ports: recorded(ports, tape))
    world.list_symbol(SAMSUNG, last_close=70_000)
    world.run_until(world.at(10, 0) + timedelta(seconds=17))
    world.engine.stop()
    tape.close()

    replayed = _replay(path, world.settings)

    assert replayed.is_identical
    assert replayed.is_whole


def test_every_port_of_the_engine_is_on_record_or_left_out_on_purpose() -> None:
    named = {*PORTS, *FUNCTIONS, *LEFT_OUT, STORE}

    assert named == {field.name for field in fields(Ports)}


def test_a_port_that_is_a_function_is_on_record_too(path: Path) -> None:
    tape = Tape(path, {})
    skewed = World(wrap=lambda p: recorded(replace(p, clock_skew=lambda: 3.5), tape))
    skewed.list_symbol(SAMSUNG, last_close=70_000)
    skewed.run_until(skewed.at(9, 5))
    tape.close()

    replayed = _replay(path, skewed.settings)

    assert replayed.is_identical
    assert any(call.name == "clock_skew" and call.answer == 3.5 for call in Record(path).calls())
