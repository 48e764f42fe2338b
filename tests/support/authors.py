"""Agents that write skills in a closed room, for tests of the engine `cli`: a player, and what real ones do.

The player is a small program that stands where an agent's own would; `tests/e2e` has the real ones.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from cli import skillclaw
from evidence import sessions

DRAFT = """\
import glob, json, os, re
def draft(**more):
    found = {}
    for path in sorted(glob.glob("/work/patterns/*.md")):
        kind, ident = re.match(r"# (\\S+) (\\S+)", open(path).read()).groups()
        found[kind] = ident
    line = "If `make test` fails with connection refused, run `make db-up`, then try it again."
    edits = [{"op": "add", "kind": "fix", "section": "What goes wrong", "text": line,
              "patterns": [found["recovery"]]}]
    said = "Make and test the till: what to do when `make test` fails. Use it for work on the till."
    return {"action": "create", "why": "Several people met it.", "description": said, "title": "Till",
            "edits": edits, **more}
def write(value, path="/work/out/draft.json"):
    with open(path, "w") as file:
        file.write(value if isinstance(value, str) else json.dumps(value))
"""
"""Functions for the room: the draft of a careful author from the evidence `claude-code`."""
HEAD = """\
#!/usr/bin/env python3
import json, os, sys, time, urllib.request
told = sys.stdin.read()
session = sys.argv[sys.argv.index("--session-id" if "--session-id" in sys.argv else "--resume") + 1]
again = "--resume" in sys.argv
def ask(body=None, path="/messages?beta=true", key=None, **headers):
    url = os.environ["ANTHROPIC_BASE_URL"] + "/v1" + path
    key = os.environ["ANTHROPIC_API_KEY"] if key is None else key
    asked = {"model": "other", "max_tokens": 100, "messages": [{"role": "user", "content": told}]}
    body = {**asked, **(body or {})}
    headers = {"x-api-key": key, "content-type": "application/json", **headers}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
"""
TAIL = """
print(json.dumps({"type": "result", "session_id": session, "result": "Done.", "is_error": False,
                  "usage": {"input_tokens": 1, "output_tokens": 1}}))
"""


def player(folder: Path, acts: str) -> str:
    """Put a program `claude` into `folder` that does `acts` (Python); the PATH with it."""
    folder.mkdir(exist_ok=True)
    path = folder / "claude"
    path.write_text(HEAD + DRAFT + acts + TAIL, "utf-8")
    path.chmod(0o755)
    return f"{folder}:/usr/local/bin:/usr/bin:/bin"


def learned(home: Path, evidence: str = "claude-code", about: str = "make db-up", **settings: str) -> None:
    """A home with the sessions of a set of evidence in which `about` occurs, so that it is about one job, and
    with settings of `evolve.cli` and `evolve.agent` (`cli_agent="codex"`)."""
    chosen = home / "chosen"
    chosen.mkdir()
    for path in sessions(evidence):
        if about in path.read_text("utf-8"):
            shutil.copy(path, chosen)
    done = skillclaw("import", str(chosen), home=home)
    assert done.returncode == 0, done.stderr
    lines = []
    for name, value in settings.items():
        table, _, key = name.partition("_")
        lines.append(f"[evolve.{table}]\n{key} = {value}\n")
    for table in ("cli", "agent"):
        own = [line.partition("\n")[2] for line in lines if line.startswith(f"[evolve.{table}]")]
        if own:
            with (home / ".skillclaw" / "config.toml").open("a", encoding="utf-8") as file:
                file.write(f"\n[evolve.{table}]\n{''.join(own)}")


def kept(home: Path) -> str:
    """Every byte below SkillClaw's folder, to look for what must not be there."""
    found = []
    for path in sorted((home / ".skillclaw").rglob("*")):
        if path.is_file():
            found.append(path.read_bytes().decode("utf-8", "replace"))
    return "\n".join(found)
