"""A call carries who acts and under which key, where no parameter can reach it."""

from domain.model.tool_call import CallPurpose, ToolCall
from tests.builders import a_key, a_ref


def a_call(**changes: object) -> ToolCall:
    """The sample call."""
    return ToolCall.model_validate(
        {
            "purpose": CallPurpose.INVOKE,
            "ref": a_ref(),
            "tool_name": "crm___create_task",
            "arguments": {"title": "Call back"},
            "idempotency_key": a_key(),
            "tool_run_ref": "gateway_invocation_1",
            "trace_id": "execution-1",
            **changes,
        }
    )


def test_the_reserved_argument_carries_key_and_ids() -> None:
    """A tool that dedupes finds the key, the intent, the tenant and the account in one place (D28)."""
    assert a_call().wire_arguments == {
        "title": "Call back",
        "execution_context": {
            "idempotency_key": a_key(),
            "action_intent_id": "intent-1",
            "tenant_id": "tenant-1",
            "account_id": "account-1",
        },
    }


def test_a_tool_whose_schema_forbids_it_gets_no_reserved_argument() -> None:
    """An ``additionalProperties: false`` schema would refuse the call (D28)."""
    assert a_call(passes_execution_context=False).wire_arguments == {"title": "Call back"}


def test_no_argument_can_speak_for_the_execution() -> None:
    """Even if an argument of the reserved name got this far, the execution's own context wins (D28)."""
    forged = a_call(arguments={"execution_context": {"tenant_id": "tenant-2"}})
    context = forged.wire_arguments["execution_context"]
    assert context == forged.execution_context
    assert forged.execution_context["tenant_id"] == "tenant-1"
