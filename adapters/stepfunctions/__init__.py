"""The state machine's executions on AWS Step Functions, through the client that the container configures."""
