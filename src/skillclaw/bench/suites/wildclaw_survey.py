"""Which tasks of a WildClawBench checkout run in a closed room without an image, and why others don't.

Everything is decided from the task file, the checkout's folders and what the room has (`wildclaw_look`).
Network and search are read from words, so that a task may be set aside that would need neither: a figure of
this survey is a lower bound of what could run.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from skillclaw.bench.suites.wildclaw_look import PIP, Look, places_in
from skillclaw.headless.tasks.taskfile import TaskFile
from skillclaw.trajectory.model import Record

__all__ = [
    "REASONS",
    "Survey",
    "Surveyed",
    "asks_a_judge",
    "pointers",
    "reads_the_truth",
    "reasons",
    "survey_of",
]

REASONS = {
    "file": "the task file cannot be read",
    "grader": "the grader does not load",
    "data": "the workspace's data is not there",
    "skills": "a skill that it lists is not there",
    "judge": "the grader asks a judge model",
    "network": "the task needs the network",
    "services": "Warmup starts services that must go on",
    "env": "a variable that it lists is not set",
    "packages": "Python packages or programs are absent",
    "gpu": "it needs a GPU or model weights",
    "vision": "it shows images, sound or video",
    "paths": "it names places that the room lacks",
}
"""Why a task does not run, by key, in the order in which they are reported."""


class Surveyed(Record, frozen=True, kw_only=True):
    """One task: each reason why it does not run, with what exactly; none when it does."""

    id: str
    category: str
    reasons: Mapping[str, str] = {}

    @property
    def runs(self) -> bool:
        return not self.reasons


class Survey(Record, frozen=True, kw_only=True):
    """A checkout, and the image in which it was looked at. `by_reason` counts the tasks that have a reason;
    one task may have several. `alone` counts those for which it is the only one."""

    tasks: tuple[Surveyed, ...]
    image: str
    parsed: int
    loaded: int
    running: int
    by_reason: Mapping[str, int]
    alone: Mapping[str, int]

    def lines(self) -> list[str]:
        """The survey as text: the counts, then one line for each task."""
        total = len(self.tasks)
        where = f"in the image {self.image}" if self.image else "without an image"
        found = [
            f"{self.running} of {total} tasks run {where}; {self.parsed} task files can be read, "
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
TRUTH = re.compile(r"""(?:/|["'])gt(?:/|["'])""")
SERVICE = re.compile(r"(?<!&)&\s*$", re.MULTILINE)
GPU = re.compile(r"\b(?:cuda|nvidia-smi|gpu|torch|whisper|checkpoint weights)\b|模型权重|显卡", re.IGNORECASE)
POINTER = b"version https://git-lfs.github.com/spec/"


def asks_a_judge(file: TaskFile) -> bool:
    """Whether the grader asks a model. Where it cannot, such graders give 0 or fall back to looking for
    words, and neither is the benchmark's verdict."""
    return JUDGE.search(file.checks) is not None


def reads_the_truth(file: TaskFile) -> bool:
    """Whether the grader reads what lies in `gt`: without it, it would give 0 to any work."""
    return TRUTH.search(file.checks) is not None


def reasons(file: TaskFile, seen: Look, data: str, skills: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Each reason why the task does not run. `data` is what is wrong with its workspace, `skills` those that
    the checkout lacks; both are empty where nothing is."""
    found: dict[str, str] = {}
    if seen.error:
        found["grader"] = seen.error
    if data:
        found["data"] = data
    if skills:
        found["skills"] = skills
    if judge := JUDGE.search(file.checks):
        found["judge"] = judge.group(0)
    if network := _network(file):
        found["network"] = network
    if SERVICE.search(file.warmup):
        found["services"] = next(line for line in file.warmup.splitlines() if SERVICE.search(line)).strip()
    if unset := [name for name in file.env if name not in environ]:
        found["env"] = ", ".join(unset)
    if absent := [*seen.modules, *seen.programs, *(f"pip install {name}" for name in seen.packages)]:
        found["packages"] = ", ".join(absent)
    if gpu := GPU.search(f"{file.prompt}\n{file.warmup}\n{file.checks}"):
        found["gpu"] = gpu.group(0)
    if file.modality not in ("", "pure-text", "text"):
        found["vision"] = file.modality
    # What an agent leaves there is not carried to the room in which its work is graded.
    if places := sorted({*seen.places, *places_in(file.checks)}):
        found["paths"] = ", ".join(places)
    return {key: found[key] for key in REASONS if key in found}


def survey_of(tasks: Sequence[Surveyed], image: str = "") -> Survey:
    """The counts."""
    by_reason = Counter(reason for task in tasks for reason in task.reasons)
    alone = Counter(next(iter(task.reasons)) for task in tasks if len(task.reasons) == 1)
    parsed = sum("file" not in task.reasons for task in tasks)
    return Survey(
        tasks=tuple(tasks),
        image=image,
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
        ("Warmup: ", DOWNLOADS.search(PIP.sub("", file.warmup))),
        ("prompt: ", ADDRESS.search(file.prompt)),
        ("skill: ", SEARCHING.search(" ".join(file.skills))),
        ("variable: ", KEYS.search(" ".join(file.env)) if not asks_a_judge(file) else None),
        ("prompt: ", SEARCH.search(file.prompt)),
        ("expected: ", SEARCH.search(file.expected)),
    ]
    return next((f"{where}{sign.group(0)}" for where, sign in signs if sign), "")
