"""Commands that need packages of an extra: what to install where they are missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from skillclaw.errors import UsageError
from skillclaw.extras import install

__all__ = ["needing"]


@contextmanager
def needing(what: str, extra: str) -> Iterator[None]:
    """Have an import that fails for lack of a package say so: `what` needs more, and `extra` brings it. A
    fault of our own stays what it is."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "skillclaw":
            raise
        raise UsageError(
            f"{what} needs more packages.",
            f"{error.name} is not installed.",
            f"Say: {install(extra)}",
        ) from error
