"""A small world to judge in: sessions of several people, and proposals that cite them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skillclaw.gate import GateContext, policy
from skillclaw.journal.redact import Redactor
from skillclaw.skills.bundle import version
from skillclaw.skills.frontmatter import Head, render
from skillclaw.skills.items import DESCRIPTION, item_id
from skillclaw.skills.records import Bundle, File, Item, Pattern, Proposal, Ref, Sidecar
from skillclaw.trajectory.model import (
    Agent,
    Observation,
    Result,
    ResultMeta,
    SessionMeta,
    Step,
    ToolCall,
    Trajectory,
    with_meta,
    with_result_meta,
)

Call = tuple[str, dict[str, Any], int, str]
"""Tool, arguments, exit code, output."""


def bash(command: str, code: int = 0, output: str = "") -> Call:
    return ("Bash", {"command": command}, code, output)


class World:
    """Sessions by key, and references to them."""

    def __init__(self) -> None:
        self.sessions: dict[str, Trajectory] = {}

    def add(self, user: str, say: str, calls: Sequence[Call]) -> Ref:
        key = f"{len(self.sessions):016x}"
        steps = [Step(step_id=1, source="user", message=say)]
        for tool, arguments, code, output in calls:
            number = len(steps) + 1
            result = Result(source_call_id=f"c{number}", content=output)
            steps.append(
                Step(
                    step_id=number,
                    source="agent",
                    message="",
                    tool_calls=[ToolCall(tool_call_id=f"c{number}", function_name=tool, arguments=arguments)],
                    observation=Observation(
                        results=[with_result_meta(result, ResultMeta(exit_code=code, is_error=code != 0))]
                    ),
                )
            )
        trajectory = Trajectory(
            schema_version="ATIF-v1.8", agent=Agent(name="claude-code", version="1"), steps=steps
        )
        self.sessions[key] = with_meta(trajectory, SessionMeta(key=key, user=user))
        return Ref(session=key, user=user, agent="claude-code", day="2026-11-01", steps=[2], success=True)

    def many(self, users: Sequence[str], say: str, calls: Sequence[Call], times: int = 1) -> list[Ref]:
        return [self.add(user, say, calls) for _ in range(times) for user in users]

    def context(self, name: str = "team", **more: Any) -> GateContext:
        redactor = Redactor(b"k" * 32, home=Path("/home/tester"), user_names=("tester",))
        return GateContext(policy=policy(name), redactor=redactor, sessions=self.sessions.get, **more)


def proposal(
    lines: Sequence[tuple[str, str, str, Sequence[Ref]]],
    *,
    name: str = "pip-know-how",
    description: str = "What to do when pip fails.",
    patterns: Sequence[Pattern] = (),
    files: Sequence[File] = (),
    engine: str = "extractive",
    base: str | None = None,
) -> Proposal:
    """A new skill of `lines` (section, kind, text, evidence); all cite all `patterns`."""
    text = render(Head(name=name, description=description)) + "\n# Pip\n"
    section = ""
    items = []
    evidence: list[Ref] = []
    for where, kind, words, refs in lines:
        if where != section:
            text += f"\n## {where}\n\n"
            section = where
        text += f"- {words}\n"
        evidence += refs
        items.append(
            Item(
                id=item_id(name, kind, words),  # type: ignore[arg-type]
                kind=kind,  # type: ignore[arg-type]
                text=words,
                section=where,
                patterns=[p.id for p in patterns],
                evidence=list(refs),
            )
        )
    items.insert(
        0,
        Item(
            id=item_id(name, "condition", description),
            kind="condition",
            text=description,
            section=DESCRIPTION,
            evidence=evidence,
        ),
    )
    bundle = Bundle(name=name, files=[File(path="SKILL.md", data=text.encode()), *files])
    return Proposal(
        id="p" + name,
        action="refine" if base else "create",
        skill=name,
        base=base,
        engine=engine,
        why="Because.",
        bundle=bundle,
        sidecar=Sidecar(skill=name, version=version(bundle), engine=engine, items=items),
        patterns=list(patterns),
    )


def skill_text(one: Proposal) -> str:
    assert one.bundle is not None
    return "\n".join(file.data.decode() for file in one.bundle.files)
