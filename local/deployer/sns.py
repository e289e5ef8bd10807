"""SNS: topics and their policies."""

from local.deployer.frame import Clients, Created, Inputs, creates


@creates("aws:sns/topic:Topic")
def topic(inputs: Inputs, aws: Clients) -> Created:
    """Create a topic."""
    arn = aws.client("sns").create_topic(Name=inputs.required("name"))["TopicArn"]
    return Created(arn, {"arn": arn})


@creates("aws:sns/topicPolicy:TopicPolicy")
def topic_policy(inputs: Inputs, aws: Clients) -> Created:
    """Write a topic's policy."""
    arn = inputs.required("arn")
    aws.client("sns").set_topic_attributes(
        TopicArn=arn, AttributeName="Policy", AttributeValue=inputs.required("policy")
    )
    return Created(arn)
