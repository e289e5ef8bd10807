"""Somebody on the bus who hears the signals, as the rest of the platform would: a queue behind a rule of its own."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from domain.model.identifiers import IntentRef
from local.demo.observations import subscribe
from local.stack_info import StackInfo

News = tuple[IntentRef, str]
"""Which intent, and what kind of signal."""

PATIENCE_SECONDS: Final = 15.0


@dataclass
class Subscriber:
    """Collects what it hears; twice is as good as once."""

    info: StackInfo
    queue_url: str
    heard: set[News] = field(default_factory=set)

    @classmethod
    def to(cls, info: StackInfo) -> "Subscriber":
        """Subscribe to a stack's signals; what was sent before is not heard."""
        return cls(info, subscribe(info))

    def hear(self, expected: Iterable[News]) -> set[News]:
        """Listen until everything expected was heard, or patience ends; return all that was ever heard."""
        deadline, waiting = time.monotonic() + PATIENCE_SECONDS, set(expected)
        while not waiting <= self.heard and time.monotonic() < deadline:
            self._listen()
        return self.heard

    def _listen(self) -> None:
        sqs = self.info.client("sqs")
        answer = sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            event = json.loads(message["Body"])
            told = {**event["detail"], **event["detail"]["data"]}
            ref = IntentRef.model_validate({name: told[name] for name in IntentRef.model_fields})
            self.heard.add((ref, event["detail-type"]))
            sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
