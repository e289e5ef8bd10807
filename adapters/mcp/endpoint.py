"""Where the gateway is, and the one kind of HTTP client that may carry a token there.

The URL comes from the deployment's configuration and from nowhere else. It is checked before each send rather than
when the program starts, so that a deployment without a gateway can still run everything that needs none.
"""

import re
import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx

from domain.model.errors import ConfigurationError

LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})
"""The only hosts that may be reached without TLS: what is sent to them never leaves the machine."""

USER_AGENT: Final = "cc-native-execution"

_PRINTABLE: Final = re.compile(r"[\x21-\x5b\x5d-\x7e]+")
"""Visible ASCII without the backslash, which some parsers read as a slash."""


def checked_gateway_url(gateway_url: str) -> httpx.URL:
    """Return the URL to call; raises ``ConfigurationError`` where a token must not go."""
    if not gateway_url:
        raise ConfigurationError("No gateway URL is configured, so no tool can be called. Set it and deploy again.")
    if not _PRINTABLE.fullmatch(gateway_url):
        raise _refused("it holds characters that a URL may not")
    try:
        url = httpx.URL(gateway_url)
    except (httpx.InvalidURL, ValueError):
        raise _refused("it cannot be parsed") from None
    if url.userinfo:
        raise _refused("it carries a user name or password, which would be sent to the gateway")
    if "#" in gateway_url:
        raise _refused("it carries a fragment, which is never sent")
    if not url.host:
        raise _refused("it names no host")
    if url.scheme != "https" and not (url.scheme == "http" and url.host in LOOPBACK_HOSTS):
        raise _refused("it must start with https://, because a token is sent there (http only to this machine)")
    return url


def _refused(why: str) -> ConfigurationError:
    return ConfigurationError(f"The configured gateway URL is refused: {why}. Correct it and deploy again.")


def checked_client(http: httpx.Client) -> httpx.Client:
    """Return the client; raises ``ConfigurationError`` where it could carry a request somewhere else."""
    if http.trust_env or http.follow_redirects:
        raise ConfigurationError(
            "The HTTP client follows redirects or the environment's proxies; build it with build_http_client()."
        )
    return http


def build_http_client(ca_bundle: str | None = None) -> httpx.Client:
    """Return the client for the gateway and the identity provider; raises ``ConfigurationError`` without its bundle.

    No proxy, ``netrc`` or certificate setting is taken from the environment, no redirect is followed, no cookie is
    kept between calls of different tenants, and nothing is sent twice. ``ca_bundle`` is a PEM file that replaces
    the public certificate authorities.

    Connections are not kept: a Lambda function sleeps between calls, and a connection that died meanwhile would turn
    the next call into one whose fate is unknown. A new handshake costs milliseconds.
    """
    try:
        verify = ssl.create_default_context(cafile=ca_bundle) if ca_bundle else True
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"The CA bundle of the gateway cannot be read ({type(error).__name__}). Point the setting to a PEM file."
        ) from error
    return httpx.Client(
        verify=verify,
        trust_env=False,
        follow_redirects=False,
        headers={"User-Agent": USER_AGENT},
        limits=httpx.Limits(max_connections=10, max_keepalive_connections=0),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )
