"""docs/operations.md says what to do about every alarm that the stack has, and about no other."""

import re
import shlex
from collections import Counter

from infrastructure.alarms import (
    Alarm,
    breaker_alarm,
    function_alarms,
    machine_alarms,
    queue_alarms,
    rule_alarms,
    silence_alarm,
)
from infrastructure.naming import DEFAULT_EVENT_BUS, Names
from local.__main__ import parser
from local.operations import QUEUES
from tests.checks.traceability import ROOT
from tests.infrastructure.program import ACCOUNT

NAMES = Names("cc-native", "dev", "us-west-2")
RUNBOOK = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
SECTIONS = RUNBOOK.split("\n## ")[1:]


def declared() -> list[Alarm]:
    """Every alarm of a stack."""
    return [
        *function_alarms(NAMES, 5),
        silence_alarm(NAMES),
        breaker_alarm(NAMES),
        *queue_alarms(NAMES),
        *machine_alarms(NAMES, ACCOUNT),
        *rule_alarms(NAMES, DEFAULT_EVENT_BUS),
    ]


def alarms_of(section: str) -> list[str]:
    """The alarms that a section is for: those named in its first paragraph."""
    return re.findall(r"`([a-z-]+)`", section.split("\n\n")[1])


def commands() -> list[list[str]]:
    """Every command of the runbooks that can be given as it stands."""
    spans = [span.replace("\n", " ") for span in re.findall(r"`((?:switch|redrive|sweep)\b[^`…]*)`", RUNBOOK)]
    return [shlex.split(span) for span in spans]


def test_every_alarm_has_one_section_and_every_section_an_alarm() -> None:
    """Whoever is woken finds exactly one place to read, and none is about an alarm that nobody can get."""
    assert Counter(name for section in SECTIONS for name in alarms_of(section)) == Counter(
        alarm.component for alarm in declared()
    )
    assert [section.splitlines()[0] for section in SECTIONS if not alarms_of(section)] == []


def test_every_section_says_what_to_do_in_order() -> None:
    """Numbered steps, because nobody reads prose at night."""
    assert [section.splitlines()[0] for section in SECTIONS if "\n\n1. " not in section] == []


def test_the_runbooks_name_only_commands_that_exist() -> None:
    """A command that is refused at three in the morning is worse than none."""
    given = commands()
    assert {command[0] for command in given} == {"redrive", "sweep"}
    for command in given:
        options = parser().parse_args(command)
        assert getattr(options, "queue", QUEUES[0]) in QUEUES
