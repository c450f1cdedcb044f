"""What a simulator is started with."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from pathlib import Path

from kis_sandbox.clock import ClockMode

DEFAULT_SEED = 20_260_914


@unique
class Personality(StrEnum):
    """Which of the broker's two servers is played."""

    PAPER = "paper"
    REAL = "real"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The keys and the account of one personality. All of them say that they are not real."""

    app_key: str
    app_secret: str
    account_no: str
    product_code: str = "01"
    hts_id: str = "sandbox"

    def __repr__(self) -> str:
        return f"Credentials({self.account_no[:2]}******)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preload:
    """Shares in the account before anything happens; `price` is what one cost."""

    symbol: str
    quantity: int
    price: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """The settings of one simulator. `start` is aware; None means now.

    `symbols` is the size of the listing (None: the well-known issues only), `latency_ms` what a
    business call takes on a stepped clock, `rate_per_second` the gateway's limit (None: the
    personality's), `bars` a Parquet file to replay instead of the seeded walk.
    """

    mode: Personality = Personality.PAPER
    host: str = "127.0.0.1"
    port: int = 0
    clock: ClockMode = ClockMode.STEPPED
    speed: float = 60.0
    start: datetime | None = None
    seed: int = DEFAULT_SEED
    symbols: int | None = None
    cash: int = 10_000_000
    holdings: tuple[Preload, ...] = ()
    commission_ppm: int = 150
    latency_ms: int = 20
    rate_per_second: int | None = None
    keeps_sold_rows: bool = True
    state_dir: Path | None = None
    bars: Path | None = None


CREDENTIALS = {
    Personality.PAPER: Credentials(
        app_key="SANDBOX-PAPER-APPKEY".ljust(36, "0"),
        app_secret="SANDBOX-PAPER-APPSECRET-NOT-A-SECRET".ljust(180, "0"),
        account_no="99000001",
    ),
    Personality.REAL: Credentials(
        app_key="SANDBOX-REAL-APPKEY".ljust(36, "0"),
        app_secret="SANDBOX-REAL-APPSECRET-NOT-A-SECRET".ljust(180, "0"),
        account_no="99100001",
    ),
}
