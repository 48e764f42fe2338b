"""Scoring by identity: a pattern is a lesson's when it cites the lesson's own sessions, not when its title
sounds like it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from skillclaw.bench.planted_lessons import says
from skillclaw.bench.planted_session import START
from skillclaw.bench.planted_world import ENOUGH_POWER, FREQUENCIES, Truth, World, noise_world, planted_world
from skillclaw.evolve.mine import mine
from skillclaw.skills.records import Pattern

__all__ = ["Finding", "Score", "measure_planted", "score"]

SIZES = (80, 240, 640)
NOISE = 320
OWN = 0.8
"""A pattern is a lesson's when at least this share of its evidence is."""
COVERS = 0.5
"""And a lesson is found when one pattern cites at least this share of its sessions."""
SHOWN = 60
"""Misses and inventions that are listed one by one."""


class Finding(NamedTuple):
    """What was found of one lesson. `overlap`: Jaccard index of the sessions that its best pattern cites and
    the true ones; `pieces`: patterns that say it.
    """

    truth: Truth
    found: bool
    overlap: float
    pieces: int

    @property
    def exact(self) -> bool:
        """Whether one pattern cites exactly the sessions that hold the lesson."""
        return self.overlap == 1.0


class Score(NamedTuple):
    """Each lesson's finding, and the patterns that are no lesson's."""

    findings: list[Finding]
    patterns: int
    invented: list[Pattern]


def score(patterns: Iterable[Pattern], world: World) -> Score:
    """Compare patterns with what was planted."""
    given = list(patterns)
    known: set[str] = set()
    findings = []
    for truth in world.truths:
        lesson = truth.lesson
        own = [p for p in given if says(p, lesson.kind, lesson.mark) and _cites(p, truth.evidence) >= OWN]
        known |= {p.id for p in own}
        for kind, mark in lesson.faces:
            known |= {p.id for p in given if says(p, kind, mark) and _cites(p, frozenset(truth.roles)) >= OWN}
        overlap = max((_overlap(p, truth.evidence) for p in own), default=0.0)
        covered = max((len(_sessions(p) & truth.evidence) for p in own), default=0)
        found = bool(own) and covered >= COVERS * len(truth.evidence)
        findings.append(Finding(truth, found, overlap, len(own)))
    return Score(findings, len(given), [p for p in given if p.id not in known])


def _sessions(pattern: Pattern) -> frozenset[str]:
    return frozenset(ref.session for ref in pattern.evidence)


def _cites(pattern: Pattern, sessions: frozenset[str]) -> float:
    cited = _sessions(pattern)
    return len(cited & sessions) / len(cited) if cited else 0.0


def _overlap(pattern: Pattern, sessions: frozenset[str]) -> float:
    cited = _sessions(pattern)
    return len(cited & sessions) / len(cited | sessions) if cited else 0.0


def measure_planted(
    seeds: int,
    progress: Callable[[int, int | None, str], None],
    *,
    sizes: tuple[int, ...] = SIZES,
    noise: int = NOISE,
) -> dict[str, Any]:
    """Mine the data sets of `seeds` seeds and count (keys: see `summarise`)."""
    now = START + timedelta(days=90)
    rows: list[tuple[int, int, Score]] = []
    for seed in range(seeds):
        progress(seed, seeds, "planted patterns")
        world = noise_world(seed, noise)
        rows.append((seed, noise, score(mine(world.sessions, now=now, half_life_days=180).patterns, world)))
        for number, size in enumerate(sizes):
            world = planted_world(seed, size, (seed + number) % 3)
            found = mine(world.sessions, now=now, half_life_days=180)
            rows.append((seed, size, score(found.patterns, world)))
    progress(seeds, seeds, "")
    return {"seeds": seeds, **summarise(rows)}


def summarise(rows: list[tuple[int, int, Score]]) -> dict[str, Any]:
    """The figures of many scored data sets (seed, sessions, score).

    recall        share found of the lessons that are due (`Truth.due`)
    precision     share of all patterns that are a planted lesson's
    invented      patterns that are no lesson's, in noise (`invented_noise`) and in planted data sets
    membership    of what was found: share that cites exactly the true sessions, the mean Jaccard index, and
                  the mean number of patterns that say one lesson
    by_frequency  recall of the due, the supported and all lessons at each frequency
    by_lesson     the same for each lesson
    claims        recall of procedures and pitfalls that are due, supported, planted at all
    """
    findings = [(seed, size, f) for seed, size, s in rows for f in s.findings]
    invented = [(seed, size, p) for seed, size, s in rows for p in s.invented]
    patterns = sum(s.patterns for _, _, s in rows)
    own = [f for _, _, f in findings]
    found = [f for f in own if f.found]
    due = [f for f in own if f.truth.due]
    claims = [f for f in own if f.truth.power is not None]
    lessons = sorted({(f.truth.lesson.kind, f.truth.lesson.name, f.truth.lesson.via) for f in own})
    return {
        "recall": _recall(due),
        "precision": round(1 - len(invented) / patterns, 4) if patterns else None,
        "invented": len(invented),
        "invented_noise": sum(len(s.invented) for _, _, s in rows if not s.findings),
        "due": len(due),
        "membership": {
            "exact": _share(f.exact for f in found),
            "overlap": _mean([f.overlap for f in found]),
            "pieces": _mean([f.pieces for f in found]),
        },
        "by_frequency": [
            {"frequency": at, **_recalls([f for f in own if f.truth.frequency == at])} for at in FREQUENCIES
        ],
        "by_lesson": [
            {
                "kind": kind,
                "lesson": name,
                "via": via,
                **_recalls([f for f in own if f.truth.lesson.name == name]),
            }
            for kind, name, via in lessons
        ],
        "claims": {"power": ENOUGH_POWER, **_recalls(claims)},
        "missed": [_told(*row) for row in findings if row[2].truth.due and not row[2].found][:SHOWN],
        "inventions": [
            {
                "seed": seed,
                "sessions": size,
                "kind": p.kind,
                "title": p.title,
                "support": p.sessions,
                "users": p.users,
                "q": p.stats.q,
            }
            for seed, size, p in invented
        ][:SHOWN],
    }


def _recalls(findings: list[Finding]) -> dict[str, Any]:
    due = [f for f in findings if f.truth.due]
    supported = [f for f in findings if f.truth.supported]
    return {
        "due": len(due),
        "recall": _recall(due),
        "supported": len(supported),
        "recall_supported": _recall(supported),
        "planted": len(findings),
        "recall_planted": _recall(findings),
    }


def _recall(findings: list[Finding]) -> float | None:
    return _share(f.found for f in findings)


def _share(values: Iterable[bool]) -> float | None:
    given = list(values)
    return round(sum(given) / len(given), 4) if given else None


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _told(seed: int, size: int, finding: Finding) -> dict[str, Any]:
    truth = finding.truth
    return {
        "seed": seed,
        "sessions": size,
        "kind": truth.lesson.kind,
        "lesson": truth.lesson.name,
        "support": len(truth.evidence),
        "users": truth.users,
        "power": truth.power,
    }
