"""The live loop with the real Claude Code and Codex: proxy, sessions, skills, the next request."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from cli import ok, ok_json, skillclaw
from clients import CLAUDE_KEY, CODEX_KEY, Person
from relay import Message, Relay
from scripted import Script, Shell, Upstream
from test_e2e_history import PROMPT, WORK, calls_of, check_whole, codex_config, said


@contextmanager
def running(person: Person, upstream: Upstream | Relay, *more: str) -> Iterator[dict[str, Any]]:
    """SkillClaw up in the background for this person, both agents' prefixes forwarding to `upstream`."""
    person.skillclaw.mkdir(parents=True, exist_ok=True)
    for agent, base in (("claude-code", upstream.url), ("codex", f"{upstream.url}/v1")):
        ok("config", "set", f"agents.{agent}.upstream", base, home=person.home)
    state = ok_json("up", "-d", "--port", "0", *more, home=person.home)
    try:
        yield state
    finally:
        done = skillclaw("stop", home=person.home)
        assert done.returncode == 0, done.stderr


def wire_sessions(person: Person) -> list[Any]:
    rows = ok_json("sessions", "list", home=person.home)
    return [ok_json("sessions", "show", row["id"], home=person.home) for row in rows]


def same_bytes(client: list[Message], upstream: list[Message], prefix: bytes, base: bytes = b"") -> None:
    """What passed before the proxy passed behind it: method, path, status, headers and bodies, both ways."""
    left = [replace(m, target=base + m.target.removeprefix(prefix) or b"/") for m in client]
    assert Counter(left) == Counter(upstream)


def no_credentials(person: Person) -> None:
    """Nothing under SkillClaw's folder holds a credential of the run, even where it is compressed."""
    exchanges = subprocess.run(
        [sys.executable, "-c", DUMP, str(person.skillclaw / "journal")], capture_output=True, check=True
    ).stdout
    assert b"tidy-work" in exchanges, "the dump must hold the conversation, or the search proves nothing"
    for key in (CLAUDE_KEY, CODEX_KEY):
        assert key.encode() not in exchanges
        for path in person.skillclaw.rglob("*"):
            if path.is_file():
                assert key.encode() not in path.read_bytes(), path


DUMP = """
import sys
from pathlib import Path
from skillclaw.journal.reader import read
for exchange, _ in read(Path(sys.argv[1])):
    sys.stdout.buffer.write(repr(exchange).encode())
    sys.stdout.buffer.write(exchange.request_body + exchange.response_body)
"""


def test_claude_code_works_through_the_proxy_unchanged(person: Person) -> None:
    with (
        Upstream({"tidy-work": WORK}) as upstream,
        Relay(upstream.port) as behind,
        running(person, behind) as state,
    ):
        with Relay(state["port"]) as before:
            person.claude(PROMPT, ANTHROPIC_BASE_URL=f"{before.url}/claude-code")
            time.sleep(0.3)
            same_bytes(before.messages(), behind.messages(), b"/claude-code")
            assert len(before.messages()) == len(upstream.seen) >= 7
        (session,) = wire_sessions(person)
        check_whole(session, "Bash")
        no_credentials(person)


def test_title_requests_are_told_apart(person: Person) -> None:
    with (
        Upstream({"tidy-work": WORK}) as upstream,
        Relay(upstream.port) as behind,
        running(person, behind) as state,
    ):
        with Relay(state["port"]) as before:

            def finished() -> bool:
                titled = any(b"json_schema" in seen.body for seen in upstream.seen)
                return titled and any(
                    WORK.final.split()[-1].encode() in seen.answer for seen in upstream.seen
                )

            person.claude_on_terminal(
                f"{PROMPT}, and take your time with it",
                finished,
                ANTHROPIC_BASE_URL=f"{before.url}/claude-code",
            )
            time.sleep(0.3)
            same_bytes(before.messages(), behind.messages(), b"/claude-code")
        (session,) = wire_sessions(person)
        check_whole(session, "Bash")
        kinds = [
            ((step.get("extra") or {}).get("skillclaw") or {}).get("kind", "turn")
            for step in session["steps"]
        ]
        assert "side" in kinds
        assert not any("Scripted title" in text for text in said(session, "agent"))


def test_codex_works_through_the_proxy_unchanged(person: Person) -> None:
    with (
        Upstream({"tidy-work": WORK}) as upstream,
        Relay(upstream.port) as behind,
        running(person, behind) as state,
    ):
        with Relay(state["port"]) as before:
            codex_config(person, f"{before.url}/codex")
            person.codex(PROMPT)
            time.sleep(0.3)
            same_bytes(before.messages(), behind.messages(), b"/codex", b"/v1")
            assert {m.target for m in behind.messages()} == {b"/v1/responses"}
        (session,) = wire_sessions(person)
        check_whole(session, "exec_command")
        no_credentials(person)


def test_wire_and_history_of_one_session_merge(person: Person) -> None:
    with Upstream({"tidy-work": WORK}) as upstream, running(person, upstream) as state:
        person.claude(PROMPT, ANTHROPIC_BASE_URL=f"http://127.0.0.1:{state['port']}/claude-code")
        codex_config(person, f"http://127.0.0.1:{state['port']}/codex")
        person.codex(PROMPT)
        assert len(wire_sessions(person)) == 2
        ok_json("import", home=person.home)
        merged = {s["agent"]["name"]: s for s in wire_sessions(person)}
        assert len(merged) == 2
        check_whole(merged["claude-code"], "Bash")
        check_whole(merged["codex"], "exec_command")
        assert ok_json("import", home=person.home)["imported"] == 0


def test_connect_wires_up_and_disconnect_puts_back(person: Person) -> None:
    settings = person.home / ".claude" / "settings.json"
    settings.parent.mkdir()
    before = b'{\n    "env": {"FOO": "1"},\n    "model": "sonnet"\n}\n'
    settings.write_bytes(before)
    with Upstream({"tidy-work": WORK}) as upstream:
        codex_config(person, f"{upstream.url}/v1")
        codex_before = (person.home / ".codex" / "config.toml").read_bytes()
        with running(person, upstream):
            dry = ok("connect", "claude-code", "--dry-run", home=person.home)
            assert "ANTHROPIC_BASE_URL" in dry
            assert settings.read_bytes() == before
            ok("connect", "claude-code", "codex", home=person.home)
            person.claude(PROMPT)
            person.codex(PROMPT)
            assert len(wire_sessions(person)) == 2
            assert {a["name"] for a in ok_json("status", home=person.home)["agents"] if a["connected"]} == {
                "claude-code",
                "codex",
            }
            ok("disconnect", "--all", home=person.home)
            assert settings.read_bytes() == before
            assert (person.home / ".codex" / "config.toml").read_bytes() == codex_before


def test_run_starts_an_agent_through_the_proxy_and_touches_no_file(person: Person) -> None:
    from clients import binary

    folder = str(Path(binary("claude")).parent)
    with Upstream({"tidy-work": WORK}) as upstream, running(person, upstream):
        environ = person.environ()
        environ["PATH"] = f"{folder}:{environ['PATH']}"
        done = skillclaw(
            "run",
            "claude-code",
            "--",
            "-p",
            PROMPT,
            "--dangerously-skip-permissions",
            home=person.home,
            environ=environ,
            cwd=person.project,
        )
        assert done.returncode == 0, done.stderr
        assert WORK.final in done.stdout
        assert not (person.home / ".claude" / "settings.json").exists()
        (session,) = wire_sessions(person)
        check_whole(session, "Bash")


# --- three users' sessions become a skill that a fourth user's agents get

TROUBLE = Script(
    steps=(
        Shell("mkdir -p tests && printf 'def test_a():\\n    assert True\\n' > tests/test_a.py"),
        Shell("python3 -m compileall --no-such-flag tests/"),
        Shell("python3 -m compileall -q -f tests/"),
    ),
    final="Everything under tests/ compiles.",
)
TASK = "please byte-compile the tests"


def learn(tmp_path: Path, fourth: Person, upstream: Upstream) -> str:
    """Three people work live, a fourth one's hub (policy team) gets their sessions; the skill's name."""
    exported = []
    for name in ("bea", "cem", "dia"):
        someone = Person.make(tmp_path / name)
        with running(someone, upstream) as state:
            base = f"http://127.0.0.1:{state['port']}"
            if name != "dia":
                someone.claude(TASK, ANTHROPIC_BASE_URL=f"{base}/claude-code")
            else:
                codex_config(someone, f"{base}/codex")
                someone.codex(TASK)
            (session,) = wire_sessions(someone)
            assert [c[2] for c in calls_of(session)][-2:] == [2, 0]
            out = tmp_path / f"{name}.jsonl"
            ok("sessions", "export", "--out", str(out), home=someone.home)
            exported.append(str(out))
    ok("config", "set", "gate.policy", "team", home=fourth.home)
    assert ok_json("import", *exported, home=fourth.home)["imported"] == 3
    report = ok_json("evolve", home=fourth.home)
    assert report["released"], json.dumps(report["proposals"], indent=1)
    return str(report["released"][0]["skill"])


def test_three_users_sessions_reach_the_fourth_users_agents(tmp_path: Path, person: Person) -> None:
    with Upstream({"byte-compile": TROUBLE}) as upstream:
        name = learn(tmp_path, person, upstream)
        for folder in (".claude/skills", ".agents/skills"):
            text = (person.home / folder / name / "SKILL.md").read_text("utf-8")
            assert "compileall" in text
        seen = len(upstream.seen)
        with running(person, upstream) as state:
            base = f"http://127.0.0.1:{state['port']}"
            skill = person.home / ".claude" / "skills" / name / "SKILL.md"
            upstream.scripts["use what you know"] = Script(
                steps=(Shell(f"cat {skill}"),), final="Read and understood."
            )
            person.claude("use what you know", ANTHROPIC_BASE_URL=f"{base}/claude-code")
            assert any(name.encode() in s.body for s in upstream.seen[seen:])
            seen = len(upstream.seen)
            codex_config(person, f"{base}/codex")
            person.codex("use what you know")
            assert any(name.encode() in s.body for s in upstream.seen[seen:])
            for session in wire_sessions(person):
                known = session["extra"]["skillclaw"]
                if known.get("source") != "wire":
                    continue
                (use,) = [u for u in known["skills"] if u["name"] == name]
                assert use["offered"]
                assert use["read_step"] is not None
                listed = {s["name"]: s["version"] for s in ok_json("skills", "list", home=person.home)}
                assert use["version"] == listed[name], "the body that was read is credited by its content"
