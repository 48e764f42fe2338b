"""Crush: its settings in several files, and its sessions in each project's database, made by its sources."""

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

CRUSH = adapters()["crush"]
URL = "http://127.0.0.1:8787/crush"
ROOT = "0ee25f33-09d1-457d-90d6-181e89754da0"
NAME = "027c4bf58e16e605"
SUB = "8f1c1a52-6a53-4d5c-9a2f-0f6f5f0f7d11$$call_task"
SETTINGS = """{
  "$schema": "https://charm.land/crush.json",
  "models": {"large": {"provider": "office",   "model": "big"}},
  "providers": {
    "office": {"type": "openai-compat", "base_url": "https://llm.example/v1/", "api_key": "$OFFICE_KEY"}
  }
}
"""
SCHEMA = """
CREATE TABLE sessions (id TEXT PRIMARY KEY, parent_session_id TEXT, title TEXT NOT NULL,
  message_count INTEGER NOT NULL DEFAULT 0, prompt_tokens INTEGER NOT NULL DEFAULT 0,
  completion_tokens INTEGER NOT NULL DEFAULT 0, cost REAL NOT NULL DEFAULT 0.0,
  updated_at INTEGER NOT NULL, created_at INTEGER NOT NULL);
CREATE TABLE files (id TEXT PRIMARY KEY, session_id TEXT NOT NULL, path TEXT NOT NULL, content TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);
CREATE TABLE messages (id TEXT PRIMARY KEY, session_id TEXT NOT NULL, role TEXT NOT NULL,
  parts TEXT NOT NULL default '[]', model TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  finished_at INTEGER);
"""
LATER = "ALTER TABLE messages ADD COLUMN is_summary_message INTEGER DEFAULT 0 NOT NULL;"
START = 1767225600


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


def write(path: Path, held: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(held if isinstance(held, str) else json.dumps(held), "utf-8")
    return path


def own(env: Env, held: Any) -> Path:
    return write(env.home / ".config/crush/crush.json", held)


def kept(env: Env, held: Any, name: str = "crush.json") -> Path:
    return write(env.home / ".local/share/crush" / name, held)


def texts(env: Env, level: str = "warn") -> list[str]:
    return [found.text for found in CRUSH.doctor(env, URL) if found.level == level]


def test_the_provider_of_the_large_model_is_led_there_and_back(env: Env, home: Path) -> None:
    path = own(env, SETTINGS)
    wired = wiring.connect(home, env, CRUSH, URL)
    assert wired.upstream == "https://llm.example/v1"
    assert path.read_text("utf-8") == SETTINGS.replace("https://llm.example/v1/", URL)
    assert not wiring.connect(home, env, CRUSH, URL).changed
    assert not texts(env, "fail") and not any("project" in text for text in texts(env))
    wiring.disconnect(home, env, CRUSH)
    assert path.read_text("utf-8") == SETTINGS


def test_what_crush_keeps_itself_has_the_last_word(env: Env, home: Path) -> None:
    path = own(env, SETTINGS)
    mine = {
        "models": {"large": {"provider": "office"}},
        "providers": {"office": {"base_url": "https://b/v1"}},
    }
    last = kept(env, mine)
    assert wiring.connect(home, env, CRUSH, URL).upstream == "https://b/v1"
    assert path.read_text("utf-8") == SETTINGS
    assert json.loads(last.read_text("utf-8"))["providers"]["office"]["base_url"] == URL
    wiring.disconnect(home, env, CRUSH)
    assert json.loads(last.read_text("utf-8")) == mine
    kept(env, {"models": {"large": {"provider": "anthropic"}}})
    wired = wiring.connect(home, env, CRUSH, URL)
    assert wired.upstream == "https://api.anthropic.com", "the provider that was chosen last"
    assert json.loads(path.read_text("utf-8"))["providers"]["anthropic"] == {"base_url": URL}


@pytest.mark.parametrize(
    ("environ", "upstream"),
    [
        ({}, "https://api.openai.com/v1"),
        ({"OPENAI_API_ENDPOINT": "https://gateway.example/v1/"}, "https://gateway.example/v1"),
        ({"OPENAI_API_ENDPOINT": URL}, "https://api.openai.com/v1"),
    ],
)
def test_a_built_in_provider_may_be_pointed_by_a_variable(
    tmp_path: Path, home: Path, environ: dict[str, str], upstream: str
) -> None:
    env = make_env(tmp_path, OPENAI_API_KEY="sk-own", **environ)
    assert wiring.connect(home, env, CRUSH, URL).upstream == upstream
    path = env.home / ".config/crush/crush.json"
    assert json.loads(path.read_text("utf-8")) == {"providers": {"openai": {"base_url": URL}}}
    wiring.disconnect(home, env, CRUSH)
    assert not path.exists()


def test_the_catalogue_knows_other_providers(tmp_path: Path, home: Path) -> None:
    env = make_env(tmp_path, ZAI_ENDPOINT="https://zai.example/v4")
    own(env, {"models": {"large": {"provider": "zai"}}})
    assert wiring.connect(home, env, CRUSH, URL, dry_run=True).upstream == ""
    kept(env, [{"id": "other"}, "torn", {"id": "zai", "api_endpoint": "${ZAI_ENDPOINT}/"}], "providers.json")
    assert wiring.connect(home, env, CRUSH, URL).upstream == "https://zai.example/v4"


def test_a_base_url_with_a_variable_in_it(tmp_path: Path, home: Path) -> None:
    held = SETTINGS.replace("https://llm.example/v1/", "${OFFICE_URL}")
    own(make_env(tmp_path), held)
    with pytest.raises(BadInputError, match=r"OFFICE_URL"):
        wiring.connect(home, make_env(tmp_path), CRUSH, URL)
    env = make_env(tmp_path, OFFICE_URL="https://llm.example/v1")
    assert wiring.connect(home, env, CRUSH, URL).upstream == "https://llm.example/v1"


def test_providers_that_cannot_be_pointed_and_unclear_settings_say_so(env: Env, home: Path) -> None:
    own(env, {"models": {"large": {"provider": "bedrock"}}})
    with pytest.raises(BadInputError, match="bedrock"):
        wiring.connect(home, env, CRUSH, URL)
    own(env, {})
    with pytest.raises(BadInputError, match="no provider"):
        wiring.connect(home, env, CRUSH, URL)
    own(env, {"providers": {"a": {}, "b": {}}})
    with pytest.raises(BadInputError, match="which model"):
        wiring.connect(home, env, CRUSH, URL)
    for broken in ("{", "[]", '{"models": 3}', '{"providers": {"office": 7}}'):
        own(env, broken)
        with pytest.raises(SkillClawError):
            wiring.connect(home, env, CRUSH, URL)


def test_project_settings_and_scripts_that_win_are_named(env: Env, home: Path) -> None:
    path = own(env, SETTINGS)
    wiring.connect(home, env, CRUSH, URL)
    write(env.cwd / "crush.json", {"providers": {"office": {"base_url": "https://past.example/v1"}}})
    write(env.cwd / ".crush.json", {"models": {"large": {"provider": "openai"}}})
    (path.parent / "crushrc").write_text("#!/bin/sh\n", "utf-8")
    told = "\n".join(texts(env))
    assert "https://past.example/v1" in told and "the provider openai" in told and "crushrc" in told
    write(env.cwd / "crush.json", "{")
    assert "past.example" not in "\n".join(texts(env))


def test_a_token_goes_where_the_key_stands_and_back(env: Env, home: Path) -> None:
    path = own(env, SETTINGS)
    wiring.connect(home, env, CRUSH, URL, token="skillclaw-token")
    assert json.loads(path.read_text("utf-8"))["providers"]["office"]["api_key"] == "skillclaw-token"
    wiring.disconnect(home, env, CRUSH)
    assert path.read_text("utf-8") == SETTINGS


def test_run_sets_the_variables_of_a_built_in_provider_only(tmp_path: Path) -> None:
    program = tmp_path / "bin/crush"
    write(program, "#!/bin/sh\n").chmod(0o755)
    env = make_env(tmp_path, PATH=str(program.parent), ANTHROPIC_API_KEY="sk-own")
    launch = CRUSH.launch(env, URL, ["run", "hello"], "skillclaw-token")
    assert launch.env["ANTHROPIC_API_ENDPOINT"] == URL
    assert launch.env["ANTHROPIC_API_KEY"] == "skillclaw-token"
    own(env, SETTINGS)
    with pytest.raises(BadInputError, match="settings only"):
        CRUSH.launch(env, URL, [])


def test_the_folders_follow_the_variables(tmp_path: Path) -> None:
    settings, extra = tmp_path / "settings", tmp_path / "extra"
    env = make_env(tmp_path, CRUSH_GLOBAL_CONFIG=str(settings), CRUSH_SKILLS_DIR=str(extra))
    assert CRUSH.skills(env) == [
        env.home / ".agents/skills",
        env.home / ".claude/skills",
        extra,
        settings / "skills",
        env.home / ".config/agents/skills",
    ]
    write(settings / "crush.json", SETTINGS)
    assert CRUSH.upstream(env) == "https://llm.example/v1"


def part(kind: str, **data: Any) -> dict[str, Any]:
    return {"type": kind, "data": data}


def call(name: str, tool: str, **arguments: Any) -> dict[str, Any]:
    return part("tool_call", id=name, name=tool, input=json.dumps(arguments), finished=True)


def result(name: str, tool: str, content: str, *, failed: bool = False) -> dict[str, Any]:
    return part("tool_result", tool_call_id=name, name=tool, content=content, is_error=failed)


SESSION: list[tuple[str, list[Any]]] = [
    ("user", [part("text", text="Make the tests pass."), part("binary", MIMEType="image/png", Data="aGk=")]),
    ("user", [part("text", text="A skill was loaded.", hidden=True)]),
    (
        "assistant",
        [
            part("reasoning", thinking="Look first.", signature="s", started_at=1, finished_at=2),
            call("call_run", "bash", command="make test", description="tests"),
            call("call_see", "view", file_path="/home/u/.agents/skills/green/SKILL.md"),
            call("call_task", "agent", prompt="Find the cause."),
            part("finish", reason="tool_use", time=START),
        ],
    ),
    (
        "tool",
        [
            result("call_run", "bash", "no rule\nExit code 2\n\n<cwd>/srv/shop</cwd>", failed=True),
            result("call_see", "view", "<file>\n     1|# Green\n</file>"),
            result("call_task", "agent", "The rule is missing."),
        ],
    ),
    ("assistant", [call("call_ok", "bash", command="make"), part("finish", reason="tool_use", time=START)]),
    ("tool", [result("call_ok", "bash", "built\n\n<cwd>/srv/shop</cwd>")]),
    ("assistant", [part("text", text="It is green."), part("finish", reason="end_turn", time=START)]),
    ("user", [part("shell_command", command="ls", output="Makefile", exit_code=0)]),
    ("assistant", [part("finish", reason="error", message="Too many requests", details="wait", time=START)]),
    ("wizard", [part("text", text="?")]),
    ("user", [part("riddle", text="?"), "torn"]),
]
BELOW: list[tuple[str, list[Any]]] = [
    ("user", [part("text", text="Find the cause.")]),
    ("assistant", [part("text", text="The rule is missing.")]),
]


def database(path: Path, *, summaries: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path)
    db.executescript(SCHEMA + (LATER if summaries else ""))
    for name, parent in ((ROOT, None), (SUB, ROOT), (f"title-{ROOT}", ROOT), ("empty-session-0001", None)):
        row = (name, parent, "t", 0, 0, 0, 0, START + 50, START)
        db.execute("INSERT INTO sessions VALUES (?,?,?,?,?,?,?,?,?)", row)
    titled = [("user", [part("text", text="Make")]), ("assistant", [part("text", text="Green tests")])]
    number = 0
    for name, held in ((ROOT, SESSION), (SUB, BELOW), (f"title-{ROOT}", titled)):
        for role, parts in held:
            number += 1
            model = "big" if role == "assistant" else None
            at = START + number
            db.execute(
                "INSERT INTO messages (id, session_id, role, parts, model, created_at, updated_at)"
                " VALUES (?,?,?,?,?,?,?)",
                (f"m{number}", name, role, json.dumps(parts), model, at, at),
            )
    if summaries:
        db.execute(
            "INSERT INTO messages VALUES ('s', ?, 'assistant', ?, 'big', ?, ?, NULL, 1)",
            (ROOT, json.dumps([part("text", text="Summary: green.")]), START + 90, START + 90),
        )
    db.execute(
        "INSERT INTO messages (id, session_id, role, parts, created_at, updated_at)"
        " VALUES ('torn', ?, 'user', '[{', ?, ?)",
        (ROOT, START + 91, START + 91),
    )
    db.commit()
    db.close()
    return path


def one(env: Env, name: str = ROOT) -> tuple[Trajectory, dict[str, int]]:
    (file,) = [file for file in CRUSH.histories(env) if file.session == name]
    read = CRUSH.read_history(file, env)
    assert read.trajectory is not None
    atif.Trajectory.model_validate_json(encode(read.trajectory))
    return read.trajectory, dict(read.skipped)


def test_a_session_is_read_whole(env: Env) -> None:
    database(env.cwd / ".crush/crush.db")
    made, skipped = one(env)
    words = [text_of(s.message) for s in made.steps if s.source == "user" and not step_meta(s).injected]
    assert words[0].startswith("Make the tests pass.") and len(words) == 1
    injected = [text_of(s.message) for s in made.steps if step_meta(s).injected]
    assert "A skill was loaded." in injected[0] and any("Makefile" in text for text in injected)
    assert any("Too many requests" in text for text in injected)
    first = next(s for s in made.steps if s.source == "agent")
    assert first.reasoning_content == "Look first." and first.model_name == "big"
    results = {
        r.source_call_id: result_meta(r) for s in made.steps if s.observation for r in s.observation.results
    }
    assert (results["call_run"].exit_code, results["call_run"].is_error) == (2, True)
    assert (results["call_ok"].exit_code, results["call_ok"].is_error) == (0, False)
    assert results["call_see"].exit_code is None and results["call_see"].taint is not None
    assert [step_meta(s).kind for s in made.steps if text_of(s.message) == "Summary: green."] == [
        "compaction"
    ]
    assert first.timestamp is not None and first.timestamp.startswith("2026-01-01T00:00:0")
    assert made.agent.model_name == "big"
    assert skipped["messages that could not be read"] == 1
    assert any("wizard" in key for key in skipped) and any("riddle" in key for key in skipped)


def test_its_name_is_the_one_of_the_wire_and_sub_agents_are_embedded(env: Env) -> None:
    database(env.cwd / ".crush/crush.db")
    made, _ = one(env)
    assert made.session_id == NAME
    (sub,) = made.subagent_trajectories or ()
    assert text_of(sub.steps[-1].message) == "The rule is missing."
    refs = [
        (r.source_call_id, [ref.trajectory_id for ref in r.subagent_trajectory_ref or ()])
        for s in made.steps
        if s.observation
        for r in s.observation.results
    ]
    assert ("call_task", [sub.trajectory_id]) in refs
    assert "Green tests" not in encode(made).decode(), "the request for a title is no sub-agent"


def test_the_databases_of_remembered_projects_are_found(env: Env, tmp_path: Path) -> None:
    shop, own_folder = tmp_path / "shop", env.skillclaw_home / "work"
    database(shop / ".crush/crush.db", summaries=False)
    database(own_folder / ".crush/crush.db")
    listed = [
        {"path": str(shop), "data_dir": ".crush", "last_accessed": "2026-01-01T00:00:00Z"},
        {"path": str(own_folder), "data_dir": ".crush"},
        {"path": str(tmp_path / "gone"), "data_dir": ".crush"},
        "torn",
        {"path": 3},
    ]
    kept(env, {"projects": listed}, "projects.json")
    files = CRUSH.histories(env)
    assert {file.path for file in files} == {shop / ".crush/crush.db"}
    assert {file.session for file in files} == {ROOT, "empty-session-0001"}
    made, _ = one(env)
    assert meta(made).project == "shop"
    (empty,) = [file for file in files if file.session.startswith("empty")]
    assert CRUSH.read_history(empty, env).trajectory is None
    with pytest.raises(BadInputError, match="no session"):
        CRUSH.read_history(HistoryFile(path=empty.path, size=0, mtime=0, session="gone"), env)


def test_a_database_is_told_apart(env: Env, tmp_path: Path) -> None:
    path = database(tmp_path / "crush.db")
    assert sniff(path) == "crush"
    broken = write(tmp_path / "broken.db", "SQLite format 3\x00 torn")
    assert not CRUSH.recognises(broken, [])
    assert CRUSH.histories(env) == []


def test_a_message_that_grows_within_a_second_is_seen_to_grow(env: Env) -> None:
    path = database(env.cwd / ".crush/crush.db")
    (before,) = [file for file in CRUSH.histories_in(path, env) if file.session == ROOT]
    db = sqlite3.connect(path)
    more = json.dumps([part("text", text="Summary: green, and all of the rest.")])
    db.execute("UPDATE messages SET parts = ? WHERE updated_at = ?", (more, START + 91))
    db.commit()
    db.close()
    (after,) = [file for file in CRUSH.histories_in(path, env) if file.session == ROOT]
    assert (before.key, before.mtime) == (after.key, after.mtime) and before.size != after.size
