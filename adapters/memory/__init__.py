"""The ports in this process's memory: for tests, demonstrations and embedding, under the real stores' rules.

They refuse what the real stores refuse (a second claim, a stale writer, another content under a published version)
and pass the same contract suites. They forget everything when the process ends, so each one warns when it is built:
none can slip into a deployment silently.
"""

import warnings


class DevelopmentAdapterWarning(UserWarning):
    """An adapter was built that keeps its records in memory and loses them with the process."""


def warn_that_nothing_is_kept(adapter: object) -> None:
    """Warn, at the line that builds ``adapter``, that it is for development only."""
    warnings.warn(
        f"{type(adapter).__name__} keeps its records in this process's memory only; use it for development and tests",
        DevelopmentAdapterWarning,
        stacklevel=3,
    )
