"""Which tasks of a WildClawBench checkout run in a closed room without an image, and why others don't.

Everything is decided from the task file, the checkout's folders and the room's programs; nothing is run but
the compiler. Network and search are read from words, so that a task may be set aside that would need neither:
a figure of this survey is a lower bound of what could run.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.bench.sandbox import Box, Limits
from skillclaw.bench.suites.folders import TRANSCRIPTS
from skillclaw.bench.suites.taskfile import TaskFile
from skillclaw.trajectory.model import Record

__all__ = ["REASONS", "Look", "Survey", "Surveyed", "asks_a_judge", "look", "reasons", "survey_of"]

REASONS = {
    "file": "the task file cannot be read",
    "grader": "the grader does not load",
    "data": "the workspace's data is not there",
    "judge": "the grader asks a judge model",
    "network": "the task needs the network",
    "services": "Warmup starts services that must go on",
    "env": "a variable that it lists is not set",
    "packages": "Python packages or programs are absent",
    "gpu": "it needs a GPU or model weights",
    "vision": "it shows images, sound or video",
    "paths": "it names places that only the image has",
}
"""Why a task does not run, by key, in the order in which they are reported."""

WITH_IMAGE = frozenset({"packages", "paths"})
"""What an image can provide."""


class Look(Record, frozen=True, kw_only=True):
    """What the room's own Python says of a grader: `error` when it does not load or has no `grade`; the
    modules and, of Warmup, the programs that the room lacks."""

    error: str = ""
    modules: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()


class Surveyed(Record, frozen=True, kw_only=True):
    """One task: each reason why it does not run, with what exactly; none when it does."""

    id: str
    category: str
    reasons: Mapping[str, str] = {}

    @property
    def runs(self) -> bool:
        return not self.reasons


class Survey(Record, frozen=True, kw_only=True):
    """A checkout. `by_reason` counts the tasks that have a reason; one task may have several. `alone` counts
    those for which it is the only one."""

    tasks: tuple[Surveyed, ...]
    parsed: int
    loaded: int
    running: int
    by_reason: Mapping[str, int]
    alone: Mapping[str, int]

    def lines(self) -> list[str]:
        """The survey as text: the counts, then one line for each task."""
        total = len(self.tasks)
        found = [
            f"{self.running} of {total} tasks run without an image; {self.parsed} task files can be read, "
            f"{self.loaded} graders load."
        ]
        for key, what in REASONS.items():
            if count := self.by_reason.get(key, 0):
                found.append(f"  {count:3}  {what} (nothing else: {self.alone.get(key, 0)})")
        for task in self.tasks:
            why = "; ".join(f"{key}: {what}" for key, what in task.reasons.items())
            found.append(f"{task.id}: {why or 'runs'}")
        return found


JUDGE = re.compile(
    r"\b(?:openai|anthropic|litellm)\b|OPENROUTER_|JUDGE_MODEL|chat[._]completions", re.IGNORECASE
)
DOWNLOADS = re.compile(
    r"\b(?:pip3?|uv|npm|pnpm|yarn|conda|apt|apt-get|cargo|go)\s+(?:-\S+\s+)*(?:install|add|get|i|update)\b"
    r"|\b(?:curl|wget|git\s+clone|huggingface-cli|playwright\s+install|npx)\b"
)
ADDRESS = re.compile(r"https?://(?!localhost|127\.0\.0\.1|0\.0\.0\.0)[\w.-]+\.\w+")
SEARCH = re.compile(
    r"\b(?:web|internet|online|google|wikipedia|arxiv|crawl\w*|browser?|browse|websites?|webpages?|download\w*"
    r"|search(?:es)? for|search engine|git\s+(?:clone|pull))\b|网络|联网|网上|搜索|下载|爬取|检索",
    re.IGNORECASE,
)
SEARCHING = re.compile(r"browser|search|crawl|fetch|scrape|arxiv|google", re.IGNORECASE)
KEYS = re.compile(
    r"BRAVE|SERP|SEARCH|TAVILY|GOOGLE|GITHUB|OPENROUTER|OPENAI|ANTHROPIC|API_KEY", re.IGNORECASE
)
SERVICE = re.compile(r"(?<!&)&\s*$", re.MULTILINE)
GPU = re.compile(r"\b(?:cuda|nvidia-smi|gpu|torch|whisper|checkpoint weights)\b|模型权重|显卡", re.IGNORECASE)
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
POINTER = b"version https://git-lfs.github.com/spec/"

LOOK = """\
import ast, importlib.util, json, shutil, sys
found = {}
for name, (checks, programs) in json.load(sys.stdin).items():
    try:
        tree = ast.parse(checks)
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
        "programs": sorted(program for program in programs if shutil.which(program) is None),
    }
json.dump(found, sys.stdout)
"""


def look(box: Box, files: Mapping[str, TaskFile], python: str) -> Mapping[str, Look]:
    """Compile the graders, in the room: what they import is looked for there, and nothing of them is run."""
    given = {name: (file.checks, _programs(file.warmup)) for name, file in files.items()}
    limits = Limits(seconds=120.0, output=10_000_000)
    ran = box.run([python, "-I", "-W", "ignore", "-c", LOOK], stdin=json.dumps(given).encode(), limits=limits)
    try:
        return msgspec.json.decode(ran.output, type=dict[str, Look])
    except msgspec.DecodeError:
        why = f"the compiler ended with exit code {ran.code}: {ran.output.strip()[-200:]}"
        return {name: Look(error=why) for name in files}


def asks_a_judge(file: TaskFile) -> bool:
    """Whether the grader asks a model. Where it cannot, such graders give 0 or fall back to looking for
    words, and neither is the benchmark's verdict."""
    return JUDGE.search(file.checks) is not None


def reasons(
    file: TaskFile, seen: Look, data: Sequence[Path] | str, environ: Mapping[str, str], image: str = ""
) -> dict[str, str]:
    """Each reason why the task does not run. `data` are the folders of its workspace, or what is wrong."""
    found: dict[str, str] = {}
    if seen.error:
        found["grader"] = seen.error
    if isinstance(data, str):
        found["data"] = data
    if judge := JUDGE.search(file.checks):
        found["judge"] = judge.group(0)
    if network := _network(file):
        found["network"] = network
    if SERVICE.search(file.warmup):
        found["services"] = next(line for line in file.warmup.splitlines() if SERVICE.search(line)).strip()
    if unset := [name for name in file.env if name not in environ]:
        found["env"] = ", ".join(unset)
    if absent := [*seen.modules, *seen.programs]:
        found["packages"] = ", ".join(absent)
    if gpu := GPU.search(f"{file.prompt}\n{file.warmup}\n{file.checks}"):
        found["gpu"] = gpu.group(0)
    if file.modality not in ("", "pure-text", "text"):
        found["vision"] = file.modality
    if places := _places(file):
        found["paths"] = ", ".join(places)
    return {key: found[key] for key in REASONS if key in found and not (image and key in WITH_IMAGE)}


def survey_of(tasks: Sequence[Surveyed]) -> Survey:
    """The counts."""
    by_reason = Counter(reason for task in tasks for reason in task.reasons)
    alone = Counter(next(iter(task.reasons)) for task in tasks if len(task.reasons) == 1)
    parsed = sum("file" not in task.reasons for task in tasks)
    return Survey(
        tasks=tuple(tasks),
        parsed=parsed,
        loaded=parsed - by_reason["grader"],
        running=sum(task.runs for task in tasks),
        by_reason=dict(by_reason),
        alone=dict(alone),
    )


def pointers(folders: Sequence[Path]) -> str:
    """The first file that Git LFS has not downloaded; empty where there is none. Links are not followed."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink() and path.stat().st_size < 1_024:
                with path.open("rb") as file:
                    if file.read(len(POINTER)) == POINTER:
                        return str(path)
    return ""


def _network(file: TaskFile) -> str:
    """What shows that the network is needed, the surest sign first."""
    signs: list[tuple[str, Any]] = [
        ("Warmup: ", DOWNLOADS.search(file.warmup)),
        ("prompt: ", ADDRESS.search(file.prompt)),
        ("skill: ", SEARCHING.search(" ".join(file.skills))),
        ("variable: ", KEYS.search(" ".join(file.env)) if not asks_a_judge(file) else None),
        ("prompt: ", SEARCH.search(file.prompt)),
        ("expected: ", SEARCH.search(file.expected)),
    ]
    return next((f"{where}{sign.group(0)}" for where, sign in signs if sign), "")


def _places(file: TaskFile) -> list[str]:
    known = {*TRANSCRIPTS, "/root/.openclaw/agents/main/sessions", "/root/skills"}
    text = f"{file.prompt}\n{file.warmup}\n{file.checks}"
    return sorted({place for place in PLACES.findall(text) if place not in known})


def _programs(warmup: str) -> list[str]:
    first = (
        line.strip().split()[0] for line in warmup.splitlines() if line.strip() and line.strip()[0] != "#"
    )
    return sorted({word for word in first if "=" not in word and "/" not in word} - SHELL_WORDS)
