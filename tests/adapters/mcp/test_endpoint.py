"""Where a token may go: the configured host, over TLS or not at all, with a client that goes nowhere else."""

from pathlib import Path

import httpx
import pytest

from adapters.mcp.endpoint import build_http_client, checked_gateway_url
from adapters.mcp.tool_gateway import McpToolGateway
from adapters.memory.clock import MemoryClock
from domain.model.errors import ConfigurationError
from tests.adapters.mcp.stand_in import GATEWAY_URL, VERSION, FixedTokens, Harness, a_call
from tests.builders import NOW


@pytest.mark.parametrize(
    "url",
    [
        "https://gateway.example.test/mcp",
        "https://gateway.example.test:8443/mcp?stage=a",
        "http://127.0.0.1:8000/mcp",
        "http://localhost:8000/mcp",
        "http://[::1]:8000/mcp",
    ],
)
def test_https_and_this_machine_are_accepted(url: str) -> None:
    """TLS everywhere, plain HTTP only where nothing leaves the machine."""
    assert str(checked_gateway_url(url)) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "gateway.example.test/mcp",
        "//gateway.example.test/mcp",
        "https://",
        "https:///mcp",
        "ftp://gateway.example.test/mcp",
        "file:///etc/passwd",
        "http://gateway.example.test/mcp",
        "http://127.0.0.1.example.test/mcp",
        "http://localhost.example.test/mcp",
        "http://127.1/mcp",
        "http://2130706433/mcp",
        "http://0.0.0.0/mcp",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:127.0.0.1]/mcp",
        "https://user@gateway.example.test/mcp",
        "https://user:secret-canary@gateway.example.test/mcp",
        "https://gateway.example.test@elsewhere.example.test/mcp",
        "https://elsewhere.example.test\\@gateway.example.test/mcp",
        "https://gateway.example.test/mcp#fragment",
        "https://gateway.example.test/mcp#",
        "https://gateway.example.test/mcp\r\nX-Evil: 1",
        "https://gateway.example.test /mcp",
        "https://gateway.exämple.test/mcp",
        "https://gateway.example.test:port/mcp",
        "https://[::1/mcp",
    ],
)
def test_a_url_that_could_lead_the_token_astray_is_refused_before_it_is_fetched(url: str) -> None:
    """The message says what to correct, and repeats nothing of the URL."""
    harness = Harness(url=url)
    with pytest.raises(ConfigurationError) as raised:
        harness.outcome()
    assert "eploy again" in str(raised.value) or "Set it" in str(raised.value)
    assert "canary" not in str(raised.value)
    assert (harness.tokens.asked, harness.requests) == ([], [])


@pytest.mark.parametrize(
    "http",
    [httpx.Client(trust_env=True), httpx.Client(trust_env=False, follow_redirects=True)],
    ids=["environment", "redirects"],
)
def test_a_client_that_could_go_elsewhere_is_refused(http: httpx.Client) -> None:
    """A proxy from the environment or a redirect would see the token, so it is not even fetched."""
    tokens = FixedTokens()
    gateway = McpToolGateway(
        http, gateway_url=GATEWAY_URL, protocol_version=VERSION, tokens=tokens, clock=MemoryClock(NOW)
    )
    with pytest.raises(ConfigurationError, match="build_http_client"):
        gateway.send(a_call(), deadline_seconds=20)
    assert tokens.asked == []


def test_the_client_takes_nothing_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy variable set by accident changes nothing."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://proxy.example.test:3128")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/bundle.pem")
    with build_http_client() as http:
        assert (http.trust_env, http.follow_redirects) == (False, False)
        assert not any(transport is not None for transport in http._mounts.values())  # noqa: SLF001  httpx shows it nowhere


def test_no_connection_is_kept_that_could_die_while_the_function_sleeps() -> None:
    """A dead connection would turn the next call into one whose fate is unknown."""
    with build_http_client() as http:
        transport = http._transport  # noqa: SLF001  httpx shows it nowhere
        assert isinstance(transport, httpx.HTTPTransport)
        pool = transport._pool  # noqa: SLF001  same
        assert (pool._max_keepalive_connections, pool._retries) == (0, 0)  # noqa: SLF001  httpx shows its limits nowhere else


def test_no_cookie_is_kept_from_one_call_to_the_next() -> None:
    """What one tenant's answer sets is not sent with another tenant's call."""
    with build_http_client() as http:
        request = httpx.Request("POST", GATEWAY_URL)
        response = httpx.Response(200, headers={"Set-Cookie": "session=1; Path=/"}, request=request)
        http.cookies.extract_cookies(response)
        assert list(http.cookies.jar) == []


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_unreadable_ca_bundle_is_a_configuration_error(tmp_path: Path, content: str | None) -> None:
    """Better no client than one that trusts other authorities than was meant."""
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    with pytest.raises(ConfigurationError, match="CA bundle"):
        build_http_client(str(bundle))
