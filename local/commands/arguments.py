"""How options are read: each refuses a wrong value before anything is reached, and says what would do.

No message repeats a value, which may be a secret in the wrong place.
"""

import argparse
from typing import TYPE_CHECKING, Final, TypeAlias

from domain.model.identifiers import IntentRef
from local.documents import IDENTIFIER_RULE, is_identifier
from ports.steps.resources import MCP_PROTOCOL_VERSIONS
from ports.steps.state import intent_ref_of

OBJECT_RULE: Final = "must be TYPE:ID, as the tool names them, e.g. Task:task-42"

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  it has no public name


def add_intent(command: argparse.ArgumentParser) -> None:
    """Let a command take the three ids that name an intent."""
    command.add_argument("intent_id", metavar="INTENT_ID", help="the intent's action_intent_id")
    command.add_argument("--tenant", required=True, help="its tenant_id")
    command.add_argument("--account", required=True, help="its account_id")


def intent_of(options: argparse.Namespace) -> IntentRef:
    """Return the intent that the options name; raises ``InvalidEvent``."""
    return intent_ref_of(
        {"action_intent_id": options.intent_id, "tenant_id": options.tenant, "account_id": options.account}
    )


def add_protocol(command: argparse.ArgumentParser) -> None:
    """Let a command deploy a stack that speaks another version of MCP."""
    command.add_argument(
        "--protocol",
        type=protocol,
        default=MCP_PROTOCOL_VERSIONS[-1],
        help=f"the version of MCP that tools are called in: {', '.join(MCP_PROTOCOL_VERSIONS)} (default: the newest)",
    )


def add_json(command: argparse.ArgumentParser, what: str) -> None:
    """Let a command print JSON instead of text."""
    command.add_argument("--json", action="store_true", help=f"print {what} as JSON")


def port(text: str) -> int:
    """Return a TCP port."""
    if not text.isdecimal() or int(text) > 65_535:  # noqa: PLR2004  the largest TCP port
        raise argparse.ArgumentTypeError("must be a port from 0 (any free one) to 65535")
    return int(text)


def gateway_url(text: str) -> str:
    """Return the URL of an MCP server that the program would take."""
    from pydantic import TypeAdapter, ValidationError

    from infrastructure.settings import SecureUrl

    try:
        return str(TypeAdapter(SecureUrl).validate_python(text))
    except ValidationError:
        raise argparse.ArgumentTypeError(
            "must be the https URL of an MCP server, or an http URL on this machine, without credentials, query or "
            "fragment, e.g. http://127.0.0.1:9000/mcp"
        ) from None


def protocol(text: str) -> str:
    """Return a version of MCP that the stack's client speaks."""
    if text not in MCP_PROTOCOL_VERSIONS:
        raise argparse.ArgumentTypeError(f"must be one of {', '.join(MCP_PROTOCOL_VERSIONS)}")
    return text


def identifier(text: str) -> str:
    """Return the name of a person or thing."""
    if not is_identifier(text):
        raise argparse.ArgumentTypeError(IDENTIFIER_RULE)
    return text


def sentence(text: str) -> str:
    """Return what a person has to say, which must not be nothing."""
    if not text.strip() or len(text) > 2_000:  # noqa: PLR2004  the record's own bound
        raise argparse.ArgumentTypeError("must say something, in at most 2000 characters")
    return text


def scale(text: str) -> float:
    """Return a factor for waits; raises ``ValueError`` for what is no number."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("must be from 0 (do not wait) to 1 (wait as on AWS)")
    return value


def count(text: str) -> int:
    """Return how many of something."""
    value = int(text) if text.isdecimal() else 0
    if not 1 <= value <= 10_000:  # noqa: PLR2004  a slip of the finger should not send a million events
        raise argparse.ArgumentTypeError("must be from 1 to 10000")
    return value


def external_object(text: str) -> tuple[str, str]:
    """Return type and id of an object in another system."""
    kind, _, name = text.partition(":")
    if not (kind and name and text.isascii() and text.isprintable()):
        raise argparse.ArgumentTypeError(OBJECT_RULE)
    return kind, name
