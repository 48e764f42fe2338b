"""What one session can vouch for.

Only two kinds of text ground a line of a skill: what the user wrote, and what the agent itself put into a
tool call that succeeded. What a user pasted from an earlier result is no word of theirs. Results, fetched
pages, skill bodies, system prompts and text that a host injected are tainted: they may come from anyone, and
never ground anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from skillclaw.gate.steering import beginnings
from skillclaw.skills.samples import samples_in
from skillclaw.skills.text import normal, occurs
from skillclaw.skills.vocabulary import content_words
from skillclaw.trajectory.flow import looks_failed
from skillclaw.trajectory.model import (
    Result,
    Step,
    ToolCall,
    Trajectory,
    meta,
    result_meta,
    step_meta,
    text_of,
)
from skillclaw.trajectory.shapes import is_shell
from skillclaw.trajectory.told import own_text, unpasted

__all__ = ["Grounds", "call_text", "calls_of", "read_grounds", "steps_of"]


class Grounds:
    """The grounding text of one session, read once.

    user    the person whose session it is
    said    what the user wrote, one text a message
    worked  the agent's calls that succeeded, one text a call: tool name, then arguments
    failed  the agent's calls that failed
    tainted everything that tools gave back, in plain words
    day     when it began (YYYY-MM-DD), empty where no step says
    session its key
    """

    def __init__(
        self,
        user: str,
        said: list[str],
        worked: list[str],
        failed: list[str],
        tainted: list[str],
        *,
        day: str = "",
        session: str = "",
    ) -> None:
        self.user = user
        self.day = day
        self.session = session
        self.said = said
        self.worked = worked
        self.failed = failed
        self._tainted = tainted
        self._plain: str | None = None
        self._user_words: frozenset[str] | None = None
        self._known: dict[tuple[str, bool], bool] = {}

    def supports(self, parts: tuple[str, ...], *, failures: bool = False) -> bool:
        """Whether all `parts` stand, in this order, in one message of the user or one call that succeeded.

        With `failures` a call that failed counts too: that is how a skill may name what goes wrong.
        """
        key = ("\0".join(parts), failures)
        if key not in self._known:
            texts = [*self.said, *self.worked, *(self.failed if failures else ())]
            self._known[key] = any(occurs(list(parts), text) for text in texts)
        return self._known[key]

    @cached_property
    def written(self) -> frozenset[str]:
        """How dates and times are written in what the user wrote and in calls that succeeded, by their
        samples."""
        return frozenset().union(*map(samples_in, (*self.said, *self.worked)))

    def spoken(self) -> Grounds:
        """The same session, vouching with what the user wrote alone."""
        return Grounds(self.user, self.said, [], [], self._tainted, day=self.day, session=self.session)

    def said_words(self, words: frozenset[str]) -> frozenset[str]:
        """Those of `words` that the user used."""
        if self._user_words is None:
            self._user_words = frozenset(word for text in self.said for word in content_words(text))
        return words & self._user_words

    @cached_property
    def said_beginnings(self) -> frozenset[str]:
        """How the words begin that the user wrote (`gate.steering`)."""
        return beginnings(self.said)

    @cached_property
    def known_beginnings(self) -> frozenset[str]:
        """How the words begin that the user wrote or a call that succeeded held."""
        return self.said_beginnings | beginnings(self.worked)

    def tainted_has(self, run: str) -> bool:
        """Whether tools gave back this run of plain lower-case words."""
        if self._plain is None:
            self._plain = _plain(self._tainted)
        return f" {run} " in self._plain

    def said_has(self, run: str) -> bool:
        """Whether the user wrote this run of plain lower-case words."""
        return f" {run} " in _plain(self.said)


def read_grounds(trajectory: Trajectory) -> Grounds:
    """What `trajectory` grounds; its sub-agents' calls count, what they were told does not."""
    said: list[str] = []
    worked: list[str] = []
    failed: list[str] = []
    tainted: list[str] = []
    for step, root in steps_of(trajectory):
        kind = step_meta(step)
        if step.source == "user":
            if root and kind.kind == "turn" and not kind.injected:
                text = normal(unpasted(own_text(text_of(step.message)), tainted))
                if text:
                    said.append(text)
            continue
        if step.source != "agent" or kind.kind == "compaction":
            continue
        results = calls_of(step)
        for call in step.tool_calls or []:
            given = results.get(call.tool_call_id, [])
            tainted += [text for text in (text_of(result.content) for result in given) if text]
            if not given:
                continue  # nothing came back: it neither worked nor failed
            (failed if any(_went_wrong(result, call.function_name) for result in given) else worked).append(
                call_text(call)
            )
    known = meta(trajectory)
    day = next((step.timestamp[:10] for step in trajectory.steps if step.timestamp), "")
    return Grounds(known.user, said, worked, failed, tainted, day=day, session=known.key)


_SPACES = {code: " " for code in (*range(0x3040), *range(0xFF00, 0xFF10)) if not re.match(r"\w", chr(code))}
"""Every character that is no part of a word, for `str.translate`: much faster than a regular expression."""


def _plain(texts: list[str]) -> str:
    return f" {' '.join(' '.join(texts).lower().translate(_SPACES).split())} "


def steps_of(trajectory: Trajectory) -> Iterator[tuple[Step, bool]]:
    """The steps, and whether each is of the session itself and not of a sub-agent."""
    for step in trajectory.steps:
        yield step, True
    for sub in trajectory.subagent_trajectories or []:
        for step, _ in steps_of(sub):
            yield step, False


def calls_of(step: Step) -> dict[str, list[Result]]:
    """What came back, by the id of the call."""
    found: dict[str, list[Result]] = {}
    calls = step.tool_calls or []
    for result in step.observation.results if step.observation else []:
        call = result.source_call_id or (calls[0].tool_call_id if len(calls) == 1 else "")
        found.setdefault(call, []).append(result)
    return found


def _went_wrong(result: Result, tool: str) -> bool:
    """By exit code and error mark; by how the text reads only where there is neither."""
    known = result_meta(result)
    if known.exit_code is None and known.is_error is None:
        text = text_of(result.content)
        return looks_failed(text, shell=is_shell(tool))
    return known.is_error is True or known.exit_code not in (None, 0)


def call_text(call: ToolCall) -> str:
    """A call as one text, as `occurs` compares it: the tool's name, then the arguments."""
    return normal(" ".join([call.function_name, *_flat(call.arguments)]))


def _flat(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield str(name)
            yield from _flat(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _flat(inner)
    elif isinstance(value, str):
        yield value
    else:
        yield json.dumps(value)
