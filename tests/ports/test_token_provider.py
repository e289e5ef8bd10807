"""The contract of ``TokenProvider``, held against every adapter."""

from collections.abc import Callable, Iterator
from typing import Protocol

import httpx
import pytest

from adapters.cognito.token_provider import CognitoTokenProvider
from adapters.memory.token_provider import MemoryTokenProvider
from domain.model.errors import ConfigurationError
from ports.token_provider import TokenProvider, TokenUnavailable
from tests.adapters.cognito.stand_in import Harness, a_harness


class Subject(Protocol):
    """One adapter, and the identity provider behind it."""

    @property
    def provider(self) -> TokenProvider:
        """The adapter."""
        ...

    @property
    def issued(self) -> int:
        """How often a token was asked for."""
        ...

    def fail_once(self) -> None:
        """Make the next fetch fail."""
        ...

    def refuse(self) -> None:
        """Refuse the client from now on."""
        ...


class Memory:
    """The memory adapter."""

    def __init__(self) -> None:
        self.provider = MemoryTokenProvider()

    @property
    def issued(self) -> int:
        """How many tokens were made."""
        return self.provider.issued

    def fail_once(self) -> None:
        """Make the next fetch fail."""
        self.provider.fail_next()

    def refuse(self) -> None:
        """Refuse the client from now on."""
        self.provider.refuse()


class Cognito:
    """The Cognito adapter before a mock token endpoint."""

    def __init__(self, harness: Harness) -> None:
        self.provider = harness.provider
        self._identity_provider = harness.identity_provider

    @property
    def issued(self) -> int:
        """How many requests reached the token endpoint."""
        return len(self._identity_provider.requests)

    def fail_once(self) -> None:
        """Make the next fetch fail."""
        respond = self._identity_provider.respond

        def fail(_: httpx.Request) -> httpx.Response:
            self._identity_provider.respond = respond
            return httpx.Response(503)

        self._identity_provider.respond = fail

    def refuse(self) -> None:
        """Refuse the client from now on."""
        self._identity_provider.accepted_secret = "another"


@pytest.fixture(params=["memory", "cognito"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """One adapter at a time."""
    if request.param == "memory":
        yield Memory()
        return
    with a_harness() as harness:
        yield Cognito(harness)


def test_a_token_is_kept_for_the_next_call(subject: Subject) -> None:
    """The identity provider is asked once per set of scopes."""
    first = subject.provider.token(("a", "b"))
    assert first
    assert subject.provider.token(("b", "a")) == first
    assert subject.issued == 1


def test_other_scopes_have_another_token(subject: Subject) -> None:
    """No call gets more rights than it asked for because another did."""
    assert subject.provider.token(("a",)) != subject.provider.token(("b",))
    assert subject.issued == 2


def test_a_forgotten_token_is_not_handed_out_again(subject: Subject) -> None:
    """The gateway refused it; the next call gets a new one."""
    first = subject.provider.token()
    subject.provider.forget()
    assert subject.provider.token() != first


def test_forgetting_nothing_is_harmless(subject: Subject) -> None:
    """Two calls may both be refused."""
    subject.provider.forget()
    subject.provider.forget()
    assert subject.provider.token()


def test_a_failing_identity_provider_is_unavailable_until_it_answers(subject: Subject) -> None:
    """A failure is not remembered."""
    subject.fail_once()
    with pytest.raises(TokenUnavailable):
        subject.provider.token()
    assert subject.provider.token()


def test_a_kept_token_outlives_a_failing_identity_provider(subject: Subject) -> None:
    """What is still good needs nobody."""
    first = subject.provider.token()
    subject.fail_once()
    assert subject.provider.token() == first


def test_a_refused_client_is_a_configuration_error(subject: Subject) -> None:
    """A person must correct it; trying again cannot help."""
    subject.refuse()
    with pytest.raises(ConfigurationError):
        subject.provider.token()
    assert subject.issued <= 1


_MEMORY_CONFORMS: Callable[[], TokenProvider] = MemoryTokenProvider
_COGNITO_CONFORMS: Callable[..., TokenProvider] = CognitoTokenProvider
