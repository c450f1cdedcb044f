"""The `.env` file: names and values as they are written, nothing substituted."""

import io
from pathlib import Path

from dotenv.parser import parse_stream

from kis_adapters.settings.error import SettingsError
from kis_adapters.settings.yaml_file import read_text


def read_dotenv(path: Path) -> dict[str, str]:
    """The non-empty variables of `path`; none when there is no such file.

    Raises SettingsError for an unreadable file, a line that is not `NAME=value`, and a name that
    stands twice with different values. Values are never told.
    """
    if not path.exists():
        return {}
    values: dict[str, str] = {}
    problems: list[str] = []
    for binding in parse_stream(io.StringIO(read_text(path))):
        where = f"{path}:{binding.original.line}"
        if binding.error:
            problems.append(f"{where}: '이름=값' 꼴이 아닙니다.")
            continue
        value = (binding.value or "").strip()
        if binding.key is None or not value:
            continue
        if values.get(binding.key, value) != value:
            problems.append(f"{where}: {binding.key}가 서로 다른 값으로 두 번 나옵니다.")
            continue
        values[binding.key] = value
    if problems:
        raise SettingsError(problems)
    return values
