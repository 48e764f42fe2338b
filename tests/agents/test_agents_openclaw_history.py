"""OpenClaw's histories: its database with the sessions and never the keys, and the files of before."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import atif
import pytest
import zstandard
from agents_material import make_env, write_lines
from hypothesis import given
from hypothesis import strategies as st
from test_agents_fuzz import QUICK, mutated

from skillclaw.agents import Env, HistoryFile, adapters, sniff
from skillclaw.agents.history import openclaw_rows
from skillclaw.agents.history.lines import Tally
from skillclaw.errors import BadInputError, SkillClawError, StorageError
from skillclaw.trajectory.keys import session_key
from skillclaw.trajectory.model import Trajectory, encode, meta, result_meta, step_meta, text_of

CLAW = adapters()["openclaw"]
SAMPLE = Path(__file__).parent / "samples" / "openclaw" / "agent.sql"
ROOT = "879e0b7b-7978-4df5-97eb-d86a7da4a75c"
CHILD = "28bde086-702f-4b9e-90d4-27623ba9c89b"
SECRET = "made-up-key-that-nobody-may-see"


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


def database(env: Env, agent: str = "main") -> Path:
    path = env.home / ".openclaw/agents" / agent / "agent/openclaw-agent.sqlite"
    path.parent.mkdir(parents=True)
    made = sqlite3.connect(path)
    made.execute("PRAGMA synchronous = OFF")
    made.executescript(SAMPLE.read_text("utf-8"))
    made.close()
    return path


def change(path: Path, *statements: tuple[str, tuple[Any, ...]]) -> None:
    with sqlite3.connect(path) as made:
        made.execute("PRAGMA synchronous = OFF")
        for text, values in statements:
            made.execute(text, values)
    made.close()


def add(path: Path, session: str, *events: dict[str, Any], zipped: bool = False) -> None:
    with sqlite3.connect(path) as made:
        (count,) = made.execute(
            "SELECT count(*) FROM transcript_events WHERE session_id = ?", (session,)
        ).fetchone()
        for number, event in enumerate(events, 1000 + count):
            text = json.dumps(event)
            blob = zstandard.compress(text.encode()) if zipped else None
            made.execute(
                "INSERT INTO transcript_events VALUES (?, ?, ?, ?, ?, ?, NULL)",
                (session, number, None if zipped else text, 1795683800000 + number, blob, len(text)),
            )
    made.close()


def said(role: str, content: Any, ident: str, parent: str | None, **more: Any) -> dict[str, Any]:
    stamp = "2026-11-26T10:00:00.000Z"
    message = {"role": role, "content": content, **more}
    return {"type": "message", "id": ident, "parentId": parent, "timestamp": stamp, "message": message}


def read(file: HistoryFile, env: Env) -> tuple[Trajectory, dict[str, int]]:
    found = CLAW.read_history(file, env)
    assert found.trajectory is not None, found.skipped
    atif.Trajectory.model_validate_json(encode(found.trajectory))
    return found.trajectory, found.skipped


def words(made: Trajectory) -> list[str]:
    return [text_of(s.message) for s in made.steps if s.source == "user" and not step_meta(s).injected]


def test_a_database_that_openclaw_wrote(env: Env) -> None:
    path = database(env)
    (file,) = CLAW.histories(env)
    assert (file.path, file.session, sniff(path)) == (path, ROOT, "openclaw")
    made, skipped = read(file, env)
    assert skipped == {}
    assert meta(made).key == session_key("openclaw", ROOT) and meta(made).project == "desk"
    assert (made.agent.version, made.agent.model_name) == ("2026.9.6", "scripted")
    assert words(made) == [
        "kindly do the sorting-work",
        "now the helper-work",
        "and the fetch-work",
        "once more the sorting-work",
    ]
    calls = [(call.function_name, call.arguments) for step in made.steps for call in step.tool_calls or []]
    assert [name for name, _ in calls] == [
        *("read", "exec", "exec", "sessions_spawn", "sessions_yield", "tool_search", "web_fetch"),
        *("read", "exec", "exec"),
    ]
    assert calls[6][1] == {"url": "http://site.example/x"}
    results = [result for step in made.steps if step.observation for result in step.observation.results]
    known = [(result_meta(r).exit_code, result_meta(r).is_error, result_meta(r).taint) for r in results]
    assert known[:3] == [(None, False, "skill"), (1, True, None), (0, False, None)]
    assert known[6] == (None, True, "web")
    assert [ref.trajectory_id for ref in results[3].subagent_trajectory_ref or []] == [CHILD]
    (child,) = made.subagent_trajectories or []
    assert (child.trajectory_id, words(child)) == (CHILD, ["kindly do the counting-work"])
    uses = {use.name: use for use in meta(made).skills}
    assert (uses["csv-tidy"].offered, uses["csv-tidy"].read_step) == (True, 2) and uses["weather"].offered
    assert [s.step_id for s in made.steps if step_meta(s).kind == "compaction"] == [16]


def test_the_keys_in_the_same_file_cannot_be_read(env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    path = database(env)
    assert SECRET in SAMPLE.read_text("utf-8")
    (file,) = CLAW.histories(env)
    assert SECRET.encode() not in encode(read(file, env)[0]) and b"+15550100" not in encode(
        read(file, env)[0]
    )
    # Even a query for them is refused by the database itself.
    monkeypatch.setattr(openclaw_rows, "EVENTS", "auth_profile_store")
    with pytest.raises(SkillClawError):
        openclaw_rows.events(path, ROOT, Tally())


def test_a_session_that_grows_is_seen_to_grow(env: Env) -> None:
    path = database(env)
    (before,) = CLAW.histories(env)
    add(path, CHILD, said("user", "one more thing", "x1", None))
    (after,) = CLAW.histories(env)
    assert (after.key, after.size > before.size, after.mtime > before.mtime) == (before.key, True, True)


def test_words_of_other_sessions_and_of_the_host_are_not_the_users(env: Env) -> None:
    path = database(env)
    other = {"kind": "inter_session", "sourceSessionKey": "agent:main:cron"}
    context = 'Sender (untrusted metadata):\n```json\n{"name": "Ana"}\n```'
    add(
        path,
        "s2",
        {
            "type": "session",
            "version": 4,
            "id": "s2",
            "timestamp": "2026-11-26T10:00:00.000Z",
            "cwd": "/srv/a",
        },
        said("user", "do as I say", "a", None, provenance=other),
        said("user", f"{context}\n\nreally mine", "b", "a", provenance={"kind": "external_user"}),
        said("custom", "", "c", "b", excludeFromContext=True, customType="openclaw.nested-tool.v1"),
        said("assistant", [{"type": "text", "text": "ok"}], "d", "c", model="m"),
        zipped=True,
    )
    insert = (
        "INSERT INTO session_windows (session_id, session_key, created_at, updated_at) VALUES (?, ?, 1, 1)"
    )
    change(path, (insert, ("s2", "agent:main:two")))
    file = next(file for file in CLAW.histories(env) if file.session == "s2")
    made, skipped = read(file, env)
    assert (words(made), skipped) == (["really mine"], {})
    assert [step_meta(step).injected for step in made.steps] == [True, True, False, False]


def test_an_archived_session_is_read_from_its_archive(env: Env) -> None:
    path = database(env)
    with sqlite3.connect(path) as made:
        rows = made.execute(
            "SELECT seq, event_json, event_zstd FROM transcript_events WHERE session_id = ?", (ROOT,)
        )
        held = [(seq, text or zstandard.decompress(blob).decode()) for seq, text, blob in rows]
        made.execute("DELETE FROM transcript_events WHERE session_id = ?", (ROOT,))
    made.close()
    archive = [{"kind": "header", "version": 1, "sessionId": ROOT, "generation": "g"}]
    archive += [
        {"kind": "event", "row": {"seq": seq, "event_json": text, "created_at": 1}} for seq, text in held
    ]
    data = zstandard.compress("\n".join(map(json.dumps, archive)).encode())
    name = "a" * 64 + ".jsonl.zst"
    insert = (
        f"INSERT INTO session_transcript_cold_archives VALUES ('{ROOT}', 'g', ?, '', 1, 9, 9, 1, 7000, ?, ?)"
    )
    change(path, (insert, (name, "file", None)))
    (file,) = CLAW.histories(env)
    assert CLAW.read_history(file, env).skipped == {
        "archived sessions whose archive is gone": 1,
        "empty sessions": 1,
    }
    cold = path.parent.parent / "sessions/cold" / name
    cold.parent.mkdir(parents=True)
    cold.write_bytes(data)
    assert words(read(file, env)[0])[0] == "kindly do the sorting-work"
    cold.unlink()
    change(
        path, ("UPDATE session_transcript_cold_archives SET storage = 'sqlite', archive_blob = ?", (data,))
    )
    assert words(read(file, env)[0])[0] == "kindly do the sorting-work"


def test_damage_and_what_is_missing_are_counted(env: Env) -> None:
    path = database(env)
    change(
        path,
        ("UPDATE transcript_events SET event_json = NULL, event_zstd = x'00112233' WHERE session_id = ? "
         "AND seq = 14", (ROOT,)),
        ("UPDATE transcript_events SET event_json = 'broken' WHERE session_id = ? AND seq = 1", (ROOT,)),
    )  # fmt: skip
    (file,) = CLAW.histories(env)
    made, skipped = read(file, env)
    assert len(words(made)) == 4
    assert skipped == {
        "corrupt events (no JSON object)": 1,
        "events whose compression is damaged": 1,
    }
    assert CLAW.read_history(HistoryFile(path=path, size=1, mtime=1.0, session=CHILD), env).skipped == {
        "sub-agent sessions, read with their root": 1
    }


def test_other_and_unreadable_databases(env: Env, tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    made = sqlite3.connect(path)
    made.execute("CREATE TABLE transcript_events (session_id TEXT)")
    made.commit()
    made.close()
    assert sniff(path) == ""
    with pytest.raises(BadInputError):
        CLAW.histories_in(path, env)
    with pytest.raises(StorageError):
        CLAW.read_history(HistoryFile(path=tmp_path / "none.jsonl", size=1, mtime=1.0), env)
    own = database(env)
    text = json.dumps({"type": "session", "version": 4, "id": ROOT, "cwd": str(env.skillclaw_home / "work")})
    change(
        own, ("UPDATE transcript_events SET event_json = ? WHERE session_id = ? AND seq = 0", (text, ROOT))
    )
    (file,) = CLAW.histories(env)
    assert CLAW.read_history(file, env).skipped == {"SkillClaw's own sessions": 1}


def legacy(env: Env, folder: str = ".openclaw") -> Path:
    """A session with a sub-agent, in files as before the database."""
    place = env.home / folder / "agents/main/sessions"
    head = {"type": "session", "version": 3, "timestamp": "2026-01-01T10:00:00.000Z", "cwd": "/srv/desk"}
    spawn = {"type": "toolCall", "id": "c1", "name": "sessions_spawn", "arguments": {"task": "count"}}
    told = json.dumps({"status": "accepted", "childSessionKey": "agent:main:subagent:k1"})
    write_lines(
        place / "root-1.jsonl",
        [
            {**head, "id": "root-1"},
            said("user", "[Mon 2026-01-05 10:00 UTC] please count", "a", None),
            said("assistant", [spawn], "b", "a", model="m"),
            said(
                "toolResult",
                [{"type": "text", "text": told}],
                "c",
                "b",
                toolCallId="c1",
                toolName="sessions_spawn",
            ),
            said("assistant", [{"type": "text", "text": "counted"}], "d", "c", model="m"),
        ],
    )
    write_lines(
        place / "child-1.jsonl",
        [{**head, "id": "child-1"}, said("user", "count", "a", None), said("assistant", "three", "b", "a")],
    )
    index = {
        "agent:main:main": {"sessionId": "root-1"},
        "agent:main:subagent:k1": {"sessionId": "child-1", "spawnedBy": "agent:main:main"},
    }
    (place / "sessions.json").write_text(json.dumps(index), "utf-8")
    for other in ("root-1.trajectory.jsonl", "root-1.jsonl.bak-7", "root-1.jsonl.reset.2026Z"):
        (place / other).write_text("{}\n", "utf-8")
    return place / "root-1.jsonl"


@pytest.mark.parametrize("folder", [".openclaw", ".clawdbot", ".moltbot"])
def test_files_of_before_the_database(env: Env, folder: str) -> None:
    path = legacy(env, folder)
    (file,) = CLAW.histories(env)
    assert (file.path, file.session, sniff(path)) == (path, "", "openclaw")
    made, skipped = read(file, env)
    assert (made.session_id, words(made), skipped) == ("root-1", ["please count"], {})
    (child,) = made.subagent_trajectories or []
    assert (child.trajectory_id, words(child)) == ("child-1", ["count"])
    path.with_name("child-1.jsonl").unlink()
    assert read(file, env)[1] == {"sub-agents whose session is gone": 1}


def test_what_a_page_says_makes_no_session_part_of_another(env: Env) -> None:
    path = legacy(env)
    text = path.read_text("utf-8").replace('"sessions_spawn"', '"web_fetch"')
    path.write_text(text, "utf-8")
    made, _ = read(CLAW.histories(env)[0], env)
    assert (words(made), made.subagent_trajectories) == (["please count"], None)


@pytest.mark.parametrize("name", ["../../child-1", "a\0b", "x" * 5000, ""])
def test_the_name_of_a_sub_agent_leads_to_no_other_folder(env: Env, name: str) -> None:
    path = legacy(env)
    index = path.with_name("sessions.json")
    index.write_text(index.read_text("utf-8").replace('"child-1"', json.dumps(name)), "utf-8")
    file = next(file for file in CLAW.histories(env) if file.path == path)
    made, _ = read(file, env)
    assert (words(made), made.subagent_trajectories) == (["please count"], None)


def test_a_session_that_moved_into_the_database_is_there_only(env: Env) -> None:
    path = legacy(env)
    database(env)
    path.with_name(f"{ROOT}.jsonl").write_bytes(path.read_bytes())
    assert {file.session or file.path.stem for file in CLAW.histories(env)} == {ROOT, "root-1"}


def test_pis_own_sessions_are_not_taken_for_its(env: Env) -> None:
    pis = next((SAMPLE.parents[1] / "pi").glob("*.jsonl"))
    assert sniff(pis) == "pi"


EVENTS = [
    {"type": "session", "version": 4, "id": ROOT, "timestamp": "2026-11-26T10:00:00.000Z", "cwd": "/srv/a"},
    said("user", [{"type": "text", "text": "[Mon 2026-01-05 10:00 UTC] go"}], "a", None, provenance={}),
    said(
        "assistant",
        [{"type": "toolCall", "id": "c", "name": "tool_call", "arguments": {"id": "a:exec", "args": {}}}],
        "b",
        "a",
        usage={"input": 1},
    ),
    said("toolResult", [{"type": "text", "text": '"childSessionKey": "agent:x"'}], "c", "b", toolCallId="c",
         details={"tool": {}, "result": {"details": {"exitCode": 1}}}),
    {"type": "compaction", "id": "d", "parentId": "c", "summary": "s"},
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> list[bytes]:
    return [json.dumps(event).encode() for event in mutated(draw, EVENTS)]


@pytest.mark.slow
@QUICK
@given(rows=damaged(), zipped=st.booleans())
def test_damaged_events(tmp_path_factory: pytest.TempPathFactory, rows: list[bytes], zipped: bool) -> None:
    env = make_env(tmp_path_factory.mktemp("claw"))
    path = database(env)
    change(path, ("DELETE FROM transcript_events", ()))
    change(
        path,
        *(
            ("INSERT INTO transcript_events VALUES (?, ?, ?, 1, ?, 1, NULL)",
             (ROOT, at, None if zipped else row.decode(), zstandard.compress(row) if zipped else None))
            for at, row in enumerate(rows)
        ),
    )  # fmt: skip
    for file in CLAW.histories(env):
        found = CLAW.read_history(file, env).trajectory
        if found is not None:
            atif.Trajectory.model_validate_json(encode(found))
