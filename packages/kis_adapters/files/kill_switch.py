"""`data/KILL_SWITCH`: a file that anybody can make in a hurry (`touch data/KILL_SWITCH`)."""

from pathlib import Path

from kis_core.ports.files import KillSwitchFile

_DEFAULT_REASON = "KILL_SWITCH 파일"
_REASON_MAX = 200


class TextKillSwitchFile(KillSwitchFile):
    """Whatever can be seen of the file counts: one that cannot be read is a kill switch too."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def reason(self) -> str | None:
        try:
            with self._path.open("rb") as file:
                text = file.read(_REASON_MAX * 4).decode("utf-8-sig", errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            return f"{_DEFAULT_REASON} (읽을 수 없음: {error.strerror})"
        words = " ".join(text.split())
        return words[:_REASON_MAX] or _DEFAULT_REASON
