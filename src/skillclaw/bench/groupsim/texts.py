"""What the simulated group works on, in words: eight kinds of task, each with a usual failure and its remedy,
as sessions that agents could have had, and the skills that teach the remedy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from skillclaw.evolve.cutting import Cut, cut_session
from skillclaw.skills.bundle import version
from skillclaw.skills.frontmatter import Head, render
from skillclaw.skills.items import DESCRIPTION, item_id
from skillclaw.skills.records import (
    ActionShape,
    Bundle,
    File,
    Item,
    Pattern,
    Proposal,
    Ref,
    Sidecar,
    content_id,
)
from skillclaw.trajectory.model import (
    Agent,
    Observation,
    Record,
    Result,
    ResultMeta,
    SessionMeta,
    Step,
    ToolCall,
    Trajectory,
    with_meta,
    with_result_meta,
)

__all__ = ["OTHER", "TASKS", "Call", "Task", "lesson", "proposal", "session", "template"]

AGENT = "claude-code"


class Call(Record, frozen=True, kw_only=True):
    """One tool call, with what came back."""

    command: str
    exit_code: int = 0
    output: str = ""
    tool: str = "Bash"


class Task(Record, frozen=True, kw_only=True):
    """A kind of task. `asks` are the ways to ask for it; `command` fails with `error` unless `remedy` came
    before; `skill`, `description` are of the skill about it.
    """

    skill: str
    description: str
    asks: tuple[str, str, str]
    command: str
    error: str
    remedy: str

    @property
    def failure(self) -> list[Call]:
        """The calls of a session in which the usual failure occurs and is made good."""
        broken = Call(command=self.command, exit_code=1, output=self.error)
        return [broken, Call(command=self.remedy), Call(command=self.command)]

    @property
    def smooth(self) -> list[Call]:
        """The calls of one in which it does not."""
        return [Call(command=self.remedy), Call(command=self.command)]


def _task(about: str, what: str, command: str, error: str, remedy: str) -> Task:
    return Task(
        skill=about.replace(" ", "-"),
        description=f"How to {what}. Use when asked to {what}.",
        asks=(f"please {what}", f"{what} for me", f"can you {what} now?"),
        command=command,
        error=error,
        remedy=remedy,
    )


TASKS = (
    _task(
        "website unit tests",
        "test the components of the website",
        "make unit",
        "Error: missing node modules",
        "make modules",
    ),
    _task(
        "customer database schema",
        "migrate the customer database schema",
        "make migrate",
        "FAILED: multiple head revisions",
        "make heads",
    ),
    _task(
        "mail container image",
        "build the container image of the mail service",
        "make image",
        "error: failed to read dockerfile",
        "make context",
    ),
    _task(
        "cloud network plan",
        "plan changes of the cloud network",
        "make plan",
        "Error: backend initialization required",
        "make backend",
    ),
    _task(
        "parser documentation",
        "render the parser documentation",
        "make handbook",
        "error: unknown directive autoclass",
        "make extensions",
    ),
    _task(
        "yearly report pdf",
        "print the yearly report as a pdf",
        "make report",
        "LaTeX Error: figure missing",
        "make figures",
    ),
    _task(
        "encoder speed",
        "measure the encoder speed",
        "make speed",
        "error: no baseline recorded",
        "make baseline",
    ),
    _task(
        "invoice translations",
        "compile the invoice translations",
        "make locale",
        "error: catalog out of date",
        "make catalog",
    ),
)

OTHER = _task(
    "nightly backup copies",
    "copy the nightly backups",
    "make backup",
    "error: no room for copies",
    "make room",
)
"""What no skill is about; proposals that must not be released are."""


def session(
    key: str,
    user: str,
    ask: str,
    calls: Sequence[Call],
    *,
    started: str,
    success: bool = True,
    model: str = "",
) -> Trajectory:
    """The session of a client called `user`."""
    steps = [Step(step_id=1, source="user", message=ask, timestamp=started)]
    for call in calls:
        number = len(steps) + 1
        result = Result(source_call_id=f"c{number}", content=call.output)
        said = ResultMeta(exit_code=call.exit_code, is_error=call.exit_code != 0)
        argument = "command" if call.tool == "Bash" else "url"
        steps.append(
            Step(
                step_id=number,
                source="agent",
                message="",
                tool_calls=[
                    ToolCall(
                        tool_call_id=f"c{number}",
                        function_name=call.tool,
                        arguments={argument: call.command},
                    )
                ],
                observation=Observation(results=[with_result_meta(result, said)]),
            )
        )
    made = Trajectory(
        schema_version="ATIF-v1.8",
        agent=Agent(name=AGENT, version="1", model_name=model or None),
        steps=steps,
    )
    own = SessionMeta(key=key, user=user, client=user, outcome="success" if success else "failure")
    return with_meta(made, own)


@cache
def template(task: Task, wording: int, event: bool) -> Cut:
    """How the evolver cuts such a session; whose it is and when is filled in for each."""
    calls = task.failure if event else task.smooth
    return cut_session(session("", "", task.asks[wording], calls, started="2026-01-01T09:00:00Z"))


def lesson(task: Task) -> str:
    """The line that the skill of a task consists of."""
    return f"When `{task.command}` fails, run `{task.remedy}` and then `{task.command}` again."


def proposal(
    task: Task,
    evidence: Sequence[Ref],
    *,
    events: bool,
    text: str = "",
    name: str = "",
    extra: str = "",
) -> Proposal:
    """A new skill with one line (`text`, else the task's lesson), as an evolver hands it to the gate. `extra`
    is text of the file that stands for no item."""
    words, skill = text or lesson(task), name or task.skill
    head = render(Head(name=skill, description=task.description))
    body = f"{head}\n# {skill}\n\n## Fixes\n\n- {words}\n{extra}"
    bundle = Bundle(name=skill, files=[File(path="SKILL.md", data=body.encode())])
    pattern = _pattern(task, evidence, events=events)
    items = [
        Item(
            id=item_id(skill, "condition", task.description),
            kind="condition",
            text=task.description,
            section=DESCRIPTION,
            patterns=[pattern.id],
            evidence=list(evidence),
        ),
        Item(
            id=item_id(skill, "fix", words),
            kind="fix",
            text=words,
            section="Fixes",
            patterns=[pattern.id],
            evidence=list(evidence),
        ),
    ]
    return Proposal(
        id=content_id("simulated", skill, words, extra, [ref.session for ref in evidence]),
        action="create",
        skill=skill,
        base=None,
        engine="extractive",
        why=f"{len(evidence)} sessions show it.",
        bundle=bundle,
        sidecar=Sidecar(skill=skill, version=version(bundle), engine="extractive", items=items),
        patterns=[pattern],
    )


def _pattern(task: Task, evidence: Iterable[Ref], *, events: bool) -> Pattern:
    """The pattern behind it; its failure is named as the evolver's own cut of such a session names it."""
    known = {
        "id": content_id("simulated pattern", task.skill, events),
        "title": task.description,
        "topic": "make",
        "evidence": list(evidence),
        "actions": [ActionShape(tool="Bash", command=task.remedy, example=task.remedy)],
    }
    if not events:
        return Pattern(kind="procedure", signature=task.remedy, **known)  # type: ignore[arg-type]
    failed = next(e.failed for e in template(task, 0, True).episodes if e.failed is not None)
    return Pattern(
        kind="recovery",
        signature=f"{failed.key} ! {failed.error}",
        failed=ActionShape(tool="Bash", command=task.command, example=task.command),
        error=failed.error,
        **known,  # type: ignore[arg-type]
    )
