"""All checks over one proposal, and what follows from their verdicts."""

from __future__ import annotations

from typing import Literal

from skillclaw.errors import BusyError, StorageError
from skillclaw.gate.checks import checks, size
from skillclaw.gate.context import GateContext
from skillclaw.skills.records import Proposal, Verdict

__all__ = ["decide", "judge"]


def judge(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """What each check says of `proposal`, cheapest first.

    All are asked, also after a rejection, so that people see everything at once; but for `costly` ones, which
    spend money only on what may still pass. A check that breaks rejects the proposal: what could not be
    checked has not passed. Of what is too large for anybody only that is said. What cannot be read or written
    now (StorageError, BusyError) is raised: a rejection is for good, and another time may do better.
    """
    if proposal.bundle is not None and size.too_large(proposal.bundle):
        return size.static(proposal.bundle)
    verdicts: list[Verdict] = []
    for check in checks():
        if getattr(check, "costly", False) and any(one.verdict == "reject" for one in verdicts):
            reason = "Not asked, since it costs and the proposal is rejected already."
            verdicts.append(Verdict(check=check.name, verdict="n/a", reason=reason))
            continue
        try:
            verdicts += check.check(proposal, context)
        except (StorageError, BusyError):
            raise
        except (OSError, MemoryError) as error:
            raise StorageError(
                f"The check {check.name!r} could not be made.",
                f"{type(error).__name__}: {error}.",
                "Free space, or mend what it says, and run it again.",
            ) from error
        except Exception as error:
            # Quoted, since it may be of a session: what others read is left without quotations.
            reason = f"The check could not be made ({type(error).__name__}: “{error}”)."
            verdicts.append(Verdict(check=check.name, verdict="reject", reason=reason))
    return verdicts


def decide(verdicts: list[Verdict]) -> Literal["passed", "held", "rejected"]:
    """`rejected` if one check rejects or none was made, `held` if one holds, else `passed`."""
    said = {verdict.verdict for verdict in verdicts}
    if "reject" in said or "pass" not in said:
        return "rejected"
    return "held" if "hold" in said else "passed"
