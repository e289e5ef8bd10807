"""The argument schemas port."""

from collections.abc import Mapping
from typing import Protocol

from pydantic import JsonValue

from domain.model.canonical_json import JsonObject
from domain.model.json_schema import ArgumentFault, SchemaReview


class ArgumentSchemas(Protocol):
    """Applies a tool's input schema to the arguments of a call, before the call is made.

    It computes and nothing else: no reference leaves the schema document, nothing is fetched, and the time a schema
    and arguments can take together is bounded, whatever either holds.
    """

    def review(self, schema: JsonObject) -> SchemaReview:
        """Return whether the schema can be used at all, and what of it will not be checked."""
        ...

    def faults(self, schema: JsonObject, arguments: Mapping[str, JsonValue]) -> tuple[ArgumentFault, ...]:
        """Return what the schema refuses about the arguments, the first few of it; nothing where they fit.

        Raises ``ConfigurationError`` where the schema is one that ``review`` calls unusable.
        """
        ...
