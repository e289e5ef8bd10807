"""The state machine as declared."""

from infrastructure.asl import Wiring, definition
from infrastructure.asl_lint import findings
from ports.steps.contract import STEPS, StepName
from tests.infrastructure.program import ACCOUNT, Recording

MACHINE = "aws:sfn/stateMachine:StateMachine"
NAME = "execution-orchestrator"


def aliases() -> dict[StepName, str]:
    """The alias ARN of every step's function in the dev stack."""
    return {
        step: f"arn:aws:lambda:us-west-2:{ACCOUNT}:function:cc-native-dev-{spec.component}:live"
        for step, spec in STEPS.items()
    }


def test_the_deployed_definition_is_the_generated_one(dev: Recording) -> None:
    """D8, D16: one source; it runs the aliases, spools to this stack's queue, and lints clean."""
    deployed = dev.one(MACHINE, NAME).document("definition")
    queue = f"https://sqs.us-west-2.amazonaws.com/{ACCOUNT}/cc-native-dev-outcome-spool"

    assert deployed == definition(Wiring(aliases(), queue))
    assert findings(deployed) == []


def test_the_machine_is_durable_logged_and_traced(dev: Recording) -> None:
    """D16, R80: STANDARD, traced, errors logged, and no execution data in any log line."""
    inputs = dev.one(MACHINE, NAME).inputs

    assert (inputs["name"], inputs["type"]) == ("cc-native-dev-execution-orchestrator", "STANDARD")
    assert inputs["tracingConfiguration"] == {"enabled": True}
    logging = inputs["loggingConfiguration"]
    assert (logging["level"], logging["includeExecutionData"]) == ("ERROR", False)
    assert logging["logDestination"].endswith("/aws/vendedlogs/states/cc-native-dev-execution-orchestrator:*")


def test_the_machines_role_runs_exactly_the_aliases(dev: Recording) -> None:
    """R83, D16: every alias and nothing unqualified; the trust names this machine."""
    policy = dev.one("aws:iam/rolePolicy:RolePolicy", NAME).document("policy")["Statement"]
    granted = {statement["Sid"]: statement["Resource"] for statement in policy}

    assert granted["RunSteps"] == sorted(aliases().values())
    assert granted["SpoolOutcomes"] == f"arn:aws:sqs:us-west-2:{ACCOUNT}:cc-native-dev-outcome-spool"
    (trust,) = dev.one("aws:iam/role:Role", NAME).document("assumeRolePolicy")["Statement"]
    assert trust["Principal"] == {"Service": "states.amazonaws.com"}
    assert trust["Condition"]["ArnEquals"] == {"aws:SourceArn": dev.exports["state_machine_arn"]}
