"""Which hosts may be spoken to: never the other mode's, and plain http on this machine only."""

from urllib.parse import urlsplit

from pydantic import SecretStr

from kis_adapters.settings.by_mode import PAPER_REST, PAPER_WS, REAL_REST, REAL_WS
from kis_adapters.settings.settings import Settings
from kis_core.orders.identity import TradingMode

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_STREAM_HOST = urlsplit(PAPER_WS).hostname
_OTHER_MODE = {
    TradingMode.PAPER: (REAL_REST, REAL_WS),
    TradingMode.REAL: (PAPER_REST, PAPER_WS),
}


def is_loopback(url: str) -> bool:
    """Whether `url` points at this machine."""
    return (urlsplit(url).hostname or "") in _LOOPBACK


def endpoint_problems(settings: Settings) -> list[str]:
    """Korean sentences for hosts that this mode must not use (K-11, M-07)."""
    problems = []
    for name, url, schemes in (
        ("KIS_BASE_URL", settings.api.base_url, ("http", "https")),
        ("KIS_WS_URL", settings.api.ws_url, ("ws", "wss")),
        ("TELEGRAM_API_URL", settings.telegram.api_url, ("http", "https")),
        ("HEARTBEAT_URL", _plain(settings.heartbeat.url), ("http", "https")),
    ):
        if url is not None:
            problem = _url_problem(url, schemes) or _mode_problem(url, settings.mode)
            problems += [f"{name}: {problem}"] if problem else []
    url = settings.api.base_url
    if settings.uses_simulator and url is not None and not is_loopback(url):
        problems.append("KIS_BASE_URL이 있는데 인증 정보(KIS_APP_KEY 등)가 없습니다.")
    return problems


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None


def _url_problem(url: str, schemes: tuple[str, ...]) -> str | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # raises for a port that is none
    except ValueError:
        return "주소 형식이 잘못되었습니다."
    if parts.scheme not in schemes or not parts.hostname:
        return f"{'://, '.join(schemes)}://로 시작하는 주소여야 합니다."
    if parts.username or parts.password:
        return "주소에 사용자 이름이나 비밀번호를 넣을 수 없습니다."
    # The broker's own streams are not encrypted; nobody else's are trusted so.
    is_brokers = parts.scheme == "ws" and parts.hostname == _STREAM_HOST
    if parts.scheme in ("http", "ws") and not is_loopback(url) and not is_brokers:
        return f"암호화되지 않은 {parts.scheme}는 이 컴퓨터(127.0.0.1)에만 쓸 수 있습니다."
    return None


def _mode_problem(url: str, mode: TradingMode) -> str | None:
    here = urlsplit(url)
    for other in _OTHER_MODE[mode]:
        there = urlsplit(other)
        same_host = here.hostname == there.hostname
        # Both modes' sockets share one host; there the port tells them apart.
        if same_host and (here.port == there.port or there.scheme == "https"):
            return f"{mode} 모드에서 쓸 수 없는 주소입니다 ({there.hostname})."
    return None
