"""Looks into many hubs, each in a thread of its own: a storage that hangs keeps no other group waiting."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager

from skillclaw.errors import SkillClawError
from skillclaw.limits import lacking
from skillclaw.server.serving.group import Group
from skillclaw.server.serving.history import History
from skillclaw.server.serving.looking import Look

__all__ = ["Lookout"]

log = logging.getLogger("skillclaw.serve")
LOOKS = 16
"""Looks into hubs at once; those that hang longer than HANGS do not count."""
HANGS = 30.0
LATER = 600.0
"""Seconds between looks at most into a hub that cannot be read."""


class Lookout:
    """Sends looks into hubs and notes in the groups what they find. `lock` guards the groups; `news` is
    called after each look; `every`: seconds between two looks into one hub."""

    def __init__(
        self,
        lock: AbstractContextManager[object],
        history: History,
        every: float,
        news: Callable[[], None],
    ) -> None:
        self._lock = lock
        self._history = history
        self._every = every
        self._news = news

    def send(self, groups: Collection[Group], now: float) -> None:
        """Begin the looks that are due, while holding the lock."""
        busy = sum(group.looking and now - group.look_began < HANGS for group in groups)
        ready = [
            group for group in groups if not group.looking and group.line is None and now >= group.look_at
        ]
        for group in sorted(ready, key=lambda one: one.look_at)[: max(0, LOOKS - busy)]:
            group.looking, group.look_began = True, now
            name = f"look {group.hub}"
            try:
                threading.Thread(target=self._look_into, args=(group,), name=name, daemon=True).start()
            except RuntimeError as error:  # no more threads now: else nobody would look there ever again
                limit = lacking(error)
                self._missed(group, f"{limit[0]}. {limit[1]}" if limit else str(error))

    def _look_into(self, group: Group) -> None:
        look, why = None, ""
        try:
            look = group.looker.look()
        except SkillClawError as error:
            why = error.brief
        except Exception as error:
            log.exception("a look into a hub failed")
            limit = lacking(error)
            ours = f"Something that should not happen ({type(error).__name__}). See: skillclaw logs serve"
            why = f"{limit[0]}. {limit[1]}" if limit else ours
        with self._lock:
            if look is None:
                self._missed(group, why)
            else:
                if not group.seen:
                    group.remember(self._history.cycles(look.group))
                now = time.monotonic()
                group.saw(look, now)
                self._forget(look)
                group.look_at, group.looking = now + self._every, False
        self._news()

    def _missed(self, group: Group, why: str) -> None:
        group.missed_look(why)
        log.warning("look failed", extra={"facts": {"hub": group.hub, "failures": group.look_failures}})
        later = min(LATER, self._every * 2.0 ** min(group.look_failures, 10))
        group.look_at, group.looking = time.monotonic() + later, False

    def _forget(self, look: Look) -> None:
        """Delete reports that may tell of what a member took back, though no cycle runs as in a pause."""
        try:
            if look.acts and self._history.withdrawn(look.group, look.withdrawn):
                self._history.drop_reports(look.group)
        except (SkillClawError, OSError):
            log.exception("reports could not be deleted")
