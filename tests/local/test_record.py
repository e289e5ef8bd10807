"""What is on record about an intent, as a person reads it."""

import json
from types import SimpleNamespace
from typing import Any, ClassVar

from domain.model.errors import ErrorCode
from domain.model.outcome import OutcomeStatus
from domain.policies.audit import findings
from local.record import ExecutionFacts, IntentRecord, _executions
from tests.builders import NOW, a_claim, a_dispatch, a_ref, a_settlement, an_object_ref, later

CLAIMED, FIRST = a_claim()
DISPATCHED, SECOND = a_dispatch(CLAIMED)
SETTLED, THIRD, OUTCOME, _ = a_settlement(DISPATCHED, external_object_refs=(an_object_ref(),))
EXECUTIONS = (ExecutionFacts("execution-1", "SUCCEEDED", None, None),)
RECORD = IntentRecord(SETTLED, OUTCOME, (FIRST, SECOND, THIRD), EXECUTIONS)


def test_a_settled_intent_is_told_from_its_outcome_to_its_executions() -> None:
    """Status, objects, compensation, ledger and executions, in that order."""
    text = RECORD.as_text()
    assert text.startswith("SUCCEEDED after ")
    assert an_object_ref().object_id in text
    assert text.index("EXECUTION_STARTED") < text.index("TOOL_DISPATCHED") < text.index("prove each other")
    assert "execution execution-1  SUCCEEDED" in text


def test_a_failure_says_why() -> None:
    """The code and the message stand in the first line."""
    failed = a_settlement(
        DISPATCHED, status=OutcomeStatus.FAILED, error_code=ErrorCode.VALIDATION_ERROR, error_message="no such owner"
    )[2]
    headline = IntentRecord(None, failed, (), ()).as_text().splitlines()[0]
    assert "VALIDATION_ERROR: no such owner" in headline


def test_a_ledger_that_was_cut_short_is_found_out() -> None:
    """The attempt knows how many entries there must be, so a missing tail shows, as does what it would have said."""
    cut = IntentRecord(SETTLED, OUTCOME, (FIRST, SECOND), ())
    assert cut.findings == findings(SETTLED, OUTCOME, (FIRST, SECOND))
    text = cut.as_text()
    assert "audit: FINDINGS" in text
    assert all(finding in text for finding in cut.findings)
    assert RECORD.findings == ()


def test_a_person_who_was_told_and_what_they_said_are_shown() -> None:
    """Whoever comes next sees why the outcome is no longer UNKNOWN."""
    doubted, third, _, _ = a_settlement(DISPATCHED, status=OutcomeStatus.UNKNOWN)
    told, fourth = doubted.operator_notified(kind="ATTENTION", notice_id="a" * 64, now=later(4))
    resolved, fifth, outcome, _ = a_settlement(told, recorded_at=later(60))
    record = IntentRecord(resolved, outcome, (FIRST, SECOND, third, fourth, fifth))
    assert record.findings == ()
    assert record.notices == [
        {"kind": "ATTENTION", "notice_id": "a" * 64, "told_at": later(4).isoformat(timespec="seconds")}
    ]
    text = record.as_text()
    assert "told a person (ATTENTION)" in text
    assert outcome.resolution is not None
    assert f"OPERATOR by operator-1: {outcome.resolution.evidence}" in text


def test_an_intent_without_a_claim_has_nothing_on_record() -> None:
    """It was never approved, or is not known."""
    assert IntentRecord(None, None, (), ()).as_text() == "nothing on record"


def test_a_running_intent_shows_its_attempt() -> None:
    """There is no outcome yet, and how far it has come is said."""
    text = IntentRecord(DISPATCHED, None, (FIRST, SECOND), ()).as_text()
    assert "no outcome yet, attempt DISPATCHED" in text
    assert "audit: ledger and attempt prove each other; there is no outcome yet" in text


class _Workflow:
    """A machine with one execution that an event of a hundred thousand brackets started, and one that is ours."""

    inputs: ClassVar = {"poisoned": "[" * 100_000, "ours": json.dumps(a_ref().model_dump())}

    def get_paginator(self, _name: str) -> "_Workflow":
        return self

    def paginate(self, **_machine: str) -> list[dict[str, Any]]:
        return [{"executions": [{"executionArn": name} for name in self.inputs]}]

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803  boto3's spelling
        return {"name": executionArn, "status": "FAILED", "startDate": NOW, "input": self.inputs[executionArn]}


def test_a_poisoned_execution_does_not_hide_those_of_other_intents() -> None:
    """Its input cannot even be parsed; whoever looks at another intent does not care."""
    info: Any = SimpleNamespace(client=lambda _service: _Workflow(), state_machine_arn="arn")
    assert [one.name for one in _executions(info, a_ref())] == ["ours"]


def test_the_whole_record_is_plain_data_for_scripts() -> None:
    """The JSON has the same parts, and says what an audit finds."""
    plain = RECORD.as_json()
    assert list(plain) == ["attempt", "outcome", "ledger", "findings", "notices", "executions"]
    assert (plain["outcome"]["status"], plain["findings"], len(plain["ledger"])) == ("SUCCEEDED", [], 3)
