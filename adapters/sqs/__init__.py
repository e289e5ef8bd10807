"""The operator inbox on Amazon SQS, through the client that the container configures."""
