"""How Step Functions tries a step again: which errors, how often, and how long it waits in between.

Apart from the contract, because the rules are the same for every step and say more about the platform than about any
of them. What a step makes of being entered again is its own business.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class RetryRule:
    """A Step Functions retrier: full jitter and a maximum delay are part of every one."""

    errors: tuple[str, ...]
    interval_seconds: int
    max_attempts: int
    backoff_rate: float
    max_delay_seconds: int


TRANSIENT_RETRY: Final = RetryRule(("TransientError",), 2, 3, 2.0, 30)
"""R86: first after 2 s, three retries, doubling; 30 s is a guess at the longest pause worth holding a caller for."""

SERVICE_RETRY: Final = RetryRule(
    (
        "Lambda.ClientExecutionTimeoutException",
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
    ),
    2,
    6,
    2.0,
    30,
)
"""The retrier AWS recommends for every Lambda task (AWS Step Functions Developer Guide, "Handle transient Lambda
service exceptions"). Safe on InvokeTool because a re-entered step never simply sends again."""

LOST_REPLY_RETRY: Final = RetryRule(
    ("States.Timeout", "Sandbox.Timedout", "Runtime.ExitError", "Lambda.Unknown"), 2, 2, 2.0, 30
)
"""A function that timed out or died may have done its work; every step can be entered again, so asking it again is
how the truth is found. InvokeTool then decides by the mapping's effect safety."""
