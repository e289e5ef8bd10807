"""Which values a stack's settings may have, one rule for each kind of value.

Each rule returns the value or raises ``ValueError`` with a reason that does not quote it: whoever refuses it shows it,
and a URL only by its ``url_shape``. Keys, defaults and what must fit together are the business of ``settings``.
"""

import json
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from ports.steps.resources import MCP_PROTOCOL_VERSIONS

AS_CONFIGURED: Final = ConfigDict(
    frozen=True,
    extra="forbid",
    alias_generator=to_camel,
    populate_by_name=True,
    hide_input_in_errors=True,
    use_attribute_docstrings=True,
)
"""How every section of the settings is read: camelCase keys, nothing unknown. Input is hidden because a refusal's trace
shows its cause too, and a refused URL may hold a secret."""

LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})

LOG_RETENTION_CHOICES: Final = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557)
"""Days that CloudWatch Logs accepts, up to seven years (Amazon CloudWatch Logs API Reference, PutRetentionPolicy)."""

_URL_CHARACTERS: Final = re.compile(r"[\x21-\x5b\x5d-\x7e]+")
"""Visible ASCII without the backslash, which some parsers read as a slash."""

_SCOPE: Final = re.compile(r"(?P<server>[\x21\x23-\x5b\x5d-\x7e]+)/(?P<name>[\x21\x23-\x2e\x30-\x5b\x5d-\x7e]+)")
"""Only the part before the last slash may hold slashes (Amazon Cognito API Reference, CreateResourceServer and
ResourceServerScopeType)."""

_LABEL: Final = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST: Final = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*\.?")
"""A host's name (RFC 1123 section 2.1), with the underscores that some networks have in theirs."""

_IPV4_FORM: Final = re.compile(r"\d+(\.\d+){3}")


def secure_url(value: str) -> str:
    """Return an absolute http(s) URL to which a token may be sent."""
    if not _URL_CHARACTERS.fullmatch(value):
        raise ValueError("it holds something else than visible ASCII without backslash")
    parts = _split(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it is no absolute http(s) URL")
    if not parts.netloc.rpartition("@")[2].startswith("[") and not _HOST.fullmatch(parts.hostname):
        raise ValueError("its host is no name that a host can have")
    if "@" in parts.netloc or "#" in value:
        raise ValueError("it carries credentials or a fragment")
    if "?" in value:
        raise ValueError("it carries a query, which would stand in the functions' environments and in logs")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        raise ValueError("it is not https, and only a loopback address may do without")
    return value


def _split(value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
    except ValueError:
        raise ValueError("it cannot be parsed") from None
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("its port is no number from 1 to 65535")
    return parts


def url_shape(value: str) -> str:
    """Return a URL without what may be secret in it: what stands before an at sign, in a query or in a fragment."""
    if "@" in value:
        scheme = re.match(r"https?://", value)
        return f"{scheme.group() if scheme else ''}…@…"
    return re.sub(r"([?#]).*", r"\1…", value, count=1, flags=re.DOTALL)


def spoken_version(value: str) -> str:
    """Return an MCP protocol version that the client implements."""
    if value not in MCP_PROTOCOL_VERSIONS:
        raise ValueError(f"the gateway's client speaks {', '.join(MCP_PROTOCOL_VERSIONS)} only")
    return value


def https_url(value: str) -> str:
    """Return an absolute https URL, on whatever machine."""
    if urlsplit(secure_url(value)).scheme != "https":
        raise ValueError("it is not https")
    return value


def list_of_text(value: object) -> object:
    """Return what a JSON array, as Pulumi stores structured values, or one bare word stands for."""
    if not isinstance(value, str):
        return value
    return json.loads(value) if value.lstrip().startswith("[") else (value,)


def structured(value: object) -> object:
    """Return what a JSON text, as Pulumi stores structured values, stands for; anything else as it is."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except RecursionError:
        raise ValueError("it is nested too deeply to be read") from None


def split_scope(scope: str) -> tuple[str, str]:
    """Return resource server and name of a scope, divided at its last slash.

    A resource server's identifier may be a URL: ``https://api.example.com/read`` is ``read`` there.
    """
    found = _SCOPE.fullmatch(scope)
    if found is None or not found["server"].strip("/"):
        raise ValueError(f"{scope!r} is not <resource server>/<scope>")
    return found["server"], found["name"]


def distinct_scopes(value: tuple[str, ...]) -> tuple[str, ...]:
    """Return scopes of which each has both its parts and none is there twice."""
    for scope in value:
        split_scope(scope)
        if value.count(scope) > 1:
            raise ValueError(f"{scope!r} is there twice")
    return value


def bucket_name(value: str) -> str:
    """Return a bucket's name that S3 accepts, given legal characters (Amazon S3 User Guide, "Bucket naming rules")."""
    if any(pair in value for pair in ("..", ".-", "-.")) or _IPV4_FORM.fullmatch(value):
        raise ValueError("two dots, a dot beside a hyphen and the form of an IP address are nothing that S3 accepts")
    return value


def known_retention(value: int) -> int:
    """Return a number of days that CloudWatch Logs accepts."""
    if value not in LOG_RETENTION_CHOICES:
        raise ValueError(f"CloudWatch Logs keeps logs for one of {', '.join(map(str, LOG_RETENTION_CHOICES))} days")
    return value
