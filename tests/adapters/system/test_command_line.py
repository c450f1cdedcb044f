"""What is said of a command line that is not understood, in every version of Python alike."""

import shlex

import pytest

from apps.command_line import CommandLine
from apps.exit_code import ExitCode


def _line() -> CommandLine:
    line = CommandLine(prog="app")
    line.add_argument("--mode", choices=["trade", "status"], required=True)
    line.add_argument("--days", type=int)
    line.add_argument("--days-ago", type=int)
    either = line.add_mutually_exclusive_group()
    either.add_argument("--adopt", action="store_true")
    either.add_argument("--ignore", action="store_true")
    return line


@pytest.mark.req("M-16")
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "빠진 인자가 있습니다: --mode."),
        ("--mode", "--mode 뒤에 값이 필요합니다."),
        ("--mode tarde", "--mode 에 쓸 수 없는 값입니다: tarde (가능한 값: trade, status)."),
        ("--mode 'a b'", "--mode 에 쓸 수 없는 값입니다: a b (가능한 값: trade, status)."),
        ("--mode trade --days x", "--days 에 쓸 수 없는 값입니다: x."),
        ("--mode trade --adopt --ignore", "--ignore 와 --adopt 는 함께 쓸 수 없습니다."),
        ("--mode trade --adopt=yes", "--adopt 뒤에는 값을 쓰지 않습니다: yes."),
        ("--mode trade --da 3", "--da 는 여러 인자의 앞부분입니다: --days, --days-ago."),
        ("--mode trade --nonsense", "모르는 인자입니다: --nonsense."),
    ],
)
def test_a_slip_of_the_hand_is_told_in_korean_with_2(
    typed: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        _line().parse_args(shlex.split(typed))

    assert ended.value.code == ExitCode.REFUSED
    assert capsys.readouterr().err == f"{said} 사용법은 --help 로 볼 수 있습니다.\n"
