"""Pages: their size, their header, their context, and rows that appear once."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from kis_sandbox.config import Preload

if TYPE_CHECKING:
    from tests.sandbox.conftest import Serve, WireClient

DAY = "20261124"


def all_orders(client: "WireClient") -> tuple[list[int], list[str], list[str]]:
    """Row counts, tr_cont headers and order numbers over all pages."""
    counts, headers, numbers = [], [], []
    context = {"CTX_AREA_FK100": "", "CTX_AREA_NK100": ""}
    tr_cont = ""
    while True:
        answer = client.orders(DAY, tr_cont=tr_cont, **context)
        body = answer.json()
        counts.append(len(body["output1"]))
        headers.append(answer.headers["tr_cont"])
        numbers += [row["odno"] for row in body["output1"]]
        if headers[-1] not in ("F", "M"):
            return counts, headers, numbers
        context = {
            "CTX_AREA_FK100": body["ctx_area_fk100"],
            "CTX_AREA_NK100": body["ctx_area_nk100"],
        }
        tr_cont = "N"


@pytest.mark.req("X-01")
def test_paper_gives_fifteen_order_rows_a_page(serve: "Serve") -> None:
    client = serve(cash=1_000_000_000)
    lower = int(client.quote("005930")["stck_llam"])
    for _ in range(32):
        client.order("buy", "005930", 1, lower)

    counts, headers, numbers = all_orders(client)

    assert counts == [15, 15, 2]
    assert headers == ["F", "M", "E"]
    assert numbers == [f"{n:010d}" for n in range(32, 0, -1)]  # newest first


@pytest.mark.req("X-01")
@pytest.mark.parametrize(("rows", "header"), [(15, "D"), (16, "F")])
def test_a_full_page_says_whether_more_follow(serve: "Serve", rows: int, header: str) -> None:
    client = serve(cash=1_000_000_000)
    lower = int(client.quote("005930")["stck_llam"])
    for _ in range(rows):
        client.order("buy", "005930", 1, lower)

    assert client.orders(DAY).headers["tr_cont"] == header


@pytest.mark.req("X-01")
def test_real_gives_a_hundred_order_rows_a_page(serve: "Serve") -> None:
    client = serve(mode="real", cash=1_000_000_000)
    lower = int(client.quote("005930")["stck_llam"])
    for _ in range(101):
        client.order("buy", "005930", 1, lower)

    counts, headers, _ = all_orders(client)

    assert (counts, headers) == ([100, 1], ["F", "E"])


@pytest.mark.req("X-01")
@pytest.mark.parametrize(("mode", "sizes"), [("paper", [20, 3]), ("real", [23])])
def test_a_balance_comes_in_pages_of_the_personalitys_size(
    serve: "Serve", mode: str, sizes: list[int]
) -> None:
    held = tuple(Preload(symbol=f"{800_010 + 10 * n}", quantity=1, price=100) for n in range(23))
    client = serve(mode=mode, symbols=60, holdings=held)

    first = client.balance()
    pages = [first.json()]
    if first.headers["tr_cont"] == "F":
        context = {key.upper(): pages[0][key] for key in ("ctx_area_fk100", "ctx_area_nk100")}
        pages.append(client.balance(tr_cont="N", **context).json())

    symbols = [row["pdno"] for page in pages for row in page["output1"]]
    assert [len(page["output1"]) for page in pages] == sizes
    assert symbols == [one.symbol for one in held]


@pytest.mark.req("X-01")
def test_context_strings_are_of_fixed_width(paper: "WireClient") -> None:
    body = paper.orders(DAY).json()

    assert len(body["ctx_area_fk100"]) == len(body["ctx_area_nk100"]) == 100


@pytest.mark.req("X-01")
def test_order_rows_are_filtered_as_asked(serve: "Serve") -> None:
    client = serve(holdings=(Preload(symbol="005930", quantity=5, price=60_000),))
    upper = int(client.quote("005930")["stck_mxpr"])
    lower = int(client.quote("000660")["stck_llam"])
    client.order("sell", "005930", 1, upper)
    client.order("buy", "000660", 1, lower)
    client.order("buy", "005930", 1, 0, kind="01")
    client.advance("2026-11-24T10:00:00+09:00")

    def numbers(**fields: str) -> list[int]:
        return [int(row["odno"]) for row in client.orders(DAY, **fields).json()["output1"]]

    assert numbers() == [3, 2, 1]
    assert numbers(INQR_DVSN="01") == [1, 2, 3]
    assert numbers(SLL_BUY_DVSN_CD="01") == [1]
    assert numbers(SLL_BUY_DVSN_CD="02") == [3, 2]
    assert numbers(PDNO="000660") == [2]
    assert numbers(CCLD_DVSN="01") == [3]
    assert numbers(CCLD_DVSN="02") == [2, 1]
    assert numbers(ODNO="0000000002") == [2]


@pytest.mark.req("X-01")
def test_a_chart_gives_at_most_a_hundred_rows_newest_first(paper: "WireClient") -> None:
    paper.advance("2026-11-24T10:00:00+09:00")

    rows = paper.chart("005930", "20260101", DAY)["output2"]
    dates = [row["stck_bsop_date"] for row in rows]
    older = paper.chart("005930", "20260101", "20260101")["output2"]
    page = paper.chart("005930", "20260101", _day_before(dates[-1]))["output2"]

    assert len(rows) == 100
    assert dates == sorted(dates, reverse=True)
    assert dates[0] == DAY
    assert page[0]["stck_bsop_date"] < dates[-1]
    assert older == []


@pytest.mark.req("X-01")
def test_a_holiday_inquiry_goes_on_from_page_to_page(real: "WireClient") -> None:
    asked = {"BASS_DT": "20261224", "CTX_AREA_NK": "", "CTX_AREA_FK": ""}

    first = real.call("chk-holiday", **asked)
    body = first.json()
    following = asked | {"CTX_AREA_NK": body["ctx_area_nk"], "CTX_AREA_FK": body["ctx_area_fk"]}
    second = real.call("chk-holiday", tr_cont="N", **following).json()

    by_day = {row["bass_dt"]: row for row in body["output"]}
    assert (first.headers["tr_cont"], len(body["output"])) == ("F", 24)
    assert [by_day[d]["opnd_yn"] for d in ("20261224", "20261225", "20261231", "20270104")] == [
        "Y",
        "N",
        "N",
        "Y",
    ]
    assert by_day["20261231"]["bzdy_yn"] == "Y"
    assert by_day["20261227"]["wday_dvsn_cd"] == "01"
    assert second["output"][0]["bass_dt"] == "20270117"


def _day_before(text: str) -> str:
    day = datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a date
    return f"{day - timedelta(days=1):%Y%m%d}"
