"""All settings, resolved: one frozen object that decides mode, hosts, limits and paths."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date
from enum import Enum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr

from kis_adapters.settings.sections import (
    ApiSettings,
    CostSettings,
    CredentialSettings,
    DatabaseSettings,
    EngineSettings,
    EventSettings,
    HeartbeatSettings,
    LogSettings,
    MarketDataSettings,
    MessageSettings,
    OrderSettings,
    PathSettings,
    RealSettings,
    RecordingSettings,
    RiskSettings,
    Section,
    SimulatorSettings,
    SizingSettings,
    StrategySettings,
    TelegramSettings,
)
from kis_adapters.settings.universe import StockOverride, UniverseSettings
from kis_core.orders.identity import TradingMode, masked_account

Plain = str | int | float | bool | None | list[str]

_HIDDEN = "********"


class Settings(Section):
    """What one process runs with.

    `credentials` is None in PAPER without keys: then the bundled simulator is the broker.
    `sources` says for every setting that is not a plain default where it came from (Korean),
    `warnings` are Korean sentences for the start log. Nothing in its text form is secret.
    """

    mode: TradingMode
    market_data: MarketDataSettings
    engine: EngineSettings
    strategy: StrategySettings
    risk: RiskSettings
    sizing: SizingSettings
    orders: OrderSettings
    real: RealSettings
    costs: CostSettings
    events: EventSettings
    api: ApiSettings
    credentials: CredentialSettings | None
    database: DatabaseSettings
    telegram: TelegramSettings
    messages: MessageSettings
    paths: PathSettings
    heartbeat: HeartbeatSettings
    log: LogSettings
    recording: RecordingSettings
    simulator: SimulatorSettings
    universe: UniverseSettings
    stock_overrides: dict[str, StockOverride] = Field(default_factory=dict)
    sources: dict[str, str] = Field(default_factory=dict, repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def uses_simulator(self) -> bool:
        """Whether the bundled simulator stands in for the broker (M-15)."""
        return self.mode is TradingMode.PAPER and self.credentials is None

    @property
    def uses_telegram(self) -> bool:
        """Whether messages go to a telephone too."""
        telegram = self.telegram
        return telegram.enabled and None not in (telegram.bot_token, telegram.chat_id)

    def masked(self) -> dict[str, Plain]:
        """Every setting by its dotted name, safe to print: secrets are hidden, of the account
        its last two digits and of the database its kind, host and name remain."""
        return {name: _shown(name, value) for name, value in self._flat()}

    def fingerprint(self) -> str:
        """A short hash of all settings that are no secrets: equal text, equal behaviour (L-05)."""
        plain = {
            name: _shown(name, value)
            for name, value in self._flat()
            if not isinstance(value, SecretStr)
        }
        text = json.dumps(plain, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def secret_values(self) -> frozenset[str]:
        """Every secret text that must never reach a log, for the log's own last filter."""
        secrets = {v.get_secret_value() for _, v in self._flat() if isinstance(v, SecretStr)}
        url = self.database.url.get_secret_value()
        secrets.discard(url)
        password = urlsplit(url).password
        if password:
            secrets |= {password, unquote(password)}
        return frozenset(secret for secret in secrets if secret)

    def _flat(self) -> Iterator[tuple[str, object]]:
        for section in Settings.model_fields:
            if section in ("sources", "warnings"):
                continue
            value = getattr(self, section)
            if isinstance(value, Section):
                yield from _leaves(section, value)
            elif isinstance(value, dict):
                for code, override in sorted(value.items()):
                    yield from _leaves(f"{section}.{code}", override)
            else:
                yield section, value


def _leaves(prefix: str, section: Section) -> Iterator[tuple[str, object]]:
    for field in type(section).model_fields:
        yield f"{prefix}.{field}", getattr(section, field)


def _shown(name: str, value: object) -> Plain:
    if isinstance(value, SecretStr):
        return _hidden(name, value.get_secret_value())
    if isinstance(value, tuple):
        return [str(item) for item in value]
    if isinstance(value, Enum):
        return str(value.value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Path | date):
        return str(value)
    raise TypeError(f"{name} has a type that cannot be shown: {type(value).__name__}")


def _hidden(name: str, secret: str) -> str:
    if name == "credentials.account_no":
        return masked_account(secret)
    if name == "database.url":
        parts = urlsplit(secret)
        where = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
        login = f"{_HIDDEN}@" if parts.username or parts.password else ""
        return f"{parts.scheme}://{login}{where}{parts.path}"
    return _HIDDEN


def sections_of() -> Mapping[str, type[Section]]:
    """The configurable sections by name, for reading the layers."""
    return {
        "market_data": MarketDataSettings,
        "engine": EngineSettings,
        "strategy": StrategySettings,
        "risk": RiskSettings,
        "sizing": SizingSettings,
        "orders": OrderSettings,
        "real": RealSettings,
        "costs": CostSettings,
        "events": EventSettings,
        "api": ApiSettings,
        "credentials": CredentialSettings,
        "database": DatabaseSettings,
        "telegram": TelegramSettings,
        "messages": MessageSettings,
        "paths": PathSettings,
        "heartbeat": HeartbeatSettings,
        "log": LogSettings,
        "recording": RecordingSettings,
        "simulator": SimulatorSettings,
        "universe": UniverseSettings,
    }
