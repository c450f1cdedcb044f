"""One-minute rows: what they add up to, where they start, and the minutes to come."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.sandbox.conftest import WireClient


def minutes(client: "WireClient", hour: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = client.call(
        "inquire-time-itemchartprice",
        FID_COND_MRKT_DIV_CODE="J",
        FID_INPUT_ISCD="005930",
        FID_INPUT_HOUR_1=hour,
        FID_PW_DATA_INCU_YN="N",
        FID_ETC_CLS_CODE="",
    ).json()["output2"]
    return rows


@pytest.mark.req("X-01")
def test_minutes_come_newest_first_thirty_at_most(paper: "WireClient") -> None:
    paper.advance("2026-11-24T10:00:59+09:00")

    rows = minutes(paper, "100000")

    hours = [row["stck_cntg_hour"] for row in rows]
    assert (len(rows), hours[0], hours[-1]) == (30, "100000", "093100")
    assert hours == sorted(hours, reverse=True)


@pytest.mark.req("X-01")
def test_minutes_add_up_to_the_day_so_far(paper: "WireClient") -> None:
    paper.advance("2026-11-24T09:20:30+09:00")

    rows = minutes(paper, "092000")
    quote = paper.quote("005930")

    assert sum(int(row["cntg_vol"]) for row in rows) == int(quote["acml_vol"])
    assert max(int(row["stck_hgpr"]) for row in rows) == int(quote["stck_hgpr"])
    assert min(int(row["stck_lwpr"]) for row in rows) == int(quote["stck_lwpr"])
    assert (rows[-1]["stck_oprc"], rows[0]["stck_prpr"]) == (
        quote["stck_oprc"],
        quote["stck_prpr"],
    )


@pytest.mark.req("X-01")
def test_minutes_to_come_repeat_the_last_price(paper: "WireClient") -> None:
    paper.advance("2026-11-24T10:00:30+09:00")

    rows = minutes(paper, "101000")

    future = rows[:10]
    last = paper.quote("005930")["stck_prpr"]
    assert [row["stck_cntg_hour"] for row in future] == [f"10{m:02d}00" for m in range(10, 0, -1)]
    assert {(row["stck_prpr"], row["cntg_vol"]) for row in future} == {(last, "0")}
    assert rows[10]["stck_cntg_hour"] == "100000"
    assert int(rows[10]["cntg_vol"]) > 0


@pytest.mark.req("X-01")
def test_midnight_asks_for_the_newest_minutes(paper: "WireClient") -> None:
    paper.advance("2026-11-24T10:00:59+09:00")

    assert minutes(paper, "000000")[0]["stck_cntg_hour"] == "100000"
