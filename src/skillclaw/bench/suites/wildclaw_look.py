"""What a room has of what a task of WildClawBench needs: graders are compiled, nothing of them is run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import msgspec

from skillclaw.headless.tasks.folders import TRANSCRIPTS
from skillclaw.headless.tasks.taskfile import TaskFile
from skillclaw.sandbox import Box, Limits
from skillclaw.trajectory.model import Record

__all__ = ["PIP", "Look", "look", "places_in"]


class Look(Record, frozen=True, kw_only=True):
    """What the room's own Python says of a task: `error` when its grader does not load or has no `grade`; the
    modules of the grader, the programs and packages of Warmup and the places that the room lacks."""

    error: str = ""
    modules: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


PIP = re.compile(r"(?:^|(?<=[;&|]))[ \t]*(?:pip3?|python3? -m pip)[ \t]+install\b([^\n;&|]*)", re.MULTILINE)
"""A pip of the room's own; what it installs may be there already, and then it needs no network."""
PLACES = re.compile(r"(?<![\w/.~-])(?:~|/root|/home|/app|/opt|/mnt|/data|/openclaw)/[\w./-]*\w")
SHELL_WORDS = {
    *"[]{}.",
    "export",
    "cd",
    "set",
    "source",
    "wait",
    "if",
    "then",
    "fi",
    "for",
    "do",
    "done",
    "while",
}

LOOK = """\
import ast, importlib.metadata, importlib.util, json, os, re, shutil, subprocess, sys
def installed(name):
    try:
        return bool(importlib.metadata.version(name))
    except Exception:
        return False
tried = {}
def lacking(line):
    words = [word for word in line.split() if not re.match(r"[0-9]*>", word)]
    names = [re.split(r"[<>=!~\\[]", word)[0] for word in words if word[0] != "-"]
    absent = [name for name in names if not installed(name)]
    if absent:
        return absent
    if line not in tried:
        run = ["pip", "install", "--no-index", "--disable-pip-version-check", *words]
        try:
            tried[line] = subprocess.run(run, capture_output=True, timeout=30).returncode
        except (OSError, subprocess.TimeoutExpired):
            tried[line] = 1
    return names if tried[line] else []
found = {}
for name, given in json.load(sys.stdin).items():
    try:
        tree = ast.parse(given["checks"])
        compile(tree, "checks.py", "exec")
    except (SyntaxError, ValueError, RecursionError) as error:
        found[name] = {"error": str(error)}
        continue
    tops = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            tops |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            tops.add(node.module.partition(".")[0])
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    found[name] = {
        "error": "" if "grade" in functions else "it has no function grade",
        "modules": sorted(top for top in tops if importlib.util.find_spec(top) is None),
        "programs": sorted(program for program in given["programs"] if shutil.which(program) is None),
        "packages": sorted({absent for line in given["packages"] for absent in lacking(line)}),
        "places": sorted(p for p in given["places"] if not os.path.exists(os.path.expanduser(p))),
    }
json.dump(found, sys.stdout)
"""
"""A line of pip is tried, without an index, only where all that it names is there: it has nothing to do."""


def look(box: Box, files: Mapping[str, TaskFile], python: str) -> Mapping[str, Look]:
    """Compile the graders, in the room: what they import is looked for there, and nothing of them is run."""
    given = {
        name: {
            "checks": file.checks,
            "programs": _programs(file.warmup),
            "packages": [found.strip() for found in PIP.findall(file.warmup)],
            "places": places_in(f"{file.prompt}\n{file.warmup}"),
        }
        for name, file in files.items()
    }
    limits = Limits(seconds=120.0, output=10_000_000)
    ran = box.run([python, "-I", "-W", "ignore", "-c", LOOK], stdin=json.dumps(given).encode(), limits=limits)
    try:
        return msgspec.json.decode(ran.output, type=dict[str, Look])
    except msgspec.DecodeError:
        why = f"the compiler ended with exit code {ran.code}: {ran.output.strip()[-200:]}"
        return {name: Look(error=why) for name in files}


def places_in(text: str) -> list[str]:
    """The places outside the workspace that `text` names, but for those where transcripts and skills lie."""
    known = {*TRANSCRIPTS, "/root/.openclaw/agents/main/sessions", "/root/skills"}
    return sorted({place for place in PLACES.findall(text) if place not in known})


def _programs(warmup: str) -> list[str]:
    first = (
        line.strip().split()[0] for line in warmup.splitlines() if line.strip() and line.strip()[0] != "#"
    )
    return sorted({word for word in first if "=" not in word and "/" not in word} - SHELL_WORDS)
