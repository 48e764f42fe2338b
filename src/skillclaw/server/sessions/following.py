"""What `up` takes in as it comes: exchanges that were recorded, and the histories that agents write."""

from __future__ import annotations

import logging

from skillclaw.server.machine import Machine
from skillclaw.server.setup.consent import days_back, followed

__all__ = ["Following"]

log = logging.getLogger("skillclaw.up")


class Following:
    """The sessions of one home, made of what is new at every look. Its libraries are loaded at the first,
    since the start need not wait for them."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._unread: dict[str, str] = {}

    def record(self) -> bool:
        """Make sessions of recorded exchanges that are idle; whether there were any."""
        from skillclaw.server.sessions.recording import assemble_recorded

        self.machine.renew_redactor()
        return assemble_recorded(self.machine, idle=self.machine.settings.journal.idle) > 0

    def follow(self) -> bool:
        """Import what agents' histories have that is new; a file that cannot be read is told once."""
        from skillclaw.agents import Env
        from skillclaw.server.sessions.intake import import_histories

        self.machine.renew_redactor()
        home = self.machine.home
        only, days = followed(home), days_back(home)
        report = import_histories(self.machine, Env.current(), only=only, since_days=days)
        if report.imported:
            facts = {"sessions": report.imported, **report.agents}
            log.info("imported %d sessions", report.imported, extra={"facts": facts})
        failed = {failure.path: failure.reason for failure in report.failed}
        for path, reason in failed.items():
            if self._unread.get(path) != reason:
                log.warning("could not read %s: %s", path, reason)
        self._unread = failed
        return report.imported > 0
