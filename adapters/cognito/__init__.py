"""Access tokens from Amazon Cognito, with the client secret from AWS Secrets Manager."""
