"""What every creator of a resource shares: its inputs, its result, and the registry that finds it by type.

Owns the rule that nothing declared is dropped: `Inputs` remembers what was read, and whatever was not is an error.
It exists because a mock that ignores an input lets a stack look right locally and differ on AWS.

It will not talk to any service.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

_SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
_SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a public marker
"""How Pulumi marks a secret value (pulumi/pulumi, sdk/python/lib/pulumi/runtime/rpc.py, `_special_secret_sig`)."""


class DeployError(Exception):
    """A declared resource cannot be created as declared; the message names the resource and the key."""


class Clients(Protocol):
    """Where creators get their boto3 clients: the emulator, or a stand-in."""

    @property
    def region(self) -> str:
        """The region that ARNs are built for."""

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes the client's type at run time
        """Return the root client of `service`, safe to share between threads."""


@dataclass(frozen=True, slots=True)
class Created:
    """A created resource: its provider id, and the outputs that pulumi-aws would add to the inputs."""

    id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


class Inputs:
    """The declared inputs of one resource, or of a block in it; remembers every key that was read.

    Secrets are unwrapped, whole numbers are integers again (Pulumi sends every number as a float), and a nested
    block is itself an `Inputs`, so that an unread key inside it is found too.
    """

    def __init__(self, declared: Mapping[str, Any], path: str = "") -> None:
        self._values = {key: plain(value) for key, value in declared.items()}
        self._path = path
        self._read: set[str] = set()
        self._blocks: list[Inputs] = []

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def required(self, key: str) -> Any:  # noqa: ANN401 - the type is the declaration's
        """Return a value that the service cannot do without."""
        value = self.optional(key)
        if value is None:
            raise DeployError(f"{self._path}{key} is missing; the program has to say it, since nothing invents names")
        return value

    def optional(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - as above
        """Return a value, or `default` where none is declared."""
        self._read.add(key)
        value = self._values.get(key)
        return default if value is None else value

    def block(self, key: str) -> "Inputs | None":
        """Return a nested block, or `None` where none is declared."""
        value = self.optional(key)
        return None if value is None else self._nested(value, f"{self._path}{key}.")

    def blocks(self, key: str) -> "list[Inputs]":
        """Return a list of nested blocks, empty where none is declared."""
        return [
            self._nested(value, f"{self._path}{key}[{position}].")
            for position, value in enumerate(self.optional(key, []))
        ]

    def not_modelled(self, *keys: str) -> None:
        """Count `keys` as read although the emulator does nothing with them; the caller's comment says why."""
        self._read.update(keys)

    def unread(self) -> list[str]:
        """Return the path of every declared key that nothing has read."""
        own = [
            f"{self._path}{key}" for key, value in self._values.items() if value is not None and key not in self._read
        ]
        return sorted(own) + [path for block in self._blocks for path in block.unread()]

    def _nested(self, value: Mapping[str, Any], path: str) -> "Inputs":
        block = Inputs(value, path)
        self._blocks.append(block)
        return block


Creator = Callable[[Inputs, Clients], Created]

_Creator = TypeVar("_Creator", bound=Creator)

CREATORS: Final[dict[str, Creator]] = {}
"""The creator of each resource type; filled by `creates` when the service modules are imported."""


def creates(resource_type: str) -> Callable[[_Creator], _Creator]:
    """Register the decorated function as the creator of `resource_type`."""

    def register(creator: _Creator) -> _Creator:
        if resource_type in CREATORS:
            raise ValueError(f"{resource_type} has two creators: {CREATORS[resource_type]} and {creator}.")
        CREATORS[resource_type] = creator
        return creator

    return register


class DeclaredNames:
    """The logical names of one program; safe to share between threads."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def take(self, resource_type: str, name: str) -> None:
        """Take a name of a type, or raise `DeployError` when it is taken: Pulumi's mocks let both through."""
        with self._lock:
            if (resource_type, name) in self._taken:
                raise DeployError(f"{resource_type} '{name}' is declared twice; give each resource its own name")
            self._taken.add((resource_type, name))


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever Pulumi sends
    """Return a value of Pulumi's as the program wrote it: secrets unwrapped, whole numbers as integers."""
    if isinstance(value, Mapping):
        if value.get(_SIGNATURE_KEY) == _SECRET_SIGNATURE:
            return plain(value["value"])
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def is_secret(value: Any) -> bool:  # noqa: ANN401 - whatever Pulumi sends
    """Tell whether a value, or anything inside it, is marked as a secret."""
    if isinstance(value, Mapping):
        return value.get(_SIGNATURE_KEY) == _SECRET_SIGNATURE or any(is_secret(item) for item in value.values())
    return isinstance(value, list) and any(is_secret(item) for item in value)


def unsupported(condition: object, message: str) -> None:
    """Raise `DeployError` when `condition` is true: a declared value that the creator would have to drop."""
    if condition:
        raise DeployError(message)
