"""One episode: a stretch of one session with one lesson, as `episodes` cuts it."""

from __future__ import annotations

from typing import Any, Literal

from skillclaw.trajectory.model import Record
from skillclaw.trajectory.moves import Move

__all__ = ["Episode", "make"]


class Episode(Record, frozen=True, kw_only=True):
    """A stretch of one session with one lesson; see `episodes` for what each kind holds.

    success   of the request that it is part of, where signals speak of that request; else of the session
    attested  procedure: something but the agent's own doing and saying speaks of success: a grade, a person's
              words, a test, how a command ended (`outcomes.attested`)
    env       what is known of the machine (`environment`)
    skills    skills that the agent had read or invoked by then, `name@version` where the version is known
    offered   skills that it was offered, likewise
    accepted  correction: the user was content afterwards; procedure: somebody said so, or how it ended
    files     endings of the files that the request touched, as `.py`
    taken     correction: what the user named and the agent did its work over with (`redone`)
    demand    correction: the program and what the user asked of it (`demands`), as `rota --zone utc`; then
              the action is a call that has it, the agent's own or, where there was none, the call that lacks
              it with that put in (`ok` is None)
    ahead     correction: the call that the demanded one is to be made before, as `git commit`
    """

    kind: Literal["recovery", "correction", "procedure", "pitfall"]
    session: str
    user: str
    agent: str
    model: str
    day: str
    project: str
    success: bool | None
    topic: str
    intent: str
    steps: list[int]
    failed: Move | None = None
    actions: list[Move] = []
    user_text: str = ""
    worked: bool = True
    accepted: bool = False
    attested: bool = False
    task: str = ""
    env: dict[str, str] = {}
    skills: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    demand: str = ""
    ahead: str = ""

    @property
    def request(self) -> str:
        """What tells this request from others: the task's id where there is one, else the words."""
        return self.task or self.intent


def make(kind: Any, base: dict[str, Any], intent: str, actions: list[Move], **more: Any) -> Episode:
    """An episode of the session and request that `base` tells of; its topic is that of what failed, else of
    the last call that changed something."""
    focus = more.get("failed") or next(
        (m for m in reversed(actions) if m.writes), actions[-1] if actions else None
    )
    more.setdefault("topic", focus.topic if focus else "")
    return Episode(kind=kind, intent=intent, actions=actions, **base, **more)
