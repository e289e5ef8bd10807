"""What people and accidents do to the stack while a story is played: switches, workers, roles, queues, evidence.

Owns the breaking and the mending, and that everything broken is mended again when a story is over. Each act returns
the sentence that the timeline shows. What a person does goes through the same code as their command line.
"""

import json
import os
import signal
from collections.abc import Iterable
from typing import Final

from domain.model.external_object import ExternalSystem
from domain.model.identifiers import IntentRef
from domain.model.kill_switch import SwitchScope, SwitchState
from domain.model.outcome import OutcomeStatus
from local.demo.observations import Observer
from local.operations import Operations
from local.stack import LocalStack
from local.switches import Switchboard, spell_scope
from ports.steps.contract import StepName, Worker
from ports.steps.resources import Resource

OPERATOR: Final = "dana.operator"
"""Who acts in every story; what they do goes on record under this name."""

_DENIAL: Final = "demonstration-denies"


class Hands:
    """An operator's hands, and an accident's, on one stack."""

    def __init__(self, stack: LocalStack, operations: Operations, observer: Observer) -> None:
        self._stack = stack
        self._operations = operations
        self._observer = observer
        self._switchboard = Switchboard(stack.info)
        self._flipped: list[SwitchScope] = []
        self._denied: list[str] = []
        self._spooled = ""

    def flip(self, scope: SwitchScope, state: SwitchState) -> str:
        """Set a kill switch."""
        now = self._operations.clock.now()
        self._switchboard.flip(scope, state, reason="demonstration", changed_by=OPERATOR, changed_at=now)
        self._flipped.append(scope)
        return f"sets the switch {spell_scope(str(scope))} to {state}"

    def kill_workers(self, step: StepName) -> str:
        """Kill the processes that run a step's function, as a crash of its machine would."""
        pids = self._stack.emulator.workers(self._stack.info.functions[step.value])
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return f"kills {len(pids)} worker process(es) of {step.value}"

    def deny_outcomes(self, functions: Iterable[StepName | Worker]) -> str:
        """Deny these functions' roles the outcomes table, whatever else allows it to them."""
        table = self._stack.info.client("dynamodb").describe_table(
            TableName=self._stack.info.tables[Resource.EXECUTION_OUTCOMES]
        )["Table"]["TableArn"]
        denial = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Action": "dynamodb:*", "Resource": [table, f"{table}/*"]}],
        }
        names = [function.value for function in functions]
        for name in names:
            role = self._role_of(name)
            self._stack.info.client("iam").put_role_policy(
                RoleName=role, PolicyName=_DENIAL, PolicyDocument=json.dumps(denial)
            )
            self._denied.append(role)
        return f"denies the outcomes table to {' and '.join(names)}"

    def lift_denials(self) -> str:
        """Take every denial away again."""
        for role in self._denied:
            self._stack.info.client("iam").delete_role_policy(RoleName=role, PolicyName=_DENIAL)
        self._denied.clear()
        return "lifts the denials"

    def redrive(self, queue: str) -> str:
        """Give a queue's messages their work again."""
        return f"redrives {queue}: {self._became(queue)}"

    def redrive_spool(self, ref: IntentRef) -> str:
        """Lift the denials, and redrive the spool; its message is kept for ``redrive_spool_again``."""
        (self._spooled,) = self._observer.spooled(ref)
        return f"{self.lift_denials()} and {self.redrive('outcome-spool')}"

    def redrive_spool_again(self) -> str:
        """Put the message back that a queue which delivers at least once may deliver once more, and redrive it."""
        self._stack.info.client("sqs").send_message(
            QueueUrl=self._stack.info.queues["outcome-spool"], MessageBody=self._spooled
        )
        return f"puts the same state on the spool once more and {self.redrive('outcome-spool')}"

    def resolve_by_looking(self, ref: IntentRef) -> str:
        """Look at the tool's side, say what is there, and take the notice away."""
        (found,) = self._observer.objects(ref)
        self._operations.resolve(
            ref,
            OutcomeStatus.SUCCEEDED,
            resolved_by=OPERATOR,
            evidence=f"{ExternalSystem.CRM} holds {found.object_id} under key {found.idempotency_key[:12]}…, once.",
            objects=[(found.object_type, found.object_id)],
        )
        return f"finds {found.object_id} in the CRM, resolves the intent and {self.redrive('attention')}"

    def mend(self) -> None:
        """Leave the stack as the next story expects it."""
        for scope in dict.fromkeys(self._flipped):
            self.flip(scope, SwitchState.RUNNING)
        self._flipped.clear()
        self.lift_denials()

    def _became(self, queue: str) -> str:
        return ", ".join(one.became for one in self._operations.redrive(queue)) or "nothing"

    def _role_of(self, function: str) -> str:
        configuration = self._stack.info.client("lambda").get_function_configuration(
            FunctionName=self._stack.info.functions[function]
        )
        return str(configuration["Role"]).rsplit("/", 1)[-1]
