"""Names of symbols: from the broker into the table, confirmed again when they are old (N-03)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from kis_adapters.memory.world import SAMSUNG, World
from kis_core.market.symbol import Instrument
from kis_core.ports.market_data import MarketDataUnavailable
from kis_core.session.books import Books


def _stored(world: World) -> tuple[str, datetime]:
    with world.store.unit_of_work() as uow:
        return uow.names()[SAMSUNG]


def _called(world: World, name: str) -> None:
    known = world.market.instrument(SAMSUNG)
    world.market.instruments[SAMSUNG] = replace(known, name=name)


@pytest.mark.req("N-03")
def test_the_brokers_name_is_kept_and_known_after_a_restart_before_anyone_is_asked(
    world: World,
) -> None:
    _called(world, "삼성전자")
    world.run_until(world.at(9, 0))

    world.restart()
    world.engine.books.reload()

    assert _stored(world)[0] == "삼성전자"
    assert world.engine.books.names[SAMSUNG] == "삼성전자"


@pytest.mark.req("N-03")
def test_a_name_is_written_again_only_when_it_was_confirmed_thirty_days_ago(world: World) -> None:
    books, began = Books(world.store), world.clock.now()
    books.keep_names({SAMSUNG: "삼성전자"}, at=began)

    books.keep_names({SAMSUNG: "삼성전자"}, at=began + timedelta(days=29))
    early = _stored(world)[1]
    after_a_restart = Books(world.store)
    after_a_restart.reload()
    after_a_restart.keep_names({SAMSUNG: "삼성전자"}, at=began + timedelta(days=30))

    assert early == began
    assert _stored(world) == ("삼성전자", began + timedelta(days=30))


@pytest.mark.req("N-03")
def test_a_run_of_a_month_asks_again_and_learns_the_new_name(world: World) -> None:
    _called(world, "옛이름")
    world.run_until(world.at(9, 5))
    _called(world, "새이름")

    world.run_for(days=20)
    after_twenty_days = world.engine.books.names[SAMSUNG]
    world.run_for(days=15)

    assert after_twenty_days == "옛이름"
    assert world.engine.books.names[SAMSUNG] == "새이름"


@pytest.mark.req("N-03")
def test_where_the_broker_does_not_say_the_last_name_stays(world: World) -> None:
    _called(world, "삼성전자")
    world.run_until(world.at(9, 5))

    def unavailable(_symbol: object) -> Instrument:
        raise MarketDataUnavailable("stock info")

    world.market.instrument = unavailable  # type: ignore[method-assign,assignment]  # broken on purpose
    world.run_for(days=35)

    assert world.engine.books.names[SAMSUNG] == "삼성전자"
    assert world.engine.books.is_current
