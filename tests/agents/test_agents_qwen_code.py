"""Qwen Code: settings lead to the proxy and back, whatever its model is; its histories are read whole.

The samples are of qwen-code 0.24.4; what else its histories may hold is written by hand in the same form.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import atif
import pytest
from agents_material import make_env, write_lines
from rounds import SECRET, there_and_back

from skillclaw.agents import Env, HistoryFile, HistoryRead, adapters, sniff, wiring
from skillclaw.errors import BadInputError
from skillclaw.trajectory.model import Trajectory, encode, meta, result_meta, step_meta, text_of

QWEN = adapters()["qwen-code"]
URL = "http://127.0.0.1:8787/qwen-code"
SAMPLES = Path(__file__).parent / "samples/qwen-code/projects/-home-dev-proj"
ID = "cec39b3c-91df-4ea0-a3f2-eb6bfdc2d978"
MINE = "https://llm.example/v1"
DASHSCOPE = "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


def with_environ(env: Env, **environ: str) -> Env:
    return Env(home=env.home, environ={**env.environ, **environ}, cwd=env.cwd)


def model(name: str, url: str | None = MINE, **more: Any) -> dict[str, Any]:
    return {"id": name, "envKey": "MY_KEY", **({"baseUrl": url} if url else {}), **more}


def config(
    env: Env, models: dict[str, list[Any]], auth: str = "openai", chosen: Any = None, **more: Any
) -> Path:
    held = {
        "env": {"MY_KEY": SECRET},
        "security": {"auth": {"selectedType": auth}},
        "model": chosen or {"name": "big"},
        "modelProviders": models,
        **more,
    }
    path = env.home / ".qwen/settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text("// mine\n" + json.dumps(held, indent=2) + "\n", "utf-8")
    return path


def held(path: Path) -> Any:
    return json.loads(path.read_text("utf-8").removeprefix("// mine\n"))


def test_the_model_in_use_is_led_there_and_back(env: Env, home: Path) -> None:
    models = {"anthropic": [model("other")], "openai": [model("small"), model("big")]}
    path = config(env, models)
    wired = there_and_back(home, env, QWEN, URL, path, "json5", ("modelProviders", "openai", 1, "baseUrl"))
    assert wired.upstream == MINE


def test_models_of_the_same_base_url_go_along_and_name_the_session(env: Env, home: Path) -> None:
    pictures = model("pictures", supportsImageGeneration=True, imageOnly=True)
    models = {"openai": [model("big"), model("small"), model("far", "https://far.example/v1"), pictures]}
    path = config(env, models)
    wired = wiring.connect(home, env, QWEN, URL)
    big, small, far, drawn = held(path)["modelProviders"]["openai"]
    assert path.read_text("utf-8").startswith("// mine\n")
    for one in (big, small):
        assert one["baseUrl"] == URL
        assert one["generationConfig"] == {"customHeaders": {"x-session-id": "${session_id}"}}
    assert (far, drawn) == (models["openai"][2], models["openai"][3])
    assert held(path)["outboundCorrelation"] == {"allowDynamicHeaderValues": True}
    assert wired.notes == ["Models with other base URLs do not go through the proxy: far, pictures"]


def test_a_header_of_the_user_s_own_stays(env: Env, home: Path) -> None:
    own = {"customHeaders": {"x-session-id": "mine"}}
    path = config(env, {"openai": [model("big", generationConfig=own)]})
    wiring.connect(home, env, QWEN, URL)
    assert held(path)["modelProviders"]["openai"][0]["generationConfig"] == own


def test_of_two_models_of_one_name_the_chosen_one_is_led(env: Env, home: Path) -> None:
    models = {"openai": [model("big", "https://far.example/v1"), model("big")]}
    path = config(env, models, chosen={"name": "$runtime|openai|big", "baseUrl": MINE})
    wired = wiring.connect(home, env, QWEN, URL)
    assert wired.upstream == MINE
    assert [one["baseUrl"] for one in held(path)["modelProviders"]["openai"]] == [
        "https://far.example/v1",
        URL,
    ]
    assert held(path)["model"]["baseUrl"] == URL, "else the other one would be taken"


@pytest.mark.parametrize(
    ("mapping", "provider"), [({"office": "openai"}, "office"), ({}, "openai-responses"), ({}, "openai")]
)
def test_providers_of_other_names_are_known(env: Env, mapping: dict[str, str], provider: str) -> None:
    config(
        env,
        {provider: [model("big")], "stray": [model("big", "https://x.example")]},
        providerProtocol=mapping,
    )
    assert QWEN.upstream(env) == MINE


def test_dashscope_is_told_that_the_proxy_stands_for_it(env: Env, home: Path) -> None:
    """Else the agent neither marks what to cache nor sends the session's id in the body."""
    path = config(env, {"openai": [model("big", DASHSCOPE)]})
    before = path.read_bytes()
    assert wiring.connect(home, env, QWEN, URL).upstream == DASHSCOPE
    assert held(path)["env"] == {"MY_KEY": SECRET, "DASHSCOPE_PROXY_BASE_URL": URL}
    wiring.connect(home, env, QWEN, URL.replace("8787", "8788"))
    assert held(path)["env"]["DASHSCOPE_PROXY_BASE_URL"] == URL.replace("8787", "8788")
    wiring.disconnect(home, env, QWEN)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("url", "is_dashscope"),
    [
        ("https://coding.dashscope.aliyuncs.com/v1", True),
        ("https://token-plan.cn-beijing.maas.aliyuncs.com/compatible-mode/v1", True),
        ("https://gateway.alibaba-inc.com/v1", True),
        ("https://dashscope.aliyuncs.com.evil.example/v1", False),
        ("https://openrouter.ai/api/v1", False),
    ],
)
def test_which_hosts_are_dashscope(env: Env, home: Path, url: str, is_dashscope: bool) -> None:
    path = config(env, {"openai": [model("big", url)]})
    wiring.connect(home, env, QWEN, URL)
    assert ("DASHSCOPE_PROXY_BASE_URL" in held(path)["env"]) == is_dashscope


def test_a_token_goes_with_every_model_of_the_base_url(env: Env, home: Path) -> None:
    path = config(env, {"openai": [model("big"), model("small")]})
    before = path.read_bytes()
    wired = wiring.connect(home, env, QWEN, URL, token="skillclaw-token-1")
    for one in held(path)["modelProviders"]["openai"]:
        assert one["generationConfig"]["customHeaders"]["x-api-key"] == "skillclaw-token-1"
    assert "skillclaw-token-1" not in wired.diff and SECRET not in wired.diff
    assert not [one for one in QWEN.doctor(env, URL) if "lacks" in one.text]
    wiring.disconnect(home, env, QWEN)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("auth", "keys", "upstream"),
    [
        ("openai", ("env", "OPENAI_BASE_URL"), "https://dashscope.aliyuncs.com/compatible-mode/v1"),
        ("anthropic", ("env", "ANTHROPIC_BASE_URL"), "https://api.anthropic.com"),
        ("gemini", ("security", "auth", "baseUrl"), "https://generativelanguage.googleapis.com"),
    ],
)
def test_without_an_entry_the_variable_or_the_old_key_is_led(
    env: Env, home: Path, auth: str, keys: tuple[str, ...], upstream: str
) -> None:
    path = config(env, {}, auth=auth)
    wired = there_and_back(home, env, QWEN, URL, path, "json5", keys)
    assert wired.upstream == upstream
    wiring.connect(home, env, QWEN, URL)
    headers = held(path)["model"]["generationConfig"]["customHeaders"]
    assert headers == {"x-session-id": "${session_id}"}


def test_a_variable_of_the_user_s_file_wins_over_the_settings(env: Env, home: Path) -> None:
    settings = config(env, {})
    path = env.home / ".qwen/.env"
    path.write_text(f"OPENAI_BASE_URL={MINE}\nOPENAI_API_KEY={SECRET}\n", "utf-8")
    wired = there_and_back(home, env, QWEN, URL, path, "env", ("OPENAI_BASE_URL",))
    assert wired.upstream == MINE
    assert str(settings) in wired.files, "the header is there"


def test_how_it_signs_in_is_told_by_variables_where_nothing_is_chosen(env: Env) -> None:
    chosen = {"ANTHROPIC_API_KEY": SECRET, "ANTHROPIC_MODEL": "m", "ANTHROPIC_BASE_URL": "https://a.example"}
    assert QWEN.upstream(with_environ(env, **chosen)) == "https://a.example"
    gemini = {"GEMINI_API_KEY": SECRET, "GEMINI_MODEL": "m"}
    assert QWEN.upstream(with_environ(env, **gemini)) == "https://generativelanguage.googleapis.com"


def test_a_qwen_login_cannot_be_led(env: Env, home: Path) -> None:
    config(env, {}, auth="qwen-oauth")
    with pytest.raises(BadInputError, match="Qwen login"):
        wiring.connect(home, env, QWEN, URL)
    assert [one.level for one in QWEN.doctor(env, URL) if one.subject.endswith("settings")] == ["fail"]


def test_settings_that_do_not_parse_are_left_alone(env: Env, home: Path) -> None:
    path = config(env, {})
    path.write_text('{"model": [', "utf-8")
    with pytest.raises(BadInputError, match="left as it is"):
        wiring.connect(home, env, QWEN, URL)
    assert path.read_text("utf-8") == '{"model": ['


def test_doctor_tells_what_wins_over_the_settings(env: Env, home: Path) -> None:
    config(env, {})
    wiring.connect(home, env, QWEN, URL)
    project = env.cwd / ".qwen/settings.json"
    project.parent.mkdir()
    project.write_text('{"model": {"name": "other"}, "security": {"auth": {}}}', "utf-8")
    found = {
        one.subject.removeprefix("Qwen Code "): one.text
        for one in QWEN.doctor(with_environ(env, OPENAI_BASE_URL=MINE), URL)
    }
    assert "model, security.auth" in found["project settings"]
    assert found["environment"] == f"OPENAI_BASE_URL={MINE} wins over the settings"


def test_folders_are_moved_by_variables(env: Env, home: Path, tmp_path: Path) -> None:
    moved = with_environ(env, QWEN_HOME=str(tmp_path / "q"), QWEN_RUNTIME_DIR=str(tmp_path / "r"))
    assert wiring.connect(home, moved, QWEN, URL).files == [str(tmp_path / "q/settings.json")]
    assert QWEN.skills(moved) == [env.home / ".agents/skills", tmp_path / "q/skills"]
    path = write_lines(tmp_path / "r/projects/-x/chats/s1.jsonl", [event("user", "1", text="go")])
    assert [file.path for file in QWEN.histories(moved)] == [path]


# --- starting


def test_run_sets_the_variable_where_no_entry_names_a_base_url(env: Env) -> None:
    config(env, {}, auth="anthropic")
    assert QWEN.launch(env, URL, ["-p", "hi"], "t1").env == {
        "ANTHROPIC_BASE_URL": URL,
        "ANTHROPIC_API_KEY": "t1",
    }
    config(env, {"openai": [model("big", None)]})
    assert QWEN.launch(env, URL, []).env == {"OPENAI_BASE_URL": URL, "DASHSCOPE_PROXY_BASE_URL": URL}


def test_run_says_so_where_the_settings_win(env: Env, home: Path) -> None:
    config(env, {"openai": [model("big")]})
    with pytest.raises(BadInputError, match="cannot be started through the proxy by its environment"):
        QWEN.launch(env, URL, [])
    wiring.connect(home, env, QWEN, URL)
    assert QWEN.launch(env, URL, []).env == {}


# --- skills that it wrote itself


def skill(folder: Path, source: str = "") -> Path:
    folder.mkdir(parents=True)
    more = f"source: {source}\n" if source else ""
    (folder / "SKILL.md").write_text(f"---\nname: x\n{more}extracted_at: '1'\n---\nBody\n", "utf-8")
    return folder


def test_skills_of_its_background_review_are_told(env: Env, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    write_lines(
        env.home / ".qwen/projects/-shop/chats/s1.jsonl", [event("user", "1", text="go", cwd=str(shop))]
    )
    own = skill(shop / ".qwen/skills/auto-skill-a", "auto-skill")
    skill(shop / ".qwen/skills/auto-skill-b")
    skill(shop / ".qwen/skills/mine", "auto-skill")
    waiting = skill(env.cwd / ".qwen/pending-skills/c", "auto-skill")
    assert sorted(QWEN.learned(env)) == sorted([own, waiting])


# --- histories


def event(kind: str, name: str, before: str | None = None, text: str = "", **more: Any) -> dict[str, Any]:
    parts = more.pop("parts", [{"text": text}] if text else [])
    role = "model" if kind == "assistant" else "user"
    told = {"message": {"role": role, "parts": parts}} if kind != "system" else {}
    provenance = {"user": "real_user", "assistant": "assistant_output"}.get(kind, kind)
    return {
        "uuid": name,
        "parentUuid": before,
        "sessionId": ID,
        "timestamp": f"2026-03-01T10:00:{int(name):02d}.000Z",
        "type": kind,
        "provenance": provenance,
        "cwd": "/srv/shop",
        "version": "0.24.4",
        **told,
        **more,
    }


def call(name: str, **arguments: Any) -> list[dict[str, Any]]:
    return [{"functionCall": {"id": name, "name": "run_shell_command", "args": arguments}}]


def answer(name: str, output: str) -> list[dict[str, Any]]:
    return [{"functionResponse": {"id": name, "name": "run_shell_command", "response": {"output": output}}}]


def chat(env: Env, *events: Any, end: str = "\n") -> Path:
    return write_lines(env.home / f".qwen/projects/-srv-shop/chats/{ID}.jsonl", list(events), end)


def read(path: Path, env: Env) -> HistoryRead:
    made = QWEN.read_history(HistoryFile(path=path, size=1, mtime=1.0), env)
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
    path = SAMPLES / f"chats/{ID}.jsonl"
    assert sniff(path) == "qwen-code", "Claude Code's histories look alike"
    made = read(path, env)
    trajectory = made.trajectory
    assert made.skipped == {}
    assert told(trajectory) == [
        "user: Please count the lines of @sample.txt",
        "agent: [run_shell_command]",
        "agent: [skill]",
        "agent: [run_shell_command]",
        "agent: There are three lines.",
        "user: Now delegate this",
        "agent: [agent]",
        "agent: Delegated.",
        "agent: Delegated.",
        "user: Now the second question",
        "agent: [run_shell_command]",
        "agent: Second answer.",
    ]
    assert facts(trajectory) == [(0, False), (None, False), (1, True), (None, False), (0, False)]
    assert trajectory is not None
    (sub,) = trajectory.subagent_trajectories or []
    assert told(sub) == [
        "user: Helper: run the pwd job",
        "agent: [run_shell_command]",
        "agent: The helper reports.",
    ]
    refs = [
        ref.trajectory_id
        for s in trajectory.steps
        if s.observation
        for r in s.observation.results
        for ref in r.subagent_trajectory_ref or []
    ]
    assert refs == [sub.trajectory_id]
    known = meta(trajectory)
    assert (trajectory.session_id, known.project, trajectory.agent.version) == (ID, "proj", "0.24.4")
    assert [(use.name, use.read_step, use.invoked_step) for use in known.skills] == [("uv-install", 4, 4)]
    assert [step_meta(step).kind for step in trajectory.steps].count("compaction") == 1


def test_a_sub_agent_s_file_is_read_with_its_root(env: Env) -> None:
    (file,) = SAMPLES.glob("subagents/*/*.jsonl")
    assert sniff(file) == "qwen-code"
    assert read(file, env).skipped == {"sub-agent sessions, read with their root": 1}
    (root,) = QWEN.histories_in(SAMPLES / f"chats/{ID}.jsonl", env)
    assert root.size == file.stat().st_size + (SAMPLES / f"chats/{ID}.jsonl").stat().st_size


def test_the_branch_that_was_rewound_is_left(env: Env) -> None:
    path = chat(
        env,
        event("user", "1", None, "first"),
        event("assistant", "2", "1", "one"),
        event("user", "3", "2", "wrong way"),
        event("assistant", "4", "3", "two"),
        event("system", "5", "2", subtype="rewind"),
        event("user", "6", "5", "better"),
        event("assistant", "7", "6", "three"),
    )
    made = read(path, env)
    assert told(made.trajectory) == ["user: first", "agent: one", "user: better", "agent: three"]
    assert made.skipped == {"lines of a branch that was rewound": 2}


@pytest.mark.parametrize(
    ("output", "told_beside", "expected"),
    [
        ("x", {"status": "success", "resultDisplay": {"exitCode": 0}}, (0, False)),
        ("x", {"status": "success", "resultDisplay": {"exitCode": 3}}, (3, True)),
        ("x", {"status": "error", "resultDisplay": "no"}, (None, True)),
        ("x", {"status": "cancelled"}, (None, True)),
        ("x", None, (None, None)),
        ("Output: x\nExit Code: 4\nSignal: (none)", {"callId": "c"}, (4, True)),
    ],
)
def test_exit_codes(
    env: Env, output: str, told_beside: Any, expected: tuple[int | None, bool | None]
) -> None:
    result = event("tool_result", "3", "2", parts=answer("c", output), toolCallResult=told_beside)
    path = chat(
        env,
        event("user", "1", None, "go"),
        event("assistant", "2", "1", parts=call("c", command="x")),
        result,
    )
    assert facts(read(path, env).trajectory) == [expected]


def test_what_the_host_wrote_is_not_the_user_s(env: Env) -> None:
    path = chat(
        env,
        event("user", "1", None, "go"),
        event("user", "2", "1", "A task ended.", provenance="system", subtype="notification"),
        event("user", "3", "2", "Wake up.", provenance="goal_runtime"),
        event("user", "4", "3", "and this", subtype="mid_turn_user_message", provenance="real_user"),
        event("assistant", "5", "4", "done", parts=[{"text": "hm", "thought": True}, {"text": "done"}]),
    )
    trajectory = read(path, env).trajectory
    assert told(trajectory) == ["user: go", "user: and this", "agent: done"]
    assert trajectory is not None and trajectory.steps[-1].reasoning_content == "hm"


def test_skillclaw_s_own_sessions_are_left_out(env: Env) -> None:
    cwd = str(env.skillclaw_home / "work")
    path = chat(env, event("user", "1", None, "go", cwd=cwd), event("assistant", "2", "1", "done", cwd=cwd))
    assert read(path, env).skipped == {"SkillClaw's own sessions": 1}


def test_damage_costs_no_more_than_itself(env: Env) -> None:
    path = chat(
        env,
        event("user", "1", None, "go"),
        event("system", "2", "1", subtype="hologram"),
        event("assistant", "4", "3", "done"),
    )
    with path.open("a", encoding="utf-8") as file:
        file.write('{"uuid": "5", "par')
    made = read(path, env)
    assert told(made.trajectory) == ["user: go", "agent: done"], "the line of their parent is lost"
    assert made.skipped == {
        "lines of unknown type system hologram": 1,
        "torn last lines (still being written)": 1,
    }


def test_what_is_no_history_is_refused(env: Env, tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "other.jsonl", [{"type": "user", "sessionId": "s", "uuid": "u", "message": {}}]
    )
    with pytest.raises(BadInputError, match="not a history of Qwen Code"):
        read(path, env)
    assert sniff(path) == "claude-code"


def test_an_empty_session_is_none(env: Env) -> None:
    made = read(chat(env, event("system", "1", subtype="session_model")), env)
    assert (made.trajectory, made.skipped) == (None, {"empty sessions": 1})
