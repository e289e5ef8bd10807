"""``ToolCatalogue`` over MCP: ``tools/list``, page by page, as strict as a call and without any effect.

It is also where a deployment learns that its gateway does not speak the configured version, before an action would.
Each page is one POST; nothing is tried again.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import httpx

from adapters.mcp import wire
from adapters.mcp.answer_reader import GatewayLimits
from adapters.mcp.channel import Channel, Line
from adapters.mcp.messages import UNSUPPORTED_VERSION
from adapters.mcp.results import ToolsPage, tools_page
from adapters.mcp.session import Session, Sessions
from domain.model.errors import ConfigurationError
from domain.model.tool_call import TransportFailure
from domain.model.tool_description import ToolDescription
from ports.clock import Clock
from ports.token_provider import TokenProvider
from ports.tool_catalogue import CatalogueUnavailable

LIST_LIMITS: Final = GatewayLimits(max_response_bytes=6_291_456)
"""One page may be as large as the gateway's own limit, 6 MB ("Quotas"): schemas are longer than answers, and they are
read where a mapping is published, not inside a function."""

MAX_PAGES: Final = 1_000
MAX_TOOLS: Final = 10_000
"""Most tools that are read; a gateway has 100 targets of at most 1,000 tools, and a mapping names one of them
(Amazon Bedrock AgentCore Developer Guide, "Quotas")."""

MAX_CURSOR_CHARACTERS: Final = 4_096

_NAME: Final = "catalogue"


class McpToolCatalogue:
    """The tools of the gateway behind ``gateway_url``, asked over ``http`` (see ``build_http_client``)."""

    def __init__(
        self,
        http: httpx.Client,
        *,
        gateway_url: str,
        protocol_version: str,
        tokens: TokenProvider,
        clock: Clock,
        limits: GatewayLimits = LIST_LIMITS,
    ) -> None:
        self._channel = Channel(http, gateway_url, protocol_version, tokens, clock, limits)
        self._sessions = Sessions()

    def tools(self, *, deadline_seconds: float, scopes: Sequence[str] = ()) -> tuple[ToolDescription, ...]:
        line = self._channel.open(scopes=scopes, deadline_seconds=deadline_seconds)
        if isinstance(line, TransportFailure):
            raise _unavailable(line)
        session = self._sessions.begin(line, f"initialize-{_NAME}")
        if isinstance(session, TransportFailure):
            raise _unavailable(session)
        found: dict[str, ToolDescription] = {}
        for tool in self._listed(line, session):
            if tool.name in found:
                raise CatalogueUnavailable(f"The gateway lists the tool {tool.name} twice; correct its targets.")
            if len(found) == MAX_TOOLS:
                raise CatalogueUnavailable(f"The gateway lists more than {MAX_TOOLS} tools, which are not read.")
            found[tool.name] = tool
        return tuple(found.values())

    def _listed(self, line: Line, session: Session) -> Iterator[ToolDescription]:
        cursor: str | None = None
        seen = set[str]()
        for number in range(MAX_PAGES):
            page = self._page(line, session, f"{_NAME}-{number}", cursor)
            yield from page.tools
            cursor = page.next_cursor
            if cursor is None:
                return
            if cursor in seen or len(cursor) > MAX_CURSOR_CHARACTERS:
                raise CatalogueUnavailable("The gateway's list of tools leads in a circle, or nowhere.")
            seen.add(cursor)
        raise CatalogueUnavailable(f"The gateway's list of tools has more than {MAX_PAGES} pages.")

    def _page(self, line: Line, session: Session, identifier: str, cursor: str | None) -> ToolsPage:
        request = wire.list_request(identifier, cursor=cursor, protocol_version=line.version)
        asked = line.ask(request, parse=tools_page, session_id=session.identifier)
        if isinstance(asked.outcome, ToolsPage) and asked.outcome.next_cursor is not None:
            return asked.outcome
        outcome = self._sessions.end(line, session, asked)
        if isinstance(outcome, TransportFailure):
            if outcome.rpc_code == UNSUPPORTED_VERSION:
                raise ConfigurationError(f"MCP {line.version} cannot be used here. {outcome.detail}")
            raise _unavailable(outcome)
        return outcome


def _unavailable(failure: TransportFailure) -> CatalogueUnavailable:
    return CatalogueUnavailable(f"The gateway gave no list of its tools ({failure.phase}). {failure.detail}")
