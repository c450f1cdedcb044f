"""The settings, section by section, with their defaults and plain bounds.

The names are those of `config/kr_trade.yaml`. Percentages are percent (2.0 is 2 %), money is won,
times carry their unit in the name. What differs between PAPER and REAL stands in `by_mode`.
"""

import re
from datetime import date
from enum import StrEnum, unique
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, SecretStr

Percent = Annotated[FiniteFloat, Field(gt=0, le=100)]
Multiplier = Annotated[FiniteFloat, Field(gt=0, le=1_000)]
NotNegative = Annotated[FiniteFloat, Field(ge=0, le=1_000)]
Seconds = Annotated[FiniteFloat, Field(gt=0, le=86_400)]
Minutes = Annotated[int, Field(ge=1, le=10_080)]  # a week
Count = Annotated[int, Field(ge=1, le=10**15)]  # won included: more than any account has
HomePath = Annotated[Path, AfterValidator(lambda path: path.expanduser())]


_YES = frozenset({"true", "yes", "on", "1"})
_NO = frozenset({"false", "no", "off", "0", ""})
_DEFAULT_REASON = "설정에서 켠 킬 스위치(KILL_SWITCH)"


def _switch_reason(text: str | None) -> str | None:
    word = (text or "").strip()
    if word.casefold() in _NO:
        return None
    return _DEFAULT_REASON if word.casefold() in _YES else word


class Section(BaseModel):
    """A frozen group of settings that knows no others."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


@unique
class Feed(StrEnum):
    """Where live prices come from."""

    REST = "rest"
    WS = "ws"


class MarketDataSettings(Section):
    feed: Feed = Feed.REST


class EngineSettings(Section):
    """`max_runs` ends the process after so many cycles (None: never). `on_unexplained_difference`:
    what follows where holdings differ from our positions and no order explains it (P-07)."""

    interval_s: Annotated[int, Field(ge=60, le=3_600)] = 60
    near_stop_interval_s: Annotated[int, Field(ge=5, le=60)] = 15
    late_cycle_s: Seconds = 5.0
    snapshot_minutes: Minutes = 10
    prepare_minutes_before_open: Annotated[int, Field(ge=1, le=120)] = 20
    close_after_minutes: Annotated[int, Field(ge=1, le=120)] = 2
    on_unexplained_difference: Literal["warn", "exits_only", "stop"] = "exits_only"
    max_runs: Count | None = None
    exit_after_close: bool = False


class StrategySettings(Section):
    """The parameters of T-02; a `gap_threshold_pct` of None or 0 switches gap protection off."""

    atr_period: Annotated[int, Field(ge=2, le=250)] = 14
    ma_period: Annotated[int, Field(ge=2, le=250)] = 50
    adx_period: Annotated[int, Field(ge=2, le=100)] = 14
    adx_threshold: Annotated[FiniteFloat, Field(gt=0, lt=100)] = 25.0
    adx_exit_threshold: Annotated[FiniteFloat, Field(ge=0, lt=100)] = 20.0
    adx_window: Annotated[int, Field(ge=4, le=1_000)] = 84
    atr_spike_threshold: Multiplier = 2.5
    atr_average_period: Annotated[int, Field(ge=1, le=250)] = 20
    atr_multiplier_sl: Multiplier = 2.0
    atr_multiplier_tp: Multiplier = 3.0
    max_loss_pct: Percent = 5.0
    trailing_enabled: bool = True
    trailing_stop_atr_multiplier: Multiplier = 2.0
    trailing_activation_pct: NotNegative = 1.0
    trend_exit_enabled: bool = True
    gap_threshold_pct: Annotated[FiniteFloat, Field(ge=0, le=100)] | None = 2.0
    gap_epsilon_pct: Annotated[FiniteFloat, Field(ge=0, le=1)] = 0.001
    gap_reference: Literal["entry", "stop", "prev_close"] = "entry"
    near_stop_pct: Percent = 70.0
    alert_pct: Percent = 80.0
    quote_max_age_s: Seconds = 30.0


class RiskSettings(Section):
    """The limits of R. `kill_switch` is the reason while new entries are blocked: any text, or
    a yes, which means the default reason; a no or nothing means that it is off."""

    daily_max_loss_pct: Percent = 2.0
    daily_max_trades: Count = 3
    max_consecutive_losses: Count = 2
    drawdown_warn_pct: Percent = 10.0
    drawdown_stop_pct: Percent = 15.0
    price_collar_pct: Percent = 5.0
    max_order_value: Count = 50_000_000
    max_order_quantity: Count = 10_000
    max_orders_per_minute: Count = 20
    api_error_limit: Count = 5
    api_error_window_s: Annotated[int, Field(ge=1, le=86_400)] = 600
    kill_switch: Annotated[str | None, AfterValidator(_switch_reason)] = None


class SizingSettings(Section):
    """How many shares an entry buys: `shares`, a part of the cash, or a part of the equity
    risked between entry and stop."""

    method: Literal["fixed", "cash_fraction", "atr_risk"] = "fixed"
    shares: Count = 1
    cash_fraction_pct: Percent = 20.0
    atr_risk_pct: Annotated[FiniteFloat, Field(gt=0, le=10)] = 1.0


class OrderSettings(Section):
    """How orders are sent, followed and given up.

    `entry_limit_pct` is how far above the last price an entry's limit stands. `skew_s` is how
    much earlier than our own clock the broker's may stamp an order. A lost answer is looked up
    at least `settle_lookups` times, `settle_interval_s` apart, for `settle_buy_s` or
    `settle_sell_s`, before the order counts as not received.
    """

    entry_order_type: Literal["limit", "market"] = "limit"
    entry_limit_pct: Annotated[FiniteFloat, Field(ge=0, le=5)] = 0.5
    entry_legs_max: Annotated[int, Field(ge=1, le=10)] = 3
    fill_wait_s: Seconds = 45.0
    poll_s: Annotated[FiniteFloat, Field(ge=0.5, le=60)] = 2.0
    cancel_again_s: Seconds = 10.0
    settle_lookups: Annotated[int, Field(ge=2, le=1_000)] = 3
    settle_interval_s: Seconds = 5.0
    settle_buy_s: Seconds = 180.0
    settle_sell_s: Seconds = 30.0
    skew_s: Annotated[FiniteFloat, Field(ge=0, le=60)] = 5.0
    pending_exit_backoff_minutes: Minutes = 5
    pending_order_stale_minutes: Minutes = 240
    pending_no_order_stale_minutes: Minutes = 15


class RealSettings(Section):
    """The first steps of a real account (M-09, M-10): its first order is this percentage of the
    computed quantity, and its first day has one symbol."""

    first_order_percent: Annotated[int, Field(ge=1, le=100)] = 10
    limit_symbols_first_day: bool = True


class CostSettings(Section):
    commission_ppm: Annotated[int, Field(ge=0, le=10_000)] = 150


class EventSettings(Section):
    high_risk_dates: tuple[date, ...] = ()


class ApiSettings(Section):
    """`base_url` and `ws_url` None: the official hosts of the mode."""

    base_url: str | None = None
    ws_url: str | None = None
    hts_id: SecretStr | None = None
    timeout_s: Annotated[FiniteFloat, Field(gt=0, le=60)] = 15.0
    retries: Annotated[int, Field(ge=1, le=10)] = 3
    retry_delay_s: Seconds = 1.0
    rate_per_s: Annotated[FiniteFloat, Field(gt=0, le=20)] = 1.0


class CredentialSettings(Section):
    """One account's keys; product 01 is 위탁종합."""

    app_key: SecretStr
    app_secret: SecretStr
    account_no: SecretStr
    product_code: Annotated[str, Field(pattern=r"^[0-9]{2}$")] = "01"


class DatabaseSettings(Section):
    """A SQLAlchemy URL; secret because it can carry a password."""

    url: SecretStr = SecretStr("sqlite:///data/kis.db")


def _bot_token(token: SecretStr | None) -> SecretStr | None:
    """It becomes a part of a URL, so nothing but what a token is made of may be in it."""
    if token is not None and not re.fullmatch(r"[0-9]+:[\w-]+", token.get_secret_value(), re.A):
        raise ValueError("텔레그램 봇 토큰은 '숫자:글자' 꼴입니다(BotFather가 준 그대로)")
    return token


def _chat_id(chat: SecretStr | None) -> SecretStr | None:
    if chat is not None and not re.fullmatch(r"-?[0-9]{1,20}", chat.get_secret_value(), re.A):
        raise ValueError("텔레그램 대화 번호(chat id)는 정수입니다(단체방은 음수)")
    return chat


class TelegramSettings(Section):
    """One bot and the one conversation that it speaks to and listens to. `api_url` None: the
    official server."""

    bot_token: Annotated[SecretStr | None, AfterValidator(_bot_token)] = None
    chat_id: Annotated[SecretStr | None, AfterValidator(_chat_id)] = None
    enabled: bool = True
    api_url: str | None = None


Loudness = Literal["on", "silent", "off"]


class MessageSettings(Section):
    """What is sent to the telephone: with a sound, without one, or not at all. `commands` False:
    nothing is listened to. A command older than `stale_command_s` is not carried out (a kill
    always is); a question whether it is meant expires after `confirm_within_s`."""

    session: Loudness = "on"
    signal: Loudness = "silent"
    order_sent: Loudness = "silent"
    order_filled: Loudness = "on"
    order_partial: Loudness = "on"
    order_cancelled: Loudness = "silent"
    order_failed: Loudness = "on"
    stop_loss: Loudness = "on"
    take_profit: Loudness = "on"
    trailing: Loudness = "on"
    gap: Loudness = "on"
    near_stop: Loudness = "on"
    near_take: Loudness = "silent"
    pending_exit: Loudness = "on"
    position: Loudness = "on"
    universe: Loudness = "silent"
    feed: Loudness = "on"
    outage: Loudness = "on"
    risk: Loudness = "on"
    kill_switch: Loudness = "on"
    summary: Loudness = "on"
    error: Loudness = "on"
    commands: bool = True
    stale_command_s: Annotated[int, Field(ge=10, le=3_600)] = 120
    confirm_within_s: Annotated[int, Field(ge=10, le=600)] = 60


class PathSettings(Section):
    """`token_dir` holds broker tokens and lies outside the source tree (F-096)."""

    data_dir: HomePath = Path("data")
    token_dir: HomePath = Field(default=Path("~/auto-trade/tokens"), validate_default=True)
    log_dir: HomePath = Field(default=Path("~/auto-trade/logs"), validate_default=True)


class HeartbeatSettings(Section):
    """A sign of life for a watcher outside: `file` is touched, `url` called (it may hold a token,
    so it counts as a secret), whenever the main loop comes round."""

    file: HomePath | None = None
    url: SecretStr | None = None


class RecordingSettings(Section):
    """What every session is put on record with, for a replay. The records of one app take at most
    `keep_mb` megabytes: the oldest give way."""

    enabled: bool = True
    keep_mb: Annotated[int, Field(ge=10, le=100_000)] = 500


class LogSettings(Section):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class SimulatorSettings(Section):
    """The bundled simulator: `day_seconds` is how long a trading day takes (0: full speed)."""

    day_seconds: Annotated[FiniteFloat, Field(ge=0, le=86_400)] = 60.0
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    start_date: date | None = None
    cash: Count = 10_000_000
