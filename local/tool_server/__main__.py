"""`python -m local.tool_server`: the reference tool server as a command, until it is interrupted.

Owns its options and nothing else. Without `--jwks-url` it lets everybody on this machine in, and says so.
"""

import argparse
import signal
import threading
from pathlib import Path

from local.tool_server.faults import FaultPlan
from local.tool_server.server import ToolServer
from local.tool_server.tokens import TokenPolicy


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM, printing the URL first."""
    parser = _parser()
    options = parser.parse_args(arguments)
    server = ToolServer(options.database, port=options.port, tokens=_token_policy(parser, options))
    if options.fault_plan is not None:
        FaultPlan(options.database).add_file(options.fault_plan)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with server:
        print(server.url, flush=True)
        if options.jwks_url is None:
            print("No --jwks-url was given: every process on this machine may call these tools.", flush=True)
        ended.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.tool_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--database", type=Path, required=True, help="the SQLite file; made if absent")
    parser.add_argument("--jwks-url", help="the issuer's key set; turns the token check on")
    parser.add_argument("--issuer", help="the `iss` that a token must carry")
    parser.add_argument("--scope", action="append", default=[], help="a scope a token must carry; repeatable")
    parser.add_argument("--client-id", action="append", default=[], help="a client to let in; repeatable")
    parser.add_argument("--ca-bundle", type=Path, help="the PEM file to trust for the key set")
    parser.add_argument("--fault-plan", type=Path, help="a JSON file with a list of faults to plan")
    return parser


def _token_policy(parser: argparse.ArgumentParser, options: argparse.Namespace) -> TokenPolicy | None:
    if options.jwks_url is None:
        if options.issuer or options.scope or options.client_id:
            parser.error("--issuer, --scope and --client-id have no effect without --jwks-url")
        return None
    if not (options.issuer and options.client_id):
        parser.error("--jwks-url needs --issuer and at least one --client-id")
    return TokenPolicy(
        jwks_url=options.jwks_url,
        issuer=options.issuer,
        required_scopes=tuple(options.scope),
        allowed_client_ids=tuple(options.client_id),
        ca_bundle=options.ca_bundle,
    )


if __name__ == "__main__":
    main()
