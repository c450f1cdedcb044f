"""The five-day rehearsal: every figure of every day is what it must be, and says so when not."""

from pathlib import Path

import pytest

from scripts.rehearsal import Day, main, markdown, rehearse
from scripts.rehearsal_stage import Figure

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.mark.req("V-01")
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_every_figure_of_a_day_holds(number: int, tmp_path: Path) -> None:
    day = rehearse(number, tmp_path / "day")

    assert [figure.row for figure in day.figures if not figure.holds] == []
    assert len(day.figures) >= 5


@pytest.mark.req("V-01")
def test_a_figure_that_does_not_hold_fails_its_day_and_is_shown() -> None:
    good = Figure(what="종료 코드", measured="0", wanted="0", holds=True)
    bad = Figure(what="두 번 나간 주문", measured="1건", wanted="0건", holds=False)
    day = Day(number=3, title="재시작", figures=(good, bad), took_s=7.4)

    report = markdown([day])

    assert not day.holds
    assert "리허설 실패: 3일차를 확인하세요." in report
    assert "## 3일차 재시작: 실패 (7초)" in report
    assert "| 두 번 나간 주문 | 1건 | 0건 | 실패 |" in report


def test_a_day_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--days", "6"])

    assert ended.value.code == 2
    assert "6" in capsys.readouterr().err
