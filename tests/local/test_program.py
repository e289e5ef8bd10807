"""The Pulumi program run without an engine: what it declares, what it exports, and what a wrong setting says."""

import gc
import json
import logging
from pathlib import Path
from typing import Any

import pulumi
import pytest

from local import program
from local.deployer.frame import CREATORS, DeployError
from local.deployer.planner import Planner
from local.program import ProgramError, ProgramRun, preview, preview_command, read_config, run_program

# Reading the provider loads its deprecated classes too, which warn whether or not they are used.
pytestmark = pytest.mark.filterwarnings("ignore:.* has been deprecated in favor of .*:DeprecationWarning")

SETTINGS = {"gatewayUrl": "https://gateway.example.com/mcp"}
SECRETIVE_PROGRAM = """
import pulumi, pulumi_aws as aws
config = pulumi.Config()
topic = aws.sns.Topic("alarms", name=config.require("topic"))
secret = aws.secretsmanager.Secret("s", name="s")
aws.secretsmanager.SecretVersion("s", secret_id=secret.id, secret_string=pulumi.Output.secret("hunter2"))
pulumi.export("topic", topic.arn)
pulumi.export("nested", {"inner": topic.name})
pulumi.export("password", pulumi.Output.secret("hunter2"))
"""


@pytest.fixture(scope="module")
def plan() -> ProgramRun:
    """One preview of the project's own program."""
    return preview("local", SETTINGS)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small project of its own: two settings, one stack."""
    (tmp_path / "Pulumi.yaml").write_text(
        "name: small\nruntime: python\nconfig:\n  aws:region: {value: eu-west-1}\n  topic: {type: string, default: t}\n"
    )
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  small:hosts: [a, b]\n  small:on: true\n")
    (tmp_path / "__main__.py").write_text(SECRETIVE_PROGRAM)
    return tmp_path


def test_every_type_that_is_declared_has_a_creator_and_no_other_has(plan: ProgramRun) -> None:
    """A type without one would be found only when a stack is started; a creator that nothing exercises would rot.

    The stack with a gateway of its own is the one that declares everything.
    """
    with_a_gateway = preview("gateway")
    declared = {one.type for run in (plan, with_a_gateway) for one in run.resources if not one.is_component}
    assert {typ for typ in CREATORS if typ.startswith("aws:")} == declared


def test_both_ways_to_a_gateway_can_be_previewed(plan: ProgramRun) -> None:
    """One that exists is named, one that is declared is planned with its targets, and the functions are told either."""
    with_a_gateway = preview("gateway")
    assert plan.exports["gateway_url"] == SETTINGS["gatewayUrl"]
    assert with_a_gateway.exports["gateway_url"].startswith("https://cc-native-gateway-gateway-planned000.gateway.")
    assert {one.name for one in with_a_gateway.resources if one.type.endswith("AgentcoreGatewayTarget")} == {
        "calendar",
        "crm",
    }
    told = [
        one.inputs["environment"]["variables"]["AGENTCORE_GATEWAY_URL"]
        for one in with_a_gateway.resources
        if one.type == "aws:lambda/function:Function" and one.name == "tool-invoker"
    ]
    assert told == [with_a_gateway.exports["gateway_url"]]


def test_every_export_of_a_preview_has_a_value(plan: ProgramRun) -> None:
    """An output that the planner does not know would be a hole in every policy that is built on it."""
    assert plan.exports
    for key, value in plan.exports.items():
        assert value, key
        assert "None" not in str(value), key
    documents = [str(one.inputs.get("policy", "")) for one in plan.resources]
    assert not any("null" in document for document in documents)


def test_two_previews_are_the_same(plan: ProgramRun) -> None:
    """A difference between two previews is a difference between two programs."""
    assert preview("local", SETTINGS).as_json() == plan.as_json()


def test_secrets_are_shown_in_no_plan(root: Path) -> None:
    """Neither as an input nor as an output, in text or in JSON."""
    run = preview("dev", root=root)
    assert run.exports["password"] == "hunter2"
    assert run.secret_exports == {"password"}
    shown = run.as_json()
    assert "hunter2" not in json.dumps(shown)
    assert shown["outputs"]["password"] == "[secret]"
    assert [one["inputs"]["secretString"] for one in shown["resources"] if "Version" in one["type"]] == ["[secret]"]


def test_exports_are_plain_values(root: Path) -> None:
    """Outputs are resolved, nested ones too."""
    run = preview("dev", {"topic": "other"}, root=root)
    assert run.exports["topic"] == "arn:aws:sns:eu-west-1:000000000000:other"
    assert run.exports["nested"] == {"inner": "other"}


def test_one_run_leaves_nothing_to_the_next(root: Path) -> None:
    """Exports of an earlier program would otherwise still be there."""
    preview("dev", root=root)
    (root / "__main__.py").write_text("import pulumi\npulumi.export('only', 1)\n")
    assert preview("dev", root=root).exports == {"only": 1}


def test_configuration_is_defaults_then_stack_then_overrides(root: Path) -> None:
    """As the Pulumi CLI hands it over: full keys, and text for every value."""
    project, config = read_config("dev", {"on": "no", "aws:region": "us-east-1"}, root)
    assert project == "small"
    assert config == {"aws:region": "us-east-1", "small:topic": "t", "small:hosts": '["a", "b"]', "small:on": "no"}
    assert read_config("dev", {}, root)[1]["small:on"] == "true"


def test_a_stack_without_a_file_is_refused_with_the_known_ones(root: Path) -> None:
    """A misspelt stack would otherwise be one with default settings."""
    with pytest.raises(ProgramError) as refusal:
        read_config("dve", {}, root)
    assert "There is no Pulumi.dve.yaml" in str(refusal.value)
    assert "Known: dev" in str(refusal.value)


def test_an_encrypted_setting_is_refused_by_key(root: Path) -> None:
    """Only the Pulumi CLI has the key to it."""
    (root / "Pulumi.dev.yaml").write_text("config:\n  small:topic:\n    secure: v1:abc\n")
    with pytest.raises(ProgramError, match="small:topic is encrypted"):
        read_config("dev", {}, root)
    assert read_config("dev", {"topic": "plain"}, root)[1]["small:topic"] == "plain"


def test_a_broken_stack_file_is_named(root: Path) -> None:
    """The message says which file."""
    (root / "Pulumi.dev.yaml").write_text("config: [")
    with pytest.raises(ProgramError, match=r"Pulumi\.dev\.yaml cannot be read"):
        read_config("dev", {}, root)


FAILING_PROGRAM = """
import pulumi, pulumi_aws as aws
topic = aws.sns.Topic("alarms", name="alarms")
other = aws.sns.Topic("others", name=topic.arn.apply(lambda arn: [][0]))
pulumi.export("built_on_it", other.arn)
"""


def test_a_failure_is_told_once(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Everything that was built on it fails too, and would only repeat it."""
    (root / "__main__.py").write_text(FAILING_PROGRAM)
    with pytest.raises(IndexError):
        preview("dev", root=root)
    # asyncio complains of a failure that nobody looked at when it is thrown away, which a later run may cause.
    (root / "__main__.py").write_text("")
    preview("dev", root=root)
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


class _Refusing(Planner):
    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if args.typ == "aws:dynamodb/table:Table":
            raise DeployError(f"no {args.name}")
        return super().new_resource(args)


def test_a_resource_that_cannot_be_created_ends_the_run_with_its_own_error() -> None:
    """The deployer's message arrives as it was raised."""
    with pytest.raises(DeployError) as refusal:
        run_program(_Refusing("us-west-2"), "local", SETTINGS, preview=True)
    assert str(refusal.value).startswith("no ")


def test_a_preview_prints_resources_and_outputs(capsys: pytest.CaptureFixture[str]) -> None:
    """Type, name and key properties of each resource, then every output."""
    assert preview_command("dev") == 0
    text = capsys.readouterr().out
    assert "+ aws:dynamodb/table:Table  execution-attempts\n" in text
    assert "name=cc-native-dev-execution-attempts" in text
    assert "state_machine_arn: arn:aws:states:us-west-2:000000000000:stateMachine:cc-native-dev-" in text


def test_a_preview_as_json_holds_everything(capsys: pytest.CaptureFixture[str], plan: ProgramRun) -> None:
    """The same plan for tools: no value is shortened."""
    assert preview_command("dev", as_json=True) == 0
    shown = json.loads(capsys.readouterr().out)
    assert len(shown["resources"]) == len(plan.resources)
    assert shown["outputs"].keys() == plan.exports.keys()
    machine = next(one for one in shown["resources"] if one["type"] == "aws:sfn/stateMachine:StateMachine")
    assert json.loads(machine["inputs"]["definition"])["StartAt"] == "StartExecution"


@pytest.mark.parametrize(
    "key,value,consequence",
    [
        ("gatewayTimeoutSeconds", "99", "a slow tool call would end as a crashed function"),
        ("gatewayUrl", "http://gateway.example.com", "every tool call, with its token, goes there"),
        ("mcpProtocolVersion", "2024-11-05", "the gateway would refuse every tool call"),
        ("memory", "12", "no function could be created"),
    ],
)
def test_a_wrong_setting_is_one_line_with_key_value_and_consequence(
    capsys: pytest.CaptureFixture[str], key: str, value: str, consequence: str
) -> None:
    """No traceback: the reader is to change a setting, not the program."""
    assert preview_command("dev", overrides={key: value}) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith(f"error: {key} is ")
    assert value in captured.err
    assert consequence in captured.err


def test_an_error_of_the_program_itself_is_not_dressed_up_as_a_setting(root: Path) -> None:
    """A bug keeps its traceback."""
    (root / "__main__.py").write_text("raise KeyError('a bug')\n")
    with pytest.raises(KeyError, match="a bug"):
        preview("dev", root=root)


def test_the_project_file_is_where_the_program_is() -> None:
    """The default root is this project."""
    assert (program.ROOT / "Pulumi.yaml").is_file()
    assert (program.ROOT / "__main__.py").is_file()
