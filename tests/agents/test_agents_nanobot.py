"""nanobot: settings lead to the proxy and back; the sessions that nanobot 0.3.5 wrote are read whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import atif
import pytest
from agents_material import make_env

from skillclaw.agents import Env, HistoryFile, adapters, sniff, wiring
from skillclaw.errors import BadInputError
from skillclaw.trajectory.keys import anonymous_native_id
from skillclaw.trajectory.model import Trajectory, encode, meta, result_meta, step_meta, text_of

NANOBOT = adapters()["nanobot"]
URL = "http://127.0.0.1:8787/nanobot"
SAMPLES = Path(__file__).parent / "samples/nanobot/sessions"


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


def config(env: Env, held: dict[str, Any], indent: int = 4) -> Path:
    path = env.home / ".nanobot/config.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(held, indent=indent) + "\n", "utf-8")
    return path


def chosen(provider: str, model: str = "m", **own: Any) -> dict[str, Any]:
    defaults = {"provider": provider, "model": model}
    return {"agents": {"defaults": defaults}, "providers": own}


CUSTOM = chosen("custom", custom={"apiKey": "own-key-0123456789", "apiBase": "https://llm.example/v1/"})


def test_the_provider_in_use_is_led_there_and_back(env: Env, home: Path) -> None:
    path = config(env, CUSTOM)
    before = path.read_bytes()
    wired = wiring.connect(home, env, NANOBOT, URL)
    assert wired.upstream == "https://llm.example/v1"
    assert json.loads(path.read_text("utf-8"))["providers"]["custom"]["apiBase"] == URL
    assert "own-key" not in wired.diff
    assert not wiring.connect(home, env, NANOBOT, URL).changed
    assert not [found for found in NANOBOT.doctor(env, URL) if found.level == "fail"]
    wiring.disconnect(home, env, NANOBOT)
    assert path.read_bytes() == before


def test_what_the_user_changed_meanwhile_stays(env: Env, home: Path) -> None:
    path = config(env, CUSTOM)
    wiring.connect(home, env, NANOBOT, URL)
    path.write_text(path.read_text("utf-8").replace('"model": "m"', '"model": "bigger"'), "utf-8")
    wiring.disconnect(home, env, NANOBOT)
    held = json.loads(path.read_text("utf-8"))
    assert held["agents"]["defaults"]["model"] == "bigger"
    assert held["providers"]["custom"]["apiBase"] == "https://llm.example/v1/"


@pytest.mark.parametrize(
    ("held", "keys", "upstream"),
    [
        (chosen("openai", openai={"apiKey": "k"}), ("openai", "apiBase"), "https://api.openai.com/v1"),
        (
            chosen("lm-studio", lmStudio={"api_base": "http://h:1/v1"}),
            ("lmStudio", "api_base"),
            "http://h:1/v1",
        ),
        (
            chosen("anthropic", anthropic={"apiKey": "k", "apiBase": "https://gw.example/v1"}),
            ("anthropic", "apiBase"),
            "https://gw.example",
        ),
        (
            chosen("auto", "anthropic/claude-x", openrouter={"apiKey": "k"}, groq={"apiKey": ""}),
            ("openrouter", "apiBase"),
            "https://openrouter.ai/api/v1",
        ),
        (
            chosen("auto", "claude-x", openai={"apiKey": "k"}, anthropic={"apiKey": "k"}),
            ("anthropic", "apiBase"),
            "https://api.anthropic.com",
        ),
        (
            chosen("auto", "office/big", office={"apiBase": "https://o.example/v1"}, openai={"apiKey": "k"}),
            ("office", "apiBase"),
            "https://o.example/v1",
        ),
        (
            {
                "agents": {"defaults": {"provider": "openai", "modelPreset": "fast"}},
                "modelPresets": {"fast": {"model": "d", "provider": "deepseek"}},
                "providers": {"deepseek": {"apiKey": "k"}},
            },
            ("deepseek", "apiBase"),
            "https://api.deepseek.com",
        ),
    ],
)
def test_which_provider_is_in_use(
    env: Env, held: dict[str, Any], keys: tuple[str, str], upstream: str
) -> None:
    config(env, held)
    place = NANOBOT.place(env)  # type: ignore[attr-defined]
    assert place.keys == ("providers", *keys)
    assert NANOBOT.upstream(env) == upstream


@pytest.mark.parametrize(
    "held",
    [
        chosen("openai-codex"),
        chosen("bedrock", bedrock={"region": "x"}),
        chosen("auto", "some-model", mistral={"apiKey": "k"}, groq={"apiKey": "k"}),
        {},
    ],
    ids=["login of its own", "cloud", "not clear", "nothing said"],
)
def test_what_cannot_be_connected_is_refused_and_nothing_written(env: Env, held: dict[str, Any]) -> None:
    path = config(env, held)
    before = path.read_bytes()
    with pytest.raises(BadInputError):
        NANOBOT.connect(env, URL)
    assert path.read_bytes() == before


def test_settings_that_do_not_parse_are_refused(env: Env) -> None:
    path = config(env, CUSTOM)
    path.write_text('{"providers": ', "utf-8")
    with pytest.raises(BadInputError, match=r"config\.json"):
        NANOBOT.connect(env, URL)
    assert NANOBOT.doctor(env, URL)[-1].level == "fail"
    assert NANOBOT.detect(env, versions=False).installed is False


def test_other_providers_with_a_key_are_told(env: Env) -> None:
    config(env, {**CUSTOM, "providers": {**CUSTOM["providers"], "groq": {"apiKey": "k"}}})
    assert NANOBOT.connect(env, URL).notes == ["Only the provider custom goes through the proxy, not groq."]


def test_it_is_started_by_variables_where_the_file_has_no_base_url(env: Env) -> None:
    config(env, chosen("lm_studio", lm_studio={"apiKey": "k"}))
    launch = NANOBOT.launch(env, URL, ["agent", "-m", "hi"])
    assert launch.argv == ["nanobot", "agent", "-m", "hi"]
    assert launch.env == {"NANOBOT_PROVIDERS__LM_STUDIO__API_BASE": URL}


def test_it_is_started_with_a_provider_of_our_own_where_the_file_has_one(env: Env) -> None:
    held = chosen(
        "custom", custom={"apiKey": "own", "apiBase": "https://llm.example/v1", "extraHeaders": {"a": "b"}}
    )
    held["agents"]["defaults"]["maxTokens"] = 99
    config(env, held)
    launch = NANOBOT.launch(env, URL, [])
    assert "own" not in " ".join(launch.argv)
    own = {"apiKey": "own", "apiBase": URL, "extraHeaders": {"a": "b"}}
    assert json.loads(launch.env["NANOBOT_PROVIDERS"]) == {"skillclaw": own}
    preset = {"model": "m", "provider": "skillclaw", "maxTokens": 99}
    assert json.loads(launch.env["MODEL_PRESETS"]) == {"skillclaw": preset}
    assert (
        json.loads(NANOBOT.launch(env, URL, [], "tok").env["NANOBOT_PROVIDERS"])["skillclaw"]["apiKey"]
        == "tok"
    )
    config(env, chosen("anthropic", anthropic={"apiKey": "own", "apiBase": "https://llm.example"}))
    with pytest.raises(BadInputError, match="skillclaw connect nanobot"):
        NANOBOT.launch(env, URL, [])


def test_skills_are_those_of_the_workspace(env: Env) -> None:
    assert NANOBOT.skills(env) == [env.home / ".nanobot/workspace/skills"]
    held = chosen("custom")
    held["agents"]["defaults"]["workspace"] = "~/bot"
    config(env, held)
    assert NANOBOT.skills(env) == [env.home / "bot/skills"]


# --- histories


@pytest.fixture
def files(env: Env) -> dict[str, HistoryFile]:
    shutil.copytree(SAMPLES, env.home / ".nanobot/sessions")
    return {file.path.stem: file for file in NANOBOT.histories(env)}


def read(file: HistoryFile, env: Env) -> tuple[Trajectory, dict[str, int]]:
    found = NANOBOT.read_history(file, env)
    assert found.trajectory is not None, found.skipped
    atif.Trajectory.model_validate_json(encode(found.trajectory))
    return found.trajectory, found.skipped


DIRECT, OTHER = "Y2xpOmRpcmVjdA", "Y2xpOm90aGVy"


def test_a_session_with_its_calls_results_and_exit_codes(env: Env, files: dict[str, HistoryFile]) -> None:
    made, skipped = read(files[DIRECT], env)
    assert skipped == {}
    said = [(step.source, text_of(step.message)) for step in made.steps if text_of(step.message)]
    assert said == [
        ("user", "Please greet me in a file"),
        ("agent", "Done greeting."),
        ("user", "And again please"),
        ("agent", "Done greeting."),
    ]
    calls = [call for step in made.steps for call in step.tool_calls or []]
    assert [call.function_name for call in calls] == ["read_file", "exec", "exec"] * 2
    results = [r for step in made.steps for r in (step.observation.results if step.observation else [])]
    assert [(result_meta(r).exit_code, result_meta(r).is_error) for r in results[:3]] == [
        (None, None),
        (0, False),
        (2, True),
    ]
    assert result_meta(results[0]).taint == "skill"
    assert meta(made).project == "workspace"
    assert [(use.name, use.read_step) for use in meta(made).skills] == [("greet-file", 2)]


def test_its_id_is_the_one_that_the_wire_would_make(env: Env, files: dict[str, HistoryFile]) -> None:
    made, _ = read(files[DIRECT], env)
    assert made.steps[0].timestamp is not None
    assert made.steps[0].timestamp.startswith("2026-11-26T08:23:10.939887")
    offset = made.steps[0].timestamp[-6:]
    if offset == "+00:00":
        assert made.session_id == anonymous_native_id("Please greet me in a file", "2026-11-26T08:23")
    assert made.session_id != read(files[OTHER], env)[0].session_id


def test_a_skill_that_the_user_named_stands_apart_from_his_words(
    env: Env, files: dict[str, HistoryFile]
) -> None:
    made, _ = read(files[OTHER], env)
    words = [(text_of(s.message), step_meta(s).injected) for s in made.steps if s.source == "user"]
    assert words[0] == ("Use $greet-file for me", False)
    assert words[1][0].startswith("[Active Skills — instructions") and words[1][1]


def lines(env: Env, *messages: dict[str, Any], key: str = "cli:direct", end: str = "\n") -> HistoryFile:
    head = {"_type": "metadata", "key": key, "created_at": "x", "metadata": {}, "last_consolidated": 0}
    path = env.home / ".nanobot/sessions/0123/Y2xpOnRlc3Q.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(one) for one in (head, *messages)) + end, "utf-8")
    return HistoryFile(path=path, size=1, mtime=1.0)


def user(text: Any, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": text, "timestamp": "2026-03-01T10:00:00.5", **more}


def test_what_nobody_typed_is_the_hosts(env: Env) -> None:
    made, skipped = read(
        lines(
            env,
            user("/help", _command=True),
            user("hello"),
            user("Cron job: water", _automation_turn={"kind": "cron"}),
            user("[Subagent 'x' done]", injected_event="subagent_result"),
            user("Continue the active task from the working-memory checkpoint above.", _hidden_history=True),
            {"role": "assistant", "content": "[Assistant reply unavailable due to model error.]"},
            {"role": "assistant", "content": "hi", "reasoning_content": "hm"},
            {"_type": "provider_state", "state": "opaque"},
            {"_type": "new_kind"},
        ),
        env,
    )
    assert skipped == {"commands of nanobot's own": 1, "lines of unknown type new_kind": 1}
    typed = [text_of(s.message) for s in made.steps if s.source == "user" and not step_meta(s).injected]
    assert typed == ["hello"]
    assert [step_meta(s).kind for s in made.steps].count("compaction") == 1
    assert [text_of(s.message) for s in made.steps if s.source == "agent"] == ["hi"]
    assert made.steps[-1].reasoning_content == "hm"


def test_pictures_odd_arguments_and_errors(env: Env) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}}
    hint = "Error: no such file\n\n[Analyze the error above and try a different approach.]"
    made, _ = read(
        lines(
            env,
            user([{"type": "text", "text": "see"}, picture]),
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c1", "function": {"name": "read_file", "arguments": "no json"}},
                    "odd",
                    {"id": "c2"},
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "name": "read_file", "content": hint},
            {"role": "tool", "tool_call_id": "lost", "name": "exec", "content": "x\n\nExit code: 1"},
        ),
        env,
    )
    assert [part.type for part in made.steps[0].message] == ["text", "image"]  # type: ignore[union-attr]
    (call,) = made.steps[1].tool_calls or []
    assert call.arguments == {"input": "no json"}
    assert made.steps[1].observation is not None
    assert result_meta(made.steps[1].observation.results[0]).is_error is True
    assert made.steps[2].observation is not None
    assert result_meta(made.steps[2].observation.results[0]).exit_code == 1


def test_a_torn_last_line_is_no_harm(env: Env) -> None:
    made, skipped = read(lines(env, user("hello"), user("again"), end='\n{"role": "assi'), env)
    assert len(made.steps) == 2
    assert skipped == {"torn last lines (still being written)": 1}


@pytest.mark.parametrize(
    ("key", "workspace", "reason"),
    [
        ("dream:20260528-100000", "/srv/bot", "nanobot's own runs to tidy its memory"),
        ("cli:direct", "{own}/work", "SkillClaw's own sessions"),
    ],
)
def test_runs_of_hosts_are_left_out(env: Env, key: str, workspace: str, reason: str) -> None:
    file = lines(env, user("hello"), key=key)
    (file.path.parent / ".workspace").write_text(workspace.format(own=env.skillclaw_home) + "\n", "utf-8")
    found = NANOBOT.read_history(file, env)
    assert found.trajectory is None
    assert found.skipped == {reason: 1}


def test_other_files_are_refused_and_its_own_are_known(env: Env, files: dict[str, HistoryFile]) -> None:
    assert sniff(files[DIRECT].path) == "nanobot"
    other = env.home / "other.jsonl"
    other.write_text('{"type": "session"}\n', "utf-8")
    assert sniff(other) != "nanobot"
    with pytest.raises(BadInputError, match="not a session of nanobot"):
        NANOBOT.read_history(HistoryFile(path=other, size=1, mtime=1.0), env)


def test_a_copied_workspace_of_older_versions_is_found(env: Env) -> None:
    old = env.home / ".nanobot/workspace/sessions/cli_direct.jsonl"
    old.parent.mkdir(parents=True)
    old.write_text(
        '{"_type": "metadata", "last_consolidated": 0}\n{"role": "user", "content": "hi"}\n', "utf-8"
    )
    (env.home / ".nanobot/sessions/0123").mkdir(parents=True)
    (env.home / ".nanobot/sessions/0123/ZHJlYW06MjAyNg.jsonl").write_text("{}\n", "utf-8")
    assert [file.path for file in NANOBOT.histories(env)] == [old]
