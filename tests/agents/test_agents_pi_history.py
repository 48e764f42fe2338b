"""pi's histories: what a session holds, what was rewound, copied or kept from the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import atif
import pytest
from agents_material import make_env, write_lines
from hypothesis import given
from hypothesis import strategies as st
from test_agents_fuzz import QUICK, check, mutated, torn

from skillclaw.agents import Env
from skillclaw.agents.history import pi
from skillclaw.errors import BadInputError, StorageError
from skillclaw.trajectory.keys import session_key
from skillclaw.trajectory.model import Trajectory, encode, meta, result_meta, step_meta

SAMPLES = Path(__file__).parent / "samples" / "pi"
SESSION = "01a216f6-6f70-765b-9c61-7dc95931c56d"


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


def read(path: Path, env: Env) -> tuple[Trajectory, dict[str, int]]:
    found = pi.read(path, env)
    assert found.trajectory is not None, found.skipped
    atif.Trajectory.model_validate_json(encode(found.trajectory))
    return found.trajectory, found.skipped


class Pi:
    """Entries of one session, each the child of the one before unless told otherwise."""

    def __init__(self, cwd: str = "/srv/shop", **header: Any) -> None:
        stamp = "2026-03-01T10:00:00.000Z"
        self.events: list[dict[str, Any]] = [
            {"type": "session", "version": 3, "id": SESSION, "timestamp": stamp, "cwd": cwd, **header}
        ]
        self.last: str | None = None

    def add(self, kind: str, *, parent: str | None = "", **fields: Any) -> str:
        name = f"e{len(self.events)}"
        at = self.last if parent == "" else parent
        stamp = f"2026-03-01T10:00:{len(self.events):02d}.000Z"
        self.events.append({"type": kind, "id": name, "parentId": at, "timestamp": stamp, **fields})
        self.last = name
        return name

    def user(self, content: Any, **fields: Any) -> str:
        return self.add("message", message={"role": "user", "content": content}, **fields)

    def said(self, *blocks: dict[str, Any], stop: str = "stop", **fields: Any) -> str:
        usage = {"input": 10, "output": 7, "cacheRead": 5, "cacheWrite": 1}
        message = {
            "role": "assistant",
            "content": list(blocks),
            "model": "m",
            "usage": usage,
            "stopReason": stop,
        }
        return self.add("message", message={**message, **fields})

    def result(self, call: str, text: str, *, tool: str = "bash", error: bool = False, **fields: Any) -> str:
        content = [{"type": "text", "text": text}]
        message = {
            "role": "toolResult",
            "toolCallId": call,
            "toolName": tool,
            "content": content,
            "isError": error,
        }
        return self.add("message", message={**message, **fields})

    def save(self, env: Env) -> Path:
        name = f"2026-03-01T10-00-00-000Z_{SESSION}.jsonl"
        return write_lines(env.home / ".pi/agent/sessions/--srv-shop--" / name, self.events)


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def use(call: str, name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "toolCall", "id": call, "name": name, "arguments": arguments}


def test_a_session_that_pi_wrote(env: Env) -> None:
    made, skipped = read(SAMPLES / f"2026-11-26T08-26-18-865Z_{SESSION}.jsonl", env)
    assert skipped == {}
    assert meta(made).key == session_key("pi", SESSION) and meta(made).project == "shop"
    assert made.agent.model_name == "fake-model"
    told = [(s.source, step_meta(s).injected, step_meta(s).kind) for s in made.steps]
    assert told == [
        ("user", True, "turn"),  # the skill, by `/skill:csv-tidy`
        ("user", False, "turn"),
        ("agent", False, "turn"),
        ("agent", False, "turn"),
        ("agent", False, "turn"),
        ("user", True, "turn"),  # his own command
        ("user", False, "turn"),
        ("agent", False, "turn"),
        ("user", True, "compaction"),
        ("user", False, "turn"),
        ("agent", False, "turn"),
    ]
    assert made.steps[1].message == "please sort data.csv"
    assert made.steps[5].message == "Ran `echo mine; exit 3`\n```\nmine\n\n```\n\nCommand exited with code 3"
    failed = made.steps[3]
    assert failed.observation is not None and failed.metrics is not None
    facts = result_meta(failed.observation.results[0])
    assert (facts.exit_code, facts.is_error) == (1, True)
    assert (failed.metrics.prompt_tokens, failed.metrics.cached_tokens) == (100, 64)
    (skill,) = meta(made).skills
    assert (skill.name, skill.invoked_step, skill.read_step) == ("csv-tidy", 1, 1)


def test_a_fork_that_pi_wrote_marks_what_it_copied(env: Env) -> None:
    (path,) = SAMPLES.glob("*_01a216f6-74e7-*.jsonl")
    made, _ = read(path, env)
    copied = [bool(step.is_copied_context) for step in made.steps]
    assert copied == [True] * 9 + [False] * 2
    assert made.steps[-2].message == "A new way from here"


def test_thoughts_results_and_a_command_that_was_stopped(env: Env) -> None:
    log = Pi()
    log.add("thinking_level_change", thinkingLevel="high")
    log.user("fix the test")
    log.said(
        {"type": "thinking", "thinking": "look first"}, text("Running it."), use("c1", "bash", command="make")
    )
    log.result("c1", "no rule\n\nCommand exited with code 2", error=True)
    log.said(
        use("c2", "bash", command="sleep 99"), use("c3", "read", path="/x/a/SKILL.md"), use("c4", "bash")
    )
    log.result("c2", "Command aborted", error=True)
    log.result("c3", "# A", tool="read")
    log.result("c4", "fine\nCommand exited with code 3 is what it printed\n")
    made, _ = read(log.save(env), env)
    first, second = made.steps[1:]
    assert (first.message, first.reasoning_content, first.reasoning_effort) == (
        "Running it.",
        "look first",
        "high",
    )
    results = [*first.observation.results, *second.observation.results]  # type: ignore[union-attr]
    known = [(result_meta(r).exit_code, result_meta(r).is_error, result_meta(r).taint) for r in results]
    assert known == [(2, True, None), (None, True, None), (None, False, "skill"), (0, False, None)]
    assert [(s.name, s.read_step) for s in meta(made).skills] == [("a", 3)]


def test_a_rewound_branch_is_left_out_and_counted(env: Env) -> None:
    log = Pi()
    first = log.user("one")
    log.said(text("wrong way"))
    log.user("and on")
    log.add("branch_summary", parent=first, fromId="e2", summary="went the wrong way")
    log.said(text("right way"))
    made, skipped = read(log.save(env), env)
    assert [str(step.message)[:20] for step in made.steps] == ["one", "The following is a s", "right way"]
    assert skipped == {"lines of a branch that was rewound": 2}
    assert step_meta(made.steps[1]).injected


def test_old_files_without_a_tree(env: Env) -> None:
    log = Pi()
    log.user("one")
    log.said(text("two"))
    log.add("message", message={"role": "hookMessage", "customType": "x", "content": "from an extension"})
    for event in log.events[1:]:
        del event["id"], event["parentId"]
    made, skipped = read(log.save(env), env)
    assert [step.message for step in made.steps] == ["one", "two", "from an extension"]
    assert step_meta(made.steps[2]).injected and skipped == {}


def test_what_the_user_kept_from_the_model_is_not_told(env: Env) -> None:
    log = Pi()
    own = {"role": "bashExecution", "command": "cat ~/secret", "output": "hunter2", "exitCode": 0}
    log.add("message", message={**own, "excludeFromContext": True})
    log.user("go on")
    log.said(text("ok"))
    made, skipped = read(log.save(env), env)
    assert b"hunter2" not in encode(made)
    assert skipped == {"commands that the user kept from the model": 1}


def test_an_answer_that_failed_is_told_by_the_host(env: Env) -> None:
    log = Pi()
    log.user("go on")
    log.said(stop="error", errorMessage="529 overloaded")
    log.said(text("half an"), stop="aborted")
    made, _ = read(log.save(env), env)
    assert [(step.source, step.message) for step in made.steps] == [
        ("user", "go on"),
        ("system", "529 overloaded"),
        ("agent", "half an"),
        ("system", "The answer was aborted."),
    ]


def test_damage_is_counted_and_told(env: Env) -> None:
    log = Pi()
    log.user("hello")
    log.said(text("hi"))
    log.add("telepathy", parent=log.last)
    path = log.save(env)
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([lines[0], "{broken", *lines[1:], '{"type":"mes']), "utf-8")
    made, skipped = read(path, env)
    assert [step.message for step in made.steps] == ["hello", "hi"]
    assert skipped == {
        "corrupt lines (not JSON)": 1,
        "lines of unknown type telepathy": 1,
        "torn last lines (still being written)": 1,
    }


def test_a_lost_line_breaks_no_branch(env: Env) -> None:
    log = Pi()
    log.user("one")
    log.said(text("two"))
    log.user("three")
    log.said(text("four"))
    del log.events[2]
    made, _ = read(log.save(env), env)
    assert [step.message for step in made.steps] == ["one", "three", "four"]


def test_empty_foreign_own_and_unreadable_files(env: Env, tmp_path: Path) -> None:
    log = Pi()
    log.add("model_change", provider="p", modelId="m")
    assert pi.read(log.save(env), env).skipped == {"empty sessions": 1}
    foreign = write_lines(tmp_path / "f.jsonl", [{"type": "user", "uuid": "u", "sessionId": "s"}])
    with pytest.raises(BadInputError, match="not a session of pi"):
        pi.read(foreign, env)
    with pytest.raises(StorageError):
        pi.read(tmp_path / "none.jsonl", env)
    own = Pi(cwd=str(env.skillclaw_home / "work"))
    own.user("evolve")
    own.said(text("ok"))
    assert pi.read(own.save(env), env).skipped == {"SkillClaw's own sessions": 1}


def test_pictures_leave_their_hash(env: Env) -> None:
    log = Pi()
    log.user([text("see"), {"type": "image", "data": "aGVsbG8=", "mimeType": "image/png"}])
    log.said(text("ok"))
    made, _ = read(log.save(env), env)
    parts = made.steps[0].message
    assert isinstance(parts, list) and parts[1].source is not None
    assert parts[1].source.path.startswith("sha256:2cf24dba5fb0a30e")
    assert "aGVsbG8" not in json.dumps(encode(made).decode())


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    log = Pi(parentSession="/old.jsonl")
    log.user([text("go"), {"type": "image", "data": "aGk=", "mimeType": "image/png"}])
    log.said({"type": "thinking", "thinking": "hm"}, use("c1", "bash", command="cat a/SKILL.md"))
    log.result("c1", "Command exited with code 1", error=True, details={"exitCode": 1})
    log.add("message", message={"role": "bashExecution", "command": "ls", "output": "x", "exitCode": 2})
    log.add("compaction", summary="sum", firstKeptEntryId="e1")
    log.add("branch_summary", summary="sum")
    log.add("custom_message", content="more", display=True)
    log.said(text("done"), stop="error", errorMessage="x")
    return "\n".join(map(json.dumps, mutated(draw, log.events))).encode()


@QUICK
@given(data=damaged() | torn(damaged()))
def test_damaged_files(env: Env, data: bytes) -> None:
    path = env.cwd / "p.jsonl"
    path.write_bytes(data)
    check("pi", path, env)
