"""QwenPaw and CoPaw: the provider's address in its own file, skills by manifest, sessions from both stores.

`samples/qwenpaw/` is what QwenPaw 2.2.2 wrote; what it sent then is `tests/wire/fixtures/qwenpaw.json`.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import atif
import pytest
from agents_material import make_env
from recorded import post, recorded

from skillclaw.agents import Env, HistoryFile, adapters, apply, wiring
from skillclaw.agents.qwenpaw import QwenPaw
from skillclaw.agents.sniffing import sniff
from skillclaw.errors import BadInputError
from skillclaw.journal.assemble import assemble
from skillclaw.journal.merge import merge
from skillclaw.trajectory.model import Trajectory, encode, meta, result_meta, step_meta, text_of
from skillclaw.trajectory.skilluse import credit, known_bodies
from skillclaw.wire.decode import decode

PAW = adapters()["qwenpaw"]
URL = "http://127.0.0.1:8787/qwenpaw"
SAMPLES = Path(__file__).parent / "samples/qwenpaw"
PROVIDER = (
    '{\n  "id": "mine",\n  "base_url": "https://api.example/v1",\n'
    '  "api_key": "ENC:gAAAA",\n  "freeze_url": false\n}'
)
BODY = "# Owl\n\n1. Ask the owl.\n"


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


@pytest.fixture(autouse=True)
def utc() -> Iterator[None]:
    """The samples were written in this zone, of which they say nothing."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def install(env: Env, folder: str = ".qwenpaw", kind: str = "custom", provider: str = PROVIDER) -> Path:
    root = env.home / folder
    workspace = root / "workspaces/default"
    write(root / "config.json", {"agents": {"active_agent": "default", "profiles": {}}})
    write(workspace / "agent.json", {"id": "default", "active_model": None})
    secret = env.home / f"{folder}.secret/providers"
    write(secret / "active_model.json", {"provider_id": "mine", "model": "m"})
    return write(secret / kind / "mine.json", provider)


@pytest.mark.parametrize("folder", [".qwenpaw", ".copaw"])
def test_only_the_address_of_the_provider_in_use_changes(env: Env, home: Path, folder: str) -> None:
    path = install(env, folder)
    wired = wiring.connect(home, env, PAW, URL)
    assert wired.upstream == "https://api.example/v1"
    assert path.read_text("utf-8") == PROVIDER.replace("https://api.example/v1", URL)
    assert "ENC:" not in wired.diff
    assert not wiring.connect(home, env, PAW, URL).changed
    # QwenPaw writes the file anew when it learns of models.
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "models": []}), "utf-8")
    wiring.disconnect(home, env, PAW)
    assert json.loads(path.read_text("utf-8")) == {**json.loads(PROVIDER), "models": []}


def test_an_old_folder_wins_and_a_named_one_over_it(tmp_path: Path) -> None:
    env = make_env(tmp_path)
    assert PAW.skills(env) == [env.home / ".qwenpaw/workspaces/default/skills"]
    (env.home / ".copaw").mkdir()
    assert PAW.skills(env) == [env.home / ".copaw/workspaces/default/skills"]
    named = make_env(tmp_path, QWENPAW_WORKING_DIR="~/paw")
    write(
        named.home / "paw/config.json",
        {"agents": {"active_agent": "two", "profiles": {"two": {"workspace_dir": "~/desk"}}}},
    )
    assert PAW.skills(named) == [named.home / "desk/skills"]


def test_the_agents_own_model_counts_before_the_common_one(env: Env, home: Path) -> None:
    install(env)
    own = write(
        env.home / ".qwenpaw.secret/providers/builtin/ollama.json", {"base_url": "http://127.0.0.1:11434"}
    )
    agent = {"active_model": {"provider_id": "ollama", "model": "m"}}
    write(env.home / ".qwenpaw/workspaces/default/agent.json", agent)
    assert wiring.connect(home, env, PAW, URL).files == [str(own)]


@pytest.mark.parametrize(
    ("kind", "provider", "says"),
    [
        ("builtin", '{"base_url": "https://x.example", "freeze_url": true}', "built in"),
        ("nowhere", PROVIDER, "no file"),
        ("custom", "{broken", "not valid JSON"),
    ],
)
def test_what_cannot_be_pointed_anywhere_is_refused(
    env: Env, home: Path, kind: str, provider: str, says: str
) -> None:
    path = install(env, kind=kind, provider=provider)
    with pytest.raises(BadInputError) as told:
        wiring.connect(home, env, PAW, URL)
    assert says in str(told.value) and path.read_text("utf-8") == provider


def test_no_model_in_use_is_said(env: Env, home: Path) -> None:
    with pytest.raises(BadInputError, match="no model in use"):
        wiring.connect(home, env, PAW, URL)


def test_skills_are_listed_when_they_are_installed_and_not_against_the_users_will(env: Env) -> None:
    install(env)
    folder = PAW.skills(env)[0]
    manifest = folder.parent / "skill.json"
    assert isinstance(PAW, QwenPaw)
    apply(PAW.listing(env, folder, ["owl"]))
    assert json.loads(manifest.read_text("utf-8"))["skills"] == {"owl": {"enabled": True}}
    manifest.write_text(
        '{\n  "skills": {\n    "mine": {"enabled": false, "channels": ["all"]}\n  }\n}\n', "utf-8"
    )
    apply(PAW.listing(env, folder, ["owl", "cat"]))
    held = json.loads(manifest.read_text("utf-8"))["skills"]
    assert held == {
        "mine": {"enabled": False, "channels": ["all"]},
        "owl": {"enabled": True},
        "cat": {"enabled": True},
    }
    # A copy that comes again is no reason to enable what the user disabled.
    assert PAW.listing(env, folder, ["mine"]) == []
    apply(PAW.listing(env, folder, ["mine", "dog"]))
    held = json.loads(manifest.read_text("utf-8"))["skills"]
    assert (held["mine"]["enabled"], held["dog"]) == (False, {"enabled": True})
    assert PAW.listing(env, env.home / ".agents/skills", ["owl"]) == []
    write(folder / "mine/SKILL.md", "---\nname: mine\ndescription: d\n---\n")
    (dark,) = [found for found in PAW.findings(env, None) if "not enabled" in found.text]
    assert "mine" in dark.text and "owl" not in dark.text


def workspace(env: Env, *, database: bool = True, files: bool = True) -> Path:
    found = env.home / ".qwenpaw/workspaces/default"
    (found / "sessions/console").mkdir(parents=True)
    shutil.copy(SAMPLES / "chats.json", found)
    if database:
        db = sqlite3.connect(found / "history.db")
        db.executescript((SAMPLES / "history.sql").read_text("utf-8"))
        db.commit()
        db.close()
    if files:
        for name in ("ada_s1.json", "default_sub-6ff4ff81.json"):
            shutil.copy(SAMPLES / name, found / "sessions/console")
        write(found / "sessions/.synced.json", {"not": "a session"})
    return found


def read(env: Env) -> Trajectory:
    (file,) = PAW.histories(env)
    found = PAW.read_history(file, env).trajectory
    assert found is not None
    atif.Trajectory.model_validate_json(encode(found))
    return found


def said(found: Trajectory, source: str) -> list[str]:
    return [
        text_of(step.message)
        for step in found.steps
        if step.source == source and not step_meta(step).injected and step_meta(step).kind == "turn"
    ]


@pytest.mark.parametrize(("database", "files"), [(True, True), (True, False), (False, True)])
def test_a_session_is_whole_from_either_source(env: Env, database: bool, files: bool) -> None:
    workspace(env, database=database, files=files)
    found = read(env)
    assert found.session_id == "s1"
    assert said(found, "user") == ["what does the owl say", "and please go on", "spawn it"]
    told = [
        (call.function_name, result_meta(result).exit_code, result_meta(result).is_error)
        for step in found.steps
        for call, result in zip(
            step.tool_calls or [], step.observation.results if step.observation else [], strict=True
        )
    ]
    assert told == [
        ("execute_shell_command", 3, True),
        ("Skill", None, None),
        ("spawn_subagent", None, None),
    ]
    agents = [step for step in found.steps if step.source == "agent"]
    assert [len(step.tool_calls or []) for step in agents] == [1, 1, 0, 0, 1, 0], "a result ends a step"
    (child,) = found.subagent_trajectories or []
    assert said(child, "user") == ["count the owls"]
    assert any(
        ref.trajectory_id == "sub-6ff4ff81"
        for step in agents
        if step.observation
        for result in step.observation.results
        for ref in result.subagent_trajectory_ref or []
    )
    assert (found.steps[1].timestamp or "").startswith("2026-11-26T09:26:02")
    if files:
        assert found.agent.model_name == "fake-model"
        assert found.final_metrics is not None and found.final_metrics.total_prompt_tokens == 600


def test_it_is_one_session_with_what_the_proxy_recorded(env: Env) -> None:
    workspace(env)
    (wire,) = assemble(recorded("qwenpaw.json"))
    history = read(env)
    assert meta(wire).key == meta(history).key
    merged = merge(wire, history)
    assert merged is not None
    assert said(merged, "user") == ["what does the owl say", "and please go on", "spawn it"]
    assert len(merged.subagent_trajectories or []) == 1
    calls = [call.tool_call_id for step in merged.steps for call in step.tool_calls or []]
    assert len(calls) == len(set(calls)) == 3


def test_on_the_wire_a_sub_agent_belongs_to_the_session_that_names_it() -> None:
    found = assemble(recorded("qwenpaw.json"))
    assert [one.session_id for one in found] == ["s1"]
    (child,) = found[0].subagent_trajectories or []
    assert child.trajectory_id == "sub-6ff4ff81"
    alone = [one for one in recorded("qwenpaw.json") if b"Session ID: sub-" in one.request_body]
    assert [one.session_id for one in assemble(alone)] == ["sub-6ff4ff81"], "nobody has named it yet"


def test_a_skill_is_credited_by_its_body_alone() -> None:
    (found,) = assemble(recorded("qwenpaw.json"))
    (use,) = meta(credit(found, known_bodies("team", "v2", f"---\nname: owl-skill\n---\n{BODY}"))).skills
    assert (use.name, use.version, use.offered) == ("owl-skill", "v2", True)
    assert use.invoked_step == use.read_step is not None


@pytest.mark.parametrize(
    ("system", "kind"),
    [
        ("You generate short titles for chat sessions. Given the first", "side"),
        ("You are an automatic memory system. Your job is", "side"),
        ("你是自动记忆系统。你的职责", "side"),
        ("You update a compact continuation summary. Follow", "compaction"),
        ("你负责更新一份紧凑的 continuation summary。严格", "compaction"),
        ("You are the dream keeper of a game", "turn"),
    ],
)
def test_what_it_asks_beside_the_conversation(system: str, kind: str) -> None:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": "hello"}]
    tool = {"type": "function", "function": {"name": "write_file"}}
    decoded = decode(post("/v1/chat/completions", {"model": "m", "messages": messages, "tools": [tool]}, {}))
    assert decoded is not None and decoded.kind == kind


def test_sessions_of_single_tasks_share_a_name_that_is_none() -> None:
    messages = [
        {"role": "system", "content": "- User ID: ada\n- Session ID: headless-task"},
        {"role": "user", "content": "x"},
    ]
    decoded = decode(post("/v1/chat/completions", {"model": "m", "messages": messages}, {}))
    assert decoded is not None and decoded.identity is None


def test_a_session_that_grows_shows_it_even_in_a_row_that_is_written_anew(env: Env) -> None:
    found = workspace(env)
    (before,) = PAW.histories(env)
    db = sqlite3.connect(found / "history.db")
    db.execute("UPDATE conversation_history SET blocks = replace(blocks, 'Spawned.', 'Spawned, and more.')")
    db.commit()
    db.close()
    (after,) = PAW.histories(env)
    assert after.size > before.size and after.session == before.session == "s1"


def test_copaws_files_and_hosts_words_are_known(env: Env) -> None:
    path = env.home / ".copaw/workspaces/default/sessions/ada_77.json"
    messages: list[Any] = [
        {"role": "user", "content": "go", "timestamp": "2026-03-01 10:00:00.123"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm"},
                {"type": "tool_use", "id": "c1", "name": "execute_shell_command", "input": {"command": "ls"}},
            ],
        },
        {
            "role": "system",
            "content": [
                {
                    "type": "tool_result",
                    "id": "c1",
                    "name": "execute_shell_command",
                    "output": [{"type": "text", "text": "Command failed with exit code 2.\n[stderr]\nno"}],
                }
            ],
        },
        {"role": "user", "content": "go on", "metadata": {"qwenpaw_tag": "auto_continue"}},
        {"role": "user", "name": "memory", "content": "<system-info>\nbefore\n</system-info>"},
        {"role": "assistant", "content": [{"type": "text", "text": "done"}, "odd", {"type": "text"}]},
        {"role": "wizard", "content": "x"},
    ]
    write(path, {"agent": {"memory": {"content": [[message, []] for message in messages]}}})
    (file,) = PAW.histories(env)
    result = PAW.read_history(file, env)
    assert result.skipped == {"lines of unknown type wizard": 1}
    found = result.trajectory
    assert found is not None and found.session_id == "77"
    assert said(found, "user") == ["go"] and [text for text in said(found, "agent") if text] == ["done"]
    (call,) = [step for step in found.steps if step.tool_calls]
    assert call.reasoning_content == "hm" and call.observation is not None
    assert result_meta(call.observation.results[0]).exit_code == 2
    assert [step_meta(step).kind for step in found.steps].count("compaction") == 1
    assert sniff(path) == "qwenpaw"


def test_foreign_and_broken_files_are_refused(env: Env, tmp_path: Path) -> None:
    path = write(tmp_path / "x.json", {"agent": {"memory": 3}})
    assert sniff(path) == ""
    with pytest.raises(BadInputError):
        PAW.read_history(HistoryFile(path=path, size=1, mtime=0), env)
    found = workspace(env)
    with pytest.raises(BadInputError):
        PAW.read_history(HistoryFile(path=found / "history.db", size=1, mtime=0, session="none"), env)
    (found / "history.db").write_bytes(b"SQLite format 3\0broken")
    assert [file.path.name for file in PAW.histories(env)] == ["ada_s1.json"]
