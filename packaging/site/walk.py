"""The excerpts of docs/architecture.md: one packaged session, from an agent's bytes to an installed SKILL.md.

A scripted agent and provider say on the wire what was said in that session; all between and after them is
SkillClaw itself, in a home of its own: `up`, `run`, `import`, `evolve`. `make walk` writes what then lies on
disk into the page.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

from skillclaw import zstd

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
ASKED = "I need to reply to the latest email from sofia with 'Got it, thank you!'. Can you do that?"
"""The first words of the session that is followed."""
WORKER = "gpt-3.5-domains"
"""Whose session it is: several were asked the same."""
SKILL = "email-know-how"
WIDE = 132
SECRET = "sk-walk-4pT9qLx2vN7bRz8mKc3W"  # noqa: S105 - made up, to see it go
AGENT = """
import json, os, sys, urllib.request
for body in json.load(open(sys.argv[1])):
    url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    heads = {"Content-Type": "application/json", "Authorization": "Bearer " + sys.argv[2]}
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), heads)).read()
"""
BLOCK = r"(<!-- walk: {} -->\n```\S*\n).*?(^```$)"


def packaged() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The session that is followed, and the other packaged ones."""
    followed, others = None, []
    for name in ("workbench", "tau-bench"):
        data = zstd.decompress((files("skillclaw.bench") / "demo" / f"{name}.jsonl.zst").read_bytes())
        for line in data.splitlines():
            one = json.loads(line)
            mine = one["steps"][0]["message"] == ASKED and one["extra"]["skillclaw"]["user"] == WORKER
            if mine and followed is None:
                followed = one
            else:
                others.append(one)
    assert followed is not None
    return followed, others


def spoken(session: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What the agent asks, request by request, and what the provider answers (OpenAI Chat Completions)."""
    said: list[dict[str, Any]] = []
    asks, answers = [], []
    for step in session["steps"]:
        if step["source"] == "user":
            said.append({"role": "user", "content": step["message"]})
            continue
        asks.append({"model": session["agent"]["model_name"], "messages": list(said)})
        reply: dict[str, Any] = {"role": "assistant", "content": step["message"] or None}
        if calls := step.get("tool_calls"):
            reply["tool_calls"] = [
                {
                    "id": one["tool_call_id"],
                    "type": "function",
                    "function": {"name": one["function_name"], "arguments": json.dumps(one["arguments"])},
                }
                for one in calls
            ]
        answers.append(reply)
        said.append(reply)
        said += [
            {"role": "tool", "tool_call_id": one["source_call_id"], "content": one["content"]}
            for one in step.get("observation", {}).get("results", ())
        ]
    return asks, answers


@contextmanager
def provider(answers: list[dict[str, Any]]) -> Iterator[str]:
    """The base URL of one that gives these answers in turn."""
    left = iter(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            message = next(left)
            why = "tool_calls" if message.get("tool_calls") else "stop"
            choice = {"index": 0, "message": message, "finish_reason": why}
            data = json.dumps({"object": "chat.completion", "choices": [choice]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


class Walk:
    """A home in `place`, and the commands in it."""

    def __init__(self, place: Path) -> None:
        self.place, self.home = place, place / "home"
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SKILLCLAW")},
            "HOME": str(place),
            "SKILLCLAW_HOME": str(self.home),
        }

    def run(self, *arguments: str) -> str:
        """What a command prints; CalledProcessError where it fails."""
        command = [sys.executable, "-m", "skillclaw", *arguments]
        done = subprocess.run(
            command,
            env=self.environ,
            cwd=self.place,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def excerpts(self) -> dict[str, str]:
        """By step, what lies on disk after it."""
        followed, others = packaged()
        asks, answers = spoken(followed)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        for name, content in (("asks.json", json.dumps(asks)), ("agent.py", AGENT)):
            (self.place / name).write_text(content, "utf-8")
        (self.place / "others.jsonl").write_text("".join(json.dumps(one) + "\n" for one in others), "utf-8")
        with provider(answers) as url:
            self.run("config", "set", "agents.generic.upstream", url)
            self.run("config", "set", "proxy.port", str(port))
            self.run("up", "-d", "--json")
            try:
                program = (sys.executable, "agent.py", "asks.json", SECRET)
                self.run("run", "generic", "--", *program)
            finally:
                self.run("stop")
        found = self._recorded()
        (row,) = json.loads(self.run("sessions", "list", "--json"))
        found |= self._session(row["id"])
        self.run("import", "others.jsonl")
        cycle = json.loads(self.run("evolve", "--json"))
        return found | self._learned(row["id"], cycle)

    def _recorded(self) -> dict[str, str]:
        from skillclaw.journal import segment
        from skillclaw.journal.reader import read

        folder = self.home / "journal"
        exchanges = [one for one, _ in read(folder)]
        path = segment.path_of(folder, segment.segments(folder)[0])
        with path.open("rb") as file:
            stored = [segment.unpack(one.payload) for one in segment.frames(file) if one != "torn"]
        first = exchanges[0]
        number, last = [(n, one.request) for n, one in enumerate(stored, 1) if one.request.base >= 0][-1]
        heads = [(name, value) for name, value in first.request_headers if name in ("Authorization", "Host")]
        record = {"agent": first.agent, "path": first.path, "status": first.status, "request_headers": heads}
        delta = {"base": last.base, "prefix": last.prefix, "suffix": last.suffix}
        middle = last.middle.decode("utf-8")
        return {
            "bytes": _cut(first.request_body.decode("utf-8"), 3),
            "journal": "\n".join(
                (
                    f"{path.relative_to(self.home)}, {path.stat().st_size} bytes, {len(exchanges)} exchanges",
                    _cut(f"1: {json.dumps(record)}", 3),
                    f"{number}: its request as a difference: {json.dumps(delta)}, and between them",
                    _cut(f"   {middle}", 3),
                )
            ),
        }

    def _session(self, session: str) -> dict[str, str]:
        from skillclaw.journal.store import SessionStore
        from skillclaw.trajectory.episodes import cut
        from skillclaw.trajectory.model import meta

        store = SessionStore(self.home)
        with sqlite3.connect(self.home / "sessions.db") as plain:
            row = plain.execute("SELECT key, agent, steps, outcome, source FROM sessions").fetchone()
        one = store.get(session)
        known = meta(one)
        signals = [f"  {s.kind} {s.value:+} at step {s.step}" for s in known.signals]
        steps = re.sub(r"\n+", "\n", self.run("sessions", "show", session))
        (recovery,) = [e for e in cut(one) if e.kind == "recovery"]
        return {
            "trajectory": "\n".join(
                [f"sessions.db: {row}", *(_cut(line, 2) for line in steps.splitlines()[2:13])]
            ),
            "outcome": "\n".join(
                [f"outcome: {known.outcome}; signals:", *signals, f"masked: {json.dumps(known.masked)}"]
            ),
            "episode": _told(recovery, ("kind", "intent", "error", "failed", "actions")),
        }

    def _learned(self, session: str, cycle: dict[str, Any]) -> dict[str, str]:
        lines = json.loads(self.run("skills", "evidence", SKILL, "--json"))
        (line,) = [one for one in lines if one["kind"] == "fix" and session in one["sessions"]]
        pattern = next(one for one in cycle["patterns"] if one["id"] in line["patterns"])
        proposal = next(one for one in cycle["proposals"] if one["skill"] == SKILL)
        verdicts = [f"{one['verdict']:6} {one['check']}: {one['reason']}" for one in proposal["reasons"]]
        entries = sorted((self.home / "hub" / "log").glob("[0-9]*.json"))
        release = next(
            one
            for one in map(lambda path: (path, json.loads(path.read_text("utf-8"))), entries)
            if one[1]["kind"] == "release" and one[1]["body"]["skill"] == SKILL
        )
        installed = sorted(self.place.glob(f".*/skills/{SKILL}/SKILL.md"))
        body = installed[0].read_text("utf-8")
        return {
            "pattern": json.dumps(pattern, indent=1),
            "proposal": json.dumps({k: v for k, v in proposal.items() if k != "reasons"})
            + "\n"
            + json.dumps({**line, "sessions": [session, f"and {len(line['sessions']) - 1} more"]}, indent=1),
            "verdicts": "\n".join(_cut(one, 2) for one in verdicts),
            "release": f"hub/log/{release[0].name}\n{json.dumps(release[1], indent=1)}",
            "installed": "\n".join(f"~/{path.relative_to(self.place)}" for path in installed) + f"\n\n{body}",
        }


def _told(record: object, fields: tuple[str, ...]) -> str:
    import msgspec

    known = msgspec.to_builtins(record)
    return "{" + ",\n ".join(_cut(f'"{k}": {json.dumps(known[k])}', 3) for k in fields if known.get(k)) + "}"


def _cut(text: str, lines: int) -> str:
    """In lines of the page's width, so many at most."""
    parts = [text[at : at + WIDE] for at in range(0, len(text), WIDE)] or [""]
    return "\n".join([*parts[:lines], *(["..."] if len(parts) > lines else [])])


def walked() -> dict[str, str]:
    """The excerpts of a walk of now."""
    with tempfile.TemporaryDirectory() as place:
        return Walk(Path(place)).excerpts()


def main() -> None:
    """Walk, and write what was seen into the page."""
    page = PAGE.read_text("utf-8")
    for name, text in walked().items():
        shown = text.rstrip() + "\n"
        page, count = re.subn(
            BLOCK.format(name), lambda m, shown=shown: m[1] + shown + m[2], page, flags=re.M | re.S
        )
        assert count == 1, name
    PAGE.write_text(page, "utf-8")
    sys.stdout.write(f"{PAGE}\n")


if __name__ == "__main__":
    main()
