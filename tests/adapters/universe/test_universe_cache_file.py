"""`data/universe_cache.json` on a real disk."""

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from kis_adapters.files.universe_cache import FileUniverseCache
from kis_adapters.memory.market_scan import MemoryUniverseCache
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.ports.universe_cache import CacheNotWritten, UniverseCache
from kis_core.universe.reuse import CacheAbsent, CacheDamaged, CachedUniverse

UNIVERSE = CachedUniverse(
    session_date=date(2026, 11, 24),
    symbols=(Symbol("000660"), Symbol("0126Z0")),
    method="combined",
    selected_at=datetime(2026, 11, 24, 8, 40, tzinfo=KST),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "universe_cache.json"


@pytest.fixture(params=["file", "memory"])
def cache(request: pytest.FixtureRequest, path: Path) -> UniverseCache:
    return FileUniverseCache(path) if request.param == "file" else MemoryUniverseCache()


def test_every_cache_answers_what_was_saved_last(cache: UniverseCache) -> None:
    assert cache.load() == CacheAbsent()

    cache.save(UNIVERSE)
    cache.save(replace(UNIVERSE, method="fixed"))

    assert cache.load() == replace(UNIVERSE, method="fixed")
    assert cache.location


@pytest.mark.req("U-09")
def test_what_is_saved_comes_back_and_stands_in_the_fields_operators_know(path: Path) -> None:
    cache = FileUniverseCache(path)

    cache.save(UNIVERSE)

    assert cache.load() == UNIVERSE
    document = json.loads(path.read_text())
    assert document["date"] == "2026-11-24"
    assert document["stocks"] == ["000660", "0126Z0"]
    assert document["selection_method"] == "combined"
    assert cache.location == str(path)


def test_a_file_that_is_not_there_is_absent(path: Path) -> None:
    assert FileUniverseCache(path).load() == CacheAbsent()


def test_a_file_of_the_replaced_system_is_read(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(
        '{"date": "2026-11-24", "stocks": ["005930"], "selection_method": "fixed", "count": 1}'
    )

    assert FileUniverseCache(path).load() == CachedUniverse(
        session_date=date(2026, 11, 24), symbols=(Symbol("005930"),), method="fixed"
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'{"date": "2026-11-24", "stocks": ["005930"',
        b'{"date": "2026-11-24", "stocks": [], "selection_method": "fixed"}',
        b'{"date": "2026-11-24", "stocks": [660], "selection_method": "fixed"}',
        b'{"date": "2026-11-24", "stocks": ["660"], "selection_method": "fixed"}',
        b'{"date": "2026-11-24", "stocks": "005930", "selection_method": "fixed"}',
        b'{"date": "24.11.2026", "stocks": ["005930"], "selection_method": "fixed"}',
        b'{"stocks": ["005930"], "selection_method": "fixed"}',
        b'{"date": "2026-11-24", "stocks": ["005930"]}',
        b'{"date": "2026-11-24", "stocks": ["005930"], "selection_method": ""}',
        b'{"date": "2026-11-24", "stocks": ["005930"], "selection_method": "fixed",'
        b' "selected_at": "2026-11-24T08:40:00"}',
        b"\xff\xfe\x00\x01",
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_is_set_aside_and_never_half_believed(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    cache = FileUniverseCache(path)

    first = cache.load()

    assert isinstance(first, CacheDamaged)
    assert first.why
    assert path.with_name("universe_cache.json.damaged").read_bytes() == content
    assert cache.load() == CacheAbsent()


def test_a_cache_that_cannot_be_read_is_damaged(path: Path) -> None:
    path.mkdir(parents=True)

    assert isinstance(FileUniverseCache(path).load(), CacheDamaged)


def test_a_cache_that_cannot_be_written_says_so_and_leaves_the_old_one(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("here is a file, not a directory")

    with pytest.raises(CacheNotWritten):
        FileUniverseCache(blocked / "universe_cache.json").save(UNIVERSE)

    assert list(tmp_path.iterdir()) == [blocked]
