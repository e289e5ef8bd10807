"""Runs the embedded AWS: one emulator child process, with TLS and IAM enforcement on, bound to 127.0.0.1.

Owns the process, its working directory and the clients that talk to it. It exists so that nobody can use an
emulator that is not the pinned version or does not enforce IAM: `start` proves both before it returns.

It will not inherit the caller's environment, read the caller's AWS configuration, or keep state between runs.
"""

import atexit
import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from local.aws_clients import ROOT_CREDENTIALS, AwsClients, Credentials, is_enforcing
from local.certificates import TlsFiles, issue_certificate
from local.worker_processes import workers_of

PINNED_VERSION = "1.5.33"
"""The one ministack version whose behaviour was measured; an older one enforced no IAM at all."""

REGION = "us-west-2"
_HOST = "127.0.0.1"
_LOG_TAIL_LINES = 25
_HEALTH_POLL_SECONDS = 0.05
_HTTP_TIMEOUT_SECONDS = 10.0
_STOP_TIMEOUT_SECONDS = 5.0


class EmulatorError(Exception):
    """The embedded AWS cannot be used; the message says why and what to do."""


class EmulatorStartError(EmulatorError):
    """The emulator did not come up, is not running, or stopped answering."""


class EmulatorVersionError(EmulatorError):
    """Another version than the pinned one is installed or answered."""


class EmulatorNotEnforcing(EmulatorError):
    """A call that IAM must deny was allowed, so no result of this emulator could be trusted."""


class Emulator:
    """The embedded AWS as a context manager: `with Emulator(folder) as aws: aws.client("sqs")`.

    `port=0` takes a free one. `wait_scale` multiplies every Step Functions wait and retry delay. Clients are
    created once per service, are safe to share between threads, and ignore the caller's AWS configuration.
    Starting takes about two seconds and raises an `EmulatorError` when anything is not as it must be; nothing
    is left running then. Stopping kills the emulator and its Lambda workers at once, also at interpreter exit
    and when this process is killed.
    """

    region = REGION
    credentials = ROOT_CREDENTIALS

    def __init__(
        self,
        working_directory: Path,
        *,
        port: int = 0,
        wait_scale: float = 1.0,
        start_timeout_seconds: float = 30.0,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self.working_directory = working_directory.absolute()
        self.log_file = self.working_directory / "emulator.log"
        self._requested_port = port
        self._wait_scale = wait_scale
        self._start_timeout_seconds = start_timeout_seconds
        self._progress = progress or (lambda _message: None)
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._tls: TlsFiles | None = None
        self._aws: AwsClients | None = None

    @property
    def endpoint_url(self) -> str:
        """The https URL of every AWS service."""
        self._running()
        return f"https://{_HOST}:{self._port}"

    @property
    def tls(self) -> TlsFiles:
        """The certificate files of this run, which another local server may present too."""
        self._running()
        if self._tls is None:
            raise EmulatorStartError("The emulator has no certificate yet; call start() first.")
        return self._tls

    @property
    def ca_bundle(self) -> Path:
        """The PEM file that a client must trust."""
        return self.tls.ca_bundle

    @property
    def pid(self) -> int:
        """The id of the emulator's process, which is also the id of its process group."""
        return self._running().pid

    def workers(self, function_name: str) -> list[int]:
        """Return the ids of this emulator's own worker processes of one function: the only ones anybody may kill."""
        return workers_of(self.pid, function_name)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process and return when it is proven healthy, of the pinned version, and enforcing IAM."""
        if self._process is not None:
            raise EmulatorStartError("This emulator is already running; call stop() before starting it again.")
        _require_the_pinned_version(_installed_version(), "installed")
        started = time.monotonic()
        try:
            self._spawn()
            health = self._wait_until_healthy()
            _require_the_pinned_version(str(health.get("version")), "answering")
            if health.get("auth") != "enabled":
                raise EmulatorNotEnforcing("The emulator reports that IAM enforcement is off. Do not use it.")
            self._require_a_denial()
        except BaseException:
            self.stop()
            raise
        self._progress(f"embedded AWS ready at {self.endpoint_url} in {time.monotonic() - started:.1f} s")

    def stop(self) -> None:
        """Kill the emulator and its Lambda workers; harmless when it is not running.

        SIGKILL on purpose: with TLS on, the emulator takes about 32 seconds to obey SIGTERM, and it keeps no
        state that an orderly end could save.
        """
        atexit.unregister(self.stop)
        clients, self._aws = self._aws, None
        if clients is not None:
            clients.close()
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=_STOP_TIMEOUT_SECONDS)
        if process.stdin is not None:
            process.stdin.close()

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes the client's type at run time
        """Return the boto3 client of `service` as the emulator's root, the same object on every call."""
        return self._clients().of(service)

    def client_as(self, service: str, credentials: Credentials) -> Any:  # noqa: ANN401 - as in client()
        """Return a new boto3 client of `service` acting as `credentials`; the caller closes it."""
        return self._clients().new(service, credentials)

    def set_wait_scale(self, wait_scale: float) -> None:
        """Multiply every later Step Functions wait and retry delay by `wait_scale` (0 skips them)."""
        if not 0 <= wait_scale < float("inf"):
            raise ValueError(f"wait_scale is {wait_scale}; give a number from 0 (no waiting) up to 1 (real time).")
        key = "stepfunctions._SFN_WAIT_SCALE"
        answer = self._http("POST", "/_ministack/config", json.dumps({key: wait_scale}))
        if answer.get("applied") != {key: wait_scale}:
            raise EmulatorError(f"The emulator did not take the wait scale {wait_scale}; it answered {answer}.")
        self._wait_scale = wait_scale

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise EmulatorStartError("The emulator is not running; call start() or use it in a `with` block.")
        return self._process

    def _spawn(self) -> None:
        try:
            self._tls = issue_certificate(self.working_directory / "tls")
        except OSError as error:
            raise EmulatorStartError(
                f"The emulator's folder {self.working_directory} cannot be written ({error}). Give another one."
            ) from error
        self._progress("starting the embedded AWS")
        program = Path(__file__).with_name("emulator_process.py")
        with _listening_socket(self._requested_port) as listener, self.log_file.open("wb") as log:
            self._port = listener.getsockname()[1]
            self._aws = AwsClients(f"https://{_HOST}:{self._port}", self._tls.ca_bundle, REGION)
            atexit.register(self.stop)
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(program), str(listener.fileno())],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.working_directory,
                env=child_environment(self.working_directory, self._port, self._tls, self._wait_scale),
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )

    def _wait_until_healthy(self) -> dict[str, Any]:
        deadline = time.monotonic() + self._start_timeout_seconds
        next_report = time.monotonic() + 2
        while True:
            code = self._running().poll()
            if code is not None:
                raise EmulatorStartError(f"The emulator ended at once with code {code}. {self._log_tail()}")
            try:
                return self._http("GET", "/_ministack/health")
            except (OSError, http.client.HTTPException, ValueError) as error:
                if time.monotonic() > deadline:
                    raise EmulatorStartError(
                        f"The emulator gave no healthy answer in {self._start_timeout_seconds:g} s ({error}). "
                        f"{self._log_tail()}"
                    ) from error
            if time.monotonic() > next_report:
                next_report += 2
                self._progress("still waiting for the embedded AWS")
            time.sleep(_HEALTH_POLL_SECONDS)

    def _require_a_denial(self) -> None:
        try:
            enforcing = is_enforcing(self._clients())
        except (ClientError, BotoCoreError) as error:
            raise EmulatorStartError(
                f"The emulator failed while its IAM enforcement was tried: {error}. {self._log_tail()}"
            ) from error
        if not enforcing:
            raise EmulatorNotEnforcing(
                "A user without any policy could list the tables, so IAM is not enforced and a green run would "
                f"prove nothing. Install ministack=={PINNED_VERSION} exactly."
            )

    def _clients(self) -> AwsClients:
        self._running()
        if self._aws is None:
            raise EmulatorStartError("The emulator has no clients yet; call start() first.")
        return self._aws

    def _http(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        self._running()
        context = ssl.create_default_context(cafile=str(self.ca_bundle))
        connection = http.client.HTTPSConnection(_HOST, self._port, timeout=_HTTP_TIMEOUT_SECONDS, context=context)
        with contextlib.closing(connection):
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
            return answer

    def _log_tail(self) -> str:
        lines = self.log_file.read_text("utf-8", "replace").splitlines() if self.log_file.exists() else []
        return "\n".join([f"Its log {self.log_file} ends with:", *(lines[-_LOG_TAIL_LINES:] or ["(nothing)"])])


def child_environment(folder: Path, port: int, tls: TlsFiles, wait_scale: float) -> dict[str, str]:
    """Return the whole environment of the emulator, which every Lambda function inherits from it.

    It is spelled out, so that nothing of the caller's gets in. The retry delays of asynchronous invokes are
    shortened; Step Functions' are scaled.
    """
    endpoint_url = f"https://{_HOST}:{port}"
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "AUTH": "true",
        "BIND_HOST": _HOST,
        "MINISTACK_HOST": _HOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(tls.certificate),
        "MINISTACK_SSL_KEY": str(tls.private_key),
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_CA_BUNDLE": str(tls.ca_bundle),
        "SSL_CERT_FILE": str(tls.ca_bundle),
        "SFN_WAIT_SCALE": str(wait_scale),
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.05",
        "LAMBDA_ASYNC_RETRY_MAX_SECONDS": "0.1",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "PERSIST_STATE": "0",
    }


def _listening_socket(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
    except OSError as error:
        listener.close()
        raise EmulatorStartError(
            f"Port {port} on {_HOST} cannot be used ({error.strerror}). Stop what listens there, or give port 0."
        ) from error
    return listener


def _installed_version() -> str:
    try:
        return metadata.version("ministack")
    except metadata.PackageNotFoundError as error:
        raise EmulatorVersionError(
            f"ministack is not installed for {sys.executable}. Install ministack=={PINNED_VERSION}."
        ) from error


def _require_the_pinned_version(version: str, which: str) -> None:
    if version != PINNED_VERSION:
        raise EmulatorVersionError(
            f"The {which} ministack is {version}, but only {PINNED_VERSION} was measured. "
            f"Install ministack=={PINNED_VERSION}."
        )
