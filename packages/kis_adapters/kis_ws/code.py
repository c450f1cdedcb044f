"""Every answer code of the stream and what is done about it, in one table. Source: kis-wire 6.2.

A code that is not in the table is nobody's success: that registration is tried again later.
"""

from enum import StrEnum, unique


@unique
class Remedy(StrEnum):
    """What to do about an answer."""

    ACTIVE = "active"  # the registration stands
    INACTIVE = "inactive"  # it does not, and that is as wanted
    AGAIN = "again"  # try that registration again, after a while
    FEWER = "fewer"  # the places are used up: the least important registration gives way
    NEW_KEY = "new_key"  # a new approval key, and a new connection
    BUSY = "busy"  # another session of this app key is there, or just was: wait, then reconnect
    GIVE_UP_ONE = "give_up_one"  # that registration is wrong; the others stand
    STOP = "stop"  # the keys are wrong, or our messages: no reconnect will help


def remedy_for(code: str) -> Remedy:
    """What to do about `code`."""
    return _REMEDIES.get(code, Remedy.AGAIN)


def _all(codes: str, remedy: Remedy) -> dict[str, Remedy]:
    return dict.fromkeys((f"OPSP{code}" for code in codes.split()), remedy)


_REMEDIES: dict[str, Remedy] = {
    **_all("0000 0002", Remedy.ACTIVE),
    **_all("0001 0003", Remedy.INACTIVE),
    **_all("0007 0009 8999 9993 9995", Remedy.AGAIN),
    **_all("0008", Remedy.FEWER),
    **_all("0011", Remedy.NEW_KEY),
    **_all("8996", Remedy.BUSY),
    **_all("8991 8992 8993", Remedy.GIVE_UP_ONE),
    **_all("0010 8994 8995 9994 9996", Remedy.STOP),
    **_all("8997 8998 9990 9991 9992 9997 9998 9999", Remedy.STOP),
}
KNOWN_CODES = frozenset(_REMEDIES)
