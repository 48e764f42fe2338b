"""One attempt: an agent at one task, with a user who may correct it, and what the grader says."""

from __future__ import annotations

import hashlib
import random
import shutil
import time
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path

from skillclaw.bench.loop.plan import Draw
from skillclaw.bench.loop.results import Arm, Attempt, Phase, Variant
from skillclaw.bench.loop.users import User
from skillclaw.bench.suites import Grade, Rule, Suite, Task
from skillclaw.errors import SkillClawError, UsageError, in_one_line
from skillclaw.headless.agents import Agent, Endpoint, Reply
from skillclaw.headless.door import socket_to
from skillclaw.sandbox import leftovers

__all__ = ["attempt", "offered"]


def attempt(
    suite: Suite,
    agent: Agent,
    endpoint: Endpoint,
    draw: Draw,
    *,
    home: Path,
    arm: Arm,
    phase: Phase,
    day: int,
    variant: Variant,
    user: User | None = None,
) -> Attempt:
    """Let `agent` work on `draw` with the skills under `home`; what broke is in the record's `error`.

    Raises UsageError where no attempt could be made here, as without a sandbox.
    user  corrects the agent (in the stream); without one the agent's first answer is what counts
    """
    task = suite.draw(draw.template, draw.seed)
    began = time.monotonic()
    replies: list[Reply] = []
    grade = Grade(success=False, score=0.0)
    with leftovers.scratch("skillclaw-task-") as folder:
        try:
            grade = _work(suite, agent, endpoint, task, folder, home, draw, day, user, replies)
        except UsageError:
            raise  # no sandbox, no agent: true of every attempt, and not one attempt's result
        except SkillClawError as error:
            grade = Grade(success=False, score=0.0, error=in_one_line(error))
        except Exception as error:
            # A run of hours must not end, again and again, at what one task or one answer sets off.
            said = " ".join(f"{type(error).__name__}: {error}".split())
            grade = Grade(success=False, score=0.0, error=f"not expected: {said[:300]}")
    broken_model = next((reply.error for reply in replies if reply.error), "")
    return Attempt(
        arm=arm,
        phase=phase,
        day=day,
        suite=suite.name,
        category=task.category,
        template=draw.template,
        task=task.id,
        seed=draw.seed,
        variant=variant,
        user=draw.user,
        success=grade.success,
        score=grade.score,
        steps=sum(reply.steps for reply in replies),
        tokens_in=sum(reply.tokens_in for reply in replies),
        tokens_out=sum(reply.tokens_out for reply in replies),
        seconds=round(time.monotonic() - began, 3),
        turns=len(replies),
        skills=offered(home),
        broken=grade.broken,
        reason=grade.reason,
        late=any(reply.late for reply in replies),
        error=grade.error or broken_model,
    )


def _work(
    suite: Suite,
    agent: Agent,
    endpoint: Endpoint,
    task: Task,
    folder: Path,
    home: Path,
    draw: Draw,
    day: int,
    user: User | None,
    replies: list[Reply],
) -> Grade:
    state = folder / "agent"
    state.mkdir()
    chance = random.Random(f"user {draw.user} {draw.template} {draw.seed}")  # noqa: S311 - drawn again
    mounts = agent.mounts(home, state)
    with (
        # Only a program in the room needs the model there. To others' commands it would be a way out.
        socket_to(endpoint.base_url, folder) if mounts else nullcontext() as socket,
        suite.open(task, folder / "task", socket=socket, mounts=mounts) as workspace,
        agent.open(task, workspace, endpoint, home=home, seed=_sampling(draw, day, user)) as conversation,
    ):

        def judged() -> Grade:
            return suite.grade(task, workspace, conversation.transcript)

        replies.append(conversation.say(task.instruction))
        grade = judged()
        corrected = 0
        while user is not None and not (grade.error or replies[-1].error or replies[-1].late):
            said, go_on = user.answer(grade, _rules(suite, task), corrected, chance)
            if not said:
                break
            replies.append(conversation.say(said))
            if not go_on:
                break
            corrected += 1
            grade = judged()
        return grade


def _sampling(draw: Draw, day: int, user: User | None) -> int:
    """The seed of the model's sampling: the same in every arm for what is measured. In the stream one task
    may come again, to another user or on another day, and must not look like the same session."""
    if user is None:
        return draw.seed
    said = f"{draw.template} {draw.seed} {user.name} {day}"
    return int.from_bytes(hashlib.sha256(said.encode()).digest()[:4])


def _rules(suite: Suite, task: Task) -> Mapping[str, Rule]:
    """The suite's rules; where a task brings its own words for what went wrong, said in these."""
    own = getattr(suite, "correction", None)
    if own is None:
        return suite.rules()
    return {rule: Rule(id=rule, say=(own(task),)) for rule in task.rules}


def offered(home: Path) -> tuple[str, ...]:
    """The names of the skills installed under `home`."""
    found = {path.parent.name for path in home.glob(".agents/skills/*/SKILL.md")}
    return tuple(sorted(found | {path.parent.name for path in home.glob(".claude/skills/*/SKILL.md")}))


def install(skills: Path | None, home: Path) -> None:
    """Put the skills of the folder `skills` where agents under `home` look for them, and no others."""
    for target in (home / ".agents" / "skills", home / ".claude" / "skills"):
        with suppress(FileNotFoundError):
            shutil.rmtree(target)
        target.mkdir(parents=True)
        for skill in sorted(skills.iterdir()) if skills is not None else ():
            if (skill / "SKILL.md").is_file():
                shutil.copytree(skill, target / skill.name)
