"""Every wire fault by its name."""

from typing import Final

from tests.support.fault_server.fault import Fault
from tests.support.fault_server.faults_answer import ANSWER_FAULTS
from tests.support.fault_server.faults_body import BODY_FAULTS
from tests.support.fault_server.faults_connection import CONNECTION_FAULTS
from tests.support.fault_server.faults_status import STATUS_FAULTS
from tests.support.fault_server.faults_stream import STREAM_FAULTS

_ALL: Final = (*CONNECTION_FAULTS, *STATUS_FAULTS, *BODY_FAULTS, *ANSWER_FAULTS, *STREAM_FAULTS)

FAULTS: Final[dict[str, Fault]] = {fault.name: fault for fault in _ALL}
