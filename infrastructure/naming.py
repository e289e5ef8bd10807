"""Physical names: one rule for every resource, so that two stacks can share an account (D79).

Every name is ``<prefix>-<stack>-<component>``; where a service has one namespace for everybody (buckets, login
domains) the account joins it. A name that a service would refuse is refused here, at preview. This module knows no
resource and creates none.
"""

import re
from dataclasses import dataclass
from typing import Final

from ports.steps.resources import Resource

NAME_PATTERN: Final = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
"""Lower case, digits and single hyphens: the one alphabet that every service below accepts."""

ACCOUNT_ID_LENGTH: Final = 12

ROLE_LIMIT: Final = 64
FUNCTION_LIMIT: Final = 64
RULE_LIMIT: Final = 64
QUEUE_LIMIT: Final = 80
MACHINE_LIMIT: Final = 80
BUCKET_LIMIT: Final = 63
DOMAIN_LIMIT: Final = 63
GATEWAY_LIMIT: Final = 48
DEFAULT_LIMIT: Final = 128
"""Characters; each from its service's API reference (IAM CreateRole, Lambda CreateFunction, EventBridge PutRule, SQS
CreateQueue, Step Functions CreateStateMachine, S3 "Bucket naming rules", Cognito CreateUserPoolDomain, AgentCore
CreateGateway). The default is the tightest of those services whose names are not limited more."""

INGRESS_DLQ: Final = "ingress-dlq"
OUTCOME_SPOOL: Final = "outcome-spool"
ORCHESTRATOR: Final = "execution-orchestrator"
APPROVAL_RULE: Final = "action-approved"
SCHEDULE_RULE: Final = "reconcile-schedule"
EXECUTION_ENDED_RULE: Final = "execution-ended"
APPROVAL_DETAIL_TYPE: Final = "ACTION_APPROVED"
"""What an event that starts an execution is called (R90)."""

DEFAULT_EVENT_BUS: Final = "default"
"""The bus that every account has in every region."""

ALARM_TOPIC: Final = "alarms"
DASHBOARD: Final = "execution"
USER_POOL: Final = "agents"
GATEWAY: Final = Resource.GATEWAY.value
ALIAS: Final = "live"


class IllegalName(ValueError):
    """A physical name that its service would refuse."""


def partition_of(region: str) -> str:
    """Return the ARN partition of a region (AWS General Reference, "Amazon Resource Names")."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def handler_dlq(component: str) -> str:
    """Return a function's dead-letter queue component, e.g. ``tool-mapper-handler-dlq`` (R72)."""
    return f"{component}-dlq" if component.endswith("-handler") else f"{component}-handler-dlq"


@dataclass(frozen=True)
class Names:
    """The physical names of one stack in one region; account-wide names take the account where it is known."""

    prefix: str
    stack: str
    region: str

    def of(self, component: str, *, limit: int = DEFAULT_LIMIT) -> str:
        """Return ``<prefix>-<stack>-<component>``, or raise ``IllegalName`` when it is no legal name."""
        return self._checked(f"{self.prefix}-{self.stack}-{component}", limit)

    def function(self, component: str) -> str:
        """Return a function's name."""
        return self.of(component, limit=FUNCTION_LIMIT)

    def role(self, component: str) -> str:
        """Return the name of the role that ``component`` assumes."""
        return self.of(f"{component}-role", limit=ROLE_LIMIT)

    def queue(self, component: str) -> str:
        """Return a queue's name."""
        return self.of(component, limit=QUEUE_LIMIT)

    def function_log_group(self, component: str) -> str:
        """Return the log group of a function."""
        return f"/aws/lambda/{self.function(component)}"

    @property
    def machine(self) -> str:
        """The state machine's name (R80)."""
        return self.of(ORCHESTRATOR, limit=MACHINE_LIMIT)

    @property
    def machine_log_group(self) -> str:
        """The state machine's log group.

        Under ``/aws/vendedlogs/`` the resource policy that log delivery writes stays within its size limit
        (AWS Step Functions Developer Guide, "Logging using CloudWatch Logs").
        """
        return f"/aws/vendedlogs/states/{self.machine}"

    def rule(self, component: str) -> str:
        """Return an EventBridge rule's name."""
        return self.of(component, limit=RULE_LIMIT)

    def bucket(self, account_id: str) -> str:
        """Return the artifacts bucket's name; buckets have one namespace for all accounts (R78)."""
        return self.of(f"{Resource.EXECUTION_ARTIFACTS}-{account_id}-{self.region}", limit=BUCKET_LIMIT)

    def login_domain(self, account_id: str) -> str:
        """Return the token endpoint's domain prefix; one namespace per region for all accounts."""
        name = self.of(account_id, limit=DOMAIN_LIMIT)
        for word in ("aws", "amazon", "cognito"):
            if word in name:
                raise IllegalName(f"{name!r} contains {word!r}, which Cognito refuses in a login domain")
        return name

    def machine_arn(self, account_id: str) -> str:
        """Return the ARN that the state machine will have: its role's trust needs it before the machine exists."""
        return f"arn:{partition_of(self.region)}:states:{self.region}:{account_id}:stateMachine:{self.machine}"

    @property
    def gateway(self) -> str:
        """The declared gateway's name."""
        return self.of(GATEWAY, limit=GATEWAY_LIMIT)

    def gateway_arns(self, account_id: str) -> str:
        """Return the pattern of the declared gateway's ARN; the service puts ten characters of its own to the name."""
        return f"arn:{partition_of(self.region)}:bedrock-agentcore:{self.region}:{account_id}:gateway/{self.gateway}-*"

    def execution_arns(self, account_id: str) -> str:
        """Return the pattern of the ARNs of this machine's executions; their names are the service's."""
        return f"arn:{partition_of(self.region)}:states:{self.region}:{account_id}:execution:{self.machine}:*"

    def event_bus_arn(self, account_id: str, bus_name: str) -> str:
        """Return the ARN of a bus of this account."""
        return f"arn:{partition_of(self.region)}:events:{self.region}:{account_id}:event-bus/{bus_name}"

    def alarm_arns(self, account_id: str) -> str:
        """Return the pattern of this stack's alarms' ARNs."""
        prefix = f"{self.prefix}-{self.stack}-"
        return f"arn:{partition_of(self.region)}:cloudwatch:{self.region}:{account_id}:alarm:{prefix}*"

    @staticmethod
    def _checked(name: str, limit: int) -> str:
        if not NAME_PATTERN.fullmatch(name):
            raise IllegalName(f"{name!r} is no legal name; use lower-case letters, digits and single hyphens")
        if len(name) > limit:
            raise IllegalName(f"{name!r} has {len(name)} characters and its service allows {limit}")
        return name
