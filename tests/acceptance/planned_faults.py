"""Faults of a simulator that strike when its market's time has come."""

from collections.abc import Sequence
from datetime import time

from kis_core.market.session import KST
from kis_sandbox.faults import Fault, FaultKind, Faults
from kis_sandbox.sandbox import Sandbox

Planning = tuple[time, str, FaultKind, int | None, dict[str, object]]
"""From when, on which route, what, how often (None: always), and with which parameters."""


class PlannedFaults(Faults):
    """Installs what is planned, in order of time."""

    def __init__(self, sandbox: Sandbox, plan: Sequence[Planning], *, seed: int) -> None:
        super().__init__(seed)
        self._sandbox = sandbox
        self._waiting = list(plan)

    def striking(self, route: str) -> dict[FaultKind, Fault]:
        now = self._sandbox.exchange.now.astimezone(KST).time()
        while self._waiting and self._waiting[0][0] <= now:
            _, where, kind, count, params = self._waiting.pop(0)
            self.add(where, kind, count=count, params=params)
        return super().striking(route)
