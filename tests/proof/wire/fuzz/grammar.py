"""The grammar of honest answers: what a tool and its gateway may say, in every form that the protocol has.

What it writes proves what it says; the mutations take it from there.
"""

import json
import random
from dataclasses import dataclass, field
from typing import Any, Final

from domain.policies.classification import Evidence
from tests.proof.wire.fuzz.hostile import HOSTILE

Json = Any

PROGRESS: Final = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}}
_NOT_EXECUTED: Final = (-32700, -32600, -32601, -32602, -32020, -32022)
_DOUBTFUL: Final = (-32603, -32000, -32001, -32042, -1, 0, 1)


@dataclass
class Said:
    """One answer before it becomes bytes, and what it proves as long as nobody touches it."""

    document: Json
    evidence: Evidence
    status: int = 200
    as_events: bool = False
    notifications: list[Json] = field(default_factory=list)


def words(rng: random.Random) -> str:
    """Return some text, hostile more often than not."""
    if rng.random() < 0.6:
        return rng.choice(HOSTILE)
    return "".join(rng.choice("abc XYZ 019 _-.:/é€\\\"'\n\t") for _ in range(rng.randrange(24)))


def an_object(rng: random.Random) -> dict[str, Json]:
    """Return an object as a contract names it."""
    named = {"object_type": "Task", "object_id": f"task-{rng.randrange(10_000)}"}
    if rng.random() < 0.5:
        named["object_url"] = f"https://crm.example.test/tasks/{named['object_id']}"
    return named


def _success(rng: random.Random) -> tuple[dict[str, Json], bool]:
    contract: dict[str, Json] = {"success": True}
    match rng.randrange(4):
        case 0:
            contract["external_objects"] = [an_object(rng) for _ in range(rng.randrange(4))]
        case 1:
            one = an_object(rng)
            contract |= {"external_object_id": one["object_id"], "object_type": "Task", "external_objects": [one]}
        case 2:
            contract = {"external_object_id": f"task-{rng.randrange(10_000)}", "note": words(rng)}
        case _:
            contract["note"] = words(rng)
    return contract, False


def _refusal(rng: random.Random, *, partial: bool) -> tuple[dict[str, Json], bool]:
    contract: dict[str, Json] = {"success": False, "error_message": words(rng), "error_code": words(rng)}
    if partial:
        contract["external_objects"] = [an_object(rng) for _ in range(rng.randrange(1, 4))]
    return contract, rng.random() < 0.8


def _result(rng: random.Random, contract: dict[str, Json], *, is_error: bool) -> dict[str, Json]:
    blocks: list[Json] = [{"type": "text", "text": json.dumps(contract)}]
    result: dict[str, Json] = {"content": blocks}
    if rng.random() < 0.7:
        result["structuredContent"] = contract
        if rng.random() < 0.3:
            blocks.clear()
    if rng.random() < 0.3:
        blocks.append({"type": "image", "data": "AAAA", "mimeType": "image/png"})
    if rng.random() < 0.3:
        blocks.insert(0, {"type": "text", "text": "note: " + words(rng)})
    if is_error or rng.random() < 0.7:
        result["isError"] = is_error
    if rng.random() < 0.7:
        result["resultType"] = "complete"
    if rng.random() < 0.3:
        result["_meta"] = {"io.modelcontextprotocol/serverInfo": {"name": words(rng), "version": "1"}}
    return result


def an_answer(rng: random.Random, request_id: str) -> Said:
    """Return one honest answer to the request of this id."""
    kind = rng.randrange(10)
    head: dict[str, Json] = {"jsonrpc": "2.0", "id": request_id}
    said: Said
    if kind < 5:
        contract, is_error = _success(rng)
        said = Said({**head, "result": _result(rng, contract, is_error=is_error)}, Evidence.SUCCEEDED)
    elif kind < 8:
        contract, is_error = _refusal(rng, partial=kind == 7)
        evidence = Evidence.PARTIAL if kind == 7 else Evidence.REFUSED
        said = Said({**head, "result": _result(rng, contract, is_error=is_error)}, evidence)
    elif kind < 9:
        code, evidence = rng.choice(
            [(one, Evidence.NOT_DONE) for one in _NOT_EXECUTED] + [(one, Evidence.IN_DOUBT) for one in _DOUBTFUL]
        )
        said = Said({**head, "error": {"code": code, "message": words(rng), "data": words(rng)}}, evidence)
        said.status = rng.choice((200, 200, 400, 404))
    else:
        blocks = [{"type": "text", "text": "said: " + words(rng)}]
        said = Said({**head, "result": {"content": blocks, "isError": rng.random() < 0.5}}, Evidence.IN_DOUBT)
    if said.status == 200 and rng.random() < 0.4:
        said.as_events = True
        said.notifications = [PROGRESS] * rng.randrange(3)
        if said.notifications and said.evidence is Evidence.NOT_DONE:
            said.evidence = Evidence.IN_DOUBT  # whoever tells of progress has begun, whatever the refusal says
    return said
