"""A group's canaries from beginning to end with the real Claude Code and Codex: what they did teaches two
skills, on the days that are drawn they have them and use them, on others not, and what is recorded decides.

The world changes after the release: what one of the skills says to do is taken out of the program, so that it
harms whoever has it."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from atif_sessions import Ran, session, write
from clients import binary
from dated_agents import DatedAgent
from past_days import Days, past
from scripted import Script, Seen, Shell, Skill, Upstream
from team import found, joined, machine, printed, sc, state, taken

from skillclaw.trajectory.model import SkillUse, meta

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
REAL = {"bob": "claude-code", "cyd": "codex"}
MEMBERS = (*REAL, "dan", "eve", "fay")
DAYS = 15
PACK = """#!/bin/sh
[ -e .later ] && bad=--whole || bad=--fast
if [ "$1" = "$bad" ]; then echo "pack: error: $1 is not supported by this version" >&2; exit 2; fi
echo "packed 3 files"
"""


@dataclass(frozen=True)
class Task:
    """What is asked for, the call that fails at first, and the one that works then; whether it does later."""

    asked: str
    failing: str
    working: str
    lasts: bool

    def commands(self, knows: bool) -> list[str]:
        """What an agent runs after the change of the world, with the skill and without."""
        if self.lasts:
            return [self.working] if knows else [self.failing, self.working]
        return [self.working] if knows else [self.failing]


COMPILE = Task(
    "please byte-compile the tests",
    "python3 -m compileall --no-such-flag tests/",
    "python3 -m compileall -q -f tests/",
    lasts=True,
)
RELEASE = Task("please pack the release", "./pack --fast", "./pack --whole", lasts=False)


def laid_out(folder: Path) -> Path:
    """The project that everybody works in."""
    (folder / "tests").mkdir(parents=True)
    (folder / "tests" / "test_a.py").write_text("def test_a():\n    assert True\n", "utf-8")
    (folder / "pack").write_text(PACK, "utf-8")
    (folder / "pack").chmod(0o755)
    return folder


@dataclass
class Group:
    """Ada evolves; bob's agent is Claude Code and cyd's is Codex; the others' sessions are made, of what the
    same commands really say."""

    place: Path
    days: Days
    upstream: Upstream
    agents: dict[str, DatedAgent] = field(default_factory=dict)
    made: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {who: [] for who in MEMBERS})
    project: Path = Path()

    def prepare(self, stack: ExitStack) -> None:
        found(self.place)
        sc(self.place, "ada", "hub", "settings", "canary", "0.5")
        self.project = laid_out(self.place / "project")
        for who in MEMBERS:
            joined(self.place, who)
            sc(self.place, who, "config", "set", "share.default", "redacted")
            sc(self.place, who, "share", "allow", "--hub", "team", "--past")
        for who, agent in REAL.items():
            self.agents[who] = DatedAgent(self.place, who, agent, self.upstream)
            laid_out(self.agents[who].person.project)
            stack.enter_context(self.agents[who].connected())

    def works(self, who: str, task: Task, commands: list[str], skill: str = "") -> list[str]:
        """A session of the real agent, which opens `skill` first; the provider's requests that have tools."""
        at = self.days.now + timedelta(hours=1, minutes=30 * task.lasts)
        opened = (Skill(skill),) if skill else ()
        steps = (*opened, *(Shell(command) for command in commands))
        self.upstream.scripts[task.asked] = Script(steps=steps, final="That is what came of it.")
        return [words(one) for one in self.agents[who].works(task.asked, at) if one.json.get("tools")]

    def makes(self, who: str, task: Task, commands: list[str]) -> None:
        """A session that is made."""
        ran = []
        for command in commands:
            argv = command.split()
            done = subprocess.run(argv, cwd=self.project, capture_output=True, text=True, check=False)
            ran.append(Ran(command, done.returncode, done.stdout + done.stderr))
        number = len(self.made[who])
        one = session("", number, task.asked, ran, outcome=None, final="That is what came of it.")
        del one["extra"]["skillclaw"]["user"]
        one["session_id"] = f"{who}-{number}"
        one["steps"][0]["timestamp"] = (self.days.now + timedelta(hours=1)).isoformat()
        self.made[who].append(one)

    def has(self, who: str, skill: str) -> bool:
        """Whether the skill lies where the agent of `who` looks."""
        own = ".agents" if REAL.get(who) == "codex" else ".claude"
        return (self.place / who / own / "skills" / skill / "SKILL.md").exists()

    def cycle(self) -> dict[str, Any]:
        """Everybody sends what may leave, and the evolver looks at it."""
        for who, made in self.made.items():
            if made:
                sc(self.place, who, "import", str(write(self.place / who / "made.jsonl", made)))
            sc(self.place, who, "share", "send")
        taken(self.place)
        report: dict[str, Any] = sc(self.place, "ada", "evolve", "--hub", "team")
        return report

    def credited(self, who: str, skill: str) -> list[tuple[str, SkillUse]]:
        """What the recorded sessions of a real agent say of the skill, each with what was asked for."""
        rows = sc(self.place, who, "sessions", "list")
        kept = [machine(self.place, who).sessions.get(row["id"]) for row in rows]
        real = [one for one in kept if meta(one).source == "wire"]
        assert len(real) == 6, "of two tasks one each before the skill, with it and without"
        assert {one.agent.name for one in real} == {REAL[who]}
        found = []
        for one in real:
            asked = next(task.asked for task in (COMPILE, RELEASE) if task.asked in str(one.steps))
            found += [(asked, use) for use in meta(one).skills if use.name == skill]
        return found


def words(seen: Seen) -> str:
    return json.dumps(seen.json, ensure_ascii=False)


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    for client in ("claude", "codex"):
        binary(client)
    with past(18) as days, Upstream({}) as upstream, ExitStack() as stack:
        made = Group(tmp_path, days, upstream)
        made.prepare(stack)
        yield made


def learnt(group: Group) -> dict[Task, tuple[str, str]]:
    """Everybody meets both failures, the real agents too. By task the canary that the cycle makes of it, and
    its line."""
    for task in (COMPILE, RELEASE):
        for who in MEMBERS:
            (group.works if who in REAL else group.makes)(who, task, [task.failing, task.working])
    group.days.wait(0.5)
    report = group.cycle()
    assert report["collected"]["taken"] == 2 * len(MEMBERS)
    assert [one["stage"] for one in report["released"]] == ["canary", "canary"]
    lines = {}
    for one in report["released"]:
        for line in printed(group.place, "ada", "skills", "show", f"team/{one['skill']}").splitlines():
            lines |= {task: (one["skill"], line) for task in (COMPILE, RELEASE) if task.working in line}
    return lines


def test_two_real_agents_teach_a_group_and_its_canaries_are_decided(group: Group) -> None:
    skills = learnt(group)
    for folder in [group.project, *(one.person.project for one in group.agents.values())]:
        (folder / ".later").touch()
    seen: Counter[tuple[Task, bool]] = Counter()
    really: set[tuple[str, Task, bool]] = set()
    decided: dict[Task, dict[str, Any]] = {}
    versions = {task: state(group.place).skills[name].current for task, (name, _) in skills.items()}
    for day in range(1, DAYS + 1):
        group.days.wait(0.5)
        for who in MEMBERS:
            sc(group.place, who, "sync")
            for task, (name, line) in skills.items():
                had = group.has(who, name)
                if task in decided:
                    helps = decided[task]["action"] == "promote"
                    assert had == helps, (
                        "what harms is gone with the poll after it was rolled back, what helps stays"
                    )
                    continue
                seen[task, had] += 1
                if who not in REAL or (who, task, had) in really:
                    group.makes(who, task, task.commands(had))
                    continue
                really.add((who, task, had))
                requests = group.works(who, task, task.commands(had), name if had else "")
                if had:
                    assert name in requests[0], "the agent told its model of the skill"
                    assert any(json.dumps(line, ensure_ascii=False)[1:-1] in one for one in requests[1:])
                else:
                    assert requests and not any(name in one for one in requests)
        group.days.wait(0.5)
        # Looked at again once either agent had both kinds of days with either skill.
        if day == 1 or (day % 3 == 0 and len(really) == 8):
            for one in group.cycle()["rollouts"]:
                task = next(task for task, (name, _) in skills.items() if name == one["skill"])
                effect = one["effect"]
                if day == 1:
                    assert one["action"] == "wait" and "Not enough data yet: 5 of 40" in one["why"]
                else:
                    assert (effect["treated_n"], effect["control_n"]) == (seen[task, True], seen[task, False])
                    assert (effect["clients"], effect["read_n"]) == (5, len(REAL))
                if one["action"] != "wait":
                    decided[task] = one
    assert [decided[task]["action"] for task in (COMPILE, RELEASE)] == ["promote", "rollback"], decided
    assert {task for _, task, _ in really} == {COMPILE, RELEASE} and len(really) == 8

    for task, (name, _) in skills.items():
        for who in REAL:
            uses = group.credited(who, name)
            ((asked, use),) = [(asked, use) for asked, use in uses if use.version is not None]
            assert (asked, use.hub) == (task.asked, state(group.place).group)
            assert (use.version, use.installed) == (versions[task], versions[task])
            assert use.invoked_step if REAL[who] == "claude-code" else use.read_step

    told = {
        task: printed(group.place, "dan", "skills", "log", f"team/{name}")
        for task, (name, _) in skills.items()
    }
    for one in told.values():
        assert "learned from 5 sessions of 5 users" in one
        assert "Released as a canary, which each client has on 50% of the days" in one
        assert "Not decided yet" not in one
    helps, harms = (
        what.format("the failure that it is about") for what in ("It helps: {} 0%", "It harms: {} 100%")
    )
    assert f"Stable since then. {helps} with it, 100% without" in told[COMPILE]
    assert f"Rolled back; nothing took its place. {harms} with it, 0% without" in told[RELEASE]
    assert f"{versions[RELEASE][:12]}  canary, rolled back  new" in told[RELEASE]
    assert sc(group.place, "dan", "hub", "verify", "--hub", "team")["ok"]

    group.days.wait(0.5)
    for who in MEMBERS:
        sc(group.place, who, "sync")
        assert [group.has(who, skills[task][0]) for task in (COMPILE, RELEASE)] == [True, False]
    requests = group.works("bob", COMPILE, [COMPILE.working])
    assert skills[COMPILE][0] in requests[0] and skills[RELEASE][0] not in requests[0]
