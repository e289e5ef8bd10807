"""Secrets Manager: secrets and their values."""

from local.deployer.frame import Clients, Created, Inputs, creates


@creates("aws:secretsmanager/secret:Secret")
def secret(inputs: Inputs, aws: Clients) -> Created:
    """Create a secret without a value."""
    # Only a deletion reads the recovery window, and an embedded stack is never deleted piece by piece.
    inputs.not_modelled("recoveryWindowInDays")
    arn = aws.client("secretsmanager").create_secret(
        Name=inputs.required("name"), Description=inputs.optional("description", "")
    )["ARN"]
    return Created(arn, {"arn": arn})


@creates("aws:secretsmanager/secretVersion:SecretVersion")
def secret_version(inputs: Inputs, aws: Clients) -> Created:
    """Give a secret its value."""
    secret_id = inputs.required("secretId")
    version = aws.client("secretsmanager").put_secret_value(
        SecretId=secret_id, SecretString=inputs.required("secretString")
    )
    return Created(f"{secret_id}|{version['VersionId']}", {"arn": version["ARN"], "versionId": version["VersionId"]})
