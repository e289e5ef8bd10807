"""A running stack's stores and queues behind their ports, for people and demonstrations.

Owns which physical name belongs to which adapter outside of a function. It decides nothing and keeps nothing.
"""

from adapters.dynamodb.backlog import DynamoDbBacklog
from adapters.dynamodb.execution_journal import DynamoDbExecutionJournal
from adapters.sqs.operator_inbox import SqsOperatorInbox
from local.stack_info import StackInfo
from ports.steps.resources import Resource


def journal_of(info: StackInfo) -> DynamoDbExecutionJournal:
    """Return the execution journal of a stack."""
    return DynamoDbExecutionJournal(
        info.client("dynamodb"),
        attempts_table=info.tables[Resource.EXECUTION_ATTEMPTS],
        outcomes_table=info.tables[Resource.EXECUTION_OUTCOMES],
        ledger_table=info.tables[Resource.LEDGER],
        signals_table=info.tables[Resource.SIGNALS],
        kill_switches_table=info.tables[Resource.KILL_SWITCHES],
    )


def backlog_of(info: StackInfo) -> DynamoDbBacklog:
    """Return what is not finished in a stack."""
    return DynamoDbBacklog(
        info.client("dynamodb"),
        attempts_table=info.tables[Resource.EXECUTION_ATTEMPTS],
        signals_table=info.tables[Resource.SIGNALS],
    )


def inbox_of(info: StackInfo) -> SqsOperatorInbox:
    """Return the queues of a stack on which people are asked for something."""
    return SqsOperatorInbox(
        info.client("sqs"),
        compensation_queue_url=info.queues[Resource.COMPENSATION_TASKS],
        attention_queue_url=info.queues[Resource.ATTENTION],
        quarantine_queue_url=info.queues[Resource.QUARANTINE],
    )
