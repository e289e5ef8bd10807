"""The demonstration's own honesty: it says "not ok" whenever a witness disagrees, and colours only a terminal."""

import io
from dataclasses import fields

import pytest

from local.demo.mishaps import MISHAPS
from local.demo.observations import Observed
from local.demo.runner import NEWEST_PROTOCOL as NEWEST
from local.demo.runner import UNNAMED_PROTOCOL, Result, failures_of, strangers
from local.demo.scenario import Scenario
from local.demo.scenarios import SCENARIOS
from local.demo.timeline import Timeline
from local.tool_server.witness import WitnessedRequest

AS_EXPECTED = Observed(
    status="SUCCEEDED",
    error_code=None,
    error_class=None,
    attempt_count=1,
    compensation_status="NOT_NEEDED",
    ref_has_id_and_url=True,
    ledger=["EXECUTION_STARTED", "TOOL_DISPATCHED", "TOOL_REPLIED", "ACTION_EXECUTED"],
    execution_status="SUCCEEDED",
    execution_error=None,
    executions_by_end={"Succeeded": 1},
    external_writes=1,
    writes_ever=1,
    requests_seen_by_tool=1,
    tools_called={"crm___create_task": 1},
    signal="ACTION_EXECUTED",
    resolution=None,
    notices=[],
    spooled=0,
    findings=[],
)


def _scenario(name: str) -> Scenario:
    return next(scenario for scenario in SCENARIOS if scenario.name == name)


def test_all_stories_that_were_promised_are_played() -> None:
    """The fourteen scenarios of the demonstration, by name."""
    assert [scenario.name for scenario in SCENARIOS] == [
        "create-crm-task",
        "five-duplicate-approvals",
        "tool-refuses",
        "gateway-recovers",
        "partial-write-undone",
        "kill-switch-on",
        "expired-approval",
        "tampered-parameters",
        "connection-drops-after-write-idempotent",
        "connection-drops-after-write-verifiable",
        "connection-drops-after-write-unsafe",
        "hold-and-release",
        "lambda-killed-mid-call",
        "recorder-down-then-redriven",
    ]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_story_expects_facts_of_all_three_witnesses(scenario: Scenario) -> None:
    """Table, history and tool database each have a say, and only facts that are observed are expected."""
    assert {"status", "execution_status", "external_writes"} <= scenario.expected.keys()
    assert scenario.expected.keys() <= {field.name for field in fields(Observed)}


@pytest.mark.parametrize("scenario", MISHAPS, ids=lambda scenario: scenario.name)
def test_a_story_in_which_something_breaks_holds_to_one_effect_and_a_clean_audit(scenario: Scenario) -> None:
    """Whatever happens in between: one row, one success that everybody hears of, and records that prove each other."""
    one_effect = {"status": "SUCCEEDED", "external_writes": 1, "writes_ever": 1, "signal": "ACTION_EXECUTED"}
    assert scenario.expected.items() >= {**one_effect, "compensation_status": "NOT_NEEDED"}.items()
    assert scenario.expected["findings"] == []


@pytest.mark.parametrize("scenario", MISHAPS, ids=lambda scenario: scenario.name)
def test_whoever_steps_in_does_so_upon_facts_that_are_observed(scenario: Scenario) -> None:
    """Just before, the witnesses must confirm that it is as the story says."""
    for intervention in scenario.interventions:
        assert intervention.expected.keys() <= {field.name for field in fields(Observed)}
        assert {"status"} <= intervention.expected.keys()


def test_what_was_observed_as_expected_is_ok() -> None:
    """Nothing is reported where nothing differs."""
    assert failures_of(_scenario("create-crm-task").expected, AS_EXPECTED) == []


@pytest.mark.parametrize("name", _scenario("create-crm-task").expected)
def test_a_single_differing_fact_is_not_ok(name: str) -> None:
    """Whichever witness disagrees, the story is not ok and the sentence says in what."""
    (failure,) = failures_of(
        _scenario("create-crm-task").expected, Observed(**{**AS_EXPECTED.as_json(), name: "something else"})
    )
    assert failure.startswith(f"{name}: expected")


def test_the_report_has_the_promised_fields() -> None:
    """What other programs read from .local/demo.json."""
    line = Result(_scenario("create-crm-task"), AS_EXPECTED, 1.23456, [], "2026-07-28").as_json()
    assert list(line) == [
        "scenario",
        "intent_id",
        "expected",
        "observed",
        "status",
        "external_writes",
        "compensation_status",
        "execution_status",
        "seconds",
        "protocol",
        "ok",
    ]
    assert (line["seconds"], line["ok"]) == (1.235, True)


def test_a_call_in_another_version_is_no_success() -> None:
    """Without the header a call speaks the version from before the header; the story is not ok if that is not asked."""
    named, unnamed = (WitnessedRequest(1, "", "crm___create_task", None, None, 200, said) for said in (NEWEST, None))
    assert strangers(NEWEST, [named]) == []
    assert strangers(UNNAMED_PROTOCOL, [unnamed]) == []
    (said,) = strangers(NEWEST, [named, unnamed])
    assert said == f"crm___create_task was called in MCP 2025-03-26, and the stack speaks {NEWEST}"


def test_a_pipe_gets_no_colour_codes() -> None:
    """Text that goes into a file or another program is plain."""
    stream = io.StringIO()
    Timeline(stream).verdict(ok=False, text="differs")
    assert stream.getvalue() == "  NOT OK  differs\n"


def test_a_terminal_gets_colour_unless_it_asked_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR is honoured on a terminal."""
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = Timeline(terminal).paint("x", "good")
    monkeypatch.setenv("NO_COLOR", "1")
    assert (coloured, Timeline(terminal).paint("x", "good")) == ("\x1b[32mx\x1b[0m", "x")
