"""The deployer as Pulumi sees it: what it cannot create exactly as declared, it refuses by name."""

from typing import Any

import pulumi
import pytest
from botocore.exceptions import ClientError

from local.deployer import Deployer, DeployError
from local.deployer.frame import CREATORS, Clients, Created, Inputs

THING = "test:thing:Thing"


class NoAws:
    """Stands where no creator may reach a service."""

    region = "us-west-2"

    def client(self, service: str) -> Any:  # noqa: ANN401 - as the protocol says
        """Fail."""
        raise AssertionError(f"{service} was called")


class Identity(NoAws):
    """Answers the one question of a program that names an account."""

    def client(self, service: str) -> Any:  # noqa: ANN401 - as the protocol says
        """Return itself as the STS client."""
        assert service == "sts"
        return self

    def get_caller_identity(self) -> dict[str, str]:
        """Return what STS would."""
        return {"Account": "111111111111", "Arn": "arn:aws:iam::111111111111:root", "UserId": "root"}


@pytest.fixture(autouse=True)
def _things(monkeypatch: pytest.MonkeyPatch) -> None:
    """A type that reads `name` and nothing else."""

    def thing(inputs: Inputs, _aws: Clients) -> Created:
        return Created("thing-1", {"arn": f"arn:thing:{inputs.required('name')}"})

    monkeypatch.setitem(CREATORS, THING, thing)


def declared(
    inputs: dict[str, Any], *, typ: str = THING, name: str = "one", custom: bool = True, resource_id: str | None = None
) -> pulumi.runtime.MockResourceArgs:
    """Return a registration as Pulumi sends it."""
    return pulumi.runtime.MockResourceArgs(typ=typ, name=name, inputs=inputs, custom=custom, resource_id=resource_id)


def test_outputs_are_the_inputs_and_what_creating_added() -> None:
    """The program reads both kinds in the same way."""
    created: list[tuple[str, str]] = []
    deployer = Deployer(NoAws(), lambda *what: created.append(what))
    assert deployer.new_resource(declared({"name": "n"})) == ("thing-1", {"name": "n", "arn": "arn:thing:n"})
    assert created == [(THING, "one")]


def test_an_unknown_type_is_refused_by_name() -> None:
    """A resource that nobody creates would look deployed."""
    with pytest.raises(DeployError) as refusal:
        Deployer(NoAws()).new_resource(declared({}, typ="aws:kms/key:Key", name="vault"))
    assert "aws:kms/key:Key 'vault' has no creator" in str(refusal.value)


def test_a_key_that_the_creator_does_not_read_is_refused_by_name() -> None:
    """A declared setting that is dropped would hold on AWS only."""
    with pytest.raises(DeployError) as refusal:
        Deployer(NoAws()).new_resource(declared({"name": "n", "kmsKeyId": "k"}))
    assert f"{THING} 'one': its creator does not read kmsKeyId" in str(refusal.value)


def test_a_logical_name_declared_twice_is_refused() -> None:
    """Pulumi's engine would refuse the program."""
    deployer = Deployer(NoAws())
    deployer.new_resource(declared({"name": "n"}))
    with pytest.raises(DeployError) as refusal:
        deployer.new_resource(declared({"name": "m"}))
    assert f"{THING} 'one' is declared twice" in str(refusal.value)


def test_an_error_of_a_creator_names_the_resource() -> None:
    """The creator knows the key, the deployer the resource; whoever reads it needs both."""
    with pytest.raises(DeployError) as refusal:
        Deployer(NoAws()).new_resource(declared({}))
    assert str(refusal.value).startswith(f"{THING} 'one': name is missing")


def test_a_refusal_of_the_emulator_names_the_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service's error says what was wrong and not with which of many resources."""

    def refuse(_inputs: Inputs, _aws: Clients) -> Created:
        raise ClientError({"Error": {"Code": "LimitExceeded", "Message": "too many"}}, "CreateThing")

    monkeypatch.setitem(CREATORS, THING, refuse)
    with pytest.raises(DeployError) as refusal:
        Deployer(NoAws()).new_resource(declared({"name": "n"}))
    assert f"{THING} 'one' was refused by the emulator" in str(refusal.value)
    assert "LimitExceeded" in str(refusal.value)


def test_a_component_creates_nothing() -> None:
    """It only groups; its children arrive by themselves."""
    component = declared({"any": "thing"}, typ="cc-native:infrastructure:Stores", name="stores", custom=False)
    assert Deployer(NoAws()).new_resource(component) == ("stores", {"any": "thing"})


def test_an_existing_resource_cannot_be_adopted() -> None:
    """A fresh emulator holds none, so the answer could only be made up."""
    with pytest.raises(DeployError, match="adopts an existing resource"):
        Deployer(NoAws()).new_resource(declared({"name": "n"}, resource_id="thing-0"))


def test_the_account_is_the_emulators_own() -> None:
    """Names and policies are built on it, so it must be the one that enforces them."""
    answer = Deployer(Identity()).call(
        pulumi.runtime.MockCallArgs("aws:index/getCallerIdentity:getCallerIdentity", {}, "")
    )
    assert answer["accountId"] == "111111111111"


def test_an_unknown_question_is_refused() -> None:
    """An empty answer would become `None` in a policy."""
    with pytest.raises(DeployError, match="getAvailabilityZones"):
        Deployer(NoAws()).call(
            pulumi.runtime.MockCallArgs("aws:index/getAvailabilityZones:getAvailabilityZones", {}, "")
        )
