"""A machine with its personal hub and a group's, both real and on folders, in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from skillclaw import settings
from skillclaw.errors import StorageError
from skillclaw.hub import Hub, keys
from skillclaw.hub.store import Store
from skillclaw.library import SyncReport
from skillclaw.server.machine import Machine
from skillclaw.server.work import sync
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Bundle, File, Proposal, Verdict


def bundle(name: str, text: str, *more: File) -> Bundle:
    """A skill that every static check lets through."""
    head = f"---\nname: {name}\ndescription: How to work with {name} in this project.\n---\n# {name}\n\n"
    return Bundle(name=name, files=[File(path="SKILL.md", data=f"{head}{text}\n".encode()), *more])


class Hubs:
    """`place`/home is the user's home; the group's owner has a folder of its own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.home = place / "home"
        self.skills = self.home / ".claude" / "skills"
        self.skills.mkdir(parents=True)
        self.team_folder = place / "team"
        self.team = Hub.open_or_create(
            str(self.team_folder), place / "owner" / "keys", place / "owner" / "hubs.json"
        )
        self.environ = {"SKILLCLAW_SYNC__TARGETS": json.dumps([str(self.skills)])}
        self.machine = self.fresh()
        settings.set_value(self.machine.home, "hubs.team.url", str(self.team_folder))

    def fresh(self) -> Machine:
        """The machine as a new process sees it."""
        return Machine(self.home / ".skillclaw", self.environ)

    def admit(self) -> None:
        """Make the machine a member of the group."""
        key = keys.load_or_create(self.machine.home / "keys", self.team.info.group, "member")
        body = {"public": keys.public_hex(key), "role": "member", "name": "m"}
        self.team.commit("key-add", body, role="owner")

    def release(self, hub: Hub, one: Bundle, **more: object) -> str:
        """Release `one` as a person does."""
        made, name = hub.put_bundle(one)
        known = hub.state().skills.get(one.name)
        base = known.current if known is not None else None
        body = {"skill": one.name, "version": made, "base": base, "object": name, "stage": "stable", **more}
        hub.commit("release", body, role="owner")
        return made

    def evolve(self, hub: Hub, one: Bundle, *, approve: bool = False) -> str:
        """Release `one` as the evolver does, with a proposal that passed: a canary, and then for all."""
        known = hub.state().skills.get(one.name)
        base = known.current if known is not None else None
        proposal = Proposal(
            id=f"p-{version(one)[:12]}",
            action="refine" if base else "create",
            skill=one.name,
            base=base,
            engine="extractive",
            why="",
            bundle=one,
        )
        hub.propose(proposal)
        hub.record_verdicts(proposal.id, [Verdict(check="spec", verdict="pass", reason="Fine.")], "passed")
        if approve:
            hub.approve(proposal.id)
        hub.release(proposal.id, stage="canary")
        return hub.promote(one.name).version

    def sync(self, machine: Machine | None = None) -> SyncReport:
        return sync(machine or self.machine)

    def text(self, name: str) -> str | None:
        """What is installed under the name: the body's last line; None where nothing is."""
        path = self.skills / name / "SKILL.md"
        return path.read_text("utf-8").rstrip("\n").rsplit("\n", 1)[-1] if path.exists() else None

    def edit(self, name: str, old: str, new: str) -> Path:
        path = self.skills / name / "SKILL.md"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")
        return path


class Counted:
    """The requests that went to storage, and what came back."""

    def __init__(self) -> None:
        self.gets: list[str] = []
        self.sent = 0
        self.received = 0
        self.fail_at = -1


@contextmanager
def counted(fail_at: int = -1) -> Iterator[Counted]:
    """Count every read of every hub; the read number `fail_at` (from 0) fails as a broken network does."""
    seen = Counted()
    real = Store.get

    def get(self: Store, key: str, limit: int) -> bytes | None:
        seen.gets.append(key)
        if len(seen.gets) - 1 == fail_at:
            raise StorageError(f"The hub at {self.shown} could not be read ({key}).", "connection reset")
        data = real(self, key, limit)
        seen.sent += len(key)
        seen.received += len(data or b"")
        return data

    with mock.patch.object(Store, "get", get):
        yield seen
