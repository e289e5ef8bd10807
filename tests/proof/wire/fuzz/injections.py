"""The corpus of injections, over real sockets and through the whole action: text is data, wherever it stands.

Each hostile text is put in each place where a tool, a gateway or a proxy can put text, and the play is compared with
the same one whose text is plain: log lines, states, and every later request must be the same.
"""

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from domain.policies.classification import Evidence
from tests.proof.simulation.flows import Safety
from tests.proof.wire.fuzz.hostile import HOSTILE
from tests.proof.wire.gateway import WireGateway, http_client
from tests.proof.wire.play import at_the_beginning
from tests.support.fault_server.exchange import Exchange, event, http, response
from tests.support.fault_server.fault import Fault
from tests.support.fault_server.server import FaultServer, Strike

Json = Any

_VERSION: Final = "2026-07-28"
PLAIN: Final = "the cause is not known"


def _result(exchange: Exchange, result: Json) -> bytes:
    return http(json.dumps(response({"id": exchange.request_id, "result": result})))


def _refusal(exchange: Exchange, **more: Json) -> bytes:
    contract = {"success": False, "error_code": "DOWNSTREAM_ERROR", **more}
    return _result(exchange, {"content": [], "structuredContent": contract, "isError": True})


def _success(exchange: Exchange, **more: Json) -> bytes:
    contract = {**exchange.result["structuredContent"], **more}
    return _result(exchange, {"content": [], "structuredContent": contract, "isError": False})


def _one_line(text: str) -> str:
    """Return the text as a header can carry it."""
    return re.sub(r"[^\x20-\x7e]", " ", text)


_PLACES: Final[dict[str, Callable[[Exchange, str], bytes]]] = {
    "refusal-message": lambda exchange, text: _refusal(exchange, error_message=text),
    "refusal-code": lambda exchange, text: _refusal(exchange, error_code=text, error_message=PLAIN),
    "refusal-class": lambda exchange, text: _refusal(exchange, error_class=text, error_message=PLAIN),
    "error-text": lambda exchange, text: _result(
        exchange, {"content": [{"type": "text", "text": f"- {text}"}], "isError": True}
    ),
    "rpc-message": lambda exchange, text: http(
        json.dumps(response({"id": exchange.request_id, "error": {"code": -32603, "message": text, "data": text}}))
    ),
    "http-body": lambda _, text: http(text.encode(), status="500 Internal Server Error", content_type="text/html"),
    "http-reason": lambda _, text: http(b"", status=f"503 {_one_line(text)[:200]}"),
    "http-header": lambda _, text: http(b"", status="502 Bad Gateway", headers={"Retry-After": _one_line(text)[:200]}),
    "success-note": lambda exchange, text: _success(exchange, note=text, system=text, status=text),
    "success-key": lambda exchange, text: _success(exchange, **{f"x {text}": text}),
    "progress": lambda exchange, text: http(
        event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "error", "data": text}})
        + event(response({"id": exchange.request_id, "result": exchange.result})),
        content_type="text/event-stream",
    ),
}
"""Where text can stand; a text that is a contract by itself is kept from being one where that would be honest."""


class Injection(NamedTuple):
    """One text in one place."""

    place: str
    number: int

    def __str__(self) -> str:
        """Return the token."""
        return f"{self.place}/{self.number}"

    @classmethod
    def of(cls, token: str) -> "Injection":
        """Return the one of a token; raises ``ValueError`` where it names none."""
        place, _, number = token.partition("/")
        if place not in _PLACES or not number.isdecimal() or int(number) >= len(HOSTILE):
            raise ValueError(f"choose a seed, or one of {', '.join(_PLACES)} with /0 to /{len(HOSTILE) - 1}")
        return cls(place, int(number))


EVERY: Final = tuple(Injection(place, number) for place in _PLACES for number in range(len(HOSTILE)))
QUICK: Final = EVERY[::4]


@dataclass(frozen=True)
class _Shape:
    """What must not depend on the text."""

    requests: tuple[bytes, ...]
    records: tuple[tuple[str, ...], ...]
    """Logger, level, template and the names of the extra fields of every log record."""
    states: tuple[str, ...]
    status: str
    objects: tuple[str, ...]


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[tuple[str, ...]] = []
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        extra = sorted(vars(record).keys() - _USUAL)
        self.shapes.append((record.name, record.levelname, str(record.msg), *extra))
        self.said += [record.getMessage(), *(str(vars(record)[name]) for name in extra)]


_USUAL: Final = vars(logging.makeLogRecord({})).keys() | {"message", "asctime"}
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def play_injections(chosen: Iterable[Injection] = EVERY) -> Iterator[tuple[Injection, list[str]]]:
    """Play each one, and yield what differs from the same place with a plain text."""
    plain: dict[str, _Shape] = {}
    for injection in chosen:
        if injection.place not in plain:
            plain[injection.place] = _play(injection.place, PLAIN)[0]
        shape, said = _play(injection.place, HOSTILE[injection.number])
        expected = plain[injection.place]
        found = [
            f"{name} differ"
            for name in ("requests", "records", "states", "status", "objects")
            if getattr(shape, name) != getattr(expected, name)
        ]
        found += [f"a log field holds {text[:80]!r}" for text in said if _CONTROL.search(text)]
        yield injection, found


def _play(place: str, text: str) -> tuple[_Shape, list[str]]:
    def act(exchange: Exchange) -> None:
        exchange.send(_PLACES[place](exchange, text))

    fault = Fault(place, "hostile text", (Evidence.IN_DOUBT,), "text is data", act)
    whole = at_the_beginning(_VERSION, Safety.IDEMPOTENT)
    gateway, records = whole.world.gateway, _Records()
    if not isinstance(gateway, WireGateway):  # pragma: no cover  the flow puts it there
        raise TypeError("the world has no wire")
    acts = not place.startswith("refusal")
    loggers = [logging.getLogger(name) for name in ("domain", "adapters", "handlers")]
    before = logging.root.manager.disable
    logging.disable(logging.NOTSET)
    for logger in loggers:
        logger.addHandler(records)
    try:
        with FaultServer(gateway.carry_out, Strike(fault, acts, tool=whole.world.mapping.tool_name)) as server:
            gateway.attach(server, http_client())
            while not whole.over:
                whole.step()
    finally:
        logging.disable(before)
        for logger in loggers:
            logger.removeHandler(records)
    outcome = whole.world.outcome
    shape = _Shape(
        tuple(one.body for one in server.log),
        tuple(records.shapes),
        tuple(str(state) for state in whole.execution.path),
        outcome.status.value if outcome else "",
        tuple(ref.object_id for ref in outcome.external_object_refs) if outcome else (),
    )
    said = [*records.said, outcome.error_message or "" if outcome else ""]
    return shape, said
