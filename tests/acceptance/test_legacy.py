"""The old command names, as the fingers that know them type them (M-20)."""

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from apps.legacy.__main__ import new_command

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk

_TRADE = ["-m", "apps.kr_trade"]


@pytest.mark.req("M-20")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "main_multiday.py --mode trade --interval 60",
            [*_TRADE, "--mode", "trade", "--interval", "60", "--feed", "rest"],
        ),
        (
            "main_multiday.py --mode trade --confirm-real-trading --real-first-order-percent 10"
            " --real-limit-symbols-first-day",
            [
                *(*_TRADE, "--mode", "trade", "--confirm-real-trading"),
                *("--real-first-order-percent", "10", "--real-limit-symbols-first-day"),
                *("--feed", "rest"),
            ],
        ),
        ("main.py", [*_TRADE, "--mode", "trade", "--feed", "rest"]),
        ("./main_v2.py", [*_TRADE, "--mode", "trade", "--feed", "rest"]),
        ("main_v3.py --mode=verify", [*_TRADE, "--mode=verify"]),
        ("main_v3.py --mode backtest", ["-m", "apps.kr_cbt", "--mode", "backtest"]),
        ("main_multiday.py --mode cbt", ["-m", "apps.kr_cbt", "--mode", "cbt"]),
        ("main_cbt.py", ["-m", "apps.kr_cbt", "--mode", "cbt"]),
        ("main_cbt.py --mode report", ["-m", "apps.kr_cbt", "--mode", "report"]),
        ("main.py --help", [*_TRADE, "--help"]),
        ("main_v4.py", None),
        ("", None),
    ],
)
def test_each_old_command_has_its_new_one(old: str, new: list[str] | None) -> None:
    assert new_command(old.split()) == new


@pytest.mark.req("M-20")
def test_an_old_command_trades_and_says_what_it_is_called_now(desk: "Desk") -> None:
    ended = desk.python(
        *("-m", "apps.legacy", "main_multiday.py", "--mode", "trade", "--config", "fast.yaml"),
        *("--stock", "005490", "--max-runs", "2"),
    )

    assert ended.code == 0, ended.err
    assert "python -m apps.kr_trade --mode trade --config fast.yaml" in ended.out
    assert "시뮬레이터로 돕니다" in ended.out


@pytest.mark.req("M-20", "M-08")
def test_an_old_command_passes_no_guard_by(desk: "Desk") -> None:
    keys = {
        "REAL_KIS_APP_KEY": "FAKE-KEY",
        "REAL_KIS_APP_SECRET": "FAKE-SECRET",
        "REAL_KIS_ACCOUNT_NO": "99000001",
        "REAL_KIS_ACCOUNT_PRODUCT_CODE": "01",
    }
    done = subprocess.run(
        [sys.executable, "-m", "apps.legacy", "main_multiday.py", "--mode", "trade"],
        cwd=desk.directory,
        env=desk.environment({"TRADING_MODE": "REAL", **keys}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert "--confirm-real-trading" in done.stderr


@pytest.mark.req("M-20", "M-16")
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("main_v9.py",), "모르는 옛 명령입니다: main_v9.py"),
        ((), "모르는 옛 명령입니다"),
        (("main.py", "--nonsense"), "모르는 인자입니다: --nonsense"),
        (("main.py", "--mode", "tarde"), "쓸 수 없는 값입니다"),
    ],
)
def test_what_is_not_understood_is_named(desk: "Desk", typed: tuple[str, ...], said: str) -> None:
    ended = desk.python("-m", "apps.legacy", *typed)

    assert ended.code == 2
    assert said in ended.err
