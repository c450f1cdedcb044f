"""The writer of the audit trail over a real database: everything once, whatever comes between."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from kis_adapters.audit.fact import FactKind
from kis_adapters.audit.folder import TrailFolder, lines_of
from kis_adapters.audit.line import opened
from kis_adapters.audit.reader import Trail
from kis_adapters.audit.writer import AuditWriter
from kis_adapters.sql.committed import CommittedRows
from kis_adapters.sql.database import open_database
from kis_adapters.sql.initialize import initialize_schema
from kis_adapters.sql.store import SqlStore
from kis_core.orders.event import OrderEventKind as Kind
from kis_core.orders.identity import Namespace, TradingMode
from kis_core.ports.notifier import Event, EventKind
from tests.contract.conftest import AT, SAMSUNG, Facts

PAPER = Namespace(mode=TradingMode.PAPER, account="50000000-01")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'kis.db'}")
    initialize_schema(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def folder(tmp_path: Path) -> TrailFolder:
    return TrailFolder(tmp_path / "audit")


class Writing:
    """A process's life with a trail: told events, and the troubles that it told of."""

    def __init__(
        self,
        folder: TrailFolder,
        database: Engine,
        secrets: tuple[str, ...] = (),
        namespace: Namespace = PAPER,
    ) -> None:
        self.troubles: list[Event] = []
        self._writer = AuditWriter(
            folder,
            mode=TradingMode.PAPER,
            redact=lambda text: text.replace(secrets[0], "***") if secrets else text,
            tell_trouble=self.troubles.append,
        )
        self._writer.follow(CommittedRows(database, namespace), account=as_told(namespace))
        self._minutes = 0

    def tell(self, kind: EventKind = EventKind.CYCLE_SUMMARY, **fields: Any) -> None:
        self._minutes += 1
        at = AT + timedelta(minutes=self._minutes)
        self._writer.tell(Event(kind=kind, at=at, fields=fields))

    def end(self) -> None:
        self._writer.close()  # as a killed process ends: without a last word


def trail(folder: TrailFolder, namespace: Namespace = PAPER) -> Trail:
    """What a reader finds of an account."""
    return Trail(folder, mode=namespace.mode, account=as_told(namespace))


def as_told(namespace: Namespace) -> str:
    """How these tests name an account in the trail."""
    return f"{namespace.account[:2]}****"


def write(database: Engine, method: str, *arguments: Any) -> None:
    with SqlStore(database, PAPER).unit_of_work() as unit:
        getattr(unit, method)(*arguments)


def kinds(folder: TrailFolder) -> list[str]:
    lines = [opened(raw) for path in folder.files() for raw in lines_of(path)]
    return [line.record["kind"] for line in lines]


def an_order(database: Engine, maker: Any, symbol: str = SAMSUNG) -> str:
    order, events = maker.order(Kind.SENDING, Kind.ACCEPTED, intent=maker.intent(symbol))
    write(database, "append_order_events", order, events)
    return str(order.order_id)


@pytest.mark.req("L-03")
def test_what_was_committed_is_written_once_however_often_it_is_told(
    folder: TrailFolder, database: Engine, maker: Any
) -> None:
    writing = Writing(folder, database)
    order_id = an_order(database, maker)
    write(database, "add_decision", Facts.decision)

    for _ in range(3):
        writing.tell()

    assert sorted(kinds(folder)) == ["decision"] + ["order_event"] * 3
    told = trail(folder).of_order(order_id)
    assert [entry.fact.kind for entry in told] == [FactKind.ORDER_EVENT] * 3
    assert trail(folder).check().problem is None


@pytest.mark.req("L-03")
def test_a_killed_writer_goes_on_where_it_was_and_repeats_nothing(
    folder: TrailFolder, database: Engine, maker: Any
) -> None:
    first = Writing(folder, database)
    an_order(database, maker)
    write(database, "put_position", Facts.position)
    first.tell()
    before = kinds(folder)
    first.end()
    an_order(database, maker, "000660")  # committed while nobody wrote the trail

    second = Writing(folder, database)
    second.tell()
    second.tell()

    assert kinds(folder) == [*before, *["order_event"] * 3]
    assert trail(folder).check().problem is None


def test_after_a_checkpoint_a_restart_repeats_nothing_either(
    folder: TrailFolder, database: Engine, maker: Any
) -> None:
    first = Writing(folder, database)
    an_order(database, maker)
    write(database, "put_position", Facts.position)
    first.tell(EventKind.SESSION_STOPPED)
    first.end()
    before = kinds(folder)
    assert before[-1] == "checkpoint"

    second = Writing(folder, database)
    second.tell()

    assert kinds(folder) == before


def test_a_trail_that_cannot_be_written_is_told_once_and_made_good(
    folder: TrailFolder, database: Engine, maker: Any
) -> None:
    folder.directory.write_text("in the way", encoding="utf-8")
    writing = Writing(folder, database)
    order_id = an_order(database, maker)
    for _ in range(3):
        writing.tell(EventKind.POSITION_REPAIRED, why="a repair while the disk was away")
    assert [event.fields["what"] for event in writing.troubles] == ["audit"]

    folder.directory.unlink()
    writing.tell()

    assert len(trail(folder).of_order(order_id)) == 3
    assert kinds(folder).count("told") == 3
    assert len(writing.troubles) == 1


def test_another_database_under_the_same_trail_is_noted_and_copied_whole(
    folder: TrailFolder, database: Engine, maker: Any, tmp_path: Path
) -> None:
    first = Writing(folder, database)
    an_order(database, maker)
    first.tell(EventKind.SESSION_STOPPED)
    first.end()
    other = open_database(f"sqlite:///{tmp_path / 'other.db'}")
    initialize_schema(other)

    second = Writing(folder, other)
    order_id = an_order(other, maker, "000660")
    second.tell()

    assert len(trail(folder).of_order(order_id)) == 3
    assert trail(folder).check().problem is None
    other.dispose()


def test_two_accounts_of_one_database_take_turns_and_repeat_nothing(
    folder: TrailFolder, database: Engine, maker: Any
) -> None:
    practised = Namespace(mode=TradingMode.PAPER, account="99000001-01")
    an_order(database, maker)
    order, events = maker.order(Kind.SENDING, intent=maker.intent("000660"))
    with SqlStore(database, practised).unit_of_work() as unit:
        unit.append_order_events(order, events)

    for namespace in (PAPER, practised, PAPER, practised):
        writing = Writing(folder, database, namespace=namespace)
        writing.tell(EventKind.SESSION_STOPPED)
        writing.end()

    assert kinds(folder).count("order_event") == 3 + 2
    assert trail(folder).check().problem is None


@pytest.mark.req("M-19", "L-04")
def test_an_order_of_the_same_id_on_another_account_is_not_told_of(
    folder: TrailFolder, database: Engine, maker: Any
) -> None:
    practised = Namespace(mode=TradingMode.PAPER, account="99000001-01")
    kept = {}
    for namespace, last in ((practised, Kind.REJECTED), (PAPER, Kind.ACCEPTED)):
        order, events = maker.order(Kind.SENDING, last, intent=maker.intent())
        with SqlStore(database, namespace).unit_of_work() as unit:
            unit.append_order_events(order, events)
        writing = Writing(folder, database, namespace=namespace)
        writing.tell()
        writing.end()
        kept[namespace.account] = order.order_id

    assert len(set(kept.values())) == 1
    for namespace, kind in ((practised, "rejected"), (PAPER, "accepted")):
        entries: list[Any] = trail(folder, namespace).of_order(kept[namespace.account])
        assert [entry.fact.data["kind"] for entry in entries] == ["created", "sending", kind]
        events = trail(folder, namespace).rebuilt().events[kept[namespace.account]]
        assert len(events) == 3


def test_a_secret_in_a_brokers_words_does_not_reach_the_trail(
    folder: TrailFolder, database: Engine
) -> None:
    writing = Writing(folder, database, secrets=("NOT-A-REAL-SECRET",))

    writing.tell(EventKind.ERROR, why='the broker said "NOT-A-REAL-SECRET"')

    text = "".join(path.read_text(encoding="utf-8") for path in folder.files())
    assert "the broker said" in text
    assert "NOT-A-REAL-SECRET" not in text


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: [lines[0].replace(b"sending", b"SENDING"), *lines[1:]],
        lambda lines: [lines[0], *lines[2:]],
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [lines[0], lines[0], *lines[1:]],
    ],
    ids=["changed", "taken out", "moved", "doubled"],
)
@pytest.mark.req("L-03")
def test_a_trail_that_was_touched_shows_it(
    damage: Any, folder: TrailFolder, database: Engine, maker: Any
) -> None:
    writing = Writing(folder, database)
    an_order(database, maker)
    an_order(database, maker, "000660")
    writing.tell()
    writing.end()
    path = folder.files()[0]
    lines = [raw for raw in lines_of(path) if b'"sending"' in raw or b'"accepted"' in raw]
    whole = list(lines_of(path))
    assert len(lines) == 4
    start = whole.index(lines[0])

    path.write_bytes(b"".join([*whole[:start], *damage(whole[start:])]))

    problem = trail(folder).check().problem
    assert problem is not None
    assert path.name in problem


def test_an_empty_folder_and_one_that_is_not_there_have_nothing_to_say(folder: TrailFolder) -> None:
    assert trail(folder).check().lines == 0
    assert trail(folder).of_order("0" * 16) == []
    folder.directory.mkdir()
    assert trail(folder).of_decision(SAMSUNG, None) == []
    shutil.rmtree(folder.directory)
