"""The log and its fold against a plain dict: whatever two writers, a stranger, packing and restarts do."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from examples import examples
from hub_logs import LATER, entry, key_of, opened
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from skillclaw.errors import BadInputError
from skillclaw.hub import HubState, compaction, keys, log
from skillclaw.hub.records import Event, SkillState

STRANGER = keys.SigningKey(b"s" * 32)
OBJECT = "a" * 64
SKILLS = st.sampled_from(["git", "pytest"])
VERSIONS = st.sampled_from(["1" * 64, "2" * 64, "3" * 64])
MAYBE = st.one_of(st.none(), VERSIONS)
SHARES = st.sampled_from([None, 0.25, 1.0])
WHY = st.sampled_from(["", "It helps.", "It harms."])
ROLES = st.sampled_from(["owner", "evolver", "reviewer"])
PEOPLE = ("owner", "reviewer")
WRITERS = st.sampled_from([0, 1])


def seen(state: HubState) -> dict[str, Any]:
    """The parts of a state that the model knows."""
    return {
        "seq": state.seq,
        "void": state.void,
        "settings": state.settings,
        "keys": {public: [key.role, key.revoked] for public, key in state.keys.items()},
        "tombstones": state.tombstones,
        "skills": {
            skill.name: {
                "current": skill.current,
                "stage": skill.stage,
                "pinned": skill.pinned,
                "releases": [[release.version, release.stage] for release in skill.releases],
                "shares": [release.share for release in skill.releases],
                "whys": sorted(one.why for one in stories(skill) if one.why),
            }
            for skill in state.skills.values()
        },
    }


def stories(skill: SkillState) -> list[Event]:
    return [one for release in skill.releases for one in release.story]


class LogAndModel(RuleBasedStateMachine):
    """`model` is what the log means, by rules of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.readers = 0

    @initialize()
    def found(self) -> None:
        first = opened(self.place)
        reviewer = keys.load_or_create(self.place / "me" / "keys", first.info.group, "reviewer")
        first.commit("key-add", {"public": keys.public_hex(reviewer), "role": "reviewer"}, role="owner")
        shutil.copytree(self.place / "me", self.place / "me too")
        self.hubs = [first, opened(self.place, "me too")]
        self.public = {
            role: keys.public_hex(key_of(self.place, first, role))
            for role in ("owner", "evolver", "reviewer", "member")
        }
        self.model: dict[str, Any] = {
            "seq": 3,
            "void": 0,
            "settings": {},
            "keys": {self.public[r]: [r, False] for r in ("owner", "evolver", "member", "reviewer")},
            "tombstones": [],
            "skills": {},
        }

    def commit(self, who: int, kind: str, body: dict[str, Any], role: str, allowed: bool) -> bool:
        """Commit, and see that the hub takes it if, and only if, the model does."""
        allowed = allowed and not self.model["keys"][self.public[role]][1]
        try:
            self.hubs[who].commit(kind, body, role=role)
        except BadInputError as error:
            assert not allowed, (kind, body, role, str(error))
            return False
        assert allowed, (kind, body, role)
        self.model["seq"] += 1
        return True

    def skill(self, name: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.model["skills"].get(name)
        return found

    def free(self, skill: dict[str, Any] | None, base: str | None, role: str) -> bool:
        """Whether `role` may change the skill's current version from `base`."""
        if skill is None:
            return base is None
        return base == skill["current"] and not (skill["pinned"] and role == "evolver")

    def base_of(self, name: str, right: bool, other: str | None) -> str | None:
        skill = self.skill(name)
        return (skill["current"] if skill else None) if right else other

    @rule(
        who=WRITERS,
        name=SKILLS,
        version=VERSIONS,
        right=st.booleans(),
        other=MAYBE,
        role=ROLES,
        share=SHARES,
    )
    def release(
        self,
        who: int,
        name: str,
        version: str,
        right: bool,
        other: str | None,
        role: str,
        share: float | None,
    ) -> None:
        base, skill = self.base_of(name, right, other), self.skill(name)
        policy = self.model["settings"].get("policy", "solo")
        allowed = (
            self.free(skill, base, role)
            and (
                skill is None
                or (version != skill["current"] and [version, "revoked"] not in skill["releases"])
            )
            and (policy == "solo" or role in PEOPLE)
            and (
                self.model["settings"].get("reviewers") != 2
                or (skill is not None and version in [known for known, _ in skill["releases"]])
            )
        )
        body = {"skill": name, "version": version, "base": base, "object": OBJECT, "stage": "canary"}
        body |= {"share": share} if share is not None else {}
        if self.commit(who, "release", body, role, allowed):
            skill = self.model["skills"].setdefault(
                name, {"pinned": False, "releases": [], "shares": [], "whys": []}
            )
            skill["shares"].append(share)
            skill |= {"current": version, "stage": "canary"}
            skill["releases"].append([version, "canary"])

    @rule(
        who=WRITERS,
        name=SKILLS,
        right=st.booleans(),
        other=VERSIONS,
        stage=st.sampled_from(["stable", "unproven"]),
        why=WHY,
    )
    def promote(self, who: int, name: str, right: bool, other: str, stage: str, why: str) -> None:
        version, skill = self.base_of(name, right, other), self.skill(name)
        allowed = bool(skill and version == skill["current"] and version and skill["stage"] != stage)
        body = {"skill": name, "version": version, "base": version, "stage": stage}
        body |= {"why": why} if why else {}
        if self.commit(who, "promote", body, "evolver", allowed):
            assert skill is not None
            skill["stage"] = stage
            last = max(n for n, release in enumerate(skill["releases"]) if release[0] == version)
            skill["releases"][last][1] = stage
            self.told(skill, why)

    def told(self, skill: dict[str, Any], why: str) -> None:
        """A reason stays with the version that it is about; which one that is, other tests say."""
        skill["whys"] = sorted([*skill["whys"], *([why] if why else [])])

    @rule(who=WRITERS, name=SKILLS, to=MAYBE, right=st.booleans(), other=VERSIONS, role=ROLES, why=WHY)
    def roll_back(
        self, who: int, name: str, to: str | None, right: bool, other: str, role: str, why: str
    ) -> None:
        base, skill = self.base_of(name, right, other), self.skill(name)
        known = [release for release in skill["releases"] if release[0] == to] if skill else []
        allowed = bool(skill and base and self.free(skill, base, role) and to != base)
        if to is not None:
            allowed = allowed and bool(known) and "revoked" not in [stage for _, stage in known]
        body = {"skill": name, "version": to, "base": base} | ({"why": why} if why else {})
        if self.commit(who, "rollback", body, role, allowed):
            assert skill is not None
            self.told(skill, why)
            skill |= {"current": to, "stage": known[-1][1] if to else "archived"}

    @rule(who=WRITERS, name=SKILLS, right=st.booleans(), other=VERSIONS, role=ROLES)
    def archive(self, who: int, name: str, right: bool, other: str, role: str) -> None:
        base, skill = self.base_of(name, right, other), self.skill(name)
        allowed = bool(skill and base and self.free(skill, base, role))
        if self.commit(who, "archive", {"skill": name, "base": base}, role, allowed):
            assert skill is not None
            skill |= {"current": None, "stage": "archived"}

    @rule(who=WRITERS, name=SKILLS, version=MAYBE, role=ROLES)
    def revoke(self, who: int, name: str, version: str | None, role: str) -> None:
        skill = self.skill(name)
        hit = [r for r in skill["releases"] if version in (None, r[0])] if skill else []
        allowed = any(stage != "revoked" for _, stage in hit)
        if self.commit(who, "revoke", {"skill": name, "version": version}, role, allowed):
            assert skill is not None
            for release in hit:
                release[1] = "revoked"
            if skill["current"] in [release[0] for release in hit]:
                skill |= {"current": None, "stage": "revoked"}

    @rule(who=WRITERS, name=SKILLS, pinned=st.booleans(), role=ROLES)
    def pin(self, who: int, name: str, pinned: bool, role: str) -> None:
        skill = self.skill(name)
        allowed = skill is not None and role in PEOPLE
        if self.commit(who, "pin", {"skill": name, "pinned": pinned}, role, allowed):
            assert skill is not None
            skill["pinned"] = pinned

    @rule(who=WRITERS, key=st.sampled_from("abc"), role=ROLES)
    def forget(self, who: int, key: str, role: str) -> None:
        if self.commit(who, "tombstone", {"key": key}, role, key not in self.model["tombstones"]):
            self.model["tombstones"].append(key)

    @rule(
        who=WRITERS,
        policy=st.sampled_from(["solo", "team", None]),
        hosts=MAYBE,
        reviewers=st.sampled_from([0, 0, 0, 1, 2, None]),
        role=ROLES,
    )
    def settle(
        self, who: int, policy: str | None, hosts: str | None, reviewers: int | None, role: str
    ) -> None:
        body: dict[str, Any] = {"policy": policy, "hosts": hosts}
        body |= {"reviewers": reviewers} if reviewers != 0 else {}
        if self.commit(who, "settings", body, role, role == "owner"):
            merged = self.model["settings"] | body
            self.model["settings"] = {key: value for key, value in merged.items() if value is not None}

    @rule(who=WRITERS, n=st.integers(1, 3), role=ROLES)
    def admit(self, who: int, n: int, role: str) -> None:
        public = keys.public_hex(keys.SigningKey(bytes([n] * 32)))
        allowed = role == "owner" and public not in self.model["keys"]
        if self.commit(who, "key-add", {"public": public, "role": "member"}, role, allowed):
            self.model["keys"][public] = ["member", False]

    @rule(
        who=WRITERS,
        whose=st.sampled_from(["owner", "evolver", "reviewer", "member"]),
        often=st.integers(0, 3),
    )
    def take_out(self, who: int, whose: str, often: int) -> None:
        if often:
            return  # else hardly anybody may do anything
        public = self.public[whose]
        allowed = whose != "owner" and not self.model["keys"][public][1]
        if self.commit(who, "key-revoke", {"public": public}, "owner", allowed):
            self.model["keys"][public][1] = True

    @rule(how=st.sampled_from(["rubbish", "stranger", "chain", "number", "member", "group", "again"]))
    def void(self, how: str) -> None:
        state = self.hubs[0].state()
        made = log.Commit(
            seq=state.seq + (how != "number"),
            prev="0" * 64 if how == "chain" else state.head,
            time="",
            kind="tombstone",
            body={"key": "never"},
            signer="",
        )
        signer = {"stranger": STRANGER, "member": key_of(self.place, self.hubs[0], "member")}.get(
            how, key_of(self.place, self.hubs[0], "owner")
        )
        data = log.sign(made, signer, "f" * 32 if how == "group" else state.group)
        if how == "rubbish":
            data = data[:-7]
        if how == "again" and entry(self.place, state.seq).exists():
            data = entry(self.place, state.seq).read_bytes()
        elif how == "again":
            return
        assert self.hubs[0].store.create(log.key_of(state.seq + 1), data)
        self.model["seq"] += 1
        self.model["void"] += 1

    @rule(who=WRITERS)
    def begin_again(self, who: int) -> None:
        self.hubs[who] = opened(self.place, ["me", "me too"][who])

    @rule(who=WRITERS)
    def mark(self, who: int) -> None:
        hub = self.hubs[who]
        hub.state()
        hub.checkpoint(every=1)

    @rule(who=WRITERS)
    def pack(self, who: int) -> None:
        """As `hub compact` does a year later; the other writer looks again, as it does once a day."""
        hub = self.hubs[who]
        owner = key_of(self.place, hub, "owner")
        compaction.compact(hub.store, hub.info, owner, 180, datetime.now(UTC) + LATER, least=2)
        for one in self.hubs:
            one.reader.look_again()

    @rule()
    @precondition(lambda self: self.readers < 3)
    def a_new_machine(self) -> None:
        self.readers += 1
        state = opened(self.place, f"reader {self.readers}").state()
        assert seen(state) == self.model
        assert state == self.hubs[0].state(), "the stories too"

    @invariant()
    def all_read_the_same(self) -> None:
        if hasattr(self, "hubs"):
            for hub in self.hubs:
                assert seen(hub.state()) == self.model

    def teardown(self) -> None:
        try:
            if hasattr(self, "hubs"):
                problems = self.hubs[0].verify()
                # each release names an object that nobody stored
                assert sum("is void" in line for line in problems) == self.model["void"]
                assert all("is void" in line or line.startswith("release ") for line in problems), problems
                for path in (self.place / "hub" / "log").glob("checkpoint-*"):
                    path.unlink()
                assert opened(self.place, "last").state() == self.hubs[1].state()
        finally:
            shutil.rmtree(self.place)


COMMON = settings(deadline=None, suppress_health_check=list(HealthCheck))
LogAndModel.TestCase.settings = settings(COMMON, max_examples=examples(8), stateful_step_count=25)
TestLog = LogAndModel.TestCase


class Longer(LogAndModel):
    """The same, for longer."""


Longer.TestCase.settings = settings(COMMON, max_examples=examples(80, costs=4), stateful_step_count=40)
TestLogForLonger = pytest.mark.slow(Longer.TestCase)
