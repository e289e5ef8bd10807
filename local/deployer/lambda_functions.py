"""Lambda: functions, aliases, asynchronous invocation, and who may invoke.

Owns the deployer's one substitution. The program declares `python3.13`; the emulator runs that with a runtime of its
own, whose error names and logs differ from AWS, so a function is created as `provided.al2023` with a `bootstrap`
that runs AWS's own runtime client (`awslambdaric`) on the Python of this virtual environment. The declared code,
handler and environment stay as they are. A proof may name another command that starts the same client.
"""

import io
import shlex
import sys
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pulumi

from local.deployer.frame import Clients, Created, DeployError, Inputs, creates, unsupported

_SUBSTITUTED_RUNTIME: Final = "python3.13"
_RUNTIME: Final = "provided.al2023"
_EXECUTABLE: Final = 0o100755 << 16  # a zip entry's external attributes: a regular file, rwxr-xr-x

FUNCTION: Final = "aws:lambda/function:Function"

# Not resolved: the link inside the virtual environment is what makes its packages importable.
RUNTIME_CLIENT: Final = (sys.executable, "-m", "awslambdaric")
"""The command that runs AWS's own runtime client; the handler's name is its last argument."""

_lock = threading.Lock()
_packages: dict[tuple[str, int, str], bytes] = {}


@creates(FUNCTION)
def function(inputs: Inputs, aws: Clients, runtime_command: Sequence[str] = RUNTIME_CLIENT) -> Created:
    """Create a function, run by ``runtime_command`` and the handler's name, and publish its first version."""
    runtime, name = inputs.required("runtime"), inputs.required("name")
    unsupported(
        runtime != _SUBSTITUTED_RUNTIME, f"runtime is {runtime}, and only {_SUBSTITUTED_RUNTIME} has a bootstrap"
    )
    logging = inputs.block("loggingConfig") or Inputs({})
    logging_config = {
        "LogFormat": logging.optional("logFormat", "Text"),
        "LogGroup": logging.optional("logGroup", f"/aws/lambda/{name}"),
        "ApplicationLogLevel": logging.optional("applicationLogLevel"),
        "SystemLogLevel": logging.optional("systemLogLevel"),
    }
    request: dict[str, Any] = {
        "FunctionName": name,
        "Runtime": _RUNTIME,
        "Code": {"ZipFile": _package(inputs.required("code"), _bootstrap(logging_config, runtime_command))},
        "Description": inputs.optional("description", ""),
        "Role": inputs.required("role"),
        "Handler": inputs.required("handler"),
        # Kept as declared although the emulator runs on this machine's own: it only reports it.
        "Architectures": inputs.required("architectures"),
        "MemorySize": inputs.required("memorySize"),
        "Timeout": inputs.required("timeout"),
        "Publish": inputs.optional("publish", default=False),
        "LoggingConfig": {key: value for key, value in logging_config.items() if value is not None},
    }
    for key, inner, member, inner_member in (
        ("environment", "variables", "Environment", "Variables"),
        ("deadLetterConfig", "targetArn", "DeadLetterConfig", "TargetArn"),
        ("tracingConfig", "mode", "TracingConfig", "Mode"),
    ):
        block = inputs.block(key)
        if block is not None:
            request[member] = {inner_member: block.required(inner)}
    lambda_ = aws.client("lambda")
    created = lambda_.create_function(**request)
    reserved = inputs.optional("reservedConcurrentExecutions")
    if reserved is not None:
        lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
    arn = created["FunctionArn"].removesuffix(f":{created['Version']}")
    return Created(
        name,
        {
            "arn": arn,
            "qualifiedArn": f"{arn}:{created['Version']}",
            "invokeArn": _invoke_arn(aws.region, arn),
            "version": created["Version"],
        },
    )


@creates("aws:lambda/alias:Alias")
def alias(inputs: Inputs, aws: Clients) -> Created:
    """Point an alias at a version."""
    arn = aws.client("lambda").create_alias(
        FunctionName=inputs.required("functionName"),
        Name=inputs.required("name"),
        FunctionVersion=inputs.required("functionVersion"),
        Description=inputs.optional("description", ""),
    )["AliasArn"]
    return Created(arn, {"arn": arn, "invokeArn": _invoke_arn(aws.region, arn)})


@creates("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")
def event_invoke_config(inputs: Inputs, aws: Clients) -> Created:
    """Set how often an asynchronous invocation of a version or alias is tried again."""
    name, qualifier = inputs.required("functionName"), inputs.required("qualifier")
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName=name, Qualifier=qualifier, MaximumRetryAttempts=inputs.required("maximumRetryAttempts")
    )
    return Created(f"{name}:{qualifier}")


@creates("aws:lambda/permission:Permission")
def permission(inputs: Inputs, aws: Clients) -> Created:
    """Let a service invoke a version or alias; the emulator keeps the policy but asks nobody about it."""
    statement_id = inputs.required("statementId")
    aws.client("lambda").add_permission(
        FunctionName=inputs.required("function"),
        Qualifier=inputs.required("qualifier"),
        StatementId=statement_id,
        Action=inputs.required("action"),
        Principal=inputs.required("principal"),
        SourceArn=inputs.required("sourceArn"),
    )
    return Created(statement_id)


def _invoke_arn(region: str, arn: str) -> str:
    return f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations"


def _bootstrap(logging_config: dict[str, Any], runtime_command: Sequence[str]) -> str:
    """Return the script that starts the runtime client; it says what Lambda would say of the log format.

    Lambda tells the runtime client the declared format and level by these variables (awslambdaric, `lambda_config`),
    and the emulator does not.
    """
    level = logging_config["ApplicationLogLevel"]
    lines = [
        "#!/bin/sh",
        f"export AWS_LAMBDA_LOG_FORMAT={shlex.quote(logging_config['LogFormat'])}",
        *([f"export AWS_LAMBDA_LOG_LEVEL={shlex.quote(level)}"] if level else []),
        'export PYTHONPATH="$LAMBDA_TASK_ROOT"',
        f'exec {shlex.join(runtime_command)} "$_HANDLER"',
        "",
    ]
    return "\n".join(lines)


def _package(code: object, bootstrap: str) -> bytes:
    """Return the declared zip with the bootstrap added; made once for all functions that share it."""
    if not isinstance(code, pulumi.FileArchive):
        raise DeployError(f"code is a {type(code).__name__}, and only the archive of one zip file can be deployed")
    path = Path(code.path)
    try:
        changed = path.stat().st_mtime_ns
        with _lock:
            key = (str(path.absolute()), changed, bootstrap)
            if key not in _packages:
                _packages[key] = _with_bootstrap(path.read_bytes(), bootstrap)
            return _packages[key]
    except (OSError, zipfile.BadZipFile) as error:
        raise DeployError(f"code {path} is no readable zip file ({error})") from error


def _with_bootstrap(package: bytes, bootstrap: str) -> bytes:
    content = io.BytesIO(package)
    # To append to what is no zip file would make one of it.
    if not zipfile.is_zipfile(content):
        raise zipfile.BadZipFile("no zip file")
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = _EXECUTABLE
    entry.create_system = 3  # Unix, so that the permissions above are read as such
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as archive:
        if "bootstrap" in archive.namelist():
            raise DeployError("the package has a bootstrap of its own, which would be replaced")
        archive.writestr(entry, bootstrap)
    return content.getvalue()
