"""The log file: one JSON object a line, no secrets, bounded, a file a day."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from kis_adapters.console.log_file import DailyLogHandler, close_log, open_log
from kis_adapters.console.log_notifier import LogNotifier
from kis_adapters.console.redactor import Redactor
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.ports.notifier import Event, EventKind, FieldValue, Level

AT = datetime(2026, 11, 24, 10, 30, 5, 123456, tzinfo=KST)
SECRET = 'visibly"fake/secret-한글'
HOLD = Event(
    kind=EventKind.HOLD_CHANGED,
    at=AT,
    level=Level.DEBUG,
    symbol=Symbol("005930"),
    fields={"reason": "no_breakout", "last": 70_000},
)


class Day:
    """The day that the log's clock shows."""

    def __init__(self) -> None:
        self.day = date(2026, 11, 24)

    def __call__(self) -> date:
        return self.day


@pytest.fixture
def day() -> Day:
    return Day()


@pytest.fixture
def redactor() -> Redactor:
    return Redactor([SECRET])


@pytest.fixture
def handler(tmp_path: Path, day: Day, redactor: Redactor) -> Iterator[DailyLogHandler]:
    root, level = logging.getLogger(), logging.getLogger().level
    handler = open_log(tmp_path, name="kr_trade", level="INFO", redactor=redactor, today=day)
    yield handler
    close_log(handler)
    root.setLevel(level)


@pytest.fixture
def read(tmp_path: Path, handler: DailyLogHandler) -> Callable[[], list[dict[str, Any]]]:
    """The entries of the first day's file."""

    def _read() -> list[dict[str, Any]]:
        text = (tmp_path / "kr_trade_20261124.log").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    return _read


Read = Callable[[], list[dict[str, Any]]]


@pytest.mark.req("L-01", "L-05")
def test_an_event_is_one_json_object_with_its_own_time_and_order_id(read: Read) -> None:
    event = Event(
        kind=EventKind.ORDER_FILLED,
        at=AT,
        symbol=Symbol("005930"),
        order_id="0123456789abcdef",
        fields={"filled": 3, "average": 70_150.5, "side": "buy"},
    )

    LogNotifier().tell(event)

    assert read() == [
        {
            "event": "order.filled",
            "level": "info",
            "timestamp": "2026-11-24T10:30:05.123456+09:00",
            "symbol": "005930",
            "order_id": "0123456789abcdef",
            "filled": 3,
            "average": 70_150.5,
            "side": "buy",
        }
    ]


def test_fields_cannot_take_the_place_of_the_entrys_own(read: Read) -> None:
    fields: dict[str, FieldValue] = {
        "event": "x",
        "level": "y",
        "timestamp": "z",
        "symbol": "000000",
    }

    LogNotifier().tell(replace(HOLD, level=Level.WARNING, fields=fields))

    entry = read()[0]
    assert (entry["event"], entry["symbol"]) == ("signal.hold_changed", "005930")
    assert (entry["field_event"], entry["field_level"]) == ("x", "y")


@pytest.mark.req("L-02")
def test_a_hold_with_its_reason_is_logged_though_the_level_is_info(read: Read) -> None:
    notifier = LogNotifier()

    notifier.tell(HOLD)
    notifier.tell(replace(HOLD, kind=EventKind.ACCOUNT_SNAPSHOT))

    assert [(entry["event"], entry["reason"]) for entry in read()] == [
        ("signal.hold_changed", "no_breakout")
    ]


@pytest.mark.req("F-109", "F-106")
def test_a_day_of_unchanged_holds_is_a_few_lines(read: Read) -> None:
    """390 minutes, the same reason each minute: one line in ten minutes."""
    notifier = LogNotifier()

    for minute in range(390):
        notifier.tell(replace(HOLD, at=AT + timedelta(minutes=minute)))

    entries = read()
    assert len(entries) == 39
    assert entries[1]["repeats"] == 9


@pytest.mark.req("L-01")
def test_other_peoples_log_records_are_json_lines_too(read: Read) -> None:
    logging.getLogger("some.library").warning("said %s", "한글")
    logging.getLogger("httpx").info("HTTP Request: GET http://example.invalid")
    structlog.stdlib.get_logger("kis").info("token.issued", expires_in_s=86_400)
    structlog.stdlib.get_logger("kis").debug("not.shown")

    entries = read()

    assert [entry["event"] for entry in entries] == ["said 한글", "token.issued"]
    assert all(entry["timestamp"].endswith("+09:00") for entry in entries)


@pytest.mark.req("F-095")
def test_a_secret_never_reaches_the_file_not_even_in_a_traceback(
    tmp_path: Path, handler: DailyLogHandler, redactor: Redactor
) -> None:
    log = structlog.stdlib.get_logger("kis")
    redactor.add("a-token-issued-later")

    LogNotifier().tell(replace(HOLD, fields={"why": f"<{SECRET}>", "token": SECRET}))
    log.warning("failed", url=f"https://example.invalid/{SECRET}", body=b"a-token-issued-later")
    logging.getLogger("some.library").error("said %s", SECRET)
    try:
        raise ValueError(SECRET)
    except ValueError:
        log.exception("raised")

    text = (tmp_path / "kr_trade_20261124.log").read_text(encoding="utf-8")
    assert len(text.splitlines()) == 4
    assert "ValueError" in text
    assert "visibly" not in text
    assert "a-token-issued-later" not in text
    assert all(json.loads(line) for line in text.splitlines())


def test_a_redactor_without_secrets_changes_nothing() -> None:
    assert Redactor().redact("text") == "text"
    assert Redactor(["", "abc"]).redact("abc") == "abc"


def test_of_two_secrets_the_longer_is_replaced_whole() -> None:
    assert Redactor(["abcd", "abcdefgh"]).redact("<abcdefgh>") == "<********>"


@pytest.mark.req("F-074")
def test_each_day_has_its_own_file(tmp_path: Path, handler: DailyLogHandler, day: Day) -> None:
    log = structlog.stdlib.get_logger("kis")

    log.info("first")
    day.day = date(2026, 11, 25)
    log.info("second")
    day.day = date(2026, 12, 24)
    log.info("third")

    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert sorted(files) == [f"kr_trade_{day}.log" for day in ("20261124", "20261125", "20261224")]
    assert "second" in files["kr_trade_20261125.log"]
    assert "first" not in files["kr_trade_20261125.log"]


@pytest.mark.req("L-01", "F-106")
def test_the_files_of_all_days_together_stay_within_ten(tmp_path: Path) -> None:
    day = Day()
    handler = DailyLogHandler(tmp_path, name="kr_trade", today=day, file_bytes=1_000)
    record = logging.LogRecord("x", logging.INFO, "", 0, "y" * 99, None, None)

    for _ in range(20):
        day.day += timedelta(days=1)
        for _ in range(40):  # 4,000 bytes a day
            handler.emit(record)
    handler.close()

    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert max(sizes) <= 1_000
    assert 5_000 <= sum(sizes) <= 11_000
    assert handler.failures == 0
    assert (tmp_path / f"kr_trade_{day.day:%Y%m%d}.log").exists()


@pytest.mark.req("E-07")
def test_a_log_that_cannot_be_written_is_counted_and_nothing_else(
    handler: DailyLogHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    class Full:
        def write(self, _text: str) -> None:
            raise OSError(28, "No space left on device")

        def flush(self) -> None:
            pass

        def close(self) -> None:
            pass

    structlog.stdlib.get_logger("kis").info("before")
    earlier = handler.setStream(Full())  # type: ignore[arg-type]  # all that the handler uses
    assert earlier is not None
    earlier.close()
    structlog.stdlib.get_logger("kis").info("lost")

    assert handler.failures >= 1
    assert capsys.readouterr() == ("", "")


def test_a_directory_that_cannot_be_made_is_known_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where a directory should be")

    with pytest.raises(OSError, match="logs"):
        open_log(tmp_path / "logs", name="kr_trade", level="INFO", redactor=Redactor())
