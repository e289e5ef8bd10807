"""The `Deployer`: Pulumi's mock monitor, which really creates what it is told to.

Owns the way from one registration to one creator, and the answers to the program's questions about account and
region. Pulumi calls it from several threads at once; it keeps no state but the names that were declared.

It will not update, delete or adopt anything: an embedded stack lives as long as its emulator.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pulumi
from botocore.exceptions import BotoCoreError, ClientError

from local.deployer import (  # noqa: F401 - imported for the creators that they register
    agentcore,
    cloudwatch,
    cognito,
    dynamodb,
    events,
    iam,
    lambda_functions,
    s3,
    secretsmanager,
    sns,
    sqs,
    stepfunctions,
)
from local.deployer.frame import CREATORS, Clients, Creator, DeclaredNames, DeployError, Inputs


class Deployer(pulumi.runtime.Mocks):
    """Creates each declared resource through `aws`; `on_created` is told its type and name afterwards.

    `runtime_command` starts the runtime client of every function, and `gateway` stands for a gateway that the program
    declares. Raises `DeployError`, naming the resource, for
    whatever it cannot create exactly as declared. One deployer serves one run of the program.
    """

    def __init__(
        self,
        aws: Clients,
        on_created: Callable[[str, str], None] | None = None,
        *,
        runtime_command: Sequence[str] = lambda_functions.RUNTIME_CLIENT,
        gateway: agentcore.GatewayStandIn | None = None,
    ) -> None:
        self._aws = aws
        function = partial(lambda_functions.function, runtime_command=runtime_command)
        stand_ins: Mapping[str, Creator] = {} if gateway is None else gateway.creators
        self._creators: Mapping[str, Creator] = {**CREATORS, lambda_functions.FUNCTION: function, **stand_ins}
        self._on_created = on_created or (lambda _type, _name: None)
        self._names = DeclaredNames()

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Create one resource and return its id and outputs; components are groups and create nothing."""
        self._names.take(args.typ, args.name)
        if args.resource_id:
            raise DeployError(f"{args.typ} '{args.name}' adopts an existing resource, and a fresh emulator has none")
        if args.custom is False:
            return args.name, dict(args.inputs)
        creator = self._creators.get(args.typ)
        if creator is None:
            raise DeployError(
                f"{args.typ} '{args.name}' has no creator; add a function marked @creates({args.typ!r}) "
                "to the module of its service in local/deployer"
            )
        inputs = Inputs(args.inputs)
        try:
            created = creator(inputs, self._aws)
        except DeployError as error:
            raise DeployError(f"{args.typ} '{args.name}': {error}") from error
        except (ClientError, BotoCoreError) as error:
            raise DeployError(f"{args.typ} '{args.name}' was refused by the emulator: {error}") from error
        unread = inputs.unread()
        if unread:
            raise DeployError(
                f"{args.typ} '{args.name}': its creator does not read {', '.join(unread)}; "
                "teach it to, or have it say why the emulator needs none"
            )
        self._on_created(args.typ, args.name)
        return created.id, {**args.inputs, **created.outputs}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:  # type: ignore[override]  # the tuple is optional
        """Answer a question of the program about its account, region or partition."""
        match args.token:
            case "aws:index/getCallerIdentity:getCallerIdentity":
                identity = self._aws.client("sts").get_caller_identity()
                account = identity["Account"]
                return {"accountId": account, "arn": identity["Arn"], "userId": identity["UserId"], "id": account}
            case "aws:index/getRegion:getRegion":
                return {"region": self._aws.region, "name": self._aws.region, "id": self._aws.region}
            case "aws:index/getPartition:getPartition":
                return {"partition": "aws", "dnsSuffix": "amazonaws.com", "id": "aws"}
        raise DeployError(f"{args.token} is a question that the deployer has no answer to; add it to Deployer.call")
