"""What a function may touch, and how: the source of every IAM statement and of every function's environment.

A resource is named here once; its environment key and its physical name's component follow from it. Access is listed
in the store's own verbs, one per API action, so that a grant can be taken away and the loss be seen.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MCP_PROTOCOL_VERSIONS: Final = ("2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")
"""The versions of the Model Context Protocol that the gateway's client implements, oldest first; no other may be
configured, because every call would be refused."""


class Access(StrEnum):
    """One thing a function does to a resource; each maps to the exact API action (``infrastructure.permissions``)."""

    GET = "GET"
    QUERY = "QUERY"
    PUT = "PUT"
    UPDATE = "UPDATE"
    CHECK = "CHECK"
    """A condition check inside a transaction."""
    PUBLISH = "PUBLISH"
    CALL = "CALL"
    """An HTTP call that carries its own credentials; IAM has no part in it."""
    SEND = "SEND"
    """A message put on a queue."""
    DESCRIBE = "DESCRIBE"
    """A look at how an execution stands."""


class ResourceKind(StrEnum):
    """What kind of thing a resource is."""

    TABLE = "TABLE"
    BUCKET = "BUCKET"
    EVENT_BUS = "EVENT_BUS"
    SECRET = "SECRET"  # noqa: S105  a kind, not a secret
    SETTING = "SETTING"
    QUEUE = "QUEUE"
    """A queue that functions fill for people; those that only services fill are no function's resource."""
    EXECUTIONS = "EXECUTIONS"
    """The executions of the state machine, addressed by their ARNs, which the function is told with its work."""


class Resource(StrEnum):
    """A resource of the stack; the value is its component name (``<prefix>-<stack>-<component>``)."""

    ACTION_INTENTS = "action-intents"
    ACTION_TYPE_REGISTRY = "action-type-registry"
    EXECUTION_ATTEMPTS = "execution-attempts"
    EXECUTION_OUTCOMES = "execution-outcomes"
    EXTERNAL_WRITE_DEDUPE = "external-write-dedupe"
    LEDGER = "ledger"
    SIGNALS = "signals"
    KILL_SWITCHES = "kill-switches"
    CONNECTOR_CAPACITY = "connector-capacity"
    CONNECTOR_LIMITS = "connector-limits"
    EXECUTION_ARTIFACTS = "execution-artifacts"
    EVENT_BUS = "event-bus"
    GATEWAY_CREDENTIALS = "gateway-credentials"
    GATEWAY = "gateway"
    TOKEN_ENDPOINT = "token-endpoint"  # noqa: S105  a name, not a secret
    COMPENSATION_TASKS = "compensation-tasks"
    ATTENTION = "attention"
    QUARANTINE = "quarantine"
    EXECUTIONS = "executions"

    @property
    def kind(self) -> ResourceKind:
        """What kind of thing this is."""
        return _KINDS.get(self, ResourceKind.TABLE)

    @property
    def environment_keys(self) -> tuple[str, ...]:
        """The environment variables through which a function learns where the resource is."""
        return _ENVIRONMENT_KEYS[self]


_KINDS = {
    Resource.CONNECTOR_LIMITS: ResourceKind.SETTING,
    Resource.EXECUTION_ARTIFACTS: ResourceKind.BUCKET,
    Resource.EVENT_BUS: ResourceKind.EVENT_BUS,
    Resource.GATEWAY_CREDENTIALS: ResourceKind.SECRET,
    Resource.GATEWAY: ResourceKind.SETTING,
    Resource.TOKEN_ENDPOINT: ResourceKind.SETTING,
    Resource.COMPENSATION_TASKS: ResourceKind.QUEUE,
    Resource.ATTENTION: ResourceKind.QUEUE,
    Resource.QUARANTINE: ResourceKind.QUEUE,
    Resource.EXECUTIONS: ResourceKind.EXECUTIONS,
}

_ENVIRONMENT_KEYS = {
    Resource.ACTION_INTENTS: ("ACTION_INTENT_TABLE_NAME",),
    Resource.ACTION_TYPE_REGISTRY: ("ACTION_TYPE_REGISTRY_TABLE_NAME",),
    Resource.EXECUTION_ATTEMPTS: ("EXECUTION_ATTEMPTS_TABLE_NAME",),
    Resource.EXECUTION_OUTCOMES: ("EXECUTION_OUTCOMES_TABLE_NAME",),
    Resource.EXTERNAL_WRITE_DEDUPE: ("EXTERNAL_WRITE_DEDUPE_TABLE_NAME",),
    Resource.LEDGER: ("LEDGER_TABLE_NAME",),
    Resource.SIGNALS: ("SIGNALS_TABLE_NAME",),
    Resource.KILL_SWITCHES: ("KILL_SWITCHES_TABLE_NAME",),
    Resource.CONNECTOR_CAPACITY: ("CONNECTOR_CAPACITY_TABLE_NAME",),
    Resource.CONNECTOR_LIMITS: (
        "CONNECTOR_CONCURRENCY",
        "CONNECTOR_RATE_PER_SECOND",
        "CONNECTOR_BURST",
        "BREAKER_FAILURES",
        "BREAKER_OPEN_SECONDS",
    ),
    Resource.EXECUTION_ARTIFACTS: ("EXECUTION_ARTIFACTS_BUCKET",),
    Resource.EVENT_BUS: ("EVENT_BUS_NAME",),
    Resource.GATEWAY_CREDENTIALS: ("GATEWAY_CREDENTIALS_SECRET_ARN",),
    Resource.GATEWAY: ("AGENTCORE_GATEWAY_URL", "MCP_PROTOCOL_VERSION", "GATEWAY_TIMEOUT_SECONDS"),
    Resource.TOKEN_ENDPOINT: ("TOKEN_ENDPOINT_URL", "TOKEN_SCOPES"),
    Resource.COMPENSATION_TASKS: ("COMPENSATION_TASKS_QUEUE_URL",),
    Resource.ATTENTION: ("ATTENTION_QUEUE_URL",),
    Resource.QUARANTINE: ("QUARANTINE_QUEUE_URL",),
    Resource.EXECUTIONS: (),
}


@dataclass(frozen=True)
class Use:
    """One function's use of one resource."""

    resource: Resource
    access: frozenset[Access]


def uses(**access: tuple[Access, ...]) -> tuple[Use, ...]:
    """Return uses by resource name in lower case, e.g. ``uses(ledger=(PUT,))``."""
    return tuple(Use(Resource[name.upper()], frozenset(verbs)) for name, verbs in access.items())
