"""What an operator can type, and reading it. A name and its argument may be joined by `_`, so
that a command in a message can be tapped: `/sell_005930`."""

from dataclasses import dataclass
from enum import StrEnum, unique

LENGTH_MAX = 200


@unique
class Name(StrEnum):
    """The commands."""

    STATUS = "status"
    POSITIONS = "positions"
    ORDERS = "orders"
    PNL = "pnl"
    PAUSE = "pause"
    RESUME = "resume"
    KILL = "kill"
    SELL = "sell"
    KEEP = "keep"
    EXPLAIN = "explain"
    HELP = "help"


DESCRIPTIONS = {
    Name.STATUS: "현재 상태",
    Name.POSITIONS: "보유 종목과 손절가",
    Name.ORDERS: "오늘의 주문",
    Name.PNL: "당일 실현 손익과 계좌 평가손익",
    Name.PAUSE: "새 진입 일시 중지",
    Name.RESUME: "새 진입 재개(킬 스위치는 확인 후 해제)",
    Name.KILL: "킬 스위치: 새 진입 중단 (뒤에 사유)",
    Name.SELL: "종목코드: 확인 후 시장가로 모두 매도",
    Name.KEEP: "종목코드: 기다리는 매도 지시 취소",
    Name.EXPLAIN: "주문번호: 왜 냈고 어떻게 되었는지",
    Name.HELP: "이 도움말",
}
QUERIES = frozenset({Name.STATUS, Name.POSITIONS, Name.ORDERS, Name.PNL, Name.EXPLAIN, Name.HELP})


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as it was typed."""

    name: Name
    argument: str = ""


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """Why it is none, in Korean."""

    why: str


def is_question(text: str) -> bool:
    """Whether `text` only asks; its answer need not wait for others, nor others for it."""
    asked = read(text, bot_name=None)
    return isinstance(asked, Asked) and asked.name in QUERIES


def read(text: str, *, bot_name: str | None) -> Asked | NotUnderstood | None:
    """The command in `text`; None for one that is another bot's (`/status@other_bot`)."""
    typed = text.strip()
    if len(typed) > LENGTH_MAX:
        return NotUnderstood("너무 긴 메시지입니다. 명령은 /help 로 볼 수 있습니다.")
    if not typed.startswith("/"):
        return NotUnderstood("명령은 /로 시작합니다. /help 로 볼 수 있습니다.")
    word, _, rest = typed[1:].partition(" ")
    word, at, addressee = word.partition("@")
    if at and bot_name is not None and addressee.casefold() != bot_name.casefold():
        return None
    name, _, joined = word.casefold().partition("_")
    argument = " ".join(f"{joined} {rest}".split())
    try:
        return Asked(Name(name if name != "start" else Name.HELP), argument)
    except ValueError:
        return NotUnderstood("모르는 명령입니다. /help 로 볼 수 있습니다.")
