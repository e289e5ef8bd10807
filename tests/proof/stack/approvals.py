"""``duplicate-approvals``: however often one approval is delivered, the action takes effect once.

Every event goes its whole way: bus, rule, Step Functions, functions, stores, tool server. The first few race for the
claim; the rest meet an action that is done, and must leave its record as it is, byte for byte.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from domain.model.identifiers import IntentRef
from domain.model.outcome import OutcomeStatus
from domain.model.tool_mapping import Idempotent
from local.operations import MAX_EVENTS_PER_CALL
from ports.steps.contract import Junction
from ports.steps.resources import Resource
from tests.proof.rows import SHOWN_VIOLATIONS, Measured, Options, Row, Violation
from tests.proof.stack.agreement import Judgement, judge
from tests.proof.stack.ground import Ended, Ground, a_proof_intent, a_proof_mapping, ground_of, new_run

ID: Final = "duplicate-approvals"
EVENTS: Final = 1_000
QUICK_EVENTS: Final = 60
ACTION_TYPE: Final = "PROOF_APPROVALS"

_LEFT_RUNNING: Final = 2
"""The next batch is sent when this many executions are left: the emulator does 30 a second so, and fewer otherwise."""
_CARRIED_OUT: Final = ("SUCCEEDED", Junction.SUCCEEDED.value)
_SUPPRESSED: Final = ("SUCCEEDED", Junction.DUPLICATE_SUPPRESSED.value)
_EFFECT: Final = Idempotent(key_ttl_seconds=86_400)


def play(options: Options) -> Measured:
    """Send the same approval again and again, and count what happened."""
    ground, events = ground_of(options), QUICK_EVENTS if options.quick else EVENTS
    intent = a_proof_intent(f"approvals-{new_run()}", ACTION_TYPE)
    ground.seed([intent], [a_proof_mapping(ACTION_TYPE, effect_safety=_EFFECT)])
    earlier = set(ground.executions())
    _send(ground, intent.ref)
    ground.wait_until_final(intent.ref, _EFFECT, most_seconds=60)
    before = outcome_row(ground, intent.ref)
    for sent in range(MAX_EVENTS_PER_CALL, events, MAX_EVENTS_PER_CALL):
        options.progress(sent, events)
        ground.wait_for_running(_LEFT_RUNNING)
        _send(ground, intent.ref)
    ground.wait_for_running(0)
    ends = ground.ends([arn for arn in ground.executions() if arn not in earlier], intent.ref)
    judged = judge(ground.evidence(intent.ref), _EFFECT)
    options.progress(events, events)
    return verdict(events, ends, judged, unchanged=before == outcome_row(ground, intent.ref))


def verdict(events: int, ends: Sequence[Ended], judged: Judgement, *, unchanged: bool) -> Measured:
    """Hold what happened against one effect and one record."""
    by_end = Counter((one.status, one.last_state) for one in ends)
    found = list(judged.found)
    if judged.effects != 1 or judged.status is not OutcomeStatus.SUCCEEDED:
        found.append(f"the outcome is {judged.status} and the tool acted {judged.effects} times")
    if not unchanged:
        found.append("the outcome's row is not what it was before the burst")
    if by_end != {_CARRIED_OUT: 1, _SUPPRESSED: events - 1}:
        found.append(f"{events} events came to {dict(by_end)}")
    duplicates = by_end[_SUPPRESSED]
    row = "unchanged" if unchanged else "CHANGED"
    value = f"{events:,} → {judged.effects} effect, {duplicates:,} suppressed, outcome row {row}"
    return Measured(value, not found, judged.endings, tuple(Violation(story, ID) for story in found[:SHOWN_VIOLATIONS]))


def outcome_row(ground: Ground, ref: IntentRef) -> str:
    """Return the outcome's item as it is stored, in a spelling that is the same for the same item."""
    item: dict[str, Any] = ground.info.client("dynamodb").get_item(
        TableName=ground.info.tables[Resource.EXECUTION_OUTCOMES],
        Key={
            "pk": {"S": f"TENANT#{ref.tenant_id}#ACCOUNT#{ref.account_id}"},
            "sk": {"S": f"OUTCOME#{ref.action_intent_id}"},
        },
        ConsistentRead=True,
    )
    return json.dumps(item.get("Item"), sort_keys=True)


def _send(ground: Ground, ref: IntentRef) -> None:
    ground.operations.send_approvals(ref.model_dump(), times=MAX_EVENTS_PER_CALL)


ROW: Final = Row(
    id=ID,
    figure="approvals of one intent through bus, rule and state machine",
    target=f"{EVENTS:,} → 1 effect",
    play=play,
)
