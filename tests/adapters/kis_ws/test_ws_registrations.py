"""The 41 places of a session, and the distance between two messages."""

from random import Random

import pytest

from kis_adapters.kis_ws.control import Registration
from kis_adapters.kis_ws.registrations import Registrations, Step


def one(number: int) -> Registration:
    return Registration("H0STCNT0", f"{number:06d}")


def wanted(*numbers: int) -> list[Registration]:
    return [one(number) for number in numbers]


def run(registrations: Registrations, *, start: float, answers: bool = True) -> list[Step]:
    """Let everything that is due be sent, a second apart, each confirmed at once."""
    steps = []
    now = start
    while (step := registrations.next(now)) is not None:
        steps.append(step)
        if answers and step.subscribes:
            registrations.confirmed(step.registration)
        elif answers:
            registrations.gone(step.registration)
        now += 1
    return steps


@pytest.mark.req("W-07")
def test_only_41_are_registered_and_they_are_the_most_important() -> None:
    registrations = Registrations()
    registrations.want(wanted(*range(60)))

    steps = run(registrations, start=0)

    assert [step.registration for step in steps] == wanted(*range(41))
    assert registrations.active == set(wanted(*range(41)))
    assert registrations.is_settled


@pytest.mark.req("W-07")
def test_what_becomes_important_takes_the_place_of_the_least_important() -> None:
    registrations = Registrations(places=3)
    registrations.want(wanted(1, 2, 3, 4))
    run(registrations, start=0)

    registrations.want(wanted(9, 1, 2, 3))
    steps = run(registrations, start=100)

    assert steps == [Step(one(3), subscribes=False), Step(one(9), subscribes=True)]
    assert registrations.active == set(wanted(9, 1, 2))


@pytest.mark.req("W-01")
def test_messages_keep_their_distance() -> None:
    registrations = Registrations()
    registrations.want(wanted(1, 2))

    times = [t / 100 for t in range(100) if registrations.next(t / 100) is not None]

    assert times == [0.0, 0.12]


@pytest.mark.req("W-01")
def test_nothing_is_said_again_before_its_answer() -> None:
    registrations = Registrations()
    registrations.want(wanted(1))
    registrations.next(0)

    registrations.want([])
    assert registrations.next(5) is None  # not unsubscribed while the answer is outstanding
    registrations.confirmed(one(1))
    step = registrations.next(6)
    registrations.want(wanted(1))

    assert step == Step(one(1), subscribes=False)
    assert registrations.next(7) is None
    registrations.gone(one(1))
    assert registrations.next(8) == Step(one(1), subscribes=True)


def test_an_answer_that_never_comes_counts_as_a_refusal_after_ten_seconds() -> None:
    registrations = Registrations()
    registrations.want(wanted(1))
    registrations.next(0)

    assert registrations.next(9.9) is None
    assert registrations.next(10) is None
    assert registrations.next(39.9) is None
    assert registrations.next(40) == Step(one(1), subscribes=True)


def test_a_refused_one_is_asked_again_only_after_half_a_minute() -> None:
    registrations = Registrations()
    registrations.want(wanted(1))
    registrations.next(0)

    registrations.refused(one(1), 1)

    assert registrations.next(30.9) is None
    assert registrations.next(31) == Step(one(1), subscribes=True)


@pytest.mark.req("W-07")
def test_when_the_places_are_used_up_the_least_important_gives_way() -> None:
    registrations = Registrations()
    registrations.want(wanted(1, 2, 3))
    run(registrations, start=0)
    registrations.want(wanted(9, 1, 2, 3))
    registrations.next(10)

    registrations.over(one(9), 10)  # the broker had only three places
    steps = run(registrations, start=11)

    assert steps == [Step(one(3), subscribes=False), Step(one(9), subscribes=True)]
    assert registrations.active == set(wanted(9, 1, 2))


@pytest.mark.req("W-07")
def test_one_place_too_many_for_the_least_important_leaves_the_others_alone() -> None:
    registrations = Registrations()
    registrations.want(wanted(1, 2, 3))
    registrations.next(0)
    registrations.confirmed(one(1))
    registrations.next(1)
    registrations.confirmed(one(2))
    registrations.next(2)

    registrations.over(one(3), 2)

    assert run(registrations, start=3) == []
    assert registrations.is_settled


def test_a_wrong_registration_is_given_up_for_good() -> None:
    registrations = Registrations()
    registrations.want(wanted(1, 2))
    registrations.next(0)

    registrations.give_up(one(1))
    registrations.connected()

    assert [step.registration for step in run(registrations, start=10)] == wanted(2)


@pytest.mark.req("W-03")
def test_a_new_connection_registers_everything_again() -> None:
    registrations = Registrations()
    registrations.want(wanted(1, 2))
    run(registrations, start=0)

    registrations.connected()

    assert registrations.active == set()
    assert [step.registration for step in run(registrations, start=10)] == wanted(1, 2)


def test_an_answer_nobody_waits_for_registers_nothing() -> None:
    registrations = Registrations()

    registrations.confirmed(one(1))

    assert registrations.active == set()


@pytest.mark.req("W-07")
@pytest.mark.parametrize("seed", range(30))
def test_what_is_kept_between_changes_is_what_would_be_worked_out_anew(seed: int) -> None:
    """Beside one that keeps nothing, through 400 things that can happen in any order."""
    random, now = Random(seed), 0.0
    keeping, forgetting = Registrations(places=5), Registrations(places=5)
    messages = 0
    for _ in range(400):
        now += random.choice((0.05, 0.2, 3.0, 12.0))
        about = one(random.randrange(9))
        names = ["want", "confirmed", "gone", "refused", "over", "connected", "give_up"]
        name = random.choices(names, weights=[4, 8, 2, 2, 1, 1, 0.1])[0]
        order = wanted(*random.sample(range(9), 7))
        for registrations in (keeping, forgetting):
            match name:
                case "want":
                    registrations.want(order)
                case "connected":
                    registrations.connected()
                case "refused" | "over":
                    getattr(registrations, name)(about, now)
                case _:
                    getattr(registrations, name)(about)
        for _ in range(3):
            forgetting._changed()
            step = keeping.next(now)
            assert step == forgetting.next(now)
            assert keeping.active == forgetting.active
            messages += step is not None
            now += 0.2

    assert messages > 50
