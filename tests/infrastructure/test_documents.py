"""The pages that are printed by the code are today's: nobody has to remember to print them again."""

from pathlib import Path

from infrastructure import reference
from infrastructure.asl import Wiring, definition
from infrastructure.diagram import mermaid
from ports.steps.contract import STEPS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_architecture_page_shows_the_machine_that_is_deployed() -> None:
    """The diagram in docs/architecture.md is the one drawn from the generated definition."""
    drawn = mermaid(definition(Wiring(dict.fromkeys(STEPS, "function"), "queue")))
    assert f"```mermaid\n{drawn}\n```" in (DOCS / "architecture.md").read_text(encoding="utf-8")


def test_the_configuration_page_lists_the_settings_that_exist() -> None:
    """docs/configuration.md is what ``python -m infrastructure.reference`` prints."""
    assert (DOCS / "configuration.md").read_text(encoding="utf-8") == reference.page()
