"""Each row of the stack is shown a world in which its claim is false, and must say so."""

import random
from dataclasses import replace
from importlib import import_module

import pytest

from adapters.dynamodb import keys
from adapters.memory.intent_store import MemoryIntentStore
from domain.model.identifiers import IntentRef
from domain.model.intent import ActionIntent
from domain.model.ledger import LedgerEntry
from domain.model.outcome import OutcomeStatus
from domain.model.tool_mapping import Idempotent
from ports.steps.contract import Junction
from tests.builders import a_claim, a_ref, an_intent
from tests.ports.stores import dynamodb_stores, memory_stores
from tests.ports.tables import dynamodb_with_tables
from tests.proof.rows import Endings, Violation
from tests.proof.stack import approvals, claims, kills, load, mortal_runtime, tenants
from tests.proof.stack.agreement import Judgement
from tests.proof.stack.claimant import Tally
from tests.proof.stack.ground import Ended
from tests.proof.stack.hostile_ids import LOOK_ALIKES
from tests.proof.stack.kill_plan import EFFECTS, Case, Site, every_case, quick_cases

ATTEMPT, ENTRY = a_claim(owner="winner")
GOOD = Judgement(OutcomeStatus.SUCCEEDED, 1, (), Endings(judged=1))
DOUBLE = Judgement(OutcomeStatus.SUCCEEDED, 2, ("the action took effect 2 times",), Endings(judged=1, disagreeing=1))


def test_one_owner_among_many_claims_is_what_was_claimed() -> None:
    """The good world, beside the bad ones below."""
    tallies = [Tally(won=["winner"], refused=4), Tally(refused=5)]
    measured = claims.verdict(10, tallies, ATTEMPT, [ENTRY])
    assert (measured.ok, measured.value) == (True, "10 → 1 owner, 9 refused")


@pytest.mark.parametrize(
    "tallies, ledger",
    [
        ([Tally(won=["winner"], refused=4), Tally(won=["another"], refused=4)], [ENTRY]),
        ([Tally(won=["winner"], refused=9)], [ENTRY, ENTRY]),
        ([Tally(won=["winner"], refused=8, otherwise=["TransientError: no answer"])], [ENTRY]),
        ([Tally(won=["somebody else"], refused=9)], [ENTRY]),
        ([Tally(refused=10)], [ENTRY]),
    ],
    ids=["two owners", "two entries", "another error", "not the attempt's owner", "no owner"],
)
def test_any_other_result_of_the_race_fails_the_claims(tallies: list[Tally], ledger: list[LedgerEntry]) -> None:
    """Each of them alone."""
    measured = claims.verdict(10, tallies, ATTEMPT, ledger)
    assert not measured.ok
    assert measured.violations


def ends(suppressed: int, carried_out: int = 1) -> list[Ended]:
    """The ends of a burst of approvals."""
    how = [Junction.SUCCEEDED.value] * carried_out + [Junction.DUPLICATE_SUPPRESSED.value] * suppressed
    return [Ended(f"execution-{number}", "SUCCEEDED", state) for number, state in enumerate(how)]


def test_a_burst_that_does_more_than_one_thing_fails_the_approvals() -> None:
    """Two effects, a changed row, or an execution too few."""
    assert approvals.verdict(10, ends(9), GOOD, unchanged=True).ok
    assert not approvals.verdict(10, ends(9), DOUBLE, unchanged=True).ok
    assert not approvals.verdict(10, ends(9), GOOD, unchanged=False).ok
    assert not approvals.verdict(10, ends(8), GOOD, unchanged=True).ok
    assert not approvals.verdict(10, ends(8, carried_out=2), GOOD, unchanged=True).ok


def arrived(tenant: str, seconds: float, judgement: Judgement = GOOD) -> load.Arrived:
    """One intent of a load."""
    return load.Arrived(load.Journey(an_intent(tenant_id=tenant), None), seconds, judgement)


def test_a_tenant_left_behind_an_open_end_or_a_double_fails_the_load() -> None:
    """Fairness is measured, not asserted."""
    fair = [arrived("tenant-1", 1.0), arrived("tenant-2", 2.9)]
    unfinished = Judgement(None, 0, ("no outcome was recorded",), Endings(judged=1, disagreeing=1))
    imprecise = Judgement(OutcomeStatus.UNKNOWN, 1, (), Endings(judged=1, unknown_imprecise=1))
    assert load.verdict(fair, 1.0).ok
    assert not load.verdict([*fair, arrived("tenant-3", 3.0)], 1.0).ok
    assert not load.verdict([*fair, arrived("tenant-2", 1.0, DOUBLE)], 1.0).ok
    assert not load.verdict([*fair, arrived("tenant-2", 1.0, unfinished)], 1.0).ok
    assert not load.verdict([*fair, arrived("tenant-2", 1.0, imprecise)], 1.0).ok


def played(case: Case, **changes: object) -> kills.Played:
    """A case in which everything went as planned."""
    return replace(kills.Played(case, a_ref(), GOOD, len(case.sites), ()), **changes)  # type: ignore[arg-type]  # any field


def test_a_kill_that_did_not_happen_or_an_end_nobody_heard_of_fails_the_kills() -> None:
    """A proof whose accidents do not happen proves nothing."""
    case = quick_cases()[0]
    good = played(case)
    assert kills.verdict([good], {good.news}).ok
    assert not kills.verdict([good], set()).ok
    assert not kills.verdict([played(case, found=("1 processes should have died and 0 did",))], {good.news}).ok
    assert not kills.verdict([played(case, judgement=DOUBLE)], {good.news}).ok


def test_every_site_is_a_call_that_a_deployed_function_can_make() -> None:
    """A site that names no method would be a kill that never happens."""
    calls = {
        f"{port}.{name}"
        for port, where in mortal_runtime.PORTS.items()
        for name in vars(getattr(import_module(where.partition(":")[0]), where.partition(":")[2]))
        if not name.startswith("_")
    }
    sites = [site for case in (*every_case(), *quick_cases()) for site in case.sites]
    assert {site.as_instruction()["call"] for site in sites} <= calls
    assert len(sites) >= 60
    assert {case.effect_name for case in every_case()} == set(EFFECTS)
    with pytest.raises(ValueError, match="no site"):
        Site("InvokeTool instead of gateway.send").as_instruction()


class _OfWhomever(MemoryIntentStore):
    """A store whose key forgets the tenant."""

    def find(self, ref: IntentRef) -> ActionIntent | None:
        return super().find(ref.model_copy(update={"tenant_id": "anybody"}))

    def put(self, intent: ActionIntent) -> None:
        self._intents[intent.ref.model_copy(update={"tenant_id": "anybody"})] = intent


def test_a_store_that_forgets_the_tenant_is_seen_and_played_again() -> None:
    """One tenant reads what the other wrote; the case of the same seed shows it again."""
    leaky = [replace(memory_stores(), intents=_OfWhomever()) for _ in range(2)]
    first, again = (list(tenants.play_case(7, tenants.MEMORY, stores)) for stores in leaky)
    assert [step for step in first if step.crossed]
    assert first == again


@pytest.mark.parametrize("engine", [tenants.MEMORY, tenants.EMULATOR])
def test_stores_that_keep_tenants_apart_are_not_accused(engine: str) -> None:
    """In memory and, in process, on the adapters of the emulator's share."""
    with dynamodb_with_tables() as client:
        for seed in range(len(LOOK_ALIKES)):
            stores = memory_stores() if engine == tenants.MEMORY else dynamodb_stores(client)
            assert not [step for step in tenants.play_case(seed, engine, stores) if step.crossed]


def test_a_key_that_takes_an_illegal_id_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The doors are tried one by one: here the last of them stands open."""
    monkeypatch.setattr(keys, "_matching", lambda _pattern, value: value)
    with dynamodb_with_tables() as client:
        cases = [tenants.play_case(seed, tenants.EMULATOR, dynamodb_stores(client)) for seed in range(3)]
        crossed = [step for case in cases for step in case if step.crossed]
    assert {step.beside for step in crossed} == {"let in"}


def test_a_case_is_told_again_by_its_token() -> None:
    """The story is the same every time, and names every operation."""
    story = tenants.ROW.replay
    assert story is not None
    assert story("memory-7") == story("memory-7")
    assert len(story("memory-7").splitlines()) > 100
    assert "CROSSED" not in story("memory-7")


def test_crossings_fail_the_tenants() -> None:
    """One is enough."""
    one = Violation("a story", "two-tenants:memory-1")
    assert tenants.verdict({tenants.MEMORY: 800, tenants.EMULATOR: 200}, []).ok
    assert not tenants.verdict({tenants.MEMORY: 800, tenants.EMULATOR: 200}, [one]).ok


def test_the_load_strikes_one_intent_in_ten_of_each_tenant_and_is_the_same_for_a_seed() -> None:
    """No tenant has worse luck with its tools than another."""
    first, again = (list(load.plan(500, random.Random(7), "run")) for _ in range(2))  # noqa: S311  a choice
    struck = [one.intent.tenant_id for one in first if one.fault]
    assert [one.fault for one in first] == [one.fault for one in again]
    assert {struck.count(tenant) for tenant in set(struck)} == {10}
    assert len(first) == 500
    assert {type(one.effect) for one in first} >= {Idempotent}
