"""What --stock, --max-runs, --feed and the configuration do to a session."""

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Desk


@pytest.mark.req("M-11", "U-12")
def test_stocks_on_the_command_line_replace_the_universe_and_keep_their_zeros(
    desk: "Desk",
) -> None:
    ended = desk.trade("--stock", "000660", "--stock", "005930", "--max-runs", "1")

    looked_at = {row["stock_code"] for row in desk.rows("SELECT stock_code FROM decisions")}
    known = {row["stock_code"] for row in desk.rows("SELECT stock_code FROM symbol_cache")}
    assert (ended.code, ended.err) == (0, "")
    assert "종목 SK하이닉스(000660), 삼성전자(005930), 진입 후보 2" in ended.out
    assert looked_at <= {"000660", "005930"}
    assert known == {"000660", "005930"}


@pytest.mark.req("M-11", "E-02")
def test_a_session_of_one_run_looks_once_and_ends_with_0(desk: "Desk") -> None:
    ended = desk.trade("--stock", "000660", "--max-runs", "1")

    ends_at = ended.out.splitlines()[-1]
    assert ended.code == 0
    assert "종료" in ends_at
    assert ends_at.startswith("09:0")  # the first cycle is at the open
    assert "거래일 마감" not in ended.out


@pytest.mark.req("U-12", "F-077")
def test_codes_in_yaml_need_no_quotes(desk: "Desk") -> None:
    # YAML 1.1 would read the first as 432 (octal) and the second as 35720.
    desk.write("mine.yaml", "universe:\n  selection_method: fixed\n  stocks: [000660, 035720]\n")

    ended = desk.trade("--universe", "mine.yaml", "--max-runs", "1")

    known = {row["stock_code"] for row in desk.rows("SELECT stock_code FROM symbol_cache")}
    assert ended.code == 0
    assert known == {"000660", "035720"}


@pytest.mark.req("M-11")
def test_the_feed_comes_from_the_file_where_the_command_line_is_silent(desk: "Desk") -> None:
    desk.trade("--stock", "000660", "--max-runs", "1")

    entries = [json.loads(line) for line in desk.log.splitlines()]
    settings = next(e for e in entries if e["event"] == "app.settings")
    assert settings["resolved"]["market_data.feed"] == "rest"
    assert "fast.yaml" in settings["sources"]["market_data.feed"]


@pytest.mark.req("R-02", "F-048", "M-16")
def test_a_kill_switch_blocks_entries_and_the_session_lives_on(desk: "Desk") -> None:
    # Without the switch this symbol is bought in the first minute (see test_trading_day).
    ended = desk.trade("--stock", "005490", "--max-runs", "3", KILL_SWITCH="휴가")

    assert (ended.code, ended.err) == (0, "")
    assert "킬 스위치 켜짐" in ended.out
    assert "휴가" in ended.out
    assert desk.rows("SELECT * FROM order_state") == []


@pytest.mark.req("M-16", "F-009", "U-11")
def test_a_selection_that_leaves_no_symbol_halts_with_4_and_without_an_order(desk: "Desk") -> None:
    # Nothing trades a thousand trillion won a day.
    desk.write(
        "none.yaml",
        "universe:\n"
        "  selection_method: volume_top\n"
        "  candidate_pool_mode: yaml\n"
        "  candidate_stocks: [005930, 000660]\n"
        "  stocks: [005930]\n"
        "  min_volume: 1000000000000000\n"
        "  fallback_to_fixed: false\n",
    )

    ended = desk.trade("--universe", "none.yaml", "--exit-after-close")

    assert ended.code == 4
    assert len(ended.err.splitlines()) == 1
    assert "Traceback" not in ended.out + ended.err
    assert desk.rows("SELECT * FROM order_state") == []
