"""What to say of an HTTP status that is no answer: the cause as far as the gateway names it, and what to do.

It quotes only names that are no message: the error codes of RFC 6750, section 3.1, and scopes, both from
``WWW-Authenticate``. What a status *proves* stands in ``domain.policies.evidence``.
"""

import re
from typing import Final

import httpx

_ERROR: Final = re.compile(r'\berror="(invalid_request|invalid_token|insufficient_scope)"')
_SCOPES: Final = re.compile(r'\bscope="([A-Za-z0-9._:/-]{1,64}(?: [A-Za-z0-9._:/-]{1,64}){0,4})"')
_MOST_HEADER_CHARACTERS: Final = 2_000

_URL: Final = "Correct the gateway URL and deploy again."
_FIXES: Final = {
    400: "The gateway cannot read the request; check the configured protocol version.",
    401: "The gateway refuses the token; check that its authorizer trusts this token endpoint and allows this client.",
    403: "The gateway refuses the client; check the client, the scopes and the policies that it allows.",
    404: f"Nothing answers at this path. {_URL}",
    405: f"This path takes no POST. {_URL}",
    406: "The gateway answers in a form that MCP does not have; check that it is an MCP endpoint.",
    413: "The gateway refuses a request of this size.",
    421: f"The gateway does not serve this host. {_URL}",
    429: "The gateway is busy for this client.",
}
_REDIRECTS: Final = range(300, 400)


def describe_status(status: int, headers: httpx.Headers) -> str:
    """Return one or two sentences about a status other than 200."""
    challenge: str = headers.get("www-authenticate", "")[:_MOST_HEADER_CHARACTERS]
    error = _ERROR.search(challenge)
    named = f"HTTP {status} ({error[1]})" if error else f"HTTP {status}"
    return f"The gateway answered {named}. {_fix(status, error[1] if error else '', challenge)}".rstrip()


def _fix(status: int, error: str, challenge: str) -> str:
    if error == "insufficient_scope":
        scopes = _SCOPES.search(challenge)
        wanted = f"the scopes {scopes[1]}" if scopes else "the scopes that the gateway requires"
        return f"Name {wanted} in the mapping's required_scopes, and allow the client to ask for them."
    if status in _REDIRECTS:
        return f"It redirects, which is never followed, because a token would go along. {_URL}"
    return _FIXES.get(status, "")
