"""The dashboard as people start it: a process of its own, or behind the door of `up`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli import ok, ok_json

from skillclaw.web.site.login import make_link


def environ(user: Path) -> dict[str, str]:
    """The environment of a person whose home is `user`, with nothing of who runs the tests."""
    base = {k: v for k, v in os.environ.items() if not k.startswith(("SKILLCLAW_", "ANTHROPIC_", "OPENAI_"))}
    return base | {"HOME": str(user), "USERPROFILE": str(user), "SKILLCLAW_HOME": str(user / ".skillclaw")}


@contextmanager
def started(user: Path, *more: str) -> Iterator[str]:
    """`skillclaw dashboard` of the person whose home is `user`; the link that it printed."""
    argv = [sys.executable, "-m", "skillclaw", "dashboard", "--json", "--no-browser", "--port", "0", *more]
    child = subprocess.Popen(argv, env=environ(user), stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        lines = [child.stdout.readline()]
        while lines[-1] and lines[-1].rstrip() != "}" and not lines[-1].startswith('{"'):
            lines.append(child.stdout.readline())
        yield str(json.loads("".join(lines))["url"])
    finally:
        child.terminate()
        code = child.wait(20)
        assert code == 0, f"it ends by itself when it is told to, and not by {code}"
        child.stdout.close()


@contextmanager
def behind_a_door(user: Path) -> Iterator[str]:
    """`skillclaw up -d`, and the link that `skillclaw dashboard` prints then: it leads to the door."""
    ok("config", "set", "dashboard.port", "0", home=user)
    ok("up", "-d", "--port", "0", home=user)
    try:
        yield str(ok_json("dashboard", "--no-browser", home=user)["url"])
    finally:
        ok("stop", home=user)


def another(user: Path, link: str, *, read_only: bool = False) -> str:
    """Another link of the same dashboard."""
    return f"{link.partition('#')[0]}#{make_link(user / '.skillclaw', read_only=read_only)}"
