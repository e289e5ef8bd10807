"""Configuration: what is accepted, and how every wrong value is refused."""

import traceback
from pathlib import Path

import pytest
import yaml

from adapters.mcp.wire import SUPPORTED_PROTOCOL_VERSIONS, checked_version
from infrastructure.alarms import PERIOD_SECONDS, SILENT_PERIODS
from infrastructure.refusals import CONSEQUENCES, SettingsError
from infrastructure.settings import SLOWEST_SCHEDULE_MINUTES, StackSettings, Stage
from ports.steps.contract import MACHINE_TIMEOUT_SECONDS, RECONCILER, SETTLING_MARGIN_SECONDS, STEPS, StepName
from ports.steps.resources import MCP_PROTOCOL_VERSIONS

ROOT = Path(__file__).parents[2]
GATEWAY = "https://gateway.example.com/mcp"
POOL = {
    "userPoolId": "us-west-2_abc",
    "tokenEndpointUrl": "https://login.example.com/oauth2/token",
    "tokenScopes": "tools/call",
}


def settings(stack: str = "dev", **config: object) -> StackSettings:
    """Settings for a preview, with a gateway unless the test gives another."""
    return StackSettings.from_mapping({"gatewayUrl": GATEWAY, **config}, stack=stack, package_required=False)


def test_a_gateway_is_all_that_must_be_said() -> None:
    """R9: everything else has a default: us-west-2, arm64, the newest protocol, a deadline of 30 s (R32)."""
    found = settings()

    assert (found.prefix, found.region, found.lambda_architecture) == ("cc-native", "us-west-2", "arm64")
    assert (found.mcp_protocol_version, found.gateway_timeout_seconds) == ("2026-07-28", 30)
    assert found.package_path == "dist/lambda-arm64.zip"
    assert found.scopes == ("cc-native-dev-gateway/invoke",)


def test_text_as_pulumi_stores_it_is_understood() -> None:
    """Pulumi hands every value over as text; numbers, flags and lists are read from it."""
    found = settings(
        protect="true", memory="1024", tokenScopes='["a/b", "a/c"]', gatewayAllowedHosts="gateway.example.com"
    )

    assert (found.protect, found.memory, found.token_scopes) == (True, 1024, ("a/b", "a/c"))
    assert found.gateway_allowed_hosts == ("gateway.example.com",)


WRONG = [
    ("connectorConcurrency", "0", "greater than or equal to 1"),
    ("connectorConcurrency", "101", "less than or equal to 100"),
    ("connectorRatePerSecond", "0", "greater than or equal to 1"),
    ("connectorRatePerSecond", "0.5", "valid integer"),
    ("connectorBurst", "0", "greater than or equal to 1"),
    ("breakerFailures", "0", "greater than or equal to 1"),
    ("breakerOpenSeconds", "0", "greater than or equal to 1"),
    ("breakerOpenSeconds", "901", "less than or equal to 900"),
    ("reconcileEveryMinutes", "0", "greater than or equal to 1"),
    ("reconcileEveryMinutes", "11", "less than or equal to 10"),
    ("reconcileEveryMinutes", "often", "valid integer"),
    ("prefix", "CC_Native", "no legal name"),
    ("prefix", "cc-native-with-a-very-long-prefix-indeed", "its service allows 63"),
    ("prefix", "my-aws-stack", "contains 'aws'"),
    ("stage", "production", "'dev' or 'prod'"),
    ("protect", "perhaps", "unable to interpret input"),
    ("region", "oregon", "match pattern"),
    ("gatewayUrl", "http://gateway.example.com/mcp", "it is not https"),
    ("gatewayUrl", "gateway.example.com", "no absolute http(s) URL"),
    ("gatewayUrl", "ftp://gateway.example.com", "no absolute http(s) URL"),
    ("gatewayUrl", "https://gateway.example.com:70000/mcp", "its port is no number"),
    ("gatewayUrl", "https://gateway.example.com:0/mcp", "its port is no number"),
    ("gatewayUrl", "https://gateway..example.com/mcp", "no name that a host can have"),
    ("gatewayUrl", f"https://{'a' * 64}.example.com/mcp", "no name that a host can have"),
    ("gatewayUrl", "https://*/mcp", "no name that a host can have"),
    ("gatewayUrl", "https://gateway.example.com:mcp/", "its port is no number"),
    ("gatewayUrl", "https://[gateway", "it cannot be parsed"),
    ("gatewayUrl", "https://gateway.example.com/m cp", "visible ASCII"),
    ("gatewayUrl", " https://gateway.example.com/mcp", "visible ASCII"),
    ("gatewayUrl", "https://gätéway.example.com/mcp", "visible ASCII"),
    ("gatewayAllowedHosts", "[", "expecting value"),
    ("mcpProtocolVersion", "latest", "2026-07-28 only"),
    ("mcpProtocolVersion", "2024-11-05", "2026-07-28 only"),
    ("gatewayTimeoutSeconds", "0", "greater than or equal to 1"),
    ("gatewayTimeoutSeconds", "53", "52 is the most"),
    ("gatewayTimeoutSeconds", "soon", "valid integer"),
    ("tokenScopes", "invoke", "is not <resource server>/<scope>"),
    ("tokenScopes", "https://api.example.com/", "is not <resource server>/<scope>"),
    ("tokenScopes", "/invoke", "is not <resource server>/<scope>"),
    ("tokenScopes", "//invoke", "is not <resource server>/<scope>"),
    ("tokenScopes", "tools/call other", "is not <resource server>/<scope>"),
    ("tokenScopes", '["a/b", "a/c", "a/b"]', "'a/b' is there twice"),
    ("lambdaArchitecture", "mips", "'arm64' or 'x86_64'"),
    ("memory", "64", "greater than or equal to 128"),
    ("logRetentionDays", "13", "keeps logs for one of"),
    ("artifactsBucketName", "Not_A_Bucket", "match pattern"),
    ("artifactsBucketName", "raw..responses", "nothing that S3 accepts"),
    ("artifactsBucketName", "raw.-responses", "nothing that S3 accepts"),
    ("artifactsBucketName", "raw-.responses", "nothing that S3 accepts"),
    ("artifactsBucketName", "192.168.5.4", "nothing that S3 accepts"),
    ("artifactsRetentionDays", "0", "greater than or equal to 1"),
    ("eventBusName", "a bus", "match pattern"),
    ("userPoolId", "pool", "match pattern"),
    ("tokenEndpointUrl", "http://login.example.com", "it is not https"),
    ("tokenEndpointUrl", "https://login.example.com:70000/oauth2/token", "its port is no number"),
    ("alarmTopicArn", "alarms", "match pattern"),
    ("alarmTopicArn", "arn:aws:sns:eu-west-1:123456789012:on-call", "topic of its own region"),
    ("alarmTopicArn", "arn:aws-cn:sns:us-west-2:123456789012:on-call", "topic of its own region"),
    ("reservedConcurrency", "0", "greater than or equal to 1"),
    ("functionErrorThreshold", "0", "greater than or equal to 1"),
]


@pytest.mark.parametrize("key, value, reason", WRONG)
def test_a_wrong_value_is_refused_with_key_value_and_consequence(key: str, value: str, reason: str) -> None:
    """Nothing is deployed half-way: the refusal names the key, the value, the reason and what would happen."""
    with pytest.raises(SettingsError) as refused:
        settings(**{key: value})

    message = str(refused.value)
    assert message.startswith(f"{key} is ")
    assert value in message
    assert reason in message
    if key != "prefix":
        assert message.endswith(CONSEQUENCES[key])


def test_a_missing_gateway_is_refused() -> None:
    """D41: there is no default place to send tokens to."""
    with pytest.raises(SettingsError) as refused:
        StackSettings.from_mapping({}, stack="dev", package_required=False)

    assert str(refused.value).startswith("gatewayUrl is missing")


def test_an_unknown_key_is_refused() -> None:
    """A misspelt key would otherwise be ignored, and the default used in silence."""
    with pytest.raises(SettingsError) as refused:
        settings(gatewayTimoutSeconds="20")

    assert str(refused.value).startswith("gatewayTimoutSeconds is no setting")


def test_credentials_in_a_url_are_refused_and_not_repeated() -> None:
    """A password in a URL would reach the functions' environments; the refusal does not print it either."""
    with pytest.raises(SettingsError) as refused:
        settings(gatewayUrl="https://user:hunter2@gateway.example.com/mcp")

    assert "credentials" in str(refused.value)
    assert "hunter2" not in str(refused.value)


LEADS_ASTRAY = [
    ("https://gateway.example.com/mcp?key=hunter2", "carries a query"),
    ("https://gateway.example.com/mcp?", "carries a query"),
    ("https://gateway.example.com/mcp#hunter2", "credentials or a fragment"),
    ("https://gateway.example.com/mcp#", "credentials or a fragment"),
    ("https://@gateway.example.com/mcp", "credentials or a fragment"),
    ("https://:hunter2@gateway.example.com/mcp", "credentials or a fragment"),
    ("https://user:hun/ter2hunter2@gateway.example.com/mcp", "its port is no number"),
    ("https://user:hunter2?@gateway.example.com/mcp", "its port is no number"),
    ("https://gateway.example.com\\@hunter2.example.com/mcp", "visible ASCII"),
    ("https://gateway.example.com\\hosts", "visible ASCII"),
    ("https://gateway.example.com/mcp\r\nx: y", "visible ASCII"),
    ("https://gateway.example.com/mcp\n", "visible ASCII"),
]


@pytest.mark.parametrize("key", ["gatewayUrl", "tokenEndpointUrl"])
@pytest.mark.parametrize("url, reason", LEADS_ASTRAY)
def test_a_url_that_could_lead_a_token_astray_is_refused_without_its_secrets(key: str, url: str, reason: str) -> None:
    """What two parsers read differently, or what carries more than a place, is refused; no trace repeats a secret."""
    with pytest.raises(SettingsError) as refused:
        settings(**{key: url})

    message = str(refused.value)
    assert message.startswith(f"{key} is '")
    assert reason in message
    assert message.endswith(CONSEQUENCES[key])
    assert "hunter2" not in "".join(traceback.format_exception(refused.value))


def test_what_is_refused_of_a_url_is_shown_by_its_shape() -> None:
    """The host helps to find the mistake; the query's value may be a secret."""
    with pytest.raises(SettingsError) as refused:
        settings(gatewayUrl="https://gateway.example.com/mcp?key=hunter2")

    assert str(refused.value).startswith("gatewayUrl is 'https://gateway.example.com/mcp?…'")


def test_a_scope_is_divided_at_its_last_slash() -> None:
    """A resource server's identifier may be a URL, with or without a slash at its end."""
    found = settings(
        tokenScopes='["https://api.example.com/read", "https://api.example.com/write", "https://api.example.com//all"]'
    )

    assert found.resource_servers == {"https://api.example.com": ["read", "write"], "https://api.example.com/": ["all"]}


def test_the_gateways_client_speaks_what_may_be_configured() -> None:
    """A version is accepted at preview exactly if no call would be refused for it."""
    assert SUPPORTED_PROTOCOL_VERSIONS == MCP_PROTOCOL_VERSIONS
    assert [settings(mcpProtocolVersion=each).mcp_protocol_version for each in MCP_PROTOCOL_VERSIONS] == [
        checked_version(each) for each in MCP_PROTOCOL_VERSIONS
    ]


def test_a_topic_of_another_partition_belongs_to_that_partitions_regions() -> None:
    """Where a topic's ARN has to start follows from the region."""
    topic = "arn:aws-cn:sns:cn-north-1:123456789012:on-call"

    assert settings(region="cn-north-1", alarmTopicArn=topic).alarm_topic_arn == topic


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "[::1]:8080", "localhost:8080"])
def test_a_gateway_on_this_machine_may_do_without_tls(host: str) -> None:
    """A loopback address never leaves the machine."""
    assert settings(gatewayUrl=f"http://{host}/mcp").gateway_url == f"http://{host}/mcp"


def test_a_gateway_outside_the_allowed_hosts_is_refused() -> None:
    """D41: an organisation can fix where tokens may be sent."""
    with pytest.raises(SettingsError) as refused:
        settings(gatewayAllowedHosts='["other.example.com"]')

    assert "not among gatewayAllowedHosts (other.example.com)" in str(refused.value)


def test_a_hosts_name_has_no_case() -> None:
    """RFC 1035, section 2.3.3; the URL's own is read in small letters."""
    made = settings(gatewayUrl="https://Gateway.Example.com/mcp", gatewayAllowedHosts="Gateway.Example.com")
    assert made.gateway_allowed_hosts == ("Gateway.Example.com",)


def test_the_deadlines_are_nested() -> None:
    """D24, D42: HTTP deadline, margin, function, task and machine each end before the next."""
    longest = settings(gatewayTimeoutSeconds="52").gateway_timeout_seconds

    for step in (StepName.INVOKE_TOOL, StepName.COMPENSATE_ACTION):
        spec = STEPS[step]
        assert longest + SETTLING_MARGIN_SECONDS <= spec.function_timeout_seconds
        assert spec.function_timeout_seconds < spec.task_timeout_seconds < MACHINE_TIMEOUT_SECONDS
    assert longest + SETTLING_MARGIN_SECONDS <= RECONCILER.function_timeout_seconds


def test_the_slowest_schedule_is_not_taken_for_silence() -> None:
    """Wherever the alarm's window begins, a turn of the schedule falls into it, even one that is five minutes late."""
    slowest = settings(reconcileEveryMinutes=str(SLOWEST_SCHEDULE_MINUTES)).reconcile_every_minutes

    assert slowest * 60 + PERIOD_SECONDS <= SILENT_PERIODS * PERIOD_SECONDS


@pytest.mark.parametrize("missing", ["tokenEndpointUrl", "tokenScopes"])
def test_a_supplied_pool_needs_its_endpoint_and_scopes(missing: str) -> None:
    """Neither can be derived from a pool that somebody else made."""
    with pytest.raises(SettingsError) as refused:
        settings(**{key: value for key, value in POOL.items() if key != missing})

    assert str(refused.value).startswith(f"{missing} is missing")


def test_a_supplied_pool_must_be_in_the_region() -> None:
    """A pool elsewhere would have another issuer than the one exported."""
    with pytest.raises(SettingsError) as refused:
        settings(**{**POOL, "userPoolId": "eu-west-1_abc"})

    assert "another region" in str(refused.value)


def test_production_is_protected_unless_told_otherwise() -> None:
    """Deletion protection, a year of logs and a year of artifacts come with the stage."""
    prod = settings("prod", stage="prod")

    assert (prod.protected, prod.log_days, prod.artifact_days) == (True, 365, 365)
    assert not settings("prod", stage="prod", protect="false").protected
    assert (settings().protected, settings().log_days, settings().artifact_days) == (False, 14, 30)
    assert settings().stage is Stage.DEV


def test_an_update_needs_the_package_and_a_preview_does_not(tmp_path: Path) -> None:
    """A deployment without code is refused before anything is created."""
    package = tmp_path / "lambda.zip"
    config = {"gatewayUrl": GATEWAY, "lambdaPackage": str(package)}

    with pytest.raises(SettingsError) as refused:
        StackSettings.from_mapping(config, stack="dev", package_required=True)
    package.write_bytes(b"")

    assert "build it with `make package`" in str(refused.value)
    assert StackSettings.from_mapping(config, stack="dev", package_required=True).package_path == str(package)


def test_every_setting_has_a_consequence() -> None:
    """The table of consequences and the model name the same keys."""
    keys = {field.alias for field in StackSettings.model_fields.values()} - {"stack"}

    assert keys == set(CONSEQUENCES)


def test_the_project_file_declares_the_same_keys_and_defaults() -> None:
    """`pulumi config` shows what the program really does."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    declared = dict(project["config"])
    assert declared.pop("aws:region") == {"value": settings().region}
    model = settings().model_dump(by_alias=True, mode="json")

    assert set(declared) <= set(CONSEQUENCES)
    assert {key: entry["default"] for key, entry in declared.items() if "default" in entry} == {
        key: model[key] for key, entry in declared.items() if "default" in entry
    }
    assert all(entry["description"] for entry in declared.values())


@pytest.mark.parametrize("stack, stage", [("dev", "dev"), ("prod", "prod"), ("gateway", "dev")])
def test_a_stack_file_is_accepted(stack: str, stage: str) -> None:
    """R6: the stacks that the repository ships preview without further configuration."""
    file = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    config = {key.partition(":")[2]: value for key, value in file["config"].items()}

    assert StackSettings.from_mapping(config, stack=stack, package_required=False).stage == stage
