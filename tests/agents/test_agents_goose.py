"""Goose: the host of the provider in use, and its sessions, by its sources."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import atif
import pytest
from agents_material import make_env

from skillclaw.agents import Env, HistoryFile, adapters, sniff, wiring
from skillclaw.errors import BadInputError, SkillClawError
from skillclaw.trajectory.model import Trajectory, encode, meta, result_meta, step_meta, text_of

GOOSE = adapters()["goose"]
URL = "http://127.0.0.1:8787/goose"
SETTINGS = """# mine
GOOSE_PROVIDER: openai   # the office
GOOSE_MODEL: big
OPENAI_HOST: https://llm.example/team/
extensions:
  developer:
    enabled: true
"""
SCHEMA = """
CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE sessions (id TEXT PRIMARY KEY, name TEXT NOT NULL DEFAULT '',
  description TEXT NOT NULL DEFAULT '',
  user_set_name BOOLEAN DEFAULT FALSE, session_type TEXT NOT NULL DEFAULT 'user', working_dir TEXT NOT NULL,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  extension_data TEXT DEFAULT '{}', total_tokens INTEGER, provider_name TEXT, model_config_json TEXT);
CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT,
  session_id TEXT NOT NULL REFERENCES sessions(id), role TEXT NOT NULL, content_json TEXT NOT NULL,
  created_timestamp INTEGER NOT NULL, timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP, tokens INTEGER,
  metadata_json TEXT);
"""
ROOT = "20260101_1"
START = 1767225600


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


def own(env: Env, text: str) -> Path:
    path = env.home / ".config/goose/config.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_the_host_is_led_there_and_back(env: Env, home: Path) -> None:
    path = own(env, SETTINGS)
    wired = wiring.connect(home, env, GOOSE, URL)
    assert wired.upstream == "https://llm.example/team"
    assert path.read_text("utf-8") == SETTINGS.replace("https://llm.example/team/", URL)
    assert not wiring.connect(home, env, GOOSE, URL).changed
    assert not [found for found in GOOSE.doctor(env, URL) if found.level == "fail"]
    wiring.disconnect(home, env, GOOSE)
    assert path.read_text("utf-8") == SETTINGS


@pytest.mark.parametrize(
    ("provider", "key", "upstream"),
    [
        ("anthropic", "ANTHROPIC_HOST", "https://api.anthropic.com"),
        ("openrouter", "OPENROUTER_HOST", "https://openrouter.ai"),
        ("ollama", "OLLAMA_HOST", "http://localhost:11434"),
    ],
)
def test_each_provider_has_a_key_of_its_own(
    env: Env, home: Path, provider: str, key: str, upstream: str
) -> None:
    before = f"GOOSE_PROVIDER: {provider}\n"
    path = own(env, before)
    assert wiring.connect(home, env, GOOSE, URL).upstream == upstream
    assert f"{key}: {URL}" in path.read_text("utf-8")
    wiring.disconnect(home, env, GOOSE)
    assert path.read_text("utf-8") == before


def test_a_host_without_a_scheme_and_variables_that_win(tmp_path: Path, home: Path) -> None:
    own(make_env(tmp_path), "GOOSE_PROVIDER: ollama\nOLLAMA_HOST: gpu.example:11434\n")
    assert GOOSE.upstream(make_env(tmp_path)) == "http://gpu.example:11434"
    env = make_env(tmp_path, GOOSE_PROVIDER="openai", OPENAI_HOST="https://env.example")
    assert wiring.connect(home, env, GOOSE, URL).upstream == "https://env.example"
    (found,) = [one for one in GOOSE.doctor(env, URL) if one.subject == "Goose environment"]
    assert "OPENAI_HOST=https://env.example" in found.text and "OPENAI_HOST" in found.mend
    assert not [one for one in GOOSE.doctor(make_env(tmp_path), URL) if one.subject == "Goose environment"]


def test_what_cannot_be_pointed_says_so(env: Env, home: Path) -> None:
    with pytest.raises(BadInputError, match="which provider"):
        wiring.connect(home, env, GOOSE, URL)
    own(env, "GOOSE_PROVIDER: bedrock\n")
    with pytest.raises(BadInputError, match="bedrock"):
        wiring.connect(home, env, GOOSE, URL)
    for broken in ("[", "- a\n- b\n", "GOOSE_PROVIDER: 3\n"):
        own(env, broken)
        with pytest.raises(SkillClawError):
            wiring.connect(home, env, GOOSE, URL)
    own(env, SETTINGS)
    with pytest.raises(BadInputError, match="no place for SkillClaw's token"):
        wiring.connect(home, env, GOOSE, URL, token="skillclaw-token")


def test_run_sets_the_host_and_the_key(tmp_path: Path) -> None:
    program = tmp_path / "bin/goose"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n", "utf-8")
    program.chmod(0o755)
    env = make_env(tmp_path, PATH=str(program.parent))
    own(env, SETTINGS)
    assert GOOSE.launch(env, URL, [], "").env == {"OPENAI_HOST": URL}
    launch = GOOSE.launch(env, URL, ["run", "-t", "hello"], "skillclaw-token")
    assert launch.argv == [str(program), "run", "-t", "hello"]
    assert launch.env == {"OPENAI_HOST": URL, "OPENAI_API_KEY": "skillclaw-token"}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def call(name: str, tool: str, **arguments: Any) -> dict[str, Any]:
    value = {"name": tool, "arguments": arguments}
    return {"type": "toolRequest", "id": name, "toolCall": {"status": "success", "value": value}}


def result(name: str, value: Any) -> dict[str, Any]:
    return {"type": "toolResponse", "id": name, "toolResult": {"status": "success", "value": value}}


INFO = "<info-msg>\nIt is 2026-01-01 00:00:00\nWorking directory: /srv/shop\n</info-msg>\n"
MESSAGES: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("user", [text(f"{INFO}Make the tests pass.")], {}),
    (
        "assistant",
        [
            {"type": "thinking", "thinking": "Look first.", "signature": "s"},
            text("I run them."),
            call("c1", "developer__shell", command="make test"),
            call("c2", "developer__shell", command="cat ~/.claude/skills/green/SKILL.md"),
            call("c3", "developer__shell", command="make lint"),
        ],
        {},
    ),
    (
        "user",
        [
            result(
                "c1",
                {
                    "content": [text("no rule")],
                    "structuredContent": {"stdout": "", "stderr": "no rule", "exit_code": 2},
                    "isError": True,
                },
            ),
            result("c2", {"content": [text("# Green")], "structuredContent": {"exit_code": 0}}),
            result("c3", [text("bad\nCommand failed with exit code 4")]),
        ],
        {},
    ),
    (
        "assistant",
        [
            {"type": "toolRequest", "id": "c4", "toolCall": {"status": "error", "error": "no such tool"}},
            {"type": "redactedThinking", "data": "x"},
        ],
        {},
    ),
    (
        "user",
        [{"type": "toolResponse", "id": "c4", "toolResult": {"status": "error", "error": "no such tool"}}],
        {},
    ),
    ("assistant", [text("Summary: two commands failed.")], {"userVisible": False, "agentVisible": True}),
    ("user", [text("Your context was compacted.")], {"userVisible": False, "agentVisible": True}),
    ("assistant", [text("It is green.")], {"userVisible": True, "agentVisible": True}),
    ("wizard", [text("?")], {}),
    ("user", [{"type": "riddle"}, "torn"], {}),
]


def database(env: Env, path: Path | None = None) -> Path:
    path = path or env.home / ".local/share/goose/sessions/sessions.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path)
    db.executescript(SCHEMA)
    model = json.dumps({"model_name": "big", "context_limit": 1})
    for name, kind, cwd in (
        (ROOT, "user", "/srv/shop"),
        ("20260101_2", "sub_agent", "/srv/shop"),
        ("20260101_3", "hidden", "/srv/shop"),
        ("20260101_4", "user", str(env.skillclaw_home / "evolve/1")),
        ("20260101_5", "scheduled", "/srv/shop"),
    ):
        db.execute(
            "INSERT INTO sessions (id, session_type, working_dir, model_config_json) VALUES (?,?,?,?)",
            (name, kind, cwd, model),
        )
        for number, (role, parts, told) in enumerate(MESSAGES if name == ROOT else []):
            db.execute(
                "INSERT INTO messages (session_id, role, content_json, created_timestamp, metadata_json)"
                " VALUES (?,?,?,?,?)",
                (name, role, json.dumps(parts), START + number, json.dumps(told)),
            )
    db.execute(
        "INSERT INTO messages (session_id, role, content_json, created_timestamp)"
        " VALUES (?, 'user', '[{', ?)",
        (ROOT, START + 90),
    )
    db.commit()
    db.close()
    return path


def one(env: Env) -> tuple[Trajectory, dict[str, int]]:
    (file,) = [file for file in GOOSE.histories(env) if file.session == ROOT]
    read = GOOSE.read_history(file, env)
    assert read.trajectory is not None
    atif.Trajectory.model_validate_json(encode(read.trajectory))
    return read.trajectory, dict(read.skipped)


def test_a_session_is_read_whole(env: Env) -> None:
    database(env)
    made, skipped = one(env)
    assert made.session_id == ROOT and made.agent.model_name == "big" and meta(made).project == "shop"
    said = [text_of(s.message) for s in made.steps if s.source == "user" and not step_meta(s).injected]
    assert said == ["Make the tests pass."]
    injected = [text_of(s.message) for s in made.steps if s.source == "user" and step_meta(s).injected]
    assert "Working directory" in injected[0] and "compacted" in injected[1]
    first = next(s for s in made.steps if s.source == "agent")
    assert first.reasoning_content == "Look first." and text_of(first.message) == "I run them."
    results = {
        r.source_call_id: result_meta(r) for s in made.steps if s.observation for r in s.observation.results
    }
    ended = {name: (held.exit_code, held.is_error) for name, held in results.items()}
    assert ended == {"c1": (2, True), "c2": (0, False), "c3": (4, True), "c4": (None, True)}
    kinds = {text_of(s.message): step_meta(s).kind for s in made.steps if s.source == "agent"}
    assert kinds["Summary: two commands failed."] == "compaction" and kinds["It is green."] == "turn"
    assert first.timestamp == "2026-01-01T00:00:01.000Z"
    assert skipped["messages that could not be read"] == 1
    assert any("wizard" in key for key in skipped) and any("riddle" in key for key in skipped)


def test_sub_agents_hidden_sessions_and_skillclaws_own_are_left_out(env: Env) -> None:
    path = database(env)
    assert {file.session for file in GOOSE.histories(env)} == {ROOT, "20260101_5"}
    mine = GOOSE.read_history(HistoryFile(path=path, size=0, mtime=0, session="20260101_4"), env)
    assert mine.trajectory is None and mine.skipped == {"SkillClaw's own sessions": 1}
    empty = GOOSE.read_history(HistoryFile(path=path, size=0, mtime=0, session="20260101_5"), env)
    assert empty.trajectory is None and empty.skipped == {"empty sessions": 1}
    with pytest.raises(BadInputError, match="no session"):
        GOOSE.read_history(HistoryFile(path=path, size=0, mtime=0, session="gone"), env)


def test_a_database_is_told_apart(env: Env, tmp_path: Path) -> None:
    path = database(env, tmp_path / "any.db")
    assert sniff(path) == "goose"
    assert {file.session for file in GOOSE.histories_in(path, env)} >= {ROOT}
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"SQLite format 3\x00 torn")
    assert not GOOSE.recognises(broken, [])
    (env.home / ".local/share/goose/sessions").mkdir(parents=True)
    broken.rename(env.home / ".local/share/goose/sessions/sessions.db")
    assert GOOSE.histories(env) == []


def test_its_folders_can_be_moved_together(tmp_path: Path, home: Path) -> None:
    root = tmp_path / "root"
    env = make_env(tmp_path, GOOSE_PATH_ROOT=str(root), XDG_CONFIG_HOME=str(tmp_path / "other"))
    config = root / "config/config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text(SETTINGS, "utf-8")
    assert wiring.connect(home, env, GOOSE, URL).files == [str(config)]
    assert root / "config/skills" in GOOSE.skills(env)
    database = root / "data/sessions/sessions.db"
    database.parent.mkdir(parents=True)
    with sqlite3.connect(database) as base:
        base.executescript(SCHEMA)
        base.execute("INSERT INTO sessions (id, working_dir) VALUES (?, '/srv')", (ROOT,))
        columns = "session_id, role, content_json, created_timestamp"
        base.execute(f"INSERT INTO messages ({columns}) VALUES (?, 'user', '[]', 1)", (ROOT,))
    base.close()
    assert [file.path for file in GOOSE.histories(env)] == [database]
    # Goose passes over what is no absolute path.
    assert GOOSE.skills(make_env(tmp_path, GOOSE_PATH_ROOT="root")) == GOOSE.skills(make_env(tmp_path))
