"""The small durable files: whole or not at all, damage set aside, failures told."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from kis_adapters.files.atomic import replace_file
from kis_adapters.files.context_cache import JsonContextCache
from kis_adapters.files.kill_switch import TextKillSwitchFile
from kis_adapters.files.positions_mirror import (
    JsonPositionsMirror,
    MirrorAbsent,
    MirrorContent,
    MirrorDamaged,
)
from kis_core.market.session import KST
from kis_core.market.symbol import Instrument, Market, Product, Symbol
from kis_core.market.won import Won
from kis_core.ports.files import PreparedDay
from kis_core.positions.position import Levels, Position, PositionSource
from kis_core.strategy.context import DayContext

NOW = datetime(2026, 11, 24, 10, 30, 0, 123456, tzinfo=KST)
DAY = date(2026, 11, 24)
ROOT = Path(__file__).parents[3]

POSITION = Position(
    symbol=Symbol("000660"),
    quantity=7,
    cost=1_234_567,
    levels=Levels(atr=1234.5678901234567, stop=Won(150_000), take=Won(210_000)),
    entry_session=DAY,
    entered_at=NOW,
    highest=Won(181_000),
    is_trailing=True,
    gap_checked_on=date(2026, 11, 23),
    source=PositionSource.ADOPTED,
    entry_order_id="0123456789abcdef",
    entry_fees=185,
    realised_pnl=-42,
)
CONTEXT = DayContext(
    symbol=Symbol("0126Z0"),
    session_date=DAY,
    last_bar_date=date(2026, 11, 23),
    bars=84,
    sma_sum=3_500_000,
    sma_period=50,
    atr=1500.0,
    atr_average=1450.3333333333333,
    adx=27.123456789,
    previous_high=Won(71_000),
    previous_low=Won(69_000),
    previous_close=Won(70_500),
    adx_fell_on=None,
    closed_below_on=date(2026, 11, 20),
)
PREPARED = PreparedDay(
    contexts={CONTEXT.symbol: CONTEXT},
    instruments={
        CONTEXT.symbol: Instrument(
            symbol=CONTEXT.symbol,
            name="이름",
            market=Market.KOSDAQ,
            product=Product.ETF,
            leverage=2,
        )
    },
)
NOTHING = PreparedDay(contexts={}, instruments={})


@pytest.fixture
def mirror(tmp_path: Path) -> JsonPositionsMirror:
    return JsonPositionsMirror(tmp_path / "data" / "positions.json")


@pytest.mark.req("P-05")
def test_positions_come_back_exactly(mirror: JsonPositionsMirror) -> None:
    other = replace(POSITION, symbol=Symbol("005930"), is_trailing=False, entry_order_id=None)

    mirror.write([POSITION, other], at=NOW)

    assert mirror.read(now=NOW) == MirrorContent(at=NOW, positions=(POSITION, other))


@pytest.mark.req("P-05")
@given(atr=st.floats(min_value=1e-9, max_value=1e9), cost=st.integers(1, 10**15))
def test_no_number_changes_on_its_way_through_the_mirror(
    tmp_path_factory: pytest.TempPathFactory, atr: float, cost: int
) -> None:
    levels = Levels(atr=atr, stop=Won(1), take=Won(2))
    position = replace(POSITION, levels=levels, cost=cost)
    mirror = JsonPositionsMirror(tmp_path_factory.getbasetemp() / "positions.json")

    mirror.write([position], at=NOW)

    assert mirror.read(now=NOW) == MirrorContent(at=NOW, positions=(position,))


def test_no_positions_are_an_empty_file_not_a_missing_one(mirror: JsonPositionsMirror) -> None:
    absent = mirror.read(now=NOW)

    mirror.write([], at=NOW)

    assert absent == MirrorAbsent()
    assert mirror.read(now=NOW) == MirrorContent(at=NOW, positions=())


@pytest.mark.req("P-05")
def test_the_previous_version_is_kept(mirror: JsonPositionsMirror, tmp_path: Path) -> None:
    mirror.write([POSITION], at=NOW)
    before = (tmp_path / "data" / "positions.json").read_bytes()

    mirror.write([], at=NOW)

    assert (tmp_path / "data" / "positions.json.bak").read_bytes() == before
    assert sorted(p.name for p in (tmp_path / "data").iterdir()) == [
        "positions.json",
        "positions.json.bak",
    ]


def damaged_texts() -> list[bytes]:
    whole = b'{"format":1,"at":"2026-11-24T10:30:00+09:00","positions":[%s]}'
    return [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe\x00",
        b'{"format":2,"at":"2026-11-24T10:30:00+09:00","positions":[]}',
        b'{"format":1,"at":"2026-11-24T10:30:00+09:00"}',
        whole % b'{"symbol":"000660"}',
        whole % b"[",
    ]


@pytest.mark.req("P-05", "F-046")
@pytest.mark.parametrize("content", damaged_texts())
def test_a_damaged_mirror_is_set_aside_and_reported(
    mirror: JsonPositionsMirror, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "data" / "positions.json"
    path.parent.mkdir()
    path.write_bytes(content)

    with structlog.testing.capture_logs() as logs:
        answer = mirror.read(now=NOW)

    aside = path.with_name("positions.json.corrupt-20261124-103000")
    assert isinstance(answer, MirrorDamaged)
    assert answer.kept_as == aside
    assert aside.read_bytes() == content
    assert not path.exists()
    assert [entry["event"] for entry in logs] == ["positions_mirror.damaged"]
    assert mirror.read(now=NOW) == MirrorAbsent()


@pytest.mark.req("P-05")
def test_a_number_written_as_text_is_damage(mirror: JsonPositionsMirror, tmp_path: Path) -> None:
    mirror.write([POSITION], at=NOW)
    path = tmp_path / "data" / "positions.json"
    path.write_text(path.read_text().replace('"quantity": 7', '"quantity": "7"'))

    assert '"7"' in path.read_text()
    assert isinstance(mirror.read(now=NOW), MirrorDamaged)


@pytest.mark.req("P-05", "F-046")
@pytest.mark.parametrize("cut", range(0, 400, 37))
def test_a_mirror_cut_anywhere_is_damaged_never_shorter(
    mirror: JsonPositionsMirror, tmp_path: Path, cut: int
) -> None:
    mirror.write([POSITION], at=NOW)
    path = tmp_path / "data" / "positions.json"
    path.write_bytes(path.read_bytes()[:cut])

    assert isinstance(mirror.read(now=NOW), MirrorDamaged)


@pytest.mark.req("P-05", "F-046")
@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_write_that_fails_anywhere_leaves_the_old_file_and_nothing_else(
    mirror: JsonPositionsMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    mirror.write([POSITION], at=NOW)

    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    target = {"write": (os, "fdopen"), "fsync": (os, "fsync")}
    owner, name = target.get(step, (Path, step))
    with monkeypatch.context() as patched, structlog.testing.capture_logs() as logs:
        patched.setattr(owner, name, full)
        mirror.write([], at=NOW)

    assert mirror.failures == 1
    assert [entry["event"] for entry in logs] == ["positions_mirror.write_failed"]
    assert mirror.read(now=NOW) == MirrorContent(at=NOW, positions=(POSITION,))
    names = {p.name for p in (tmp_path / "data").iterdir()}
    assert names <= {"positions.json", "positions.json.bak"}


@pytest.mark.req("P-05")
def test_without_links_the_previous_version_is_copied(
    mirror: JsonPositionsMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_args: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    mirror.write([POSITION], at=NOW)
    before = (tmp_path / "data" / "positions.json").read_bytes()

    mirror.write([], at=NOW)

    assert (tmp_path / "data" / "positions.json.bak").read_bytes() == before


@pytest.mark.req("P-05", "F-046")
def test_a_full_disk_is_told_and_leaves_the_old_content(tmp_path: Path) -> None:
    """The kernel refuses the write: a file-size limit of 100 bytes in a process of its own."""
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from kis_adapters.files.atomic import replace_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "path = Path(sys.argv[1])\n"
        "replace_file(path, b'old')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try:\n"
        "    replace_file(path, b'x' * 101)\n"
        "except OSError:\n"
        "    print(path.read_text(), len(list(path.parent.iterdir())))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "mirror.json")],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'packages'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["old", "1"]


@pytest.mark.req("P-05", "F-046")
def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """A process that rewrites the file all the time is killed; whatever is there is whole."""
    program = (
        "import itertools, sys\n"
        "from pathlib import Path\n"
        "from kis_adapters.files.atomic import replace_file\n"
        "path = Path(sys.argv[1])\n"
        "for n in itertools.count():\n"
        "    replace_file(path, (str(n % 10) * 200_000).encode(), keep_previous=True)\n"
        "    n == 3 and print('go', flush=True)\n"
    )
    path = tmp_path / "mirror.json"
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", program, str(path)],
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'packages'}:{ROOT}"},
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            seen = [path.read_bytes() for _ in range(20)]
            process.kill()
        seen += [path.read_bytes(), path.with_name("mirror.json.bak").read_bytes()]

        assert all(len(content) == 200_000 for content in seen)
        assert all(len(set(content)) == 1 for content in seen)


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "file"

    replace_file(path, b"x")

    assert path.stat().st_mode & 0o777 == 0o600


def test_a_prepared_day_comes_back_exactly(tmp_path: Path) -> None:
    cache = JsonContextCache(tmp_path / "data" / "contexts.json")

    cache.save(PREPARED, session_date=DAY, fingerprint="f1")

    assert cache.load(DAY, fingerprint="f1") == PREPARED


@pytest.mark.parametrize(
    ("day", "fingerprint"), [(date(2026, 11, 25), "f1"), (DAY, "f2"), (date(2026, 11, 23), "f1")]
)
def test_another_days_or_other_parameters_preparation_is_not_used(
    tmp_path: Path, day: date, fingerprint: str
) -> None:
    cache = JsonContextCache(tmp_path / "contexts.json")
    cache.save(PREPARED, session_date=DAY, fingerprint="f1")

    assert cache.load(day, fingerprint=fingerprint) == NOTHING


@pytest.mark.req("F-046")
def test_a_damaged_cache_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "contexts.json"
    cache = JsonContextCache(path)
    cache.save(PREPARED, session_date=DAY, fingerprint="f1")
    whole = path.read_bytes()
    document = json.loads(whole)
    document["prepared"]["contexts"]["0126Z0"]["atr"] = "1500"

    damaged = [b"", b"[]", whole[:-1], whole[: len(whole) // 2], json.dumps(document).encode()]
    answers = []
    for content in damaged:
        path.write_bytes(content)
        answers.append(cache.load(DAY, fingerprint="f1"))

    assert answers == [NOTHING] * len(damaged)


def test_a_cache_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a directory should be")
    cache = JsonContextCache(tmp_path / "data" / "contexts.json")

    with structlog.testing.capture_logs() as logs:
        cache.save(PREPARED, session_date=DAY, fingerprint="f1")

    assert [entry["event"] for entry in logs] == ["context_cache.write_failed"]


@pytest.mark.req("R-02")
def test_the_kill_switch_is_on_while_its_file_exists(tmp_path: Path) -> None:
    path = tmp_path / "KILL_SWITCH"
    switch = TextKillSwitchFile(path)

    before = switch.reason()
    path.write_text("장중 점검\n", encoding="utf-8")
    during = switch.reason()
    path.unlink()
    after = switch.reason()

    assert (before, during, after) == (None, "장중 점검", None)


@pytest.mark.req("R-02")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "KILL_SWITCH 파일"),
        (b" \n ", "KILL_SWITCH 파일"),
        (b"\xff\xfe", "��"),
        (b"a\nb\tc", "a b c"),
        (b"x" * 5_000, "x" * 200),
    ],
)
def test_any_content_of_the_kill_switch_is_a_reason(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "KILL_SWITCH"
    path.write_bytes(content)

    assert TextKillSwitchFile(path).reason() == reason


@pytest.mark.req("R-02")
def test_a_kill_switch_that_cannot_be_read_is_on(tmp_path: Path) -> None:
    (tmp_path / "KILL_SWITCH").mkdir()

    reason = TextKillSwitchFile(tmp_path / "KILL_SWITCH").reason()

    assert reason is not None
    assert "읽을 수 없음" in reason
