"""The skills of a hub as a git repository: the same log gives the same commits; nothing else is touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hubs_at_hand import Hubs, bundle
from skills_house import deploy

from skillclaw.errors import BadInputError, BusyError, StorageError, UsageError
from skillclaw.server.git.export import GitExport, export_git
from skillclaw.server.git.repo import Repository
from skillclaw.server.review.decisions import rollback
from skillclaw.skills.records import File, Proposal, Verdict


def git(folder: Path, *arguments: str) -> str:
    line = ["git", "-C", str(folder), "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments]
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(line, env=environ, capture_output=True, text=True, check=True).stdout


def export(hubs: Hubs, name: str = "out") -> GitExport:
    return export_git(hubs.fresh(), hubs.place / name, "personal")


@pytest.fixture
def hubs(tmp_path: Path) -> Hubs:
    made = Hubs(tmp_path)
    deploy(made)
    return made


def test_the_same_log_gives_the_same_commits_and_a_longer_one_only_adds(hubs: Hubs) -> None:
    out = hubs.place / "out"
    first = export(hubs)
    assert (first.commits, first.added, first.branch) == (2, 2, "main")
    assert export(hubs) == GitExport(**{**_fields(first), "added": 0})
    rollback(hubs.machine, "deploy", None, "It broke\nLog-Entry: 1\x1b[2J")
    hubs.evolve(hubs.machine.hub, bundle("other", "- One line."))
    later, anew = export(hubs), export(hubs, "anew")
    assert (later.commits, later.added) == (5, 3)
    assert anew.tip == later.tip and anew.added == 5
    assert git(out, "merge-base", "--is-ancestor", str(first.tip), "HEAD") == ""
    assert git(out, "status", "--porcelain") == ""
    assert git(out, "log", "-1", "--format=%an <%ae> %cn <%ce> %ad", "--date=format:%z").split() == [
        *("SkillClaw", "<skillclaw@localhost>", "SkillClaw", "<skillclaw@localhost>", "+0000")
    ]
    told = git(out, "log", "--reverse", "--format=%B%x00").split("\0")
    assert "deploy" in told[1] and "Evidence: 5 sessions of 2 people behind 2 of 5 lines." in told[1]
    assert "rolled back to" in told[2] and "Why: It broke Log-Entry: 1\ufffd[2J\n" in told[2]
    assert told[2].count("\nLog-Entry: ") == 1
    released = hubs.machine.hubs.bundle(
        hubs.machine.hub, hubs.machine.hub.state().skills["deploy"].releases[0]
    )
    there = [path for path in (out / "deploy").rglob("*") if path.is_file()]
    held = {path.relative_to(out / "deploy").as_posix(): path.read_bytes() for path in there}
    assert held == {file.path: file.data for file in released.files}


def _fields(done: GitExport) -> dict[str, Any]:
    return {name: getattr(done, name) for name in done.__struct_fields__}


@pytest.mark.slow
def test_why_a_version_came_is_in_its_commit_and_what_it_did_in_the_next(hubs: Hubs) -> None:
    hub = hubs.machine.hub
    proposal = Proposal(
        id="p-1", action="create", skill="told", base=None, engine="extractive",
        why="Six sessions met it.", bundle=bundle("told", "- A line.")
    )  # fmt: skip
    hub.propose(proposal)
    hub.record_verdicts("p-1", [Verdict(check="spec", verdict="pass", reason="Fine.")], "passed")
    hub.release("p-1", stage="canary")
    version = hub.state().skills["told"].current
    effect = {
        "endpoint": "outcome", "treated_n": 40, "control_n": 40, "clients": 4, "blocks": 30,
        "treated_rate": 0.9, "control_rate": 0.6, "difference": 0.3, "ci": [0.1, 0.5],
    }  # fmt: skip
    hub.commit(
        "promote", {"skill": "told", "version": version, "base": version, "stage": "stable", "effect": effect}
    )
    export(hubs)
    before, after = git(hubs.place / "out", "log", "-2", "--reverse", "--format=%B%x00").split("\0")[:2]
    assert "Why: Six sessions met it.\n" in before and "Proposal: p-1\nMade-By: extractive\n" in before
    assert "+30 points [+10, +50]" in after and after.strip().startswith("told ")


def test_a_folder_that_is_not_such_an_export_stays_as_it_is(hubs: Hubs) -> None:
    full = hubs.place / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not a git repository"):
        export(hubs, "full")
    assert [path.name for path in full.iterdir()] == ["mine.txt"]
    theirs = hubs.place / "theirs"
    git(hubs.place, "init", "-q", str(theirs))
    (theirs / "a.txt").write_text("a")
    git(theirs, "add", "a.txt")
    git(theirs, "commit", "-q", "-m", "Mine")
    head = git(theirs, "rev-parse", "HEAD")
    with pytest.raises(UsageError, match="not of hub personal's log"):
        export(hubs, "theirs")
    assert git(theirs, "rev-parse", "HEAD") == head and git(theirs, "status", "--porcelain") == ""
    inner = full / "inner"
    inner.mkdir()
    (inner / ".git").write_text("gitdir: ../elsewhere\n")
    with pytest.raises(UsageError, match="part of another repository"):
        export(hubs, "full/inner")


@pytest.mark.slow
def test_files_that_were_changed_by_hand_and_files_in_the_way_stop_it(hubs: Hubs) -> None:
    first, out = export(hubs), hubs.place / "out"
    (out / "README.md").write_text("A file of my own, which no skill has.")
    edited = out / "deploy" / "SKILL.md"
    text = edited.read_text()
    edited.write_text(text + "mine\n")
    with pytest.raises(UsageError, match=r"were changed: deploy/SKILL\.md"):
        export(hubs)
    assert edited.read_text() == text + "mine\n"
    edited.write_text(text)
    hubs.evolve(hubs.machine.hub, bundle("other", "- One line."))
    (out / "other").mkdir()
    (out / "other" / "SKILL.md").write_text("mine")
    with pytest.raises(BadInputError, match="git could not do it"):
        export(hubs)
    assert (out / "other" / "SKILL.md").read_text() == "mine"
    assert git(out, "rev-parse", "HEAD").strip() == first.tip
    (out / "other" / "SKILL.md").unlink()
    (out / ".git" / "index.lock").touch()
    with pytest.raises(BusyError, match="Another git is at work"):
        export(hubs)
    (out / ".git" / "index.lock").unlink()
    assert export(hubs).added == 2
    assert (out / "README.md").exists()


@pytest.mark.slow
@pytest.mark.parametrize("text", [b"", b"fast-im", b"fast-import"])
def test_what_an_export_held_a_pack_by_does_not_stop_the_next_one(hubs: Hubs, text: bytes) -> None:
    """git died of a full disk, or was killed, while it put the pack in place: the next one gets its name."""
    first = export(hubs)
    (pack,) = (hubs.place / "out" / ".git" / "objects" / "pack").glob("*.pack")
    again = hubs.place / "again"
    git(hubs.place, "init", "-q", str(again))
    packs = again / ".git" / "objects" / "pack"
    packs.mkdir(exist_ok=True)
    (packs / pack.name).with_suffix(".keep").write_bytes(text)
    own = packs / "pack-of-mine.keep"
    own.write_text("mine", "utf-8")
    assert export(hubs, "again").tip == first.tip
    assert [one.name for one in packs.glob("*.keep")] == [own.name]


def test_a_repository_that_was_half_made_is_made(hubs: Hubs) -> None:
    first = export(hubs)
    (hubs.place / "again" / ".git").mkdir(parents=True)
    (hubs.place / "again" / ".git" / "HEAD").write_text("ref: refs/heads/main\n", "utf-8")
    left = hubs.place / "again" / ".skillclaw-new-abc"
    left.mkdir()
    assert export(hubs, "again").tip == first.tip
    assert not left.exists() and git(hubs.place / "again", "status", "--porcelain") == ""


def test_no_hook_runs_and_what_a_skill_says_to_git_is_a_file_like_others(hubs: Hubs) -> None:
    export(hubs)
    out, ran = hubs.place / "out", hubs.place / "ran"
    (out / ".git" / "hooks").mkdir(exist_ok=True)
    for name in ("reference-transaction", "post-checkout", "post-index-change", "pre-commit"):
        hook = out / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\necho {name} >> {ran}\n")
        hook.chmod(0o755)
    files = [
        File(path=".gitattributes", data=b"* text eol=crlf ident\n"),
        File(path=".git/config", data=b"[core]\n\tfsmonitor = touch\n"),
        File(path="scripts/run me.sh", data=b"echo $Id$\n", executable=True),
    ]
    hubs.evolve(hubs.machine.hub, bundle("odd", "- One line.", *files))
    assert export(hubs).added == 2
    assert not ran.exists()
    assert (out / "odd" / "scripts" / "run me.sh").read_bytes() == b"echo $Id$\n"
    assert (out / "odd" / "scripts" / "run me.sh").stat().st_mode & 0o100
    assert b"\r" not in (out / "odd" / "SKILL.md").read_bytes()
    assert not (out / "odd" / ".git").exists()


@pytest.mark.slow
def test_an_object_that_is_gone_leaves_the_repository_as_it_was(hubs: Hubs) -> None:
    first = export(hubs)
    hubs.evolve(hubs.machine.hub, bundle("other", "- One line."))
    (release,) = hubs.machine.hub.state().skills["other"].releases
    (hubs.machine.home / "hub" / "objects" / release.object).unlink()
    with pytest.raises(StorageError, match="is not in the hub"):
        export(hubs)
    assert git(hubs.place / "out", "rev-parse", "HEAD").strip() == first.tip
    assert git(hubs.place / "out", "status", "--porcelain") == ""


class Cut(BaseException):
    """The process ends here."""


@pytest.mark.slow
@pytest.mark.parametrize("point", ["read-tree -m -u", "update-ref -m", "update-ref -d"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_export_that_was_cut_off_is_ended_by_the_next(
    hubs: Hubs, monkeypatch: pytest.MonkeyPatch, point: str, when: str
) -> None:
    export(hubs)
    hubs.evolve(hubs.machine.hub, bundle("other", "- One line."))
    real = Repository._done

    def cut(self: Repository, *arguments: str, inside: bool = True) -> subprocess.CompletedProcess[bytes]:
        hit = " ".join(arguments).startswith(point)
        if hit and when == "before":
            raise Cut
        done = real(self, *arguments, inside=inside)
        if hit:
            (self.folder / "other" / "SKILL.md").write_bytes(b"half of i")
            raise Cut
        return done

    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr(Repository, "_done", cut)
        export(hubs)
    finished = (hubs.place / "out" / ".git" / "skillclaw-checkout").exists()
    if not finished and when == "after":  # nothing was under way any more: that file is an edit
        with pytest.raises(UsageError, match="were changed"):
            export(hubs)
        return
    done, anew = export(hubs), export(hubs, "anew")
    assert done.tip == anew.tip
    assert git(hubs.place / "out", "status", "--porcelain") == ""
    assert git(hubs.place / "out", "rev-parse", "HEAD").strip() == done.tip


@pytest.mark.slow
def test_an_export_may_be_killed_at_any_time(hubs: Hubs) -> None:
    for number in range(6):
        data = b"x" * 200_000
        one = bundle(
            f"skill-{number}", "- One line.", File(path="references/long.md", data=data + b"%d" % number)
        )
        hubs.release(hubs.machine.hub, one)
    whole = export(hubs, "whole")
    line = [sys.executable, "-m", "skillclaw", "skills", "export", "--git", str(hubs.place / "out"), "--json"]
    environ = {**os.environ, "SKILLCLAW_HOME": str(hubs.machine.home)}
    began = time.monotonic()
    subprocess.run(line, env=environ, check=True, capture_output=True)
    lasts = time.monotonic() - began
    for part in (0.6, 0.9):
        out = hubs.place / f"killed-{part}"
        line[-2] = str(out)
        child = subprocess.Popen(line, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(lasts * part)
        child.send_signal(signal.SIGKILL)
        child.wait()
        time.sleep(0.3)  # what git it had started ends by itself
        done = subprocess.run(line, env=environ, check=True, capture_output=True, text=True)
        assert json.loads(done.stdout)["tip"] == whole.tip
        assert git(out, "status", "--porcelain") == ""
        assert git(out, "fsck", "--strict") == ""
