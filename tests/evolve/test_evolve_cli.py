"""The engine `cli` by a player in the room: what the agent may do, what it may not, and how it ends.

The real agents are driven in tests/e2e/test_e2e_evolve_cli.py.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from authors import kept, learned, player
from cli import skillclaw

from skillclaw.sandbox import why_no_room

no_room = why_no_room()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(no_room), reason=f"no sandbox here: {no_room}"),
]
KEY = "sk-ant-" + "PlayedAuthorKey" * 3


class _Model(BaseHTTPRequestHandler):
    """Answers any Messages request; remembers its headers and bodies."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen.append((self.path, dict(self.headers), body))  # type: ignore[attr-defined]
        usage = {"input_tokens": 500, "output_tokens": 50}
        content = [{"type": "text", "text": "Well."}]
        answer = {"id": "m1", "type": "message", "role": "assistant", "model": "m", "content": content}
        data = json.dumps({**answer, "stop_reason": "end_turn", "usage": usage}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def model() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Model)
    server.seen = []
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def evolved(home: Path, acts: str, *args: str, port: int = 9, **settings: str) -> dict[str, Any]:
    """One cycle with a player that does `acts`; what the command printed."""
    settings = {"cli_agent": "'claude-code'", "cli_model": "'model-1'", **settings}
    learned(home, cli_upstream=f"'http://127.0.0.1:{port}'", **settings)
    path = player(home / "bin", acts)
    environ = {"PATH": path, "ANTHROPIC_API_KEY": KEY}
    done = skillclaw("evolve", "--engine", "cli", "--json", *args, home=home, environ=environ)
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stdout + done.stderr + kept(home)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def installed(home: Path) -> str:
    return (home / ".claude" / "skills" / "run-tests-till" / "SKILL.md").read_text("utf-8")


def test_a_draft_is_judged_like_any_other_and_what_it_cost_is_told(tmp_path: Path) -> None:
    with model() as server:
        told = evolved(tmp_path, "assert ask()[0] == 200\nwrite(draft())\n", port=server.server_port)
    assert [(one["skill"], one["verdict"]) for one in told["proposals"]] == [("run-tests-till", "passed")]
    assert "then try it again" in installed(tmp_path)
    assert (told["spent"]["calls"], told["spent"]["tokens"]) == (1, 550)
    assert told["model"] == "claude-code with model-1"
    ((path, headers, body),) = server.seen
    assert path == "/v1/messages?beta=true"
    assert body["model"] == "model-1", "not the one that the agent named"
    assert headers["x-api-key"] == KEY
    assert headers["X-SkillClaw-Own"], "a proxy of ours on this machine makes no session of it"
    (day,) = json.loads((tmp_path / ".skillclaw" / "model-spending.json").read_text("utf-8")).values()
    assert (day["calls"], day["tokens"]) == (1, 550)


def test_faults_are_given_back_once_and_the_gate_takes_out_what_stays_wrong(tmp_path: Path) -> None:
    acts = """
bad = draft()
bad["edits"].append({**bad["edits"][0], "text": "Run `rm -rf everything` first."})
if again:
    faults = open("/work/FAULTS.md").read()
    assert "rm -rf everything" in faults, faults
    bad["edits"][1]["text"] = "Run `make nothing-of-it`."
write(bad)
"""
    told = evolved(tmp_path, acts)
    assert [one["verdict"] for one in told["proposals"]] == ["passed"]
    text = installed(tmp_path)
    assert "make db-up" in text
    assert "everything" not in text
    assert "nothing-of-it" not in text


@pytest.mark.parametrize(
    ("acts", "why"),
    [
        ('write("{")\n', "not what the schema asks for"),
        ('write(draft(why="x" * 1_100_000))\n', "more than 1,000,000 bytes"),
        ('os.symlink("/etc/passwd", "/work/out/draft.json")\n', "is a link"),
        ('os.symlink("TARGET", "/work/out/draft.json")\n', "is a link"),
        ('os.mkfifo("/work/out/draft.json")\n', "no plain file"),
        ('os.mkdir("/work/out/draft.json")\n', "no plain file"),
        ("pass\n", "It wrote no draft"),
        ('print("broken", file=sys.stderr); sys.exit(3)\n', "exit code 3"),
    ],
)
def test_what_is_no_draft_is_told_and_the_extractive_engine_takes_over(
    tmp_path: Path, acts: str, why: str
) -> None:
    told = evolved(tmp_path, acts.replace("TARGET", str(tmp_path / "x")))
    (note,) = told["notes"]
    assert "The extractive engine took over where cli failed (make)." in note
    assert why in note
    assert [one["verdict"] for one in told["proposals"]] == ["passed"]


def test_the_room_has_no_way_out_no_key_and_nothing_to_write_but_out(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine", "utf-8")
    acts = f"""
import socket, subprocess
found = []
def tried(name, act):
    try:
        act()
        found.append(name)
    except OSError:
        pass
tried("guide", lambda: write("x", "/work/GUIDE.md"))
tried("faults", lambda: write("x", "/work/FAULTS.md"))
tried("system", lambda: write("x", "/usr/bin/x"))
tried("host", lambda: open({str(victim)!r}).read())
tried("home", lambda: os.listdir({str(tmp_path)!r}))
tried("port", lambda: socket.create_connection(("127.0.0.1", PORT), 2))
tried("world", lambda: socket.create_connection(("192.0.2.1", 80), 2))
seen = subprocess.run("env; cat /proc/*/environ /proc/*/cmdline", shell=True, capture_output=True).stdout
if {KEY!r}.encode() in seen:
    found.append("key")
for status, more in (
    (401, dict(key="wrong")),
    (404, dict(path="/files")),
    (404, dict(path="/messages/batches")),
    (404, dict(path="/../admin")),
    (400, {{"content-encoding": "gzip"}}),
):
    told = ask(**more)[0]
    if told != status:
        found.append(f"{{more}} gave {{told}}")
hosted = [{{"type": "web_search_20250305", "name": "web_search"}}, {{"name": "Bash", "input_schema": {{}}}}]
link = {{"type": "image", "source": {{"type": "url", "url": "https://example.org/?leak"}}}}
assert ask(dict(tools=hosted, mcp_servers=[1], messages=[{{"role": "user", "content": [link]}}]))[0] == 200
if found:
    sys.exit(str(found))
write(draft(title="Nothing got out"))
write("x" * 2_000, "/work/out/more.txt")
"""
    with model() as server:
        port = server.server_port
        told = evolved(tmp_path, acts.replace("PORT", str(port)), port=port)
    assert told["notes"] == []
    assert "# Nothing got out" in installed(tmp_path)
    ((_, _, body),) = server.seen
    assert [tool["name"] for tool in body["tools"]] == ["Bash"], "the provider's own search is left out"
    assert "mcp_servers" not in body
    assert "example.org" not in json.dumps(body)
    assert victim.read_text("utf-8") == "mine"


def test_at_the_limit_of_requests_it_is_ended_and_what_is_there_is_used(tmp_path: Path) -> None:
    acts = "write(draft())\nwhile True: ask()\n"
    with model() as server:
        told = evolved(tmp_path, acts, port=server.server_port, agent_steps="3", agent_seconds="60")
        assert len(server.seen) == 3
    (note,) = told["notes"]
    assert "limit of 3 requests (evolve.agent.steps)" in note
    assert "draft that was there was taken" in note
    assert [one["verdict"] for one in told["proposals"]] == ["passed"]


def test_the_budget_ends_it_too_and_without_a_draft_the_extractive_engine_takes_over(tmp_path: Path) -> None:
    with model() as server:
        settings = {"cli_usd_in": "1000.0", "cli_usd_out": "1000.0"}
        told = evolved(tmp_path, "while True: ask()\n", port=server.server_port, **settings)
    assert 0 < told["spent"]["usd"] <= 1.0 + 0.55, "the last answer may be longer than was expected"
    (note,) = told["notes"]
    assert "dollars of this cycle" in note
    assert [one["verdict"] for one in told["proposals"]] == ["passed"]


def test_at_the_end_of_its_time_no_process_of_it_is_left(tmp_path: Path) -> None:
    mark = f"12345.{os.getpid()}"
    acts = f"""
import subprocess
for _ in range(3):
    subprocess.Popen(["sleep", "{mark}"], start_new_session=True)
if os.fork():
    time.sleep(100)
os.setsid()
time.sleep(100)
"""
    began = time.monotonic()
    told = evolved(tmp_path, acts, agent_seconds="2.0")
    assert time.monotonic() - began < 60
    (note,) = told["notes"]
    assert "limit of 2 s (evolve.agent.seconds)" in note
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [line for line in lines if mark.encode() in line]


def test_an_author_that_leaves_the_skill_alone_is_told_and_what_it_did_is_kept_apart(tmp_path: Path) -> None:
    acts = 'ask()\nwrite({"action": "skip", "why": "Too little stands behind it."})\n'
    with model() as server:
        told = evolved(tmp_path, acts, port=server.server_port)
    assert told["proposals"] == []
    assert "Claude Code left as they are: run-tests-till" in told["notes"][0]
    (row,) = json.loads(skillclaw("sessions", "list", "--kind", "evolver", "--json", home=tmp_path).stdout)
    shown = skillclaw("sessions", "show", row["id"], home=tmp_path).stdout
    assert "GUIDE.md" in shown
    rows = json.loads(skillclaw("sessions", "list", "--json", home=tmp_path).stdout)
    assert row["id"] not in {one["id"] for one in rows}
    again = json.loads(skillclaw("evolve", "--full", "--dry-run", "--json", home=tmp_path).stdout)
    assert again["sessions"] == told["sessions"], "nothing is learned from it"


def test_a_dry_run_starts_nothing(tmp_path: Path) -> None:
    told = evolved(tmp_path, 'write(draft(why="it ran"))\n', "--dry-run")
    assert "Without --dry-run Claude Code would work on 1 skills with model-1" in told["notes"][0]
    assert "it ran" not in json.dumps(told)


def test_it_refuses_with_what_to_do(tmp_path: Path) -> None:
    learned(tmp_path)
    path = player(tmp_path / "bin", "")

    def refused(**environ: str) -> str:
        # An empty cache, too: programs that this machine's user keeps there would be found.
        given = {"PATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache"), "E2E_CLIENTS": "", **environ}
        done = skillclaw("evolve", "--engine", "cli", home=tmp_path, environ=given)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    def put(key: str, value: str) -> None:
        assert skillclaw("config", "set", f"evolve.cli.{key}", value, home=tmp_path).returncode == 0

    assert "evolve.cli.agent is empty" in refused()
    put("agent", "claude-code")
    assert "evolve.cli.model is empty" in refused()
    put("model", "model-1")
    assert "apt-get install bubblewrap" in refused(PATH=str(tmp_path / "bin"))
    assert "Claude Code has no login" in refused()
    login = tmp_path / ".claude" / ".credentials.json"
    login.parent.mkdir(exist_ok=True)
    old = {"claudeAiOauth": {"accessToken": KEY, "expiresAt": (time.time() - 5) * 1000}}
    login.write_text(json.dumps(old), "utf-8")
    said = refused()
    assert "has run out" in said
    assert "Log in again" in said
    put("agent", "codex")
    assert "npm install -g @openai/codex" in refused()
    put("upstream", "nowhere")
    put("agent", "claude-code")
    assert "'nowhere', and there is none" in refused()
