"""What a machine takes in, credits and does only with consent, part by part and without waiting."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from atif_sessions import Ran, session, write
from cli import ok, ok_json

from skillclaw.agents import Env, HistoryFile, HistoryRead, adapters
from skillclaw.errors import BusyError
from skillclaw.journal.store import SessionStore
from skillclaw.server.machine import Machine
from skillclaw.server.sessions import crediting, intake
from skillclaw.server.setup import consent
from skillclaw.server.up.daemon import Daemon
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Bundle, File
from skillclaw.trajectory.model import Agent, SessionMeta, Step, Trajectory, meta, text_of, with_meta

SKILL = "---\nname: git\ndescription: How to git.\n---\n\n# Git\n\nWrite to jane.roe@corp.example first.\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    made = Machine(tmp_path / ".skillclaw", {})
    made.prepare()
    return made


def history(home: Path) -> Path:
    """A session in Claude Code's own folder."""
    path = home / ".claude" / "projects" / "-work" / "0b0e1c0a-0000-4000-8000-000000000001.jsonl"
    path.parent.mkdir(parents=True)
    said = {"role": "user", "content": "run the tests"}
    head = {"sessionId": path.stem, "version": "2.1.0", "cwd": "/work", "isSidechain": False}
    at = "2026-11-20T10:00:00Z"
    lines = [
        {**head, "type": "user", "uuid": "u1", "parentUuid": None, "timestamp": at, "message": said},
        {
            **head,
            "type": "assistant",
            "uuid": "u2",
            "parentUuid": "u1",
            "timestamp": at,
            "message": {"id": "m1", "role": "assistant", "content": [{"type": "text", "text": "Done."}]},
        },
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def release(machine: Machine) -> str:
    bundle = Bundle(name="git", files=[File(path="SKILL.md", data=SKILL.encode())])
    made, name = machine.hub.put_bundle(bundle)
    body = {"skill": "git", "version": made, "base": None, "object": name, "stage": "stable"}
    machine.hub.commit("release", body, role="owner")
    assert made == version(bundle)
    return made


def read_skill(text: str, source: str = "wire") -> Trajectory:
    shown = f"<skill>\n<name>git</name>\n<path>/x/git/SKILL.md</path>\n{text}</skill>"
    steps = [
        Step(step_id=1, source="user", message="use git"),
        Step(step_id=2, source="user", message=shown),
    ]
    made = Trajectory(schema_version="ATIF-v1.8", agent=Agent(name="codex", version="1"), steps=steps)
    return with_meta(made, SessionMeta(key="0" * 16, source=source))  # type: ignore[arg-type]


def test_the_daemon_takes_nothing_in_and_installs_nothing_before_consent(
    machine: Machine, tmp_path: Path
) -> None:
    history(tmp_path)
    release(machine)
    write(tmp_path / "s.jsonl", [session("a", 1, "do it", [Ran("make")])])
    intake.import_paths(machine, Env.current(), [tmp_path / "s.jsonl"])
    target = tmp_path / ".claude" / "skills"
    daemon = Daemon(machine, port=0)
    assert not consent.agreed(machine.home)
    assert not daemon._follow()
    assert machine.sessions.count() == 1
    assert not daemon._sync()
    assert not target.exists()
    assert not daemon._evolve()
    assert not daemon._cycle.runs
    consent.agree(machine.home)
    assert consent.agreed(machine.home)
    assert daemon._follow()
    assert machine.sessions.count() == 2
    (machine.home / "consent.json").write_text("not json", "utf-8")
    assert not consent.agreed(machine.home)


def test_a_version_is_credited_only_where_its_own_text_was_seen(machine: Machine) -> None:
    made = release(machine)
    seen = crediting.credit_skills(machine, read_skill(SKILL))
    assert [(use.name, use.version) for use in meta(seen).skills] == [("git", made)]
    other = crediting.credit_skills(machine, read_skill(SKILL.replace("first", "last")))
    assert [(use.name, use.version) for use in meta(other).skills] == [("git", None)]


def test_credit_is_given_before_redaction_changes_the_text(machine: Machine) -> None:
    made = release(machine)
    kept = intake.admit(machine, read_skill(SKILL))
    assert "jane.roe" not in text_of(kept.steps[1].message)
    assert [use.version for use in meta(kept).skills] == [made]


def test_a_session_of_this_machine_is_its_users_whatever_it_says(machine: Machine) -> None:
    wire = read_skill("x")
    claimed = with_meta(wire, SessionMeta(key="0" * 16, user="mallory", source="wire"))
    assert meta(intake.admit(machine, claimed)).user == machine.user
    given = with_meta(wire, SessionMeta(key="0" * 16, user="bob", source="import"))
    assert meta(intake.admit(machine, given)).user == "bob"


def test_a_file_counts_as_seen_only_once_its_session_is_stored(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(SessionStore, "put_many", full)
        with pytest.raises(OSError, match="No space"):
            intake.import_histories(machine, Env.current())
    assert intake.import_histories(machine, Env.current()).imported == 1
    again = intake.import_histories(machine, Env.current())
    assert (again.imported, again.reasons) == (0, {"unchanged since the last import": 1})


def test_one_home_has_one_holder_at_a_time(machine: Machine) -> None:
    with machine.alone("evolve"), pytest.raises(BusyError), Machine(machine.home, {}).alone("evolve"):
        pass
    with Machine(machine.home, {}).alone("evolve"):
        pass


@pytest.mark.e2e
def test_a_dry_run_and_a_second_cycle_release_nothing(tmp_path: Path) -> None:
    steps = [
        Ran("npm test", 1, "Error: Cannot find module 'left-pad'"),
        Ran("npm ci", 0, "added 12 packages"),
        Ran("npm test", 0, "12 passing"),
    ]
    made = [session(user, n, "run the test-suite of this project", steps) for user in "abc" for n in range(3)]
    write(tmp_path / "s.jsonl", made)
    ok("import", str(tmp_path / "s.jsonl"), home=tmp_path)
    ok("config", "set", "gate.policy", "team", home=tmp_path)
    planned = ok_json("evolve", "--dry-run", home=tmp_path)["released"]
    assert planned
    assert ok_json("hub", "status", home=tmp_path)["skills"] == 0
    done = ok_json("evolve", home=tmp_path)["released"]
    assert [(r["skill"], r["stage"]) for r in done] == [(r["skill"], "canary") for r in planned]
    commits = ok_json("hub", "status", home=tmp_path)["commits"]
    assert ok_json("evolve", home=tmp_path)["released"] == []
    assert ok_json("hub", "status", home=tmp_path)["commits"] == commits
    machine = Machine(tmp_path / ".skillclaw", {})
    assert machine.hub.state().settings["policy"] == "team"
    key = ok_json("sessions", "list", home=tmp_path)[0]["id"]
    machine.hub.tombstone(key)
    assert ok_json("evolve", home=tmp_path)["sessions"] == 8


def test_one_bad_history_or_agent_does_not_stop_the_others(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = history(tmp_path)
    other = path.with_name("0b0e1c0a-0000-4000-8000-000000000002.jsonl")
    other.write_bytes(path.read_bytes().replace(b"000000000001", b"000000000002"))
    claude, codex = type(adapters()["claude-code"]), type(adapters()["codex"])
    read = claude.read_history

    def fails(self: object, file: HistoryFile, env: Env) -> HistoryRead:
        if file.path == path:
            raise KeyError("unforeseen")
        return read(self, file, env)  # type: ignore[arg-type]

    monkeypatch.setattr(claude, "read_history", fails)
    monkeypatch.setattr(codex, "histories", lambda self, env: 1 / 0)
    report = intake.import_histories(machine, Env.current())
    assert report.imported == 1
    assert {failure.path for failure in report.failed} == {"codex", str(path)}
    assert "unforeseen" not in report.failed[0].reason + report.failed[1].reason
