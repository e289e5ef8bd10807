"""Invoking the stack's functions by hand, and reading what became of it.

Owns the difference between an answer and a function's own error. It exists so that a person's tool decides by our
error names, as the state machine does, and never by a message.

It will not try again.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from infrastructure.naming import ALIAS
from local.stack_info import StackInfo
from ports.steps.contract import StepName, Worker

Json = dict[str, Any]


class FunctionFailed(Exception):
    """A function raised; ``error_type`` is the error's class name, the message is the function's own."""

    def __init__(self, function: StepName | Worker, error_type: str, error_message: str) -> None:
        """Keep the name apart from the message."""
        self.error_type = error_type
        self.error_message = error_message
        super().__init__(f"{function.value} failed with {error_type}: {error_message}")


@dataclass(frozen=True)
class Functions:
    """The stack's functions, by the alias that the stack itself uses."""

    info: StackInfo

    def invoke(self, function: StepName | Worker, event: object) -> Json:
        """Run the function once, wait for its answer, and return it; raises ``FunctionFailed``."""
        answer = self.info.client("lambda").invoke(
            FunctionName=self.info.functions[function.value], Qualifier=ALIAS, Payload=json.dumps(event).encode()
        )
        said = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            told = said if isinstance(said, dict) else {}
            raise FunctionFailed(function, str(told.get("errorType", "Unknown")), str(told.get("errorMessage", "")))
        return said if isinstance(said, dict) else {}


SWEEP_EVENT: Final[Json] = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
"""What the schedule sends (``ports.reconciler_events``)."""


def execution_ended(execution_arn: str, approval: object) -> Json:
    """Return what Step Functions sends when an execution ends badly, as far as the reconciler reads it."""
    return {"source": "aws.states", "detail": {"executionArn": execution_arn, "input": json.dumps(approval)}}
