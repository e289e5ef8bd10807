"""Splits a ``text/event-stream`` body into the data of its events, as the bytes arrive.

Follows the WHATWG HTML Living Standard, section 9.2 "Server-sent events": three line ends, comments, several
``data`` lines per event, and an event that is not closed by an empty line is not an event. Reconnecting, ids and
``retry`` are ignored on purpose: a stream that broke is never resumed, because resuming would be a second request.
"""

import re
from collections.abc import Iterator
from typing import Final

_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class EventStream:
    """Decodes one stream; feed it each chunk once, in order."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._data: list[bytes] = []
        self._event_type = b""
        self._skip_line_feed = False
        self._at_start = True

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the data of each ``message`` event that this chunk completes."""
        self._buffer += chunk
        for line in self._lines():
            if line:
                self._field(line)
            else:
                yield from self._dispatch()

    def _lines(self) -> Iterator[bytes]:
        if self._skip_line_feed and self._buffer:
            # The "\r" that ended the last chunk was the first half of "\r\n".
            if self._buffer[:1] == b"\n":
                del self._buffer[:1]
            self._skip_line_feed = False
        start = 0
        while end := _LINE_END.search(self._buffer, max(start, self._searched)):
            line = bytes(self._buffer[start : end.start()])
            start = end.end()
            self._skip_line_feed = end.group() == b"\r" and start == len(self._buffer)
            if self._at_start:
                line, self._at_start = line.removeprefix(_BYTE_ORDER_MARK), False
            yield line
        del self._buffer[:start]
        self._searched = len(self._buffer)

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event_type = value

    def _dispatch(self) -> Iterator[bytes]:
        data, event_type = self._data, self._event_type
        self._data, self._event_type = [], b""
        # An event whose data is empty only primes a client that would reconnect (MCP 2025-11-25, "Transports").
        if any(data) and event_type in {b"", b"message"}:
            yield b"\n".join(data)
