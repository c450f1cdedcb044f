"""`config/krx_sessions.yaml`: what the holiday package cannot know, kept by the operator."""

from datetime import date, time
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails


class SessionFileError(Exception):
    """The file cannot be used; the text is Korean and names the file."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    date: date
    why: str


class SpecialHours(_Entry):
    """A trading day with other hours (KST)."""

    opens: time
    closes: time

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError(f"{self.date}: 개장이 마감보다 늦습니다")
        return self


class Closure(_Entry):
    """A day on which the exchange is closed though the package says open."""


class OpenDay(_Entry):
    """A day on which the exchange is open though the package says closed."""


class SessionOverlay(BaseModel):
    """The file. Up to `confirmed_until` the exchange's own announcement was compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    confirmed_until: date
    special_hours: tuple[SpecialHours, ...] = ()
    closures: tuple[Closure, ...] = ()
    open_days: tuple[OpenDay, ...] = ()

    @model_validator(mode="after")
    def _says_one_thing_a_day(self) -> Self:
        _refuse_repeats([entry.date for entry in self.special_hours])
        _refuse_repeats([entry.date for entry in (*self.closures, *self.open_days)])
        return self


def read_overlay(path: Path) -> SessionOverlay:
    """Read the file. Raises SessionFileError."""
    try:
        # BaseLoader keeps every scalar as text; `10:00` is 600 to the others.
        document = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=yaml.BaseLoader)
        return SessionOverlay.model_validate(document)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SessionFileError(f"거래소 일정 파일을 읽을 수 없습니다: {path} ({why})") from error
    except UnicodeDecodeError as error:
        raise SessionFileError(f"{path}: UTF-8 파일이 아닙니다.") from error
    except yaml.YAMLError as error:
        raise SessionFileError(f"{path}: YAML 문법이 잘못되었습니다.") from error
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in found["loc"]) or "내용"
        raise SessionFileError(f"{path}: {where}: {_sentence(found)}") from error


def _sentence(found: ErrorDetails) -> str:
    """pydantic's finding in Korean."""
    kind = found["type"]
    if kind == "value_error":
        return f"{found['ctx']['error']}."
    if kind == "missing":
        return "값이 필요합니다."
    if kind == "extra_forbidden":
        return "모르는 이름입니다."
    return "값이 잘못되었습니다. 날짜는 2026-12-31, 시각은 10:00, 목록은 [ ] 꼴로 적습니다."


def _refuse_repeats(dates: list[date]) -> None:
    for day in dates:
        if dates.count(day) > 1:
            raise ValueError(f"{day}이(가) 두 번 나옵니다")
