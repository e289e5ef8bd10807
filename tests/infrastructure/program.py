"""Runs the Pulumi program under mocks and keeps what it declared.

This owns one recording, made afresh for each stack, and no expectation about it. Physical names come from the
program; only what a provider invents (ARNs, ids, URLs) is made up here, recognisably.
"""

import asyncio
import json
import logging
import runpy
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from unittest import mock

import pulumi

ROOT = Path(__file__).parents[2]
Json = Any
"""A parsed JSON document."""

PROJECT = "cc-native-execution"
ACCOUNT = "123456789012"
REGION = "us-west-2"
CLIENT_SECRET = "made-up-client-secret"
SECRET_MARK = "4dabf18193072939515e22adb298388d"

CONFIG = {"gatewayUrl": "https://gateway.example.com/mcp"}

NAME_KEYS = ("name", "bucket", "domain", "dashboardName")

ARN_FORMS = {
    "aws:dynamodb/table:Table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "aws:s3/bucket:Bucket": "arn:aws:s3:::{name}",
    "aws:cloudwatch/eventBus:EventBus": "arn:aws:events:{region}:{account}:event-bus/{name}",
    "aws:cloudwatch/eventRule:EventRule": "arn:aws:events:{region}:{account}:rule/{on_bus}{name}",
    "aws:sqs/queue:Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "aws:lambda/function:Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "aws:lambda/alias:Alias": "arn:aws:lambda:{region}:{account}:function:{function}:{name}",
    "aws:cloudwatch/logGroup:LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}",
    "aws:iam/role:Role": "arn:aws:iam::{account}:role/{name}",
    "aws:sfn/stateMachine:StateMachine": "arn:aws:states:{region}:{account}:stateMachine:{name}",
    "aws:secretsmanager/secret:Secret": "arn:aws:secretsmanager:{region}:{account}:secret:{name}-AbCdEf",
    "aws:sns/topic:Topic": "arn:aws:sns:{region}:{account}:{name}",
}


@dataclass(frozen=True)
class Declared:
    """One declared resource with its inputs as Pulumi sent them, secrets unwrapped."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    custom: bool
    secret_keys: frozenset[str]

    def document(self, key: str) -> Json:
        """The JSON document in one input."""
        return json.loads(self.inputs[key])


@dataclass
class Recording:
    """Everything one run declared and exported."""

    resources: list[Declared] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)

    def of(self, type_: str) -> list[Declared]:
        """The resources of one type."""
        return [resource for resource in self.resources if resource.type == type_]

    def one(self, type_: str, name: str) -> Declared:
        """The one resource of a type and logical name."""
        (found,) = [resource for resource in self.of(type_) if resource.name == name]
        return found


class _Recorder(pulumi.runtime.Mocks):
    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.lock = threading.Lock()

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        inputs = {key: _plain(value) for key, value in args.inputs.items()}
        secrets = frozenset(key for key, value in args.inputs.items() if _is_secret(value))
        with self.lock:
            self.recording.resources.append(
                Declared(args.typ, args.name, inputs, bool(args.custom), secrets),
            )
        outputs = dict(args.inputs)
        name = next((inputs[key] for key in NAME_KEYS if key in inputs), args.name)
        if form := ARN_FORMS.get(args.typ):
            outputs["arn"] = form.format(
                region=REGION,
                account=ACCOUNT,
                name=name,
                on_bus="" if inputs.get("eventBusName") == "default" else f"{inputs.get('eventBusName')}/",
                function=inputs.get("functionName"),
            )
        if args.typ == "aws:sqs/queue:Queue":
            outputs["url"] = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
        if args.typ == "aws:lambda/function:Function":
            outputs["version"] = "7"
        if args.typ == "aws:bedrock/agentcoreGateway:AgentcoreGateway":
            outputs["gatewayId"] = f"{name}-a1b2c3d4e5"
            outputs["gatewayArn"] = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:gateway/{name}-a1b2c3d4e5"
            outputs["gatewayUrl"] = f"https://{name}-a1b2c3d4e5.gateway.bedrock-agentcore.{REGION}.amazonaws.com/mcp"
        if args.typ == "aws:cognito/userPoolClient:UserPoolClient":
            outputs["clientSecret"] = CLIENT_SECRET
        if args.typ == "aws:cognito/userPool:UserPool":
            return f"{REGION}_{name.replace('-', '')}", outputs
        return f"{name}-id", outputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        assert args.token == "aws:index/getCallerIdentity:getCallerIdentity"
        return {"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "userId": ACCOUNT, "id": ACCOUNT}, []


def _is_secret(value: object) -> bool:
    return isinstance(value, dict) and SECRET_MARK in value


def _plain(value: Json) -> Json:
    if _is_secret(value):
        return _plain(value["value"])
    return value


def run(stack: str = "dev", *, preview: bool = True, region: str = REGION, **config: str) -> Recording:
    """Run ``__main__.py`` for one stack under mocks and return what it declared; raises what the program raises."""
    recording = Recording()
    given = {"aws:region": region, **CONFIG, **config}
    pulumi.runtime.set_all_config(
        {key if ":" in key else f"{PROJECT}:{key}": value for key, value in given.items() if value}
    )
    with _own_event_loops():
        pulumi.runtime.set_mocks(_Recorder(recording), project=PROJECT, stack=stack, preview=preview)
        _await(lambda: runpy.run_path(str(ROOT / "__main__.py")) and None)
        exports = dict(cast("Any", pulumi.runtime.get_root_resource()).outputs)
        _await(lambda: pulumi.Output.all(**exports).apply(recording.exports.update))
    return recording


def _await(program: Callable[[], object]) -> None:
    waiting: Callable[[], None] = pulumi.runtime.test(program)  # type: ignore[no-untyped-call]  # pulumi leaves it untyped
    waiting()


@contextmanager
def _own_event_loops() -> Iterator[None]:
    """Give Pulumi fresh event loops and close every one, those of its worker threads included."""
    opened: list[asyncio.AbstractEventLoop] = []
    original = asyncio.new_event_loop

    def tracked() -> asyncio.AbstractEventLoop:
        opened.append(original())
        return opened[-1]

    # A program that fails leaves futures nobody awaits, and asyncio would say so on the terminal.
    logger = logging.getLogger("asyncio")
    with mock.patch.object(asyncio, "new_event_loop", tracked), mock.patch.object(logger, "disabled", new=True):
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            yield
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            for each in opened:
                each.close()
            asyncio.set_event_loop(None)
