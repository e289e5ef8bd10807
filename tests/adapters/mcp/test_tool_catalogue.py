"""The catalogue's own promises: strict pages, bounded lists, one POST for each page, and a version that is checked."""

import json
from collections.abc import Mapping, Sequence

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mcp.answer_reader import GatewayLimits
from adapters.mcp.tool_catalogue import LIST_LIMITS, MAX_PAGES, MAX_TOOLS, McpToolCatalogue
from adapters.memory.clock import MemoryClock
from domain.model.errors import ConfigurationError
from domain.model.tool_description import ToolDescription
from ports.tool_catalogue import CatalogueUnavailable
from tests.adapters.mcp.stand_in import (
    CANARY,
    GATEWAY_URL,
    VERSION,
    FixedTokens,
    Handler,
    a_response,
    answering,
    failing,
    replying,
)
from tests.adapters.mcp.test_session import ANY_JSON, a_server, agreeing
from tests.builders import NOW

TOOL = {"name": "crm___create_task", "inputSchema": {"type": "object"}}


class Asking:
    """A catalogue over a transport that a test scripts, and everything that was sent to it."""

    def __init__(
        self, handler: Handler, *, version: str = VERSION, url: str = GATEWAY_URL, limits: GatewayLimits = LIST_LIMITS
    ) -> None:
        self.requests: list[httpx.Request] = []
        self.tokens = FixedTokens()

        def handle(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return handler(request)

        self._catalogue = McpToolCatalogue(
            httpx.Client(transport=httpx.MockTransport(handle), trust_env=False),
            gateway_url=url,
            protocol_version=version,
            tokens=self.tokens,
            clock=MemoryClock(NOW),
            limits=limits,
        )

    def tools(self) -> Sequence[ToolDescription]:
        """List them."""
        return self._catalogue.tools(deadline_seconds=20, scopes=("tools/list",))

    def why_not(self) -> str:
        """Return why there is no list."""
        with pytest.raises(CatalogueUnavailable) as raised:
            self.tools()
        return str(raised.value)


def paging(*pages: Mapping[str, object]) -> Handler:
    """Answer each request with the next page, the last for ever."""
    left = list(pages)

    def handle(request: httpx.Request) -> httpx.Response:
        page = left.pop(0) if len(left) > 1 else left[0]
        return answering(page)(request)

    return handle


def test_each_page_is_one_post_that_says_what_the_protocol_asks_for() -> None:
    """The cursor is handed back as it came; nothing names a tool."""
    asking = Asking(paging({"tools": [TOOL], "nextCursor": "p2 ☃"}, {"tools": []}))
    asking.tools()
    first, second = asking.requests
    for request in asking.requests:
        assert request.method == "POST"
        assert request.headers["Mcp-Method"] == "tools/list"
        assert "Mcp-Name" not in request.headers
        assert request.headers["Authorization"] == f"Bearer {CANARY}"
    bodies = [json.loads(request.content) for request in (first, second)]
    assert [body["params"].get("cursor") for body in bodies] == [None, "p2 ☃"]
    assert bodies[0]["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] == VERSION
    assert bodies[0]["id"] != bodies[1]["id"]
    assert asking.tokens.asked == [("tools/list",)]


WRONG_PAGES: dict[str, object] = {
    "no object": [],
    "no tools": {},
    "tools are no list": {"tools": {}},
    "cursor is no text": {"tools": [], "nextCursor": 2},
    "tool is no object": {"tools": ["crm___create_task"]},
    "tool without a name": {"tools": [{"inputSchema": {}}]},
    "tool without a schema": {"tools": [{"name": "crm___create_task"}]},
    "schema is no object": {"tools": [{**TOOL, "inputSchema": True}]},
    "output schema is no object": {"tools": [{**TOOL, "outputSchema": []}]},
    "annotations are no object": {"tools": [{**TOOL, "annotations": []}]},
    "hint is no boolean": {"tools": [{**TOOL, "annotations": {"idempotentHint": "yes"}}]},
    "incomplete": {"tools": [TOOL], "resultType": "input_required"},
}


@pytest.mark.parametrize("page", WRONG_PAGES.values(), ids=WRONG_PAGES.keys())
def test_a_page_with_one_wrong_part_is_no_page(page: object) -> None:
    """Half a list would make a tool that exists look as if it were gone."""
    assert "MALFORMED" in Asking(answering(page)).why_not()


def test_a_tool_that_no_mapping_can_name_is_left_out() -> None:
    """It can never be called, and the rest of the list is as good as before."""
    odd = {**TOOL, "name": "a name with spaces"}
    assert [tool.name for tool in Asking(answering({"tools": [odd, TOOL]})).tools()] == ["crm___create_task"]


def test_a_tool_that_is_listed_twice_is_refused_by_name() -> None:
    """Which of the two would be called nobody can say."""
    page = {"tools": [TOOL], "nextCursor": "2"}
    assert "crm___create_task twice" in Asking(paging(page, {"tools": [TOOL]})).why_not()


def test_a_cursor_that_comes_back_ends_the_list() -> None:
    """Two pages that point at each other would be read for ever."""
    asking = Asking(
        paging({"tools": [], "nextCursor": "a"}, {"tools": [], "nextCursor": "b"}, {"tools": [], "nextCursor": "a"})
    )
    assert "circle" in asking.why_not()
    assert len(asking.requests) == 3


def test_a_cursor_of_any_length_is_not_carried() -> None:
    """It would have to be sent back."""
    assert "nowhere" in Asking(answering({"tools": [], "nextCursor": "a" * 5_000})).why_not()


def test_pages_without_end_are_not_read() -> None:
    """Each names a page that was not read yet."""

    def endless(request: httpx.Request) -> httpx.Response:
        cursor = json.loads(request.content)["params"].get("cursor", "0")
        return answering({"tools": [], "nextCursor": str(int(cursor) + 1)})(request)

    asking = Asking(endless)
    assert f"{MAX_PAGES} pages" in asking.why_not()
    assert len(asking.requests) == MAX_PAGES


@pytest.mark.parametrize("spare, fits", [(0, True), (1, False)])
def test_more_tools_than_a_gateway_can_have_use_for_are_not_read(spare: int, *, fits: bool) -> None:
    """The cap counts tools over all pages."""
    tools = [{**TOOL, "name": f"t{number}"} for number in range(MAX_TOOLS + spare)]
    asking = Asking(paging({"tools": tools[:9_000], "nextCursor": "2"}, {"tools": tools[9_000:]}))
    if fits:
        assert len(asking.tools()) == MAX_TOOLS
    else:
        assert f"more than {MAX_TOOLS}" in asking.why_not()


def test_a_page_larger_than_its_cap_is_not_read() -> None:
    """As with a call."""
    asking = Asking(answering({"tools": [TOOL]}), limits=GatewayLimits(max_response_bytes=20))
    assert "RESPONSE_BODY" in asking.why_not()


@pytest.mark.parametrize(
    "handler, said",
    [
        (failing(httpx.ConnectError("refused")), "Check the gateway URL"),
        (replying(b"", status=401), "refuses the token"),
        (replying(b"", status=404), "Correct the gateway URL"),
        (replying(b"", status=405), "takes no POST"),
        (replying(b"", status=421), "does not serve this host"),
        (replying(b"", status=308), "redirects, which is never followed"),
        (
            replying(b"", status=403, headers={"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="a/b c"'}),
            "Name the scopes a/b c in the mapping's required_scopes",
        ),
        (
            replying(b"", status=403, headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'}),
            "Name the scopes that the gateway requires",
        ),
        (replying(b"", status=403, headers={"WWW-Authenticate": 'Bearer error="<script>"'}), "refuses the client"),
    ],
    ids=["unreachable", "401", "404", "405", "421", "308", "scopes", "scope", "odd"],
)
def test_a_gateway_that_gives_no_list_is_told_with_what_to_do(handler: Handler, said: str) -> None:
    """The message leads to the setting that is wrong, and repeats nothing that has no shape of its own."""
    asking = Asking(handler)
    why = asking.why_not()
    assert said in why
    assert "<script>" not in why
    assert len(asking.requests) == 1


@pytest.mark.parametrize(
    "data, said",
    [
        ({"supported": ["2025-11-25", "2025-03-26"]}, "It supports 2025-11-25, 2025-03-26"),
        ({"supported": ["<b>", 1]}, "It names no version"),
        ({"supported": None}, "It names no version"),
        (None, "It names no version"),
    ],
)
def test_a_version_that_the_gateway_does_not_offer_is_told_with_those_it_does(data: object, said: str) -> None:
    """A deployment learns it when it is checked, not when its first action fails."""

    def refuse(request: httpx.Request) -> httpx.Response:
        error = {"code": -32022, "message": "Unsupported protocol version", "data": data}
        identifier = json.loads(request.content)["id"]
        return httpx.Response(400, json={"jsonrpc": "2.0", "id": identifier, "error": error})

    with pytest.raises(ConfigurationError, match=f"MCP {VERSION} cannot be used here") as raised:
        Asking(refuse).tools()
    assert said in str(raised.value)
    assert "<b>" not in str(raised.value)


def test_a_handshake_in_another_version_names_both() -> None:
    """The 2025 versions say so in their first answer."""
    asking = Asking(a_server({"initialize": agreeing("2025-03-26")}), version="2025-11-25")
    with pytest.raises(ConfigurationError, match=r"2025-11-25 with 2025-03-26"):
        asking.tools()
    assert len(asking.requests) == 1


@pytest.mark.parametrize("url", ["", "http://gateway.example.test/mcp", "gateway.example.test"])
def test_a_url_where_no_token_may_go_is_not_asked(url: str) -> None:
    """The same check as before a call."""
    asking = Asking(replying(b""), url=url)
    with pytest.raises(ConfigurationError):
        asking.tools()
    assert (asking.requests, asking.tokens.asked) == ([], [])


def test_a_list_that_answers_another_request_is_none() -> None:
    """Each page is believed under its own id only."""
    asking = Asking(lambda _: httpx.Response(200, json=a_response({"tools": []}, request_id="another")))
    assert "MALFORMED" in asking.why_not()


TOOLS = st.fixed_dictionaries(
    {"name": st.just("crm___create_task") | ANY_JSON, "inputSchema": st.just({"type": "object"}) | ANY_JSON},
    optional={"annotations": st.just({"idempotentHint": True}) | ANY_JSON, "outputSchema": ANY_JSON},
)
PAGES = st.fixed_dictionaries({"tools": st.lists(TOOLS, max_size=2) | ANY_JSON}, optional={"nextCursor": ANY_JSON})


@given(page=PAGES | ANY_JSON)
def test_no_page_raises_anything_but_what_the_port_says(page: object) -> None:
    """Whatever arrives is a list of tools that mappings can name, or no list."""
    body = json.dumps(a_response(page, request_id="catalogue-0")).encode()
    try:
        found = Asking(replying(body)).tools()
    except CatalogueUnavailable:
        return
    assert isinstance(page, dict)
    assert {tool.name for tool in found} <= {item["name"] for item in page["tools"]}
