"""What every test gets: reproducible properties, no way out to a network, no way into a real AWS account.

This owns the safety of the test run and nothing about any subject under test. Fixtures of a subject live
beside its tests.
"""

from pathlib import Path

import pytest
from hypothesis import settings

INTEGRATION_TESTS = Path(__file__).parent / "integration"

# Derandomised, so that a red run is red again on the next machine; no deadline, because shared runners stall.
settings.register_profile("reproducible", derandomize=True, deadline=None, print_blob=True)
# `pytest --hypothesis-profile=searching` looks for new examples instead of repeating the known ones.
settings.register_profile("searching", max_examples=1_000, deadline=None, print_blob=True)
settings.load_profile("reproducible")

MADE_UP_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_REGION": "us-west-2",
    "AWS_DEFAULT_REGION": "us-west-2",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Integration tests may talk to this machine and to nothing else; every other test has no sockets."""
    for item in items:
        if item.path.is_relative_to(INTEGRATION_TESTS):
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1"]))


@pytest.fixture(autouse=True)
def no_real_aws(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing a developer has configured can lead a test to their account."""
    if request.path.is_relative_to(INTEGRATION_TESTS):
        return
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for key, value in MADE_UP_CREDENTIALS.items():
        monkeypatch.setenv(key, value)
