"""OpenHands: settings lead to the proxy and back; what CLI 1.16.0 wrote of a conversation is read whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import atif
import pytest
from agents_material import make_env
from rounds import SECRET, there_and_back

from skillclaw.agents import Env, HistoryFile, adapters, sniff, wiring
from skillclaw.errors import BadInputError
from skillclaw.trajectory.model import Trajectory, encode, meta, result_meta, step_meta, text_of

OPENHANDS = adapters()["openhands"]
URL = "http://127.0.0.1:8787/openhands"
SAMPLES = Path(__file__).parent / "samples/openhands/conversations"
ID = "e64786d7ac004c178a04412d5ee71c7c"


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


def llm(model: str = "openai/m", url: str | None = "https://llm.example/v1", **more: Any) -> dict[str, Any]:
    return {"model": model, "api_key": SECRET, "base_url": url, "stream": False, **more}


def config(env: Env, own: dict[str, Any], summaries: dict[str, Any] | None = None) -> Path:
    """As the program writes it: on one line, without a line break at the end."""
    held: dict[str, Any] = {"llm": own, "tools": [], "kind": "Agent"}
    if summaries is not None:
        held["condenser"] = {"llm": summaries, "max_size": 80}
    path = env.home / ".openhands/agent_settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(held, separators=(",", ":")), "utf-8")
    return path


def test_both_models_are_led_there_and_back(env: Env, home: Path) -> None:
    path = config(env, llm(), llm())
    wired = there_and_back(home, env, OPENHANDS, URL, path, "json", ("llm", "base_url"))
    assert wired.upstream == "https://llm.example/v1"
    wiring.connect(home, env, OPENHANDS, URL)
    assert json.loads(path.read_bytes())["condenser"]["llm"]["base_url"] == URL


def test_without_a_base_url_the_provider_s_own_is_the_upstream(env: Env, home: Path) -> None:
    path = config(env, llm("anthropic/claude-x", None), llm("anthropic/claude-x", None))
    wired = there_and_back(home, env, OPENHANDS, URL, path, "json", ("llm", "base_url"))
    assert wired.upstream == "https://api.anthropic.com"


def test_summaries_from_elsewhere_stay_there_and_are_told(env: Env, home: Path) -> None:
    path = config(env, llm(), llm("groq/small", "https://groq.example/v1"))
    wiring.connect(home, env, OPENHANDS, URL)
    assert json.loads(path.read_bytes())["condenser"]["llm"]["base_url"] == "https://groq.example/v1"
    told = [found.text for found in OPENHANDS.doctor(env, URL) if "summaries" in found.subject]
    assert told == ["summaries are asked for at https://groq.example/v1, past the proxy"]


def test_what_the_program_wrote_meanwhile_stays(env: Env, home: Path) -> None:
    path = config(env, llm(), llm())
    wiring.connect(home, env, OPENHANDS, URL)
    held = json.loads(path.read_bytes())
    held["llm"]["model"] = "openai/bigger"
    path.write_text(json.dumps(held), "utf-8")
    wiring.disconnect(home, env, OPENHANDS)
    held = json.loads(path.read_bytes())
    assert held["llm"] == llm("openai/bigger")
    assert held["condenser"]["llm"] == llm()


@pytest.mark.parametrize(
    ("model", "upstream"),
    [
        ("openai/gpt-x", "https://api.openai.com/v1"),
        ("claude-x", "https://api.anthropic.com"),
        ("openrouter/anthropic/claude-x", "https://openrouter.ai/api/v1"),
        ("openhands/claude-x", "https://llm-proxy.app.all-hands.dev"),
    ],
)
def test_the_provider_is_told_by_the_model(env: Env, model: str, upstream: str) -> None:
    config(env, llm(model, None))
    plan = OPENHANDS.connect(env, URL)
    assert plan.upstream == upstream
    assert bool(plan.notes) is model.startswith("openhands/")


@pytest.mark.parametrize("own", [llm("bedrock/claude-x", None), {}, llm("", None)])
def test_what_cannot_be_connected_is_refused_and_nothing_written(env: Env, own: dict[str, Any]) -> None:
    path = config(env, own)
    before = path.read_bytes()
    with pytest.raises(BadInputError):
        OPENHANDS.connect(env, URL)
    assert path.read_bytes() == before


def test_no_settings_and_settings_that_do_not_parse(env: Env) -> None:
    with pytest.raises(BadInputError, match="no settings yet"):
        OPENHANDS.connect(env, URL)
    path = config(env, llm())
    path.write_text('{"llm": ', "utf-8")
    with pytest.raises(BadInputError, match=r"agent_settings\.json"):
        OPENHANDS.connect(env, URL)


def test_it_is_started_with_variables_that_count(env: Env) -> None:
    launch = OPENHANDS.launch(env, URL, ["--headless", "-t", "hi"])
    assert launch.argv == ["openhands", "--override-with-envs", "--headless", "-t", "hi"]
    assert launch.env == {"LLM_BASE_URL": URL}
    assert OPENHANDS.launch(env, URL, [], "tok").env == {"LLM_BASE_URL": URL, "LLM_API_KEY": "tok"}


def test_other_variables_must_not_win_over_the_settings(tmp_path: Path) -> None:
    env = make_env(tmp_path, LLM_API_KEY="another-provider-s")
    assert OPENHANDS.launch(env, URL, []).env == {"LLM_BASE_URL": URL}
    config(env, llm())
    with pytest.raises(BadInputError, match="LLM_API_KEY is set"):
        OPENHANDS.launch(env, URL, [])


@pytest.mark.parametrize(
    ("environ", "upstream"),
    [
        ({"LLM_BASE_URL": "http://h:1/v1/", "LLM_MODEL": "openai/m"}, "http://h:1/v1"),
        ({"LLM_BASE_URL": URL, "LLM_MODEL": "anthropic/m"}, "https://api.anthropic.com"),
        ({}, ""),
    ],
)
def test_without_settings_its_variables_tell_where_it_goes(
    tmp_path: Path, environ: dict[str, str], upstream: str
) -> None:
    assert OPENHANDS.upstream(make_env(tmp_path, **environ)) == upstream


def test_its_folder_can_be_moved_its_skills_cannot(tmp_path: Path) -> None:
    env = make_env(tmp_path, OPENHANDS_PERSISTENCE_DIR=str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/agent_settings.json").write_text(json.dumps({"llm": llm()}), "utf-8")
    assert OPENHANDS.upstream(env) == "https://llm.example/v1"
    assert OPENHANDS.skills(env) == [env.home / ".agents/skills", env.home / ".openhands/skills"]


# --- histories


@pytest.fixture
def file(env: Env) -> HistoryFile:
    shutil.copytree(SAMPLES, env.home / ".openhands/conversations")
    (found,) = OPENHANDS.histories(env)
    return found


def read(file: HistoryFile, env: Env) -> tuple[Trajectory, dict[str, int]]:
    found = OPENHANDS.read_history(file, env)
    assert found.trajectory is not None, found.skipped
    atif.Trajectory.model_validate_json(encode(found.trajectory))
    return found.trajectory, found.skipped


def test_a_conversation_with_its_calls_results_and_exit_codes(env: Env, file: HistoryFile) -> None:
    made, skipped = read(file, env)
    assert skipped == {}
    assert made.session_id == "e64786d7-ac00-4c17-8a04-412d5ee71c7c"
    assert (made.agent.name, made.agent.model_name, meta(made).project) == ("openhands", "fake-model", "work")
    said = [
        (step.source, text_of(step.message))
        for step in made.steps
        if text_of(step.message) and not step_meta(step).injected
    ]
    assert said == [
        ("user", "Please greet me in a file"),
        ("agent", "Done greeting."),
        ("user", "Delegate the counting"),
        ("agent", "Finished: 1 file."),
    ]
    calls = [call.function_name for step in made.steps for call in step.tool_calls or []]
    assert calls == ["invoke_skill", "terminal", "terminal", "task"]
    results = [r for step in made.steps for r in (step.observation.results if step.observation else [])]
    assert [(result_meta(r).exit_code, result_meta(r).is_error) for r in results] == [
        (None, False),
        (0, False),
        (2, True),
        (None, False),
    ]
    agent = next(step for step in made.steps if step.source == "agent")
    assert agent.metrics is not None
    assert (agent.metrics.prompt_tokens, agent.metrics.completion_tokens) == (100, 10)
    assert "*****" not in encode(made).decode()


def test_a_skill_is_invoked_and_read(env: Env, file: HistoryFile) -> None:
    made, _ = read(file, env)
    (use,) = meta(made).skills
    assert use.name == "greet-file"
    assert use.invoked_step is not None and use.read_step is not None


def test_the_sub_agent_belongs_to_its_call(env: Env, file: HistoryFile) -> None:
    made, _ = read(file, env)
    (sub,) = made.subagent_trajectories or []
    told = next(text_of(step.message) for step in sub.steps if not step_meta(step).injected)
    assert told.startswith("Count the files")
    refs = [
        ref.trajectory_id
        for step in made.steps
        for result in (step.observation.results if step.observation else [])
        for ref in result.subagent_trajectory_ref or []
    ]
    assert refs == [sub.trajectory_id]
    inner = file.path.parent / "subagents" / "8eaa27fa0c89466bb99c87d20f4ef2fe" / "base_state.json"
    found = OPENHANDS.read_history(HistoryFile(path=inner, size=1, mtime=1.0), env)
    assert found.trajectory is None and found.skipped


def event(file: HistoryFile, number: int, **fields: Any) -> Path:
    path = file.path.parent / f"events/event-{number:05d}-x.json"
    path.write_text(
        json.dumps({"id": "x", "timestamp": "2026-11-26T08:40:00.5", "source": "user", **fields}), "utf-8"
    )
    return path


def test_a_growing_conversation_is_another_size_and_a_torn_event_no_harm(env: Env, file: HistoryFile) -> None:
    steps = len(read(file, env)[0].steps)
    event(file, 13, kind="MessageEvent", llm_message={"content": [{"type": "text", "text": "more"}]})
    torn = event(file, 14)
    torn.write_text('{"kind": "Mess', "utf-8")
    (grown,) = OPENHANDS.histories(env)
    assert grown.size > file.size
    made, skipped = read(grown, env)
    assert len(made.steps) == steps + 1
    assert skipped == {"events that could not be read": 1}


def test_events_of_hosts_errors_pictures_and_skills_of_a_word(env: Env, file: HistoryFile) -> None:
    picture = {"type": "image", "image_urls": ["data:image/png;base64,aGVsbG8="]}
    event(
        file,
        13,
        kind="MessageEvent",
        llm_message={"content": [{"type": "text", "text": "see"}, picture]},
        activated_skills=["word-skill"],
        extended_content=[{"type": "text", "text": "the words of the skill"}],
    )
    event(file, 14, source="environment", kind="MessageEvent", llm_message={"content": [{"text": "a hook"}]})
    event(
        file, 15, source="agent", kind="AgentErrorEvent", tool_call_id="c9", tool_name="terminal", error="bad"
    )
    event(file, 16, source="environment", kind="Condensation", summary="So far so good")
    event(file, 17, source="environment", kind="PauseEvent")
    event(file, 18, source="environment", kind="NewEvent")
    made, skipped = read(OPENHANDS.histories(env)[0], env)
    assert skipped == {"lines of unknown type NewEvent": 1}
    kinds = [step_meta(step).kind for step in made.steps]
    assert kinds.count("compaction") == 1
    seen = next(step for step in made.steps if "see" in text_of(step.message))
    assert [part.type for part in seen.message] == ["text", "image"]  # type: ignore[union-attr]
    hosts = [text_of(s.message) for s in made.steps if s.source == "user" and step_meta(s).injected]
    assert hosts == ["the words of the skill", "a hook"]
    assert {use.name for use in meta(made).skills} == {"greet-file", "word-skill"}
    results = [r for step in made.steps for r in (step.observation.results if step.observation else [])]
    assert result_meta(results[-1]).is_error is True


def test_skillclaw_s_own_runs_are_left_out(env: Env, file: HistoryFile) -> None:
    state = json.loads(file.path.read_bytes())
    state["workspace"]["working_dir"] = str(env.skillclaw_home / "work")
    file.path.write_text(json.dumps(state), "utf-8")
    found = OPENHANDS.read_history(file, env)
    assert found.trajectory is None
    assert found.skipped == {"SkillClaw's own sessions": 1}


def test_other_files_are_refused_and_its_own_are_known(env: Env, file: HistoryFile) -> None:
    assert sniff(file.path) == "openhands"
    other = env.home / "base_state.json"
    other.write_text('{"type": "session"}', "utf-8")
    assert sniff(other) != "openhands"
    with pytest.raises(BadInputError, match="not the state of an OpenHands conversation"):
        OPENHANDS.read_history(HistoryFile(path=other, size=1, mtime=1.0), env)
