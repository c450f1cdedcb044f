"""The script that lives through ten thousand sessions: it must see what it is there to see."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from kis_adapters.memory.broker import Fault
from kis_adapters.memory.matrix import Case
from kis_adapters.memory.world import SAMSUNG, World
from kis_core.market.won import Won
from kis_core.orders.event import OrderType
from kis_core.orders.identity import Side
from kis_core.ports.broker import OrderTicket

_SCRIPT = Path(__file__).parents[2] / "scripts" / "simulate.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("kis_simulate_script", _SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _ticket(side: Side) -> OrderTicket:
    return OrderTicket(
        order_id="0123456789abcdef",
        symbol=SAMSUNG,
        side=side,
        quantity=1,
        order_type=OrderType.MARKET,
        price=Won(0),
    )


@pytest.mark.req("R-02")
def test_a_purchase_sent_while_the_kill_switch_is_on_is_a_violation(script: ModuleType) -> None:
    world, found = World(), script.Findings()
    world.market.set_price(SAMSUNG, 70_000)
    broker = script.WatchedBroker(world.broker, world, found)

    broker.place(_ticket(Side.BUY))
    before = list(found.violations)
    world.kill_switch.text = "by hand"
    broker.place(_ticket(Side.SELL))
    after_a_sale = list(found.violations)
    broker.place(_ticket(Side.BUY))

    assert before == after_a_sale == []
    assert len(found.violations) == 1


def test_only_faults_that_a_call_ran_into_are_counted(script: ModuleType) -> None:
    world, found = World(), script.Findings()
    world.market.set_price(SAMSUNG, 70_000)
    broker = script.WatchedBroker(world.broker, world, found)
    broker.fail_next("place", Fault.REJECT, Fault.REJECT)

    broker.place(_ticket(Side.BUY))

    assert found.met == Counter({"fault: place, reject": 1})


def test_the_same_seeds_give_the_same_findings_however_they_are_shared_out(
    script: ModuleType,
) -> None:
    whole, parts = script.live_worlds((range(7, 9), 1.0)), script.Findings()

    for seed in (7, 8):
        parts.add(script.live_worlds((range(seed, seed + 1), 1.0)))

    assert parts == whole
    assert whole.sessions == 10
    assert whole.violations == []


def test_a_square_of_the_matrix_counts_the_lives_with_a_death_after_every_call(
    script: ModuleType,
) -> None:
    cell = script.live_cases((Case(side=Side.BUY),))

    assert cell.lives > 10  # the intent, the request, its answer, the fill, and what is told
    assert cell.violations == []


def test_a_section_is_replaced_between_its_markers_and_nowhere_else(
    script: ModuleType, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n", encoding="utf-8")

    script.write_section(page, name="x", lines=["new"])

    text = page.read_text(encoding="utf-8")
    assert text == "a\n<!-- x: begin -->\n\nnew\n\n<!-- x: end -->\nb\n"
    with pytest.raises(ValueError, match="no place"):
        script.write_section(page, name="y", lines=["new"])
