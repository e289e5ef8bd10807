"""The one network an integration test may use."""

import socket

import pytest
from pytest_socket import SocketConnectBlockedError

AN_ADDRESS_OF_NO_HOST = "192.0.2.1"  # RFC 5737: reserved for documentation, never routed


def test_an_integration_test_reaches_this_machine() -> None:
    """The emulator and the tool server listen on 127.0.0.1, and are reachable there."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_an_integration_test_reaches_no_other_machine() -> None:
    """A client that is given no endpoint would call the real AWS; it is stopped at the socket."""
    with pytest.raises((SocketConnectBlockedError, UserWarning)) as blocked:
        socket.create_connection((AN_ADDRESS_OF_NO_HOST, 443), timeout=1)

    assert AN_ADDRESS_OF_NO_HOST in str(blocked.value)
