"""Clock and symbol switches over the admin interface, and evenings that are not final."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.sandbox.conftest import Serve, WireClient

PRICE = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": "005930"}


@pytest.fixture
def client(paper: "WireClient") -> "WireClient":
    paper.advance("2026-11-24T10:00:00+09:00")
    return paper


def throw(client: "WireClient", **switches: object) -> None:
    answer = client.http.post("/sandbox/symbols/005930", json=switches)
    assert answer.status_code == 200, answer.text


@pytest.mark.req("X-03")
def test_a_stepped_clock_moves_by_advance_and_by_latency_only(client: "WireClient") -> None:
    for _ in range(3):
        client.quote("005930")

    clock = client.http.get("/sandbox/clock").json()

    assert clock == {"mode": "stepped", "now": "2026-11-24T10:00:00.060000+09:00", "speed": 0.0}


@pytest.mark.req("X-03")
def test_the_clock_does_not_go_backwards(client: "WireClient") -> None:
    answer = client.advance("2026-11-24T09:59:59+09:00")

    assert answer.status_code == 409
    assert client.http.get("/sandbox/clock").json()["now"].startswith("2026-11-24T10:00:00.0000")


@pytest.mark.req("X-03")
def test_an_accelerated_clock_runs_by_itself(client: "WireClient") -> None:
    client.http.post("/sandbox/clock", json={"mode": "accelerated", "speed": 10_000})

    before = client.http.get("/sandbox/clock").json()["now"]
    after = client.http.get("/sandbox/clock").json()["now"]

    assert "2026-11-24T10:00:00" < before < after


@pytest.mark.req("X-03")
@pytest.mark.parametrize("asked", [{"mode": "backwards"}, {"speed": 0}, {"speed": -1}])
def test_an_impossible_clock_is_refused(client: "WireClient", asked: dict[str, object]) -> None:
    assert client.http.post("/sandbox/clock", json=asked).status_code == 400


@pytest.mark.req("X-02")
def test_a_halted_symbol_neither_prints_nor_takes_orders(client: "WireClient") -> None:
    waiting = client.order("buy", "005930", 1, 0, kind="01")
    throw(client, halted=True)
    before = client.quote("005930")

    client.advance("2026-11-24T11:00:00+09:00")
    after = client.quote("005930")
    refused = client.order("buy", "005930", 1, 0, kind="01")

    assert waiting.json()["rt_cd"] == "0"
    assert (after["iscd_stat_cls_code"], after["temp_stop_yn"]) == ("58", "Y")
    assert after["acml_vol"] == before["acml_vol"]
    assert refused.json()["msg_cd"] == "40070000"
    assert client.ledger()["fills"] == []


@pytest.mark.req("X-02")
def test_a_lifted_halt_lets_the_symbol_print_again(client: "WireClient") -> None:
    throw(client, halted=True)
    client.advance("2026-11-24T11:00:00+09:00")
    before = client.quote("005930")
    throw(client, halted=False)

    client.advance("2026-11-24T11:10:00+09:00")
    after = client.quote("005930")

    assert int(after["acml_vol"]) > int(before["acml_vol"])
    assert after["iscd_stat_cls_code"] == "55"


@pytest.mark.req("X-02")
def test_a_whole_day_of_halt_is_an_empty_bar_and_the_close_is_carried(
    client: "WireClient",
) -> None:
    throw(client, halted=True)
    close = client.quote("005930")["stck_prpr"]
    client.advance("2026-11-26T08:00:00+09:00")
    client.log_in()

    rows = client.chart("005930", "20261125", "20261125")["output2"]

    row = rows[0]
    prices = [row[k] for k in ("stck_oprc", "stck_hgpr", "stck_lwpr", "acml_vol", "stck_clpr")]
    assert prices == ["0", "0", "0", "0", close]
    assert row["mod_yn"] == "Y"


@pytest.mark.req("X-02")
def test_a_vi_holds_back_prints_for_two_minutes(client: "WireClient") -> None:
    throw(client, vi=True)
    start = client.quote("005930")
    client.advance("2026-11-24T10:01:59+09:00")
    during = client.quote("005930")
    client.advance("2026-11-24T10:02:30+09:00")
    after = client.quote("005930")

    assert (start["vi_cls_code"], during["vi_cls_code"], after["vi_cls_code"]) == ("Y", "Y", "N")
    assert during["acml_vol"] == start["acml_vol"]
    assert int(after["acml_vol"]) > int(during["acml_vol"])


@pytest.mark.req("X-02")
def test_flags_show_in_the_quote(client: "WireClient") -> None:
    throw(client, managed=True)
    managed = client.quote("005930")
    throw(client, managed=False, warned=True)
    warned = client.quote("005930")

    assert (managed["iscd_stat_cls_code"], managed["mang_issu_cls_code"]) == ("51", "Y")
    assert (warned["iscd_stat_cls_code"], warned["mrkt_warn_cls_code"]) == ("53", "02")


@pytest.mark.req("X-02")
def test_a_shock_moves_the_price_from_now_on_and_not_the_past(client: "WireClient") -> None:
    before = client.quote("005930")
    throw(client, price_shock_pct=-20.0)

    client.advance("2026-11-24T10:01:00+09:00")
    after = client.quote("005930")

    assert after["stck_hgpr"] == before["stck_hgpr"]
    assert 0.75 < int(after["stck_prpr"]) / int(before["stck_prpr"]) < 0.85
    assert int(after["stck_prpr"]) >= int(after["stck_llam"])


@pytest.mark.req("X-02")
def test_the_days_after_a_shock_go_on_from_where_it_ended(client: "WireClient") -> None:
    throw(client, price_shock_pct=-20.0)
    client.advance("2026-11-24T15:40:00+09:00")
    close = client.quote("005930")["stck_prpr"]
    client.advance("2026-11-25T09:00:30+09:00")
    client.log_in()

    today = client.quote("005930")

    assert today["stck_sdpr"] == close
    assert abs(int(today["stck_oprc"]) / int(close) - 1) < 0.10


@pytest.mark.req("X-02")
@pytest.mark.parametrize("asked", [{"halted": "yes"}, {"exploded": True}])
def test_a_switch_that_makes_no_sense_is_refused(
    client: "WireClient", asked: dict[str, object]
) -> None:
    assert client.http.post("/sandbox/symbols/005930", json=asked).status_code == 400
    assert client.http.post("/sandbox/symbols/000001", json={}).status_code == 400


@pytest.mark.req("X-02")
def test_an_evening_bar_is_not_the_mornings(serve: "Serve") -> None:
    client = serve(mode="real")

    def closes() -> list[str]:
        rows = [client.chart(s, "20261124", "20261124")["output2"] for s in symbols]
        return [row[0]["stck_clpr"] for row in rows]

    symbols = ("005930", "000660", "005380", "068270", "035420", "105560", "051910", "035720")
    client.advance("2026-11-24T15:40:00+09:00")
    regular = closes()
    client.advance("2026-11-24T20:30:00+09:00")
    evening = closes()
    client.log_in()
    client.advance("2026-11-25T05:00:00+09:00")
    morning = closes()

    assert sum(a != b for a, b in zip(evening, regular, strict=True)) >= 3
    assert morning == regular


@pytest.mark.req("X-02")
def test_the_ledger_does_not_follow_the_after_market(serve: "Serve") -> None:
    client = serve(symbols=12)
    client.advance("2026-11-24T09:30:00+09:00")
    for symbol in ("005380", "035720", "055550"):
        client.order("buy", symbol, 1, 0, kind="01")
    client.advance("2026-11-24T15:40:00+09:00")
    closes = [row["prpr"] for row in client.balance().json()["output1"]]

    client.advance("2026-11-24T19:00:00+09:00")

    assert [row["prpr"] for row in client.balance().json()["output1"]] == closes


@pytest.mark.req("X-02")
def test_before_the_auction_a_quote_still_shows_yesterday(serve: "Serve") -> None:
    client = serve(latency_ms=0)
    client.advance("2026-11-25T08:29:59+09:00")
    yesterday = client.quote("005930")
    client.advance("2026-11-25T08:30:00+09:00")
    today = client.quote("005930")

    assert int(yesterday["stck_oprc"]) > 0
    assert (today["stck_oprc"], today["acml_vol"]) == ("0", "0")
    assert today["stck_prpr"] == today["stck_sdpr"] == yesterday["stck_prpr"]


@pytest.mark.req("X-04")
def test_the_same_requests_get_the_same_answers(serve: "Serve") -> None:
    def transcript(detours: int) -> list[str]:
        client = serve(mode="real", latency_ms=0)
        client.advance("2026-11-24T09:10:00+09:00")
        answers = [client.order("buy", "000660", 5, 0, kind="01").text]
        for minute in range(detours):  # looking in between must change nothing
            client.advance(f"2026-11-24T09:{20 + minute}:00+09:00")
            client.quote("035720")
        client.advance("2026-11-24T11:00:00+09:00")
        answers += [client.orders("20261124").text, client.balance().text]
        answers += [str(client.chart("000660", "20260901", "20261124"))]
        return answers

    assert transcript(0) == transcript(30)


@pytest.mark.req("X-04")
def test_fills_of_several_symbols_are_booked_in_order_of_time(serve: "Serve") -> None:
    client = serve(cash=10_000_000_000)
    client.advance("2026-11-24T10:00:00+09:00")
    for symbol in ("105560", "012330", "051910"):
        client.order("buy", symbol, 2_000, 0, kind="01")
    client.advance("2026-11-24T11:00:00+09:00")

    fills = client.ledger()["fills"]

    times = [fill["at"] for fill in fills]
    assert len({fill["symbol"] for fill in fills[:6]}) > 1
    assert times == sorted(times)
