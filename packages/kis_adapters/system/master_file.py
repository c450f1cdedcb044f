"""The broker's public master file of KOSPI: which issues are listed, and who is in KOSPI200.

One issue a line in cp949: short code (9 characters), standard code (12), the name in as many bytes
as it takes, then a tail of 227 characters. The tail is cut from the right, for a name has fewer
characters than bytes. Source: kis-wire section 7.7.
"""

import io
import re
import zipfile
from dataclasses import dataclass

import httpx

MASTER_URL = "https://new.real.download.dws.co.kr/common/master/kospi_code.mst.zip"

_NAME_IN_ZIP = "kospi_code.mst"
_BYTES_MAX = 20_000_000  # the real file has about 0.7 MB
_TAIL = 227
_CODE, _ISIN = slice(0, 9), slice(9, 21)
_HEAD = 21
_KOSPI200 = 18  # in the tail: the sector within KOSPI200, 0 for no member
_SIZE = slice(212, 221)  # in the tail: market capitalisation of the day before, 억원
_GROUP = slice(0, 2)
_SHARE = "ST"
_MEMBERS_LEAST, _MEMBERS_MOST = 190, 210  # 200, and some around a rebalancing or a split
_SYMBOL = re.compile(r"[0-9A-Z]{6}")
_ISIN_FORM = re.compile(r"[A-Z]{2}[0-9A-Z]{10}")
_NOT_A_MEMBER = frozenset("0 ")


class MasterFileDamaged(Exception):
    """The file is not what it should be; the text is Korean and names the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    code: str
    is_member: bool
    market_cap_eok: int


def kospi200_of(content: bytes) -> tuple[str, ...]:
    """The codes of the KOSPI200 members, largest first. Raises MasterFileDamaged."""
    lines = _decoded(content).splitlines()
    parsed = [_parsed(line, number) for number, line in enumerate(lines, start=1) if line.strip()]
    members = [line for line in parsed if line.is_member]
    if not _MEMBERS_LEAST <= len(members) <= _MEMBERS_MOST:
        raise MasterFileDamaged(
            f"종목 마스터 파일의 KOSPI200 종목이 {len(members)}개입니다"
            f" ({_MEMBERS_LEAST}~{_MEMBERS_MOST}개여야 합니다): 파일이 잘렸을 수 있습니다"
        )
    members.sort(key=lambda line: (-line.market_cap_eok, line.code))
    return tuple(line.code for line in members)


def unzipped(content: bytes) -> bytes:
    """The master file in a downloaded archive. Raises MasterFileDamaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if archive.getinfo(_NAME_IN_ZIP).file_size > _BYTES_MAX:
                raise MasterFileDamaged("종목 마스터 파일이 너무 큽니다")
            return archive.read(_NAME_IN_ZIP)
    except KeyError as error:
        raise MasterFileDamaged(f"압축 파일에 {_NAME_IN_ZIP}가 없습니다") from error
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise MasterFileDamaged("종목 마스터 압축 파일이 손상되었습니다") from error


def download_master(*, timeout_s: float = 10.0, url: str = MASTER_URL) -> bytes:
    """The master file as published now. Raises MasterFileDamaged also when it cannot be had."""
    try:
        with httpx.stream("GET", url, timeout=timeout_s) as response:
            response.raise_for_status()
            content = bytearray()
            for part in response.iter_bytes():
                content += part
                if len(content) > _BYTES_MAX:
                    raise MasterFileDamaged("종목 마스터 파일이 너무 큽니다")
    except httpx.HTTPError as error:
        raise MasterFileDamaged(
            f"종목 마스터 파일을 내려받지 못했습니다 ({type(error).__name__})"
        ) from error
    return unzipped(bytes(content))


def _decoded(content: bytes) -> str:
    if b"\x00" in content or _is_other_encoding(content):
        raise MasterFileDamaged("종목 마스터 파일의 글자 인코딩이 cp949가 아닙니다")
    try:
        return content.decode("cp949")
    except UnicodeDecodeError as error:
        raise MasterFileDamaged(
            "종목 마스터 파일의 글자 인코딩이 cp949가 아니거나 파일이 잘렸습니다"
        ) from error


def _is_other_encoding(content: bytes) -> bool:
    """Whether it reads as UTF-8 with Korean in it: such bytes can pass as wrong cp949."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not text.isascii()


def _parsed(line: str, number: int) -> _Line:
    tail = line[-_TAIL:]
    code = line[_CODE].rstrip()
    size = tail[_SIZE].strip()
    is_whole = len(line) > _HEAD + _TAIL and tail.isascii()
    if not is_whole or not _ISIN_FORM.fullmatch(line[_ISIN]) or not (size or "0").isdigit():
        raise MasterFileDamaged(f"종목 마스터 파일 {number}번째 줄의 형식이 맞지 않습니다")
    is_share = tail[_GROUP] == _SHARE and _SYMBOL.fullmatch(code) is not None
    return _Line(
        code=code,
        is_member=is_share and tail[_KOSPI200] not in _NOT_A_MEMBER,
        market_cap_eok=int(size or "0"),
    )
