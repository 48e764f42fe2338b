"""What `up` takes in as it comes: exchanges that were recorded, and the histories that agents write."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from skillclaw.server.machine import Machine
from skillclaw.server.setup.consent import days_back, followed

if TYPE_CHECKING:
    from skillclaw.journal.decoding import Decoder

__all__ = ["Following"]

SLICE = 5.0
"""Seconds after which a look at the histories begins no other file: the rest of `up` waits meanwhile."""

log = logging.getLogger("skillclaw.up")


class Following:
    """The sessions of one home, made of what is new at every look. Its libraries are loaded at the first,
    since the start need not wait for them."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._unread: dict[str, str] = {}
        self._decoder: Decoder | None = None
        self._forgotten = 0
        self.behind = False
        """Whether the last look at the histories got on and left some for the next, which may be at once."""

    def record(self) -> bool:
        """Make sessions of recorded exchanges that are idle; whether there were any."""
        from skillclaw.server.sessions.recording import assemble_recorded, decoder_of

        self.machine.renew_redactor()
        forgotten = self.machine.sessions.forgotten_count()
        if self._decoder is None or forgotten != self._forgotten:  # what was forgotten stays in no memory
            self._decoder, self._forgotten = decoder_of(self.machine), forgotten
        idle = self.machine.settings.journal.idle
        return assemble_recorded(self.machine, idle, self._decoder) > 0

    def follow(self) -> bool:
        """Import what agents' histories have that is new; a file that cannot be read is told once."""
        from skillclaw.agents import Env
        from skillclaw.server.sessions.intake import import_histories

        self.behind = False
        self.machine.renew_redactor()
        home = self.machine.home
        only, days = followed(home), days_back(home)
        report = import_histories(
            self.machine, Env.current(), only=only, since_days=days, seconds=SLICE, last=self._unread.keys()
        )
        self.behind = report.left > 0 and report.imported > report.grown
        if report.imported:
            facts = {"sessions": report.imported, **report.agents}
            log.info("imported %d sessions", report.imported, extra={"facts": facts})
        failed = {failure.path: failure.reason for failure in report.failed}
        for path, reason in failed.items():
            if self._unread.get(path) != reason:
                log.warning("could not read %s: %s", path, reason)
        # What a slice did not come to is as it was.
        self._unread = {**self._unread, **failed} if report.left else failed
        return report.imported > 0
