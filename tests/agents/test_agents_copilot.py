"""Copilot CLI: by the environment only; its sessions as 1.0.102 wrote them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import atif
import pytest
from agents_material import make_env, write_lines

from skillclaw.agents import Env, HistoryFile, HistoryRead, adapters, sniff, wiring
from skillclaw.errors import BadInputError, UsageError
from skillclaw.trajectory.model import Trajectory, encode, meta, result_meta, step_meta, text_of
from skillclaw.trajectory.skilluse import credit, known_bodies

COPILOT = adapters()["copilot"]
URL = "http://127.0.0.1:8787/copilot"
OWN = "https://llm.example/v1"
SAMPLE = Path(__file__).parent / "samples/copilot/events.jsonl"
SESSION = "14c73397-acaa-4135-ae2b-82f002a75ac7"


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


def kept(env: Env, events: list[dict[str, Any]] | None = None) -> Path:
    path = env.home / f".copilot/session-state/{SESSION}/events.jsonl"
    return write_lines(path, sample() if events is None else events)


def sample() -> list[dict[str, Any]]:
    return [json.loads(line) for line in SAMPLE.read_text("utf-8").splitlines()]


def read(env: Env, path: Path) -> HistoryRead:
    found = COPILOT.read_history(HistoryFile(path=path, size=1, mtime=1), env)
    if found.trajectory is not None:
        atif.Trajectory.model_validate_json(encode(found.trajectory))
    return found


def whole(env: Env, events: list[dict[str, Any]] | None = None) -> Trajectory:
    found = read(env, kept(env, events))
    assert found.trajectory is not None and found.skipped == {}
    return found.trajectory


def said(made: Trajectory, source: str, kind: str = "turn") -> list[str]:
    return [
        text_of(step.message)
        for step in made.steps
        if step.source == source
        and not step_meta(step).injected
        and step_meta(step).kind == kind
        and text_of(step.message)
    ]


def results(made: Trajectory) -> list[tuple[int | None, bool | None]]:
    found = [r for step in made.steps for r in (step.observation.results if step.observation else [])]
    return [(result_meta(r).exit_code, result_meta(r).is_error) for r in found]


# --- settings


def test_connect_is_refused_with_what_to_do(env: Env, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be connected") as told:
        wiring.connect(tmp_path / "skillclaw", env, COPILOT, URL)
    assert "COPILOT_PROVIDER_BASE_URL" in told.value.why
    assert "skillclaw run copilot" in told.value.todo and "--history-only copilot" in told.value.todo


def test_its_provider_is_the_environments(env: Env, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no provider of your own") as told:
        COPILOT.upstream(env)
    assert "agents.copilot.upstream" in told.value.todo
    assert COPILOT.upstream(make_env(tmp_path, COPILOT_PROVIDER_BASE_URL=OWN + "/")) == OWN
    with pytest.raises(BadInputError):
        COPILOT.upstream(make_env(tmp_path, COPILOT_PROVIDER_BASE_URL=URL))


def test_run_sets_the_environment_and_no_argument(tmp_path: Path) -> None:
    env = make_env(tmp_path, COPILOT_PROVIDER_BASE_URL=OWN)
    started = COPILOT.launch(env, URL, ["-p", "hi"])
    assert (started.argv, started.env) == (["copilot", "-p", "hi"], {"COPILOT_PROVIDER_BASE_URL": URL})
    started = COPILOT.launch(env, URL, [], "skillclaw-token")
    assert started.argv == ["copilot"]
    assert started.env == {
        "COPILOT_PROVIDER_BASE_URL": URL,
        "COPILOT_PROVIDER_API_KEY": "skillclaw-token",
        "COPILOT_PROVIDER_BEARER_TOKEN": "skillclaw-token",
        "COPILOT_PROVIDER_API_KEY_COMMAND": "",
    }


def test_doctor_says_which_provider(env: Env, tmp_path: Path) -> None:
    def told(found: Env) -> list[tuple[str, str]]:
        return [(f.level, f.text) for f in COPILOT.doctor(found, None) if "provider" in f.subject]

    assert told(env) == [("ok", "GitHub's models; learned from by their history")]
    with_url = make_env(tmp_path, COPILOT_PROVIDER_BASE_URL=OWN)
    assert [level for level, _ in told(with_url)] == ["warn"]
    with_model = make_env(tmp_path, COPILOT_PROVIDER_BASE_URL=OWN, COPILOT_MODEL="m")
    assert told(with_model) == [("ok", f"{OWN}, by the environment")]


# --- histories


def test_a_session_is_read_whole(env: Env) -> None:
    path = kept(env)
    assert sniff(path) == "copilot"
    (file,) = COPILOT.histories(env)
    assert file.path == path
    made = whole(env)
    assert made.session_id == SESSION
    assert (made.agent.version, made.agent.model_name) == ("1.0.102", "fake-model")
    assert said(made, "user") == ["please do the sorting job", "please do the counting job"]
    assert said(made, "agent") == ["First done.", "Second done."]
    # Its shell, its viewer, a skill, a sub-agent; its shell, a tool that is not there.
    assert results(made) == [(1, True), (None, True), (None, False), (None, False), (0, False), (None, True)]
    assert meta(made).project == "shop" and meta(made).env["git_branch"] == "master"
    assert made.final_metrics is not None and made.final_metrics.total_prompt_tokens == 800
    assert made.steps[1].timestamp == "2026-11-26T09:41:46.448Z"


def test_sub_agents_are_inside_and_referred_to(env: Env) -> None:
    made = whole(env)
    (sub,) = made.subagent_trajectories or []
    assert said(sub, "user") == ["count-notes please"] and said(sub, "agent") == ["SUB REPORT"]
    (ref,) = [
        ref
        for step in made.steps
        for result in (step.observation.results if step.observation else [])
        for ref in result.subagent_trajectory_ref or []
    ]
    assert ref.trajectory_id == sub.trajectory_id


def test_skills_are_offered_invoked_and_credited_by_their_text(env: Env) -> None:
    made = whole(env)
    uses = {use.name: use for use in meta(made).skills}
    assert len(uses) > 1 and all(use.offered for use in uses.values())
    use = uses["npm-know-how"]
    assert use.invoked_step is not None and use.read_step == use.invoked_step + 1
    skill = "---\nname: npm-know-how\n---\n\n# npm\n\nRun npm ci first.\n"
    credited = {u.name: u for u in meta(credit(made, known_bodies("hub", "v1", skill))).skills}
    assert credited["npm-know-how"].version == "v1"


def event(kind: str, data: dict[str, Any], number: int, **more: Any) -> dict[str, Any]:
    stamp = f"2026-03-01T10:00:{number:02d}.000Z"
    return {"type": kind, "data": data, "id": f"e{number}", "timestamp": stamp, "parentId": None, **more}


START = event(
    "session.start",
    {
        "sessionId": "s",
        "producer": "copilot-agent",
        "copilotVersion": "1.0.102",
        "context": {"cwd": "/x/shop"},
    },
    1,
)


def test_what_else_happens_in_a_session(env: Env) -> None:
    body = "# a\n"
    digest = f"sha256:{hashlib.sha256(body.encode()).hexdigest()}"
    made = whole(
        env,
        [
            START,
            event("user.message", {"content": "go"}, 2),
            event("user.message", {"content": "hidden", "source": "skill-a"}, 3),
            event("user.message", {"content": "continue", "isAutopilotContinuation": True}, 4),
            event(
                "assistant.message", {"content": "", "model": "m", "apiCallId": "c", "reasoningText": "hm"}, 5
            ),
            event("assistant.message", {"content": "Going.", "model": "m", "apiCallId": "c"}, 6),
            event(
                "session.usage_record", {"usage": {"apiCallId": "c", "inputTokens": 9, "outputTokens": 2}}, 7
            ),
            event("skill.invoked", {"name": "a", "content": body, "trigger": "user-invoked"}, 8),
            event(
                "skill.context_delivered_ref", {"source": "skill-a", "contentId": digest, "prefix": "<p>"}, 9
            ),
            event("skill.context_delivered_ref", {"source": "skill-b", "contentId": "sha256:none"}, 10),
            event("session.compaction_complete", {"success": False, "error": "Cancelled"}, 11),
            event("session.compaction_complete", {"success": True, "summaryContent": "So far."}, 12),
            event("session.error", {"errorType": "query", "message": "no such model"}, 13),
            event("permission.requested", {}, 14),
            event("hook.start", {}, 15),
        ],
    )
    assert said(made, "user") == ["go"]
    assert said(made, "agent") == ["Going."] and made.steps[3].reasoning_content == "hm"
    assert made.steps[3].metrics is not None and made.steps[3].metrics.prompt_tokens == 9
    assert [text_of(step.message) for step in made.steps if step.message == "<p># a\n"] == ["<p># a\n"]
    assert said(made, "agent", "compaction") == ["So far."]
    assert text_of(made.steps[-1].message) == "The call failed. no such model"


@pytest.mark.parametrize("named", [None, ["e4", "e5"]])
def test_what_the_user_took_back_is_left_out(env: Env, named: list[str] | None) -> None:
    rewind: dict[str, Any] = {"upToEventId": "e4", "eventsRemoved": 2}
    path = kept(
        env,
        [
            START,
            event("user.message", {"content": "first"}, 2),
            event("assistant.message", {"content": "one", "apiCallId": "a"}, 3),
            event("user.message", {"content": "wrong"}, 4),
            event("assistant.message", {"content": "two", "apiCallId": "b"}, 5),
            event("session.snapshot_rewind", rewind | ({"eventIds": named} if named else {}), 6),
            event("user.message", {"content": "right"}, 7),
        ],
    )
    found = read(env, path)
    assert found.trajectory is not None
    assert said(found.trajectory, "user") == ["first", "right"]
    assert found.skipped == {"events that the user took back": 2}


def test_damage_is_counted_or_told(env: Env, tmp_path: Path) -> None:
    events = [*sample(), event("assistant.hologram", {}, 1), {"type": "other", "x": 1}]
    path = kept(env, events)
    with path.open("a") as file:
        file.write('{"type": "user.mess')
    assert read(env, path).skipped == {
        "lines of unknown type assistant.hologram": 1,
        "lines of unknown type other": 1,
        "torn last lines (still being written)": 1,
    }
    other = write_lines(tmp_path / "other.jsonl", [{"a": 1}])
    with pytest.raises(BadInputError, match="not a history of Copilot CLI"):
        read(env, other)


def test_skillclaws_own_sessions_and_older_files(env: Env) -> None:
    kept(env)
    own = json.loads(json.dumps(START))
    own["data"]["context"]["cwd"] = str(env.skillclaw_home / "evolver")
    hidden = write_lines(env.home / ".copilot/session-state/own/events.jsonl", [own])
    old = [START, event("user.message", {"content": "hi"}, 2)]
    older = write_lines(env.home / ".copilot/session-state/older.jsonl", old)
    assert {file.path.name for file in COPILOT.histories(env)} == {"events.jsonl", "older.jsonl"}
    assert read(env, hidden).skipped == {"SkillClaw's own sessions": 1}
    made = read(env, older).trajectory
    assert made is not None and made.session_id == "s"


def test_folders_follow_the_environment(tmp_path: Path) -> None:
    env = make_env(tmp_path, COPILOT_HOME="~/elsewhere")
    assert COPILOT.skills(env) == [env.home / ".agents/skills", env.home / "elsewhere/skills"]
    path = env.home / "elsewhere/session-state/s/events.jsonl"
    write_lines(path, [START, event("user.message", {"content": "hi"}, 2)])
    assert [file.path for file in COPILOT.histories(env)] == [path]
