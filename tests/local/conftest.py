"""What the tests of the local stack share: the description of one."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from local.stack_info import GatewayAccess, StackCredentials, StackInfo


@pytest.fixture
def info(tmp_path: Path) -> StackInfo:
    """A stack that is described and not there."""
    return StackInfo(
        endpoint_url="https://127.0.0.1:1",
        ca_bundle=tmp_path / "ca.crt",
        region="us-west-2",
        credentials=StackCredentials(access_key_id="id", secret_access_key=SecretStr("key")),
        gateway_url="https://127.0.0.1:2/mcp",
        gateway_access=GatewayAccess(
            protocol_version="2026-07-28",
            token_endpoint_url="https://127.0.0.1:1/oauth2/token",
            token_scopes=("tools/invoke",),
            credentials_secret_arn="arn:secret",
        ),
        event_bus="bus",
        state_machine_arn="arn",
        tables={name: f"stack-{name}" for name in ("action-intents", "action-type-registry", "ledger")},
        artifacts_bucket="bucket",
        queues={"ingress-dlq": "url"},
        functions={"InvokeTool": "stack-tool-invoker"},
    )
