"""How a configuration value is refused: its key, its value as far as it may be shown, and what it would have led to.

One sentence for each key, written once, so that the refusal at preview and the page of settings say the same. Which
values are wrong is the business of ``value_rules``, ``gateway_settings`` and ``settings``.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from infrastructure.value_rules import url_shape


class SettingsError(ValueError):
    """A configuration value that cannot work; the message names key, value and consequence."""


CONSEQUENCES: Final[dict[str, str]] = {
    "prefix": "no physical name could be built",
    "stage": "it decides whether data survives a mistake",
    "protect": "it decides whether data survives a mistake",
    "region": "every ARN of the stack contains it",
    "gatewayUrl": "every tool call, with its token, goes there",
    "gateway": "no gateway could be declared, and there would be no tools to call",
    "gatewayAllowedHosts": "it decides where a token may be sent",
    "mcpProtocolVersion": "the gateway would refuse every tool call",
    "gatewayTimeoutSeconds": "a slow tool call would end as a crashed function instead of a known result",
    "tokenScopes": "the gateway would refuse every token",
    "lambdaArchitecture": "the compiled wheels of the package would not load",
    "lambdaPackage": "the functions would have no code",
    "memory": "no function could be created",
    "logRetentionDays": "the log groups could not be created",
    "artifactsBucketName": "raw tool responses could not be stored",
    "artifactsRetentionDays": "it decides how long raw tool responses are kept",
    "eventBusName": "approvals would not reach the rule",
    "userPoolId": "no token could be issued",
    "tokenEndpointUrl": "no token could be fetched",
    "alarmTopicArn": "alarms would reach nobody",
    "reservedConcurrency": "no function could be created",
    "functionErrorThreshold": "the functions' error alarms could not be created",
    "reconcileEveryMinutes": "what executions left behind would not be finished in time",
    "connectorConcurrency": "one tenant could take all of a connector, or none could call it",
    "connectorRatePerSecond": "one tenant could flood a connector, or none could call it",
    "connectorBurst": "one tenant could flood a connector, or none could call it",
    "breakerFailures": "a connector that does not answer would be called on, or one failed call would stop all",
    "breakerOpenSeconds": "a connector that does not answer would be left alone too briefly, or too long",
}


INNER_CONSEQUENCES: Final[dict[str, str]] = {
    "gateway.targets": "there would be no tools to call",
    "gateway.supportedVersions": "the gateway would refuse every tool call",
    "gateway.exceptionLevel": "the gateway would tell every caller what went wrong inside its targets",
    "gateway.kmsKeyArn": "the gateway could not be created",
}
"""The same for the keys inside a structured setting."""

URL_KEYS: Final = frozenset({"gatewayUrl", "tokenEndpointUrl", "endpoint"})
"""Keys whose values a refusal shows by their shape only."""


LONGEST_VALUE: Final = 200
"""Characters of a refused value that are shown."""


def refusal(key: str, value: object, reason: str) -> SettingsError:
    """Return the refusal of one value; ``key`` may be a path into a structured setting, e.g. ``gateway.targets[0]``."""
    if key.rsplit(".", 1)[-1] in URL_KEYS and isinstance(value, str):
        value = url_shape(value)
    return SettingsError(f"{key} is {_shown(value)}: {reason}; {consequence_of(key)}")


def consequence_of(key: str) -> str:
    """Return what a wrong value of a key, or of one inside it, leads to."""
    setting, *inner = re.split(r"[.\[]", key)
    nearest = INNER_CONSEQUENCES.get(f"{setting}.{inner[0]}") if inner else None
    return nearest or CONSEQUENCES[setting]


def first_of(error: ValidationError, config: Mapping[str, object]) -> SettingsError:
    """Return the refusal of the first value that a model did not take."""
    first = error.errors(include_url=False)[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, SettingsError):
        return cause
    path: Sequence[int | str] = first["loc"] or ("prefix",)
    reason = first["msg"].removeprefix("Value error, ")
    return refusal(_dotted(path), _at(path, config), reason[0].lower() + reason[1:])


def _shown(value: object) -> str:
    if value is None or value == ():
        return "missing"
    # What is wrong with a whole structure is said by the reason; the structure itself would bury it.
    shown = "an object" if isinstance(value, Mapping) else repr(value)
    return shown if len(shown) <= LONGEST_VALUE else f"{shown[:LONGEST_VALUE]}…"


def _dotted(path: Iterable[int | str]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _at(path: Sequence[int | str], config: Mapping[str, object]) -> object:
    """Return what stands at a path; ``None`` where nothing does."""
    setting, *inner = path
    given: Any = config.get(str(setting))
    # A structured setting arrives as text.
    is_structure = inner or (isinstance(given, str) and given.lstrip().startswith("{"))
    try:
        value = json.loads(given) if is_structure and isinstance(given, str) else given
        for part in inner:
            value = value[part]
    except (LookupError, TypeError):
        return None
    except (ValueError, RecursionError):
        # There is no telling what of an unreadable text is a URL with a secret in it.
        return f"{given.lstrip()[:1]}…"
    return value
