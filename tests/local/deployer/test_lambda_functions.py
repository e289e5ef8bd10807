"""The deployer's one substitution: the runtime client of AWS in place of the emulator's own, and nothing else."""

import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import pulumi
import pytest

from local.deployer.frame import DeployError, Inputs
from local.deployer.lambda_functions import function, permission


class LambdaRecorder:
    """Keeps the request that would create a function."""

    region = "us-west-2"

    def __init__(self) -> None:
        self.request: dict[str, Any] = {}
        self.concurrency: dict[str, Any] = {}
        self.permission: dict[str, Any] = {}

    def client(self, service: str) -> "LambdaRecorder":
        """Return itself as the Lambda client."""
        assert service == "lambda"
        return self

    def create_function(self, **request: Any) -> dict[str, str]:  # noqa: ANN401 - boto3's own shape
        """Keep the request, and answer as Lambda does when a version is published."""
        self.request = request
        return {"FunctionArn": f"arn:aws:lambda:us-west-2:1:function:{request['FunctionName']}:1", "Version": "1"}

    def put_function_concurrency(self, **request: Any) -> None:  # noqa: ANN401 - boto3's own shape
        """Keep the request."""
        self.concurrency = request

    def add_permission(self, **request: Any) -> None:  # noqa: ANN401 - boto3's own shape
        """Keep the request."""
        self.permission = request


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A declared package of one file."""
    path = tmp_path / "code.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("handlers/step.py", "answer = 42\n")
    return path


def declared(package: Path, **changed: object) -> Inputs:
    """Return the inputs of a function as the program declares it."""
    return Inputs(
        {
            "name": "step",
            "runtime": "python3.13",
            "handler": "handlers.step.handler",
            "role": "arn:aws:iam::1:role/step",
            "code": pulumi.FileArchive(str(package)),
            "architectures": ["arm64"],
            "memorySize": 512.0,
            "timeout": 30.0,
            "publish": True,
            "environment": {"variables": {"TABLE": "t"}},
            "loggingConfig": {"logFormat": "JSON", "logGroup": "/aws/lambda/step", "applicationLogLevel": "INFO"},
            **changed,
        }
    )


def test_only_the_runtime_is_substituted(package: Path) -> None:
    """What is declared reaches the emulator as declared: handler, environment, limits."""
    aws = LambdaRecorder()
    inputs = declared(package, reservedConcurrentExecutions=3.0)
    created = function(inputs, aws)
    assert inputs.unread() == []
    assert aws.request["Runtime"] == "provided.al2023"
    assert aws.request["Handler"] == "handlers.step.handler"
    assert aws.request["Environment"] == {"Variables": {"TABLE": "t"}}
    assert (aws.request["Timeout"], aws.request["MemorySize"], aws.request["Publish"]) == (30, 512, True)
    assert aws.concurrency["ReservedConcurrentExecutions"] == 3
    assert created.outputs["arn"] == "arn:aws:lambda:us-west-2:1:function:step"
    assert created.outputs["qualifiedArn"] == "arn:aws:lambda:us-west-2:1:function:step:1"


def test_the_package_is_the_declared_one_with_a_bootstrap_added(package: Path) -> None:
    """The bootstrap runs AWS's runtime client on this Python, with the declared log format."""
    aws = LambdaRecorder()
    function(declared(package), aws)
    with zipfile.ZipFile(io.BytesIO(aws.request["Code"]["ZipFile"])) as archive:
        assert sorted(archive.namelist()) == ["bootstrap", "handlers/step.py"]
        assert archive.read("handlers/step.py") == b"answer = 42\n"
        assert (archive.getinfo("bootstrap").external_attr >> 16) & 0o111 == 0o111
        lines = archive.read("bootstrap").decode().splitlines()
    assert lines[0] == "#!/bin/sh"
    assert "export AWS_LAMBDA_LOG_FORMAT=JSON" in lines
    assert "export AWS_LAMBDA_LOG_LEVEL=INFO" in lines
    assert lines[-1] == f'exec {sys.executable} -m awslambdaric "$_HANDLER"'


def test_another_command_may_start_the_runtime_client(package: Path) -> None:
    """A proof puts its own program in front of the client: same handler, same environment, words kept whole."""
    aws = LambdaRecorder()
    function(declared(package), aws, runtime_command=("/bin/python", "/a folder/runtime.py"))
    with zipfile.ZipFile(io.BytesIO(aws.request["Code"]["ZipFile"])) as archive:
        lines = archive.read("bootstrap").decode().splitlines()
    assert lines[-1] == "exec /bin/python '/a folder/runtime.py' \"$_HANDLER\""
    assert 'export PYTHONPATH="$LAMBDA_TASK_ROOT"' in lines
    assert aws.request["Handler"] == "handlers.step.handler"


def test_a_runtime_that_has_no_bootstrap_is_refused(package: Path) -> None:
    """Running the functions on another Python than declared would prove nothing about the declared one."""
    with pytest.raises(DeployError, match=r"runtime is python3\.12"):
        function(declared(package, runtime="python3.12"), LambdaRecorder())


def test_a_service_is_let_in_at_the_declared_alias_and_from_the_declared_source() -> None:
    """Without its qualifier it would be for the unpublished code, and without its source for anybody's rule."""
    aws = LambdaRecorder()
    declaration = {
        "statementId": "schedule",
        "action": "lambda:InvokeFunction",
        "function": "worker",
        "qualifier": "live",
        "principal": "events.amazonaws.com",
        "sourceArn": "arn:rule",
    }
    inputs = Inputs(declaration)
    assert permission(inputs, aws).id == "schedule"
    assert inputs.unread() == []
    assert aws.permission == {
        "StatementId": "schedule",
        "Action": "lambda:InvokeFunction",
        "FunctionName": "worker",
        "Qualifier": "live",
        "Principal": "events.amazonaws.com",
        "SourceArn": "arn:rule",
    }
    for key in ("qualifier", "sourceArn"):
        with pytest.raises(DeployError, match=f"{key} is missing"):
            permission(Inputs({name: value for name, value in declaration.items() if name != key}), aws)


def test_a_package_that_is_no_zip_is_named(tmp_path: Path) -> None:
    """The path is what the reader can act on."""
    broken = tmp_path / "broken.zip"
    broken.write_text("no zip")
    for path in (broken, tmp_path / "absent.zip"):
        with pytest.raises(DeployError) as refusal:
            function(declared(path), LambdaRecorder())
        assert path.name in str(refusal.value)


def test_a_package_with_its_own_bootstrap_is_refused(package: Path) -> None:
    """Two entries of one name in a zip: which of them runs would be chance."""
    with zipfile.ZipFile(package, "a") as archive:
        archive.writestr("bootstrap", "#!/bin/sh\n")
    with pytest.raises(DeployError, match="bootstrap of its own"):
        function(declared(package), LambdaRecorder())
