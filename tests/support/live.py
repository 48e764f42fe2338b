"""Real agents driven through the proxy: what each must show, the same for all of them.

A test file names the client, how it is configured and how it is started; `prove` does the rest. Clients are
installed once, by version, outside the tree: `$E2E_AGENTS`, else `$XDG_CACHE_HOME|~/.cache/skillclaw/agents`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from atif_sessions import Ran, session, write
from cli import ok, ok_json, skillclaw
from clients import Person
from filelock import FileLock
from scripted import Script, Seen, Shell, Skill, Upstream

REMOTE = "https://ada:aB3dE5fG7hI9jK1lM3nO@git.example/Shop/till.git"
"""Where the project was cloned from, with a password in it, as people have it."""
FIRST = "kindly do the sorting-work in this folder"
SECOND = "and now the counting-work as well"
LESSON = [
    Ran("npm test", 1, "npm: no lock file found"),
    Ran("npm ci"),
    Ran("npm test", 0, "12 passing"),
]


@dataclass(frozen=True)
class Client:
    """A program to install: from npm or PyPI, in one version."""

    name: str
    version: str
    package: str
    kind: Literal["npm", "pip"] = "npm"
    node: str = ""
    """Version of Node.js that it needs, where the machine's is too old."""
    python: str = ""
    """Version of Python that it needs, e.g. 3.12."""
    more: tuple[str, ...] = ()
    """Further packages."""

    def bin(self) -> Path:
        """The folder with its programs, which are installed at the first call; skips where that cannot be."""
        cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        root = Path(os.environ.get("E2E_AGENTS") or Path(cache, "skillclaw", "agents"))
        folder = root / f"{self.name}@{self.version}"
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f"{folder.name}.lock"):
            if not (folder / ".installed").exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                (self._npm if self.kind == "npm" else self._pip)(folder)
                (folder / ".installed").touch()
        return folder / ("node_modules/.bin" if self.kind == "npm" else "bin")

    def _npm(self, folder: Path) -> None:
        # `npm init` would make a package's name of the folder's, which has an @.
        (folder / "package.json").write_text('{"private": true}', "utf-8")
        install = ["npm", "install", "--no-audit", "--no-fund"]
        if self.node:  # first, since a package may look at the Node.js that installs it
            _install([*install, f"node@{self.node}"], folder)
        _install([*install, f"{self.package}@{self.version}", *self.more], folder)

    def _pip(self, folder: Path) -> None:
        python = _python(self.python) if self.python else sys.executable
        _install([python, "-m", "venv", str(folder)], folder)
        wanted = [f"{self.package}=={self.version}", *self.more]
        _install([str(folder / "bin/python"), "-m", "pip", "install", "--quiet", *wanted], folder)


def _python(version: str) -> str:
    known = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    # A shim of pyenv is there for each version that any folder may choose, and runs where that is chosen.
    found = str(known[-1]) if known else shutil.which(f"python{version}")
    if not found:
        pytest.skip(f"there is no Python {version} on this machine")
    return found


def _install(argv: list[str], folder: Path) -> None:
    path = f"{folder / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path}
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode:
        told = done.stdout + done.stderr
        signs = (
            "ENOTFOUND",
            "ECONNREFUSED",
            "EAI_AGAIN",
            "ETIMEDOUT",
            "connection",
            "No matching distribution",
        )
        if any(sign in told for sign in signs):
            pytest.skip(f"{folder.name} cannot be installed: its registry is out of reach")
        raise AssertionError(f"{' '.join(argv)}\n{told[-3000:]}")


@dataclass(frozen=True)
class Live:
    """One agent as its users have it.

    settings  writes the user's own configuration, which leads to the upstream; the files that must be as they
              were after `disconnect`
    run       one turn: a prompt, and whether it goes on with the conversation before
    native    the session's own id, out of the requests seen; None: the wire holds none
    shell     the shell tool's name in its sessions
    skill     how it uses a skill
    merges    whether its history becomes one session with what the proxy recorded; None: it keeps none
    """

    agent: str
    client: Client
    settings: Callable[[Person, str], list[Path]]
    run: Callable[[Person, str, bool], None]
    native: Callable[[list[Seen]], str] | None = None
    skill: Literal["invoked_step", "read_step", ""] = "read_step"
    merges: bool | None = True
    environ: dict[str, str] = field(default_factory=dict)
    """What the user's shell sets; SkillClaw sees it too."""
    offered: bool = True
    """Whether its requests list the skills."""
    placed: Literal["wire", "history", ""] = "wire"
    """What tells the folder that it works in; nothing for one that works in a folder of its own."""
    steady: Callable[[bytes], bytes] = bytes
    """What is left of a settings file without what the client itself writes there as it runs."""


SCRIPTS = {
    "counting-work": Script(
        steps=(Skill("npm-know-how"), Shell("wc -l < sorted.txt")), final="Counted: two."
    ),
    "sorting-work": Script(
        steps=(Shell("cat no-such-file.txt"), Shell("printf 'a\\nb\\n' > sorted.txt && cat sorted.txt")),
        final="Sorted it is.",
    ),
}


def environ_of(person: Person, live: Live, **more: str) -> dict[str, str]:
    """The person's environment, with the client first on PATH."""
    found = person.environ(**live.environ, **more)
    return {**found, "PATH": f"{live.client.bin()}{os.pathsep}{found['PATH']}"}


def start(person: Person, live: Live, argv: list[str], timeout: float = 170, **more: str) -> str:
    """Run the client in the person's project; what it printed."""
    bin = live.client.bin()
    program = bin / argv[0]
    done = subprocess.run(
        [str(program) if program.exists() else argv[0], *argv[1:]],
        cwd=person.project,
        env=environ_of(person, live, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{argv[0]} failed\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def prove(live: Live, folder: Path) -> None:
    """Connect, two turns with tools, a learned skill offered and used, recorded as one session with its
    identity, disconnect, settings byte for byte as before; and its history tells the same.
    """
    person = Person.make(folder / "ada")
    subprocess.run(["git", "remote", "add", "origin", REMOTE], cwd=person.project, check=True)
    seen_by = environ_of(person, live)
    home = person.home
    with Upstream(dict(SCRIPTS)) as upstream:
        files = live.settings(person, upstream.url)
        before = contents(live, files)
        lesson = [session("ada", number, "run the npm tests", LESSON) for number in range(4)]
        ok("up", "-d", "--port", "0", home=home, environ=seen_by)
        try:
            made = ok_json("connect", live.agent, home=home, environ=seen_by)
            assert made[0]["changed"], made
            assert made[0]["upstream"].startswith(upstream.url), made
            ok("import", str(write(home / "npm.jsonl", lesson)), home=home, environ=seen_by)
            ok("evolve", home=home, environ=seen_by)
            again = ok_json("connect", live.agent, home=home, environ=seen_by)
            assert not again[0]["changed"], again
            doctor = ok_json("doctor", live.agent, home=home, environ=seen_by)
            assert not [finding for finding in doctor if finding["level"] == "fail"], doctor
            live.run(person, FIRST, False)
            live.run(person, SECOND, True)
            turns = [seen for seen in upstream.seen if seen.method == "POST" and seen.status == 200]
            assert len(turns) >= 6, [(seen.method, seen.path, seen.status) for seen in upstream.seen]
            ok("disconnect", live.agent, home=home, environ=seen_by)
            assert contents(live, files) == before
        finally:
            done = skillclaw("stop", home=home, environ=seen_by)
            assert done.returncode == 0, done.stderr
    rows = [row for row in ok_json("sessions", "list", home=home) if row["agent"] == live.agent]
    shown = [ok_json("sessions", "show", row["id"], home=home) for row in rows]
    ours = [made for made in shown if FIRST in json.dumps(made) or SECOND in json.dumps(made)]
    assert len(ours) == 1, [(made["session_id"], len(made["steps"])) for made in ours]
    check(live, ours[0])
    if live.placed == "wire":
        placed(ours[0], person)
    assert REMOTE[:30] not in json.dumps(shown)
    if live.native is not None:
        assert ours[0]["session_id"] == live.native(turns)
    if live.merges is None:
        return
    report = ok_json("import", "--agent", live.agent, home=home, environ=seen_by)
    assert not report["failed"], report
    assert report["imported"] >= 1, report
    after = [row for row in ok_json("sessions", "list", home=home) if row["agent"] == live.agent]
    whole = [ok_json("sessions", "show", row["id"], home=home) for row in after]
    ours = [made for made in whole if FIRST in json.dumps(made) or SECOND in json.dumps(made)]
    assert len(ours) == (1 if live.merges else 2), [(made["session_id"], len(made["steps"])) for made in ours]
    for made in ours:
        check(live, made)
        if live.placed:
            placed(made, person)
    assert ok_json("import", "--agent", live.agent, home=home, environ=seen_by)["imported"] == 0


def contents(live: Live, files: list[Path]) -> dict[Path, bytes | None]:
    """The files, byte for byte, but for what is the client's."""
    return {path: live.steady(path.read_bytes()) if path.exists() else None for path in files}


def check(live: Live, made: Any) -> None:
    """Every word, call and result of both turns is in the session, once."""
    assert said(made, "user", FIRST) == 1, users(made)
    assert said(made, "user", SECOND) == 1, users(made)
    assert said(made, "agent", "Sorted it is.") == 1
    assert said(made, "agent", "Counted: two.") == 1
    calls = json.dumps([step.get("tool_calls") for step in made["steps"]])
    results = json.dumps([step.get("observation") for step in made["steps"]])
    assert "no-such-file.txt" in calls and "sorted.txt" in calls and "wc -l" in calls
    assert "No such file" in results, "what the failing command said"
    uses = {use["name"]: use for use in made["extra"]["skillclaw"].get("skills", [])}
    if live.offered:
        assert uses["npm-know-how"].get("offered"), uses
    if live.skill:
        use = uses["npm-know-how"]
        assert use.get(live.skill) is not None, use
        assert use.get("version"), "credited to the version by its content"


def placed(made: Any, person: Person) -> None:
    """The project is the repository, with where it was cloned from but no credential."""
    where = made["extra"]["skillclaw"]
    assert where["project"] == person.project.name, where
    assert where["env"]["git_remote"] == "git.example/shop/till", where


def said(made: Any, source: str, text: str) -> int:
    """How often somebody said it, without what the host put there."""
    return sum(text in told for told in users(made, source))


def users(made: Any, source: str = "user") -> list[str]:
    """What people (or the agent) said."""
    return [
        json.dumps(step["message"], ensure_ascii=False)
        for step in made["steps"]
        if step["source"] == source
        and not ((step.get("extra") or {}).get("skillclaw") or {}).get("injected")
        and ((step.get("extra") or {}).get("skillclaw") or {}).get("kind", "turn") == "turn"
    ]
