"""The reference of how the gateway is spoken to, written from the client's constants and the policies themselves.

``python -m local.mcp_reference`` prints what ``docs/reference/mcp.md`` holds; a test proves that it is today's.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from adapters.mcp import wire
from adapters.mcp.answer_reader import MAX_MESSAGES, MAX_RESPONSE_BYTES
from adapters.mcp.results import MAX_CONTENT_BLOCKS
from adapters.mcp.retry_after import LONGEST_SECONDS, SHORTEST_SECONDS
from adapters.mcp.session import END_SECONDS
from adapters.mcp.strict_json import MAX_DEPTH
from adapters.mcp.tool_catalogue import LIST_LIMITS, MAX_PAGES, MAX_TOOLS
from domain.model.tool_call import ToolAnswer, TransportFailure
from domain.model.tool_mapping import EffectSafety, Idempotent, Unsafe, Verifiable
from domain.policies.answers import MAX_REFS
from domain.policies.classification import TOOL_CODES, Evidence, Verdict, classify
from domain.policies.evidence import TABLE, Row
from domain.policies.retry import Move, after_reply

_TOOL: Final = "crm___create_task"
_BOUND_SECONDS: Final = 60
_WISHED_SECONDS: Final = 30
_A_DAY_SECONDS: Final = 86_400
_SAFETIES: Final[tuple[EffectSafety, ...]] = (
    Idempotent(key_ttl_seconds=_A_DAY_SECONDS),
    Verifiable(verify_tool="crm___find_task", server_bound_seconds=_BOUND_SECONDS),
    Unsafe(),
)

_HEADER: Final = """# How the gateway is spoken to

The client is `adapters/mcp`, over httpx and without the MCP SDK: one `send` is one POST of `tools/call`, whatever
happens. This page is printed by `python -m local.mcp_reference`, from the constants and policies that decide; a test
fails when it is not today's. Sources: the Model Context Protocol specification of each version ("Lifecycle",
"Transports", "Tools"), JSON-RPC 2.0, and mcp 2.3.0's server, against which
`tests/integration/test_mcp_conformance.py` runs every version.

## Versions

`mcpProtocolVersion` chooses one for the whole deployment. It is never switched on the way: a gateway that speaks
another is a `ConfigurationError` that names both, before anything was sent; listing its tools finds that out without
calling one.

"""

_HANDSHAKE: Final = """
Every POST carries `Authorization: Bearer …`, `Accept: application/json, text/event-stream` and
`Accept-Encoding: identity`. The execution context (key, intent, tenant, account, trace, `tool_run_ref`) travels in
`_meta` under `{meta}` in every version.

The handshake of the 2025 versions is made anew for each send, so no session can have gone stale under a call and none
is shared between tenants. Its session id, if it is made of visible ASCII, is carried by the call, and after a complete
answer the session is ended by a DELETE that takes {end:g} s at most and whose result changes nothing. A server that
issues no session id keeps no session: from then on the handshake is left out, until it complains with HTTP 400 or 404.
A handshake that fails is phase `SESSION`, or the phase of a call that failed so early: the call was not sent. A refused
token, a refused scope and a wish to wait (HTTP 401, 403 and 429) mean the same in it as in a call.

## Limits

| what | limit |
|---|---|
| one send, its handshake included | what is left of the function's time, at most `gatewayTimeoutSeconds` |
| body of an answer | {bytes:,} bytes, never compressed |
| nesting of its JSON | {depth} levels |
| messages of a stream before the answer | {messages:,} |
| content blocks of an answer | {blocks} |
| `Retry-After` | held within {shortest} to {longest} s |
| a list of tools | {tools:,} tools on {pages:,} pages of {page_bytes:,} bytes |

JSON with NaN, an infinity, a key named twice, half a surrogate pair, a byte order mark or bad UTF-8 is refused.

## What is never done

- No redirect is followed, no proxy of the environment used, no cookie kept; a token goes to the configured host only.
- No GET: a stream that broke is not resumed, and the client does not listen for the server.
- No second `tools/call` in one send: not after a 401, not under another name, not in another version.
- Nothing that the server asks is answered: `input_required`, elicitation, sampling, roots, ping. A batch is refused.
- No text of an answer decides anything: text chooses the error code that people read, and no more.

"""

_FAILURES: Final = f"""## What each failure proves, and what follows

The first row that takes a failure speaks for it (`domain/policies/evidence.py`); what follows is decided by
`domain/policies/retry.py`. Where time ran out, the code of the rows marked * is TIMEOUT. An IDEMPOTENT tool is sent the
same key again while it remembers it; a VERIFIABLE one (here with {_BOUND_SECONDS} s until its effects can be seen) is
asked; after an UNSAFE one a person decides.

| case | phase | proves | code | IDEMPOTENT | VERIFIABLE | UNSAFE | because | source |
|---|---|---|---|---|---|---|---|---|
"""

_QUOTED_CODES: Final = ", ".join(f"`{code}`" for code in sorted(TOOL_CODES))
_ANSWERS: Final = f"""
## What an answer proves, and what follows

By the tool's typed contract: the structured content of its answer, or else a text of it, is one JSON object.

| field | what it says |
|---|---|
| `success` | `true` or `false`; it may be left out by an answer that names what it created |
| `external_object_id`, `object_type`, `object_url` | the one object that exists because of the call |
| `external_objects` | several of them: at most {MAX_REFS} objects with `object_id`, `object_type`, `object_url` |
| `error_code`, `error_message` | with `success: false`: one of {_QUOTED_CODES}, and words for people |
| `found` | of a verify tool only, with `success: true`: whether an effect of the key exists, named as above |

A tool that answers in words of its own needs a mapping that says so by its `result`
([`NO_ERROR`](../gateway.md#your-own-mcp-server)): without it, everything that the tool does ends as UNKNOWN.

| answer | proves | code | IDEMPOTENT | VERIFIABLE | UNSAFE |
|---|---|---|---|---|---|
"""

_SAMPLE_ANSWERS: Final[tuple[tuple[str, ToolAnswer], ...]] = (
    (
        "`success: true` with its object",
        ToolAnswer(is_error=False, structured={"success": True, "external_object_id": "task-1"}),
    ),
    ("`success: false`", ToolAnswer(is_error=True, structured={"success": False, "error_message": "no"})),
    (
        "`success: false` with an object that exists",
        ToolAnswer(is_error=True, structured={"success": False, "external_object_id": "task-1"}),
    ),
    ("`isError` with a sentence (an unknown tool, too)", ToolAnswer(is_error=True, texts=("Unknown tool: x",))),
    ("no `isError`, and no JSON object", ToolAnswer(is_error=False, texts=("Done!",))),
    (
        "`success: true` with `isError`",
        ToolAnswer(is_error=True, structured={"success": True, "external_object_id": "task-1"}),
    ),
    ("neither `success` nor an object", ToolAnswer(is_error=False, structured={"status": "ok"})),
)


def page() -> str:
    """Return the page."""
    limits = _HANDSHAKE.format(
        meta=wire.EXECUTION_META,
        end=END_SECONDS,
        bytes=MAX_RESPONSE_BYTES,
        depth=MAX_DEPTH,
        messages=MAX_MESSAGES,
        blocks=MAX_CONTENT_BLOCKS,
        shortest=SHORTEST_SECONDS,
        longest=LONGEST_SECONDS,
        tools=MAX_TOOLS,
        pages=MAX_PAGES,
        page_bytes=LIST_LIMITS.max_response_bytes,
    )
    parts = (_HEADER, _table(_versions()), limits, _FAILURES, _table(_failures()), _ANSWERS, _table(_answers()))
    return "".join(parts)


def _table(rows: Iterator[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _versions() -> Iterator[tuple[str, ...]]:
    yield "version", "one send is", "headers of the call beside the common ones"
    yield "---", "---", "---"
    for version in wire.SUPPORTED_PROTOCOL_VERSIONS:
        shakes = wire.begins_with_handshake(version)
        sends = (wire.INITIALIZE, wire.INITIALIZED, wire.CALL) if shakes else (wire.CALL,)
        headers = wire.request_headers(
            wire.CALL, protocol_version=version, tool_name="x", session_id="x" if shakes else None
        )
        own = [name for name in headers if name.lower().startswith("mcp-")]
        yield f"`{version}`", ", ".join(f"`{each}`" for each in sends), ", ".join(f"`{each}`" for each in own)


def _failures() -> Iterator[tuple[str, ...]]:
    for row in TABLE:
        verdict = classify(_sample(row), _TOOL)
        late = "*" if row.code_if_late else ""
        yield (
            row.case,
            f"`{row.phase}`",
            _proves(verdict),
            f"{row.error_code}{late}",
            *(_follows(row, verdict, safety) for safety in _SAFETIES),
            row.reason,
            row.source,
        )


def _sample(row: Row) -> TransportFailure:
    return TransportFailure(
        phase=row.phase,
        detail=row.case,
        http_status=min(row.http_statuses, default=None),
        rpc_code=min(row.rpc_codes, default=None),
    )


def _answers() -> Iterator[tuple[str, ...]]:
    for case, answer in _SAMPLE_ANSWERS:
        verdict = classify(answer, _TOOL)
        code = verdict.error_code or "—"
        yield case, _proves(verdict), code, *(_next(verdict, safety) for safety in _SAFETIES)


def _proves(verdict: Verdict) -> str:
    return verdict.evidence.replace("_", " ").lower()


def _follows(row: Row, verdict: Verdict, safety: EffectSafety) -> str:
    first = _next(verdict, safety)
    if row.token_refused:
        again = _next(verdict, safety, token_refused_before=True)
        return f"{first}, under a new token; the second time: {again}"
    if verdict.transient and row.http_statuses:
        wished = _next(replace(verdict, retry_after_seconds=_WISHED_SECONDS), safety)
        return f"{first}; with `Retry-After: {_WISHED_SECONDS}`: {wished}"
    return first


def _next(verdict: Verdict, safety: EffectSafety, *, token_refused_before: bool = False) -> str:
    found = after_reply(
        verdict,
        safety,
        seconds_since_first_send=0,
        seconds_to_expiry=_A_DAY_SECONDS,
        seconds_to_end=_A_DAY_SECONDS,
        sends=1,
        token_refused_before=token_refused_before,
    )
    match found.move:
        case Move.DEFER:
            then = "send again" if verdict.evidence is Evidence.NOT_DONE else "ask"
            return f"wait {found.wait_seconds} s, then {then}"
        case move:
            return _WORDS[move]


_WORDS: Final = {
    Move.CONCLUDE: "record it",
    Move.RETRY: "send again",
    Move.GIVE_UP: "give up: FAILED",
    Move.UNKNOWN: "UNKNOWN: tell a person",
}


def main() -> int:
    """Print the page."""
    print(page(), end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
