"""Cognito's token provider: what it sends, what it keeps, what it says when it cannot, and what it never shows."""

import base64
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from adapters.cognito.token_provider import FETCH_SECONDS
from domain.model.errors import ConfigurationError
from ports.token_provider import TokenUnavailable
from tests.adapters.cognito.stand_in import CLIENT_ID, CLIENT_SECRET, ENDPOINT, Harness, a_harness, issuing
from tests.adapters.mcp.stand_in import Chunks


@pytest.fixture
def harness() -> Iterator[Harness]:
    """A provider whose identity provider issues tokens for an hour."""
    with a_harness() as found:
        yield found


def test_the_client_proves_itself_by_basic_authentication(harness: Harness) -> None:
    """The form names the grant and the scopes; the secret is in the header alone."""
    harness.provider.token(("b", "a"))
    [request] = harness.identity_provider.requests
    assert (request.method, str(request.url)) == ("POST", ENDPOINT)
    assert (
        request.headers["Authorization"]
        == "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    )
    assert harness.identity_provider.forms == [{"grant_type": ["client_credentials"], "scope": ["a b"]}]


def test_without_scopes_the_default_ones_are_asked_for(harness: Harness) -> None:
    """A mapping that names none gets what the deployment configured."""
    harness.provider.token()
    assert harness.identity_provider.forms[0]["scope"] == ["tools/invoke"]


def test_a_token_is_used_until_its_last_minute(harness: Harness) -> None:
    """3600 s of life are 3540 s of use."""
    first = harness.provider.token()
    harness.clock.advance(3_539)
    assert harness.provider.token() == first
    harness.clock.advance(1)
    assert harness.provider.token() != first


def test_the_order_of_scopes_makes_no_other_token(harness: Harness) -> None:
    """The cache is by set; another set has its own token."""
    assert harness.provider.token(("a", "b")) == harness.provider.token(("b", "a", "a"))
    assert harness.provider.token(("a",)) != harness.provider.token(("a", "b"))
    assert len(harness.identity_provider.requests) == 2


def test_the_secret_is_read_once_and_only_when_needed(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Building the provider reads nothing; tokens share one reading."""
    reads = _count_reads(harness, monkeypatch)
    assert reads == []
    harness.provider.token(("a",))
    harness.provider.token(("b",))
    assert len(reads) == 1


def test_forgetting_reads_the_secret_again(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a refused token a rotated secret is seen."""
    reads = _count_reads(harness, monkeypatch)
    harness.provider.token()
    harness.provider.forget()
    harness.provider.token()
    assert len(reads) == 2


def test_a_secret_rotated_meanwhile_costs_one_more_question(harness: Harness) -> None:
    """The kept secret is refused, the stored one is read and works; no action fails for it."""
    harness.provider.token(("a",))
    harness.rotate("CANARY-second-secret")
    assert harness.provider.token(("b",))
    assert len(harness.identity_provider.requests) == 3


def test_a_token_that_drips_in_is_given_up_in_time(harness: Harness) -> None:
    """Each byte comes soon, the whole does not: the call that waits for the token must still be settled."""
    drip: list[bytes | Callable[[], None]] = [lambda: harness.clock.advance(1), b" "] * 60
    body = Chunks(*drip)
    harness.identity_provider.respond = lambda _: httpx.Response(200, stream=body)
    started = harness.clock.monotonic_seconds()
    with pytest.raises(TokenUnavailable, match="deadline"):
        harness.provider.token()
    assert harness.clock.monotonic_seconds() - started <= FETCH_SECONDS + 1


def test_a_second_try_has_what_the_first_left_of_the_time(harness: Harness) -> None:
    """A rotated secret costs another question, and not another five seconds."""
    harness.provider.token(("a",))
    answers = [httpx.Response(400, json={"error": "invalid_client"}), issuing()(harness.identity_provider.requests[0])]

    def slow(_: httpx.Request) -> httpx.Response:
        harness.clock.advance(2)
        return answers.pop(0)

    harness.identity_provider.respond = slow
    harness.provider.token(("b",))
    given = [request.extensions["timeout"]["read"] for request in harness.identity_provider.requests[1:]]
    assert given == [FETCH_SECONDS, FETCH_SECONDS - 2]


def test_many_threads_share_one_fetch(harness: Harness) -> None:
    """A cold start under load asks once."""
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: harness.provider.token(), range(32)))
    assert (len(found), len(harness.identity_provider.requests)) == (1, 1)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("late"),
        httpx.RemoteProtocolError("closed"),
        httpx.Response(500),
        httpx.Response(503),
        httpx.Response(429),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"access_token": ""}),
        httpx.Response(200, json={"access_token": "t", "expires_in": "soon"}),
        httpx.Response(200, content=b" " * 70_000),
    ],
    ids=["refused", "late", "closed", "500", "503", "429", "html", "empty token", "no expiry", "oversize"],
)
def test_an_identity_provider_that_fails_is_unavailable_for_now(
    harness: Harness, answer: httpx.Response | Exception
) -> None:
    """Nothing was sent to the gateway, and the next try may work."""

    def respond(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    harness.identity_provider.respond = respond
    with pytest.raises(TokenUnavailable) as raised:
        harness.provider.token()
    assert raised.value.__cause__ is None  # it would hold the request, and the request holds the secret
    assert "CANARY" not in _everything_in(raised.value)
    harness.identity_provider.respond = issuing()
    assert harness.provider.token() == "CANARY-token-1"


@pytest.mark.parametrize(
    "answer, said",
    [
        (httpx.Response(400, json={"error": "invalid_client"}), "invalid_client"),
        (httpx.Response(400, json={"error": "invalid_scope"}), "invalid_scope"),
        (httpx.Response(400, json={"error": "some_word_of_its_own"}), "HTTP 400"),
        (httpx.Response(401, json={"error": "unauthorized_client"}), "unauthorized_client"),
        (httpx.Response(400, json={"error": f"Secret {CLIENT_SECRET} is wrong"}), "HTTP 400"),
        (httpx.Response(401, text="[" * 60_000), "HTTP 401"),
        (httpx.Response(302, headers={"Location": "https://elsewhere.example.test"}), "HTTP 302"),
        (httpx.Response(200, json={"access_token": "CANARY", "expires_in": 60}), "longer access token validity"),
    ],
    ids=["client", "scope", "own word", "401", "odd code", "deep", "redirect", "short-lived"],
)
def test_a_refusal_is_a_configuration_error_that_says_what_to_correct(
    harness: Harness, answer: httpx.Response, said: str
) -> None:
    """Asking again would not help; no secret is repeated and no other host is asked."""
    harness.identity_provider.respond = lambda _: answer
    with pytest.raises(ConfigurationError, match=said) as raised:
        harness.provider.token()
    assert "CANARY" not in _everything_in(raised.value)
    assert {request.url.host for request in harness.identity_provider.requests} == {"tokens.example.test"}


@pytest.mark.parametrize(
    "secret",
    [None, "CANARY", "{}", '["CANARY"]', '{"client_id": "client-1"}', '{"client_id": "", "client_secret": "CANARY"}'],
)
def test_a_missing_or_misshapen_secret_is_a_configuration_error(secret: str | None) -> None:
    """The message names the shape, and never what was found instead."""
    with a_harness(secret=secret) as harness:
        with pytest.raises(ConfigurationError, match="secret") as raised:
            harness.provider.token()
        assert "CANARY" not in _everything_in(raised.value)
        assert harness.identity_provider.requests == []


@pytest.mark.parametrize(
    "error, expected",
    [
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetSecretValue"), ConfigurationError),
        (ClientError({"Error": {"Code": "InvalidRequestException"}}, "GetSecretValue"), ConfigurationError),
        (ClientError({"Error": {"Code": "ThrottlingException"}}, "GetSecretValue"), TokenUnavailable),
        (ClientError({"Error": {"Code": "InternalServiceError"}}, "GetSecretValue"), TokenUnavailable),
        (ClientError({}, "GetSecretValue"), TokenUnavailable),
        (EndpointConnectionError(endpoint_url="https://secrets.example.test"), TokenUnavailable),
    ],
    ids=["denied", "being deleted", "throttled", "internal", "nameless", "unreachable"],
)
def test_secrets_manager_refuses_for_good_or_fails_for_now(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, error: Exception, expected: type[Exception]
) -> None:
    """Only what repeats until somebody acts is a configuration error."""

    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(harness.secrets, "get_secret_value", fail)
    with pytest.raises(expected):
        harness.provider.token()
    assert harness.identity_provider.requests == []


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "http://tokens.example.test/oauth2/token",
        "https://user:pw@tokens.example.test/",
        "https://",
        "https://[::1/",
    ],
)
def test_the_secret_is_not_sent_to_an_endpoint_without_tls(endpoint: str) -> None:
    """A token endpoint that anybody on the way could read is refused before the secret is read."""
    with a_harness(secret=None, endpoint=endpoint) as harness:
        with pytest.raises(ConfigurationError, match="token endpoint URL is refused"):
            harness.provider.token()
        assert harness.identity_provider.requests == []


def test_neither_repr_nor_log_shows_a_secret(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    """What is kept in memory does not leave it by being printed."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("botocore").setLevel(logging.INFO)  # its wire dump is not ours to silence, nor ever turned on
    harness.provider.token()
    assert "CANARY" not in "".join((repr(harness.provider), str(vars(harness.provider)), caplog.text))


def _count_reads(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    reads: list[str] = []
    read = harness.secrets.get_secret_value

    def counted(**kwargs: Any) -> Any:  # noqa: ANN401  boto3's own signature
        reads.append(kwargs["SecretId"])
        return read(**kwargs)

    monkeypatch.setattr(harness.secrets, "get_secret_value", counted)
    return reads


def _everything_in(error: BaseException) -> str:
    """The error and every cause that a traceback would print."""
    texts = []
    current: BaseException | None = error
    while current is not None:
        texts.append(f"{current!r} {current} {vars(current)}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return " ".join(texts)
