"""The whole stack on this machine: emulator, deployed program and tool server, and the file that describes them.

Owns the order in which they start and that all of them stop. It exists so that a demonstration, a test and a person
at a terminal get the same stack, and so that another process can reach it through `stack.json`.

It will not keep anything: a started stack is empty, and what was in it is gone when it stops.
"""

import fcntl
import shutil
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self, TypeVar

from pydantic import SecretStr

from infrastructure.packaging import build
from infrastructure.settings import LambdaArchitecture
from local.aws_clients import ROOT_CREDENTIALS
from local.deployer import Deployer, GatewayStandIn
from local.deployer.agentcore import Admission
from local.deployer.lambda_functions import RUNTIME_CLIENT
from local.emulator import Emulator
from local.program import ProgramRun, run_program
from local.stack_info import FILE_NAME, GatewayAccess, StackCredentials, StackError, StackInfo, ToolServerInfo
from local.tool_server.catalogue import TARGETS
from local.tool_server.server import ToolServer
from local.tool_server.tokens import TokenPolicy
from ports.steps.contract import FUNCTIONS

__all__ = ["LocalStack", "StackError", "StackInfo"]

STACK_NAME: Final = "local"

_Part = TypeVar("_Part")

_HOST = "127.0.0.1"
_REPORT_SECONDS = 2.0


class LocalStack:
    """The stack as a context manager: `with LocalStack(folder) as stack: stack.info.client("sqs")`.

    `gateway_url` names another MCP server to call instead of the reference one. `wait_scale` multiplies every wait
    and retry delay of Step Functions, `port` is the emulator's (0 takes a free one), and `config` overrides further
    settings of the program by their Pulumi keys. `runtime_command` starts the functions' runtime client, for a proof
    that must do something around it. One folder holds one running stack; a second one raises
    `StackError`. Whatever goes wrong at the start is raised after everything that did start has been stopped.
    """

    def __init__(
        self,
        folder: Path,
        *,
        gateway_url: str | None = None,
        wait_scale: float = 1.0,
        port: int = 0,
        config: Mapping[str, str] | None = None,
        runtime_command: Sequence[str] = RUNTIME_CLIENT,
        progress: Callable[[str], None] = print,
    ) -> None:
        self.folder = folder.absolute()
        self.emulator = Emulator(self.folder / "emulator", port=port, wait_scale=wait_scale, progress=progress)
        self.tool_server: ToolServer | None = None
        self._gateway_url = gateway_url
        self._config = dict(config or {})
        self._runtime_command = tuple(runtime_command)
        self._progress = progress
        self._running: ExitStack | None = None
        self._info: StackInfo | None = None
        self._program: ProgramRun | None = None
        self.start_seconds = 0.0
        """How long the last start took."""

    @property
    def info(self) -> StackInfo:
        """Where everything is."""
        return _of_a_running_stack(self._info)

    @property
    def program(self) -> ProgramRun:
        """What the program declared and exported when it was deployed."""
        return _of_a_running_stack(self._program)

    @property
    def tool_database(self) -> Path:
        """The database of the reference tool server; raises `StackError` when another gateway is used."""
        if self.tool_server is None:
            raise StackError("This stack calls another gateway, so there is no tool database to look into.")
        return self.tool_server.database

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything and return when an approval could be sent; takes a few seconds."""
        if self._running is not None:
            raise StackError("This stack is already running; call stop() before starting it again.")
        started = time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as running:
            running.enter_context(_locked(self.folder))
            self._start(running)
            self._running = running.pop_all()
        self.start_seconds = time.monotonic() - started
        self._progress(f"stack ready in {self.start_seconds:.1f} s")

    def stop(self) -> None:
        """Stop everything and remove `stack.json`; harmless when nothing is running."""
        running, self._running = self._running, None
        if running is not None:
            running.close()

    def _start(self, running: ExitStack) -> None:
        file = self.folder / FILE_NAME
        # What a stack that was killed has left behind.
        file.unlink(missing_ok=True)
        shutil.rmtree(self.folder / "emulator", ignore_errors=True)
        package = build(self.folder / "lambda-sources.zip", LambdaArchitecture.ARM64, with_dependencies=False)
        running.enter_context(self.emulator)
        with _reserved_socket() as reserved:
            port = reserved.getsockname()[1]
            stand_in = None if self._gateway_url else GatewayStandIn(f"https://{_HOST}:{port}/mcp", TARGETS)
            self._program = self._deploy(stand_in, package.path)
        if stand_in is not None:
            tools = self._tools(stand_in.admission, self._program.exports["user_pool_id"], port)
            self.tool_server = running.enter_context(tools)
            self._progress(f"tool server ready at {self.tool_server.url}")
        self._info = self._described(self._program.exports)
        running.callback(self._forget, self._info)
        running.callback(file.unlink, missing_ok=True)
        self._info.save(file)

    def _forget(self, info: StackInfo) -> None:
        info.clients.close()
        self._info = self._program = self.tool_server = None

    def _deploy(self, stand_in: GatewayStandIn | None, package: Path) -> ProgramRun:
        gateway = {"gatewayUrl": self._gateway_url or ""} if stand_in is None else {"gateway": stand_in.declaration}
        settings = {
            "aws:region": self.emulator.region,
            **gateway,
            # The emulator issues tokens at its own endpoint, whatever the pool's domain is.
            "tokenEndpointUrl": f"{self.emulator.endpoint_url}/oauth2/token",
            "lambdaPackage": str(package),
            **self._config,
        }
        self._progress("deploying the Pulumi program")
        counted = _Count(self._progress)
        deployer = Deployer(self.emulator, counted, runtime_command=self._runtime_command, gateway=stand_in)
        started = time.monotonic()
        program = run_program(deployer, STACK_NAME, settings)
        self._progress(f"deployed {counted.number} resources in {time.monotonic() - started:.1f} s")
        return program

    def _tools(self, admission: Admission, user_pool_id: str, port: int) -> ToolServer:
        database = self.folder / "tools.sqlite"
        for leftover in self.folder.glob(f"{database.name}*"):
            leftover.unlink()
        tokens = TokenPolicy(
            # The issuer's own URL is Cognito's on AWS; the emulator serves the same keys at its own.
            jwks_url=f"{self.emulator.endpoint_url}/{user_pool_id}/.well-known/jwks.json",
            issuer=admission.issuer,
            required_scopes=admission.scopes,
            allowed_client_ids=admission.client_ids,
            ca_bundle=self.emulator.ca_bundle,
        )
        return ToolServer(database, port=port, tokens=tokens, tls=self.emulator.tls)

    def _described(self, exports: Mapping[str, Any]) -> StackInfo:
        return StackInfo(
            endpoint_url=self.emulator.endpoint_url,
            ca_bundle=self.emulator.ca_bundle,
            region=exports["region"],
            credentials=StackCredentials(
                access_key_id=ROOT_CREDENTIALS.access_key_id,
                secret_access_key=SecretStr(ROOT_CREDENTIALS.secret_access_key),
            ),
            gateway_url=exports["gateway_url"],
            gateway_access=GatewayAccess(
                protocol_version=exports["mcp_protocol_version"],
                token_endpoint_url=exports["token_endpoint_url"],
                token_scopes=tuple(exports["token_scopes"]),
                credentials_secret_arn=exports["gateway_credentials_secret_arn"],
            ),
            event_bus=exports["event_bus"],
            state_machine_arn=exports["state_machine_arn"],
            tables=exports["tables"],
            artifacts_bucket=exports["artifacts_bucket"],
            queues=exports["queues"],
            functions={name.value: exports["functions"][spec.component] for name, spec in FUNCTIONS.items()},
            tool_server=None if self.tool_server is None else ToolServerInfo(database=self.tool_server.database),
        )


class _Count:
    """Counts created resources from several threads, and reports when it takes long."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        self.number = 0
        self._progress = progress
        self._lock = threading.Lock()
        self._next_report = time.monotonic() + _REPORT_SECONDS

    def __call__(self, _resource_type: str, _name: str) -> None:
        with self._lock:
            self.number += 1
            if time.monotonic() > self._next_report:
                self._next_report += _REPORT_SECONDS
                self._progress(f"{self.number} resources so far")


def _of_a_running_stack(value: _Part | None) -> _Part:
    if value is None:
        raise StackError("The stack is not running; call start() or use it in a `with` block.")
    return value


def _locked(folder: Path) -> IO[bytes]:
    """Return the open lock of a folder; the system frees it even if this process is killed."""
    lock = (folder / "stack.lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StackError(f"Another stack is running in {folder}. Stop it first.") from error
    return lock


def _reserved_socket() -> socket.socket:
    """Return a bound socket that keeps a free port for the tool server, which is told its clients only later."""
    reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    reserved.bind((_HOST, 0))
    return reserved
