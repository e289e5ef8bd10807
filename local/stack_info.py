"""What a running stack tells other processes: the file `stack.json`, and the clients that reach what it names.

Owns the form of that file. It exists so that a second process finds a stack without being told more than a folder.

It will not start, stop or change a stack.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, field_serializer

from local.aws_clients import AwsClients, Credentials

FILE_NAME: Final = "stack.json"


class StackError(Exception):
    """The local stack cannot be started or reached; the message says why and what to do."""


class StackCredentials(BaseModel):
    """The key pair that may do everything in the embedded AWS, and nothing anywhere else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    access_key_id: str
    secret_access_key: SecretStr

    @field_serializer("secret_access_key", when_used="json")
    def _spell_out(self, value: SecretStr) -> str:
        # Written on purpose: the file is how another process gets in, and the key works on this machine alone.
        return value.get_secret_value()


class ToolServerInfo(BaseModel):
    """The reference tool server of a stack; `database` is its SQLite file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database: Path


class GatewayAccess(BaseModel):
    """How a stack's functions come by a token for its gateway; the secret itself stays in its store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol_version: str
    token_endpoint_url: str
    token_scopes: tuple[str, ...]
    credentials_secret_arn: str


class StackInfo(BaseModel):
    """Where everything of a running stack is; what `stack.json` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint_url: str
    ca_bundle: Path
    region: str
    credentials: StackCredentials
    gateway_url: str
    gateway_access: GatewayAccess
    event_bus: str
    state_machine_arn: str
    tables: Mapping[str, str]
    """Physical names by component, e.g. `execution-outcomes`."""
    artifacts_bucket: str
    queues: Mapping[str, str]
    """URLs by component, e.g. `ingress-dlq`."""
    functions: Mapping[str, str]
    """Physical names by step, e.g. `InvokeTool`, and the `Reconciler`'s."""
    tool_server: ToolServerInfo | None = None
    """Ours; `None` when another gateway is used."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file of a running stack; raises `StackError` when there is none."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError as error:
            raise StackError(
                f"No stack is running here: there is no {path}. Start one with `make local`, and wait until it "
                "says that the stack is up."
            ) from error
        except (OSError, ValidationError) as error:
            raise StackError(f"{path} does not describe a stack of this version. Start it again.") from error

    def save(self, path: Path) -> None:
        """Write the file, readable by its owner only and never half written."""
        partial = path.with_name(f"{path.name}.partial")
        partial.touch(mode=0o600)
        partial.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        partial.replace(path)

    @cached_property
    def clients(self) -> AwsClients:
        """The boto3 clients of this stack."""
        return AwsClients(self.endpoint_url, self.ca_bundle, self.region)

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes the client's type at run time
        """Return the root client of `service`, the same object on every call."""
        return self.clients.of(service)

    def client_as(self, service: str, credentials: Credentials) -> Any:  # noqa: ANN401 - as above
        """Return a new client of `service` acting as `credentials`; the caller closes it."""
        return self.clients.new(service, credentials)
