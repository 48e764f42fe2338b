"""What an agent is told when the proxy ends its request: it is none, it takes too long, the proxy stops."""

from __future__ import annotations

from skillclaw.proxy.heads import Failure
from skillclaw.proxy.http1 import HEAD_LIMIT

__all__ = ["HEAD_LATE", "STOPPED", "bad_body", "bad_head", "no_answer", "nothing_moved"]

TOO_LONG = Failure(
    431,
    "The request's head is too long.",
    f"It may have {HEAD_LIMIT >> 10} KiB.",
    "Put less into its headers and its address.",
)
HEAD_LATE = Failure(408, "The request's head did not come whole in time.")
STOPPED = Failure(503, "SkillClaw's proxy was stopped.", todo="Try again once it runs.")


def bad_head(length: int, why: str) -> Failure:
    """For a head of so many bytes that is not taken, or is none."""
    return TOO_LONG if length > HEAD_LIMIT else Failure(400, why)


def bad_body(why: str) -> Failure:
    """For a body that is not framed as it says."""
    return Failure(400, "The request's body is not valid HTTP.", why)


def nothing_moved(seconds: float, *, upstream: bool) -> Failure:
    """For a body of which nothing came for so long, or nothing was taken by the `upstream`."""
    why = f"Nothing moved for {seconds:g} s."
    if upstream:
        return Failure(504, "The upstream takes no more of the request.", why)
    return Failure(408, "The request's body stopped coming.", why)


def no_answer(seconds: float) -> Failure:
    """For a whole request that the upstream did not begin to answer for so long."""
    why = f"It sent nothing for {seconds:g} s."
    return Failure(504, "SkillClaw's proxy got no answer from the upstream.", why)
