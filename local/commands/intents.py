"""``seed``, ``approve``, ``show``, ``verify`` and ``resolve``: what a person does about one intent."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from domain.model.outcome import OutcomeStatus
from local.commands.arguments import add_intent, add_json, count, external_object, identifier, intent_of, sentence
from local.commands.running import FAILURE, SOMETHING_IS_OPEN, running_stack
from local.documents import MappingDocument

if TYPE_CHECKING:
    from local.commands.arguments import Commands
    from local.documents import Document


def add(commands: "Commands") -> None:
    """Add these commands."""
    seed = commands.add_parser("seed", help="publish mappings and store intents, from files")
    seed.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a JSON or YAML file like those in examples/")
    add_json(seed, "what was loaded")
    seed.set_defaults(run=_seed)

    approve = commands.add_parser("approve", help="send the approval event of an intent")
    add_intent(approve)
    approve.add_argument("--times", type=count, default=1, help="send the event this often (default 1)")
    approve.add_argument("--by", type=identifier, default="local.operator", help="who approves, if nobody has yet")
    add_json(approve, "what was sent")
    approve.set_defaults(run=_approve)

    show = commands.add_parser("show", help="print what is on record about an intent")
    add_intent(show)
    add_json(show, "the whole record")
    show.set_defaults(run=_show)

    verify = commands.add_parser(
        "verify",
        help="prove an intent's records against its ledger",
        description="Check an intent's ledger chain and its end, rebuild the outcome from the ledger alone, and hold "
        "attempt and outcome against it. Exit code 0: they prove each other; 3: there are findings, each printed; "
        "1: nothing is on record.",
    )
    add_intent(verify)
    add_json(verify, "the findings")
    verify.set_defaults(run=_verify)

    resolve = commands.add_parser(
        "resolve",
        help="settle an UNKNOWN outcome, with evidence",
        description="Say what became of an action whose outcome stands as UNKNOWN. Your name and evidence become part "
        "of the record, the news is sent, and the notice can go (`redrive attention`). Look first: SUCCEEDED "
        "means that the effect exists, FAILED that it does not, or that you have undone it.",
    )
    add_intent(resolve)
    resolve.add_argument(
        "--status",
        required=True,
        choices=[OutcomeStatus.SUCCEEDED.value, OutcomeStatus.FAILED.value],
        help="what became of the action",
    )
    resolve.add_argument("--evidence", required=True, type=sentence, help="what you saw, and where")
    resolve.add_argument("--by", required=True, type=identifier, help="who says so")
    resolve.add_argument(
        "--object",
        dest="objects",
        action="append",
        default=[],
        type=external_object,
        metavar="TYPE:ID",
        help="an object that exists by this action, where the record names none; may be given several times",
    )
    add_json(resolve, "the outcome")
    resolve.set_defaults(run=_resolve)


def _seed(options: argparse.Namespace) -> int:
    from local.operations import Operations

    loaded = Operations(running_stack()).seed_files(options.files)
    named = [_named(document) for document in loaded.documents]
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if options.json:
        print(json.dumps(named, indent=2))
    else:
        for one in named:
            print(f"{one['kind']:<14} {one['name']}  {one['note']}")
    return 0


def _named(document: "Document") -> dict[str, str]:
    if isinstance(document, MappingDocument):
        mapping = document.mapping
        name, note = f"{mapping.action_type} {mapping.version}", f"-> {mapping.tool_name}"
        return {"kind": "tool_mapping", "name": name, "note": note}
    note = f"approved by {document.approved_by}" if document.approved_by else f"{document.intent.status}"
    return {"kind": "action_intent", "name": str(document.intent.ref), "note": note}


def _approve(options: argparse.Namespace) -> int:
    from local.operations import Operations

    ref = intent_of(options)
    operations = Operations(running_stack())
    intent = operations.approve(ref, approved_by=options.by, times=options.times)
    approver = intent.approval.approved_by if intent.approval else None
    if options.json:
        print(json.dumps({**ref.model_dump(), "events": options.times, "approved_by": approver}))
    else:
        print(f"sent ACTION_APPROVED for {ref} {options.times} time(s); approved by {approver}")
    return 0


def _show(options: argparse.Namespace) -> int:
    from local.record import read_record

    record = read_record(running_stack(), intent_of(options))
    print(json.dumps(record.as_json(), indent=2) if options.json else record.as_text())
    return 0 if record.attempt else FAILURE


def _verify(options: argparse.Namespace) -> int:
    from local.record import read_proof

    ref = intent_of(options)
    record = read_proof(running_stack(), ref)
    on_record = bool(record.attempt or record.outcome or record.ledger)
    if options.json:
        print(json.dumps({**ref.model_dump(), "on_record": on_record, "findings": list(record.findings)}, indent=2))
    else:
        print("\n".join(record.verdict() or [f"nothing is on record about {ref}"]))
    if record.findings:
        return SOMETHING_IS_OPEN
    return 0 if on_record else FAILURE


def _resolve(options: argparse.Namespace) -> int:
    from local.operations import Operations

    ref = intent_of(options)
    outcome = Operations(running_stack()).resolve(
        ref,
        OutcomeStatus(options.status),
        resolved_by=options.by,
        evidence=options.evidence,
        objects=options.objects,
    )
    if options.json:
        print(outcome.model_dump_json(indent=2))
    else:
        print(f"{ref} is {outcome.status}, by {options.by}; compensation {outcome.compensation_status}")
    return 0
