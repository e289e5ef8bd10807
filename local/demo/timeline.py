"""The timeline on the terminal: what happens, as it happens. Colour only where a terminal shows it."""

import os
import sys
from typing import Final, TextIO

_COLOURS: Final = {"good": "32", "bad": "31", "dim": "2", "bold": "1", "note": "36"}


class Timeline:
    """Prints one scenario's events, each once, with the seconds since its approval."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._colour = self._stream.isatty() and "NO_COLOR" not in os.environ

    def paint(self, text: str, look: str) -> str:
        """Return the text in a colour where colours are shown (https://no-color.org)."""
        return f"\x1b[{_COLOURS[look]}m{text}\x1b[0m" if self._colour else text

    def heading(self, name: str, story: str) -> None:
        """Print a scenario's title."""
        self._print(f"\n{self.paint(name, 'bold')}  {self.paint(story, 'dim')}")

    def event(self, seconds: float, where: str, what: str, look: str = "dim") -> None:
        """Print one event."""
        self._print(f"  {seconds:6.2f} s  {where:<12} {self.paint(what, look)}")

    def verdict(self, *, ok: bool, text: str) -> None:
        """Print how a scenario ended."""
        self._print(f"  {self.paint('ok' if ok else 'NOT OK', 'good' if ok else 'bad')}  {text}")

    def line(self, text: str) -> None:
        """Print a plain line."""
        self._print(text)

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)
