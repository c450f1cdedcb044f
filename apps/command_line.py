"""Command lines that are read alike, and refused in Korean."""

import argparse
import re
from typing import NoReturn

from apps.exit_code import ExitCode
from apps.terminal import say

# The messages of argparse that a slip of the hand can meet; which words it quotes depends on the
# version of Python.
_MESSAGES = (
    (
        re.compile(r"argument (\S+): invalid choice: (.+?) \(choose from (.+)\)"),
        "{0} 에 쓸 수 없는 값입니다: {1} (가능한 값: {2}).",
    ),
    (
        re.compile(r"argument (\S+): invalid \S+ value: (.+)"),
        "{0} 에 쓸 수 없는 값입니다: {1}.",
    ),
    (
        re.compile(r"argument (\S+): expected (?:one|at least one) argument"),
        "{0} 뒤에 값이 필요합니다.",
    ),
    (
        re.compile(r"argument (\S+): not allowed with argument (\S+)"),
        "{0} 와 {1} 는 함께 쓸 수 없습니다.",
    ),
    (
        re.compile(r"argument (\S+): ignored explicit argument (.+)"),
        "{0} 뒤에는 값을 쓰지 않습니다: {1}.",
    ),
    (re.compile(r"argument (\S+): (.+)"), "{0}: {1}."),
    (
        re.compile(r"ambiguous option: (\S+) could match (.+)"),
        "{0} 는 여러 인자의 앞부분입니다: {1}.",
    ),
    (re.compile(r"the following arguments are required: (.+)"), "빠진 인자가 있습니다: {0}."),
    (re.compile(r"unrecognized arguments: (.+)"), "모르는 인자입니다: {0}."),
)


class CommandLine(argparse.ArgumentParser):
    """Says in Korean what is wrong, and ends with the documented code."""

    def error(self, message: str) -> NoReturn:
        raise SystemExit(
            say(f"{_korean(message)} 사용법은 --help 로 볼 수 있습니다.", ExitCode.REFUSED)
        )


def _korean(message: str) -> str:
    for pattern, sentence in _MESSAGES:
        if found := pattern.fullmatch(message):
            return sentence.format(*(words.replace("'", "") for words in found.groups()))
    return f"명령줄을 이해하지 못했습니다: {message}."
