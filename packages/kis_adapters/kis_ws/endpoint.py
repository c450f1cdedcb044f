"""Where the stream is, by mode. Source: kis-wire sections 0 and 6.1.

The broker serves both modes from one host, on different ports, and without encryption; anything
else beyond this machine must be encrypted (K-11).
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from kis_core.orders.identity import TradingMode

_HOST = "ops.koreainvestment.com"
_DOMAIN = "koreainvestment.com"
_PORTS = {TradingMode.REAL: 21_000, TradingMode.PAPER: 31_000}
_PATH = "/tryitout"
_NOTICE_IDS = {TradingMode.REAL: "H0STCNI0", TradingMode.PAPER: "H0STCNI9"}


def default_ws_url(mode: TradingMode) -> str:
    """The official stream of `mode`. Raises ValueError (Korean) for a mode without one."""
    if mode not in _PORTS:
        raise ValueError(f"KIS 실시간 서버가 없는 모드입니다: {mode}")
    return f"ws://{_HOST}:{_PORTS[mode]}{_PATH}"


def notice_tr_id(mode: TradingMode) -> str:
    """The TR of the execution notices: the real account's cannot be had in PAPER (M-07)."""
    if mode not in _NOTICE_IDS:
        raise ValueError(f"체결통보가 없는 모드입니다: {mode}")
    return _NOTICE_IDS[mode]


def checked_ws_url(url: str, mode: TradingMode) -> str:
    """`url` with a path, if `mode` may talk to it. Raises ValueError (Korean): not ws(s), a user
    or query in it, unencrypted beyond this machine, or the broker's stream of the other mode."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    if parts.scheme not in ("ws", "wss") or not host:
        raise ValueError("KIS_WS_URL은 ws:// 또는 wss:// 로 시작하는 주소여야 합니다")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("KIS_WS_URL에는 사용자 정보나 질의를 넣을 수 없습니다")
    is_of_broker = host == _DOMAIN or host.endswith(f".{_DOMAIN}")
    is_official = host == _HOST and parts.port == _PORTS.get(mode)
    if is_of_broker and not is_official:
        raise ValueError(f"{mode} 모드에서는 {host}:{parts.port} 실시간 서버에 접속할 수 없습니다")
    if parts.scheme == "ws" and not is_official and not is_loopback(host):
        raise ValueError(f"암호화되지 않은 ws는 이 컴퓨터 안에서만 쓸 수 있습니다: {host}")
    return url if parts.path not in ("", "/") else f"{parts.scheme}://{parts.netloc}{_PATH}"


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine by its name or number."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
