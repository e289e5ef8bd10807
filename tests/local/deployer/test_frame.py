"""The frame of the deployer: nothing that a program declares is dropped, renamed or believed to be something else."""

from typing import Any

import pytest

from local.deployer.frame import CREATORS, Created, DeclaredNames, DeployError, Inputs, creates, is_secret, plain

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": {"key": "value", "n": 2.0}}


def test_a_secret_is_handed_over_as_what_it_hides() -> None:
    """Pulumi wraps a secret input; the service wants the value."""
    assert Inputs({"secretString": SECRET}).required("secretString") == {"key": "value", "n": 2}
    assert is_secret({"deep": [SECRET]})
    assert not is_secret({"deep": ["4dabf18193072939515e22adb298388d"]})


def test_whole_numbers_are_integers_again() -> None:
    """Pulumi sends every number as a float, and boto3 refuses one where it wants an integer."""
    value = plain({"a": 10.0, "b": [1.0, 0.5], "c": True})
    assert value == {"a": 10, "b": [1, 0.5], "c": True}
    assert type(value["a"]) is int
    assert type(value["b"][1]) is float
    assert value["c"] is True


def test_every_key_that_nothing_read_is_named_with_its_path() -> None:
    """A key inside a nested block counts as much as one at the top."""
    inputs = Inputs(
        {"name": "n", "tags": {"a": "b"}, "ttl": {"enabled": True, "attributeName": "x"}, "rules": [{}, {"id": "r"}]}
    )
    inputs.required("name")
    block = inputs.block("ttl")
    assert block is not None
    block.required("enabled")
    assert len(inputs.blocks("rules")) == 2
    assert inputs.unread() == ["tags", "ttl.attributeName", "rules[1].id"]


def test_a_key_without_a_value_needs_no_reader() -> None:
    """Pulumi may pass an unset option as null, which declares nothing."""
    assert Inputs({"description": None}).unread() == []


def test_a_missing_required_key_is_named_with_its_path() -> None:
    """Nothing is invented: a physical name that the program leaves out is an error."""
    block = Inputs({"rule": {"id": "r"}}).block("rule")
    assert block is not None
    with pytest.raises(DeployError) as refusal:
        block.required("status")
    assert "rule.status is missing" in str(refusal.value)


def test_a_key_the_emulator_does_not_model_can_be_acknowledged() -> None:
    """A creator says so in as many words; then the key counts as read."""
    inputs = Inputs({"forceDestroy": True})
    inputs.not_modelled("forceDestroy")
    assert inputs.unread() == []


def test_one_name_of_one_type_is_taken_once() -> None:
    """Pulumi's engine refuses a second one; its mocks would create both."""
    names = DeclaredNames()
    names.take("aws:sqs/queue:Queue", "jobs")
    names.take("aws:sns/topic:Topic", "jobs")
    with pytest.raises(DeployError) as refusal:
        names.take("aws:sqs/queue:Queue", "jobs")
    assert "aws:sqs/queue:Queue 'jobs' is declared twice" in str(refusal.value)


def test_one_type_has_one_creator(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second creator would silently replace the first."""

    def creator(_inputs: Inputs, _aws: Any) -> Created:  # noqa: ANN401 - no service is needed
        return Created("id")

    monkeypatch.setitem(CREATORS, "test:thing:Thing", creator)
    with pytest.raises(ValueError, match="test:thing:Thing has two creators"):
        creates("test:thing:Thing")(creator)
