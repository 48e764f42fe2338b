"""Cline: settings lead to the proxy and back, whatever its provider is; its histories are read whole.

The samples are of the Cline CLI 3.0.65; what else its files may hold is written by hand in the same form.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import atif
import pytest
from agents_material import make_env
from rounds import SECRET, there_and_back

from skillclaw.agents import Env, HistoryFile, HistoryRead, adapters, sniff, wiring
from skillclaw.errors import BadInputError
from skillclaw.trajectory.model import Trajectory, encode, meta, result_meta, step_meta, text_of

CLINE = adapters()["cline"]
URL = "http://127.0.0.1:8787/cline"
SAMPLES = Path(__file__).parent / "samples/cline/sessions"
ID = "1795683308714_wucwu"
PARENT = "1795683394559_qpn8f"


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


def with_environ(env: Env, **environ: str) -> Env:
    return Env(home=env.home, environ={**env.environ, **environ}, cwd=env.cwd)


def config(env: Env, used: str, url: str | None = None, *others: str) -> Path:
    """As `cline auth` writes it."""
    settings = {"provider": used, "apiKey": SECRET, "model": "m", **({"baseUrl": url} if url else {})}
    providers = {
        used: {"settings": settings, "updatedAt": "2026-03-01T10:00:00.000Z", "tokenSource": "manual"}
    }
    providers |= {name: {"settings": {"provider": name}} for name in others}
    held = {"version": 1, "lastUsedProvider": used, "modes": {}, "providers": providers}
    path = env.home / ".cline/data/settings/providers.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(held, indent=2), "utf-8")
    return path


@pytest.mark.parametrize(
    ("used", "url", "upstream"),
    [
        ("openai-compatible", "https://llm.example/v1/", "https://llm.example/v1"),
        ("anthropic", None, "https://api.anthropic.com/v1"),
        ("openrouter", None, "https://openrouter.ai/api/v1"),
        ("cline", None, "https://api.cline.bot/api/v1"),
        ("gemini", None, "https://generativelanguage.googleapis.com"),
        ("gemini", "https://g.example/v1beta", "https://g.example"),
        ("a-new-one", "https://new.example", "https://new.example"),
    ],
)
def test_the_provider_in_use_is_led_there_and_back(
    env: Env, home: Path, used: str, url: str | None, upstream: str
) -> None:
    path = config(env, used, url, "groq")
    wired = there_and_back(home, env, CLINE, URL, path, "json", ("providers", used, "settings", "baseUrl"))
    assert wired.upstream == upstream
    assert wired.notes == [f"Only the provider {used} goes through the proxy, not groq."]


def test_what_the_agent_wrote_meanwhile_stays(env: Env, home: Path) -> None:
    """Each run notes when it was."""
    path = config(env, "anthropic")
    before = path.read_text("utf-8")
    wiring.connect(home, env, CLINE, URL)
    path.write_text(path.read_text("utf-8").replace("10:00:00", "11:30:00"), "utf-8")
    wiring.disconnect(home, env, CLINE)
    assert path.read_text("utf-8") == before.replace("10:00:00", "11:30:00")


@pytest.mark.parametrize("used", ["bedrock", "claude-code", "vertex"])
def test_providers_without_a_base_url_are_refused(env: Env, home: Path, used: str) -> None:
    path = config(env, used)
    before = path.read_bytes()
    with pytest.raises(BadInputError, match=f"{used}.*cannot be pointed"):
        wiring.connect(home, env, CLINE, URL)
    assert path.read_bytes() == before


def test_a_provider_that_is_not_known_says_what_to_do(env: Env, home: Path) -> None:
    config(env, "a-new-one")
    with pytest.raises(BadInputError) as caught:
        wiring.connect(home, env, CLINE, URL)
    assert "providers.a-new-one.settings.baseUrl" in str(caught.value)


def test_before_the_first_sign_in_nothing_is_written(env: Env, home: Path) -> None:
    with pytest.raises(BadInputError, match="No provider is chosen"):
        wiring.connect(home, env, CLINE, URL)
    assert not (env.home / ".cline").exists()
    assert CLINE.detect(env, versions=False).installed is False


def test_a_token_takes_the_key_s_place_but_not_a_login_s(env: Env, home: Path) -> None:
    path = config(env, "anthropic")
    before = path.read_bytes()
    wired = wiring.connect(home, env, CLINE, URL, token="skillclaw-token-1")
    assert (
        json.loads(path.read_bytes())["providers"]["anthropic"]["settings"]["apiKey"] == "skillclaw-token-1"
    )
    assert "skillclaw-token-1" not in wired.diff and SECRET not in wired.diff
    wiring.disconnect(home, env, CLINE)
    assert path.read_bytes() == before
    config(env, "openai-codex")
    with pytest.raises(BadInputError, match="no place for SkillClaw's token"):
        wiring.connect(home, env, CLINE, URL, token="skillclaw-token-1")


def test_run_works_where_it_is_connected_and_says_so_elsewhere(env: Env, home: Path) -> None:
    config(env, "anthropic")
    with pytest.raises(BadInputError, match="cannot be started through the proxy by its environment"):
        CLINE.launch(env, URL, ["hi"])
    wiring.connect(home, env, CLINE, URL)
    launch = CLINE.launch(env, URL, ["hi"])
    assert (launch.argv, launch.env) == (["cline", "hi"], {})


@pytest.mark.parametrize(
    ("variable", "settings", "sessions"),
    [
        ("CLINE_DIR", "x/data/settings/providers.json", "x/data/sessions"),
        ("CLINE_DATA_DIR", "x/settings/providers.json", "x/sessions"),
        ("CLINE_PROVIDER_SETTINGS_PATH", "x", "user/.cline/data/sessions"),
        ("CLINE_SESSION_DATA_DIR", "user/.cline/data/settings/providers.json", "x"),
    ],
)
def test_folders_are_moved_by_variables(
    env: Env, tmp_path: Path, variable: str, settings: str, sessions: str
) -> None:
    moved = with_environ(env, **{variable: str(tmp_path / "x")})
    text = config(env, "anthropic").read_text("utf-8")
    (env.home / ".cline/data/settings/providers.json").unlink()
    path = tmp_path / settings
    path.parent.mkdir(parents=True, exist_ok=True)
    chatted = chat(tmp_path / sessions / "s1", "s1", [user("go"), agent("done")])
    path.write_text(text, "utf-8")
    assert CLINE.detect(moved, versions=False).config == path
    assert [file.path for file in CLINE.histories(moved)] == [chatted]


# --- histories


def user(*blocks: Any, ts: Any = 1772359200000) -> dict[str, Any]:
    content = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
    return {"id": "u", "role": "user", "content": content, "ts": ts}


def agent(*blocks: Any, ts: Any = 1772359201500) -> dict[str, Any]:
    metrics = {"inputTokens": 164, "outputTokens": 10, "cacheReadTokens": 64, "cacheWriteTokens": 0}
    return {**user(*blocks, ts=ts), "role": "assistant", "modelInfo": {"id": "m"}, "metrics": metrics}


def use(name: str, tool: str = "run_commands", **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": name, "name": tool, "input": arguments}


def result(name: str, content: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": name, "name": "run_commands", "content": content}


def chat(folder: Path, native: str, messages: list[Any], name: str = "", **more: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    held = {
        "version": 1,
        "agent": "lead",
        "sessionId": native,
        "origin": {"source": "cli", "version": "3.0.65"},
        "messages": messages,
        **more,
    }
    path = folder / f"{name or native}.messages.json"
    path.write_text(json.dumps(held, indent=2), "utf-8")
    return path


def read(path: Path, env: Env) -> HistoryRead:
    made = CLINE.read_history(HistoryFile(path=path, size=1, mtime=1.0), env)
    if made.trajectory is not None:
        atif.Trajectory.model_validate_json(encode(made.trajectory))
    return made


def told(trajectory: Trajectory | None) -> list[str]:
    assert trajectory is not None
    return [
        f"{step.source}: {text_of(step.message)}"
        + "".join(f"[{c.function_name}]" for c in step.tool_calls or [])
        for step in trajectory.steps
        if not step_meta(step).injected
    ]


def facts(trajectory: Trajectory | None) -> list[tuple[int | None, bool | None]]:
    assert trajectory is not None
    results = [r for s in trajectory.steps if s.observation for r in s.observation.results]
    return [(result_meta(r).exit_code, result_meta(r).is_error) for r in results]


def test_the_sample_is_read_whole(env: Env) -> None:
    path = SAMPLES / ID / f"{ID}.messages.json"
    assert sniff(path) == "cline"
    made = read(path, env)
    trajectory = made.trajectory
    assert made.skipped == {}
    assert told(trajectory) == [
        "user: Please count the lines of sample.txt",
        "agent: [run_commands]",
        "agent: [skills]",
        "agent: [run_commands]",
        "agent: There are three lines.",
        "user: Now the second question please",
        "agent: [run_commands]",
        "agent: Second answer.",
    ]
    assert facts(trajectory) == [(0, False), (None, None), (1, True), (0, False)]
    assert trajectory is not None
    known = meta(trajectory)
    assert (trajectory.session_id, known.project, trajectory.agent.version) == (ID, "proj", "3.0.65")
    assert (known.env["os"], trajectory.agent.model_name) == ("linux", "fake-model")
    assert [(one.name, one.read_step, one.invoked_step) for one in known.skills] == [("uv-install", 3, 3)]
    assert trajectory.steps[0].timestamp is not None and trajectory.steps[0].timestamp.endswith("Z")


def test_a_sub_agent_hangs_at_the_call_that_told_it_what_to_do(env: Env) -> None:
    trajectory = read(SAMPLES / PARENT / f"{PARENT}.messages.json", env).trajectory
    assert trajectory is not None
    (sub,) = trajectory.subagent_trajectories or []
    assert told(sub) == [
        "user: Helper: run the pwd job",
        "agent: [run_commands]",
        "agent: The helper reports.",
    ]
    (step,) = [s for s in trajectory.steps if s.observation]
    assert step.observation is not None
    (ref,) = step.observation.results[0].subagent_trajectory_ref or []
    assert ref.trajectory_id == sub.trajectory_id
    (file,) = (SAMPLES / PARENT).glob("agent_*")
    assert read(file, env).skipped == {"sub-agent sessions, read with their root": 1}
    (root,) = CLINE.histories_in(SAMPLES / PARENT / f"{PARENT}.messages.json", env)
    assert root.size > file.stat().st_size


def test_facts_are_no_session(env: Env) -> None:
    path = SAMPLES / ID / f"{ID}.json"
    assert sniff(path) == "cline"
    assert read(path, env).skipped == {"files with a session's facts, read with its messages": 1}


def test_tokens_and_results_of_every_form(env: Env, tmp_path: Path) -> None:
    failed = {"query": "x", "result": "", "error": "Command exited with code 7", "success": False}
    path = chat(
        tmp_path,
        "s1",
        [
            user('<user_input mode="plan">go</user_input>', {"type": "image", "source": {"type": "base64"}}),
            agent("look", use("a", commands=["x"]), use("b", tool="editor", path="/x"), use("c", tool="odd")),
            user(result("a", [failed]), result("b", "ok"), result("c", {"text": "done", "iterations": 2})),
        ],
    )
    trajectory = read(path, env).trajectory
    assert facts(trajectory) == [(7, True), (None, None), (None, None)]
    assert trajectory is not None
    metrics = trajectory.steps[1].metrics
    assert metrics is not None
    assert (metrics.prompt_tokens, metrics.completion_tokens, metrics.cached_tokens) == (164, 10, 64)
    assert told(trajectory)[0].startswith("user: go")


@pytest.mark.parametrize("ts", [None, -1, 2**62, "soon", True])
def test_odd_times_cost_nothing_else(env: Env, tmp_path: Path, ts: Any) -> None:
    trajectory = read(chat(tmp_path, "s1", [user("go", ts=ts), agent("done", ts=ts)]), env).trajectory
    assert told(trajectory) == ["user: go", "agent: done"]


def test_skillclaw_s_own_sessions_are_left_out(env: Env, tmp_path: Path) -> None:
    prompt = f"<env>\n1. Platform: linux\n4. Working Directory: {env.skillclaw_home}/work\n</env>"
    path = chat(tmp_path, "s1", [user("go"), agent("done")], system_prompt=prompt)
    assert read(path, env).skipped == {"SkillClaw's own sessions": 1}


def test_what_is_no_history_is_refused(env: Env, tmp_path: Path) -> None:
    path = tmp_path / "x.messages.json"
    path.write_text('{"messages": [], "sessionId": "s", "cut', "utf-8")
    with pytest.raises(BadInputError, match="not JSON"):
        read(path, env)
    path.write_text('{"messages": []}', "utf-8")
    with pytest.raises(BadInputError, match="not a history of Cline"):
        read(path, env)
    odd = chat(tmp_path, "s2", ["x", {"role": "robot"}, user("go")])
    made = read(odd, env)
    assert told(made.trajectory) == ["user: go"]
    assert made.skipped == {"lines of unknown type robot": 1, "lines of unknown type x": 1}
