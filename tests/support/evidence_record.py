"""Record the three sets of evidence that come from real agents, through the real proxy.

    PYTHONPATH=src:tests/support:tests/agents_live python tests/support/evidence_record.py codex

Every person has a home of their own; each session begins in the project as it was cloned. What the host says
of itself (system prompts, injected context) is taken out: it is its maker's text, and no evidence.
"""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cli import ok
from clients import Person
from evidence import packed
from evidence_scenes import SCENES, Scene, Talk
from live import Live, environ_of
from scripted import Upstream

MODULES = {"claude-code": "claude_code", "codex": "codex", "hermes": "hermes"}
BEGIN = datetime(2026, 10, 5, 9, tzinfo=UTC)
"""When the first session is said to have begun; the next a day later, so that a new recording reads alike."""


def git(project: Path, *args: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=Team", "-c", "user.email=team@example.com", *args],
        cwd=project,
        check=True,
        capture_output=True,
    )


def clone(scene: Scene, project: Path) -> None:
    """The team's project as it is before a session."""
    shutil.rmtree(project, ignore_errors=True)
    for name, text in scene.files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # The old till of the sales writes Latin-1, which is why a way with UTF-8 fails.
        path.write_text(text, "latin-1" if name.startswith("data/") else "utf-8")
        if name.startswith("bin/"):
            path.chmod(0o755)
    git(project, "init", "-q", "-b", "main")
    for key, value in (("user.name", "Team"), ("user.email", "team@example.com")):
        git(project, "config", key, value)
    git(project, "remote", "add", "origin", f"https://git.example/team/{scene.project}.git")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "The project")


def record(scene: Scene, live: Live, person: Person, talks: list[Talk], name: str) -> list[dict[str, Any]]:
    """The sessions of one person, in the order in which they were held."""
    with Upstream({}) as upstream:
        live.settings(person, upstream.url)
        clone(scene, person.project)
        environ = environ_of(person, live)
        ok("config", "set", "user", name, home=person.home, environ=environ)
        ok("up", "-d", "--port", "0", home=person.home, environ=environ)
        try:
            ok("connect", live.agent, home=person.home, environ=environ)
            for talk in talks:
                clone(scene, person.project)
                upstream.scripts = dict(reversed(talk.turns))
                for number, (said, _) in enumerate(talk.turns):
                    live.run(person, said, number > 0)
                print(name, talk.turns[0][0], flush=True)
            ok("disconnect", live.agent, home=person.home, environ=environ)
        finally:
            ok("stop", home=person.home, environ=environ)
    lines = ok("sessions", "export", home=person.home, environ=environ).splitlines()
    found = [json.loads(line) for line in lines]
    return [
        next(one for one in found if talk.turns[0][0] in [s.get("message") for s in one["steps"]])
        for talk in talks
    ]


def bare(session: dict[str, Any], number: int) -> dict[str, Any]:
    """The session without the host's own text and the marks of this recording's day."""
    start = BEGIN + timedelta(days=number)
    kept = []
    for step in session["steps"]:
        own = (step.get("extra") or {}).get("skillclaw") or {}
        if step["source"] != "system" and not own.get("injected"):
            kept.append(step)
    for place, step in enumerate(kept):
        if "timestamp" in step:
            step["timestamp"] = (start + timedelta(seconds=20 * place)).strftime("%Y-%m-%dT%H:%M:%SZ")
    renumber = {step["step_id"]: place for place, step in enumerate(kept, 1)}
    for step in kept:
        step["step_id"] = renumber[step["step_id"]]
    own = session["extra"]["skillclaw"]
    own.pop("skills", None)  # what the host brings along
    for signal in own.get("signals", []):
        if signal.get("step") is not None:
            signal["step"] = renumber[signal["step"]]
    own.get("env", {}).pop("os_version", None)
    session["agent"].pop("tool_definitions", None)
    session.get("final_metrics", {})["total_steps"] = len(kept)
    return session | {"steps": kept}


def main(name: str) -> None:
    import zstandard

    scene = SCENES[name]
    live: Live = importlib.import_module(f"test_live_{MODULES[name]}").LIVE
    people = sorted({talk.person for talk in scene.talks})
    made: dict[int, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="evidence-") as folder:
        for one in people:
            home = Path(folder, one)
            person = Person(home=home, project=home / scene.project, skillclaw=home / ".skillclaw")
            home.mkdir()
            places = [n for n, talk in enumerate(scene.talks) if talk.person == one]
            found = record(scene, live, person, [scene.talks[n] for n in places], one)
            made |= dict(zip(places, found, strict=True))
    lines = b"".join(json.dumps(bare(made[n], n)).encode() + b"\n" for n in sorted(made))
    size = packed(name).write_bytes(zstandard.ZstdCompressor(level=22).compress(lines))
    print(f"{name}: {len(made)} sessions, {size} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
