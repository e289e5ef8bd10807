"""One plausible section of each step, as its function would return it."""

from typing import Any

DIGEST = "a" * 64

SECTIONS: dict[str, dict[str, Any]] = {
    "start": {
        "action_type": "CREATE_CRM_TASK",
        "registry_version": "1",
        "action_digest": DIGEST,
        "trace_id": "4f1c",
        "decision_trace_id": "d-1",
        "fence": 1,
        "attempt_count": 1,
        "started_at": "2026-11-23T10:00:00Z",
        "expires_at_epoch": 1795000000,
    },
    "preflight": {
        "checked_at": "2026-11-23T10:00:01Z",
        "approved_by": "u-1",
        "approved_at": "2026-11-23T09:00:00Z",
        "rules_passed": ["approved"],
    },
    "mapping": {
        "tool_name": "crm___create_task",
        "tool_schema_version": "1",
        "mapping_hash": DIGEST,
        "arguments_digest": DIGEST,
        "idempotency_key": DIGEST,
        "system": "CRM",
        "effect_safety": "IDEMPOTENT",
        "compensation_strategy": "AUTOMATIC",
    },
    "invocation": {
        "status": "SUCCEEDED",
        "tool_run_ref": "gateway_invocation_1",
        "external_object_refs": [],
        "raw_response_artifact_ref": None,
        "error_code": None,
        "error_class": None,
        "error_message": None,
        "attempt_count": 1,
        "completed_at": "2026-11-23T10:00:02Z",
        "retry_after_seconds": 0,
    },
    "compensation": {"status": "COMPLETED", "reason": "every object was undone", "refs": []},
    "outcome": {
        "recorded": True,
        "status": "SUCCEEDED",
        "error_code": "NONE",
        "error_message": "",
        "compensation_status": "NOT_NEEDED",
        "signal_id": "s-1",
    },
}
