"""No test needs anything but this machine, nor any credentials (F-104)."""

import os
import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import OutsideNetwork

_DOCUMENTATION_ADDRESS = "192.0.2.1"  # RFC 5737: nobody's


@pytest.mark.req("F-104")
def test_a_connection_that_leaves_the_machine_is_refused_before_it_is_made(
    outside_network: "OutsideNetwork",
) -> None:
    with socket.socket() as client, pytest.raises(OSError, match="outside this machine"):
        client.connect((_DOCUMENTATION_ADDRESS, 443))

    assert outside_network.attempts == [f"socket.connect {_DOCUMENTATION_ADDRESS!r}"]
    outside_network.attempts.clear()


@pytest.mark.req("F-104")
def test_a_name_of_the_outside_is_not_even_looked_up(outside_network: "OutsideNetwork") -> None:
    with pytest.raises(OSError, match="outside this machine"):
        socket.create_connection(("openapi.example.invalid", 443), timeout=1)

    assert len(outside_network.attempts) == 1
    outside_network.attempts.clear()


@pytest.mark.req("F-104")
def test_this_machine_may_be_asked(outside_network: "OutsideNetwork") -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with socket.create_connection(listener.getsockname(), timeout=1):
            pass

    assert outside_network.attempts == []


@pytest.mark.req("F-104")
def test_no_credentials_are_set_for_the_tests() -> None:
    given = [name for name in os.environ if "KIS_" in name and name.endswith(("_KEY", "_SECRET"))]

    assert given == []
