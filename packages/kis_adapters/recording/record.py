"""Reading a record: its header, its calls one by one, and what is wrong with it."""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from pydantic import TypeAdapter, ValidationError

from kis_adapters.recording.tape import FORMAT

_PREFIX = b'{"chain":"'
_BODY_AT = len(_PREFIX) + 8 + len('",')


class BadRecord(ValueError):
    """The file is no record that can be replayed; the text is Korean, for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call on record; `line` is its line in the file, the header's being 1."""

    line: int
    name: str
    args: list[Any]
    kw: dict[str, Any]
    answer: Any = None
    raised: dict[str, Any] | None = None


_CALL = TypeAdapter(Call)


class Record:
    """The record in `path`. Raises BadRecord, also while it is read.

    `changed` fills while `calls` is read: the lines whose checksum does not fit what they say.
    `is_whole` is known after the last one: False for a session that was killed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._chain = 0
        self.changed: list[int] = []
        self._lines = self._read()
        self.is_whole = False
        first = next(self._lines, None)
        if first is None:
            raise BadRecord(f"{path}: 빈 기록입니다")
        self.header = self._document(1, first)
        known = self.header.get("format")
        if known is None:
            raise BadRecord(f"{path}: 세션 기록이 아닙니다")
        if known != FORMAT:
            made_by = f"{self.header.get('version')} ({self.header.get('commit')})"
            raise BadRecord(
                f"{path}: 기록 형식이 {known}입니다. 이 버전은 형식 {FORMAT}만 재현하니,"
                f" 기록을 만든 버전 {made_by} 으로 재현하세요"
            )

    def calls(self) -> Iterator[Call]:
        """Every call in order; once."""
        for line, content in enumerate(self._lines, start=2):
            document = self._document(line, content)
            if document.get("ended"):
                self.is_whole = True
                return
            yield self._call(line, document)

    def _call(self, line: int, document: dict[str, Any]) -> Call:
        try:
            return _CALL.validate_python({**document, "line": line, "name": document.get("call")})
        except ValidationError as error:
            missing = ", ".join(".".join(map(str, e["loc"])) for e in error.errors())
            raise BadRecord(
                f"{self._path}:{line}: 호출의 꼴이 아닙니다 (항목 {missing})"
            ) from error

    def _document(self, line: int, content: bytes) -> dict[str, Any]:
        body = b"{" + content[_BODY_AT:]
        told = content[len(_PREFIX) : len(_PREFIX) + 8]
        if not content.startswith(_PREFIX) or b"%08x" % crc32(body, self._chain) != told:
            self.changed.append(line)
        try:
            document = json.loads(content)
            # The next line's checksum was taken over what stood here once.
            self._chain = int(str(document.get("chain", "0")), 16)
        except (ValueError, AttributeError) as error:
            raise BadRecord(f"{self._path}:{line}: 읽을 수 없는 줄입니다") from error
        return dict(document)

    def _read(self) -> Iterator[bytes]:
        """The lines that are whole; the last one of a killed process may not be."""
        try:
            with gzip.open(self._path, "rb") as file:
                for line in file:
                    if line.endswith(b"\n"):
                        yield line.rstrip(b"\n")
        except FileNotFoundError as error:
            raise BadRecord(f"{self._path}: 그런 파일이 없습니다") from error
        except EOFError:
            return  # cut off by the death of its writer: everything before counts
        except (OSError, zlib.error) as error:
            raise BadRecord(f"{self._path}: 세션 기록을 읽을 수 없습니다 ({error})") from error
