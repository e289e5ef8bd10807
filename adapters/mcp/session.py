"""The handshake of the 2025 versions: a fresh session for each send, and none where the server keeps none.

A session that outlived its server would put the next call into doubt, and one that is shared would carry one tenant's
calls after another's; so each send begins its own with ``initialize`` and ``notifications/initialized``, and ends it
afterwards (Model Context Protocol specification 2025-11-25, "Lifecycle" and "Transports: Session Management"). The
call itself is sent only after both went through: a handshake that fails proves that the tool was not called.
"""

import re
from dataclasses import dataclass
from typing import Final, TypeVar

from adapters.mcp import wire
from adapters.mcp.channel import Asked, Line
from adapters.mcp.results import agreed_version
from domain.model.errors import ConfigurationError
from domain.model.redaction import redact
from domain.model.tool_call import NEVER_SENT, TransportFailure, TransportPhase

END_SECONDS: Final = 1.0
"""Longest that ending a session may take, in seconds: the answer is here, and only waits to be recorded."""

_VISIBLE: Final = re.compile(r"[\x21-\x7e]{1,1024}")
"""What a session id may be made of (specification 2025-11-25, "Session Management"); the length is ours."""

_SPEAKS_FOR_ITSELF: Final = frozenset({401, 403, 429})
"""Statuses that mean the same of a handshake as of a call: a refused token is renewed, a wish to wait is kept."""

_INVALID_REQUEST: Final = -32600
_SESSION_WANTED, _SESSION_GONE = 400, 404

T = TypeVar("T")


@dataclass(frozen=True)
class Session:
    """What a call must carry; ``identifier`` is ``None`` where the server keeps no session."""

    identifier: str | None = None
    is_assumed: bool = False
    """Whether no handshake was made because an earlier one had shown that the server keeps no session."""


class Sessions:
    """Begins and ends the sessions of one gateway, and remembers whether it keeps any."""

    def __init__(self) -> None:
        self._keeps_none = False

    def begin(self, line: Line, identifier: str) -> Session | TransportFailure:
        """Return the session for one call; raises ``ConfigurationError`` where the server speaks another version."""
        if not wire.begins_with_handshake(line.version):
            return Session()
        if self._keeps_none:
            return Session(is_assumed=True)
        asked = line.ask(wire.initialize_request(identifier, protocol_version=line.version), parse=agreed_version)
        if isinstance(asked.outcome, TransportFailure):
            return _not_begun(asked.outcome)
        if asked.outcome != line.version:
            raise _other_version(line.version, asked.outcome)
        session_id = asked.headers.get(wire.SESSION_HEADER)
        if session_id is not None and not _VISIBLE.fullmatch(session_id):
            return TransportFailure(
                phase=TransportPhase.SESSION, detail="The server's session id is not one that a header may carry."
            )
        failure = line.notify(wire.initialized_notification(), session_id=session_id)
        if failure is not None:
            return _not_begun(failure)
        self._keeps_none = session_id is None
        return Session(session_id)

    def end(self, line: Line, session: Session, asked: Asked[T]) -> T | TransportFailure:
        """End the session after an exchange and return its outcome, a complaint about the session named as such."""
        outcome = asked.outcome
        if session.is_assumed and asked.status in {_SESSION_WANTED, _SESSION_GONE}:
            self._keeps_none = False
        if isinstance(outcome, TransportFailure):
            if _complains(session, outcome):
                return outcome.model_copy(update={"phase": TransportPhase.SESSION})
            if outcome.phase not in {TransportPhase.HTTP_STATUS, TransportPhase.RPC_ERROR}:
                # Whatever the server is still doing for this call, ending its session could only disturb it.
                return outcome
        if session.identifier is not None:
            line.end_session(session.identifier, seconds=END_SECONDS)
        return outcome


def _complains(session: Session, failure: TransportFailure) -> bool:
    """Whether the server refused the call for its session alone: a fresh handshake may help."""
    status = _SESSION_WANTED if session.is_assumed else _SESSION_GONE
    named = session.is_assumed or session.identifier is not None
    return named and (failure.http_status, failure.rpc_code) == (status, _INVALID_REQUEST)


def _not_begun(failure: TransportFailure) -> TransportFailure:
    if failure.phase in NEVER_SENT or failure.http_status in _SPEAKS_FOR_ITSELF:
        return failure
    return failure.model_copy(
        update={
            "phase": TransportPhase.SESSION,
            "detail": redact(f"The handshake failed, and the call was not sent. {failure.detail}"),
        }
    )


def _other_version(asked: str, answered: str) -> ConfigurationError:
    named = answered if wire.VERSION.fullmatch(answered) else "another version"
    return ConfigurationError(
        f"The gateway answers a handshake for MCP {asked} with {named}, and a call is never made in a version that was "
        f"not configured. Enable {asked} on the gateway, or configure a version that both speak."
    )
