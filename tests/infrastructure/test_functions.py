"""The functions as declared: each with its own role, log group, queue and alias, and no key too many."""

import pytest

from handlers.settings import SETTINGS
from infrastructure.naming import handler_dlq
from ports.steps.contract import FUNCTIONS, RECONCILER, STEPS, FunctionSpec, StepName, Worker
from tests.infrastructure.program import ACCOUNT, Recording, run

FUNCTION = "aws:lambda/function:Function"
ALL = [pytest.param(spec, id=spec.component) for spec in FUNCTIONS.values()]
# AWS Lambda Developer Guide, "Defined runtime environment variables": a deployment that sets one is refused.
RESERVED_PREFIXES = ("AWS_", "LAMBDA_", "_")


@pytest.mark.parametrize("spec", ALL)
def test_a_function_runs_the_fixed_runtime(dev: Recording, spec: FunctionSpec) -> None:
    """D80, R70: python3.13 on arm64, the step's handler, and the timeout of its contract."""
    inputs = dev.one(FUNCTION, spec.component).inputs

    assert (inputs["runtime"], inputs["architectures"]) == ("python3.13", ["arm64"])
    assert (inputs["handler"], inputs["timeout"]) == (spec.handler, spec.function_timeout_seconds)
    assert inputs["code"].path == "dist/lambda-arm64.zip"


def test_the_planned_timeouts_are_kept() -> None:
    """R70: mapper 30 s, invoker 60 s, recorder 30 s, compensation 60 s."""
    timeouts = {spec.component: spec.function_timeout_seconds for spec in STEPS.values()}

    assert (timeouts["tool-mapper"], timeouts["tool-invoker"]) == (30, 60)
    assert (timeouts["execution-recorder"], timeouts["compensation-handler"]) == (30, 60)


@pytest.mark.parametrize("spec", ALL)
def test_a_function_has_a_role_of_its_own(dev: Recording, spec: FunctionSpec) -> None:
    """D76: no grant is shared by accident; the role's policy is attached to it and to no other."""
    function = dev.one(FUNCTION, spec.component).inputs

    assert function["role"] == f"arn:aws:iam::{ACCOUNT}:role/cc-native-dev-{spec.component}-role"
    assert dev.one("aws:iam/rolePolicy:RolePolicy", spec.component).inputs["role"] == function["role"].split("/")[1]


@pytest.mark.parametrize("spec", ALL)
def test_a_function_logs_json_to_a_group_that_forgets(dev: Recording, spec: FunctionSpec) -> None:
    """D78: the log group exists before the function, keeps a fortnight in dev, and takes structured lines."""
    group = dev.one("aws:cloudwatch/logGroup:LogGroup", spec.component).inputs

    assert group == {"name": f"/aws/lambda/cc-native-dev-{spec.component}", "retentionInDays": 14}
    logging = dev.one(FUNCTION, spec.component).inputs["loggingConfig"]
    assert (logging["logFormat"], logging["logGroup"]) == ("JSON", group["name"])


def test_production_logs_are_kept_for_a_year(prod: Recording) -> None:
    """D78: retention follows the stage, for the functions and for the state machine."""
    groups = prod.of("aws:cloudwatch/logGroup:LogGroup")

    assert len(groups) == len(FUNCTIONS) + 1
    assert {group.inputs["retentionInDays"] for group in groups} == {365}


@pytest.mark.parametrize("spec", ALL)
def test_a_function_has_a_dead_letter_queue_and_two_retries(dev: Recording, spec: FunctionSpec) -> None:
    """R71, D70: an event sent to the function itself is tried three times, then kept on its own queue."""
    queue = f"cc-native-dev-{handler_dlq(spec.component)}"

    target = dev.one(FUNCTION, spec.component).inputs["deadLetterConfig"]["targetArn"]
    assert target == f"arn:aws:sqs:us-west-2:{ACCOUNT}:{queue}"
    retries = dev.one("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", spec.component).inputs
    assert (retries["maximumRetryAttempts"], retries["qualifier"]) == (2, "live")
    policy = dev.one("aws:iam/rolePolicy:RolePolicy", spec.component).document("policy")["Statement"]
    assert {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": target, "Sid": "OwnDeadLetters"} in policy


@pytest.mark.parametrize("spec", ALL)
def test_a_function_is_traced_and_published_behind_an_alias(dev: Recording, spec: FunctionSpec) -> None:
    """D16, D78: X-Ray is on, and the alias pins the published version."""
    function = dev.one(FUNCTION, spec.component).inputs

    assert function["tracingConfig"] == {"mode": "Active"}
    assert function["publish"] is True
    alias = dev.one("aws:lambda/alias:Alias", spec.component).inputs
    assert (alias["name"], alias["functionName"], alias["functionVersion"]) == ("live", function["name"], "7")


@pytest.mark.parametrize("step", FUNCTIONS)
def test_a_function_is_told_exactly_what_its_settings_read(dev: Recording, step: StepName | Worker) -> None:
    """R26, R57, R67: the environment and the handler's settings model have the same keys; every value is there."""
    spec = FUNCTIONS[step]
    variables = dev.one(FUNCTION, spec.component).inputs["environment"]["variables"]

    assert set(variables) == {field.upper() for field in SETTINGS[step].model_fields}
    assert set(variables) == {key for use in spec.uses for key in use.resource.environment_keys}
    assert all(variables.values())


def test_the_reconciler_is_told_where_people_are_asked_for_help(dev: Recording) -> None:
    """The values are this stack's queues: a notice on another stack's would be answered by nobody."""
    variables = dev.one(FUNCTION, RECONCILER.component).inputs["environment"]["variables"]

    told = {key: value for key, value in variables.items() if key.endswith("_QUEUE_URL")}
    queues = f"https://sqs.us-west-2.amazonaws.com/{ACCOUNT}/cc-native-dev"
    assert told == {
        "COMPENSATION_TASKS_QUEUE_URL": f"{queues}-compensation-tasks",
        "ATTENTION_QUEUE_URL": f"{queues}-attention",
        "QUARANTINE_QUEUE_URL": f"{queues}-quarantine",
    }


def test_no_function_is_given_a_reserved_key(dev: Recording) -> None:
    """D73: AWS_REGION and its kind belong to the runtime, and Lambda refuses a deployment that sets them."""
    keys = {key for function in dev.of(FUNCTION) for key in function.inputs["environment"]["variables"]}

    assert len(keys) > 10
    assert [key for key in keys if key.startswith(RESERVED_PREFIXES)] == []


def test_the_environment_names_this_stacks_stores(dev: Recording) -> None:
    """R26, R57: the values are this stack's physical names, not defaults of another."""
    variables = dev.one(FUNCTION, "tool-invoker").inputs["environment"]["variables"]

    assert variables["ACTION_INTENT_TABLE_NAME"] == "cc-native-dev-action-intents"
    assert variables["EXECUTION_ARTIFACTS_BUCKET"].startswith("cc-native-dev-execution-artifacts-")
    assert variables["AGENTCORE_GATEWAY_URL"] == "https://gateway.example.com/mcp"
    assert (variables["MCP_PROTOCOL_VERSION"], variables["GATEWAY_TIMEOUT_SECONDS"]) == ("2026-07-28", "30")
    assert variables["TOKEN_SCOPES"] == "cc-native-dev-gateway/invoke"


def test_sizes_can_be_configured() -> None:
    """Memory, concurrency and architecture apply to every function, the package's default path included."""
    functions = run("dev", memory="1024", reservedConcurrency="5", lambdaArchitecture="x86_64").of(FUNCTION)

    assert {function.inputs["memorySize"] for function in functions} == {1024}
    assert {function.inputs["reservedConcurrentExecutions"] for function in functions} == {5}
    assert {function.inputs["architectures"][0] for function in functions} == {"x86_64"}
    assert {function.inputs["code"].path for function in functions} == {"dist/lambda-x86_64.zip"}


def test_no_concurrency_is_reserved_by_default(dev: Recording) -> None:
    """A reservation takes runs away from everything else in the account, so it is asked for."""
    assert [function for function in dev.of(FUNCTION) if "reservedConcurrentExecutions" in function.inputs] == []
