"""How a server is spoken to: encrypted or not."""

from typing import Any

import pytest
from sqlalchemy import make_url, text

from kis_adapters.sql.database import open_database
from tests.contract.test_store_outage import CuttingProxy


def _cipher(url: str) -> str:
    """How the connection is encrypted, by the server's word; empty when it is not."""
    engine = open_database(url)
    with engine.connect() as connection:
        row = connection.execute(text("SHOW STATUS LIKE 'Ssl_cipher'")).one()
    engine.dispose()
    return str(row[1])


@pytest.fixture
def url(mariadb_server: Any, mariadb_url: str) -> str:
    """Of a server that offers encryption to everybody."""
    if make_url(mariadb_url).port != mariadb_server.port:
        pytest.skip("KIS_TEST_MYSQL_URL is set: only the private server's certificate is known")
    return mariadb_url


@pytest.mark.req("D-01")
def test_nothing_is_encrypted_for_this_machine_alone(url: str) -> None:
    assert _cipher(url) == ""


@pytest.mark.req("D-01")
@pytest.mark.parametrize("option", ["ssl_ca={certificate}", "ssl_check_hostname=false"])
def test_a_url_that_says_how_is_encrypted_here_too(
    url: str, mariadb_server: Any, option: str
) -> None:
    asked = option.format(certificate=mariadb_server.certificate)

    assert _cipher(f"{url}?{asked}") != ""


@pytest.mark.req("D-01")
def test_a_server_elsewhere_is_encrypted_where_it_can(
    url: str, mariadb_server: Any, request: pytest.FixtureRequest
) -> None:
    """Another address of this machine stands for it."""
    proxy = CuttingProxy(mariadb_server.port, host="127.0.0.2")
    request.addfinalizer(proxy.stop)
    elsewhere = make_url(url).set(host="127.0.0.2", port=proxy.port)

    assert _cipher(elsewhere.render_as_string(hide_password=False)) != ""
