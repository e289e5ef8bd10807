"""A ref is what a tool said exists; its system is never the tool's to say."""

import pytest
from hypothesis import given
from pydantic import ValidationError

from domain.model.external_object import ExternalObjectRef, ExternalSystem, system_of_tool
from tests.builders import an_object_ref
from tests.strategies import any_text


@pytest.mark.parametrize(
    "tool_name, system",
    [
        ("crm.create_task", "CRM"),
        ("crm___create_task", "CRM"),
        ("CRM___create_task", "CRM"),
        ("calendar.draft_event", "CALENDAR"),
        ("calendar___draft_event", "CALENDAR"),
        ("internal.create_note", "INTERNAL"),
        ("internal___create_note", "INTERNAL"),
        ("crm", "CRM"),
        ("crmx.create", "INTERNAL"),
        ("crm_create", "INTERNAL"),
        ("crm__create", "INTERNAL"),
        ("notes___crm.create", "INTERNAL"),
        ("", "INTERNAL"),
    ],
)
def test_the_system_is_read_from_the_tools_name_in_both_spellings(tool_name: str, system: str) -> None:
    """The target before ``___`` or the prefix before a dot decides, whole and never by its beginning (R40)."""
    assert system_of_tool(tool_name) is ExternalSystem(system)


@given(any_text)
def test_every_tool_name_has_a_system(tool_name: str) -> None:
    """No name, however strange, turns a successful create into an error (D30)."""
    assert system_of_tool(tool_name) in ExternalSystem


def test_the_type_of_an_object_is_unknown_unless_the_tool_says_it() -> None:
    """A missing type is said to be missing (R14)."""
    ref = ExternalObjectRef(system=ExternalSystem.CRM, object_id="task-1")
    assert (ref.object_type, ref.object_url) == ("Unknown", None)


@pytest.mark.parametrize(
    "change",
    [
        {"object_id": ""},
        {"object_id": None},
        {"object_id": 7},
        {"object_id": "a" * 257},
        {"object_id": "a\nb"},
        {"object_id": "a\x1b[31m"},
        {"object_id": "a\u202eb"},
        {"object_type": ""},
        {"object_type": "T" * 65},
        {"object_url": "javascript:alert(1)"},
        {"object_url": "file:///etc/passwd"},
        {"object_url": "https://a b"},
        {"object_url": "https://a\n"},
        {"object_url": "https://" + "a" * 1_024},
        {"system": "ERP"},
        {"invented": 1},
    ],
    ids=lambda change: f"{next(iter(change))}={ascii(next(iter(change.values())))[:24]}",
)
def test_a_ref_of_an_illegal_shape_is_refused(change: dict[str, object]) -> None:
    """Control codes, script addresses and endless ids never get into an outcome."""
    with pytest.raises(ValidationError) as caught:
        an_object_ref(**change)
    assert caught.value.error_count() == 1
