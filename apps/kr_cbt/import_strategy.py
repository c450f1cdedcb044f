"""`--mode import --kis-yaml`: a KIS strategy file as a settings file of ours, where it fits."""

from pathlib import Path

from apps.exit_code import ExitCode
from apps.terminal import say
from kis_adapters.kis_yaml.fit import Fitted, fit
from kis_adapters.kis_yaml.misfit import Misfit
from kis_adapters.settings.error import SettingsError
from kis_adapters.settings.yaml_file import read_yaml


def import_strategy(file: Path, target: Path) -> int:
    """Write the settings that say what `file` says, and tell what this strategy does besides. A
    file that says anything else is refused (exit 2), as is a target that is there already."""
    try:
        tree, _ = read_yaml(file)
        fitted = fit(tree)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as out:
            out.write(_text(fitted, file))
    except SettingsError as error:
        return say(str(error), ExitCode.REFUSED)
    except Misfit as error:
        return say(f"{file}: 이 전략으로 옮길 수 없습니다.\n  {error}", ExitCode.REFUSED)
    except FileExistsError:
        return say(f"{target}: 이미 있는 파일입니다. --to 로 다른 이름을 주세요.", ExitCode.REFUSED)
    except OSError as error:
        return say(f"{target}: 쓸 수 없습니다 ({error.strerror}).", ExitCode.FAILURE)
    print(f"{target}: '{_one_line(fitted.name)}' 을(를) 옮겼습니다.")
    for name, value in fitted.settings.items():
        print(f"  {name}: {_yaml(value)}")
    print("파일이 말하지 않아 이 전략의 것대로 하는 것")
    for note in fitted.notes:
        print(f"  - {note}")
    print(f"쓰려면: --trade-config {target}")
    return ExitCode.OK


def _text(fitted: Fitted, file: Path) -> str:
    lines = [
        f"# KIS 전략 파일에서 가져옴: {_one_line(file.name)} ({_one_line(fitted.name)})",
        *(f"# {note}" for note in fitted.notes),
        "strategy:",
        *(f"  {name}: {_yaml(value)}" for name, value in fitted.settings.items()),
    ]
    return "\n".join(lines) + "\n"


def _yaml(value: float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


def _one_line(text: str) -> str:
    """Text of others in a comment of ours: it must not end the comment."""
    return "".join(c if c.isprintable() else " " for c in text)[:80]
