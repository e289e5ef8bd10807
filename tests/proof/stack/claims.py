"""``duplicate-claims``: however many executions claim one intent at once, one owns it and the rest change nothing.

The claims come from several operating system processes with several threads each, straight on the emulator's DynamoDB
through the shipped use case and journal: no lock of one process can help, only the store's conditions.
"""

import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from domain.model.attempt import Attempt
from domain.model.ledger import LedgerEntry, LedgerEventType, first_broken_entry
from local.stack_info import FILE_NAME
from tests.proof.rows import SHOWN_VIOLATIONS, Measured, Options, Row, Violation
from tests.proof.stack.claimant import READY, Orders, Tally
from tests.proof.stack.ground import a_proof_intent, a_proof_mapping, ground_of, new_run

ID: Final = "duplicate-claims"
CLAIMS: Final = 10_000
QUICK_CLAIMS: Final = 500
PROCESSES: Final = 2
THREADS_EACH: Final = 8
ACTION_TYPE: Final = "PROOF_CLAIMS"

_ROOT: Final = Path(__file__).parents[3]


def play(options: Options) -> Measured:
    """Claim one intent from every thread of every process, and look at what stands afterwards."""
    ground, claims = ground_of(options), QUICK_CLAIMS if options.quick else CLAIMS
    intent = a_proof_intent(f"claims-{new_run()}", ACTION_TYPE)
    ground.seed([intent], [a_proof_mapping(ACTION_TYPE)])
    file = ground.stack.folder / FILE_NAME
    each = [
        Orders(
            stack=file,
            ref=intent.ref,
            name=f"{intent.action_intent_id}-{number}",
            claims=claims // PROCESSES,
            threads=THREADS_EACH,
        )
        for number in range(PROCESSES)
    ]
    tallies = _race(each, options)
    return verdict(claims, tallies, ground.journal.find_attempt(intent.ref), ground.journal.ledger(intent.ref))


def verdict(claims: int, tallies: Sequence[Tally], attempt: Attempt | None, ledger: Sequence[LedgerEntry]) -> Measured:
    """Hold what the claimants were told against what stands."""
    won = [arn for tally in tallies for arn in tally.won]
    refused = sum(tally.refused for tally in tallies)
    otherwise = [what for tally in tallies for what in tally.otherwise]
    found = [f"a claim came to something else: {what}" for what in otherwise]
    if len(won) != 1:
        found.append(f"{len(won)} executions were told that they own the intent: {', '.join(won[:5])}")
    if len(won) + refused != claims:
        found.append(f"of {claims} claims, {len(won)} won and {refused} were refused as duplicates")
    if attempt is None or attempt.owner not in won:
        found.append(f"the attempt belongs to {attempt.owner if attempt else 'nobody'}, which did not win")
    if [entry.event_type for entry in ledger] != [LedgerEventType.EXECUTION_STARTED] or first_broken_entry(ledger):
        found.append(f"the ledger holds {[entry.event_type.value for entry in ledger]} instead of one claim")
    collided = sum(tally.collided for tally in tallies)
    again = f", {collided:,} collisions tried again" if collided else ""
    value = f"{claims:,} → {len(won)} owner, {refused:,} refused{again}"
    return Measured(value, not found, violations=tuple(Violation(story, ID) for story in found[:SHOWN_VIOLATIONS]))


def _race(orders: Sequence[Orders], options: Options) -> list[Tally]:
    """Start a process for each of the orders, let all begin at once, and return what they saw."""
    total = sum(one.claims for one in orders)
    made = [0] * len(orders)
    lock = threading.Lock()

    def listen(number: int) -> Tally:
        while line := _heard(children[number]):
            if line.startswith("{"):
                return Tally.model_validate_json(line)
            with lock:
                made[number] = int(line)
                options.progress(sum(made), total)
        raise ChildProcessError(f"claimant {number} ended without a word; it said why on standard error")

    with ExitStack() as running:
        children = [running.enter_context(_claimant()) for _ in orders]
        for child in children:
            running.callback(child.kill)
        for child, one in zip(children, orders, strict=True):
            _tell(child, one.model_dump_json())
        for child in children:
            if _heard(child).strip() != READY:
                raise ChildProcessError("a claimant did not get ready; it said why on standard error")
        for child in children:
            _tell(child, "go")
        with ThreadPoolExecutor(len(children)) as pool:
            return list(pool.map(listen, range(len(children))))


def _claimant() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.proof.stack.claimant"],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _heard(child: "subprocess.Popen[str]") -> str:
    """Return the child's next line, empty at its end."""
    return child.stdout.readline() if child.stdout else ""


def _tell(child: "subprocess.Popen[str]", line: str) -> None:
    if child.stdin is None:
        raise ChildProcessError("a claimant cannot be spoken to")
    child.stdin.write(f"{line}\n")
    child.stdin.flush()


ROW: Final = Row(
    id=ID,
    figure=f"claims of one intent from {PROCESSES} processes with {THREADS_EACH} threads each",
    target=f"{CLAIMS:,} → 1 owner",
    play=play,
)
