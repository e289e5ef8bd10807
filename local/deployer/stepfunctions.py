"""Step Functions: state machines."""

from local.deployer.frame import Clients, Created, Inputs, creates


@creates("aws:sfn/stateMachine:StateMachine")
def state_machine(inputs: Inputs, aws: Clients) -> Created:
    """Create a state machine; the emulator keeps its logging but writes no log, and drops its tracing."""
    logging = inputs.block("loggingConfiguration") or Inputs({})
    tracing = inputs.block("tracingConfiguration") or Inputs({})
    arn = aws.client("stepfunctions").create_state_machine(
        name=inputs.required("name"),
        type=inputs.optional("type", "STANDARD"),
        definition=inputs.required("definition"),
        roleArn=inputs.required("roleArn"),
        loggingConfiguration={
            "level": logging.optional("level", "OFF"),
            "includeExecutionData": logging.optional("includeExecutionData", default=False),
            "destinations": [
                {"cloudWatchLogsLogGroup": {"logGroupArn": destination}}
                for destination in [logging.optional("logDestination")]
                if destination
            ],
        },
        tracingConfiguration={"enabled": tracing.optional("enabled", default=False)},
    )["stateMachineArn"]
    return Created(arn, {"arn": arn})
