"""What the reconciler may be given: each sender's shape, and the refusal of everything else."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ports.reconciler_events import ExecutionEnded, SpooledState, SweepDue, Unreadable, read_event
from tests.builders import EXECUTION_ARN, NOW, a_ref

SCHEDULED = {"version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
STATE = {"execution_arn": EXECUTION_ARN, "started_at": NOW.isoformat(), "approval": a_ref().model_dump()}


def ended(**detail: Any) -> dict[str, Any]:  # noqa: ANN401  JSON of any shape
    """A status change as Step Functions sends it."""
    return {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"executionArn": EXECUTION_ARN, "status": "ABORTED", **detail},
    }


def test_the_schedule_asks_for_a_sweep() -> None:
    """Whatever else its event says."""
    assert read_event(SCHEDULED) == SweepDue()


def test_a_status_change_names_the_intent_of_its_input() -> None:
    """The input is a text of JSON, as the execution got it."""
    event = ended(input=json.dumps({**a_ref().model_dump(), "more": 1}))
    assert read_event(event) == ExecutionEnded(EXECUTION_ARN, a_ref())


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "{}", '{"tenant_id": "a#b"}', "[" * 5_000])
def test_a_status_change_of_a_poisoned_execution_names_no_intent(text: str) -> None:
    """Its execution has put it into quarantine already; there is nothing to finish."""
    assert read_event(ended(input=text)) == ExecutionEnded(EXECUTION_ARN, None)


def test_a_status_change_without_its_input_leads_to_a_sweep() -> None:
    """A large input is left out by the service; the intent is found by looking."""
    assert read_event(ended()) == SweepDue()


def test_a_spooled_state_is_read_whole() -> None:
    """As the state machine wrote it."""
    read = read_event({"spooled": json.dumps(STATE)})
    assert isinstance(read, SpooledState)
    assert (read.state.intent_ref, read.state.fence) == (a_ref(), 1)


@pytest.mark.parametrize(
    "body, reason",
    [
        ("nonsense", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "contract does not allow"),
        (json.dumps({**STATE, "surprise": 1}), "surprise"),
        (json.dumps({**STATE, "approval": {"tenant_id": "a#b"}}), "names no intent"),
        (json.dumps({**STATE, "contract_version": 99}), "contract version 99"),
    ],
)
def test_a_state_that_cannot_be_decoded_is_refused_with_hash_and_reason(body: str, reason: str) -> None:
    """Its content is not repeated: it may be hostile or secret."""
    read = read_event({"spooled": body})
    assert isinstance(read, Unreadable)
    assert reason in read.reason
    assert read.content_sha256 == hashlib.sha256(body.encode()).hexdigest()


def test_the_reason_of_a_refusal_repeats_nothing_that_a_sender_made_up() -> None:
    """Names of fields are content too: they may be secret, hostile or too long for the notice that tells of them."""
    strange = {"eyJhbGciOiJIUzI1NiJ9.e30.c2ln": 1, "\x1b[31mred": 1, "k" * 200_000: 1}
    read = read_event({"spooled": json.dumps({**STATE, **strange, **{f"field_{'x' * n}": n for n in range(30)}})})
    assert isinstance(read, Unreadable)
    assert len(read.reason) < 500
    assert not any(word in read.reason for word in ("eyJ", "\x1b", "kkk"))


def _nested(levels: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(levels):
        inner = [inner]
    return inner


@pytest.mark.parametrize(
    "event",
    [{"a": _nested(50_000)}, _nested(50_000), {"a": 10**5_000}, 10**5_000],
    ids=["deep object", "deep list", "long number within", "long number"],
)
def test_an_event_that_cannot_be_written_as_text_is_refused_like_any_other(event: object) -> None:
    """Not raised: an error would have it tried again."""
    assert isinstance(read_event(event), Unreadable)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(_JSON | st.dictionaries(st.sampled_from(["source", "detail", "spooled", "detail-type"]), _JSON))
def test_any_other_event_is_refused_and_nothing_is_raised(event: object) -> None:
    """Total over JSON, so that nothing poisoned can be retried for ever."""
    read = read_event(event)
    assert isinstance(read, Unreadable | SweepDue | ExecutionEnded)
    if isinstance(read, Unreadable):
        assert len(read.content_sha256) == 64
