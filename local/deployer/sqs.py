"""SQS: queues and their policies."""

from local.deployer.frame import Clients, Created, Inputs, creates


@creates("aws:sqs/queue:Queue")
def queue(inputs: Inputs, aws: Clients) -> Created:
    """Create a queue."""
    declared = {
        "MessageRetentionPeriod": inputs.optional("messageRetentionSeconds"),
        "SqsManagedSseEnabled": inputs.optional("sqsManagedSseEnabled"),
    }
    attributes = {key: _text(value) for key, value in declared.items() if value is not None}
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=inputs.required("name"), Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Created(url, {"arn": arn, "url": url})


@creates("aws:sqs/queuePolicy:QueuePolicy")
def queue_policy(inputs: Inputs, aws: Clients) -> Created:
    """Write a queue's policy."""
    url = inputs.required("queueUrl")
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": inputs.required("policy")})
    return Created(url)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
