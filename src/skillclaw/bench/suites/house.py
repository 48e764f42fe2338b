"""`house`: tasks of an imaginary company, whose tools and customs nobody tells an agent.

Sixty templates in six categories, in WildClawBench's task format. Beyond the format, the front matter has
`house: {rules, held_out, values}`: which rules of `house/rules/` the task needs, whether learning never
sees it, and the values that an instance is drawn from; `{{name}}` in the prompt, in Warmup and in the files
stands for one. A template's folder has `exec/` (files to begin with), `make.py` (runs in the room before the
agent: data and truth), and `solve.sh` and `naive.sh`, which the tests run: one must pass, one must fail.
"""

from __future__ import annotations

import io
import json
import math
import random
import shutil
import tomllib
import zipapp
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from skillclaw.bench.suites.model import Grade, Message, Rule, Task, Template, Workspace
from skillclaw.errors import BadInputError, UsageError
from skillclaw.headless.tasks import taskfile
from skillclaw.headless.tasks.folders import FolderWorkspace, open_folder
from skillclaw.sandbox import Mount
from skillclaw.trajectory.model import Record

__all__ = ["Drift", "House", "HouseTask", "Values", "render"]

DATA = Path(__file__).resolve().parent.parent / "house"
PASSING = 1.0
"""A task of the house is solved when every criterion holds: half a rule kept is a rule broken."""

Values = Mapping[str, str]


class HouseTask(Record, frozen=True, kw_only=True):
    """A template: its file, and what the front matter says beyond the format."""

    file: taskfile.TaskFile
    folder: Path
    rules: tuple[str, ...]
    held_out: bool
    values: Mapping[str, tuple[str, ...]]


class Drift(Record, frozen=True, kw_only=True):
    """How a rule becomes another: what tells the old one and the new one, and what is replaced for it."""

    old: str
    new: str
    replace: tuple[tuple[str, str], ...]


class House:
    """The suite `house`. `data` holds tasks/, workspace/, tools/, skills/ and rules/."""

    name = "house"

    def __init__(self, data: Path = DATA, runner: str = "auto") -> None:
        self.data = data
        self.runner = runner

    @cached_property
    def tasks(self) -> Mapping[str, HouseTask]:
        """Every template by id, in the order of the files' names. Raises BadInputError."""
        found = {}
        for path in sorted(self.data.glob("tasks/*/*.md")):
            task = _house_task(taskfile.read(path), self.data, path)
            unknown = set(task.rules) - set(self.rules())
            if unknown:
                raise BadInputError(f"{path} names rules that there are not: {', '.join(sorted(unknown))}.")
            found[task.file.id] = task
        return found

    def templates(self) -> Sequence[Template]:
        """One for each task file."""
        return [
            Template(id=task.file.id, category=task.file.category, rules=task.rules)
            for task in self.tasks.values()
        ]

    def held_out(self) -> frozenset[str]:
        """The templates that a stream of learning must not use, so that their rules are met there in other
        tasks only."""
        return frozenset(name for name, task in self.tasks.items() if task.held_out)

    @cache  # noqa: B019 - a suite lives as long as the program
    def rules(self) -> Mapping[str, Rule]:
        """The rules of the house."""
        found = {}
        for path in sorted(self.data.glob("rules/*.toml")):
            for name, rule in tomllib.loads(path.read_text("utf-8")).items():
                found[name] = Rule(id=name, say=tuple(rule["say"]))
        return found

    @cached_property
    def _marks(self) -> Mapping[str, tuple[str, ...]]:
        return {
            name: tuple(mark.casefold() for mark in rule["mark"])
            for path in sorted(self.data.glob("rules/*.toml"))
            for name, rule in tomllib.loads(path.read_text("utf-8")).items()
        }

    def drifts(self) -> Mapping[str, Drift]:
        """The rules that can become others, by id."""
        known = tomllib.loads((self.data / "drift.toml").read_text("utf-8"))
        return {
            name: Drift(old=one["old"], new=one["new"], replace=tuple((a, b) for a, b in one["replace"]))
            for name, one in known.items()
        }

    def wrong(self, name: str) -> Path:
        """The folder of a skill that reads well and breaks a rule."""
        known = self.marks()
        if name not in known:
            raise UsageError(f"The house has no wrong skill {name!r}.", "", f"Known: {', '.join(known)}")
        return self.data / "wrong" / name

    def drift(self, rule: str) -> Drift:
        """How `rule` becomes another."""
        found = self.drifts().get(rule)
        if found is None:
            raise UsageError(f"The rule {rule!r} cannot drift.", "", f"Known: {', '.join(self.drifts())}")
        return found

    def marks(self) -> Mapping[str, str]:
        """What tells each wrong skill from all right ones: a text that stands in it alone."""
        known = tomllib.loads((self.data / "wrong" / "marks.toml").read_text("utf-8"))
        return {name: str(mark) for name, mark in known.items()}

    def drifted(self, rule: str, folder: Path) -> House:
        """The house as it is once `rule` is another: programs, rules, skills and solutions in the new way, in
        `folder`, which is made anew. Its tasks and instructions are the same."""
        drift = self.drift(rule)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.data, folder, ignore=shutil.ignore_patterns("__pycache__"))
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            text = before = path.read_text("utf-8")
            for old, new in drift.replace:
                text = text.replace(old, new)
            if text != before:
                path.write_text(text, "utf-8")
        return House(folder, self.runner)

    def told(self, rule: str, text: str) -> bool:
        """Whether `text` tells the rule: one of the rule's marks is in it, whatever the case."""
        return any(mark in text.casefold() for mark in self._marks[rule])

    def draw(self, template: str, seed: int) -> Task:
        """The instance of `template` with this seed."""
        task = self._task(template)
        return Task(
            suite=self.name,
            id=f"{template}-{seed}",
            template=template,
            category=task.file.category,
            seed=seed,
            instruction=render(task.file.prompt, self.values(template, seed)),
            rules=task.rules,
            timeout=task.file.timeout,
        )

    def values(self, template: str, seed: int) -> Values:
        """What stands for each `{{name}}` in an instance: seeds go round through all combinations."""
        choices = self._task(template).values
        chance = random.Random(template)  # noqa: S311 - the same order again
        order = chance.sample(range(self.combinations(template)), self.combinations(template))
        left, found = order[seed % len(order)], {}
        for name in choices:
            left, which = divmod(left, len(choices[name]))
            found[name] = choices[name][which]
        return found

    def combinations(self, template: str) -> int:
        """How many different instructions a template has; beyond these only the data differ."""
        return math.prod(len(choices) for choices in self._task(template).values.values())

    @contextmanager
    def open(
        self, task: Task, folder: Path, *, socket: Path | None = None, mounts: Sequence[Mount] = ()
    ) -> Iterator[FolderWorkspace]:
        """The workspace of an instance."""
        house, values = self._task(task.template), self.values(task.template, task.seed)
        start = folder / "start"
        start.mkdir(parents=True)
        for source in sorted((house.folder / "exec").rglob("*")):
            place = start / source.relative_to(house.folder / "exec")
            if source.is_dir():
                place.mkdir(parents=True, exist_ok=True)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(render(source.read_text("utf-8"), values), "utf-8")
        make = house.folder / "make.py"
        truth = folder / "truth"
        truth.mkdir()
        (truth / "values.json").write_text(json.dumps(values), "utf-8")
        with open_folder(
            msgspec.structs.replace(house.file, warmup=render(house.file.warmup, values)),
            folder,
            start=start,
            gt=truth,
            programs=programs(self.data / "tools"),
            make=render(make.read_text("utf-8"), values) if make.exists() else "",
            environ={"HOUSE_SEED": str(task.seed), "HOUSE_VALUES": json.dumps(values)},
            mounts=mounts,
            socket=socket,
            runner=self.runner,
        ) as workspace:
            yield workspace

    def grade(self, task: Task, workspace: Workspace, transcript: Sequence[Message]) -> Grade:
        """By the task's own `grade()`. A criterion that has a rule's name is that rule kept or broken."""
        if not isinstance(workspace, FolderWorkspace):
            raise TypeError("this workspace was opened by another suite")
        checks = self._task(task.template).file.checks
        grade = workspace.grade(checks, transcript, passing=PASSING, packages=False)
        broken = tuple(rule for rule in task.rules if grade.criteria.get(rule, 1.0) < 1.0)
        return msgspec.structs.replace(grade, broken=broken)

    def curated(self) -> Path | None:
        """Skills that say every rule."""
        return self.data / "skills"

    def script(self, task: Task, name: str) -> str:
        """`solve` or `naive` of an instance, ready for bash; what it prints is the agent's answer."""
        house = self._task(task.template)
        text = (house.folder / f"{name}.sh").read_text("utf-8")
        return render(text, self.values(task.template, task.seed))

    def _task(self, template: str) -> HouseTask:
        try:
            return self.tasks[template]
        except KeyError:
            raise UsageError(f"The suite house has no template {template!r}.") from None


def render(text: str, values: Values) -> str:
    """`text` with each `{{name}}` replaced; names that are not in `values` stay."""
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    return text


@cache
def programs(tools: Path) -> Mapping[str, bytes]:
    """The house's programs, each packed so that reading the file does not tell its rules: a Python file
    `name.py`, with what lies in `shared/`."""
    return {path.stem: _packed(path, tools / "shared") for path in sorted(tools.glob("*.py"))}


def _packed(program: Path, shared: Path) -> bytes:
    with TemporaryDirectory(prefix="skillclaw-house-") as folder:
        source = Path(folder) / "app"
        source.mkdir()
        (source / "__main__.py").write_bytes(program.read_bytes())
        for path in sorted(shared.glob("*.py")) if shared.is_dir() else ():
            (source / path.name).write_bytes(path.read_bytes())
        out = io.BytesIO()
        zipapp.create_archive(source, out, interpreter="/usr/bin/env -S python3 -IS", compressed=True)
        return out.getvalue()


def _house_task(file: taskfile.TaskFile, data: Path, path: Path) -> HouseTask:
    extra: Any = file.extra.get("house")
    try:
        return HouseTask(
            file=file,
            folder=data / file.workspace,
            rules=tuple(extra["rules"]),
            held_out=bool(extra.get("held_out", False)),
            values={
                str(name): tuple(str(choice) for choice in choices)
                for name, choices in (extra.get("values") or {}).items()
            },
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise BadInputError(
            f"{path} has no usable `house` in its front matter.", "It needs rules, held_out and values."
        ) from error
