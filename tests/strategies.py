"""Hypothesis strategies for the domain's values: what may legally exist, and what the world may send instead.

This owns how examples are made and asserts nothing. Strategies named ``any_…`` make hostile input too; the others
make only what the model accepts.
"""

import string

from hypothesis import strategies as st
from pydantic import JsonValue

from domain.model.canonical_json import MAX_EXACT_INTEGER
from domain.model.external_object import ExternalObjectRef, ExternalSystem
from domain.model.identifiers import IntentRef
from domain.model.tool_call import ToolAnswer, TransportFailure, TransportPhase
from domain.model.tool_mapping import (
    EffectSafety,
    ErrorText,
    Idempotent,
    ResultContract,
    ResultEvidence,
    Unsafe,
    Verifiable,
)

_FIRST = string.ascii_letters + string.digits
_REST = _FIRST + "._:@+-"

identifiers = st.builds(str.__add__, st.sampled_from(_FIRST), st.text(_REST, max_size=127))
"""Every legal id."""

any_text = st.text(st.characters(codec=None))
"""Any text that a Python string can hold, control characters and half surrogates included."""

plain_text = st.text(st.characters(codec="utf-8"))
"""Any text that UTF-8 can carry."""

field_names = st.text(st.characters(codec="utf-8"), min_size=1)
"""Every name that a field may have."""

intent_refs = st.builds(IntentRef, tenant_id=identifiers, account_id=identifiers, action_intent_id=identifiers)

numbers = st.integers(-MAX_EXACT_INTEGER, MAX_EXACT_INTEGER) | st.floats(
    min_value=-1e100, max_value=1e100, allow_nan=False, allow_infinity=False
).filter(lambda number: number == 0 or abs(number) >= 1e-100)
"""Every number that the canonical form is sure to accept."""

json_scalars: st.SearchStrategy[JsonValue] = st.none() | st.booleans() | numbers | plain_text
json_values: st.SearchStrategy[JsonValue] = st.recursive(
    json_scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(field_names, inner, max_size=4),
    max_leaves=12,
)
"""JSON data that the canonical form accepts."""
json_objects: st.SearchStrategy[dict[str, JsonValue]] = st.dictionaries(field_names, json_values, max_size=5)

any_json: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=12,
)
"""What a JSON reader may hand over: not-a-number, huge integers and half surrogates included."""

_printable = st.characters(min_codepoint=0x20, max_codepoint=0x7E)

object_refs = st.builds(
    ExternalObjectRef,
    system=st.sampled_from(ExternalSystem),
    object_type=st.text(_printable, min_size=1, max_size=64),
    object_id=st.text(_printable, min_size=1, max_size=256),
    object_url=st.none() | st.just("https://crm.example.test/tasks/1"),
)

effect_safeties: st.SearchStrategy[EffectSafety] = st.one_of(
    st.builds(Idempotent, key_ttl_seconds=st.integers(121, 31_536_000)),
    st.builds(
        Verifiable,
        verify_tool=st.just("crm___find_task"),
        server_bound_seconds=st.integers(0, 3_600),
    ),
    st.just(Unsafe()),
)

transport_failures = st.builds(
    TransportFailure,
    phase=st.sampled_from(TransportPhase),
    detail=any_text,
    http_status=st.none() | st.integers(100, 599),
    rpc_code=st.none() | st.integers(-33_000, 0),
    retry_after_seconds=st.none() | st.integers(-10, 10_000_000),
    timed_out=st.booleans(),
)

_contract_fields = st.fixed_dictionaries(
    {},
    optional={
        "success": st.booleans() | any_json,
        "found": st.booleans() | any_json,
        "external_object_id": st.just("task-1") | any_json,
        "object_type": st.just("Task") | any_json,
        "object_url": any_json,
        "external_objects": any_json,
        "system": any_json,
        "error_code": st.sampled_from(["TIMEOUT", "OWNERSHIP_LOST"]) | any_json,
        "error_class": any_json,
        "error_message": any_json,
        "tool_name": any_json,
    },
)

any_answers = st.builds(
    ToolAnswer,
    is_error=st.booleans(),
    structured=st.none() | _contract_fields | st.dictionaries(any_text, any_json, max_size=3),
    texts=st.lists(any_text | st.sampled_from(['{"success": true}', '{"success": false}', "[]", "{"]), max_size=3).map(
        tuple
    ),
)
"""Any well-formed ``tools/call`` result, as hostile inside as a tool can make it."""

result_contracts = st.builds(ResultContract, error_text=st.sampled_from(ErrorText)) | st.builds(
    ResultContract,
    evidence=st.just(ResultEvidence.NO_ERROR),
    object_id=st.sampled_from((None, "/success", "/external_object_id", "/a/b")),
    error_text=st.sampled_from(ErrorText),
)
"""Every way a mapping may let its tool's answers be read."""
