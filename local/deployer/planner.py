"""The `Planner`: Pulumi mocks that create nothing and answer with names, so that a program can be looked at.

Owns the made-up ids and outputs of a preview. They have the real ones' shape and are the same on every run, so that
two previews can be compared; what only AWS can know (a pool's id, a secret's suffix) says `planned`.

It will not judge a value: whatever the program declares is planned, unless a name is declared twice.
"""

from typing import Any, Final

import pulumi

from infrastructure.naming import DEFAULT_EVENT_BUS
from local.deployer.frame import DeclaredNames, DeployError, plain

ACCOUNT_ID: Final = "000000000000"
"""Stands for the account that a real deployment would be made to; also the embedded AWS's own."""

_NAME_KEYS: Final = ("name", "bucket", "domain", "dashboardName")

_OUTPUTS: Final[dict[str, dict[str, str]]] = {
    "aws:bedrock/agentcoreGateway:AgentcoreGateway": {
        "id": "{physical}-planned000",
        "gatewayId": "{physical}-planned000",
        "gatewayArn": "arn:aws:bedrock-agentcore:{region}:{account}:gateway/{physical}-planned000",
        "gatewayUrl": "https://{physical}-planned000.gateway.bedrock-agentcore.{region}.amazonaws.com/mcp",
    },
    "aws:cloudwatch/dashboard:Dashboard": {"dashboardArn": "arn:aws:cloudwatch::{account}:dashboard/{physical}"},
    "aws:cloudwatch/eventBus:EventBus": {"arn": "arn:aws:events:{region}:{account}:event-bus/{physical}"},
    "aws:cloudwatch/eventRule:EventRule": {"arn": "arn:aws:events:{region}:{account}:rule/{on_bus}{physical}"},
    "aws:cloudwatch/logGroup:LogGroup": {"arn": "arn:aws:logs:{region}:{account}:log-group:{physical}"},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"arn": "arn:aws:cloudwatch:{region}:{account}:alarm:{physical}"},
    "aws:cognito/userPool:UserPool": {
        "id": "{region}_planned",
        "arn": "arn:aws:cognito-idp:{region}:{account}:userpool/{region}_planned",
    },
    "aws:cognito/userPoolClient:UserPoolClient": {"id": "planned", "clientSecret": "planned"},
    "aws:dynamodb/table:Table": {"id": "{physical}", "arn": "arn:aws:dynamodb:{region}:{account}:table/{physical}"},
    "aws:iam/role:Role": {"id": "{physical}", "arn": "arn:aws:iam::{account}:role/{physical}"},
    "aws:lambda/alias:Alias": {"arn": "arn:aws:lambda:{region}:{account}:function:{functionName}:{physical}"},
    "aws:lambda/function:Function": {
        "id": "{physical}",
        "arn": "arn:aws:lambda:{region}:{account}:function:{physical}",
        "qualifiedArn": "arn:aws:lambda:{region}:{account}:function:{physical}:1",
        "version": "1",
    },
    "aws:s3/bucket:Bucket": {"id": "{physical}", "arn": "arn:aws:s3:::{physical}"},
    "aws:secretsmanager/secret:Secret": {
        "id": "arn:aws:secretsmanager:{region}:{account}:secret:{physical}-planned",
        "arn": "arn:aws:secretsmanager:{region}:{account}:secret:{physical}-planned",
    },
    "aws:sfn/stateMachine:StateMachine": {"arn": "arn:aws:states:{region}:{account}:stateMachine:{physical}"},
    "aws:sns/topic:Topic": {"arn": "arn:aws:sns:{region}:{account}:{physical}"},
    "aws:sqs/queue:Queue": {
        "id": "https://sqs.{region}.amazonaws.com/{account}/{physical}",
        "url": "https://sqs.{region}.amazonaws.com/{account}/{physical}",
        "arn": "arn:aws:sqs:{region}:{account}:{physical}",
    },
}
"""The outputs of each type that the program can build on, as templates over its inputs (Service Authorization
Reference, "Resource types" of each service)."""


class Planner(pulumi.runtime.Mocks):
    """Plans every declared resource for one region; one planner serves one run of the program."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._names = DeclaredNames()

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Return a made-up id and the outputs that other resources are built on."""
        self._names.take(args.typ, args.name)
        inputs = plain(args.inputs)
        physical = next((inputs[key] for key in _NAME_KEYS if inputs.get(key)), args.name)
        bus = inputs.get("eventBusName", DEFAULT_EVENT_BUS)
        # Rules of the bus that every account has are named without it.
        on_bus = "" if bus == DEFAULT_EVENT_BUS else f"{bus}/"
        known = {**inputs, "region": self._region, "account": ACCOUNT_ID, "physical": physical, "on_bus": on_bus}
        outputs = {key: template.format_map(known) for key, template in _OUTPUTS.get(args.typ, {}).items()}
        return outputs.pop("id", f"{args.name}-planned"), {**args.inputs, **outputs}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:  # type: ignore[override]  # the tuple is optional
        """Answer a question of the program about its account, region or partition."""
        match args.token:
            case "aws:index/getCallerIdentity:getCallerIdentity":
                arn = f"arn:aws:iam::{ACCOUNT_ID}:root"
                return {"accountId": ACCOUNT_ID, "arn": arn, "userId": ACCOUNT_ID, "id": ACCOUNT_ID}
            case "aws:index/getRegion:getRegion":
                return {"region": self._region, "name": self._region, "id": self._region}
            case "aws:index/getPartition:getPartition":
                return {"partition": "aws", "dnsSuffix": "amazonaws.com", "id": "aws"}
        raise DeployError(f"{args.token} is a question that the planner has no answer to; add it to Planner.call")
