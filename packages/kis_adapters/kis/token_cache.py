"""The token on disk: one file for each mode, app key and host, readable by its owner alone."""

import os
import tempfile
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from kis_core.orders.identity import TradingMode

_OTHERS = 0o077

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HeldToken:
    """An access token. `confirmed_on` is the KST day on which the broker last gave it."""

    value: str
    expires_at: datetime
    confirmed_on: date

    def __repr__(self) -> str:
        return f"HeldToken(expires_at={self.expires_at.isoformat()})"


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid")

    mode: TradingMode
    key: str
    access_token: str = Field(pattern=r"^[!-~]+$")
    expires_at: AwareDatetime
    confirmed_on: date


class TokenCache:
    """Keeps the token of (`mode`, `key`) in `directory`; `key` is a fingerprint, not the key."""

    def __init__(self, *, directory: Path, mode: TradingMode, key: str) -> None:
        self._mode = mode
        self._key = key
        self.path = directory / f"kis-token-{mode.lower()}-{key}.json"

    def load(self) -> HeldToken | None:
        """What was saved; None when there is nothing usable (absent, damaged, another key's)."""
        try:
            text = self.path.read_text(encoding="utf-8")
            if self.path.stat().st_mode & _OTHERS:
                self.path.chmod(0o600)
            stored = _Stored.model_validate_json(text)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:  # ValidationError is a ValueError
            _log.warning("kis.token.cache_ignored", why=_reason(error))
            return None
        if (stored.mode, stored.key) != (self._mode, self._key):
            _log.warning("kis.token.cache_ignored", why="made for another mode or key")
            return None
        return HeldToken(
            value=stored.access_token,
            expires_at=stored.expires_at,
            confirmed_on=stored.confirmed_on,
        )

    def save(self, token: HeldToken) -> None:
        """Replace the file atomically. A failure is logged: the token still works in memory."""
        stored = _Stored(
            mode=self._mode,
            key=self._key,
            access_token=token.value,
            expires_at=token.expires_at,
            confirmed_on=token.confirmed_on,
        )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _replace(self.path, stored.model_dump_json())
        except OSError as error:
            _log.warning("kis.token.cache_not_saved", why=_reason(error))


def _replace(path: Path, text: str) -> None:
    # mkstemp creates with mode 0600, so the token is never readable by others, not even briefly.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _reason(error: Exception) -> str:
    # pydantic's own text would quote the file, and with it the token.
    if isinstance(error, ValidationError):
        return f"damaged: {error.error_count()} fields"
    return type(error).__name__
