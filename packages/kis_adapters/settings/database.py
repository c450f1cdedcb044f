"""Which database: `DATABASE_URL`, or a MySQL server described by `DB_HOST` and its companions."""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from kis_adapters.settings.layer import Given

_URL = "database.url"
_PARTS = ("db.host", "db.port", "db.name", "db.user", "db.password")
_NEEDED = {"db.host": "DB_HOST", "db.name": "DB_NAME", "db.user": "DB_USER"}
_MYSQL_PORT = "3306"


def database_url(
    values: dict[str, Given], sources: dict[str, str], *, ranks: Mapping[str, int]
) -> list[str]:
    """Fold the `db.*` parts in `values` into one `database.url`; returns Korean problems.

    Where both were given the layer of higher rank decides; both in one layer contradict.
    """
    given = [part for part in _PARTS if part in values]
    if not given:
        return _url_problems(values)
    rank = max(ranks[part] for part in given)
    if _URL in values and ranks[_URL] == rank:
        return [f"{sources[_URL]}에 DATABASE_URL과 DB_*가 함께 있습니다. 하나만 쓰세요."]
    parts = {part: str(values.pop(part).value) for part in given}
    label = next(sources[part] for part in given if ranks[part] == rank)
    for part in given:
        del sources[part]
    if _URL in values and ranks[_URL] > rank:
        return _url_problems(values)
    missing = [variable for part, variable in _NEEDED.items() if part not in parts]
    if missing:
        return [f"MySQL 접속 정보가 모자랍니다: {', '.join(missing)}"]
    port = parts.get("db.port", _MYSQL_PORT)
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        return ["DB_PORT는 1에서 65535 사이의 정수여야 합니다."]
    values[_URL] = Given(value=_mysql_url(parts, port=port), where=f"{label} DB_*")
    sources[_URL] = label
    return []


def _mysql_url(parts: Mapping[str, str], *, port: str) -> str:
    user = quote(parts["db.user"], safe="")
    password = quote(parts.get("db.password", ""), safe="")
    host, name = parts["db.host"], quote(parts["db.name"], safe="")
    return f"mysql+pymysql://{user}:{password}@{host}:{port}/{name}?charset=utf8mb4"


def _url_problems(values: Mapping[str, Given]) -> list[str]:
    if _URL not in values:
        return []
    scheme = urlsplit(str(values[_URL].value)).scheme
    if scheme.split("+")[0] not in ("sqlite", "mysql", "mariadb"):
        return ["DATABASE_URL은 sqlite, mysql 또는 mariadb로 시작하는 주소여야 합니다."]
    return []
