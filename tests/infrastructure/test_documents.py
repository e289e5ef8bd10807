"""The pages that are printed by the code are today's: nobody has to remember to print them again."""

from pathlib import Path

from domain.policies.evidence import TABLE
from infrastructure import reference
from infrastructure.asl import Wiring, definition
from infrastructure.diagram import mermaid
from local import mcp_reference
from ports.steps.contract import STEPS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_architecture_page_shows_the_machine_that_is_deployed() -> None:
    """The diagram in docs/architecture.md is the one drawn from the generated definition."""
    drawn = mermaid(definition(Wiring(dict.fromkeys(STEPS, "function"), "queue")))
    assert f"```mermaid\n{drawn}\n```" in (DOCS / "architecture.md").read_text(encoding="utf-8")


def test_the_configuration_page_lists_the_settings_that_exist() -> None:
    """docs/configuration.md is what ``python -m infrastructure.reference`` prints."""
    assert (DOCS / "configuration.md").read_text(encoding="utf-8") == reference.page()


def test_the_mcp_page_says_what_the_client_and_the_policies_do() -> None:
    """docs/reference/mcp.md is what ``python -m local.mcp_reference`` prints: cases, their proof, what follows."""
    assert (DOCS / "reference" / "mcp.md").read_text(encoding="utf-8") == mcp_reference.page()


def test_the_mcp_page_has_a_row_for_every_case_of_the_evidence() -> None:
    """None is left out, and each says what follows for each effect safety."""
    printed = mcp_reference.page()
    for row in TABLE:
        [line] = [line for line in printed.splitlines() if line.startswith(f"| {row.case} | `{row.phase}` |")]
        assert line.count(" | ") == 8
