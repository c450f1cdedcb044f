"""The feed against the simulator's stream: what goes well, and every way in which it does not."""

import logging
import threading
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from kis_core.market.session import KST
from kis_core.market.symbol import Symbol
from kis_core.market.won import Won
from kis_core.ports.feed import FeedState
from kis_sandbox.path import microseconds

if TYPE_CHECKING:
    from tests.adapters.kis_ws.conftest import MakeBench

A, B = Symbol("005930"), Symbol("000660")


@pytest.mark.req("W-01", "M-02")
def test_prints_of_what_is_wanted_arrive_with_the_prices_that_rest_shows(
    bench: "MakeBench",
) -> None:
    desk = bench()
    desk.feed.start()
    desk.until_moving(lambda: desk.live == {A, B})

    desk.advance(30)
    state = desk.server.exchange.state(A)
    assert state is not None
    desk.until(lambda: desk.prints[A].volume == state.volume)  # the last of the thirty seconds'

    one = desk.prints[A]
    assert (one.price, one.high, one.low, one.open) == (
        desk.last_price(A),
        state.high,
        state.low,
        state.open,
    )
    assert (one.base, one.turnover) == (state.day.base, state.turnover)
    assert [(c.state, c.why) for c in desk.changes] == [(FeedState.LIVE, "connected")]


@pytest.mark.req("W-01")
@pytest.mark.parametrize("fields", [46, 47])
def test_bars_are_those_of_the_tape_in_either_layout(bench: "MakeBench", fields: int) -> None:
    desk = bench()
    desk.server.realtime.options.trade_fields = fields
    desk.feed.start()
    desk.until_moving(lambda: desk.live == {A, B}, seconds=1)
    begin = desk.clock.instant

    while desk.clock.instant.minute < begin.minute + 4:
        desk.advance(60 if desk.clock.instant.second == 0 else 60 - desk.clock.instant.second)
    desk.advance(3)
    desk.until(lambda: len([b for b in desk.bars if b.symbol == A]) >= 4)

    whole = [b for b in desk.bars if b.symbol == A and b.starts_at > begin]
    assert len(whole) == 3
    day = desk.server.exchange.tape.day(A, begin.date())
    assert day is not None
    path = day.path
    for bar in whole:
        first_us = microseconds(bar.starts_at)
        first, end = (path.count_until(us - 1) for us in (first_us, first_us + 60_000_000))
        prices = list(path.prices[first:end])
        assert (bar.open, bar.close) == (prices[0], prices[-1])
        assert (bar.high, bar.low) == (max(prices), min(prices))
        assert bar.volume == sum(path.volumes[first:end])
    assert desk.feed.counts()["prints_late"] == 0


@pytest.mark.req("W-02", "F-060")
def test_the_last_bar_of_the_day_completes_after_the_close(bench: "MakeBench") -> None:
    desk = bench(start=datetime(2026, 11, 24, 15, 18, tzinfo=KST))
    desk.feed.start()
    desk.until_moving(lambda: desk.live == {A, B}, seconds=1)

    for _ in range(14):
        desk.advance(60)
    desk.advance(3)
    desk.until(lambda: any(b.starts_at.minute == 30 for b in desk.bars))

    last = [b for b in desk.bars if b.symbol == A][-1]
    bars = desk.server.exchange.tape.bars(A, desk.clock.instant.date())
    assert (last.starts_at.hour, last.starts_at.minute) == (15, 30)
    assert last.close == Won(bars[-1].close)


@pytest.mark.req("W-04", "O-08")
@pytest.mark.parametrize("fields", [23, 26])
def test_an_order_and_its_fills_are_hinted_at_in_either_layout(
    bench: "MakeBench", fields: int
) -> None:
    desk = bench()
    desk.server.realtime.options.notice_fields = fields
    desk.feed.start()
    desk.until_moving(lambda: desk.live == {A, B}, seconds=1)

    number = desk.buy(3)
    desk.until_moving(lambda: len(desk.hints) >= 2)

    assert {(h.broker_order_no, h.symbol) for h in desk.hints} == {(str(number), A)}
    assert desk.feed.counts()["notices"] == 2  # received, and filled


@pytest.mark.req("W-04")
def test_notices_of_another_account_are_not_ours(bench: "MakeBench") -> None:
    desk = bench()
    desk.feed._settings = type(desk.feed._settings)(  # another account of the same HTS id
        url=desk.feed._settings.url,
        notice_tr_id=desk.feed._settings.notice_tr_id,
        hts_id="sandbox",
        account="9999999901",
        tick_s=0.01,
    )
    desk.feed.start()
    desk.until_moving(lambda: desk.live == {A, B}, seconds=1)

    desk.buy(3)
    desk.until_moving(lambda: desk.feed.counts().get("notices_of_others") == 2)

    assert desk.hints == []


@pytest.mark.req("W-04", "X-05")
def test_duplicated_and_reordered_notices_are_only_more_hints(bench: "MakeBench") -> None:
    desk = bench()
    desk.feed.start()
    desk.until_moving(lambda: desk.live == {A, B}, seconds=1)
    desk.server.faults.add("ws-notice", "notice_duplicate")
    desk.server.faults.add("ws-notice", "notice_reorder")

    number = desk.buy(3)
    desk.until_moving(lambda: desk.feed.counts().get("notices", 0) >= 4)

    assert {h.broker_order_no for h in desk.hints} == {str(number)}


@pytest.mark.req("W-04", "W-05")
def test_a_wrong_hts_id_costs_the_notices_and_not_the_prices(bench: "MakeBench") -> None:
    desk = bench(hts_id="wrong")
    desk.server.realtime.options.held_after_drop *= 0
    desk.feed.start()

    desk.until_moving(lambda: desk.live == {A, B}, seconds=2)

    assert [p.what for p in desk.problems] == ["feed_notices_given_up"]
    assert desk.feed.counts()["connects"] == 3


@pytest.mark.req("W-03", "X-05")
@pytest.mark.parametrize("kind", ["ws_close", "ws_drop"])
def test_a_closed_or_dropped_stream_comes_back_and_registers_everything(
    bench: "MakeBench", kind: str
) -> None:
    desk = bench()
    desk.server.realtime.options.held_after_drop *= 0
    desk.feed.start()
    desk.until_moving(lambda: desk.live == {A, B}, seconds=1)

    desk.server.faults.add("ws-frame", kind, count=1)
    desk.until_moving(lambda: desk.state is FeedState.RECOVERING)
    lost = desk.live
    desk.until_moving(lambda: desk.live == {A, B})

    why = {"ws_close": "closed_1001", "ws_drop": "dropped"}[kind]
    assert lost == frozenset()
    assert [c.state for c in desk.changes] == [
        FeedState.LIVE,
        FeedState.RECOVERING,
        FeedState.LIVE,
    ]
    assert desk.changes[1].why in (why, "receive_ConnectionResetError")
    assert desk.feed.counts()["connects"] == 2


@pytest.mark.req("W-06", "X-05")
def test_a_stream_that_falls_silent_is_given_up(bench: "MakeBench") -> None:
    desk = bench()
    desk.feed.start()
    desk.until_moving(lambda: desk.live == {A, B}, seconds=1)

    desk.server.faults.add("ws-frame", "ws_silence", count=1)
    desk.until_moving(lambda: desk.state is FeedState.RECOVERING)
    desk.until_moving(lambda: desk.state is FeedState.LIVE)

    assert desk.changes[1].why == "silence"


@pytest.mark.req("W-08", "W-06", "X-05")
def test_a_flood_of_garbage_is_counted_and_stops_nothing(bench: "MakeBench") -> None:
    desk = bench()
    desk.feed.start()
    desk.until_moving(lambda: desk.live == {A, B}, seconds=1)
    desk.server.faults.add("ws-frame", "ws_garbage", count=5, params={"frames": 500})

    for _ in range(6):
        desk.advance(10)
    state = desk.server.exchange.state(A)
    assert state is not None
    desk.until(lambda: desk.prints[A].volume == state.volume)

    counts = desk.feed.counts()
    assert sum(n for name, n in counts.items() if name.startswith("skipped_")) == 2_500
    assert desk.state is FeedState.LIVE
    assert counts["connects"] == 1


@pytest.mark.req("W-03", "F-062", "X-05")
def test_an_app_key_in_use_is_waited_for_and_then_had(bench: "MakeBench") -> None:
    desk = bench()
    desk.server.faults.add("ws-subscribe", "ws_refuse", count=1, params={"code": "OPSP8996"})
    begin = desk.clock.instant
    desk.feed.start()

    desk.until_moving(lambda: desk.live == {A, B})

    assert (desk.clock.instant - begin).total_seconds() >= 30
    assert desk.feed.counts()["connects"] == 2


@pytest.mark.req("F-062", "X-05")
def test_an_approval_key_the_server_does_not_know_is_renewed(bench: "MakeBench") -> None:
    desk = bench()
    desk.feed.start()
    desk.until_moving(lambda: desk.live == {A, B}, seconds=1)
    asked = desk.server.sandbox.requests["Approval"]

    desk.server._app.streams._approved.clear()  # the server was restarted in the night
    desk.server.faults.add("ws-frame", "ws_close", count=1)
    desk.until_moving(lambda: desk.state is FeedState.RECOVERING)
    desk.until_moving(lambda: desk.state is FeedState.LIVE)

    assert desk.server.sandbox.requests["Approval"] == asked + 1


@pytest.mark.req("W-07", "X-05")
def test_with_too_few_places_the_held_symbol_keeps_its_own(bench: "MakeBench") -> None:
    desk = bench()
    desk.server.realtime.options.places = 2  # the notices, and one symbol
    desk.feed.start()
    desk.until_moving(lambda: bool(desk.live), seconds=1)

    desk.feed.desire([B], [A])
    desk.until_moving(lambda: desk.live == {B}, seconds=1)

    assert {p.why for p in desk.problems} == {"OPSP0008"}


@pytest.mark.req("W-05", "X-05")
def test_a_stream_nobody_serves_goes_down_and_comes_back(bench: "MakeBench") -> None:
    desk = bench()
    desk.server.faults.add("Approval", "drop_before")
    desk.feed.start()
    desk.until_moving(lambda: desk.state is FeedState.DOWN)

    desk.server.faults.clear()
    desk.until_moving(lambda: desk.live == {A, B}, seconds=20)

    assert [c.state for c in desk.changes] == [FeedState.DOWN, FeedState.LIVE]


@pytest.mark.req("F-064")
def test_a_reader_that_does_not_read_slows_nothing_and_reads_the_newest(
    bench: "MakeBench",
) -> None:
    desk = bench()
    desk.feed.start()
    desk.until_moving(lambda: desk.live == {A, B}, seconds=1)
    before = desk.feed.counts()["prints"]

    for _ in range(60):
        desk.advance(30)
    due = desk.server.exchange.state(A)
    assert due is not None
    desk.until(lambda: A in desk.prints and desk.prints[A].volume == due.volume)

    counts = desk.feed.counts()
    assert counts["connects"] == 1
    assert counts["prints"] - before > 600
    assert counts["quotes_replaced"] > 600


@pytest.mark.req("F-064", "W-04")
def test_a_print_of_a_held_symbol_wakes_whoever_sleeps(bench: "MakeBench") -> None:
    desk = bench()
    desk.feed.start()
    desk.until_moving(lambda: desk.live == {A, B}, seconds=1)
    desk.news.clear()

    desk.advance(10)

    assert desk.news.wait(5)


@pytest.mark.req("K-10")
def test_nothing_secret_is_logged_or_shown(
    bench: "MakeBench", caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    desk = bench()
    credentials = desk.server.sandbox.credentials
    desk.feed.start()
    desk.until_moving(lambda: desk.live == {A, B}, seconds=1)
    desk.buy(1)
    desk.server.faults.add("ws-frame", "ws_drop", count=1)
    desk.until_moving(lambda: desk.state is FeedState.RECOVERING)
    approval = desk.feed._approval._key

    said = caplog.text + "".join(capsys.readouterr()) + repr(desk.feed._settings)
    said += repr(desk.changes) + repr(desk.problems) + repr(desk.hints) + repr(desk.feed._approval)
    for secret in (credentials.app_key, credentials.app_secret, approval, credentials.account_no):
        assert secret
        assert secret not in said


def test_stopping_ends_the_thread_at_once_and_says_good_bye(bench: "MakeBench") -> None:
    desk = bench()
    desk.feed.start()
    desk.until_moving(lambda: desk.live == {A, B}, seconds=1)

    desk.feed.stop()
    desk.feed.stop()

    assert not [t for t in threading.enumerate() if t.name == "kis-feed"]
    desk.until(lambda: desk.server.realtime.sessions == 0)
    assert FeedState.REFUSED not in [c.state for c in desk.changes]


def test_a_feed_that_was_never_started_can_be_stopped(bench: "MakeBench") -> None:
    bench().feed.stop()
