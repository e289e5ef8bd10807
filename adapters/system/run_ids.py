"""Run ids from the system's randomness."""

from uuid import uuid4


class SystemRunIds:
    """Random ids of version 4 (RFC 9562 section 5.4)."""

    def new(self) -> str:
        return str(uuid4())
