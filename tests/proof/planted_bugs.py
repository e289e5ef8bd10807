"""Row ``planted-bugs``: known defects put back one at a time, to see that the other rows would notice.

For each one the looks are taken twice: as the product is, where they must find nothing, and with the defect, where
they must find something. What caught it is a counter-example like any other, and can be played again.
"""

from functools import cache
from typing import Final, NamedTuple

from tests.proof import (
    bugs_crowding,
    bugs_evidence,
    bugs_machine,
    bugs_owning,
    bugs_reconciling,
    bugs_recording,
    bugs_sending,
    bugs_undoing,
    bugs_wire,
    compensation,
    crash_matrix,
    fairness,
    kill_switch,
    random_schedules,
    stuck_executions,
)
from tests.proof.bugs import Bug
from tests.proof.looks import Look, Schedules, everywhere
from tests.proof.pool import each
from tests.proof.rows import Measured, Options, Row, Violation
from tests.proof.simulation.functions import in_haste
from tests.proof.wire.catalogue import WIRE_ROWS

ID: Final = "planted-bugs"
SCHEDULES: Final = 1_500
"""How many random schedules are played, after everything else, before a defect counts as unnoticed."""

BUGS: Final[dict[str, Bug]] = {
    bug.id: bug
    for module in (
        bugs_owning,
        bugs_sending,
        bugs_evidence,
        bugs_undoing,
        bugs_recording,
        bugs_machine,
        bugs_reconciling,
        bugs_wire,
        bugs_crowding,
    )
    for bug in module.BUGS
}

QUICK: Final = (
    "claim-overwrites",
    "dispatch-ignores-switches",
    "takeover-without-a-fence",
    "sent-on-every-entry",
    "timeout-is-not-done",
    "found-read-as-absent",
    "failed-undo-completes",
    "outcome-written-apart",
    "nothing-caught-in-RecordOutcome",
    "no-person-is-told",
    "sweep-skips-dispatched",
    "one-room-for-all-tenants",
)
"""One of each kind, for the short form."""

EVERY_ONE: Final = "all"
"""As the rest of a token: hunt them all, and print what caught each."""

_REPLAYS: Final = {
    row.id: row.replay
    for row in (
        crash_matrix.ROW,
        random_schedules.ROW,
        kill_switch.ROW,
        compensation.ROW,
        stuck_executions.ROW,
        *WIRE_ROWS,
        fairness.ROW,
    )
    if row.replay is not None
}


class Hunted(NamedTuple):
    """What became of looking for one defect."""

    bug: str
    looks: int
    """How many looks were taken, the last one included."""
    caught: Violation | None = None
    """The counter-example, with a token that plants the defect and plays it again; ``None``: nobody noticed."""
    spoilt: Violation | None = None
    """What a look found with no defect planted: then nothing can be said of what it finds with one."""


def hunt(bug_id: str) -> Hunted:
    """Plant a defect and look for it, where it is expected first, until something is found."""
    bug, looks = BUGS[bug_id], 0
    for look in dict.fromkeys((*bug.looks, *everywhere(SCHEDULES))):
        looks += 1
        spoilt = _without_any(look)
        if spoilt is not None:
            return Hunted(bug_id, looks, spoilt=spoilt)
        with bug.planted():
            found = look.find()
        if found is not None:
            return Hunted(bug_id, looks, Violation(found.story, f"{ID}:{bug_id}/{found.token}"))
    return Hunted(bug_id, looks)


@cache
def _without_any(look: Look) -> Violation | None:
    """Take the same look at the product as it is."""
    return look.find()


def hunt_all(options: Options) -> list[Hunted]:
    """Hunt every defect, or those of the short form."""
    chosen = QUICK if options.quick else BUGS
    slow_first = sorted(chosen, key=lambda name: not any(isinstance(look, Schedules) for look in BUGS[name].looks))
    return each(hunt, slow_first, options)


def caught_table(hunted: list[Hunted]) -> str:
    """Return who was caught, by what, and how to see it again, as a Markdown table."""
    lines = ["| defect | of the plan | what was noticed | token |", "|---|---|---|---|"]
    for one in sorted(hunted, key=lambda one: list(BUGS).index(one.bug)):
        bug, caught = BUGS[one.bug], one.caught
        seen = (caught.story, f"`{caught.token}`") if caught else ("NOTHING", "")
        lines.append(f"| {bug.defect} | {bug.known} | {seen[0]} | {seen[1]} |")
    return "\n".join(lines)


def _play(options: Options) -> Measured:
    hunted = hunt_all(options)
    options.shared[ID] = tuple(hunted)
    caught = [one for one in hunted if one.caught]
    return Measured(
        value=f"{len(caught)} of {len(hunted)} planted defects caught",
        ok=len(caught) == len(hunted) > 0,
        violations=tuple(_told(one) for one in hunted if not one.caught),
    )


def _told(one: Hunted) -> Violation:
    if one.spoilt is not None:
        return Violation(f"the look for {one.bug} finds something without it: {one.spoilt.story}", one.spoilt.token)
    return Violation(f"nobody noticed in {one.looks} looks that {BUGS[one.bug].defect}", f"{ID}:{one.bug}")


def replay(rest: str) -> str:
    """Plant one defect and play what caught it again; ``rest`` is ``bug/token``, or a bug to hunt, or ``all``.

    Raises ``ValueError`` where it names nothing.
    """
    if rest == EVERY_ONE:
        return caught_table(hunt_all(Options(seed=0)))
    name, _, token = rest.partition("/")
    bug = BUGS.get(name)
    if bug is None:
        raise ValueError(f"{name!r} is no planted defect; choose {EVERY_ONE} or one of {', '.join(BUGS)}")
    if not token:
        with in_haste():
            one = hunt(name)
        return caught_table([one])
    row, _, case = token.partition(":")
    if row not in _REPLAYS:
        raise ValueError(f"{row!r} is no row that replays; choose one of {', '.join(_REPLAYS)}")
    with bug.planted():
        story = _REPLAYS[row](case)
    return f"planted: {bug.defect}\n{story}"


ROW: Final = Row(
    id=ID,
    figure=f"{len(BUGS)} known defects put back, one at a time",
    target="≥ 30 planted, every one is caught",
    play=_play,
    replay=replay,
    example="all",
)
