"""The contract of the artifact store, over every adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from adapters.memory.artifact_store import MemoryArtifactStore
from adapters.s3.artifact_store import S3ArtifactStore
from tests.builders import a_ref

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from pydantic import JsonValue

    from ports.artifact_store import ArtifactStore

BUCKET = "execution-artifacts"


@dataclass(frozen=True)
class Subject:
    """A store, and a look at what is really kept behind a reference."""

    store: ArtifactStore
    text_behind: Callable[[str], str | None]


def a_memory_subject() -> Subject:
    """The store in memory."""
    store = MemoryArtifactStore()
    return Subject(store, store.text)


def an_s3_subject(client: S3Client) -> Subject:
    """The store on a bucket that exists."""

    def text_behind(reference: str) -> str:
        key = reference.removeprefix(f"s3://{BUCKET}/")
        return client.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()

    return Subject(S3ArtifactStore(client, BUCKET), text_behind)


@pytest.fixture(params=["memory", "s3"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """One adapter after the other."""
    if request.param == "memory":
        yield a_memory_subject()
        return
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield an_s3_subject(client)


def test_a_document_is_kept_as_canonical_json_under_its_reference(subject: Subject) -> None:
    """Whoever follows the reference finds the document, in the one form that digests are made of."""
    document: dict[str, JsonValue] = {"tool": "crm___create_task", "answer": {"text": "überall ✓", "none": None}}
    reference = subject.store.put(a_ref(), "reply-1", document)

    assert subject.text_behind(reference) == '{"answer":{"none":null,"text":"überall ✓"},"tool":"crm___create_task"}'


def test_the_same_document_has_the_same_reference(subject: Subject) -> None:
    """A repeated step refers to the same artifact."""
    first = subject.store.put(a_ref(), "reply-1", {"a": 1})

    assert subject.store.put(a_ref(), "reply-1", {"a": 1}) == first


@pytest.mark.parametrize(
    "other", [{"tenant_id": "tenant-2"}, {"account_id": "account-2"}, {"action_intent_id": "intent-2"}]
)
def test_another_intents_document_of_the_same_name_is_another_artifact(
    subject: Subject, other: dict[str, object]
) -> None:
    """Nobody overwrites or reads by accident what belongs to another tenant, account or intent."""
    ours = subject.store.put(a_ref(), "reply-1", {"of": "ours"})
    theirs = subject.store.put(a_ref(**other), "reply-1", {"of": "theirs"})

    assert subject.text_behind(ours) == '{"of":"ours"}'
    assert subject.text_behind(theirs) == '{"of":"theirs"}'


@pytest.mark.parametrize("name", ["", "a/b", "../reply", "a#b", "with space", "line\n"])
def test_a_name_that_would_leave_the_intents_prefix_is_refused(subject: Subject, name: str) -> None:
    """A name is one part of a key, never a path."""
    with pytest.raises(ValueError, match="a key"):
        subject.store.put(a_ref(), name, {})


if TYPE_CHECKING:

    def _conforms(client: S3Client) -> tuple[ArtifactStore, ...]:
        return MemoryArtifactStore(), S3ArtifactStore(client, BUCKET)
