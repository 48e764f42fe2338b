"""Gemini CLI: settings lead to the proxy and back, however the user signs in; its histories are read whole.

The samples are of gemini-cli 0.61.0; what else its histories may hold is written by hand in the same form.
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

GEMINI = adapters()["gemini-cli"]
URL = "http://127.0.0.1:8787/gemini-cli"
OPTIONS = ("modelConfigs", "aliases", "base", "modelConfig", "generateContentConfig", "httpOptions")
SAMPLES = Path(__file__).parent / "samples/gemini-cli/tmp/proj/chats"
ID = "37227c0d-9f6b-4359-a28e-4b9fc238cc90"
COMMENTED = """{
  // how I sign in
  "security": {"auth": {"selectedType": "gemini-api-key"}},
  "modelConfigs": {
    "customOverrides": [
      {"match": {"model": "gemini-2.5-pro"}, "modelConfig": {}} // mine
    ]
  }
}
"""


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


def with_environ(env: Env, **environ: str) -> Env:
    return Env(home=env.home, environ={**env.environ, **environ}, cwd=env.cwd)


def settings(env: Env, text: str = COMMENTED) -> Path:
    path = env.home / ".gemini/settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def chosen(kind: str) -> str:
    return json.dumps({"security": {"auth": {"selectedType": kind}}})


def variables(path: Path, **values: str) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()), "utf-8")
    return path


# --- connecting


def test_the_options_of_requests_lead_there_and_back(env: Env, home: Path) -> None:
    path = settings(env)
    wired = there_and_back(home, env, GEMINI, URL, path, "json5", (*OPTIONS, "baseUrl"))
    assert wired.upstream == "https://generativelanguage.googleapis.com"


def test_what_does_not_go_back_to_the_model_alias_is_led_there_too(env: Env, home: Path) -> None:
    path = settings(env)
    wiring.connect(home, env, GEMINI, URL)
    text = path.read_text("utf-8")
    assert "// how I sign in" in text and "// mine" in text
    held = json.loads("\n".join(line.partition(" //")[0] for line in text.splitlines()))
    mine, ours = held["modelConfigs"]["customOverrides"]
    assert mine == {"match": {"model": "gemini-2.5-pro"}, "modelConfig": {}}
    assert ours["match"] == {"overrideScope": "core"}
    assert ours["modelConfig"]["generateContentConfig"]["httpOptions"] == {"baseUrl": URL}


def test_without_settings_they_are_made_and_go_again(env: Env, home: Path) -> None:
    wired = wiring.connect(home, env, GEMINI, URL)
    assert wired.files == [str(env.home / ".gemini/settings.json")]
    wiring.disconnect(home, env, GEMINI)
    assert not (env.home / ".gemini/settings.json").exists()


def test_what_the_user_changed_meanwhile_stays(env: Env, home: Path) -> None:
    path = settings(env)
    wiring.connect(home, env, GEMINI, URL)
    path.write_text(path.read_text("utf-8").replace("// how I sign in", '"ui": {"theme": "Ayu"},'), "utf-8")
    wiring.disconnect(home, env, GEMINI)
    assert path.read_text("utf-8") == COMMENTED.replace("// how I sign in", '"ui": {"theme": "Ayu"},')


def test_a_configured_upstream_s_token_goes_with_both(env: Env, home: Path) -> None:
    path = settings(env, chosen("gemini-api-key"))
    wired = wiring.connect(home, env, GEMINI, URL, token="skillclaw-token-1")
    held = json.loads(path.read_bytes())
    headers = {"x-goog-api-key": "skillclaw-token-1"}
    base = held["modelConfigs"]["aliases"]["base"]["modelConfig"]["generateContentConfig"]["httpOptions"]
    assert base == {"baseUrl": URL, "headers": headers}
    (other,) = held["modelConfigs"]["customOverrides"]
    assert other["modelConfig"]["generateContentConfig"]["httpOptions"] == {
        "baseUrl": URL,
        "headers": headers,
    }
    assert "skillclaw-token-1" not in wired.diff
    assert not [one for one in GEMINI.doctor(env, URL) if one.level != "ok" and "lacks" in one.text]
    wiring.disconnect(home, env, GEMINI)
    assert path.read_text("utf-8") == chosen("gemini-api-key")


@pytest.mark.parametrize(
    ("environ", "upstream"),
    [
        ({}, "https://aiplatform.googleapis.com"),
        ({"GOOGLE_CLOUD_LOCATION": "us-central1"}, "https://us-central1-aiplatform.googleapis.com"),
        ({"GOOGLE_CLOUD_LOCATION": "eu"}, "https://aiplatform.eu.rep.googleapis.com"),
        ({"GOOGLE_CLOUD_LOCATION": "eu", "GOOGLE_API_KEY": SECRET}, "https://aiplatform.googleapis.com"),
        ({"GOOGLE_VERTEX_BASE_URL": "https://mine.example"}, "https://mine.example"),
    ],
)
def test_vertex_has_an_address_by_its_place(env: Env, environ: dict[str, str], upstream: str) -> None:
    settings(env, chosen("vertex-ai"))
    assert GEMINI.upstream(with_environ(env, **environ)) == upstream


def test_a_google_login_is_led_by_the_env_file(env: Env, home: Path) -> None:
    settings(env, chosen("oauth-personal"))
    path = variables(env.home / ".gemini/.env", EDITOR="vi", CODE_ASSIST_ENDPOINT="https://mine.example")
    wired = there_and_back(home, env, GEMINI, URL, path, "env", ("CODE_ASSIST_ENDPOINT",))
    assert wired.upstream == "https://mine.example"
    assert any(f"skillclaw run {GEMINI.name}" in note for note in wired.notes)


def test_a_new_env_file_does_not_hide_the_home_folder_s(env: Env, home: Path) -> None:
    settings(env, chosen("oauth-personal"))
    path = variables(env.home / ".env", EDITOR="vi")
    wired = wiring.connect(home, env, GEMINI, URL)
    assert wired.files == [str(path)]
    assert wired.upstream == "https://cloudcode-pa.googleapis.com"
    path.unlink()
    (env.home / ".gemini/.env").unlink(missing_ok=True)
    assert wiring.connect(home, env, GEMINI, URL).files == [str(env.home / ".gemini/.env")]


def test_a_google_login_has_no_place_for_a_token(env: Env, home: Path) -> None:
    settings(env, chosen("oauth-personal"))
    with pytest.raises(BadInputError, match="no place for SkillClaw's token"):
        wiring.connect(home, env, GEMINI, URL, token="skillclaw-token-1")


@pytest.mark.parametrize(
    ("kind", "name"),
    [("gemini-api-key", "GOOGLE_GEMINI_BASE_URL"), ("oauth-personal", "CODE_ASSIST_ENDPOINT")],
)
def test_the_user_s_own_base_url_is_found_as_the_agent_finds_it(env: Env, kind: str, name: str) -> None:
    """The environment, else the nearest of the `.env` files, else the home folder's: one of them only."""
    settings(env, chosen(kind))
    variables(env.home / ".gemini/.env", **{name: "https://home.example/"})
    assert GEMINI.upstream(env) == "https://home.example"
    variables(env.cwd / ".env", OTHER="1")
    if kind == "gemini-api-key":
        assert "example" not in GEMINI.upstream(env), "that file is read in its place"
        variables(env.cwd / ".gemini/.env", **{name: "https://project.example"})
        assert GEMINI.upstream(env) == "https://project.example"
    assert GEMINI.upstream(with_environ(env, **{name: "https://shell.example"})) == "https://shell.example"


def test_doctor_tells_what_hides_a_google_login_s_address(env: Env, home: Path) -> None:
    settings(env, chosen("oauth-personal"))
    wiring.connect(home, env, GEMINI, URL)
    assert not [one for one in GEMINI.doctor(env, URL) if one.subject.endswith(".env")]
    (env.cwd / ".env").mkdir()
    (told,) = [one for one in GEMINI.doctor(env, URL) if one.subject.endswith(".env")]
    assert told.level == "warn" and str(env.cwd / ".env") in told.text and "skillclaw run" in told.mend


def test_doctor_tells_of_a_project_that_goes_elsewhere(env: Env, home: Path) -> None:
    settings(env)
    wiring.connect(home, env, GEMINI, URL)
    other = env.cwd / ".gemini/settings.json"
    other.parent.mkdir()
    inner: Any = {"baseUrl": "https://other.example"}
    for key in reversed(OPTIONS):
        inner = {key: inner}
    other.write_text(json.dumps(inner), "utf-8")
    (told,) = [one for one in GEMINI.doctor(env, URL) if one.subject.endswith("project settings")]
    assert "https://other.example" in told.text


def test_settings_that_do_not_parse_are_left_alone(env: Env, home: Path) -> None:
    path = settings(env, '{"security": ')
    with pytest.raises(BadInputError, match="left as it is"):
        wiring.connect(home, env, GEMINI, URL)
    assert path.read_text("utf-8") == '{"security": '
    assert [one.level for one in GEMINI.doctor(env, URL) if one.subject.endswith("settings")] == ["fail"]


def test_gemini_cli_home_moves_all(env: Env, home: Path, tmp_path: Path) -> None:
    moved = with_environ(env, GEMINI_CLI_HOME=str(tmp_path / "elsewhere"))
    assert wiring.connect(home, moved, GEMINI, URL).files == [
        str(tmp_path / "elsewhere/.gemini/settings.json")
    ]
    assert GEMINI.skills(moved) == [
        tmp_path / "elsewhere/.agents/skills",
        tmp_path / "elsewhere/.gemini/skills",
    ]


# --- starting


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("gemini-api-key", {"GOOGLE_GEMINI_BASE_URL": URL}),
        ("vertex-ai", {"GOOGLE_VERTEX_BASE_URL": URL}),
        ("oauth-personal", {"CODE_ASSIST_ENDPOINT": URL}),
    ],
)
def test_run_sets_the_variable_of_the_way_of_signing_in(
    env: Env, kind: str, expected: dict[str, str]
) -> None:
    settings(env, chosen(kind))
    launch = GEMINI.launch(env, URL, ["-p", "hi"])
    assert (launch.argv, launch.env) == (["gemini", "-p", "hi"], expected)


def test_run_says_so_where_the_agent_would_not_start(env: Env) -> None:
    """With a base URL in the environment and no chosen way of signing in 0.61 stops with an error."""
    with pytest.raises(BadInputError, match="before a way of signing in is chosen"):
        GEMINI.launch(with_environ(env, GEMINI_API_KEY=SECRET), URL, [])


def test_run_of_a_connected_agent_needs_nothing(env: Env, home: Path) -> None:
    wiring.connect(home, env, GEMINI, URL)
    assert GEMINI.launch(env, URL, []).env == {}
    with pytest.raises(BadInputError, match="wins over the environment"):
        GEMINI.launch(env, URL.replace("8787", "9999"), [])


# --- skills that it wrote itself


def test_drafts_of_its_background_review_are_told(env: Env) -> None:
    draft = env.home / ".gemini/tmp/proj/memory/skills/npm-ci/SKILL.md"
    variables(draft)
    variables(env.home / ".gemini/skills/mine/SKILL.md")
    assert GEMINI.learned(env) == [draft.parent]


# --- histories


def sample(env: Env) -> HistoryFile:
    (file,) = GEMINI.histories_in(SAMPLES / f"session-2026-11-26T08-52-{ID[:8]}.jsonl", env)
    return file


def read(path: Path, env: Env) -> HistoryRead:
    made = GEMINI.read_history(HistoryFile(path=path, size=1, mtime=1.0), env)
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


def test_the_sample_is_read_whole(env: Env) -> None:
    made = read(sample(env).path, env)
    trajectory = made.trajectory
    assert made.skipped == {}
    assert told(trajectory) == [
        "user: Please count the lines of @sample.txt",
        "agent: Step 1.[run_shell_command]",
        "agent: Step 2.[activate_skill]",
        "agent: Step 3.[run_shell_command]",
        "agent: There are three lines.",
        "user: Now delegate this to somebody",
        "agent: Step 1.[invoke_agent]",
        "agent: Delegated.",
        "user: Now the third question",
        "agent: Step 1.[run_shell_command]",
        "agent: Third answer.",
    ]
    assert trajectory is not None
    results = [r for s in trajectory.steps if s.observation for r in s.observation.results]
    facts = [(result_meta(r).exit_code, result_meta(r).is_error, result_meta(r).taint) for r in results]
    assert facts[:3] == [(0, False, None), (None, None, "skill"), (1, True, None)]
    (sub,) = trajectory.subagent_trajectories or []
    assert told(sub)[0] == "user: Helper: run the pwd job"
    assert [ref.trajectory_id for r in results for ref in r.subagent_trajectory_ref or []] == [
        sub.trajectory_id
    ]
    known = meta(trajectory)
    assert (trajectory.session_id, known.project, known.source) == (ID, "proj", "history")
    assert [(use.name, use.read_step, use.invoked_step) for use in known.skills] == [("uv-install", 5, 5)]
    metrics = next(step.metrics for step in trajectory.steps if step.metrics)
    assert (metrics.prompt_tokens, metrics.completion_tokens, metrics.cached_tokens) == (100, 10, 64)
    assert [step_meta(step).kind for step in trajectory.steps].count("compaction") == 2


def test_a_resume_s_empty_second_file_is_no_session(env: Env) -> None:
    made = read(SAMPLES / f"session-2026-11-26T08-53-{ID[:8]}.jsonl", env)
    assert (made.trajectory, made.skipped) == (None, {"empty sessions": 1})


def test_a_sub_agent_s_file_is_read_with_its_root(env: Env) -> None:
    (file,) = SAMPLES.glob("*/*.jsonl")
    assert read(file, env).skipped == {"sub-agent sessions, read with their root": 1}
    assert sample(env).size > (SAMPLES / f"session-2026-11-26T08-52-{ID[:8]}.jsonl").stat().st_size


HEAD = {"sessionId": ID, "projectHash": "h", "startTime": "2026-03-01T10:00:00.000Z", "kind": "main"}


def user(name: str, text: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "timestamp": "2026-03-01T10:00:01.000Z", "type": "user", "content": text, **more}


def agent(name: str, text: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "timestamp": "2026-03-01T10:00:02.000Z", "type": "gemini", "content": text, **more}


def call(name: str, command: str, output: Any, status: str = "success") -> dict[str, Any]:
    return {
        "id": name,
        "name": "run_shell_command",
        "args": {"command": command},
        "status": status,
        "result": output,
        "timestamp": "2026-03-01T10:00:03.000Z",
    }


def chat(env: Env, *records: Any, end: str = "\n", folder: str = "proj") -> Path:
    path = env.home / f".gemini/tmp/{folder}/chats/session-2026-03-01T10-00-37227c0d.jsonl"
    return write_lines(path, [HEAD, *records], end)


def test_a_rewind_takes_back_what_came_after(env: Env) -> None:
    path = chat(
        env,
        user("1", "first"),
        agent("2", "one"),
        user("3", "wrong way"),
        agent("4", "two"),
        {"$rewindTo": "3"},
        user("5", "better"),
        agent("6", "three"),
    )
    made = read(path, env)
    assert told(made.trajectory) == ["user: first", "agent: one", "user: better", "agent: three"]
    assert made.skipped == {"messages that were rewound": 2}


def test_a_message_told_again_replaces_the_one_before(env: Env) -> None:
    path = chat(
        env, user("1", "go"), agent("2", "wait"), agent("2", "wait", toolCalls=[call("a", "ls", "Output: x")])
    )
    assert told(read(path, env).trajectory) == ["user: go", "agent: wait[run_shell_command]"]


def test_results_tell_of_failures(env: Env) -> None:
    calls = [
        call("a", "ls", "refused by the user", "cancelled"),
        call(
            "b", "x", [{"functionResponse": {"id": "b", "name": "x", "response": {"error": "boom"}}}], "error"
        ),
    ]
    trajectory = read(chat(env, user("1", "go"), agent("2", "", toolCalls=calls)), env).trajectory
    assert trajectory is not None
    results = [r for s in trajectory.steps if s.observation for r in s.observation.results]
    assert [(text_of(r.content), result_meta(r).is_error) for r in results] == [
        ("refused by the user", True),
        ("boom", True),
    ]


def test_equal_calls_are_told_apart_as_on_the_wire(env: Env) -> None:
    calls = [call("run_shell_command__run_shell_command_1795683173253_0", "ls", "Output: a")]
    again = [call("run_shell_command__run_shell_command_1795683173999_0", "ls", "Output: b")]
    path = chat(env, user("1", "go"), agent("2", "", toolCalls=calls), agent("3", "", toolCalls=again))
    trajectory = read(path, env).trajectory
    assert trajectory is not None
    first, second = (c.tool_call_id for s in trajectory.steps for c in s.tool_calls or [])
    assert first.startswith("call-") and second == f"{first}-2"


def test_a_document_of_the_old_form_is_read(env: Env) -> None:
    path = env.home / ".gemini/tmp/abc/chats/session-2026-03-01T10-00-37227c0d.json"
    path.parent.mkdir(parents=True)
    held = {**HEAD, "messages": [user("1", "old words"), agent("2", "old answer", model="gemini-x")]}
    path.write_text(json.dumps(held, indent=2), "utf-8")
    assert sniff(path) == "gemini-cli"
    assert [file.path for file in GEMINI.histories(env)] == [path]
    made = read(path, env).trajectory
    assert told(made) == ["user: old words", "agent: old answer"]
    assert made is not None and made.agent.model_name == "gemini-x"
    write_lines(path.with_suffix(".jsonl"), [HEAD, user("1", "old words")])
    assert [file.path for file in GEMINI.histories(env)] == [path.with_suffix(".jsonl")], "it goes on there"


@pytest.mark.parametrize("known", [".project_root", "projects.json", "context"])
def test_the_working_folder_is_found(env: Env, known: str) -> None:
    context = "<session_context>\n- **Workspace Directories:**\n  - /srv/told\n</session_context>"
    path = chat(env, user("0", context), user("1", "go"), agent("2", "done"))
    root = env.home / ".gemini"
    if known == ".project_root":
        (root / "tmp/proj/.project_root").write_text("/srv/shop", "utf-8")
    elif known == "projects.json":
        (root / "projects.json").write_text(json.dumps({"projects": {"/srv/store": "proj"}}), "utf-8")
    trajectory = read(path, env).trajectory
    assert trajectory is not None
    wanted = {".project_root": "shop", "projects.json": "store", "context": "told"}[known]
    assert meta(trajectory).project == wanted


def test_skillclaw_s_own_sessions_are_left_out(env: Env) -> None:
    path = chat(env, user("1", "go"), agent("2", "done"))
    (env.home / ".gemini/tmp/proj/.project_root").write_text(str(env.skillclaw_home / "work"), "utf-8")
    assert read(path, env).skipped == {"SkillClaw's own sessions": 1}


def test_damage_costs_no_more_than_itself(env: Env) -> None:
    path = chat(
        env, user("1", "go"), {"type": "hologram", "id": "9"}, agent("2", "done"), '{"id": "3", "ty', end=""
    )
    path.write_text(
        path.read_text("utf-8").replace('"{\\"id\\": \\"3\\", \\"ty"', '{"id": "3", "ty'), "utf-8"
    )
    made = read(path, env)
    assert told(made.trajectory) == ["user: go", "agent: done"]
    assert made.skipped == {
        "lines of unknown type hologram": 1,
        "torn last lines (still being written)": 1,
    }


def test_what_is_no_history_is_refused(env: Env, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "other.jsonl", [{"type": "note", "text": "x"}])
    with pytest.raises(BadInputError, match="not a history of Gemini CLI"):
        read(path, env)
    assert sniff(path) == ""
