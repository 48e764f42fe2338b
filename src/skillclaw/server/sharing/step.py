"""One turn of the sharing that `up` does by itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from skillclaw.errors import SkillClawError
from skillclaw.server.sharing.sending import share

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine

__all__ = ["step"]

log = logging.getLogger("skillclaw.up")


def step(machine: Machine) -> bool:
    """Send what the user allowed to each group's hub, and log what went; whether anything did. SkillClawError
    names the hubs that failed, which stop no other and are tried again."""
    reports = share(machine)
    for report in reports:
        if report.sent or report.withdrawn:
            facts = {"hub": report.hub, "sent": report.sent, "withdrawn": report.withdrawn}
            text = "share: %s: %d sent, %d withdrawn"
            log.info(text, report.hub, report.sent, report.withdrawn, extra={"facts": facts})
    failed = [f"{report.hub}: {report.error}" for report in reports if report.error]
    if failed:
        raise SkillClawError("; ".join(failed), "", "See: skillclaw share status")
    return any(report.sent or report.withdrawn for report in reports)
