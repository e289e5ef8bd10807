"""The client's own credentials, read from AWS Secrets Manager.

The secret is JSON: ``{"client_id": "...", "client_secret": "..."}``. Neither errors nor ``repr`` ever show it, and
errors are raised without their cause where the cause quotes the secret.
"""

from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from domain.model.errors import ConfigurationError
from ports.token_provider import TokenUnavailable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_REFUSALS: Final = frozenset(
    {
        "AccessDeniedException",
        "DecryptionFailure",
        "InvalidParameterException",
        "InvalidRequestException",
        "ResourceNotFoundException",
    }
)
"""Answers of GetSecretValue that repeat until somebody changes something (AWS Secrets Manager API Reference)."""


class ClientSecret(BaseModel):
    """What identifies this system at the identity provider."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    client_id: SecretStr
    client_secret: SecretStr


def read_client_secret(secrets_client: "SecretsManagerClient", secret_arn: str) -> ClientSecret:
    """Return the current version of the secret.

    Raises ``ConfigurationError`` where it is missing, forbidden or of another shape, and ``TokenUnavailable`` where
    Secrets Manager cannot answer now.
    """
    if not secret_arn:
        raise ConfigurationError("No client secret is configured. Set the ARN of the gateway client's secret.")
    try:
        text = secrets_client.get_secret_value(SecretId=secret_arn).get("SecretString", "")
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _REFUSALS:
            raise ConfigurationError(
                f"Secrets Manager refuses the gateway client's secret ({code}). Check that it exists, that it is not "
                "scheduled for deletion, and that this function may read and decrypt it."
            ) from error
        raise TokenUnavailable(f"Secrets Manager failed ({code})") from error
    except BotoCoreError as error:
        raise TokenUnavailable(f"Secrets Manager could not be reached ({type(error).__name__})") from error
    try:
        found = ClientSecret.model_validate_json(text)
    except ValidationError:
        found = None
    if found is None or not found.client_id.get_secret_value() or not found.client_secret.get_secret_value():
        # Outside the handler, so that no traceback shows the text that could not be read.
        raise ConfigurationError(
            "The gateway client's secret has another shape than expected. "
            'Store JSON: {"client_id": "...", "client_secret": "..."}.'
        )
    return found
