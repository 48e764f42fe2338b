"""The real Claude Code on a Chat Completions upstream, and the real Codex on an Anthropic one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cli import ok, ok_json, skillclaw
from clients import CLAUDE_KEY, CODEX_KEY, Person, binary
from scripted import Script, Shell, Tool, Upstream
from test_e2e_live import wire_sessions

from skillclaw.agents import known_tokens

WORK = Script(
    steps=(
        Shell("cat no-such-file.txt"),
        Shell("printf 'alpha\\nbeta\\n' > made.txt && cat made.txt"),
        Shell("exit 7"),
    ),
    final="The file is made and counted.",
)
PROMPT = "kindly do the tidy-work for me"
CHAT = "/v1/chat/completions"
KEY = "sk-" + "configured-" + "UpstreamCredential" * 2


@contextmanager
def configured(
    person: Person, upstream: Upstream, agent: str, protocol: str, codex_model: str = "scripted"
) -> Iterator[dict[str, Any]]:
    """SkillClaw up for this person, the agent connected to a table that speaks `protocol`.

    Codex offers its tools to a model of an unknown name as functions. To its own newest models, of which one
    is its default (`codex_model` empty), it offers a freeform `exec` that runs JavaScript, in an input item.
    """
    person.skillclaw.mkdir(parents=True, exist_ok=True)
    (person.home / ".codex").mkdir(exist_ok=True)
    if codex_model:
        (person.home / ".codex" / "config.toml").write_text(f'model = "{codex_model}"\n', "utf-8")
    for key, value in {
        "upstreams.other.url": f"{upstream.url}/v1",
        "upstreams.other.protocol": protocol,
        "upstreams.other.key": "env:OTHER_KEY",
        "upstreams.other.models.*": "other-model",
        f"agents.{agent}.upstream": "other",
    }.items():
        ok("config", "set", key, value, home=person.home)
    state = ok_json("up", "-d", "--port", "0", home=person.home, environ={"OTHER_KEY": KEY})
    try:
        ok("connect", agent, home=person.home)
        yield state
    finally:
        done = skillclaw("stop", home=person.home)
        assert done.returncode == 0, done.stderr


def calls_by_name(session: Any) -> list[str]:
    return [call["function_name"] for step in session["steps"] for call in step.get("tool_calls") or []]


def check(person: Person, upstream: Upstream, agent: str, path: str, tool: str) -> None:
    """The work was done; the upstream saw its own key and model; the session tells what was done."""
    token = known_tokens(person.skillclaw)[agent]
    asked = [seen for seen in upstream.seen if seen.method == "POST"]
    assert {seen.path.partition("?")[0] for seen in asked} == {path}
    for seen in upstream.seen:
        sent = repr(seen.headers).encode() + seen.body
        assert not any(secret.encode() in sent for secret in (token, CLAUDE_KEY, CODEX_KEY))
        assert KEY in (seen.header("x-api-key"), seen.header("authorization").removeprefix("Bearer "))
    assert {seen.json["model"] for seen in asked} == {"other-model"}
    (session,) = wire_sessions(person)
    assert calls_by_name(session) == [tool] * len(WORK.steps)
    assert WORK.final in json.dumps(session)
    for file in person.skillclaw.rglob("*"):
        if file.is_file():
            assert KEY.encode() not in file.read_bytes(), file


def test_claude_code_works_on_a_chat_completions_upstream(person: Person) -> None:
    with Upstream({"tidy-work": WORK}) as upstream, configured(person, upstream, "claude-code", "chat"):
        answer = person.claude(PROMPT)
        assert WORK.final in str(answer["result"])
        check(person, upstream, "claude-code", CHAT, "Bash")


@pytest.mark.slow
def test_codex_works_on_an_anthropic_upstream(person: Person) -> None:
    with Upstream({"tidy-work": WORK}) as upstream, configured(person, upstream, "codex", "anthropic"):
        assert WORK.final in person.codex(PROMPT)
        check(person, upstream, "codex", "/v1/messages", "exec_command")


def test_codex_with_its_default_model_works_on_an_anthropic_upstream(person: Person) -> None:
    with (
        Upstream({"tidy-work": WORK}) as upstream,
        configured(person, upstream, "codex", "anthropic", codex_model=""),
    ):
        assert WORK.final in person.codex(PROMPT)
        check(person, upstream, "codex", "/v1/messages", "functions.exec")
    assert (person.project / "made.txt").read_text("utf-8") == "alpha\nbeta\n"
    (session,) = wire_sessions(person)
    offered = {tool["function"]["name"]: tool["function"] for tool in session["agent"]["tool_definitions"]}
    assert "JavaScript" in offered["functions.exec"]["description"]
    assert "collaboration.spawn_agent" in offered


@pytest.mark.slow
def test_codex_with_its_default_model_and_its_sub_agent_work_on_a_chat_completions_upstream(
    person: Person,
) -> None:
    child = Script(steps=(Shell("printf 3 > count.txt"),), final="I counted three.")
    task = {"task_name": "counter", "message": "kindly do the tally-work", "fork_turns": "none"}
    main = Script(
        steps=(
            Tool("collaboration__spawn_agent", task),
            Tool("collaboration__wait_agent", {"timeout_ms": 60_000}),
            Shell("cat count.txt"),
            Shell("cat count.txt count.txt > twice.txt"),
        ),
        final="The sub-agent counted.",
    )
    with (
        Upstream({"tally-work": child, "tidy-work": main}) as upstream,
        configured(person, upstream, "codex", "chat", codex_model=""),
    ):
        assert main.final in person.codex(PROMPT)
    assert (person.project / "twice.txt").read_text("utf-8") == "33"
    last = [seen.json for seen in upstream.seen if seen.method == "POST"][-1]
    told = [message["content"] for message in last["messages"] if message["role"] == "user"]
    assert any("FINAL_ANSWER" in text and child.final in text for text in told)
    (session,) = wire_sessions(person)
    (sub,) = session["subagent_trajectories"]
    assert calls_by_name(session) == [
        "collaboration.spawn_agent",
        "collaboration.wait_agent",
        "functions.exec",
        "functions.exec",
    ]
    assert calls_by_name(sub) == ["functions.exec"]
    assert any("kindly do the tally-work" in str(step["message"]) for step in sub["steps"])


@pytest.mark.parametrize(
    ("agent", "program"), [("claude-code", "claude"), pytest.param("codex", "codex", marks=pytest.mark.slow)]
)
def test_run_starts_an_agent_on_an_upstream_of_another_protocol(
    person: Person, agent: str, program: str
) -> None:
    protocol = "chat" if program == "claude" else "anthropic"
    environ = person.environ()
    environ["PATH"] = f"{Path(binary(program)).parent}:{environ['PATH']}"
    headless = (
        ("-p", PROMPT, "--dangerously-skip-permissions")
        if program == "claude"
        else ("exec", "--dangerously-bypass-approvals-and-sandbox", "--skip-git-repo-check", PROMPT)
    )
    with Upstream({"tidy-work": WORK}) as upstream, configured(person, upstream, agent, protocol):
        ok("disconnect", agent, home=person.home)
        done = skillclaw("run", agent, "--", *headless, home=person.home, environ=environ, cwd=person.project)
        assert done.returncode == 0, done.stderr
        assert WORK.final in done.stdout
