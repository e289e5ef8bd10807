"""What a person does to a running stack from the command line: seed intents and mappings, approve an intent."""

import json
from collections.abc import Iterable
from pathlib import Path

from adapters.dynamodb.intent_store import DynamoDbIntentStore
from adapters.dynamodb.mapping_registry import DynamoDbMappingRegistry
from adapters.system.clock import SystemClock
from domain.model.identifiers import IntentRef
from domain.model.intent import ActionIntent, IntentStatus
from domain.model.tool_mapping import ToolMapping
from domain.use_cases.approve_intent import ApproveIntent
from local.documents import Document, IntentDocument, read_documents
from local.stack import StackInfo

MAX_EVENTS_PER_CALL = 10
"""Entries in one PutEvents call (Amazon EventBridge API Reference, "PutEvents")."""


class Operations:
    """The stack's stores and bus, as an operator's hands."""

    def __init__(self, info: StackInfo) -> None:
        dynamodb = info.client("dynamodb")
        self._events = info.client("events")
        self._bus = info.event_bus
        self.intents = DynamoDbIntentStore(dynamodb, info.tables["action-intents"])
        self.registry = DynamoDbMappingRegistry(dynamodb, info.tables["action-type-registry"])
        self.clock = SystemClock()
        self._approve = ApproveIntent(self.intents, self.registry, self.clock)

    def seed_files(self, files: Iterable[Path]) -> list[Document]:
        """Load files of intents and mappings.

        Nothing is stored if any file is wrong in itself. A mapping that is already published with another content is
        found while storing, mappings first: intents are then not stored.
        """
        documents = [document for file in files for document in read_documents(file, now=self.clock.now())]
        self.seed(documents)
        return documents

    def seed(self, documents: Iterable[Document]) -> None:
        """Store mappings first, then intents, so that an approval can name its mapping."""
        ordered = sorted(documents, key=lambda document: isinstance(document, IntentDocument))
        for document in ordered:
            if isinstance(document, ToolMapping):
                self.registry.publish(document)
            else:
                self.intents.put(document.intent)
                if document.approved_by is not None:
                    self._approve(document.intent.ref, approved_by=document.approved_by)

    def approve(self, ref: IntentRef, *, approved_by: str, times: int = 1) -> ActionIntent:
        """Sign the intent if nobody has, then send ``times`` ACTION_APPROVED events; raises ``IntentNotFound``."""
        intent = self.intents.find(ref)
        if intent is None or intent.status is IntentStatus.PROPOSED:
            intent = self._approve(ref, approved_by=approved_by)
        self.send_approvals(ref.model_dump(), times=times)
        return intent

    def send_approvals(self, data: dict[str, object], *, times: int = 1) -> None:
        """Send ``times`` approval events with this data, as it is."""
        entry = {
            "EventBusName": self._bus,
            "Source": "cc-native",
            "DetailType": "ACTION_APPROVED",
            "Detail": json.dumps({"data": data}),
        }
        left = times
        while left > 0:
            batch = min(left, MAX_EVENTS_PER_CALL)
            self._events.put_events(Entries=[entry] * batch)
            left -= batch
