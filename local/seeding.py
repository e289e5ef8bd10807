"""Loading intents and mappings into a running stack: all of what was given, or nothing where any of it is wrong.

Owns the order: what is wrong in itself is found first, then what must not be replaced, then what the gateway's tools
would not honour; only then is anything stored. What may be published and proposed is the domain's to say.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.dynamodb.intent_store import DynamoDbIntentStore
from adapters.dynamodb.mapping_registry import DynamoDbMappingRegistry
from adapters.jsonschema.argument_schemas import JsonSchemaArguments
from domain.model.identifiers import IntentRef
from domain.model.tool_description import ToolDescription
from domain.model.tool_mapping import ToolMapping
from domain.use_cases.approve_intent import ApproveIntent
from domain.use_cases.check_mappings import Checked, CheckMappings
from domain.use_cases.gateway_tools import LISTING_SECONDS
from domain.use_cases.propose_intent import NOT_CONTENT, ProposeIntent
from domain.use_cases.publish_mapping import PublishMapping
from local.documents import Document, DocumentError, IntentDocument, MappingDocument, all_or_every_fault, read_documents
from local.live_gateway import live_catalogue
from local.stack_info import StackInfo
from local.stores import journal_of
from ports.clock import Clock
from ports.tool_catalogue import ToolCatalogue


@dataclass(frozen=True)
class Loaded:
    """What was stored, and what is to be said about it."""

    documents: tuple[Document, ...]
    warnings: tuple[str, ...] = ()


class Seeding:
    """The registry and the intents of a stack, as whoever fills them reaches them."""

    def __init__(
        self,
        info: StackInfo,
        clock: Clock,
        catalogue: Callable[[StackInfo], AbstractContextManager[ToolCatalogue]] = live_catalogue,
    ) -> None:
        dynamodb = info.client("dynamodb")
        self._info = info
        self._clock = clock
        self._catalogue = catalogue
        self._schemas = JsonSchemaArguments()
        self.intents = DynamoDbIntentStore(dynamodb, info.tables["action-intents"])
        self.registry = DynamoDbMappingRegistry(dynamodb, info.tables["action-type-registry"])
        self.approve = ApproveIntent(self.intents, self.registry, clock)

    def load_files(self, files: Iterable[Path]) -> Loaded:
        """Load files of intents and mappings; raises ``DocumentError`` and what ``load`` does."""
        now = self._clock.now()
        return self.load(all_or_every_fault(files, lambda file: read_documents(file, now=now)))

    def load(self, documents: Iterable[Document | ToolMapping]) -> Loaded:
        """Publish mappings first, then store intents, so that an approval can name its mapping.

        Raises ``DocumentError`` where a mapping would not be honoured, ``PermanentError`` where an executed intent
        would be replaced, and what the gateway's catalogue raises.
        """
        given = [MappingDocument(one) if isinstance(one, ToolMapping) else one for one in documents]
        mappings = [one for one in given if isinstance(one, MappingDocument)]
        intents = [one for one in given if isinstance(one, IntentDocument)]
        propose = ProposeIntent(self.intents, journal_of(self._info))
        for one in intents:
            propose.may_store(one.intent, expiry_is_content=not one.expiry_counts_from_now)
        _refuse_one_intent_twice(intents)
        warnings = self._publish(mappings) if mappings else ()
        for one in intents:
            stored = propose(one.intent, expiry_is_content=not one.expiry_counts_from_now)
            if stored and one.approved_by is not None:
                self.approve(one.intent.ref, approved_by=one.approved_by)
        return Loaded(tuple(given), warnings)

    def tools(self) -> tuple[ToolDescription, ...]:
        """List the live gateway's tools, in the order of their names; raises what the catalogue does."""
        with self._catalogue(self._info) as catalogue:
            listed = catalogue.tools(deadline_seconds=LISTING_SECONDS)
        return tuple(sorted(listed, key=lambda tool: tool.name))

    def check(self) -> tuple[Checked, ...]:
        """Compare every published mapping with the live gateway; raises what ``CheckMappings`` does."""
        with self._catalogue(self._info) as catalogue:
            return CheckMappings(self.registry, catalogue, self._schemas)()

    def _publish(self, documents: list[MappingDocument]) -> tuple[str, ...]:
        with self._catalogue(self._info) as catalogue:
            publish = PublishMapping(self.registry, catalogue, self._schemas)
            judged = list(zip(documents, publish([one.mapping for one in documents]), strict=True))
        faults = [one.fault(fault.field, fault.message) for one, judgement in judged for fault in judgement.faults]
        if faults:
            raise DocumentError("\n".join(faults))
        return tuple(one.fault(said.field, said.message) for one, judgement in judged for said in judgement.warnings)


def _refuse_one_intent_twice(given: list[IntentDocument]) -> None:
    # The later one would take the place of the earlier, and with it what its approver has seen.
    first: dict[IntentRef, IntentDocument] = {}
    for one in given:
        before = first.setdefault(one.intent.ref, one)
        if _content(before) != _content(one):
            message = f"intent {one.intent.ref} is given twice with different contents; keep one of the two"
            raise DocumentError(one.source.fault(("action_intent_id",), message) if one.source else message)


def _content(one: IntentDocument) -> dict[str, Any]:
    around = {*NOT_CONTENT, "expires_at_epoch"} if one.expiry_counts_from_now else {*NOT_CONTENT}
    return one.intent.model_dump(exclude=around)
