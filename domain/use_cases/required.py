"""Sections that a use case cannot do without."""

from typing import TypeVar

from domain.model.errors import ConfigurationError

Section = TypeVar("Section")


def section(value: Section | None, name: str) -> Section:
    """Return the section, or raise ``ConfigurationError``: the state machine was deployed without its assignment."""
    if value is None:
        raise ConfigurationError(
            f"the state holds no section {name!r}, so the deployed state machine and function do not belong together; "
            "deploy both from one revision"
        )
    return value
