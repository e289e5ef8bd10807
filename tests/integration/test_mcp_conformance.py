"""Conformance with the official MCP SDK's server: every protocol version, both bodies, with and without session and
token, over real sockets.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from adapters.mcp.endpoint import build_http_client
from adapters.mcp.tool_catalogue import McpToolCatalogue
from adapters.mcp.tool_gateway import McpToolGateway
from domain.model.errors import ConfigurationError
from domain.model.tool_call import ToolAnswer, TransportFailure, TransportPhase
from domain.policies.classification import Evidence, classify
from ports.steps.resources import MCP_PROTOCOL_VERSIONS
from ports.tool_catalogue import CatalogueUnavailable
from tests.adapters.mcp.stand_in import a_call
from tests.integration.mcp_peers import (
    GOOD_TOKEN,
    OTHER_SCOPE_TOKEN,
    PAGES,
    MachineClock,
    NamedTokens,
    Witness,
    a_paged_server,
    on_a_free_port,
)

DEADLINE_SECONDS = 10.0
STATELESS_VERSION = "2026-07-28"


@dataclass(frozen=True)
class Peer:
    """One running server and how it was built."""

    witness: Witness
    url: str
    version: str
    stateless: bool
    json_response: bool

    @property
    def keeps_sessions(self) -> bool:
        """Whether this server issues session ids in this version."""
        return not self.stateless and self.version != STATELESS_VERSION

    def gateway(self, http: httpx.Client, *tokens: str, version: str | None = None) -> McpToolGateway:
        """A gateway before it."""
        return McpToolGateway(
            http,
            gateway_url=self.url,
            protocol_version=version or self.version,
            tokens=NamedTokens(tokens or (GOOD_TOKEN,)),
            clock=MachineClock(),
        )

    def catalogue(self, http: httpx.Client, *tokens: str) -> McpToolCatalogue:
        """Its catalogue."""
        return McpToolCatalogue(
            http,
            gateway_url=self.url,
            protocol_version=self.version,
            tokens=NamedTokens(tokens or (GOOD_TOKEN,)),
            clock=MachineClock(),
        )


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    """The client as it is deployed."""
    with build_http_client() as client:
        yield client


@pytest.fixture(params=[True, False], ids=["json", "sse"])
def json_response(request: pytest.FixtureRequest) -> bool:
    """Whether answers come whole or as a stream."""
    return bool(request.param)


@pytest.fixture(params=[True, False], ids=["stateless", "stateful"])
def stateless(request: pytest.FixtureRequest) -> bool:
    """Whether the server keeps sessions, where the version has them."""
    return bool(request.param)


@pytest.fixture(params=MCP_PROTOCOL_VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Every version that this client speaks."""
    return str(request.param)


@pytest.fixture(params=[False, True], ids=["open", "auth"])
def peer(request: pytest.FixtureRequest, version: str, *, stateless: bool, json_response: bool) -> Iterator[Peer]:
    """A running server of each kind."""
    witness = a_paged_server(json_response=json_response, stateless=stateless, auth=request.param)
    with on_a_free_port(witness) as port:
        yield Peer(witness, f"http://127.0.0.1:{port}/mcp", version, stateless, json_response)


@pytest.fixture
def guarded(version: str, *, stateless: bool, json_response: bool) -> Iterator[Peer]:
    """A running server that checks its tokens."""
    witness = a_paged_server(json_response=json_response, stateless=stateless, auth=True)
    with on_a_free_port(witness) as port:
        yield Peer(witness, f"http://127.0.0.1:{port}/mcp", version, stateless, json_response)


def test_a_call_succeeds_and_is_sent_once(peer: Peer, http: httpx.Client) -> None:
    """The typed answer comes back whole; what an embedded resource says is data; no GET was ever made."""
    reply = peer.gateway(http).send(a_call(), deadline_seconds=DEADLINE_SECONDS)
    assert isinstance(reply.outcome, ToolAnswer), reply
    assert reply.outcome.structured is not None
    assert reply.outcome.structured["external_object_id"] == "Call the customer back"
    assert "cc-native/execution" in str(reply.outcome.structured["meta"])
    assert len(reply.outcome.texts) == 1
    assert classify(reply.outcome, "crm___create_task").evidence is Evidence.SUCCEEDED
    assert peer.witness.methods().count("tools/call") == 1
    assert "GET" not in {each.http_method for each in peer.witness.seen}


def test_the_handshake_precedes_the_call_where_the_version_has_one(peer: Peer, http: httpx.Client) -> None:
    """Its session is carried by what follows and ended; the version is in the header where the version has it."""
    gateway = peer.gateway(http)
    gateway.send(a_call(), deadline_seconds=DEADLINE_SECONDS)
    shaken = ["initialize", "notifications/initialized", "tools/call"]
    ended = ["DELETE"] if peer.keeps_sessions else []
    expected = ["tools/call"] if peer.version == STATELESS_VERSION else [*shaken, *ended]
    assert peer.witness.methods() == expected
    after = peer.witness.seen[1:] if len(expected) > 1 else peer.witness.seen
    assert {each.version for each in after} == {None if peer.version == "2025-03-26" else peer.version}
    sessions = {each.session_id for each in after}
    assert (sessions != {None}) is peer.keeps_sessions
    assert len(sessions) == 1


def test_the_next_call_has_its_own_session_or_no_handshake_at_all(peer: Peer, http: httpx.Client) -> None:
    """A server that keeps no session is not asked for one again; one that does gives each call another."""
    gateway = peer.gateway(http)
    for _ in range(2):
        assert isinstance(gateway.send(a_call(), deadline_seconds=DEADLINE_SECONDS).outcome, ToolAnswer)
    methods = peer.witness.methods()
    assert methods.count("tools/call") == 2
    shaken = 0 if peer.version == STATELESS_VERSION else 2 if peer.keeps_sessions else 1
    assert methods.count("initialize") == shaken
    used = [each.session_id for each in peer.witness.seen if each.rpc_method == "tools/call"]
    assert len(set(used)) == (2 if peer.keeps_sessions else 1)


def test_the_tools_are_listed_page_by_page(peer: Peer, http: httpx.Client) -> None:
    """Every page is asked for once, in one session, and an empty last page ends the list."""
    tools = peer.catalogue(http).tools(deadline_seconds=DEADLINE_SECONDS)
    assert [tool.name for tool in tools] == [name for page in PAGES for name in page]
    assert tools[0].input_schema["required"] == ["title"]
    assert (tools[0].annotations.idempotent, tools[0].annotations.destructive) == (True, None)
    assert peer.witness.methods().count("tools/list") == len(PAGES)
    assert peer.witness.methods().count("DELETE") == int(peer.keeps_sessions)
    assert "tools/call" not in peer.witness.methods()


def test_a_refused_token_is_told_before_any_tool_is_called(guarded: Peer, http: httpx.Client) -> None:
    """HTTP 401, whether it strikes the handshake or the call; the next send takes a new token and succeeds."""
    gateway = guarded.gateway(http, "token-of-a-stranger-000000003", GOOD_TOKEN)
    outcome = gateway.send(a_call(), deadline_seconds=DEADLINE_SECONDS).outcome
    assert isinstance(outcome, TransportFailure)
    assert (outcome.phase, outcome.http_status) == (TransportPhase.HTTP_STATUS, 401)
    verdict = classify(outcome, "crm___create_task")
    assert (verdict.evidence, verdict.transient, verdict.token_refused) == (Evidence.NOT_DONE, True, True)
    assert len(guarded.witness.seen) == 1
    assert isinstance(gateway.send(a_call(), deadline_seconds=DEADLINE_SECONDS).outcome, ToolAnswer)


def test_a_token_without_the_scope_is_told_with_the_fix(guarded: Peer, http: httpx.Client) -> None:
    """HTTP 403 ``insufficient_scope``: not done, and no other token would help."""
    outcome = guarded.gateway(http, OTHER_SCOPE_TOKEN).send(a_call(), deadline_seconds=DEADLINE_SECONDS).outcome
    assert isinstance(outcome, TransportFailure)
    assert (outcome.phase, outcome.http_status) == (TransportPhase.HTTP_STATUS, 403)
    assert "insufficient_scope" in outcome.detail
    assert "required_scopes" in outcome.detail
    verdict = classify(outcome, "crm___create_task")
    assert (verdict.evidence, verdict.transient) == (Evidence.NOT_DONE, False)
    with pytest.raises(CatalogueUnavailable, match="insufficient_scope"):
        guarded.catalogue(http, OTHER_SCOPE_TOKEN).tools(deadline_seconds=DEADLINE_SECONDS)


def test_a_version_that_the_client_does_not_speak_reaches_no_server(peer: Peer, http: httpx.Client) -> None:
    """The refusal names what can be configured instead."""
    with pytest.raises(ConfigurationError, match="2025-11-25"):
        peer.gateway(http, version="2024-11-05").send(a_call(), deadline_seconds=DEADLINE_SECONDS)
    assert peer.witness.seen == []


def test_a_server_that_stops_keeping_no_session_is_asked_again(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was learnt of a server is forgotten when it complains; that call was not carried out."""
    witness = a_paged_server(json_response=True, stateless=True, auth=False)
    changed = a_paged_server(json_response=True, stateless=False, auth=False)
    with on_a_free_port(witness) as port, on_a_free_port(changed) as other:
        peer = Peer(witness, f"http://127.0.0.1:{port}/mcp", "2025-11-25", stateless=True, json_response=True)
        gateway = peer.gateway(http)
        assert isinstance(gateway.send(a_call(), deadline_seconds=DEADLINE_SECONDS).outcome, ToolAnswer)
        channel = gateway._channel  # noqa: SLF001  the same deployment, behind which the server was replaced
        monkeypatch.setitem(channel.__dict__, "gateway_url", f"http://127.0.0.1:{other}/mcp")
        refused = gateway.send(a_call(), deadline_seconds=DEADLINE_SECONDS).outcome
        assert isinstance(refused, TransportFailure)
        assert (refused.phase, refused.http_status, refused.rpc_code) == (TransportPhase.SESSION, 400, -32600)
        assert isinstance(gateway.send(a_call(), deadline_seconds=DEADLINE_SECONDS).outcome, ToolAnswer)
    assert changed.methods().count("initialize") == 1
