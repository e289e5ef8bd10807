"""The gateway as declared: who is let in, what it speaks, what it may do; and nothing of it where one exists."""

import json
from typing import Any

import pytest

from infrastructure.gateway_settings import GATEWAY_PROTOCOL_VERSIONS
from infrastructure.refusals import SettingsError
from tests.infrastructure.program import ACCOUNT, REGION, Recording, run

GATEWAY = "aws:bedrock/agentcoreGateway:AgentcoreGateway"
TARGET = "aws:bedrock/agentcoreGatewayTarget:AgentcoreGatewayTarget"
ROLE, POLICY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
FUNCTION = "aws:lambda/function:Function"

CRM = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:crm-tools:live"
BILLING = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:billing-tools"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"
SCHEMA = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
TOOL = {"name": "create_task", "description": "Creates a task.", "inputSchema": SCHEMA}
ON_LAMBDA = {"name": "crm", "lambdaArn": CRM, "tools": [TOOL]}
ON_A_SERVER = {"name": "calendar", "endpoint": "https://calendar.example.com/mcp"}


def declaring(gateway: dict[str, Any], **config: Any) -> Recording:  # noqa: ANN401  as ``run`` takes it
    """What the program declares for a stack with its own gateway."""
    return run("dev", gatewayUrl="", gateway=json.dumps(gateway), **config)


@pytest.fixture(scope="module")
def declared() -> Recording:
    """A stack whose gateway has a target of each kind."""
    return declaring({"targets": [ON_LAMBDA, ON_A_SERVER]})


def test_an_existing_gateway_is_only_named(dev: Recording) -> None:
    """Nothing is created for it, and no export claims an id or an ARN that this stack does not know."""
    assert [*dev.of(GATEWAY), *dev.of(TARGET)] == []
    assert [role.name for role in dev.of(ROLE) if role.name == "gateway"] == []
    assert dev.exports["gateway_url"] == "https://gateway.example.com/mcp"
    assert {"gateway_id", "gateway_arn"}.isdisjoint(dev.exports)


def test_the_gateway_is_declared_with_exactly_these_inputs(declared: Recording) -> None:
    """The stack's own pool, client and scope are let in, the spoken version is accepted, and errors stay general."""
    pool = f"{REGION}_ccnativedevagents"
    assert declared.one(GATEWAY, "gateway").inputs == {
        "name": "cc-native-dev-gateway",
        "description": "The tools that approved actions are carried out with.",
        "roleArn": f"arn:aws:iam::{ACCOUNT}:role/cc-native-dev-gateway-role",
        "protocolType": "MCP",
        "protocolConfiguration": {"mcp": {"supportedVersions": ["2026-07-28"]}},
        "authorizerType": "CUSTOM_JWT",
        "authorizerConfiguration": {
            "customJwtAuthorizer": {
                "discoveryUrl": f"https://cognito-idp.{REGION}.amazonaws.com/{pool}/.well-known/openid-configuration",
                "allowedClients": ["cc-native-dev-gateway-client-id"],
                "allowedScopes": ["cc-native-dev-gateway/invoke"],
            }
        },
    }


def test_a_lambda_target_is_invoked_as_the_gateways_role_with_the_listed_tools(declared: Recording) -> None:
    """The service cannot ask a function what its tools are, so they are declared with it."""
    assert declared.one(TARGET, "crm").inputs == {
        "name": "crm",
        "gatewayIdentifier": "cc-native-dev-gateway-a1b2c3d4e5",
        "credentialProviderConfiguration": {"gatewayIamRole": {}},
        "targetConfiguration": {
            "mcp": {
                "lambda": {
                    "lambdaArn": CRM,
                    "toolSchema": {
                        "inlinePayloads": [
                            {
                                "name": "create_task",
                                "description": "Creates a task.",
                                "inputSchema": {
                                    "type": "object",
                                    "properties": [{"name": "title", "type": "string", "required": True}],
                                },
                            }
                        ]
                    },
                }
            }
        },
    }


def test_an_mcp_server_is_a_target_by_its_endpoint_alone(declared: Recording) -> None:
    """It lists its own tools, and a block of credentials would be refused where there are none."""
    assert declared.one(TARGET, "calendar").inputs == {
        "name": "calendar",
        "gatewayIdentifier": "cc-native-dev-gateway-a1b2c3d4e5",
        "targetConfiguration": {"mcp": {"mcpServer": {"endpoint": "https://calendar.example.com/mcp"}}},
    }


def test_a_tools_output_schema_is_declared_with_it() -> None:
    """A schema that is configured and not passed on would promise what nobody checks."""
    tool = {**TOOL, "outputSchema": {"type": "object", "properties": {"id": {"type": "string"}}}}
    target = declaring({"targets": [{**ON_LAMBDA, "tools": [tool]}]}).one(TARGET, "crm")

    (payload,) = target.inputs["targetConfiguration"]["mcp"]["lambda"]["toolSchema"]["inlinePayloads"]
    assert payload["outputSchema"] == {
        "type": "object",
        "properties": [{"name": "id", "type": "string", "required": False}],
    }


def test_only_this_gateway_of_this_account_may_assume_the_role(declared: Recording) -> None:
    """AgentCore cannot be talked into using the role for somebody else's gateway."""
    (statement,) = declared.one(ROLE, "gateway").document("assumeRolePolicy")["Statement"]

    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "bedrock-agentcore.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {
                "aws:SourceArn": f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:gateway/cc-native-dev-gateway-*"
            },
        },
    }
    prefix = statement["Condition"]["ArnLike"]["aws:SourceArn"].removesuffix("*")
    assert declared.exports["gateway_arn"].startswith(prefix)


def test_the_role_may_invoke_the_targets_functions_and_nothing_else() -> None:
    """Each function once, whichever number of targets it serves; no wildcard, no other action."""
    targets = [ON_LAMBDA, {**ON_LAMBDA, "name": "crm-again"}, {**ON_LAMBDA, "name": "billing", "lambdaArn": BILLING}]
    document = declaring({"targets": targets}).one(POLICY, "gateway").document("policy")

    assert document["Statement"] == [
        {
            "Sid": "InvokeTargets",
            "Effect": "Allow",
            "Action": ["lambda:InvokeFunction"],
            "Resource": [BILLING, CRM],
        }
    ]


def test_a_role_that_needs_no_right_has_no_policy() -> None:
    """IAM refuses an empty document, and an MCP server is called without the role."""
    recording = declaring({"targets": [ON_A_SERVER]})

    assert [policy.name for policy in recording.of(POLICY) if policy.name == "gateway"] == []
    assert len([role for role in recording.of(ROLE) if role.name == "gateway"]) == 1


def test_a_key_of_ones_own_is_used_through_agentcore_only() -> None:
    """The gateway's data is encrypted with it, and the role can do nothing else with the key."""
    recording = declaring({"targets": [ON_A_SERVER], "kmsKeyArn": KEY})

    assert recording.one(GATEWAY, "gateway").inputs["kmsKeyArn"] == KEY
    assert recording.one(POLICY, "gateway").document("policy")["Statement"] == [
        {
            "Sid": "UseKey",
            "Effect": "Allow",
            "Action": ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
            "Resource": KEY,
            "Condition": {"StringEquals": {"kms:ViaService": f"bedrock-agentcore.{REGION}.amazonaws.com"}},
        }
    ]


def test_the_functions_call_the_declared_gateway(declared: Recording) -> None:
    """Its URL is known only once it exists, and reaches every function that calls tools."""
    url = f"https://cc-native-dev-gateway-a1b2c3d4e5.gateway.bedrock-agentcore.{REGION}.amazonaws.com/mcp"
    told = [
        function.inputs["environment"]["variables"]["AGENTCORE_GATEWAY_URL"]
        for function in declared.of(FUNCTION)
        if "AGENTCORE_GATEWAY_URL" in function.inputs["environment"]["variables"]
    ]

    assert len(told) == 3
    assert set(told) == {url}
    assert declared.exports["gateway_url"] == url
    assert declared.exports["gateway_id"] == "cc-native-dev-gateway-a1b2c3d4e5"


def test_a_supplied_pool_is_the_issuer_that_the_gateway_trusts() -> None:
    """Issuer, client and scopes are this stack's, whoever made the pool."""
    recording = declaring(
        {"targets": [ON_A_SERVER]},
        userPoolId=f"{REGION}_abc",
        tokenEndpointUrl="https://login.example.com/oauth2/token",
        tokenScopes='["tools/call", "tools/list"]',
    )

    authorizer = recording.one(GATEWAY, "gateway").inputs["authorizerConfiguration"]["customJwtAuthorizer"]
    assert authorizer["discoveryUrl"].endswith(f"/{REGION}_abc/.well-known/openid-configuration")
    assert authorizer["allowedScopes"] == ["tools/call", "tools/list"]


def test_the_accepted_versions_are_those_that_are_configured() -> None:
    """An agent of another team may speak another version to the same gateway."""
    versions = list(GATEWAY_PROTOCOL_VERSIONS)
    recording = declaring({"targets": [ON_A_SERVER], "supportedVersions": versions})

    assert recording.one(GATEWAY, "gateway").inputs["protocolConfiguration"] == {"mcp": {"supportedVersions": versions}}


def test_detailed_errors_can_be_asked_for_in_dev() -> None:
    """They help whoever builds a target."""
    recording = declaring({"targets": [ON_A_SERVER], "exceptionLevel": "DEBUG"})

    assert recording.one(GATEWAY, "gateway").inputs["exceptionLevel"] == "DEBUG"


PLAIN = {"targets": [ON_A_SERVER]}
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({}, "gateway.targets is missing", "field required"),
    ({"targets": []}, "gateway.targets is []", "at least 1 item"),
    ({**PLAIN, "target": []}, "gateway.target is []", "extra inputs"),
    ({**PLAIN, "supportedVersions": ["2024-11-05"]}, "gateway.supportedVersions[0] is '2024-11-05'", "accepts 2025-"),
    (
        {**PLAIN, "supportedVersions": ["2025-03-26"]},
        "gateway.supportedVersions is ['2025-03-26']",
        "mcpProtocolVersion is 2026-07-28; add it",
    ),
    ({**PLAIN, "exceptionLevel": "VERBOSE"}, "gateway.exceptionLevel is 'VERBOSE'", "'DEBUG'"),
    ({**PLAIN, "kmsKeyArn": "alias/mine"}, "gateway.kmsKeyArn is 'alias/mine'", "match pattern"),
    ({"targets": [{"name": "crm"}]}, "gateway.targets[0] is an object", "either lambdaArn with tools, or endpoint"),
    (
        {"targets": [{**ON_LAMBDA, "endpoint": "https://crm.example.com/mcp"}]},
        "gateway.targets[0] is an object",
        "either lambdaArn with tools, or endpoint",
    ),
    ({"targets": [{"name": "crm", "lambdaArn": CRM}]}, "gateway.targets[0] is an object", "must be listed"),
    ({"targets": [{**ON_A_SERVER, "tools": [TOOL]}]}, "gateway.targets[0] is an object", "lists its own"),
    ({"targets": [{**ON_LAMBDA, "tools": [TOOL, TOOL]}]}, "gateway.targets[0] is an object", "'create_task' twice"),
    (
        {"targets": [ON_A_SERVER, {**ON_A_SERVER, "name": "Calendar"}]},
        "gateway is an object",
        "'calendar' is there twice",
    ),
    ({"targets": [{**ON_A_SERVER, "name": "cal_endar"}]}, "gateway.targets[0].name is 'cal_endar'", "match pattern"),
    (
        {"targets": [{**ON_LAMBDA, "tools": [{**TOOL, "name": "create task"}]}]},
        "gateway.targets[0].tools[0].name is 'create task'",
        "match pattern",
    ),
    ({"targets": [ON_A_SERVER] * 101}, "gateway.targets is [{'name': 'calendar'", "…: tuple should have at most 100"),
    ({"targets": [{**ON_LAMBDA, "lambdaArn": "crm"}]}, "gateway.targets[0].lambdaArn is 'crm'", "match pattern"),
    (
        {"targets": [{**ON_A_SERVER, "endpoint": "http://127.0.0.1:9000/mcp"}]},
        "gateway.targets[0].endpoint is 'http://127.0.0.1:9000/mcp'",
        "it is not https",
    ),
    (
        {"targets": [{**ON_A_SERVER, "endpoint": "https://user:hunter2@example.com/mcp"}]},
        "gateway.targets[0].endpoint is 'https://…@…'",
        "credentials",
    ),
    (
        {"targets": [{**ON_LAMBDA, "tools": [{**TOOL, "inputSchema": {"type": "string"}}]}]},
        "gateway.targets[0].tools[0].inputSchema is an object",
        "type must be 'object'",
    ),
]


@pytest.mark.parametrize("gateway, key, reason", WRONG)
def test_a_wrong_gateway_is_refused_with_path_reason_and_consequence(
    gateway: dict[str, Any], key: str, reason: str
) -> None:
    """The service would refuse it half-way through a deployment, or let every call fail."""
    with pytest.raises(SettingsError) as refused:
        declaring(gateway)

    message = str(refused.value)
    assert message.startswith(key)
    assert reason in message.replace("Input should be ", "")
    assert message.rsplit("; ", 1)[1]
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "config, said",
    [
        ({"gatewayUrl": ""}, "gatewayUrl is missing: name an existing gateway by it, or declare one"),
        (
            {"gateway": json.dumps(PLAIN)},
            "gatewayUrl is 'https://gateway.example.com/mcp': gateway declares one already",
        ),
        (
            {"gatewayUrl": "", "gateway": json.dumps(PLAIN), "gatewayAllowedHosts": "a.example.com"},
            "gatewayAllowedHosts is ['a.example.com']: the host of a gateway that is declared is given by AWS",
        ),
        ({"gatewayUrl": "", "gateway": "[1]"}, "gateway is '[1]': "),
        ({"gatewayUrl": "", "gateway": '{"hunter2'}, "gateway is '{…': unterminated string"),
        ({"gatewayUrl": "", "gateway": '{"targets": ' + "[" * 100_000}, "gateway is '{…': it is nested too deeply"),
        (
            {
                "gatewayUrl": "",
                "gateway": json.dumps({**PLAIN, "kmsKeyArn": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{'a' * 36}"}),
            },
            f"gateway.kmsKeyArn is 'arn:aws:kms:eu-west-1:{ACCOUNT}:key/{'a' * 36}': the key is in another region",
        ),
        (
            {
                "gatewayUrl": "",
                "gateway": json.dumps({**PLAIN, "exceptionLevel": "DEBUG"}),
                "stage": "prod",
            },
            "gateway.exceptionLevel is 'DEBUG': the stage is prod; remove it; the gateway would tell every caller",
        ),
    ],
)
def test_what_does_not_fit_the_rest_of_the_stack_is_refused(config: dict[str, Any], said: str) -> None:
    """Exactly one gateway, on a host that may be called, and no inner errors told outside dev."""
    with pytest.raises(SettingsError) as refused:
        run("dev", **config)

    assert str(refused.value).startswith(said)
