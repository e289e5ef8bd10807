"""The stores: nine tables, the artifacts bucket, and the global kill switch's first state.

This owns keys, indexes and protection of what is kept. It grants nothing; nothing here expires but artifacts and what
throttles calls, because a claim or an outcome that vanished would let an action run twice.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from infrastructure.permissions import bucket_policy
from infrastructure.settings import StackSettings
from ports.steps.resources import Resource, ResourceKind

PARTITION_KEY: Final = "pk"
SORT_KEY: Final = "sk"

GLOBAL_SWITCH: Final[Mapping[str, str]] = {
    PARTITION_KEY: "SWITCH",
    SORT_KEY: "GLOBAL",
    "state": "RUNNING",
    "reason": "Set when the stack was created.",
    "changed_by": "pulumi",
    "changed_at": "1970-01-01T00:00:00.000Z",
}
"""The row without which nothing runs. Its time is the epoch, before any change by a person, because a program that
read the clock would differ on every run."""

NONCURRENT_DAYS: Final = 30
"""Days that an overwritten or deleted artifact can be recovered; a guess."""

UPLOAD_DAYS: Final = 7
"""Days after which an upload that was never finished is cleared away; AWS's own example."""


@dataclass(frozen=True)
class Index:
    """A global secondary index on string attributes, with every attribute projected."""

    name: str
    hash_key: str
    range_key: str | None = None


INDEXES: Final[Mapping[Resource, tuple[Index, ...]]] = {
    # ``open_status`` is there only while an attempt is open, so the index holds no finished work.
    Resource.EXECUTION_ATTEMPTS: (
        Index("by-status", "open_status", "updated_at"),
        Index("by-intent", "action_intent_id"),
    ),
    Resource.EXECUTION_OUTCOMES: (Index("by-tenant", "tenant_id", "completed_at"),),
    # ``unpublished`` is there only until a signal is published, so the index holds what still has to be.
    Resource.SIGNALS: (Index("by-unpublished", "unpublished", "created_at"),),
}

TTL_ATTRIBUTES: Final[Mapping[Resource, str]] = {Resource.CONNECTOR_CAPACITY: "forget_at_epoch"}
"""What may expire, by the attribute that says when: throttling state alone, which proves nothing."""

TABLES: Final = tuple(resource for resource in Resource if resource.kind is ResourceKind.TABLE)


@dataclass(frozen=True)
class StoresConfig:
    """What the stores depend on."""

    settings: StackSettings
    account_id: pulumi.Output[str]


@dataclass(frozen=True)
class _Bucket:
    name: pulumi.Output[str]
    arn: pulumi.Output[str]


class Stores(pulumi.ComponentResource):
    """Tables and bucket; ``arns`` and ``environment`` are what functions may use of them."""

    def __init__(self, name: str, config: StoresConfig, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cc-native:infrastructure:Stores", name, None, opts)
        self._settings = config.settings
        tables = {resource: self._table(resource) for resource in TABLES}
        self._global_switch(tables[Resource.KILL_SWITCHES].name)
        bucket = self._bucket(config.account_id)
        self.table_names = {resource.value: table.name for resource, table in tables.items()}
        self.bucket_name = bucket.name
        self.arns = {
            **{resource: table.arn for resource, table in tables.items()},
            Resource.EXECUTION_ARTIFACTS: bucket.arn,
        }
        names = {
            **{resource: table.name for resource, table in tables.items()},
            Resource.EXECUTION_ARTIFACTS: bucket.name,
        }
        self.environment: dict[str, pulumi.Input[str]] = {
            key: physical for resource, physical in names.items() for key in resource.environment_keys
        }
        self.environment |= _limits(config.settings)
        self.register_outputs({"tables": self.table_names})

    def _kept(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, protect=self._settings.protected)

    def _table(self, resource: Resource) -> aws.dynamodb.Table:
        indexes, expires = INDEXES.get(resource, ()), TTL_ATTRIBUTES.get(resource)
        keys = {PARTITION_KEY, SORT_KEY}
        keys |= {key for index in indexes for key in (index.hash_key, index.range_key) if key}
        return aws.dynamodb.Table(
            resource.value,
            name=self._settings.names.of(resource.value),
            billing_mode="PAY_PER_REQUEST",
            hash_key=PARTITION_KEY,
            range_key=SORT_KEY,
            attributes=[{"name": key, "type": "S"} for key in sorted(keys)],
            global_secondary_indexes=[_index(index) for index in indexes] or None,
            point_in_time_recovery={"enabled": True},
            server_side_encryption={"enabled": True},
            ttl={"attribute_name": expires, "enabled": True} if expires else None,
            deletion_protection_enabled=self._settings.protected,
            opts=self._kept(),
        )

    def _global_switch(self, table_name: pulumi.Output[str]) -> None:
        aws.dynamodb.TableItem(
            "global-kill-switch",
            table_name=table_name,
            hash_key=PARTITION_KEY,
            range_key=SORT_KEY,
            item=json.dumps({key: {"S": value} for key, value in GLOBAL_SWITCH.items()}),
            # Who halts the system must not be overruled by the next deployment.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["item"]),
        )

    def _bucket(self, account_id: pulumi.Output[str]) -> _Bucket:
        settings = self._settings
        supplied = settings.artifacts_bucket_name
        if supplied is not None:
            return _Bucket(
                pulumi.Output.from_input(supplied),
                pulumi.Output.from_input(f"arn:{settings.partition}:s3:::{supplied}"),
            )
        bucket = aws.s3.Bucket(
            Resource.EXECUTION_ARTIFACTS.value,
            bucket=account_id.apply(settings.names.bucket),
            force_destroy=not settings.protected,
            opts=self._kept(),
        )
        self._harden(bucket)
        return _Bucket(bucket.bucket, bucket.arn)

    def _harden(self, bucket: aws.s3.Bucket) -> None:
        name = Resource.EXECUTION_ARTIFACTS.value
        opts = pulumi.ResourceOptions(parent=self)
        versioning = aws.s3.BucketVersioning(
            name, bucket=bucket.bucket, versioning_configuration={"status": "Enabled"}, opts=opts
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
            opts=opts,
        )
        access = aws.s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=opts,
        )
        aws.s3.BucketOwnershipControls(
            name, bucket=bucket.bucket, rule={"object_ownership": "BucketOwnerEnforced"}, opts=opts
        )
        # S3 serialises changes to one bucket's policy and access block, and refuses the one that comes second.
        aws.s3.BucketPolicy(
            name,
            bucket=bucket.bucket,
            policy=bucket.arn.apply(lambda arn: json.dumps(bucket_policy(arn))),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[access]),
        )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[
                {
                    "id": "expire-artifacts",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "expiration": {"days": self._settings.artifact_days},
                    "noncurrent_version_expiration": {"noncurrent_days": NONCURRENT_DAYS},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": UPLOAD_DAYS},
                }
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )


def _limits(settings: StackSettings) -> dict[str, str]:
    """Return the environment of what throttles, beside the table that it is kept in."""
    values = (
        settings.connector_concurrency,
        settings.connector_rate_per_second,
        settings.connector_burst,
        settings.breaker_failures,
        settings.breaker_open_seconds,
    )
    return dict(zip(Resource.CONNECTOR_LIMITS.environment_keys, map(str, values), strict=True))


def _index(index: Index) -> aws.dynamodb.TableGlobalSecondaryIndexArgsDict:
    schemas: list[aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgsDict] = [
        {"attribute_name": index.hash_key, "key_type": "HASH"}
    ]
    if index.range_key is not None:
        schemas.append({"attribute_name": index.range_key, "key_type": "RANGE"})
    return {"name": index.name, "projection_type": "ALL", "key_schemas": schemas}
