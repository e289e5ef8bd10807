"""CloudWatch: log groups, alarms and dashboards."""

from local.deployer.frame import Clients, Created, DeployError, Inputs, creates, unsupported


@creates("aws:cloudwatch/logGroup:LogGroup")
def log_group(inputs: Inputs, aws: Clients) -> Created:
    """Create a log group and set how long it keeps its logs."""
    logs, name = aws.client("logs"), inputs.required("name")
    logs.create_log_group(logGroupName=name)
    days = inputs.optional("retentionInDays")
    if days is not None:
        logs.put_retention_policy(logGroupName=name, retentionInDays=days)
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    # pulumi-aws gives the ARN without the `:*` that the service appends for policies.
    arn = next(group["arn"] for group in found if group["logGroupName"] == name).removesuffix(":*")
    return Created(name, {"arn": arn})


@creates("aws:cloudwatch/logMetricFilter:LogMetricFilter")
def log_metric_filter(inputs: Inputs, aws: Clients) -> Created:
    """Create a metric that counts lines of a log group."""
    name, counted = inputs.required("name"), inputs.block("metricTransformation")
    if counted is None:
        raise DeployError("metricTransformation is missing; without it nothing would be counted")
    aws.client("logs").put_metric_filter(
        logGroupName=inputs.required("logGroupName"),
        filterName=name,
        filterPattern=inputs.required("pattern"),
        metricTransformations=[
            {
                "metricName": counted.required("name"),
                "metricNamespace": counted.required("namespace"),
                "metricValue": counted.required("value"),
            }
        ],
    )
    return Created(name)


@creates("aws:cloudwatch/metricAlarm:MetricAlarm")
def metric_alarm(inputs: Inputs, aws: Clients) -> Created:
    """Create an alarm; the emulator has no metrics of SQS, EventBridge or Step Functions that could raise it."""
    cloudwatch, name = aws.client("cloudwatch"), inputs.required("name")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        AlarmDescription=inputs.optional("alarmDescription", ""),
        Namespace=inputs.required("namespace"),
        MetricName=inputs.required("metricName"),
        Dimensions=[{"Name": key, "Value": value} for key, value in inputs.optional("dimensions", {}).items()],
        Statistic=inputs.required("statistic"),
        Period=inputs.required("period"),
        EvaluationPeriods=inputs.required("evaluationPeriods"),
        ComparisonOperator=inputs.required("comparisonOperator"),
        Threshold=inputs.required("threshold"),
        TreatMissingData=inputs.optional("treatMissingData", "missing"),
        AlarmActions=inputs.optional("alarmActions", []),
    )
    arn = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["AlarmArn"]
    return Created(name, {"arn": arn})


@creates("aws:cloudwatch/dashboard:Dashboard")
def dashboard(inputs: Inputs, aws: Clients) -> Created:
    """Create a dashboard."""
    cloudwatch, name = aws.client("cloudwatch"), inputs.required("dashboardName")
    answer = cloudwatch.put_dashboard(DashboardName=name, DashboardBody=inputs.required("dashboardBody"))
    faults = answer.get("DashboardValidationMessages")
    unsupported(faults, f"dashboardBody is not accepted: {faults}")
    return Created(name, {"dashboardArn": cloudwatch.get_dashboard(DashboardName=name)["DashboardArn"]})
