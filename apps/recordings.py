"""Recordings of sessions: what stands in their header, and the settings that come back from it.

Both applications record alike; the record says which of them it was.
"""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from apps.build import commit_hash, product_version
from apps.session_settings import session_settings
from kis_adapters.recording.record import BadRecord
from kis_adapters.recording.retention import drop_oldest
from kis_adapters.recording.tape import Tape
from kis_adapters.settings.settings import Settings
from kis_core.orders.identity import Namespace, TradingMode, masked_account
from kis_core.ports.clock import Clock
from kis_core.session.settings import SessionSettings

_MB = 1_000_000
# Secrets, and what the engine does not know of: a record can be shown to anyone.
_LEFT_OUT: Any = {
    "credentials": True,
    "telegram": True,
    "messages": True,
    "database": True,
    "paths": True,
    "recording": True,
    "sources": True,
    "warnings": True,
    "api": {"hts_id", "base_url", "ws_url"},
}


def open_tape(
    directory: Path, settings: Settings, *, app: str, namespace: Namespace, clock: Clock
) -> Tape:
    """A new record in `directory`, named after the app and the session's time; the oldest ones
    make room for it. Raises OSError."""
    now = clock.now()
    most_bytes = settings.recording.keep_mb * _MB // 2  # those that stay, and the new one
    drop_oldest(directory, app=app, most_bytes=most_bytes)
    header = {
        "app": app,
        "mode": namespace.mode,
        "account": masked_account(namespace.account),
        "started_at": now,
        "version": product_version(),
        "commit": commit_hash(),
        "settings": settings.model_dump(mode="json", exclude=_LEFT_OUT),
    }
    for number in itertools.count(1):
        again = f"-{number}" if number > 1 else ""
        path = directory / f"{app}_{now:%Y%m%d_%H%M%S}{again}.jsonl.gz"
        if not path.exists():
            return Tape(path, header, most_bytes=most_bytes)
    raise AssertionError("the numbers are without end")


def recorded_settings(header: Mapping[str, Any]) -> SessionSettings:
    """The settings that the recorded session ran with. Raises BadRecord."""
    try:
        document: dict[str, Any] = {
            "credentials": None,
            "telegram": {},
            "messages": {},
            "database": {},
            "paths": {},
            "recording": {},
        }
        settings = Settings.model_validate({**header["settings"], **document})
        mode, account = TradingMode(header["mode"]), str(header["account"])
    except (KeyError, ValidationError, ValueError) as error:
        raise BadRecord(
            f"기록된 설정을 이 버전에서 쓸 수 없습니다 (기록한 버전 {header.get('version')},"
            f" {header.get('commit')})"
        ) from error
    return settings_in(mode, settings, account=account)


def settings_in(mode: TradingMode, settings: Settings, *, account: str) -> SessionSettings:
    """The session's settings in `mode`; the first steps of a real account are a real one's."""
    made = session_settings(settings, account=account)
    if mode is not TradingMode.VIRTUAL:
        return made
    namespace = Namespace(mode=TradingMode.VIRTUAL, account=account)
    return replace(made, namespace=namespace, first_day=None)
