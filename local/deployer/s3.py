"""S3: one bucket and the settings around it, each a resource of its own in Pulumi."""

from typing import Any

from local.deployer.frame import Clients, Created, Inputs, creates


@creates("aws:s3/bucket:Bucket")
def bucket(inputs: Inputs, aws: Clients) -> Created:
    """Create a bucket."""
    # Only a deletion reads it, and an embedded stack is never deleted piece by piece.
    inputs.not_modelled("forceDestroy")
    name = inputs.required("bucket")
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": aws.region})
    return Created(
        name,
        {
            "arn": f"arn:aws:s3:::{name}",
            "bucketDomainName": f"{name}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{name}.s3.{aws.region}.amazonaws.com",
            "region": aws.region,
        },
    )


@creates("aws:s3/bucketVersioning:BucketVersioning")
def versioning(inputs: Inputs, aws: Clients) -> Created:
    """Switch a bucket's versioning."""
    name, configuration = inputs.required("bucket"), inputs.block("versioningConfiguration") or Inputs({})
    aws.client("s3").put_bucket_versioning(
        Bucket=name, VersioningConfiguration={"Status": configuration.required("status")}
    )
    return Created(name)


@creates("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")
def encryption(inputs: Inputs, aws: Clients) -> Created:
    """Set how a bucket's objects are encrypted."""
    name = inputs.required("bucket")
    rules = []
    for rule in inputs.blocks("rules"):
        default = rule.block("applyServerSideEncryptionByDefault") or Inputs({})
        rules.append({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": default.required("sseAlgorithm")}})
    aws.client("s3").put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    return Created(name)


@creates("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
def public_access_block(inputs: Inputs, aws: Clients) -> Created:
    """Close a bucket to the public."""
    name = inputs.required("bucket")
    aws.client("s3").put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": inputs.optional("blockPublicAcls", default=False),
            "BlockPublicPolicy": inputs.optional("blockPublicPolicy", default=False),
            "IgnorePublicAcls": inputs.optional("ignorePublicAcls", default=False),
            "RestrictPublicBuckets": inputs.optional("restrictPublicBuckets", default=False),
        },
    )
    return Created(name)


@creates("aws:s3/bucketOwnershipControls:BucketOwnershipControls")
def ownership(inputs: Inputs, aws: Clients) -> Created:
    """Say who owns a bucket's objects."""
    name, rule = inputs.required("bucket"), inputs.block("rule") or Inputs({})
    aws.client("s3").put_bucket_ownership_controls(
        Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": rule.required("objectOwnership")}]}
    )
    return Created(name)


@creates("aws:s3/bucketPolicy:BucketPolicy")
def policy(inputs: Inputs, aws: Clients) -> Created:
    """Write a bucket's policy."""
    name = inputs.required("bucket")
    aws.client("s3").put_bucket_policy(Bucket=name, Policy=inputs.required("policy"))
    return Created(name)


@creates("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
def lifecycle(inputs: Inputs, aws: Clients) -> Created:
    """Set when a bucket's objects end."""
    name = inputs.required("bucket")
    aws.client("s3").put_bucket_lifecycle_configuration(
        Bucket=name, LifecycleConfiguration={"Rules": [_lifecycle_rule(rule) for rule in inputs.blocks("rules")]}
    )
    return Created(name)


def _lifecycle_rule(rule: Inputs) -> dict[str, Any]:
    scope = rule.block("filter") or Inputs({})
    declared: dict[str, Any] = {
        "ID": rule.required("id"),
        "Status": rule.required("status"),
        "Filter": {"Prefix": scope.optional("prefix", "")},
    }
    for key, days, member, member_days in (
        ("expiration", "days", "Expiration", "Days"),
        ("noncurrentVersionExpiration", "noncurrentDays", "NoncurrentVersionExpiration", "NoncurrentDays"),
        (
            "abortIncompleteMultipartUpload",
            "daysAfterInitiation",
            "AbortIncompleteMultipartUpload",
            "DaysAfterInitiation",
        ),
    ):
        block = rule.block(key)
        if block is not None:
            declared[member] = {member_days: block.required(days)}
    return declared
