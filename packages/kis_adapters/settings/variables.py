"""The variables of the environment and of `.env`: which there are, and whose they are.

PAPER reads `KIS_*`, REAL reads `REAL_KIS_*`, never the other, and the presence of the other's
keys stops the start (M-06). Messages name variables, never values.
"""

from collections.abc import Iterable, Mapping

from kis_adapters.settings.layer import nearest
from kis_core.orders.identity import TradingMode

MODE = "TRADING_MODE"
DEVLP_FILE = "KIS_DEVLP_FILE"  # names a file; what is read from it depends on the mode
_ALLOWED_MODES = (TradingMode.PAPER, TradingMode.REAL)

_CREDENTIALS = {
    "KIS_APP_KEY": "credentials.app_key",
    "KIS_APP_SECRET": "credentials.app_secret",
    "KIS_ACCOUNT_NO": "credentials.account_no",
    "KIS_ACCOUNT_PRODUCT_CODE": "credentials.product_code",
}
_KEYS = frozenset(_CREDENTIALS.values())
_REAL_PREFIX = "REAL_"
_OF_ANY_MODE = {
    "KIS_HTS_ID": "api.hts_id",
    "KIS_BASE_URL": "api.base_url",
    "KIS_WS_URL": "api.ws_url",
    "DATABASE_URL": "database.url",
    "DB_HOST": "db.host",
    "DB_PORT": "db.port",
    "DB_NAME": "db.name",
    "DB_USER": "db.user",
    "DB_PASSWORD": "db.password",
    "TELEGRAM_BOT_TOKEN": "telegram.bot_token",
    "TELEGRAM_CHAT_ID": "telegram.chat_id",
    "TELEGRAM_ENABLED": "telegram.enabled",
    "TELEGRAM_API_URL": "telegram.api_url",
    "HEARTBEAT_FILE": "heartbeat.file",
    "HEARTBEAT_URL": "heartbeat.url",
    "AUTO_TRADE_LOG_DIR": "paths.log_dir",
    "LOG_LEVEL": "log.level",
    "KILL_SWITCH": "risk.kill_switch",
    "PENDING_EXIT_BACKOFF_MINUTES": "orders.pending_exit_backoff_minutes",
    "PENDING_ORDER_STALE_MINUTES": "orders.pending_order_stale_minutes",
    "PENDING_NO_ORDER_STALE_MINUTES": "orders.pending_no_order_stale_minutes",
}
_TEST_PREFIX = "KIS_TEST_"  # the test suite's own, design section 9
KNOWN = frozenset(
    {
        MODE,
        DEVLP_FILE,
        *_OF_ANY_MODE,
        *_CREDENTIALS,
        *(_REAL_PREFIX + name for name in _CREDENTIALS),
    }
)
_OUR_PREFIXES = (
    "KIS_",
    "REAL_KIS_",
    "AUTO_TRADE_",
    "TELEGRAM_",
    "DB_",
    "TRADING_",
    "PENDING_",
    "HEARTBEAT_",
)
_REMOVED = {
    "EXECUTION_MODE": MODE,
    "ENABLE_REAL_TRADING": MODE,
    "DB_ENABLED": "DATABASE_URL",
}


def setting_of(mode: TradingMode) -> dict[str, str]:
    """The setting that each variable sets in `mode`."""
    prefix = _REAL_PREFIX if mode is TradingMode.REAL else ""
    return {**_OF_ANY_MODE, **{prefix + name: path for name, path in _CREDENTIALS.items()}}


def variable_of(setting: str, mode: TradingMode) -> str:
    """The variable that sets `setting`, for messages; the setting itself when none does."""
    names = {path: name for name, path in setting_of(mode).items()}
    return names.get(setting, setting)


def resolve_mode(
    *, environ: Mapping[str, str], dotenv: Mapping[str, str]
) -> tuple[TradingMode, list[str]]:
    """The one mode that decides everything, and what forbids it (M-04, M-05)."""
    here, there = environ.get(MODE, ""), dotenv.get(MODE, "")
    problems = [
        f"{MODE}는 {' 또는 '.join(_ALLOWED_MODES)}여야 합니다 ({where}: {text!r})."
        for where, text in (("환경변수", here), (".env", there))
        if text and text not in _ALLOWED_MODES
    ]
    if problems:
        return TradingMode.PAPER, problems
    if here and there and here != there:
        problems.append(f"{MODE}가 서로 다릅니다: 환경변수는 {here}, .env는 {there}입니다.")
    return TradingMode(here or there or TradingMode.PAPER), problems


def forbidden(mode: TradingMode, names: Iterable[str]) -> list[str]:
    """Why the presence of `names` (all non-empty) stops a start in `mode` (M-06)."""
    if mode is TradingMode.REAL:
        other = sorted(name for name in names if _is_paper_key(name))
        what = "모의투자 키(KIS_*)"
    else:
        other = sorted(name for name in names if name.upper().startswith("REAL_KIS_"))
        what = "실계좌 키(REAL_KIS_*)"
    return [f"{mode} 모드인데 {what}가 있습니다: {', '.join(other)}"] if other else []


def twice_given_credentials(names: Iterable[str], mode: TradingMode) -> list[str]:
    """A sentence when keys come from KIS_DEVLP_FILE and from variables too: half of one pair and
    half of another would be a pair of nobody's."""
    given = set(names)
    here = sorted(n for n, path in setting_of(mode).items() if path in _KEYS and n in given)
    if DEVLP_FILE not in given or not here:
        return []
    return [f"인증 정보가 {DEVLP_FILE}과 {', '.join(here)} 두 곳에 있습니다. 한 곳에만 두세요."]


def removed(values: Mapping[str, str]) -> list[str]:
    """Variables of the replaced system that would contradict the one mode (F-001, F-002)."""
    return [
        f"{name}은(는) 더 이상 쓰지 않습니다. 지우고 {instead}을(를) 쓰세요."
        for name, instead in _REMOVED.items()
        if name in values
    ]


def unknown(names: Iterable[str]) -> list[str]:
    """A sentence for every name that looks like ours and is not: a slip would go unseen."""
    return [
        f"모르는 변수입니다: {name}.{nearest(name, KNOWN)}"
        for name in sorted(names)
        if name.startswith(_OUR_PREFIXES)
        and name not in KNOWN
        and name not in _REMOVED
        and not name.startswith(_TEST_PREFIX)
    ]


def _is_paper_key(name: str) -> bool:
    upper = name.upper()
    return (
        upper.startswith("KIS_")
        and upper not in _OF_ANY_MODE
        and upper != DEVLP_FILE
        and not upper.startswith(_TEST_PREFIX)
    )
