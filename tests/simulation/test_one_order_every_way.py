"""One purchase and one sale under every fault × every commit outcome × death after every call."""

from itertools import groupby

import pytest

from kis_adapters.memory.matrix import Case, cases, with_deaths
from kis_core.orders.identity import Side


def _by_fault(side: Side) -> list[tuple[str, list[Case]]]:
    grouped = groupby(cases(side), key=lambda case: f"{side}-{case.call}-{case.fault}")
    return [(name, list(members)) for name, members in grouped]


_ALL = [each for side in Side for each in _by_fault(side)]


@pytest.mark.slow
@pytest.mark.req("O-01", "O-04", "O-05", "O-06", "O-07", "O-09", "O-13", "P-03", "P-09")
@pytest.mark.req("F-011", "F-013", "F-015", "F-016", "F-018", "F-019", "F-023", "F-026")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("members", [m for _, m in _ALL], ids=[name for name, _ in _ALL])
def test_an_order_is_carried_out_once_whatever_fails(members: list[Case]) -> None:
    lived, wrong = 0, list[str]()

    for case in members:
        for each, found in with_deaths(case):
            lived += 1
            wrong += [f"{each}: {sentence}" for sentence in found]

    print(f"{len(members)} combinations of fault and commit, with deaths {lived} lives")
    assert wrong[:5] == []
    assert lived >= 5 * len(members)  # each was also lived with a death after each of its calls
