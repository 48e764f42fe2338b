"""OpenCode's sessions as 1.18.33 keeps them in its database, and 1.1.65 in files."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import atif
import pytest
from agents_material import make_env

from skillclaw.agents import Env, HistoryFile, adapters, sniff
from skillclaw.errors import BadInputError, SkillClawError
from skillclaw.trajectory.model import (
    Step,
    Trajectory,
    call_meta,
    encode,
    meta,
    result_meta,
    step_meta,
    text_of,
)

OPENCODE = adapters()["opencode"]
SAMPLES = Path(__file__).parent / "samples/opencode"
ROOT = "ses_de8d8c043ffeEYI945BWpsnUMz"
OLD = "ses_de8d64118ffeFw989laU0wylXK"


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


def data(env: Env) -> Path:
    folder = env.home / ".local/share/opencode"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def database(path: Path, *more: str) -> Path:
    db = sqlite3.connect(path)
    db.executescript((SAMPLES / "sessions.sql").read_text("utf-8"))
    for statement in more:
        db.execute(statement)
    db.commit()
    db.close()
    return path


def unfold(folder: Path) -> Path:
    """The older files; the root session's."""
    for name, held in json.loads((SAMPLES / "storage.json").read_text("utf-8")).items():
        path = folder / "storage" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(held), "utf-8")
    return folder / f"storage/session/global/{OLD}.json"


def read(file: HistoryFile, env: Env) -> Trajectory:
    made = OPENCODE.read_history(file, env).trajectory
    assert made is not None
    atif.Trajectory.model_validate_json(encode(made))
    return made


def one(env: Env, session: str = ROOT) -> Trajectory:
    (file,) = [file for file in OPENCODE.histories(env) if file.session == session]
    return read(file, env)


def calls(made: Trajectory) -> list[tuple[str, Any]]:
    """(tool, (exit code, whether it failed)) in order."""
    found = []
    for step in made.steps:
        results = step.observation.results if step.observation else []
        for call in step.tool_calls or []:
            assert call_meta(call).raw_arguments is None
            (result,) = [r for r in results if r.source_call_id == call.tool_call_id]
            facts = result_meta(result)
            found.append((call.function_name, (facts.exit_code, facts.is_error)))
    return found


def said(made: Trajectory, source: str, kind: str = "turn") -> list[str]:
    def own(step: Step) -> bool:
        facts = step_meta(step)
        return step.source == source and not facts.injected and facts.kind == kind

    return [text_of(step.message) for step in made.steps if own(step) and text_of(step.message)]


def test_a_session_is_read_whole(env: Env) -> None:
    database(data(env) / "opencode.db")
    made = one(env)
    assert made.session_id == ROOT
    assert (made.agent.name, made.agent.version, made.agent.model_name) == (
        "opencode",
        "1.18.33",
        "fake-model",
    )
    assert said(made, "user") == ['"count my notes"', '"now once more"', '"and shorter"']
    assert said(made, "agent") == ["All done.", "All done.", "Said shortly."]
    assert calls(made)[:5] == [
        ("bash", (1, True)),
        ("skill", (None, False)),
        ("task", (None, False)),
        ("read", (None, True)),
        ("webfetch", (None, False)),
    ]
    assert meta(made).project == "shop"
    (use,) = meta(made).skills
    assert use.name == "npm-know-how" and use.invoked_step == use.read_step == made.steps[3].step_id
    assert made.steps[2].metrics is not None
    assert (made.steps[2].metrics.prompt_tokens, made.steps[2].metrics.completion_tokens) == (100, 10)
    assert made.steps[2].timestamp == "2026-11-26T09:19:39.212Z"


def test_what_the_host_put_there_is_not_the_users(env: Env) -> None:
    database(data(env) / "opencode.db")
    made = one(env)
    host = [
        text_of(step.message) for step in made.steps if step.source == "user" and step_meta(step).injected
    ]
    assert host[0].startswith("Called the Read tool") and host[1].startswith(
        "Continue if you have next steps"
    )
    assert said(made, "agent", "compaction") == ["Notes counted"], "the summary of the shortened history"


def test_sub_agents_are_inside_and_referred_to(env: Env) -> None:
    database(data(env) / "opencode.db")
    assert next(iter(OPENCODE.histories(env))).session == ROOT
    made = one(env)
    subs = made.subagent_trajectories or []
    assert [said(sub, "user") for sub in subs] == [["Count the notes"], ["Count the notes"]]
    assert [name for name, _ in calls(subs[0])] == ["bash", "skill"]
    refs = [
        ref.trajectory_id
        for step in made.steps
        for result in (step.observation.results if step.observation else [])
        for ref in result.subagent_trajectory_ref or []
    ]
    assert refs == [sub.trajectory_id for sub in subs]


def test_a_fork_says_what_it_copied(env: Env) -> None:
    database(data(env) / "opencode.db")
    (fork,) = [file for file in OPENCODE.histories(env) if file.session != ROOT]
    made = read(fork, env)
    new = [
        text_of(step.message) for step in made.steps if step.source == "user" and not step.is_copied_context
    ]
    assert '"in a fork"' in new and '"count my notes"' not in new
    assert not made.subagent_trajectories


def test_what_was_undone_is_left_out(env: Env) -> None:
    path = data(env) / "opencode.db"
    database(path)
    whole = one(env)
    second = "msg_217276a950013Dts4K5mlSezzn"
    with sqlite3.connect(path) as db:
        db.execute("UPDATE session SET revert = ? WHERE id = ?", (json.dumps({"messageID": second}), ROOT))
    db.close()
    (file,) = [file for file in OPENCODE.histories(env) if file.session == ROOT]
    found = OPENCODE.read_history(file, env)
    assert found.trajectory is not None and len(found.trajectory.steps) < len(whole.steps)
    assert said(found.trajectory, "user") == ['"count my notes"']
    assert found.skipped == {"messages that the user undid": 12}


def test_a_session_that_grows_is_seen_and_others_are_not(env: Env) -> None:
    path = data(env) / "opencode.db"
    database(path)
    before = {file.key: (file.size, file.mtime) for file in OPENCODE.histories(env)}
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    message = {"role": "user", "time": {"created": 1895684806352}}
    db.execute(
        "INSERT INTO message VALUES ('msg_9', ?, 1895684806352, 1895684806352, ?)",
        (ROOT, json.dumps(message)),
    )
    part = json.dumps({"type": "text", "text": "one more thing"})
    db.execute("INSERT INTO part VALUES ('prt_9', 'msg_9', ?, 1, 1, ?)", (ROOT, part))
    db.commit()
    # The writer is still there, and what it wrote is in the write-ahead log alone.
    after = {file.key: (file.size, file.mtime) for file in OPENCODE.histories(env)}
    changed = {key for key in after if after[key] != before[key]}
    assert changed == {f"{path}#{ROOT}"}
    assert said(one(env), "user")[-1] == "one more thing"
    db.close()


def test_credentials_cannot_be_read_and_nothing_is_written(env: Env) -> None:
    row = (
        "INSERT INTO credential (id, integration_id, label, value, time_created, time_updated)"
        " VALUES ('c', 'openai', 'mine', 'sk-own-0123456789', 1, 1)"
    )
    path = database(data(env) / "opencode.db", row)
    before = path.read_bytes()
    for file in OPENCODE.histories(env):
        assert "sk-own-0123456789" not in repr(OPENCODE.read_history(file, env))
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == ["opencode.db"]
    from skillclaw.agents.history.opencode_store import TABLES
    from skillclaw.agents.history.sqlite import reading

    with pytest.raises(BadInputError), reading(path, TABLES) as db:
        db.execute("SELECT value FROM credential").fetchall()


def test_skillclaws_own_sessions_are_left_out(env: Env) -> None:
    path = data(env) / "opencode.db"
    database(path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE session SET directory = ?", (str(env.skillclaw_home / "evolver"),))
    db.close()
    assert OPENCODE.histories(env) == []
    files = OPENCODE.histories_in(path, env)
    assert [OPENCODE.read_history(file, env).trajectory for file in files] == [None, None]


def test_files_of_older_versions(env: Env) -> None:
    path = unfold(data(env))
    assert sniff(path) == "opencode"
    (file,) = OPENCODE.histories(env)
    assert (file.path, file.session) == (path, "")
    made = read(file, env)
    assert made.session_id == OLD and made.agent.version == "1.1.65"
    assert [name for name, _ in calls(made)] == ["bash", "skill", "task"]
    assert calls(made)[0] == ("bash", (1, True))
    (sub,) = made.subagent_trajectories or []
    assert said(sub, "user") == ["Count the notes"]
    last = max((path.parents[2] / "message" / OLD).iterdir())
    (path.parents[2] / "message" / OLD / "msg_zzz.json").write_text(last.read_text("utf-8"), "utf-8")
    (grown,) = OPENCODE.histories(env)
    assert (grown.size, grown.mtime) != (file.size, file.mtime)


def test_a_session_that_was_moved_into_the_database_is_there_once(env: Env) -> None:
    unfold(data(env))
    database(data(env) / "opencode.db", f"UPDATE session SET id = '{OLD}' WHERE id = '{ROOT}'")
    assert sorted(file.session for file in OPENCODE.histories(env))[0] == OLD
    assert [file for file in OPENCODE.histories(env) if not file.session] == []


def test_an_export_is_read(env: Env, tmp_path: Path) -> None:
    held = json.loads((SAMPLES / "storage.json").read_text("utf-8"))
    messages = []
    for name in sorted(held):
        if name.startswith(f"message/{OLD}/"):
            parts = [held[part] for part in sorted(held) if part.startswith(f"part/{Path(name).stem}/")]
            messages.append({"info": held[name], "parts": parts})
    path = tmp_path / "export.json"
    path.write_text(json.dumps({"info": held[f"session/global/{OLD}.json"], "messages": messages}, indent=2))
    assert sniff(path) == "opencode"
    (file,) = OPENCODE.histories_in(path, env)
    made = read(file, env)
    assert made.session_id == OLD and said(made, "user") == ['"count my notes"\n']


def test_damage_is_counted_or_told(env: Env, tmp_path: Path) -> None:
    path = data(env) / "opencode.db"
    database(path)
    with sqlite3.connect(path) as db:
        db.execute('UPDATE part SET data = \'{"type": "text"\' WHERE id = (SELECT min(id) FROM part)')
        odd = json.dumps({"type": "hologram"})
        db.execute(
            "UPDATE part SET data = ? WHERE id = (SELECT max(id) FROM part WHERE session_id = ?)", (odd, ROOT)
        )
    db.close()
    (file,) = [file for file in OPENCODE.histories(env) if file.session == ROOT]
    assert OPENCODE.read_history(file, env).skipped == {
        "lines of unknown type part hologram": 1,
        "records that are no JSON object": 1,
    }
    with pytest.raises(BadInputError, match="holds no session"):
        OPENCODE.read_history(HistoryFile(path=path, size=0, mtime=0, session="ses_gone"), env)
    (data(env) / "opencode-beta.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    assert len(OPENCODE.histories(env)) == 2, "a broken database does not hide the others"
    broken = tmp_path / "ses_x.json"
    broken.write_text('{"id": "ses_x", "directory": "/x", "projectID"', "utf-8")
    (found,) = OPENCODE.histories_in(broken, env)
    with pytest.raises(SkillClawError):
        OPENCODE.read_history(found, env)
