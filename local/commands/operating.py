"""``attention``, ``switch``, ``redrive`` and ``sweep``: what a person does about everything at once."""

import argparse
import json
from typing import TYPE_CHECKING

from domain.model.kill_switch import SwitchScope, SwitchState
from local.commands.arguments import add_json, count, identifier, sentence
from local.commands.running import SOMETHING_IS_OPEN, running_stack

if TYPE_CHECKING:
    from local.commands.arguments import Commands


def add(commands: "Commands") -> None:
    """Add these commands."""
    attention = commands.add_parser(
        "attention",
        help="list what is not finished",
        description="List every UNKNOWN outcome, every attempt that nobody moves on, every signal that is not "
        "published, and how many messages each queue holds. Exit code 0: there is nothing; 3: there is something.",
    )
    add_json(attention, "the list")
    attention.set_defaults(run=_attention)

    switch = commands.add_parser(
        "switch",
        help="list the kill switches, or set one",
        description="Without a scope, list every kill switch. With one, set it; the next dispatch goes by it, and no "
        "deployment is needed. CANCEL ends what has not been sent, HOLD makes it wait until RUNNING or until its "
        "approval expires. What has been sent is finished and recorded whatever the switches say.",
    )
    switch.add_argument(
        "scope",
        nargs="?",
        type=_scope,
        metavar="SCOPE",
        help="global, tenant:ID, action-type:X, tool:NAME, connector:NAME or intent:TENANT/ID",
    )
    switch.add_argument("--state", choices=[state.value for state in SwitchState], help="what it is to do")
    switch.add_argument("--reason", type=sentence, help="why; whoever comes next reads it")
    switch.add_argument("--by", type=identifier, help="who sets it")
    add_json(switch, "the switches")
    switch.set_defaults(run=_switch, refuse=switch.error)

    redrive = commands.add_parser(
        "redrive",
        help="give the messages of a queue their work again",
        description="Give every message of a queue its work again, and delete it only when that is done; doing so "
        "twice is harmless. Approvals go back on the bus, spooled states to the reconciler, given-up events to their "
        "function, and notices are taken away when their intent is settled. What nobody can work on goes to the "
        "quarantine. Mend the cause first. Exit code 3 if messages are left.",
    )
    redrive.add_argument("queue", metavar="QUEUE", help="its name as `attention` lists it, e.g. ingress-dlq")
    redrive.add_argument("--max", type=count, dest="most", help="stop after this many messages")
    redrive.add_argument(
        "--done", action="store_true", help="quarantine only: its messages have been dealt with, remove them"
    )
    add_json(redrive, "what became of each message")
    redrive.set_defaults(run=_redrive, refuse=redrive.error)

    sweep = commands.add_parser(
        "sweep",
        help="run the reconciler once now",
        description="Run the reconciler as its schedule does, and print how many intents it looked at, by what came of "
        "it. It looks at attempts that nobody has written for two minutes, at UNKNOWN outcomes whose time has come, "
        "and at signals that are not published.",
    )
    add_json(sweep, "the report")
    sweep.set_defaults(run=_sweep)


def _scope(text: str) -> SwitchScope:
    from local.switches import parse_scope

    try:
        return parse_scope(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _attention(options: argparse.Namespace) -> int:
    from adapters.system.clock import SystemClock
    from local.attention import Watch
    from local.stores import backlog_of, journal_of

    info = running_stack()
    found = Watch(info, backlog_of(info), journal_of(info)).look(SystemClock().now())
    print(json.dumps(found.as_json(), indent=2) if options.json else found.as_text())
    return SOMETHING_IS_OPEN if found.is_needed else 0


def _switch(options: argparse.Namespace) -> int:
    from adapters.system.clock import SystemClock
    from local.switches import Switchboard

    given = [options.state, options.reason, options.by]
    if options.scope is None and any(given):
        options.refuse("name the SCOPE that is to be set")
    if options.scope is not None and not all(given):
        options.refuse("setting a switch needs --state, --reason and --by")
    switchboard = Switchboard(running_stack())
    if options.scope is not None:
        now = SystemClock().now()
        state = SwitchState(options.state)
        switchboard.flip(options.scope, state, reason=options.reason, changed_by=options.by, changed_at=now)
    rows = switchboard.rows()
    if options.json:
        print(json.dumps([row.as_json() for row in rows], indent=2))
    else:
        print("\n".join(row.as_text() for row in rows))
    return 0


def _redrive(options: argparse.Namespace) -> int:
    from local.operations import QUEUES, Operations
    from local.redrive import Became

    if options.queue not in QUEUES:
        options.refuse(f"QUEUE must be one of {', '.join(QUEUES)}")
    if options.done and options.queue != "quarantine":
        options.refuse("--done is for the quarantine; every other queue's messages say themselves when they are done")
    told = []
    for one in Operations(running_stack()).redrive(options.queue, most=options.most, done=options.done):
        told.append(one)
        if not options.json:
            print(one.as_text(), flush=True)
    left = sum(one.became is Became.LEFT for one in told)
    if options.json:
        print(json.dumps([one.as_json() for one in told], indent=2))
    else:
        print(f"{options.queue}: {len(told)} message(s), {left} left")
    return SOMETHING_IS_OPEN if left else 0


def _sweep(options: argparse.Namespace) -> int:
    from local.operations import Operations

    report = Operations(running_stack()).sweep()
    if options.json:
        print(json.dumps(report, indent=2))
        return 0
    swept = report.get("swept", {})
    if swept:
        print("\n".join(f"{number:>5}  {became}" for became, number in sorted(swept.items())))
    else:
        print("nothing was due")
    return 0
