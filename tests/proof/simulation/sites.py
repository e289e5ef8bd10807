"""Sites: every call of a port, numbered within its invocation, and the faults that can strike there.

A fault is planted by number, so that a plan is a few small numbers and a kind, and can be played again. What the
function cannot know (whether a call took effect before it failed) is exactly what the kinds differ in.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from domain.model.errors import TransientError
from tests.support.faulty import Killed


class Kind(StrEnum):
    """What strikes at a site."""

    BEFORE = "before"
    """The process dies before the call."""
    AFTER = "after"
    """The process dies after the call took effect."""
    ERROR = "error"
    """The call fails and had no effect."""
    LOST_REPLY = "lost-reply"
    """The call takes effect and its answer is lost."""
    THROTTLE = "throttle"
    """The called service refuses this and every later call of the invocation."""
    DUPLICATE = "duplicate"
    """The call is delivered twice; the second answer is the one that is heard."""
    LATE = "late"
    """The caller gives up, and the call takes effect after that."""
    CUT = "cut"
    """The connection breaks after the first byte, and the call never takes effect."""


class Site(NamedTuple):
    """One place at which a fault can strike."""

    function: str
    port: str
    method: str

    def __str__(self) -> str:
        """Return the place as people name it."""
        return f"{self.function}: {self.port}.{self.method}"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What can strike here."""
        return _KINDS.get(self[1:], _WRITE if self.method in _WRITES else _READ)


Faults = Mapping[int, Kind]
"""What strikes, by the number of the site within its invocation, counted from 0."""

NO_FAULTS: Final[Faults] = MappingProxyType({})

INVOKE, RESULT = "invoke", "result"
"""The sites at a function's boundary: before it begins, and when it is done."""

_READ: Final = (Kind.BEFORE, Kind.AFTER, Kind.ERROR, Kind.THROTTLE)
_WRITE: Final = (*_READ, Kind.LOST_REPLY, Kind.DUPLICATE)
_WRITES: Final = frozenset(
    {"claim", "advance", "dispatch", "settle", "mark_published", "record", "publish", "put", "flip"}
)
_KINDS: Final[dict[tuple[str, str], tuple[Kind, ...]]] = {
    # One POST cannot arrive twice; what can is the function's own invocation, at its boundary.
    ("gateway", "send"): (*_READ, Kind.LOST_REPLY, Kind.LATE, Kind.CUT),
    # Whoever the store of capacity refuses asks it no more, so a throttle is an error there; and to die after a read is
    # to die before the write that follows.
    ("connector_capacity", "find"): (Kind.BEFORE, Kind.ERROR),
    ("connector_capacity", "replace"): (Kind.BEFORE, Kind.AFTER, Kind.ERROR, Kind.LOST_REPLY, Kind.DUPLICATE),
    ("lambda", INVOKE): (Kind.ERROR, Kind.THROTTLE),
    ("lambda", RESULT): (Kind.LOST_REPLY, Kind.DUPLICATE),
    ("sqs", "spool"): (Kind.ERROR, Kind.LOST_REPLY, Kind.DUPLICATE),
}


@dataclass
class Invocation:
    """One run of one function: where it has been, and what strikes it."""

    function: str
    faults: Faults
    chooses: Callable[[Site], Kind | None] | None = None
    """Decides at each site instead of ``faults``."""
    called: list[Site] = field(default_factory=list)
    struck: list[tuple[Site, Kind]] = field(default_factory=list)
    _throttled: set[str] = field(default_factory=set)

    def enter(self, port: str, method: str) -> Kind | None:
        """Number this call and return what strikes it."""
        number = len(self.called)
        site = Site(self.function, port, method)
        self.called.append(site)
        kind = self.chooses(site) if self.chooses else self.faults.get(number)
        if kind is not None:
            self.struck.append((site, kind))
        if kind is Kind.THROTTLE:
            self._throttled.add(port)
        elif port in self._throttled:
            return Kind.THROTTLE
        return kind


NOBODY: Final = "nobody"


def go_straight_on(site: Site, /) -> None:
    """Let nobody else go on at a site."""


class Sites:
    """The ports of all functions, with whoever is being run in front of them."""

    def __init__(self, is_down: Callable[[str, str], bool]) -> None:
        self.current = Invocation(NOBODY, NO_FAULTS)
        self.is_down = is_down
        """Whether a port's method is out of order just now, for everybody."""
        self.pause: Callable[[Site], None] = go_straight_on
        """Called before each call: where a schedule lets somebody else go on."""

    def in_front_of(self, name: str, port: object) -> Any:  # noqa: ANN401  stands in for any port
        """Return the port as functions see it."""
        return _Guarded(self, name, port)


class _Guarded:
    """A port whose every call is a site."""

    def __init__(self, sites: Sites, name: str, port: object) -> None:
        self._sites, self._name, self._port = sites, name, port

    def __getattr__(self, method: str) -> Any:  # noqa: ANN401  stands in for any port
        real: Callable[..., Any] = getattr(self._port, method)
        sites, name = self._sites, self._name

        def call(*args: object, **kwargs: object) -> object:
            context = sites.current
            kind = context.enter(name, method)
            sites.pause(context.called[-1])
            sites.current = context
            if sites.is_down(name, method) and kind is None:
                kind = Kind.ERROR
            if name == "gateway":
                result = _send(real, kind, *args, **kwargs)
            elif kind is None:
                result = real(*args, **kwargs)
            else:
                result = _strike(kind, real, *args, **kwargs)
            return iter(list(result)) if isinstance(result, Iterator) else result

        self.__dict__[method] = call
        return call


def _strike(kind: Kind, real: Callable[..., Any], *args: object, **kwargs: object) -> object:
    match kind:
        case Kind.BEFORE:
            raise Killed
        case Kind.ERROR | Kind.THROTTLE:
            raise TransientError(f"the service did not take the call ({kind})")
    real(*args, **kwargs)
    match kind:
        case Kind.DUPLICATE:
            return real(*args, **kwargs)
        case Kind.LOST_REPLY:
            raise TransientError("the service's answer was lost")
        case _:
            raise Killed


def _send(real: Callable[..., Any], kind: Kind | None, *args: object, **kwargs: object) -> object:
    if kind is Kind.BEFORE:
        raise Killed
    if kind is Kind.AFTER:
        real(*args, **kwargs)
        raise Killed
    return real(*args, **kwargs, fault=kind)
