"""A picture of the state machine for people, drawn from the same definition that is deployed.

``python -m infrastructure.diagram`` prints it as Mermaid; ``docs/architecture.md`` holds the printed text, and a test
proves that it is today's.
"""

from collections.abc import Iterator

from infrastructure.asl import Json, Wiring, definition
from ports.steps.contract import STEPS


def edges(machine: Json) -> Iterator[tuple[str, str, str]]:
    """Yield every edge as ``(from, to, label)``: the next state, each choice, each catch."""
    states = machine["States"]
    if not isinstance(states, dict):
        raise TypeError("a definition's States must be an object")
    for name, state in states.items():
        if "Next" in state:
            yield name, state["Next"], ""
        for choice in state.get("Choices", ()):
            yield name, choice["Next"], choice["Condition"].split("'")[1]
        if "Default" in state:
            yield name, state["Default"], "anything else"
        for catch in state.get("Catch", ()):
            yield name, catch["Next"], "catch " + ", ".join(catch["ErrorEquals"])


def mermaid(machine: Json) -> str:
    """Return the machine as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {machine['StartAt']}"]
    for source, target, label in edges(machine):
        lines.append(f"    {source} --> {target}" + (f" : {label}" if label else ""))
    states = machine["States"]
    if isinstance(states, dict):
        lines += [f"    {name} --> [*]" for name, state in states.items() if state["Type"] in {"Succeed", "Fail"}]
    return "\n".join(lines)


def main() -> int:
    """Print the diagram."""
    print(mermaid(definition(Wiring(dict.fromkeys(STEPS, "function"), "queue"))))  # noqa: T201  printing is its purpose
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
