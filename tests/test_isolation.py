"""The safety net of the test run itself."""

import os
import socket

import pytest


def test_a_unit_test_cannot_reach_a_network() -> None:
    """A forgotten client fails loudly instead of calling out from every developer's machine."""
    with pytest.raises(UserWarning) as blocked:
        socket.create_connection(("127.0.0.1", 9))

    assert "A test tried to use socket" in str(blocked.value)


def test_a_unit_test_sees_no_real_aws_account() -> None:
    """Whatever a developer has configured, the credentials in sight are made up and the files are empty."""
    assert os.environ["AWS_ACCESS_KEY_ID"] == "testing"
    assert os.environ["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert "AWS_PROFILE" not in os.environ
