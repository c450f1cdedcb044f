"""KOSPI200 from the broker's master file, and from dated lists."""

import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kis_adapters.memory.clock import ManualClock
from kis_adapters.system.index_members import (
    MEMBERS_FILE,
    DatedIndexMembers,
    IndexFileDamaged,
    read_index_list,
    read_index_names,
)
from kis_adapters.system.master_file import (
    MasterFileDamaged,
    download_master,
    kospi200_of,
    unzipped,
)
from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.ports.market_scan import MarketScanUnavailable
from kis_sandbox.listing import known_issues

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 24, 8, 40, tzinfo=KST)


def line(code: str, name: str, *, group: str = "ST", sector: str = "5", size: int = 100) -> str:
    """One issue, laid out by hand after kis-wire 7.7: head 21, name, tail 227."""
    tail = list("0" * 227)
    tail[0:2] = group
    tail[18] = sector
    tail[212:221] = f"{size:>9}"
    return f"{code:<9}KR7{code:0>8}0"[:21].ljust(21, "0") + name + "".join(tail)


def master(members: int = 200) -> str:
    issues = [
        line(f"{number * 10:06d}", f"모의전자{number}", size=number)
        for number in range(1, members + 1)
    ]
    issues += [
        line("069500", "KODEX 200", group="EF", sector="5"),
        line("900010", "모의비구성", sector="0"),
    ]
    return "\n".join(issues) + "\n"


def test_members_are_shares_with_a_sector_within_the_index_largest_first() -> None:
    codes = kospi200_of(master().encode("cp949"))

    assert len(codes) == 200
    assert (codes[0], codes[-1]) == ("002000", "000010")
    assert "069500" not in codes
    assert "900010" not in codes


def test_letters_in_codes_and_sectors_survive() -> None:
    content = master(199) + line("0126Z0", "삼성에피스홀딩스", sector="A", size=9_999) + "\r\n"

    assert kospi200_of(content.encode("cp949"))[0] == "0126Z0"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "0개"),
        (master(150).encode("cp949"), "150개"),
        (master().encode("cp949")[:-40], "202번째 줄"),
        (master().encode("cp949")[:5_000], "번째 줄|인코딩"),
        (master().encode("utf-8"), "cp949"),
        (master().encode("utf-16"), "cp949"),
        (b"<html>\n<body>404</body>\n</html>\n", "1번째 줄"),
        (b"\x00" * 300, "cp949"),
    ],
)
def test_a_damaged_master_file_is_refused_saying_where(content: bytes, told: str) -> None:
    with pytest.raises(MasterFileDamaged, match=told):
        kospi200_of(content)


def zipped(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def test_the_archive_holds_the_master_file_or_is_refused() -> None:
    whole = zipped("kospi_code.mst", b"content")

    assert unzipped(whole) == b"content"
    for damaged in (b"", b"PK no", whole[:40], zipped("other.mst", b"content")):
        with pytest.raises(MasterFileDamaged):
            unzipped(damaged)


class _Served(BaseHTTPRequestHandler):
    """Answers `content` with `status`, both set by the test."""

    content, status = b"", 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base names it so
        """Quiet."""


@pytest.fixture
def served() -> Iterator[tuple[type[_Served], str]]:
    handler = type("Handler", (_Served,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield handler, f"http://127.0.0.1:{server.server_port}/kospi_code.mst.zip"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_master_file_is_downloaded_and_unpacked(served: tuple[type[_Served], str]) -> None:
    handler, url = served
    content = master().encode("cp949")
    handler.content = zipped("kospi_code.mst", content)

    assert download_master(url=url) == content


@pytest.mark.parametrize(("status", "content"), [(404, b"no"), (503, b""), (200, b"<html>")])
def test_a_download_that_brings_no_master_file_is_refused(
    served: tuple[type[_Served], str], status: int, content: bytes
) -> None:
    handler, url = served
    handler.status, handler.content = status, content

    with pytest.raises(MasterFileDamaged):
        download_master(url=url)


def test_a_server_that_is_not_there_is_a_refused_download() -> None:
    with pytest.raises(MasterFileDamaged, match="내려받지 못했습니다"):
        download_master(url="http://127.0.0.1:9/kospi_code.mst.zip", timeout_s=1.0)


class Lists:
    """A bundled list, a place for a refreshed one, and a download that a test decides."""

    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock(NOW)
        self.bundled = directory / "bundled.csv"
        self.refreshed = directory / "data" / "kospi200.csv"
        self.bundled.write_text("# as_of: 2026-06-30\n# source: 내장\nsymbol,name\n005930,삼성\n")
        self.downloads = 0

    def members(self, download: Callable[[], bytes] | None = None) -> DatedIndexMembers:
        return DatedIndexMembers(
            clock=self.clock, bundled=self.bundled, refreshed=self.refreshed, download=download
        )

    def works(self) -> bytes:
        self.downloads += 1
        return master().encode("cp949")

    def fails(self) -> bytes:
        self.downloads += 1
        raise MasterFileDamaged("내려받지 못했습니다")


@pytest.fixture
def lists(tmp_path: Path) -> Lists:
    return Lists(tmp_path)


def test_a_refreshed_list_is_of_today_and_kept_for_the_next_start(lists: Lists) -> None:
    fresh = lists.members(lists.works).kospi200()

    again = lists.members(lists.works).kospi200()

    assert (fresh.as_of, len(fresh.codes), fresh.warning) == (date(2026, 11, 24), 200, None)
    assert again == fresh
    assert lists.downloads == 1


def test_where_nothing_is_reachable_the_bundled_list_is_used_with_its_date_and_the_reason(
    lists: Lists,
) -> None:
    told = lists.members(lists.fails).kospi200()

    assert (told.as_of, told.codes) == (date(2026, 6, 30), ("005930",))
    assert told.source == "내장"
    assert told.warning is not None
    assert "내려받지 못했습니다" in told.warning


def test_a_list_refreshed_earlier_is_better_than_the_bundled_one(lists: Lists) -> None:
    lists.members(lists.works).kospi200()
    lists.clock.set(datetime(2026, 11, 25, 8, 40, tzinfo=KST))

    told = lists.members(lists.fails).kospi200()

    assert (told.as_of, len(told.codes)) == (date(2026, 11, 24), 200)
    assert told.warning is not None


def test_a_refreshed_list_older_than_the_bundled_one_is_not_used(lists: Lists) -> None:
    lists.refreshed.parent.mkdir()
    lists.refreshed.write_text("# as_of: 2025-01-02\nsymbol\n000660\n")

    assert lists.members().kospi200().codes == ("005930",)


def test_the_download_is_tried_once_a_day(lists: Lists) -> None:
    members = lists.members(lists.fails)

    members.kospi200()
    members.kospi200()
    lists.clock.set(datetime(2026, 11, 25, 8, 40, tzinfo=KST))
    members.kospi200()

    assert lists.downloads == 2


def test_a_refreshed_list_that_cannot_be_kept_is_used_all_the_same(lists: Lists) -> None:
    lists.refreshed.parent.write_text("a file where the directory should be")

    assert len(lists.members(lists.works).kospi200().codes) == 200


def test_without_any_list_the_answer_is_an_error_not_an_empty_market(lists: Lists) -> None:
    lists.bundled.unlink()

    with pytest.raises(MarketScanUnavailable, match="bundled"):
        lists.members().kospi200()


@pytest.mark.parametrize(
    "text",
    [
        "symbol,name\n005930,삼성전자\n",
        "# as_of: soon\nsymbol\n005930\n",
        "# as_of: 2026-06-30\nsymbol\n",
        "# as_of: 2026-06-30\nsymbol\n005930\n005930\n",
        "# as_of: 2026-06-30\nsymbol\n5930\n",
        "# as_of: 2026-06-30\ncode\n005930\n",
    ],
)
def test_a_list_without_date_members_or_codes_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text)

    with pytest.raises(IndexFileDamaged, match=r"list\.csv"):
        read_index_list(path)


@pytest.mark.req("U-04")
def test_the_shipped_list_is_dated_and_has_the_simulators_members() -> None:
    shipped = read_index_list(ROOT / "config" / "kospi200.csv")

    assert len(shipped.codes) == 200
    assert shipped.as_of == date(2026, 6, 30)
    assert "거래소 확인 아님" in shipped.source
    listed = {issue.symbol for issue in known_issues() if issue.is_index_member}
    assert listed <= set(shipped.codes)


@pytest.mark.req("N-03")
def test_the_shipped_list_names_its_members(tmp_path: Path) -> None:
    names = read_index_names(ROOT / "config" / MEMBERS_FILE)
    listed = read_index_list(ROOT / "config" / MEMBERS_FILE)
    (tmp_path / "bare.csv").write_text("# as_of: 2026-11-24\nsymbol\n005930\n", encoding="utf-8")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")

    assert names[Symbol("005930")] == "삼성전자"
    assert set(names) == set(listed.codes)
    for unusable in ("bare.csv", "bytes.csv", "missing.csv"):
        assert read_index_names(tmp_path / unusable) == {}
