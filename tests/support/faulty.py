"""A port that fails on request: the crash points of a step, one call at a time.

``Faulty`` stands in front of any adapter and raises before or after a named call. Before means that nothing
happened; after means that it happened and the answer was lost. It knows nothing about what it wraps and never
swallows anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class When(StrEnum):
    """On which side of the real call the failure strikes."""

    BEFORE = "BEFORE"
    AFTER = "AFTER"


class Killed(Exception):
    """The process died here: no code of ours may catch it."""


@dataclass(frozen=True)
class _Fault:
    method: str
    when: When
    error: BaseException


class Faulty:
    """Passes every call on to ``port``, except where a fault is planted."""

    def __init__(self, port: object) -> None:
        self._port = port
        self._faults: list[_Fault] = []
        self.calls: list[str] = []
        """The methods that were called, oldest first, those that failed included."""

    def fail(self, method: str, error: BaseException, *, when: When = When.BEFORE, times: int = 1) -> None:
        """Raise ``error`` on the next ``times`` calls of ``method``; a method the port lacks is an AttributeError."""
        named: Callable[..., object] = getattr(self._port, method)
        self._faults += [_Fault(named.__name__, when, error)] * times

    def heal(self) -> None:
        """Forget every fault that has not struck."""
        self._faults.clear()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  stands in for any port
        real = getattr(self._port, name)
        return self._guarded(name, real) if callable(real) else real

    def _guarded(self, name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            self.calls.append(name)
            fault = next((fault for fault in self._faults if fault.method == name), None)
            if fault is None:
                return real(*args, **kwargs)
            self._faults.remove(fault)
            if fault.when is When.AFTER:
                real(*args, **kwargs)
            raise fault.error

        return call
