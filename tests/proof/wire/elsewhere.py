"""The other host: where redirects, links and challenges point, and where nothing may ever arrive."""

import itertools
import socket
import threading
from contextlib import suppress
from functools import cache
from typing import Final

_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Elsewhere:
    """Answers whoever comes, and notes what they brought."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._numbers = itertools.count(1)
        self._hits: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def mark(self) -> str:
        """Return a path of its own for one play, so that a hit says whose it is."""
        return f"/elsewhere-{next(self._numbers)}-"

    def url_for(self, mark: str) -> str:
        """Return the URL to point to."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}{mark}"

    def hits(self, mark: str) -> list[str]:
        """Return what came for a play: the request line, and whether it brought a token."""
        found = [hit for hit in list(self._hits) if mark.encode() in hit]
        return [
            hit.split(b"\r\n", 1)[0].decode("latin-1") + (" WITH A TOKEN" if b"uthorization:" in hit else "")
            for hit in found
        ]

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection, suppress(OSError):
                connection.settimeout(5)
                self._hits.append(connection.recv(65_536))
                connection.sendall(_ANSWER)


@cache
def elsewhere() -> Elsewhere:
    """Return the other host of this process; it ends with it."""
    return Elsewhere()
