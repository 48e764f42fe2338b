"""Patterns as jobs: one skill says how one job is done and what goes wrong in it, not what one error means.

- A procedure is of the job that its sessions were asked for. Procedures of one topic are one job where the
  topic says what the work is about (a service, a program for one purpose): there it is the class of jobs. A
  program that any job uses (`git`, `npm`) says nothing; its procedures are one job where they were asked for
  in the same task, or in words that are alike, or take mostly the same commands.
- An error (recovery, pitfall, correction) belongs to the job in whose sessions it is met, whatever the
  command that failed. One that is met in a task for which no procedure was found makes a job of that task.
- Only what is met in several jobs stands by itself, as what is to be known about a tool.

Pure. The groups depend on the patterns and on what was asked for, not on any order, and not on the names of
task clusters, which tell of the past.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeVar

from skillclaw.evolve.view import ClusterPoint
from skillclaw.evolve.work import Work
from skillclaw.skills.records import ActionShape, Pattern
from skillclaw.trajectory.model import Record
from skillclaw.trajectory.text import word_set

__all__ = ["ANY_JOB", "JobGroup", "Kinship", "job_groups", "says_job"]

ANY_JOB = word_set(
    "awk bash cat chmod cmd cp cut curl env echo find for git grep if jq ln ls make mkdir mv node perl pip "
    "powershell pwsh python rm rsync ruby sed sh shell sort tail tar tee touch wget while xargs zip"
)
"""Programs that say nothing of what they are used for."""

_GENERAL = ANY_JOB | word_set(
    "ant bun cargo dotnet go gradle gradlew just mvn npm npx nox pnpm poetry rake task tox uv yarn"
)
"""With those that run what a project defines: a skill may be called by them, a job is not told by them."""

SHARE = 0.6
"""Part of an error's sessions that must be of one job for it to belong there."""

KIN = 0.4
"""Task clusters of one topic are asked for in the same words from this cosine on."""

SAME_TASK = 0.5
"""Procedures of one topic with this much of their sessions in the same task clusters are one job."""

WHOLLY = 0.8
"""The same for procedures of different topics, which are two ways to do it."""

SAME_WAY = 0.5
"""Part of their commands that two procedures share to be one job (Jaccard)."""

T = TypeVar("T")


class JobGroup(Record, frozen=True, kw_only=True):
    """Patterns that belong into one skill, in order of id.

    topic   that of what is best supported; `project` where it holds in one only
    task    the task cluster that it is all about; empty where it is about several, or about a tool
    tasks   all task clusters that its patterns were seen in
    """

    topic: str
    project: str | None
    patterns: list[Pattern]
    task: str = ""
    tasks: list[str] = []


class Kinship:
    """Whether task clusters are asked for in the same words."""

    def __init__(self, work: Work) -> None:
        self._points = work.points
        self._known: dict[tuple[str, str], float] = {}

    def alike(self, first: str, second: str) -> float:
        """The cosine of the words of two clusters of one topic; 0 where it is below `KIN`."""
        if first == second:
            return 1.0
        key = (min(first, second), max(first, second))
        if key not in self._known:
            self._known[key] = self._measure(*key)
        return self._known[key]

    def label(self, cluster: str) -> str:
        """What the cluster is asked for, to decide between equals: its id would tell of the past."""
        point = self._points.get(cluster)
        return point.label if point is not None else cluster

    def _measure(self, first: str, second: str) -> float:
        one, two = self._points.get(first), self._points.get(second)
        if one is None or two is None or one.topic != two.topic:
            return 0.0
        mine, other = self._profiles[first], self._profiles[second]
        # Rounded, so that the order of the sum decides nothing.
        near = round(sum(weight * other.get(term, 0.0) for term, weight in mine.items()), 9)
        return near if near >= KIN else 0.0

    @cached_property
    def _profiles(self) -> dict[str, dict[str, float]]:
        """Vectors of unit length over single words: one weighs more that fewer clusters have."""
        seen = Counter(term for point in self._points.values() for term in point.terms if " " not in term)
        total = len(self._points)
        return {name: _profile(point, seen, total) for name, point in self._points.items()}


def _profile(point: ClusterPoint, seen: Counter[str], total: int) -> dict[str, float]:
    weights = {
        term: share * (math.log((1 + total) / (1 + seen[term])) + 1)
        for term, share in point.terms.items()
        if " " not in term
    }
    norm = math.sqrt(sum(w * w for w in weights.values())) or 1.0
    return {term: weight / norm for term, weight in weights.items()}


def job_groups(patterns: Sequence[Pattern], work: Work) -> list[JobGroup]:
    """Every pattern in exactly one group, the groups in order of their first pattern's id.

    Patterns of which it is not known what was asked for (`work.asked`) are grouped by topic and scope.
    """
    return _Grouping(patterns, work).groups()


def says_job(topic: str) -> bool:
    """Whether a topic says what the work is about: a service, a program for one purpose."""
    return topic not in _GENERAL


class _Grouping:
    def __init__(self, patterns: Sequence[Pattern], work: Work) -> None:
        self.kinship = Kinship(work)
        known = {pattern.id: pattern for pattern in patterns}
        self.patterns = [known[identity] for identity in sorted(known)]
        self.asked = {p.id: work.asked.get(p.id, {}) for p in self.patterns}
        self._kin_held: dict[str, dict[int, float]] = {}

    def groups(self) -> list[JobGroup]:
        ways = [p for p in self.patterns if p.kind == "procedure"]
        jobs = _joined(ways, self._one_job)
        holders = self._holders(jobs)
        left: list[Pattern] = []
        homes: list[list[Pattern]] = [[] for _ in jobs]
        for error in (p for p in self.patterns if p.kind != "procedure"):
            home = self._home(error, jobs, holders)
            (homes[home] if home is not None else left).append(error)
        found = [[*job, *errors] for job, errors in zip(jobs, homes, strict=True)]
        found += self._without_procedure(left)
        return sorted((self._group(members) for members in found), key=lambda group: group.patterns[0].id)

    def _one_job(self, first: Pattern, second: Pattern) -> bool:
        if first.project != second.project:
            return False
        one, two = self.asked[first.id], self.asked[second.id]
        if first.topic != second.topic:
            any_job = first.topic in _GENERAL or second.topic in _GENERAL
            return any_job and _overlap(one, two) >= WHOLLY
        if first.topic not in _GENERAL or not one or not two:
            return True
        mine, other = self._main(one), self._main(two)
        return (
            _overlap(one, two) >= SAME_TASK
            or self.kinship.alike(mine, other) > 0
            or _jaccard(_commands(first.actions), _commands(second.actions)) >= SAME_WAY
        )

    def _holders(self, jobs: Sequence[Sequence[Pattern]]) -> dict[str, dict[int, float]]:
        """By task cluster the jobs whose procedures were seen in it, with their parts of it (together 1)."""
        counts: dict[str, Counter[int]] = {}
        for number, job in enumerate(jobs):
            for pattern in job:
                for cluster, sessions in self.asked[pattern.id].items():
                    counts.setdefault(cluster, Counter())[number] += sessions
        return {c: {n: k / own.total() for n, k in sorted(own.items())} for c, own in counts.items()}

    def _home(
        self, error: Pattern, jobs: Sequence[Sequence[Pattern]], holders: dict[str, dict[int, float]]
    ) -> int | None:
        """The job that an error belongs to; None where there is none with a procedure."""
        fitting = [n for n, job in enumerate(jobs) if error.project in (None, job[0].project)]
        asked = self.asked[error.id]
        shares = dict.fromkeys(fitting, 0.0)
        for cluster, sessions in asked.items():
            for number, part in self._held(cluster, holders).items():
                if number in shares:
                    shares[number] += sessions * part / sum(asked.values())
        best = max(fitting, key=lambda n: (round(shares[n], 9), -n), default=None)
        if best is not None and round(shares[best], 9) >= SHARE:
            return best
        own = [n for n in fitting if error.topic in {p.topic for p in jobs[n]}]
        own = [n for n in own if jobs[n][0].project == error.project]
        if error.topic not in _GENERAL:
            return own[0] if own else None
        # What was asked for is not known: with one job of its topic there is no other to belong to.
        return own[0] if not asked and len(own) == 1 else None

    def _held(self, cluster: str, holders: dict[str, dict[int, float]]) -> dict[int, float]:
        """The jobs of a task cluster; of one that no procedure was seen in, those of its nearest kin."""
        if cluster in holders:
            return holders[cluster]
        if cluster not in self._kin_held:
            near = [(self.kinship.alike(cluster, one), self.kinship.label(one), one) for one in holders]
            close, _, other = max(near, default=(0.0, "", ""))
            self._kin_held[cluster] = holders[other] if close > 0 else {}
        return self._kin_held[cluster]

    def _without_procedure(self, errors: Sequence[Pattern]) -> list[list[Pattern]]:
        """Errors that no procedure's job has: by the task that they are met in, else by tool."""
        lots: dict[tuple[str, str, str], list[Pattern]] = {}
        for error in errors:
            alone = error.topic in _GENERAL and self._task([error])
            place = (error.topic, error.project or "", _lesson(error) if alone else "")
            lots.setdefault(place, []).append(error)

        def one_task(first: list[Pattern], second: list[Pattern]) -> bool:
            mine, other = self._task(first), self._task(second)
            same = bool(mine and other) and self.kinship.alike(mine, other) > 0
            return same and first[0].project == second[0].project and not _ruled(first) and not _ruled(second)

        joined = _joined([lots[place] for place in sorted(lots)], one_task)
        return [[pattern for lot in lots for pattern in lot] for lots in joined]

    def _task(self, members: Sequence[Pattern]) -> str:
        """The task cluster in which all of these were mostly seen, its kin counted in; empty where there is
        none."""
        mains = []
        for member in members:
            asked = self.asked[member.id]
            if not asked:
                return ""
            main = self._main(asked)
            near = sum(n for cluster, n in asked.items() if self.kinship.alike(main, cluster) > 0)
            if round(near / sum(asked.values()), 9) < SHARE:
                return ""
            mains.append(main)
        first = max(mains, key=lambda c: (mains.count(c), self.kinship.label(c)), default="")
        return first if all(self.kinship.alike(first, main) > 0 for main in mains) else ""

    def _main(self, asked: dict[str, int]) -> str:
        return max(asked, key=lambda c: (asked[c], self.kinship.label(c)))

    def _group(self, members: Sequence[Pattern]) -> JobGroup:
        members = sorted(members, key=lambda p: p.id)
        ways = [p for p in members if p.kind == "procedure"]
        leading = max(ways or members, key=lambda p: (p.users, p.sessions, p.id))
        projects = {p.project for p in ways or members}
        return JobGroup(
            topic=leading.topic,
            project=projects.pop() if len(projects) == 1 else None,
            patterns=members,
            task=self._task(ways or members),
            tasks=sorted({cluster for p in members for cluster in self.asked[p.id]}),
        )


def _lesson(error: Pattern) -> str:
    """What an error is by itself: of corrections the calls that they are about, however people put them, so
    that no two skills of a project say the same."""
    calls = [shape.command for shape in (error.failed, *error.actions) if shape is not None]
    told = [call for call in calls if call is not None]
    same = error.kind == "correction" and not error.demand and len(told) == len(calls)
    return " -> ".join(told) if same and told else error.id


def _ruled(errors: Sequence[Pattern]) -> bool:
    """Whether users say how a program is to be called: that holds in every task."""
    return any(error.kind == "correction" and says_job(error.topic) for error in errors)


def _joined(things: Sequence[T], alike: Callable[[T, T], bool]) -> list[list[T]]:
    """The things that are alike, directly or by way of others, together; in the order given."""
    left = list(things)
    found: list[list[T]] = []
    while left:
        own = [left.pop(0)]
        for one in own:
            near = [other for other in left if alike(one, other)]
            own += near
            left = [other for other in left if not any(other is each for each in near)]
        found.append(own)
    return found


def _overlap(first: dict[str, int], second: dict[str, int]) -> float:
    """How much of the sessions of both is in the same task clusters, 0..1."""
    one, two = sum(first.values()), sum(second.values())
    if not one or not two:
        return 0.0
    return round(sum(min(n / one, second.get(c, 0) / two) for c, n in first.items()), 9)


def _commands(actions: Sequence[ActionShape]) -> frozenset[str]:
    """What is called, commands by their first two words."""
    return frozenset(" ".join(a.command.split()[:2]) if a.command is not None else a.tool for a in actions)


def _jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / len(first | second) if first | second else 0.0
