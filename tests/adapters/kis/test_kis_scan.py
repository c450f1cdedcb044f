"""The market scan on a scripted server: what is believed, what is an error, what it costs."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from kis_adapters.kis.client import KisClient
from kis_adapters.kis.market_scan import KisMarketScan
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.orders.identity import TradingMode
from kis_core.ports.market_scan import Board, MarketScanUnavailable, Ranking
from kis_core.universe.candidate import Snapshot, Status, Unread

SAMSUNG, HYNIX, HALTED = Symbol("005930"), Symbol("000660"), Symbol("999990")
FRIDAY = date(2026, 11, 20)


@pytest.fixture
def real(make_client: Callable[..., KisClient]) -> KisMarketScan:
    return KisMarketScan(make_client(TradingMode.REAL))


@pytest.fixture
def paper(make_client: Callable[..., KisClient]) -> KisMarketScan:
    return KisMarketScan(make_client(TradingMode.PAPER))


def rows_of(body: dict[str, Any]) -> list[dict[str, str]]:
    rows = body["output"]
    assert isinstance(rows, list)
    return rows


def test_the_most_traded_are_asked_by_won_without_funds_and_halted_issues(
    real: KisMarketScan, kis: Any, wire: Any
) -> None:
    kis.script("volume-rank", wire.ok("volume-rank"))

    issues = real.ranking(Ranking.TRADED_VALUE, Board.KOSPI)

    assert [(issue.code, issue.rank, issue.amount) for issue in issues] == [
        ("005930", 1, 704_512_345_600),
        ("0126Z0", 2, 124_263_562_500),
    ]
    query = kis.asked("volume-rank")[0].query
    assert query["FID_BLNG_CLS_CODE"] == "3"
    assert query["FID_INPUT_ISCD"] == "0001"
    # 정리매매, 거래정지, ETF, ETN, SPAC
    assert query["FID_TRGT_EXLS_CLS_CODE"] == "0010011101"


def test_market_capitalisation_is_in_eok(real: KisMarketScan, kis: Any, wire: Any) -> None:
    kis.script("market-cap", wire.ok("market-cap"))

    issues = real.ranking(Ranking.MARKET_CAP, Board.ALL)

    assert [issue.amount for issue in issues] == [4_173_345, 1_532_445]


def test_an_empty_ranking_is_what_it_is(real: KisMarketScan, kis: Any, wire: Any) -> None:
    body = wire.sample("volume-rank") | {"output": [{}]}
    kis.script("volume-rank", wire.Reply(body=body))

    assert real.ranking(Ranking.TRADED_VALUE, Board.ALL) == ()


def _gap(rows: list[dict[str, str]]) -> None:
    rows[1]["data_rank"] = "3"


def _repeat(rows: list[dict[str, str]]) -> None:
    rows[1]["mksc_shrn_iscd"] = rows[0]["mksc_shrn_iscd"]


def _blank(rows: list[dict[str, str]]) -> None:
    rows[1]["acml_tr_pbmn"] = ""


def _too_many(rows: list[dict[str, str]]) -> None:
    rows[:] = [{**rows[0], "data_rank": str(n), "mksc_shrn_iscd": f"{n:06d}"} for n in range(1, 32)]


@pytest.mark.req("F-070")
@pytest.mark.parametrize("damage", [_gap, _repeat, _blank, _too_many])
def test_a_ranking_that_cannot_be_one_is_an_error(
    real: KisMarketScan, kis: Any, wire: Any, damage: Callable[[list[dict[str, str]]], None]
) -> None:
    body = wire.sample("volume-rank")
    damage(rows_of(body))
    kis.script("volume-rank", wire.Reply(body=body))

    with pytest.raises(MarketScanUnavailable):
        real.ranking(Ranking.TRADED_VALUE, Board.ALL)


def test_paper_has_no_rankings_and_does_not_ask(paper: KisMarketScan, kis: Any) -> None:
    assert not paper.offers_rankings
    with pytest.raises(MarketScanUnavailable, match="대신"):
        paper.ranking(Ranking.TRADED_VALUE, Board.ALL)
    assert kis.count("volume-rank") == 0


@pytest.mark.req("U-07")
def test_real_quotes_thirty_symbols_a_call(real: KisMarketScan, kis: Any, wire: Any) -> None:
    kis.script("intstock-multprice", wire.ok("intstock-multprice"))
    many = [SAMSUNG, HYNIX, *(Symbol(f"{n:06d}") for n in range(800_000, 800_029))]

    answers = real.snapshots(many)

    assert kis.count("intstock-multprice") == 2
    assert real.calls == 2
    samsung = answers[SAMSUNG]
    assert isinstance(samsung, Snapshot)
    assert (samsung.last, samsung.open, samsung.traded_value) == (70_500, 70_100, 704_512_345_600)
    assert (samsung.is_halted, samsung.is_managed, samsung.market_cap_eok) == (None, None, None)
    assert isinstance(answers[many[2]], Unread)
    assert len(answers) == 31


def test_one_malformed_row_of_a_bulk_answer_hides_no_other(
    real: KisMarketScan, kis: Any, wire: Any
) -> None:
    body = wire.sample("intstock-multprice")
    rows_of(body)[0]["inter2_prpr"] = "?"
    kis.script("intstock-multprice", wire.Reply(body=body))

    answers = real.snapshots([SAMSUNG, HYNIX])

    assert isinstance(answers[SAMSUNG], Unread)
    assert isinstance(answers[HYNIX], Snapshot)


@pytest.mark.req("U-07")
def test_paper_asks_one_by_one_and_is_told_flags_and_size(
    paper: KisMarketScan, kis: Any, wire: Any
) -> None:
    kis.script("inquire-price", wire.ok("inquire-price"), wire.ok("inquire-price-halted"))

    answers = paper.snapshots([SAMSUNG, HALTED])

    samsung, halted = answers[SAMSUNG], answers[HALTED]
    assert isinstance(samsung, Snapshot)
    assert isinstance(halted, Snapshot)
    assert (samsung.is_halted, samsung.is_managed, samsung.market_cap_eok) == (
        False,
        False,
        4_173_345,
    )
    assert (halted.is_halted, halted.is_managed) == (True, True)


def test_an_unknown_symbol_has_no_price_and_no_standing(
    paper: KisMarketScan, kis: Any, wire: Any
) -> None:
    kis.script("inquire-price", wire.ok("inquire-price-unknown-symbol"))

    answer = paper.statuses([Symbol("000001")])[Symbol("000001")]

    assert answer == Status(
        symbol=Symbol("000001"),
        last=Won(0),
        market_cap_eok=None,
        is_halted=None,
        is_managed=None,
    )


def test_an_issue_in_its_last_days_counts_as_managed(
    paper: KisMarketScan, kis: Any, wire: Any
) -> None:
    body = wire.sample("inquire-price")
    body["output"]["sltr_yn"] = "Y"
    kis.script("inquire-price", wire.Reply(body=body))

    status = paper.statuses([SAMSUNG])[SAMSUNG]

    assert isinstance(status, Status)
    assert status.is_managed


def test_another_symbols_answer_is_believed_for_none(
    paper: KisMarketScan, kis: Any, wire: Any
) -> None:
    kis.script("inquire-price", wire.ok("inquire-price"))

    assert isinstance(paper.snapshots([HYNIX])[HYNIX], Unread)


@pytest.mark.req("F-073")
def test_a_history_has_the_completed_days_value_and_the_bars_up_to_it(
    paper: KisMarketScan, kis: Any, wire: Any
) -> None:
    kis.script("inquire-daily-itemchartprice", wire.ok("inquire-daily-itemchartprice"))

    history = paper.histories([SAMSUNG], on=FRIDAY, count=2)[SAMSUNG]

    assert not isinstance(history, Unread)
    assert [bar.session_date.day for bar in history.bars] == [19, 20]
    assert (history.bars[-1].close, history.traded_value) == (70_500, 704_512_345_600)
    assert history.market_cap_eok == 4_173_345
    query = kis.asked("inquire-daily-itemchartprice")[0].query
    assert (query["FID_INPUT_DATE_2"], query["FID_ORG_ADJ_PRC"]) == ("20261120", "0")


def test_a_day_without_a_row_has_no_traded_value(paper: KisMarketScan, kis: Any, wire: Any) -> None:
    body = wire.sample("inquire-daily-itemchartprice")
    del body["output2"][0]
    kis.script("inquire-daily-itemchartprice", wire.Reply(body=body))

    history = paper.histories([SAMSUNG], on=FRIDAY, count=20)[SAMSUNG]

    assert not isinstance(history, Unread)
    assert history.traded_value == 0


def test_days_after_the_one_asked_for_are_not_believed(
    paper: KisMarketScan, kis: Any, wire: Any
) -> None:
    kis.script("inquire-daily-itemchartprice", wire.ok("inquire-daily-itemchartprice"))

    answers = paper.histories([SAMSUNG], on=date(2026, 11, 19), count=20)

    assert isinstance(answers[SAMSUNG], Unread)


@pytest.mark.req("F-078")
def test_an_expired_token_is_the_sources_failure_not_each_symbols(
    paper: KisMarketScan, kis: Any, wire: Any
) -> None:
    kis.script("inquire-price", wire.refusal("EGW00123", "기간이 만료된 token 입니다.", status=500))

    with pytest.raises(MarketScanUnavailable):
        paper.statuses([Symbol(f"{n:06d}") for n in range(100, 300)])

    assert kis.count("inquire-price") <= 4


@pytest.mark.req("F-078")
def test_a_server_that_answers_nobody_is_asked_three_times_and_no_more(
    make_client: Callable[..., KisClient], kis: Any, wire: Any
) -> None:
    scan = KisMarketScan(make_client(TradingMode.PAPER, retries=1))
    kis.script("inquire-price", wire.Reply(body=b"", status=500))

    with pytest.raises(MarketScanUnavailable):
        scan.statuses([Symbol(f"{n:06d}") for n in range(100, 300)])

    assert kis.count("inquire-price") == 3


@pytest.mark.req("F-078")
def test_keys_that_are_not_accepted_are_no_symbols_failure(
    paper: KisMarketScan, kis: Any, wire: Any
) -> None:
    kis.script(
        "inquire-price", wire.refusal("EGW00105", "유효하지 않은 AppSecret입니다.", status=500)
    )

    with pytest.raises(MarketScanUnavailable):
        paper.statuses([SAMSUNG, HYNIX])

    assert kis.count("inquire-price") == 1


def test_a_row_that_was_not_asked_for_is_not_answered(
    real: KisMarketScan, kis: Any, wire: Any
) -> None:
    kis.script("intstock-multprice", wire.ok("intstock-multprice"))

    assert set(real.snapshots([SAMSUNG])) == {SAMSUNG}


def test_a_refusal_of_one_symbol_is_its_own(paper: KisMarketScan, kis: Any, wire: Any) -> None:
    kis.script(
        "inquire-price",
        wire.refusal("40070000", "종목정보가 없습니다"),
        wire.ok("inquire-price"),
    )

    answers = paper.statuses([HYNIX, SAMSUNG])

    assert isinstance(answers[HYNIX], Unread)
    assert isinstance(answers[SAMSUNG], Status)
