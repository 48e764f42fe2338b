"""PicoClaw, as its documentation and sources have it: settings there and back, sessions read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import atif
import msgspec
import pytest
from agents_material import make_env, write_lines
from rounds import SECRET, there_and_back

from skillclaw.agents import Env, HistoryFile, adapters, sniff, wiring
from skillclaw.errors import BadInputError
from skillclaw.journal.store import SessionStore
from skillclaw.trajectory.keys import anonymous_native_id, session_key
from skillclaw.trajectory.model import Trajectory, encode, meta, result_meta, step_meta, text_of, with_meta

PICOCLAW = adapters()["picoclaw"]
URL = "http://127.0.0.1:8787/picoclaw"


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


def entry(name: str = "work", **more: Any) -> dict[str, Any]:
    return {"model_name": name, "model": "openai/gpt-x", "api_keys": [SECRET], **more}


def config(env: Env, *entries: dict[str, Any], model: str = "work", **more: Any) -> Path:
    path = env.home / ".picoclaw/config.json"
    path.parent.mkdir(exist_ok=True)
    defaults = {"model_name": model, "workspace": "~/.picoclaw/workspace", **more}
    held = {"version": 2, "agents": {"defaults": defaults}, "model_list": list(entries)}
    path.write_text(json.dumps(held, indent=2) + "\n", "utf-8")
    (path.parent / ".security.yml").write_text(f"model_list:\n  work:0:\n    api_keys: [{SECRET}]\n", "utf-8")
    return path


def test_the_model_in_use_is_led_there_and_back(env: Env, home: Path) -> None:
    path = config(env, entry("other"), entry(api_base="https://llm.example/v1/"))
    wired = there_and_back(home, env, PICOCLAW, URL, path, "json", ("model_list", 1, "api_base"))
    assert wired.upstream == "https://llm.example/v1"


def test_all_entries_of_the_model_that_go_to_the_same_place(env: Env, home: Path) -> None:
    same = entry(api_base="https://api.openai.com/v1")
    off = entry(enabled=False)
    path = config(env, entry(), same, entry(api_base="https://b.example/v1"), off, fallbacks=[])
    wired = there_and_back(home, env, PICOCLAW, URL, path, "json", ("model_list", 0, "api_base"))
    assert wired.notes == ["1 of the entries of work in model_list go elsewhere, past the proxy."]
    wiring.connect(home, env, PICOCLAW, URL)
    bases = [one.get("api_base") for one in json.loads(path.read_bytes())["model_list"]]
    assert bases == [URL, URL, "https://b.example/v1", None]


@pytest.mark.parametrize(
    ("own", "upstream"),
    [
        (entry(), "https://api.openai.com/v1"),
        (entry(model="gpt-x"), "https://api.openai.com/v1"),
        (entry(provider="OpenRouter", model="anthropic/claude-x"), "https://openrouter.ai/api/v1"),
        (entry(model="zhipu/glm-x"), "https://open.bigmodel.cn/api/paas/v4"),
        (entry(model="unheard/of"), ""),
    ],
)
def test_the_provider_is_told_by_the_entry(env: Env, own: dict[str, Any], upstream: str) -> None:
    config(env, own)
    assert PICOCLAW.upstream(env) == upstream


def test_the_variable_chooses_the_model_and_the_folder(tmp_path: Path, home: Path) -> None:
    own = tmp_path / "own.json"
    env = make_env(
        tmp_path, PICOCLAW_AGENTS_DEFAULTS_MODEL_NAME="b", PICOCLAW_CONFIG=str(own), PICOCLAW_HOME="~/pico"
    )
    held = {"agents": {"defaults": {"model_name": "a"}}, "model_list": [entry("a"), entry("b")]}
    own.write_text(json.dumps(held), "utf-8")
    wiring.connect(home, env, PICOCLAW, URL)
    assert json.loads(own.read_bytes())["model_list"][1]["api_base"] == URL
    assert PICOCLAW.skills(env) == [env.home / "pico/skills", env.home / "pico/workspace/skills"]


@pytest.mark.parametrize(
    "entries",
    [[entry(provider="github-copilot")], [entry(model="claude-cli/x")], [entry("another")], []],
    ids=["login of its own", "program", "not there", "none"],
)
def test_what_cannot_be_connected_is_refused_and_nothing_written(
    env: Env, entries: list[dict[str, Any]]
) -> None:
    path = config(env, *entries)
    before = path.read_bytes()
    with pytest.raises(BadInputError):
        PICOCLAW.connect(env, URL)
    assert path.read_bytes() == before


def test_no_settings_and_settings_that_do_not_parse(env: Env) -> None:
    with pytest.raises(BadInputError, match="no model yet"):
        PICOCLAW.connect(env, URL)
    config(env).write_text("{", "utf-8")
    with pytest.raises(BadInputError, match=r"config\.json"):
        PICOCLAW.connect(env, URL)
    assert PICOCLAW.histories(env) == []


def test_models_for_when_it_fails_are_told(env: Env) -> None:
    config(env, entry(fallbacks=["b", "c"]))
    (note,) = PICOCLAW.connect(env, URL).notes
    assert note.endswith("past the proxy: b, c.")


def test_it_is_not_started_past_the_proxy(env: Env) -> None:
    config(env, entry())
    with pytest.raises(BadInputError, match="settings file only"):
        PICOCLAW.launch(env, URL, [])


def test_skills_that_it_made_itself(env: Env) -> None:
    config(env, entry())
    root = env.home / ".picoclaw/workspace"
    profiles = root / "state/evolution/profiles"
    profiles.mkdir(parents=True)
    for name, origin in (("made", "evolved"), ("typed", "manual"), ("gone", "evolved"), ("../up", "evolved")):
        told = {"skill_name": name, "origin": origin, "status": "active"}
        (profiles / f"{name.replace('/', '_')}.json").write_text(json.dumps(told), "utf-8")
    (profiles / "torn.json").write_text("{", "utf-8")
    for name in ("made", "typed"):
        (root / "skills" / name).mkdir(parents=True)
        (root / "skills" / name / "SKILL.md").write_text("---\nname: x\n---\n", "utf-8")
    assert PICOCLAW.learned(env) == [root / "skills/made"]


# --- histories


def call(ident: str, name: str, **arguments: Any) -> dict[str, Any]:
    return {
        "id": ident,
        "type": "function",
        "function": {"name": name, "arguments": json.dumps(arguments)},
    }


def session(
    env: Env, *messages: Any, key: str = "agent:main:main", end: str = "\n", **told: Any
) -> HistoryFile:
    path = env.home / f".picoclaw/workspace/sessions/{key.replace(':', '_')}.jsonl"
    write_lines(path, list(messages), end)
    about = {
        "key": key,
        "summary": "",
        "skip": 0,
        "count": len(messages),
        "created_at": "2026-06-01T10:00:30.123456789+02:00",
        "updated_at": "2026-06-01T10:01:00+02:00",
    }
    path.with_name(f"{path.stem}.meta.json").write_text(json.dumps({**about, **told}), "utf-8")
    (found,) = PICOCLAW.histories(env)
    return found


TALK = (
    {"role": "user", "content": "Sort it\n\n<runtime_context>\nTime: now\n</runtime_context>"},
    {
        "role": "assistant",
        "content": "",
        "reasoning_content": "hm",
        "tool_calls": [call("c1", "exec", command="cat x"), call("c2", "read_file", path="/s/sort/SKILL.md")],
    },
    {"role": "tool", "content": "\nSTDERR:\ncat: x\n\nExit code: exit status 1", "tool_call_id": "c1"},
    {"role": "tool", "content": "# Sort", "tool_call_id": "c2"},
    {"role": "assistant", "content": "Sorted."},
)


def read(file: HistoryFile, env: Env) -> tuple[Trajectory, dict[str, int]]:
    found = PICOCLAW.read_history(file, env)
    assert found.trajectory is not None, found.skipped
    atif.Trajectory.model_validate_json(encode(found.trajectory))
    return found.trajectory, found.skipped


def test_thoughts_that_an_answer_begins_with_are_told_apart(env: Env) -> None:
    said = {"role": "assistant", "content": "<think>\nhm\n</think>\n\nSorted."}
    made, _ = read(session(env, {"role": "user", "content": "<think>so</think> Sort it"}, said), env)
    told = [(text_of(step.message).strip(), step.reasoning_content) for step in made.steps]
    assert told == [("<think>so</think> Sort it", None), ("Sorted.", "hm")]


def test_a_session_with_its_calls_results_and_exit_codes(env: Env) -> None:
    made, skipped = read(session(env, *TALK), env)
    assert skipped == {}
    said = [(s.source, text_of(s.message).strip(), step_meta(s).injected) for s in made.steps]
    assert said == [
        ("user", "Sort it", False),
        ("user", "<runtime_context>\nTime: now\n</runtime_context>", True),
        ("agent", "", False),
        ("agent", "Sorted.", False),
    ]
    assert made.steps[2].reasoning_content == "hm"
    assert made.steps[2].observation is not None
    results = [result_meta(result) for result in made.steps[2].observation.results]
    assert [(one.exit_code, one.is_error) for one in results] == [(1, True), (None, None)]
    assert [use.name for use in meta(made).skills] == ["sort"]


@pytest.mark.parametrize("told", [{}, {"summary": "We sorted."}, {"skip": 3}])
def test_it_is_the_same_session_once_it_is_shortened(env: Env, told: dict[str, Any]) -> None:
    made, _ = read(session(env, *TALK, **told), env)
    assert (made.session_id or "").startswith("agent:main:main@2026-06-01T")
    assert (made.steps[0].timestamp is None) == bool(told), "when it began is known of a whole one alone"


def test_a_session_of_which_nobody_knows_when_it_began_goes_by_its_key(env: Env) -> None:
    made, _ = read(session(env, *TALK, created_at="0001"), env)
    assert made.session_id == "agent:main:main"


def test_what_the_proxy_recorded_and_its_history_become_one_and_stay_one(env: Env, tmp_path: Path) -> None:
    """Shortened, it is no other session; nor is it after it was forgotten."""
    store = SessionStore(tmp_path / "home")
    whole, _ = read(session(env, *TALK), env)
    native = anonymous_native_id("Sort it", "2026-06-01T08:00")
    wire = with_meta(
        msgspec.structs.replace(whole, session_id=native),
        msgspec.structs.replace(meta(whole), key=session_key("picoclaw", native), source="wire"),
    )
    assert store.put(wire) == "new"
    store.put(whole)
    assert store.count() == 1
    more = ({"role": "user", "content": "And again"}, {"role": "assistant", "content": "Sorted again."})
    short, _ = read(session(env, *TALK, *more, summary="We sorted.", skip=2), env)
    assert store.put(short) == "grown" and store.count() == 1
    store.forget(store.rows()[0].id)
    assert {store.put(one) for one in (wire, whole, short)} == {"forgotten"}
    store.close()


def test_torn_lines_pictures_and_unknown_roles(env: Env) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}}
    parts = [{"type": "text", "text": "see"}, picture]
    file = session(
        env,
        {"role": "user", "content": "", "content_parts": parts},
        {"role": "judge", "content": "x"},
        {"role": "tool", "content": "lost", "tool_call_id": "c9"},
        end='\n{"role": "assi',
    )
    made, skipped = read(file, env)
    assert sum(skipped.values()) == 2
    assert ["image" in str(step.message) for step in made.steps][:2] == [False, True]


def test_other_files_are_refused_and_its_own_are_known(env: Env) -> None:
    file = session(env, *TALK)
    assert sniff(file.path) == "picoclaw"
    file.path.with_name(f"{file.path.stem}.meta.json").unlink()
    assert sniff(file.path) != "picoclaw"
    other = write_lines(env.home / "o.jsonl", [{"type": "x"}])
    with pytest.raises(BadInputError, match="not a session of PicoClaw"):
        PICOCLAW.read_history(HistoryFile(path=other, size=1, mtime=1.0), env)
