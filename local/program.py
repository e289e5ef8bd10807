"""Runs the project's own Pulumi program without a Pulumi engine, and shows what it declares.

Owns the run: configuration as the Pulumi CLI would hand it over, a thread with an event loop of its own, and what
came out. It exists so that the embedded stack, the preview and the tests all use the one program there is.

It will not decrypt a stack's secrets or keep state; what becomes of a declared resource is decided by the mocks.
"""

import asyncio
import contextvars
import json
import runpy
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import pulumi
import yaml

from infrastructure.refusals import SettingsError
from infrastructure.settings import DEFAULT_REGION
from local.deployer.frame import DeployError, is_secret, plain
from local.deployer.planner import ACCOUNT_ID, Planner
from local.preview import render

ROOT: Final = Path(__file__).parents[1]
REGION_KEY: Final = "aws:region"

_Result = TypeVar("_Result")

_WORKERS = 8  # registrations at once; more would only queue at the emulator's single process
_SECRET_TEXT: Final = "[secret]"  # noqa: S105 - what is shown instead of one


class ProgramError(Exception):
    """The program cannot be run with this configuration; the message says what to change."""


@dataclass(frozen=True, slots=True)
class DeclaredResource:
    """One resource as the program declared it; secret inputs are replaced by `[secret]`."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    is_component: bool


@dataclass(frozen=True, slots=True)
class ProgramRun:
    """What one run of the program gave: its exports as plain values, and everything it declared."""

    project: str
    stack: str
    config: Mapping[str, str]
    exports: Mapping[str, Any]
    secret_exports: frozenset[str]
    resources: tuple[DeclaredResource, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the run for people and tools to read, without any secret."""
        return {
            "project": self.project,
            "stack": self.stack,
            "region": self.config.get(REGION_KEY, DEFAULT_REGION),
            "resources": [
                {"type": one.type, "name": one.name, "component": one.is_component, "inputs": _shown(one.inputs)}
                for one in self.resources
            ],
            "outputs": {
                key: _SECRET_TEXT if key in self.secret_exports else _shown(value)
                for key, value in sorted(self.exports.items())
            },
        }


def run_program(
    mocks: pulumi.runtime.Mocks,
    stack: str,
    overrides: Mapping[str, str] | None = None,
    *,
    preview: bool = False,
    root: Path = ROOT,
) -> ProgramRun:
    """Run `__main__.py` afresh under `mocks`, and return what it exported and declared, sorted by type and name.

    The configuration is Pulumi.yaml's defaults, then Pulumi.<stack>.yaml, then `overrides` (keys may leave out the
    project). With `preview` the program believes in a preview. Whatever the program or the mocks raise is raised
    here, `infrastructure.settings.SettingsError` for a value that cannot work among it; a stack file that is absent
    or cannot be read raises `ProgramError`.
    """
    project, config = read_config(stack, overrides or {}, root)
    recorder = _Recorder(mocks)

    def run() -> tuple[dict[str, Any], frozenset[str]]:
        pulumi.runtime.set_all_config(config)
        pulumi.runtime.set_mocks(recorder, project=project, stack=stack, preview=preview)
        pulumi.runtime.test(_program)(root)  # type: ignore[no-untyped-call]  # publishes no types
        return asyncio.get_event_loop().run_until_complete(_exports())

    exports, secrets = _in_own_event_loop(run)
    return ProgramRun(project, stack, config, exports, secrets, recorder.resources())


def read_config(stack: str, overrides: Mapping[str, str], root: Path = ROOT) -> tuple[str, dict[str, str]]:
    """Return the project's name and the configuration of a stack, with full keys and values as text.

    Raises `ProgramError` for a file that is missing or no YAML, and for an encrypted value that nothing overrides.
    """
    project_file = _yaml(root / "Pulumi.yaml")
    project = str(project_file["name"])
    stack_file = root / f"Pulumi.{stack}.yaml"
    if not stack_file.is_file() and not overrides:
        known = ", ".join(sorted(path.name.split(".")[1] for path in root.glob("Pulumi.*.yaml")))
        raise ProgramError(f"There is no {stack_file.name}, so the stack {stack!r} has no settings. Known: {known}.")
    declared: dict[str, Any] = {}
    for key, value in (project_file.get("config") or {}).items():
        known_value = value.get("value", value.get("default")) if isinstance(value, dict) else value
        if known_value is not None:
            declared[_full(project, key)] = known_value
    if stack_file.is_file():
        declared |= {_full(project, key): value for key, value in (_yaml(stack_file).get("config") or {}).items()}
    declared |= {_full(project, key): value for key, value in overrides.items()}
    return project, {key: _config_text(key, value) for key, value in declared.items()}


def preview(stack: str, overrides: Mapping[str, str] | None = None, *, root: Path = ROOT) -> ProgramRun:
    """Run the program under mocks that create nothing and use no network; ids and account are made up."""
    _, config = read_config(stack, overrides or {}, root)
    return run_program(Planner(config.get(REGION_KEY, DEFAULT_REGION)), stack, overrides, preview=True, root=root)


def preview_command(stack: str, *, as_json: bool = False, overrides: Mapping[str, str] | None = None) -> int:
    """Print what the program would create and export, and return the exit code: 1 with one line when it cannot."""
    try:
        plan = preview(stack, overrides).as_json()
    except (SettingsError, ProgramError, DeployError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps(plan, indent=2, sort_keys=True))
    else:
        print("\n".join(render(plan, ACCOUNT_ID)))
    return 0


def _program(root: Path) -> None:
    # Not run as "__main__", which would take that name away from the command that is running.
    runpy.run_path(str(root / "__main__.py"), run_name="pulumi_program")


class _Recorder(pulumi.runtime.Mocks):
    """Passes everything on to other mocks, and remembers what was declared."""

    def __init__(self, mocks: pulumi.runtime.Mocks) -> None:
        self._mocks = mocks
        self._declared: list[DeclaredResource] = []
        self._lock = threading.Lock()

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        inputs = {key: _SECRET_TEXT if is_secret(value) else plain(value) for key, value in args.inputs.items()}
        with self._lock:
            self._declared.append(DeclaredResource(args.typ, args.name, inputs, args.custom is False))
        return self._mocks.new_resource(args)

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:  # noqa: ANN401 - whatever the other mocks answer
        return self._mocks.call(args)

    def resources(self) -> tuple[DeclaredResource, ...]:
        # Registrations arrive in any order, and two runs must be comparable.
        return tuple(sorted(self._declared, key=lambda one: (one.type, one.name)))


async def _exports() -> tuple[dict[str, Any], frozenset[str]]:
    root = pulumi.runtime.get_root_resource()
    declared: dict[str, Any] = dict(getattr(root, "outputs", {}))
    outputs = {key: pulumi.Output.from_input(value) for key, value in declared.items()}
    values = {key: await output.future() for key, output in outputs.items()}
    return values, frozenset([key for key, output in outputs.items() if await output.is_secret()])


def _in_own_event_loop(work: Callable[[], _Result]) -> _Result:
    """Run `work` where nothing of an earlier run is left: Pulumi keeps its state in context variables and loops."""
    with ThreadPoolExecutor(1, "pulumi-program") as runner:
        return runner.submit(contextvars.Context().run, _with_event_loop, work).result()


def _with_event_loop(work: Callable[[], _Result]) -> _Result:
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(_say_once)
    asyncio.set_event_loop(loop)
    worker_loops: list[asyncio.AbstractEventLoop] = []
    loop.set_default_executor(ThreadPoolExecutor(_WORKERS, "pulumi", _give_thread_a_loop, (worker_loops,)))
    try:
        return work()
    finally:
        loop.run_until_complete(_cancel_what_is_left())
        loop.run_until_complete(loop.shutdown_default_executor())
        for one in (*worker_loops, loop):
            one.close()
        asyncio.set_event_loop(None)


def _give_thread_a_loop(opened: list[asyncio.AbstractEventLoop]) -> None:
    # Pulumi's mock monitor would open one in each thread, and close none.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    opened.append(loop)


async def _cancel_what_is_left() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def _say_once(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # A failed resource fails every output that was built on it; the first failure is raised, the rest only repeat it.
    if "exception was never retrieved" not in context["message"]:
        loop.default_exception_handler(context)


def _yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ProgramError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ProgramError(f"{path.name} holds no settings; it must be a YAML mapping.")
    return content


def _full(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _config_text(key: str, value: object) -> str:
    """Return a value as the Pulumi CLI would hand it over: text as it is, everything else as JSON."""
    if isinstance(value, dict) and "secure" in value:
        raise ProgramError(f"{key} is encrypted, and only the Pulumi CLI can read it; use `pulumi preview` instead.")
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _shown(value: object) -> Any:  # noqa: ANN401 - JSON
    """Return a value as JSON can carry it; an archive is shown as its path."""
    if isinstance(value, Mapping):
        return {key: _shown(item) for key, item in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [_shown(item) for item in value]
    if isinstance(value, pulumi.FileArchive | pulumi.FileAsset):
        return str(value.path)
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
