"""Stolen keys do what they may, at random, after people took a skill away: no machine has it afterwards."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hubs_at_hand import Hubs, bundle
from taking import release_raw

from skillclaw.errors import BadInputError, SkillClawError
from skillclaw.hub import Release, keys
from skillclaw.hub.taken import left_over
from skillclaw.skills.records import Action, Bundle, File, Proposal, Retired, Verdict

pytestmark = pytest.mark.live

SCRIPT = File(path="scripts/run.sh", data=b"#!/bin/sh\nls\n", executable=True)
RISKY = "rm -rf ~/data"
TEXTS = [f"- Clean up: `{RISKY}`\n- Run {n}." for n in range(3)] + [f"- Run {n} safely." for n in range(2)]


class Attack:
    """A group in which `deploy` was approved, changed, and named by a merge perhaps; then people took it
    away: its owner archived it, agreed to retire it, or went back to a version without harm, which happens
    again later on. A stolen evolver's key may have done something since the owner looked."""

    def __init__(self, place: Path, seed: int, roles: list[str]) -> None:
        self.random = random.Random(seed)
        self.roles = roles
        self.proposals = 0
        self.done: list[str] = []
        self.hubs = Hubs(place)
        self.team = self.hubs.team
        self.team.commit("settings", {"policy": "team"}, role="owner")
        self.hubs.evolve(self.team, bundle("all", "- Do it."))
        self.release(self.deploy(4, script=False))
        self.release(self.deploy(0, script=True), approve=True)
        for _ in range(self.random.randrange(3)):
            self.attempt(lambda: self.release(self.some_deploy(), approve=self.random.random() < 0.3))
        if self.random.random() < 0.7:
            self.attempt(self.merge)
        for _ in range(self.random.randrange(3)):
            self.attempt(self.wait)
        if self.random.random() < 0.7:
            self.sync()
        if len(roles) > 1:
            key = keys.load_or_create(self.team.keys_folder, self.team.info.group, "reviewer")
            body = {"public": keys.public_hex(key), "role": "reviewer", "name": "rae"}
            self.team.commit("key-add", body, role="owner")
        self.roles = ["evolver"]
        self.random.choice([self.archive_slowly, self.retire_slowly, self.go_back_slowly])()
        self.roles = roles
        if len(roles) > 1:
            self.team.commit("settings", {"reviewers": 2}, role="owner")
        if self.random.random() < 0.7:
            self.sync()

    def run(self) -> None:
        ways: list[Callable[[], None]] = [
            self.promote, self.roll_back, self.roll_back, self.change, self.change, self.merge, self.archive,
            self.release_again, self.approve, self.go_back_unharmed, self.release_what_waits,
            self.release_what_waits,
        ]  # fmt: skip
        for _ in range(self.random.randrange(2, 9)):
            self.attempt(self.random.choice(ways))
            if self.random.random() < 0.5:
                self.sync()
        self.sync()

    def archive_slowly(self) -> None:
        base = self.team.state().skills["deploy"].current
        self.act_quickly()
        self.take_away(lambda: self.team.archive("deploy", "It wipes disks.", base=base, role="owner"))

    def retire_slowly(self) -> None:
        base = self.team.state().skills["deploy"].current
        self.team.propose(Proposal(id="r", action="retire", skill="deploy", base=base, engine="x", why=""))
        self.team.record_verdicts("r", [Verdict(check="spec", verdict="pass", reason="Fine.")], "passed")

        def agree() -> None:
            self.team.approve("r")
            self.act_quickly()
            self.team.release("r", role="owner")

        self.act_quickly()
        self.take_away(agree)

    def go_back_slowly(self) -> None:
        skill = self.team.state().skills["deploy"]
        to = self.random.choice([one.version for one in skill.releases if not self.risky(one)])
        if to == skill.current:
            return self.archive_slowly()
        self.act_quickly()
        self.take_away(lambda: self.team.rollback("deploy", to, base=skill.current, role="owner"))
        return None

    def act_quickly(self) -> None:
        """What a stolen key does between the owner's look and deed."""
        for _ in range(self.random.randrange(3)):
            ways = [self.roll_back, self.archive, self.archive, self.change, self.merge, self.promote]
            self.attempt(self.random.choice(ways))

    def take_away(self, deed: Callable[[], None]) -> None:
        """What the owner does, and where that is refused, archives what is there then, as the command has it:
        also what is archived already."""
        try:
            deed()
        except BadInputError:
            skill = self.team.state().skills["deploy"]
            base = skill.current or left_over(self.team.state(), skill, None)
            if base is not None:
                self.team.archive("deploy", "It wipes disks.", base=base, role="owner")

    def attempt(self, way: Callable[[], None]) -> None:
        try:
            way()
        except SkillClawError:  # the log takes no such entry
            return
        self.done.append(getattr(way, "__name__", "?"))

    def sync(self, day: int = 0) -> None:
        """As the machine does it so many days from now: of canaries it has one or the other arm then."""
        machine = self.hubs.fresh()
        machine.hubs.clock = lambda: datetime.now(UTC) + timedelta(days=day)
        self.hubs.sync(machine)

    @property
    def role(self) -> str:
        return self.random.choice(self.roles)

    def some(self) -> tuple[str, list[str], str | None]:
        """A skill, its versions, and the current one."""
        skill = self.team.state().skills[self.random.choice(["all", "deploy", "deploy"])]
        return skill.name, [one.version for one in skill.releases], skill.current

    def deploy(self, text: int, *, script: bool) -> Bundle:
        return bundle("deploy", TEXTS[text], *([SCRIPT] if script else []))

    def some_deploy(self) -> Bundle:
        return self.deploy(self.random.randrange(len(TEXTS)), script=self.random.random() < 0.6)

    def release(self, one: Bundle, *, retires: list[Retired] | None = None, approve: bool = False) -> None:
        self.proposals += 1
        known, id_ = self.team.state().skills.get(one.name), f"p{self.proposals}"
        base = known.current if known is not None else None
        given = Proposal(
            id=id_,
            action="merge" if retires else "refine" if base else "create",
            skill=one.name,
            base=base,
            engine="x",
            why="",
            bundle=one,
            retires=retires or [],
        )
        self.team.propose(given)
        self.team.record_verdicts(id_, [Verdict(check="spec", verdict="pass", reason="Fine.")], "passed")
        if approve:
            self.team.approve(id_)
        release_raw(self.team, id_)

    def wait(self) -> None:
        """The owner approves what is not released, a twin of some version perhaps, on top of any."""
        self.proposals += 1
        skill, id_ = self.team.state().skills["deploy"], f"p{self.proposals}"
        base = self.random.choice([*(one.version for one in skill.releases), None])
        one = self.some_deploy()
        action: Action = "refine" if base else "create"
        self.team.propose(
            Proposal(id=id_, action=action, skill="deploy", base=base, engine="x", why="", bundle=one)
        )
        self.team.record_verdicts(id_, [Verdict(check="spec", verdict="pass", reason="Fine.")], "passed")
        self.team.commit("approval", {"proposal": id_}, role="owner")

    def release_what_waits(self) -> None:
        state = self.team.state()
        base = state.skills["deploy"].current
        ready = [p.id for p in state.proposals.values() if (p.status, p.base) == ("passed", base)]
        if ready:
            release_raw(self.team, self.random.choice(ready))

    def change(self) -> None:
        self.release(self.some_deploy())

    def merge(self) -> None:
        current = self.team.state().skills["deploy"].current
        if current is not None:
            one = bundle("all", f"- Do it {self.random.randrange(4)} times.")
            self.release(one, retires=[Retired(skill="deploy", version=current)])

    def promote(self) -> None:
        name, _, current = self.some()
        stage = self.random.choice(["stable", "unproven"])
        body = {"skill": name, "version": current, "base": current, "stage": stage}
        self.team.commit("promote", body, role=self.role)

    def roll_back(self) -> None:
        name, versions, current = self.some()
        body = {"skill": name, "version": self.random.choice([*versions, None]), "base": current}
        named = {"returns": ["deploy"]} if self.random.random() < 0.4 else {}
        self.team.commit("rollback", body | named, role=self.role)

    def archive(self) -> None:
        name, _, current = self.some()
        self.team.commit("archive", {"skill": name, "base": current}, role=self.role)

    def release_again(self) -> None:
        name, versions, current = self.some()
        release = self.team.state().skills[name].release(self.random.choice(versions))
        assert release is not None
        body = {"skill": name, "version": release.version, "base": current, "object": release.object}
        self.team.commit("release", body | {"stage": "stable"}, role=self.role)

    def go_back_unharmed(self) -> None:
        """The owner goes back to a version without harm, or archives the skill that is at that."""
        skill = self.team.state().skills["deploy"]
        fine = [one for one in skill.releases if not self.risky(one)]
        to = self.random.choice(fine).version
        if to == skill.current:
            self.team.archive("deploy", role="owner")
        else:
            self.team.commit(
                "rollback", {"skill": "deploy", "version": to, "base": skill.current}, role="owner"
            )

    def risky(self, release: Release) -> bool:
        files = {file.path: file.data for file in self.team.get_bundle(release).files}
        return SCRIPT.path in files or RISKY.encode() in files["SKILL.md"]

    def approve(self) -> None:
        waiting = [p.id for p in self.team.state().proposals.values() if p.status in ("held", "passed")]
        if waiting:
            self.team.commit("approval", {"proposal": self.random.choice(waiting)}, role=self.role)


FEW = [pytest.param(seed, id=str(seed)) for seed in range(10)]
MANY = [pytest.param(seed, marks=pytest.mark.slow, id=str(seed)) for seed in range(10, 300)]


@pytest.mark.parametrize("roles", [["evolver"], ["evolver", "reviewer"]], ids="+".join)
@pytest.mark.parametrize("seed", FEW + MANY)
def test_no_machine_has_what_people_took_away(seed: int, roles: list[str], tmp_path: Path) -> None:
    """With the stolen key of an evolver; where two people decide, with that of one of them as well."""
    attack = Attack(tmp_path, seed, roles)
    attack.run()
    folder = attack.hubs.skills / "deploy"
    for day in range(3):
        attack.sync(day)
        text = (folder / "SKILL.md").read_text("utf-8") if folder.exists() else ""
        assert RISKY not in text, (day, attack.done)
        assert not (folder / "scripts" / "run.sh").exists(), (day, attack.done)
