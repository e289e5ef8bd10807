"""Everything that a stack keeps, as text: the one reading of all its stores that a search for secrets rests on.

Owns what counts as a place. A store that could not be read raises; one that is not read at all would be a place where
nobody looks, so ``PLACES`` lists every kind and the search demands that each of them held something.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from local.stack import LocalStack
from local.stack_info import StackInfo

HISTORY: Final = "execution history"
LOGS: Final = "logs"
TABLES: Final = "DynamoDB"
OBJECTS: Final = "S3"
QUEUES: Final = "SQS"
PROGRAM: Final = "Pulumi program"
FILES: Final = "files"

PLACES: Final = (HISTORY, LOGS, TABLES, OBJECTS, QUEUES, PROGRAM, FILES)

Kept = tuple[str, str, str]
"""Kind of place, which one, and what it holds."""


def everything(stack: LocalStack) -> Iterator[Kept]:
    """Yield all that the stack keeps."""
    info = stack.info
    yield from _histories(info)
    yield from _logs(info)
    yield from _tables(info)
    yield from _objects(info)
    yield from _queues(info)
    yield from _program(stack)
    yield from _files(stack.folder)


def _histories(info: StackInfo) -> Iterator[Kept]:
    client = info.client("stepfunctions")
    for page in client.get_paginator("list_executions").paginate(stateMachineArn=info.state_machine_arn):
        for one in page["executions"]:
            arn = one["executionArn"]
            yield HISTORY, arn, _text(client.describe_execution(executionArn=arn))
            events = client.get_paginator("get_execution_history").paginate(executionArn=arn, includeExecutionData=True)
            for history in events:
                yield HISTORY, arn, _text(history["events"])


def _logs(info: StackInfo) -> Iterator[Kept]:
    client = info.client("logs")
    for page in client.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            for events in client.get_paginator("filter_log_events").paginate(logGroupName=name):
                for event in events["events"]:
                    yield LOGS, name, event["message"]


def _tables(info: StackInfo) -> Iterator[Kept]:
    client = info.client("dynamodb")
    for name in client.list_tables()["TableNames"]:
        for page in client.get_paginator("scan").paginate(TableName=name):
            for item in page["Items"]:
                yield TABLES, name, _text(item)


def _objects(info: StackInfo) -> Iterator[Kept]:
    client = info.client("s3")
    for bucket in client.list_buckets()["Buckets"]:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"]):
            for one in page.get("Contents", []):
                body = client.get_object(Bucket=bucket["Name"], Key=one["Key"])["Body"].read()
                yield OBJECTS, f"{bucket['Name']}/{one['Key']}", body.decode("utf-8", errors="replace")


def _queues(info: StackInfo) -> Iterator[Kept]:
    client = info.client("sqs")
    for page in client.get_paginator("list_queues").paginate():
        for url in page.get("QueueUrls", []):
            # A received message stays hidden for its queue's own time, so each is read once.
            while messages := client.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            ).get("Messages", []):
                for message in messages:
                    yield QUEUES, url, _text(message)


def _program(stack: LocalStack) -> Iterator[Kept]:
    """Yield what an engine would write into its state: inputs and exports, secrets of Pulumi encrypted there."""
    run = stack.program
    for one in run.resources:
        yield PROGRAM, f"{one.type} {one.name}", _text(one.inputs)
    exported = {key: value for key, value in run.exports.items() if key not in run.secret_exports}
    yield PROGRAM, "exports", _text(exported)


def _files(folder: Path) -> Iterator[Kept]:
    """Yield the stack's own files; the emulator's folder is the inside of services that were read by their doors."""
    for path in sorted(folder.iterdir()):
        if path.is_file():
            yield FILES, path.name, path.read_bytes().decode("utf-8", errors="replace")


def _text(value: Any) -> str:  # noqa: ANN401  whatever a service answers
    return json.dumps(value, default=str, ensure_ascii=False)
