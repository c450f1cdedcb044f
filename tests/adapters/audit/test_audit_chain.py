"""The chain of the audit trail on a real disk: whole, in order, and its damage told."""

import json
import os
import subprocess
import sys
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from kis_adapters.audit.chain import Chain, TrailInUse
from kis_adapters.audit.folder import TrailFolder, lines_of
from kis_adapters.audit.line import ORIGIN, BrokenLine, opened

_MONDAY, _TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


@pytest.fixture
def folder(tmp_path: Path) -> TrailFolder:
    return TrailFolder(tmp_path / "audit")


def written(folder: TrailFolder, *names: str, day: date = _MONDAY) -> None:
    chain = Chain(folder)
    try:
        chain.append([{"what": name} for name in names], day=day, is_durable=True)
    finally:
        chain.close()


def read(folder: TrailFolder) -> list[str]:
    """What the lines tell, after each was found to follow the one before."""
    link, found = ORIGIN, []
    for path in folder.files():
        for raw in lines_of(path):
            line = opened(raw)
            assert line.follows(link)
            link = line.link
            found.append(line.record["what"])
    return found


def test_a_line_is_a_json_document_with_the_hash_of_the_one_before_and_its_own(
    folder: TrailFolder,
) -> None:
    written(folder, "a", "b")

    first, second = lines_of(folder.path_of(_MONDAY))

    assert folder.path_of(_MONDAY).name == "audit_20261123.json"
    body, _, _ = first.rpartition(b',"hash":')
    assert json.loads(first)["hash"] == sha256(body + b"}").hexdigest()
    assert json.loads(second)["prev"] == json.loads(first)["hash"]


def test_the_chain_goes_on_over_days_and_over_restarts(folder: TrailFolder) -> None:
    written(folder, "a", "b")
    written(folder, "c", day=_TUESDAY)
    written(folder, "d", day=_TUESDAY)

    assert read(folder) == ["a", "b", "c", "d"]
    assert [path.name for path in folder.files()] == ["audit_20261123.json", "audit_20261124.json"]


def test_a_clock_that_went_back_a_day_does_not_turn_the_order_of_lines_around(
    folder: TrailFolder,
) -> None:
    written(folder, "a", day=_TUESDAY)
    written(folder, "b", day=_MONDAY)

    assert read(folder) == ["a", "b"]
    assert not folder.path_of(_MONDAY).exists()


@pytest.mark.parametrize("kept", [1, 20, -1], ids=["a byte", "a part", "all but its end"])
def test_a_half_written_last_line_is_set_aside_and_the_chain_goes_on(
    folder: TrailFolder, kept: int
) -> None:
    written(folder, "a", "b")
    path = folder.path_of(_MONDAY)
    first, second = lines_of(path)
    path.write_bytes(first + second[:kept])

    chain = Chain(folder)
    (aside,) = chain.set_aside
    chain.append([{"what": "c"}], day=_MONDAY, is_durable=True)
    chain.close()

    assert read(folder) == ["a", "c"]
    assert aside.path.read_bytes() == second[:kept]
    assert "끝까지 쓰이지 않았습니다" in aside.why


def test_a_changed_line_shows_by_itself_and_a_missing_one_by_the_next(folder: TrailFolder) -> None:
    written(folder, "a", "b", "c")
    first, second, third = lines_of(folder.path_of(_MONDAY))

    with pytest.raises(BrokenLine, match="해시"):
        opened(second.replace(b'"b"', b'"x"'))
    assert not opened(third).follows(opened(first).link)
    assert opened(third).follows(opened(second).link)


def test_a_second_writer_is_refused_and_a_killed_one_leaves_the_trail_free(
    folder: TrailFolder,
) -> None:
    program = (
        "import sys, pathlib\n"
        "from kis_adapters.audit.chain import Chain\n"
        "from kis_adapters.audit.folder import TrailFolder\n"
        "chain = Chain(TrailFolder(pathlib.Path(sys.argv[1])))\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(folder.directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(TrailInUse, match="다른 프로그램"):
            Chain(folder)
        other.kill()
        other.wait()

    written(folder, "a")

    assert read(folder) == ["a"]
