"""What three independent witnesses say of one intent: the outcome table, the executions' history, the tool's database.

Each witness is asked on its own and none of them is the code under demonstration: the table is read as plain items,
the history from Step Functions, the effects from the tool server's own log. A fourth, a queue subscribed to the bus,
has seen the signal or has not. The queues on which people are asked for something, and the spool, are looked into and
left as they are.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from boto3.dynamodb.types import TypeDeserializer

from domain.model.identifiers import IntentRef
from domain.model.notice import Notice
from infrastructure.naming import OUTCOME_SPOOL
from local.record import read_proof
from local.stack_info import StackInfo
from local.tool_server.witness import Witness, WitnessedEffect, WitnessedObject
from ports.steps.contract import Worker
from ports.steps.resources import Resource

_PEOPLES_QUEUES: Final = (Resource.ATTENTION.value, Resource.COMPENSATION_TASKS.value)


@dataclass(frozen=True)
class Observed:
    """The facts about one intent, as the witnesses told them."""

    status: str | None
    error_code: str | None
    error_class: str | None
    attempt_count: int | None
    compensation_status: str | None
    ref_has_id_and_url: bool
    ledger: list[str]
    execution_status: str
    execution_error: str | None
    executions_by_end: dict[str, int]
    external_writes: int
    writes_ever: int
    requests_seen_by_tool: int
    tools_called: dict[str, int]
    """How often each tool was called, whatever came of it."""
    signal: str | None
    resolution: str | None
    """How an UNKNOWN outcome became a known one; ``None`` where none ever stood."""
    notices: list[str]
    """The kinds of the notices about the intent that wait for a person."""
    spooled: int
    """The states of its executions that wait on the spool."""
    findings: list[str]
    """What an audit of the plain items finds."""

    def as_json(self) -> dict[str, Any]:
        """Return the facts as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Execution:
    """One Step Functions execution of an intent."""

    arn: str
    status: str
    last_state: str
    error: str | None


class Observer:
    """Asks the witnesses."""

    def __init__(self, info: StackInfo, witness: Witness, queue_url: str) -> None:
        self._info = info
        self._dynamodb = info.client("dynamodb")
        self._steps = info.client("stepfunctions")
        self._sqs = info.client("sqs")
        self._witness = witness
        self._queue_url = queue_url
        self._signals: dict[tuple[object, ...], str] = {}
        self._known: dict[str, tuple[object, ...]] = {}

    def observe(self, ref: IntentRef) -> Observed:
        """Return everything that the witnesses say of the intent now."""
        outcome = self._item("execution-outcomes", ref, f"OUTCOME#{ref.action_intent_id}") or {}
        executions = [self._execution(arn) for arn in self.executions(ref)]
        owner = next((one for one in executions if one.last_state != "DuplicateSuppressed"), None)
        refs = outcome.get("external_object_refs", [])
        requests = self._witness.requests(ref.action_intent_id)
        return Observed(
            status=outcome.get("status"),
            error_code=outcome.get("error_code"),
            error_class=outcome.get("error_class"),
            attempt_count=int(outcome["attempt_count"]) if "attempt_count" in outcome else None,
            compensation_status=outcome.get("compensation_status"),
            ref_has_id_and_url=bool(refs) and all(one.get("object_id") and one.get("object_url") for one in refs),
            ledger=[str(entry["event_type"]) for entry in self.ledger(ref)],
            execution_status=owner.status if owner else "NONE",
            execution_error=owner.error if owner else None,
            executions_by_end=dict(Counter(one.last_state for one in executions)),
            external_writes=len(self.objects(ref)),
            writes_ever=sum(effect.operation == "CREATE" for effect in self.effects(ref)),
            requests_seen_by_tool=len(requests),
            tools_called=dict(Counter(str(one.tool) for one in requests)),
            signal=self._signal_of(ref),
            resolution=outcome.get("resolution", {}).get("method"),
            notices=self.notices(ref),
            spooled=len(self.spooled(ref)),
            findings=list(read_proof(self._info, ref).findings),
        )

    def objects(self, ref: IntentRef) -> list[WitnessedObject]:
        """Return the objects that exist now for the intent, of its own tenant and account only."""
        return [one for one in self._witness.objects(ref.action_intent_id) if _is_of(one, ref)]

    def effects(self, ref: IntentRef) -> list[WitnessedEffect]:
        """Return what the tools did for the intent, of its own tenant and account only."""
        return [one for one in self._witness.effects(ref.action_intent_id) if _is_of(one, ref)]

    def ledger(self, ref: IntentRef) -> list[dict[str, Any]]:
        """Return the intent's ledger items in order."""
        answer = self._dynamodb.query(
            TableName=self._info.tables["ledger"],
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues={
                ":pk": {"S": f"TENANT#{ref.tenant_id}#ACCOUNT#{ref.account_id}"},
                ":sk": {"S": f"LEDGER#{ref.action_intent_id}#"},
            },
            ConsistentRead=True,
        )
        return [_plain(item) for item in answer["Items"]]

    def executions(self, ref: IntentRef) -> list[str]:
        """Return the ARNs of every execution that was started for the intent, oldest first."""
        pages = self._steps.get_paginator("list_executions").paginate(stateMachineArn=self._info.state_machine_arn)
        started = [one for page in pages for one in page["executions"] if one["executionArn"] not in self._known]
        for one in sorted(started, key=lambda one: (one["startDate"], one["executionArn"])):
            approval = json.loads(self._steps.describe_execution(executionArn=one["executionArn"])["input"])
            self._known[one["executionArn"]] = _ids(approval) if isinstance(approval, dict) else ()
        return [arn for arn, ids in self._known.items() if ids == _ids(ref.model_dump())]

    def history(self, execution_arn: str) -> list[dict[str, Any]]:
        """Return an execution's events, oldest first."""
        pages = self._steps.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
        return [event for page in pages for event in page["events"]]

    def is_settled(self, ref: IntentRef, expected: int) -> bool:
        """Whether the expected number of executions exist and none is running."""
        arns = self.executions(ref)
        return len(arns) >= expected and all(
            self._steps.describe_execution(executionArn=arn)["status"] != "RUNNING" for arn in arns
        )

    def visits(self, ref: IntentRef, state: str) -> int:
        """Return how often the intent's executions have entered a state."""
        entered = [name for arn in self.executions(ref) for name in _entered(self.history(arn))]
        return entered.count(state)

    def notices(self, ref: IntentRef) -> list[str]:
        """Return the kinds of the notices about the intent that wait for a person."""
        told = [Notice.model_validate_json(body) for queue in _PEOPLES_QUEUES for body in self._peek(queue)]
        return sorted({notice.notice_id: notice.kind.value for notice in told if notice.ref == ref}.values())

    def spooled(self, ref: IntentRef) -> list[str]:
        """Return the states of the intent's executions that wait on the spool, as they are."""
        return [
            body for body in self._peek(OUTCOME_SPOOL) if _ids(json.loads(body)["approval"]) == _ids(ref.model_dump())
        ]

    def complaints(self, function: Worker, ref: IntentRef) -> int:
        """Return how many errors about the intent a function has logged."""
        group = f"/aws/lambda/{self._info.functions[function.value]}"
        pages = self._info.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        lines = [event["message"] for page in pages for event in page["events"]]
        return sum('"ERROR"' in line and ref.action_intent_id in line for line in lines)

    def _peek(self, queue: str) -> list[str]:
        """Return the bodies of a queue's messages, which stay in sight; ten at a time, until none is new."""
        seen: dict[str, str] = {}
        while True:
            answer = self._sqs.receive_message(
                QueueUrl=self._info.queues[queue], MaxNumberOfMessages=10, VisibilityTimeout=0
            )
            new = {one["MessageId"]: one["Body"] for one in answer.get("Messages", []) if one["MessageId"] not in seen}
            if not new:
                return list(seen.values())
            seen |= new

    def _execution(self, arn: str) -> Execution:
        described = self._steps.describe_execution(executionArn=arn)
        entered = _entered(self.history(arn))
        return Execution(arn, described["status"], entered[-1] if entered else "", described.get("error"))

    def _item(self, table: str, ref: IntentRef, sk: str) -> dict[str, Any] | None:
        answer = self._dynamodb.get_item(
            TableName=self._info.tables[table],
            Key={"pk": {"S": f"TENANT#{ref.tenant_id}#ACCOUNT#{ref.account_id}"}, "sk": {"S": sk}},
            ConsistentRead=True,
        )
        return _plain(answer["Item"]) if "Item" in answer else None

    def _signal_of(self, ref: IntentRef) -> str | None:
        while messages := self._sqs.receive_message(
            QueueUrl=self._queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0
        ).get("Messages"):
            for message in messages:
                event = json.loads(message["Body"])
                self._signals[_ids({**event["detail"], **event["detail"]["data"]})] = event["detail-type"]
                self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
        return self._signals.get(_ids(ref.model_dump()))


def subscribe(info: StackInfo) -> str:
    """Subscribe a new queue to the bus's outcome signals and return its URL."""
    sqs, events = info.client("sqs"), info.client("events")
    url = str(sqs.create_queue(QueueName="demo-signals")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["cc-native"], "detail-type": [{"anything-but": "ACTION_APPROVED"}]}
    events.put_rule(Name="demo-signals", EventBusName=info.event_bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule="demo-signals", EventBusName=info.event_bus, Targets=[{"Id": "queue", "Arn": arn}])
    return url


def _entered(history: list[dict[str, Any]]) -> list[str]:
    return [event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event]


def _ids(named: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(named.get(name) for name in IntentRef.model_fields)


def _is_of(one: WitnessedObject | WitnessedEffect, ref: IntentRef) -> bool:
    return (one.tenant_id, one.account_id) == (ref.tenant_id, ref.account_id)


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    read = TypeDeserializer()
    return {name: read.deserialize(value) for name, value in item.items()}
