"""Looks at the wire: single cases of its rows, each asked for one counter-example."""

from dataclasses import dataclass

from tests.proof.rows import Violation
from tests.proof.wire import fuzzed_responses, one_post
from tests.proof.wire.cases import case_of
from tests.proof.wire.fuzz.session import FuzzSession
from tests.proof.wire.play import play


@dataclass(frozen=True)
class OnTheWire:
    """Wire faults, by their tokens."""

    tokens: tuple[str, ...]

    def find(self) -> Violation | None:
        """Play each on real sockets, with everything set up anew."""
        for token in self.tokens:
            played = play(case_of(token), fresh=True)
            if played.sentences:
                return Violation("; ".join(played.sentences), f"{one_post.ID}:{token}")
        return None


@dataclass(frozen=True)
class Answers:
    """Generated answers, from the first seed to before the last."""

    first: int
    last: int

    def find(self) -> Violation | None:
        """Give each to the client."""
        session = FuzzSession()
        for seed in range(self.first, self.last):
            told = session.play(seed)
            if told.sentences:
                return Violation("; ".join(told.sentences), f"{fuzzed_responses.ID}:{seed}")
        return None
