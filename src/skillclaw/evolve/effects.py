"""What skills did: sessions that read a version against a control, the same task without it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from skillclaw.evolve.cutting import skill_name
from skillclaw.evolve.statistics import Table, mantel_haenszel
from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.model import Record

__all__ = ["SkillEffect", "SkillTables", "effects", "skill_tables"]


class SkillEffect(Record, frozen=True, kw_only=True):
    """Success with and without one version of a skill. `odds_ratio`, `ci` and `p` are null where nothing can
    be compared: that is "not measured", never a number.

    version    null where sessions name the skill without one
    with/without: sessions that read its body, and sessions of the same task cluster and model that did not
               read it in any version, whether it was offered or not
    offered_n  of the sessions without it, those that it was offered to
    strata     (task cluster, model) pairs with sessions on both sides; odds_ratio: Mantel-Haenszel over them
    users      people with sessions on the `with` side
    """

    skill: str
    version: str | None = None
    with_n: int = 0
    with_success: int = 0
    without_n: int = 0
    without_success: int = 0
    offered_n: int = 0
    strata: int = 0
    users: int = 0
    odds_ratio: float | None = None
    ci: tuple[float, float] | None = None
    p: float | None = None


class SkillTables(Record, frozen=True, kw_only=True):
    """One version of a skill (`name@version`) in some task clusters, by stratum: sessions that read it and
    succeeded or failed, sessions that did not and succeeded or failed. The parts of several families add up.
    """

    mark: str
    tables: list[tuple[int, int, int, int]]
    offered_n: int
    users: list[str]


def skill_tables(episodes: Iterable[Episode], cluster: Callable[[Episode], object]) -> list[SkillTables]:
    """The tables of every skill that some session read; `cluster` gives the task cluster of a request.

    Sessions without an outcome say nothing. The comparison is observational: agents choose what they read.
    Only strata in which some session read the version count.
    """
    strata: dict[tuple[str, str], dict[tuple[str, str], Episode]] = {}
    for episode in episodes:
        if episode.success is not None and episode.kind == "procedure":
            # The last request of a session in a stratum stands for it.
            by_session = strata.setdefault((str(cluster(episode)), episode.model), {})
            by_session[episode.user, episode.session] = episode
    found: dict[str, list[tuple[list[Episode], list[Episode]]]] = {}
    for key in sorted(strata):
        inside = [strata[key][session] for session in sorted(strata[key])]
        for mark in sorted({mark for e in inside for mark in e.skills}):
            read = [e for e in inside if mark in e.skills]
            control = [e for e in inside if skill_name(mark) not in {skill_name(other) for other in e.skills}]
            found.setdefault(mark, []).append((read, control))
    return [
        SkillTables(
            mark=mark,
            tables=[(*_outcomes(read), *_outcomes(control)) for read, control in sides],
            offered_n=sum(
                skill_name(mark) in {skill_name(o) for o in e.offered}
                for _, control in sides
                for e in control
            ),
            users=sorted({e.user for read, _ in sides for e in read}),
        )
        for mark, sides in sorted(found.items())
    ]


def effects(parts: Iterable[Iterable[SkillTables]]) -> list[SkillEffect]:
    """The effect of each skill and version over all families, by skill and version."""
    by_mark: dict[str, list[SkillTables]] = {}
    for part in parts:
        for one in part:
            by_mark.setdefault(one.mark, []).append(one)
    return [_effect(mark, by_mark[mark]) for mark in sorted(by_mark)]


def _effect(mark: str, parts: list[SkillTables]) -> SkillEffect:
    tables = [Table(*table) for part in parts for table in part.tables]
    measured = mantel_haenszel(tables)
    name = skill_name(mark)
    return SkillEffect(
        skill=name,
        version=mark[len(name) + 1 :] or None,
        with_n=sum(t.a + t.b for t in tables),
        with_success=sum(t.a for t in tables),
        without_n=sum(t.c + t.d for t in tables),
        without_success=sum(t.c for t in tables),
        offered_n=sum(part.offered_n for part in parts),
        strata=sum(1 for t in tables if t.a + t.b and t.c + t.d),
        users=len({user for part in parts for user in part.users}),
        odds_ratio=measured.odds_ratio,
        ci=measured.ci,
        p=measured.p,
    )


def _outcomes(episodes: list[Episode]) -> tuple[int, int]:
    good = sum(bool(e.success) for e in episodes)
    return good, len(episodes) - good
