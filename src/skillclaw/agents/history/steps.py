"""From the records of an agent's history to ATIF steps; what all readers share.

A reader tells a `Transcript` what happened in order; it joins the pieces of one model answer, hangs
results on their calls, marks what the host wrote, and numbers the steps.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from pathlib import Path
from typing import Literal

import msgspec

from skillclaw.agents.history.drafts import Draft
from skillclaw.agents.repository import repository_of
from skillclaw.trajectory.keys import session_key
from skillclaw.trajectory.model import (
    ATIF_VERSION,
    Agent,
    CallMeta,
    FinalMetrics,
    Part,
    Result,
    ResultMeta,
    SessionMeta,
    SkillUse,
    Source,
    Step,
    SubagentRef,
    ToolCall,
    Trajectory,
    with_call_meta,
    with_meta,
    with_result_meta,
)
from skillclaw.wire.thread import OWN_ID

__all__ = [
    "Transcript",
    "as_int",
    "as_str",
    "image_part",
    "seconds_of",
    "subagent",
    "trajectory",
]

_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_SKILL_FILE = re.compile(r"([^\s'\"/\\]{1,64})[/\\]SKILL\.md\b")


class Transcript:
    """The steps of one session or sub-agent, in the making."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self._skills: dict[str, dict[str, Draft | None]] = {}
        self._owner: dict[str, tuple[Draft, int]] = {}
        self._latest: dict[str, str] = {}
        """By an id of the history that its provider gave more than once: that of the last call with it."""
        self._answered: dict[str, tuple[Draft, int]] = {}
        self._foretold: dict[str, tuple[int | None, bool | None]] = {}

    def add(
        self,
        source: Literal["system", "user", "agent"],
        stamp: object,
        parts: list[Part] | None = None,
        *,
        injected: bool = False,
        kind: Literal["turn", "side", "compaction"] = "turn",
    ) -> Draft:
        """Start a step."""
        draft = Draft(source, stamp)
        draft.parts = list(parts or [])
        draft.injected = injected
        draft.kind = kind
        self.drafts.append(draft)
        return draft

    def call(self, draft: Draft, call_id: object, name: object, arguments: object) -> str:
        """A tool call of an agent's step; its id here. One that is told again is a copy and is dropped.

        Some providers' ids are unique in one answer alone ("call_0"): such a call gets the id that the wire
        gives it (`wire.thread`), and the results that follow are its own.
        """
        given = as_str(call_id) or f"call_{len(self._owner) + 1}"
        tool = as_str(name) or "unknown"
        if isinstance(arguments, dict):
            made = ToolCall(tool_call_id=given, function_name=tool, arguments=arguments)
        else:
            raw = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
            made = with_call_meta(
                ToolCall(tool_call_id=given, function_name=tool, arguments={"input": arguments}),
                CallMeta(raw_arguments=raw),
            )
        own = self._own(given)
        if own in self._owner:
            if draft.copied or len(given) >= OWN_ID or self._waits_for(own, made):
                return own
            number = 2
            while (own := f"{given}-{number}") in self._owner:
                number += 1
            made = msgspec.structs.replace(made, tool_call_id=own)
            self._latest[given] = own
        self._owner[own] = (draft, len(draft.calls))
        draft.calls.append(made)
        return own

    def _waits_for(self, own: str, call: ToolCall) -> bool:
        """Whether this very call was told already, and its result was not."""
        draft, index = self._owner[own]
        known = draft.calls[index]
        same = (known.function_name, known.arguments) == (call.function_name, call.arguments)
        return same and own not in self._answered

    def _own(self, call_id: str) -> str:
        return self._latest.get(call_id, call_id)

    def call_of(self, call_id: str) -> ToolCall | None:
        """The last call with this id."""
        owner = self._owner.get(self._own(call_id))
        return owner[0].calls[owner[1]] if owner else None

    def result(
        self,
        call_id: object,
        content: str | list[Part] | None,
        meta: ResultMeta,
        stamp: object,
        subagents: list[str] | None = None,
    ) -> None:
        """What a call gave back. Without a known call it becomes a system step of its own."""
        given = self._own(as_str(call_id))
        meta = _fill(meta, *self._foretold.pop(given, (None, None)))
        refs = [SubagentRef(trajectory_id=name) for name in subagents or []] or None
        made = with_result_meta(
            Result(source_call_id=given or None, content=content, subagent_trajectory_ref=refs), meta
        )
        if given in self._answered:
            return
        owner = self._owner.get(given)
        draft = owner[0] if owner else self.add("system", stamp, injected=True)
        self._answered[given] = (draft, len(draft.results))
        draft.results.append(made)

    def foretell(self, call_id: str, *, exit_code: int | None, is_error: bool | None) -> None:
        """Tell what another record says of a call's result, before or after the result itself."""
        call_id = self._own(call_id)
        found = self._answered.get(call_id)
        if found is None:
            self._foretold[call_id] = (exit_code, is_error)
            return
        draft, index = found
        raw = (draft.results[index].extra or {}).get("skillclaw")
        meta = msgspec.convert(raw, ResultMeta) if raw else ResultMeta()
        draft.results[index] = with_result_meta(draft.results[index], _fill(meta, exit_code, is_error))

    def refer(self, call_id: str, names: list[str]) -> None:
        """Say that a call's result stands for these sub-agents."""
        found = self._answered.get(self._own(call_id))
        if found is None or not names:
            return
        draft, index = found
        old = draft.results[index]
        known = list(old.subagent_trajectory_ref or [])
        have = {ref.trajectory_id for ref in known}
        known += [SubagentRef(trajectory_id=name) for name in names if name not in have]
        draft.results[index] = msgspec.structs.replace(old, subagent_trajectory_ref=known)

    def skill(self, name: object, use: Literal["offered", "read", "invoked"], draft: Draft | None) -> None:
        """A skill was listed, its body was read, or it was called by name (first time counts)."""
        text = as_str(name)[:64]
        if not text:
            return
        known = self._skills.setdefault(text, {})
        if use not in known:
            known[use] = draft

    def skill_files(self, text: str, draft: Draft) -> None:
        """Note the skills whose SKILL.md a command or a path names."""
        for match in _SKILL_FILE.finditer(text):
            self.skill(match[1], "read", draft)

    @property
    def offered(self) -> list[str]:
        """The names of the skills that were listed."""
        return [name for name, uses in self._skills.items() if "offered" in uses]

    def finish(self) -> tuple[list[Step], list[SkillUse]]:
        """The steps, numbered, without empty drafts; the skills with the steps they were used in."""
        made: list[Step] = []
        numbers: dict[int, int] = {}
        for draft in self.drafts:
            if draft.source == "agent":
                draft.part_thoughts()
            if not draft.empty:
                made.append(draft.step(len(made) + 1))
                numbers[id(draft)] = len(made)
        skills = [
            SkillUse(
                name=name,
                offered="offered" in uses,
                read_step=numbers.get(id(uses.get("read"))),
                invoked_step=numbers.get(id(uses.get("invoked"))),
            )
            for name, uses in sorted(self._skills.items())
        ]
        return made, skills


def trajectory(
    transcript: Transcript,
    *,
    agent: str,
    version: str,
    native_id: str,
    models: dict[str, int],
    cwd: str,
    home: Path,
    facts: dict[str, str],
    subagents: list[Trajectory],
) -> Trajectory | None:
    """The session as a trajectory with its key and project, or None when nobody said or did anything."""
    steps, skills = transcript.finish()
    if not any(step.source != "system" for step in steps):
        return None
    where = repository_of(cwd, home)
    meta = SessionMeta(
        key=session_key(agent, native_id),
        source="history",
        project=where.name,
        skills=skills,
        env={**({"git_remote": where.remote} if where.remote else {}), **facts},
    )
    made = Trajectory(
        schema_version=ATIF_VERSION,
        session_id=native_id,
        agent=Agent(name=agent, version=version or "unknown", model_name=_most(models)),
        steps=steps,
        final_metrics=_totals(steps),
        subagent_trajectories=subagents or None,
    )
    return with_meta(made, meta)


def subagent(
    transcript: Transcript, *, agent: str, version: str, native_id: str, models: dict[str, int]
) -> Trajectory | None:
    """A delegated part of a session, to be embedded in it; None when there is nothing in it."""
    steps, _ = transcript.finish()
    if not steps:
        return None
    return Trajectory(
        schema_version=ATIF_VERSION,
        trajectory_id=native_id,
        agent=Agent(name=agent, version=version or "unknown", model_name=_most(models)),
        steps=steps,
    )


def image_part(media_type: object, data: object) -> Part:
    """A picture by its hash; types that ATIF does not know become a text that says so."""
    text = as_str(data)
    if text.startswith("data:"):
        head, _, text = text.partition(",")
        media_type = head[5:].partition(";")[0] or media_type
    try:
        raw = base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError):
        raw = text.encode("utf-8", "replace")
    kind = as_str(media_type).lower()
    path = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    if kind in _IMAGES:
        return Part(type="image", source=Source(media_type=kind, path=path))
    return Part(type="text", text=f"[{kind[:40] or 'data'} {path}]")


def as_str(value: object) -> str:
    """The value if it is text, else nothing."""
    return value if isinstance(value, str) else ""


def as_int(value: object) -> int | None:
    """The value if it is a whole number of 0 or more, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def seconds_of(value: object) -> float:
    """A time in Unix seconds, 0 for what is none; some agents' versions kept milliseconds."""
    given = as_int(value) or 0
    return given / 1000 if given > 10**11 else float(given)


def _fill(meta: ResultMeta, exit_code: int | None, is_error: bool | None) -> ResultMeta:
    """What is known stays; what is not is taken from the second source."""
    return msgspec.structs.replace(
        meta,
        exit_code=meta.exit_code if meta.exit_code is not None else exit_code,
        is_error=meta.is_error if meta.is_error is not None else is_error,
    )


def _most(models: dict[str, int]) -> str | None:
    return max(models, key=lambda name: models[name]) if models else None


def _totals(steps: list[Step]) -> FinalMetrics | None:
    known = [step.metrics for step in steps if step.metrics]
    if not known:
        return None
    return FinalMetrics(
        total_prompt_tokens=sum(m.prompt_tokens or 0 for m in known),
        total_completion_tokens=sum(m.completion_tokens or 0 for m in known),
        total_cached_tokens=sum(m.cached_tokens or 0 for m in known),
        total_steps=len(steps),
    )
