"""One kr_trade at a time, whatever is typed."""

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk


@pytest.mark.req("P-01", "F-090", "F-091", "F-009", "M-16")
def test_every_further_start_is_refused_with_3_and_the_holder_stays_readable(desk: "Desk") -> None:
    holder = desk.start_trading("--interval", "60")
    lock = desk.directory / "data" / "instance.lock"
    # As in F-090: one refusal must not open the door for the next start.
    refused = [desk.trade() for _ in range(3)]
    text = lock.read_text(encoding="utf-8")
    is_alive = holder.poll() is None
    holder.terminate()
    desk.end_of(holder)

    assert [ended.code for ended in refused] == [3, 3, 3]
    assert is_alive
    assert f"pid={holder.pid}\n" in text
    for ended in refused:
        assert len(ended.err.splitlines()) == 1
        assert "이미 실행 중입니다" in ended.err
        assert f"pid={holder.pid}" in ended.err


@pytest.mark.req("P-01", "F-091")
def test_a_lock_left_by_a_killed_run_with_a_foreign_pid_does_not_stop_the_next(
    desk: "Desk",
) -> None:
    (desk.directory / "data").mkdir()
    left = f"pid={os.getpid()}\nhost=elsewhere\nstarted=2026-11-24T08:00:00+09:00\n"
    (desk.directory / "data" / "instance.lock").write_text(left, encoding="utf-8")

    process = desk.start_trading()
    process.terminate()

    assert desk.end_of(process).code == 130


@pytest.mark.req("M-18")
def test_status_can_be_asked_while_a_session_runs(desk: "Desk") -> None:
    process = desk.start_trading()
    status = desk.run("--mode", "status")
    process.terminate()
    desk.end_of(process)

    assert status.code == 0
    assert "RISK MANAGER STATUS" in status.out
