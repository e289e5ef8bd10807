"""The emulator as a process: what it enforces, what it keeps out, and that nothing of it outlives its owner."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local import emulator
from local.aws_clients import Credentials
from local.emulator import Emulator, EmulatorNotEnforcing, EmulatorStartError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator for the tests that only talk to it, started where the caller's AWS settings are a trap."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_PROFILE", "a-profile-that-does-not-exist")
        environment.setenv("AWS_ENDPOINT_URL", "https://dynamodb.invalid")
        environment.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        environment.setenv("LEAKED_SETTING", "must not arrive")
        with Emulator(tmp_path_factory.mktemp("emulator"), wait_scale=0.01) as running:
            yield running


def test_a_user_without_a_policy_is_denied(aws: Emulator) -> None:
    """IAM is on for every caller but root."""
    iam = aws.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    nobody = aws.client_as("sqs", Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    with closing(nobody), pytest.raises(ClientError) as denial:
        nobody.list_queues()
    assert denial.value.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException"}


def test_clients_ignore_what_the_caller_has_configured(aws: Emulator) -> None:
    """A profile, an endpoint and a proxy of the caller's are all broken, and the call arrives anyway."""
    assert aws.client("sts").get_caller_identity()["Arn"].endswith(":root")
    assert aws.client("sts") is aws.client("sts")


def test_the_process_inherits_nothing_of_the_callers_environment(aws: Emulator) -> None:
    """Lambda functions inherit the emulator's environment, so a stray variable would reach every one."""
    environment = Path(f"/proc/{aws.pid}/environ")
    if not environment.exists():
        pytest.skip("this system does not show a process's environment")
    names = {entry.split("=")[0] for entry in environment.read_text().split("\0") if entry}
    assert "LEAKED_SETTING" not in names
    assert "AWS_PROFILE" not in names
    assert {"AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "AUTH"} <= names


def test_only_this_machine_can_reach_it_and_only_at_its_own_port(aws: Emulator) -> None:
    """It listens on 127.0.0.1 alone, and leaves port 443 to whoever owns it."""
    table = Path(f"/proc/{aws.pid}/net/tcp")
    if not table.exists():
        pytest.skip("this system does not show a process's sockets")
    targets = [str(entry.readlink()) for entry in Path(f"/proc/{aws.pid}/fd").glob("*") if entry.is_symlink()]
    inodes = {target[len("socket:[") : -1] for target in targets if target.startswith("socket:[")}
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    listening = [row[1] for row in rows if row[3] == "0A" and row[9] in inodes]
    assert listening == [f"0100007F:{int(aws.endpoint_url.rsplit(':', 1)[1]):04X}"]


def test_the_wait_scale_shortens_a_running_emulators_waits(aws: Emulator) -> None:
    """A machine that waits for a minute is done at once."""
    iam, machines = aws.client("iam"), aws.client("stepfunctions")
    role = iam.create_role(RoleName="waiter", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17"}))
    states = {"Pause": {"Type": "Wait", "Seconds": 60, "End": True}}
    machine = machines.create_state_machine(
        name="waiter",
        definition=json.dumps({"StartAt": "Pause", "States": states}),
        roleArn=role["Role"]["Arn"],
    )
    aws.set_wait_scale(0)
    execution = machines.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    deadline = time.monotonic() + 10
    status = "RUNNING"
    while status == "RUNNING" and time.monotonic() < deadline:
        time.sleep(0.05)
        status = machines.describe_execution(executionArn=execution)["status"]
    assert status == "SUCCEEDED"


def test_stopping_is_immediate_and_leaves_no_process(tmp_path: Path) -> None:
    """The emulator takes half a minute to end politely; nobody waits for that."""
    aws = Emulator(tmp_path)
    aws.start()
    pid = aws.pid
    started = time.monotonic()
    aws.stop()
    aws.stop()
    assert time.monotonic() - started < 2
    assert not _alive(pid)
    with pytest.raises(EmulatorStartError, match="not running"):
        aws.client("sqs")


def test_a_function_reaches_aws_over_tls_and_dies_with_the_emulator(tmp_path: Path) -> None:
    """A Lambda function finds the emulator and trusts it by inheritance, and no worker survives a stop."""
    with Emulator(tmp_path) as aws:
        role = aws.client("iam").create_role(
            RoleName="function", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17"})
        )
        aws.client("lambda").create_function(
            FunctionName="who-am-i",
            Runtime="provided.al2023",
            Role=role["Role"]["Arn"],
            Handler="who.handle",
            Code={"ZipFile": _function_package()},
            Timeout=20,
        )
        answer = json.loads(aws.client("lambda").invoke(FunctionName="who-am-i")["Payload"].read())
        assert answer["arn"].startswith("arn:aws:sts::000000000000:assumed-role/function/")
        assert _alive(answer["pid"])
        assert aws.workers("who-am-i") == [answer["pid"]]
        assert aws.workers("who-am") == []
    deadline = time.monotonic() + 5
    while _alive(answer["pid"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(answer["pid"])


def test_a_killed_worker_is_told_as_an_exit_and_followed_by_a_fresh_one(tmp_path: Path) -> None:
    """Whoever kills a worker in the middle of a call sees what AWS says of it, and harms nothing else."""
    with Emulator(tmp_path) as aws:
        role = aws.client("iam").create_role(
            RoleName="function", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17"})
        )
        aws.client("lambda").create_function(
            FunctionName="sleeper",
            Runtime="provided.al2023",
            Role=role["Role"]["Arn"],
            Handler="who.sleep",
            Code={"ZipFile": _function_package()},
            Timeout=20,
        )
        invoke, mark = aws.client("lambda").invoke, tmp_path / "in-the-middle"
        with ThreadPoolExecutor(1) as caller:
            long = json.dumps({"mark": str(mark), "seconds": 20})
            call = caller.submit(invoke, FunctionName="sleeper", Payload=long)
            deadline = time.monotonic() + 10
            while not mark.exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            (killed,) = aws.workers("sleeper")
            os.kill(killed, signal.SIGKILL)
            assert json.loads(call.result()["Payload"].read())["errorType"] == "Runtime.ExitError"
        short = json.dumps({"mark": str(mark), "seconds": 0})
        fresh = json.loads(invoke(FunctionName="sleeper", Payload=short)["Payload"].read())
        assert [fresh] == aws.workers("sleeper")
        assert fresh != killed


def _function_package() -> bytes:
    handler = (
        "import os, time, boto3\n"
        "def handle(event, context):\n"
        "    sts = boto3.client('sts', region_name='us-west-2')\n"
        "    return {'arn': sts.get_caller_identity()['Arn'], 'pid': os.getpid()}\n"
        "def sleep(event, context):\n"
        "    open(event['mark'], 'w').close()\n"
        "    time.sleep(event['seconds'])\n"
        "    return os.getpid()\n"
    )
    bootstrap = f'#!/bin/sh\nexport PYTHONPATH="$LAMBDA_TASK_ROOT"\nexec {sys.executable} -m awslambdaric "$_HANDLER"\n'
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, bootstrap)
        archive.writestr("who.py", handler)
    return package.getvalue()


def test_a_killed_owner_takes_the_emulator_with_it(tmp_path: Path) -> None:
    """A process that is killed outright runs no cleanup, and still leaves no emulator behind."""
    program = (
        "import sys, time; from pathlib import Path; from local.emulator import Emulator\n"
        "aws = Emulator(Path(sys.argv[1])); aws.start(); print(aws.pid, flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert _alive(pid)
        owner.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(pid)


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    """The message names the port and the way out."""
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(EmulatorStartError) as refusal:
            Emulator(tmp_path, port=port).start()
    assert f"Port {port} on 127.0.0.1 cannot be used" in str(refusal.value)


def test_a_failed_start_shows_the_end_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sees the error sees the cause, without looking for a file."""
    _start_it_with(monkeypatch, MINISTACK_SSL_KEY=str(tmp_path / "no.key"))
    aws = Emulator(tmp_path)
    with pytest.raises(EmulatorStartError) as refusal:
        aws.start()
    assert "ended at once with code 1" in str(refusal.value)
    assert "FileNotFoundError" in str(refusal.value)


def test_an_emulator_that_does_not_enforce_iam_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With enforcement off nothing that runs on it would prove anything, so it is not handed out."""
    _start_it_with(monkeypatch, AUTH="false")
    aws = Emulator(tmp_path)
    with pytest.raises(EmulatorNotEnforcing):
        aws.start()
    with pytest.raises(EmulatorStartError, match="not running"):
        _ = aws.pid


def _start_it_with(monkeypatch: pytest.MonkeyPatch, **changed: str) -> None:
    spelled_out = emulator.child_environment
    monkeypatch.setattr(emulator, "child_environment", lambda *arguments: {**spelled_out(*arguments), **changed})


def _alive(pid: int) -> bool:
    # A killed orphan waits for its new parent to reap it; as a zombie it does not count.
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")
