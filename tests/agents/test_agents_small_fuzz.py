"""Whatever stands in settings and histories of the smaller agents: an error that tells, or valid work."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agents_material import make_env
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_agents_fuzz import ODD, check, mutated, torn

from skillclaw.agents import Env, adapters
from skillclaw.errors import SkillClawError

QUICK = settings(
    max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SAMPLES = Path(__file__).parent / "samples"
MODEL = {"model": "openai/m", "api_key": "k", "base_url": "http://h:1/v1"}
JSON_SETTINGS: dict[str, tuple[str, Any]] = {
    "nanobot": (
        ".nanobot/config.json",
        {
            "agents": {
                "defaults": {"provider": "auto", "model": "a/b", "modelPreset": "p", "workspace": "~/w"}
            },
            "modelPresets": {"p": {"model": "m", "provider": "custom"}},
            "providers": {"custom": {"apiKey": "k", "apiBase": "http://h:1"}, "groq": {"apiKey": "k"}},
        },
    ),
    "openhands": (".openhands/agent_settings.json", {"llm": MODEL, "condenser": {"llm": MODEL}}),
    "picoclaw": (
        ".picoclaw/config.json",
        {
            "agents": {"defaults": {"model_name": "w", "workspace": "~/w"}},
            "model_list": [
                {"model_name": "w", "model": "openai/m", "api_base": "http://h:1", "fallbacks": ["x"]},
                {"model_name": "w", "provider": "groq"},
            ],
        },
    ),
    "ironclaw": (".ironclaw/providers.json", [{"id": "o", "aliases": ["p"], "base_url_env": "X_URL"}]),
    "nanoclaw": ("nanoclaw/package.json", {"name": "nanoclaw", "version": "2"}),
}
TEXT_SETTINGS = {
    "aider": ".aider.conf.yml",
    "zeroclaw": ".zeroclaw/config.toml",
    "ironclaw": ".ironclaw/.env",
    "nanoclaw": "nanoclaw/.env",
}
LINES = {
    "aider": ["model: sonnet", "set-env:", "- ANTHROPIC_API_BASE=http://h:1", "api-key: [a=b]", "model: 5"],
    "zeroclaw": [
        "[agents.a]",
        'model_provider = "custom.b"',
        "[providers.models.custom.b]",
        'uri = "http://h:1"',
        "agents = 5",
        "model_provider = 5",
        '[agents."../x"]',
    ],
    "ironclaw": ["LLM_BACKEND=o", "LLM_BACKEND=openai", "OPENAI_BASE_URL=http://h:1", "X_URL='"],
    "nanoclaw": ["ANTHROPIC_BASE_URL=http://host.docker.internal:x/", "NANOCLAW_NATIVE_CREDENTIALS=1", "="],
}


@pytest.fixture
def env(tmp_path: Path) -> Env:
    env = make_env(tmp_path)
    (env.home / ".docker").mkdir()
    (env.home / ".docker/config.json").write_text('{"currentContext": "desktop-linux"}', "utf-8")
    return env


def put(env: Env, name: str, data: bytes) -> None:
    path = env.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def exercise(agent: str, env: Env) -> None:
    """All that reads settings; only what tells people of a trouble may come of it."""
    adapter = adapters()[agent]
    url = f"http://127.0.0.1:8787/{agent}"
    doings: list[Callable[[], object]] = [
        lambda: adapter.connect(env, url),
        lambda: adapter.connect(env, url, "token"),
        lambda: adapter.launch(env, url, [], "token"),
        lambda: adapter.upstream(env),  # type: ignore[attr-defined]
    ]
    for doing in doings:
        try:
            doing()
        except SkillClawError as error:
            assert error.what
    adapter.detect(env, versions=False)
    adapter.doctor(env, url)
    adapter.doctor(env, None)
    assert all(isinstance(path, Path) for path in [*adapter.skills(env), *adapter.learned(env)])
    adapter.histories(env)


@st.composite
def documents(draw: st.DrawFn, held: Any) -> bytes:
    made = mutated(draw, [copy.deepcopy(held)])
    return json.dumps(made[0] if made else draw(ODD)).encode()


@pytest.mark.slow
@pytest.mark.parametrize("agent", sorted(JSON_SETTINGS))
@QUICK
@given(data=st.data())
def test_settings_of_odd_values(env: Env, agent: str, data: st.DataObject) -> None:
    name, held = JSON_SETTINGS[agent]
    whole = documents(held)
    put(env, name, data.draw(st.one_of(whole, torn(whole))))
    if agent == "ironclaw":
        put(env, ".ironclaw/.env", b"LLM_BACKEND=o\n")
    exercise(agent, env)


@pytest.mark.parametrize("agent", sorted(TEXT_SETTINGS))
@QUICK
@given(data=st.data())
def test_settings_of_any_text(env: Env, agent: str, data: st.DataObject) -> None:
    if agent == "nanoclaw":
        put(env, "nanoclaw/package.json", b'{"name": "nanoclaw"}')
    lines = st.lists(st.sampled_from(LINES[agent]) | st.text(max_size=8), max_size=6)
    text = data.draw(lines.map("\n".join).map(lambda made: made.encode("utf-8", "replace")))
    put(env, TEXT_SETTINGS[agent], data.draw(st.just(text) | torn(st.just(text))))
    exercise(agent, env)


def sample(agent: str) -> list[Any]:
    (path,) = [*(SAMPLES / agent / "sessions").rglob("Y2xpOmRpcmVjdA.jsonl")]
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@QUICK
@given(data=st.data())
def test_damaged_sessions_of_nanobot(env: Env, data: st.DataObject) -> None:
    events = mutated(data.draw, sample("nanobot"))
    made = "\n".join(map(json.dumps, events)).encode()
    put(env, ".nanobot/sessions/0/x.jsonl", data.draw(st.just(made) | torn(st.just(made))))
    check("nanobot", env.home / ".nanobot/sessions/0/x.jsonl", env)


@QUICK
@given(data=st.data())
def test_damaged_sessions_of_picoclaw(env: Env, data: st.DataObject) -> None:
    call = {"id": "c", "function": {"name": "exec", "arguments": '{"command": "cat s/SKILL.md"}'}}
    events = [
        {"role": "user", "content": "go", "content_parts": [{"type": "text", "text": "go"}]},
        {"role": "assistant", "content": "", "tool_calls": [call], "reasoning_content": "hm"},
        {"role": "tool", "tool_call_id": "c", "content": "x\nExit code: exit status 1"},
    ]
    about = {"key": "a:b", "summary": "", "skip": 0, "created_at": "2026-06-01T10:00:30Z"}
    made = "\n".join(map(json.dumps, mutated(data.draw, events))).encode()
    put(env, "s/x.jsonl", data.draw(st.just(made) | torn(st.just(made))))
    put(env, "s/x.meta.json", data.draw(documents(about)))
    check("picoclaw", env.home / "s/x.jsonl", env)


@QUICK
@given(data=st.data())
def test_damaged_conversations_of_openhands(env: Env, data: st.DataObject) -> None:
    (root,) = (SAMPLES / "openhands/conversations").iterdir()
    target = env.home / "c" / root.name
    events = [json.loads(path.read_bytes()) for path in sorted((root / "events").iterdir())]
    state = json.loads((root / "base_state.json").read_bytes())
    (target / "events").mkdir(parents=True, exist_ok=True)
    for path in (target / "events").iterdir():
        path.unlink()
    for number, event in enumerate(mutated(data.draw, events)):
        (target / f"events/event-{number:05d}-x.json").write_text(json.dumps(event), "utf-8")
    (target / "base_state.json").write_bytes(data.draw(documents(state)))
    check("openhands", target / "base_state.json", env)
