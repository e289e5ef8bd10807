"""EventBridge: buses, rules and targets."""

from typing import Any

from local.deployer.frame import Clients, Created, Inputs, creates, unsupported


@creates("aws:cloudwatch/eventBus:EventBus")
def event_bus(inputs: Inputs, aws: Clients) -> Created:
    """Create a bus."""
    name = inputs.required("name")
    arn = aws.client("events").create_event_bus(Name=name, Description=inputs.optional("description", ""))[
        "EventBusArn"
    ]
    return Created(name, {"arn": arn})


@creates("aws:cloudwatch/eventRule:EventRule")
def event_rule(inputs: Inputs, aws: Clients) -> Created:
    """Create a rule on a bus: by pattern, by schedule, or both."""
    name, bus = inputs.required("name"), inputs.required("eventBusName")
    when = {
        "EventPattern": inputs.optional("eventPattern"),
        "ScheduleExpression": inputs.optional("scheduleExpression"),
    }
    unsupported(not any(when.values()), "a rule needs an eventPattern or a scheduleExpression, and has neither")
    arn = aws.client("events").put_rule(
        Name=name,
        EventBusName=bus,
        Description=inputs.optional("description", ""),
        State="ENABLED",
        **{member: value for member, value in when.items() if value is not None},
    )["RuleArn"]
    return Created(f"{bus}/{name}", {"arn": arn})


@creates("aws:cloudwatch/eventTarget:EventTarget")
def event_target(inputs: Inputs, aws: Clients) -> Created:
    """Attach a target to a rule; the emulator keeps its queue and retries but never uses them.

    It fires schedules by itself, the first time one interval after the rule was created. A function is run once for
    each event, so one that fails is not tried again and no queue learns of it.
    """
    rule, bus, target_id = inputs.required("rule"), inputs.required("eventBusName"), inputs.required("targetId")
    target: dict[str, Any] = {"Id": target_id, "Arn": inputs.required("arn")}
    for key, member in (("roleArn", "RoleArn"), ("inputPath", "InputPath")):
        value = inputs.optional(key)
        if value is not None:
            target[member] = value
    queue = inputs.block("deadLetterConfig")
    if queue is not None:
        target["DeadLetterConfig"] = {"Arn": queue.required("arn")}
    retry = inputs.block("retryPolicy")
    if retry is not None:
        target["RetryPolicy"] = {
            "MaximumEventAgeInSeconds": retry.required("maximumEventAgeInSeconds"),
            "MaximumRetryAttempts": retry.required("maximumRetryAttempts"),
        }
    refused = aws.client("events").put_targets(Rule=rule, EventBusName=bus, Targets=[target])
    unsupported(refused["FailedEntryCount"], f"the target was refused: {refused['FailedEntries']}")
    return Created(f"{rule}-{target_id}")
