"""Pitfalls of tasks rather than of calls: nothing fails on the spot, and the session fails in the end.

Made from contrasts (`contrast`): a look-up left out before a change, an argument that successful sessions
give, a step left out, the wrong tool, a change made twice. As with all pitfalls the statistics speak for
avoiding it: `with` are the sessions that did. `error` is empty, for no call failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from skillclaw.evolve.choose import unit_of
from skillclaw.evolve.contrast import Contrast, Feature, Tables, added, count, has, judged
from skillclaw.evolve.corpus import refs
from skillclaw.evolve.pitfalls import right_way
from skillclaw.evolve.procedures import SHARE, learn_steps
from skillclaw.evolve.statistics import Row, benjamini_hochberg, mantel_haenszel, stratified
from skillclaw.evolve.tasks import MIN_SESSIONS, association, attested, row
from skillclaw.skills.records import ActionShape, ArgShape, Pattern, Ref, Stats, content_id
from skillclaw.trajectory.episodes import Episode, Move

__all__ = ["find_lapses"]

SURE = 0.01
"""Greatest q (Benjamini-Hochberg over all that was compared here) of a pitfall of this kind; over the whole
cycle it is judged once more (`evolve.conclude`)."""


def find_lapses(
    clusters: Mapping[str, Sequence[Episode]], labels: Mapping[str, str] | None = None
) -> tuple[list[Pattern], list[float]]:
    """The pitfalls, and the p of everything else that was compared.

    Order, argument and source are compared over all tasks that use the tool, step and repeat within one task
    cluster. `labels` say what each cluster asks for: that, not its name, is part of a pattern's identity.
    """
    parts = {number: count(number, clusters[number]) for number in sorted(clusters)}
    everywhere = judged(added(_of(parts[n], ("order", "argument", "source")) for n in sorted(parts)))
    own = [(n, c) for n in sorted(parts) for c in judged(_of(parts[n], ("step", "repeat")))]
    compared: list[tuple[str | None, Contrast]] = [*((None, c) for c in everywhere), *own]
    found: dict[str, Pattern] = {}
    others: list[float] = []
    for (number, contrast), q in zip(
        compared, benjamini_hochberg([c.association.p for _, c in compared]), strict=True
    ):
        if q is None or q > SURE:
            others += [contrast.association.p] if contrast.association.p is not None else []
            continue
        inside = [number] if number is not None else sorted(clusters)
        cases = [(e, n) for n in inside for e in clusters[n]]
        about = "" if number is None else (labels or {}).get(number, number)
        pattern = _pattern(contrast, cases, about)
        if pattern is not None:
            found.setdefault(pattern.id, pattern)
    return [found[mark] for mark in sorted(found)], others


def _of(tables: Tables, kinds: Sequence[str]) -> Tables:
    return {feature: own for feature, own in tables.items() if feature.kind in kinds}


def _pattern(contrast: Contrast, episodes: Sequence[tuple[Episode, str]], about: str) -> Pattern | None:
    feature = contrast.feature
    better = contrast.with_success * contrast.without_n > contrast.without_success * contrast.with_n
    if (feature.kind == "repeat") == better and feature.kind != "step":
        return None  # that more, or doing without, goes with success is no pitfall
    cases: list[tuple[Episode, bool, str]] = []
    for episode, cluster in episodes:
        inside = _applies(feature, episode)
        if inside is not None and episode.success is not None:
            cases.append((episode, inside if better else not inside, cluster))
    if feature.kind in ("step", "repeat") and not _within_requests(cases):
        return None
    stats, _ = association(row(e, n, inside=right) for e, right, n in cases)
    wrong = [e for e, right, _ in cases if not right]
    evidence = refs(e for e in wrong if not e.success)
    right = [e for e, good, _ in cases if good and e.success]
    shapes = _shapes(feature, right, wrong, better)
    if len(evidence) < MIN_SESSIONS or shapes is None or not attested(right):
        return None
    signature = f"lapse {feature.kind} {feature.key} {feature.other} {about}".strip()
    return _made(feature, better, signature, shapes, wrong, evidence, stats)


def _applies(feature: Feature, episode: Episode) -> bool | None:
    """Whether a request has the feature; None where it says nothing of it."""
    if not episode.actions:
        return None
    own = has(episode)
    if feature.kind == "step":
        return own.get(feature, False)
    if all(m.key != feature.key for m in episode.actions):
        return None
    return own.get(feature) if feature.kind in ("source", "repeat") else own.get(feature, False)


def _within_requests(cases: Sequence[tuple[Episode, bool, str]]) -> bool:
    """Whether it also tells sessions of one and the same request apart: a cluster may hold requests that
    differ in what they need."""
    found = mantel_haenszel(stratified(Row(unit_of(e), right, bool(e.success)) for e, right, _ in cases))
    return found.p is not None and found.p <= SURE


class _Shapes(msgspec.Struct):
    failed: ActionShape
    actions: list[ActionShape]
    before: list[tuple[int, int]]


def _shapes(
    feature: Feature, right: Sequence[Episode], wrong: Sequence[Episode], better: bool
) -> _Shapes | None:
    bad = [(e, m) for e in wrong for m in e.actions if m.key == feature.key]
    fine = [(e, m) for e in right for m in e.actions if m.key == feature.key and m.ok is not False]
    if feature.kind == "step":
        if not better:
            return _Shapes(_sometimes(bad), [], []) if bad else None
        return _Shapes(_sometimes(fine), [_shape(fine)], []) if fine else None
    if not bad or not fine:
        return None
    failed = _shape(bad)
    if feature.kind == "repeat":
        return _Shapes(msgspec.structs.replace(failed, times="+"), [_shape(fine)], [])
    if feature.kind == "argument":
        if not _otherwise_alike(feature.other, [m for _, m in fine], [m for _, m in bad]):
            return None
        args = [a for a in failed.args if a.name != feature.other]
        lacking = sorted([*args, ArgShape(name=feature.other, share=0.0)], key=lambda a: a.name)
        return _Shapes(msgspec.structs.replace(failed, args=lacking), [_shape(fine)], [])
    if feature.kind == "source":
        actions, before = right_way(fine, feature.other)
        return _Shapes(failed, actions, before) if before else None
    first = [
        (e, next(m for m in e.actions if m.key == feature.other), move)
        for e, move in fine
        if any(m.key == feature.other for m in e.actions)
    ]
    return _Shapes(failed, learn_steps([([[s], [m]], e) for e, s, m in first]), [(1, 0)]) if first else None


def _sometimes(calls: Sequence[tuple[Episode, Move]]) -> ActionShape:
    """The shape of calls that some sessions of the task make and others do not."""
    return msgspec.structs.replace(_shape(calls), times="?")


def _otherwise_alike(left_out: str, fine: Sequence[Move], bad: Sequence[Move]) -> bool:
    """Whether the calls that lack an argument are those that have it, less this one: a call that gives quite
    other arguments has another purpose."""
    names = [{arg.name for arg in move.args} - {left_out} for move in fine]
    usual = {
        name for own in names for name in own if sum(name in other for other in names) >= SHARE * len(fine)
    }
    same = sum(usual <= {arg.name for arg in move.args} for move in bad)
    return same >= SHARE * len(bad)


def _shape(calls: Sequence[tuple[Episode, Move]]) -> ActionShape:
    return learn_steps([([[m]], e) for e, m in calls])[0]


def _made(
    feature: Feature,
    better: bool,
    signature: str,
    shapes: _Shapes,
    wrong: Sequence[Episode],
    evidence: list[Ref],
    stats: Stats,
) -> Pattern:
    titles = {
        "order": f"{feature.key} without {feature.other} before it",
        "argument": f"{feature.key} without {feature.other}",
        "source": f"{feature.key} with a guess for {feature.other}",
        "repeat": f"{feature.key} more than once",
        "step": f"{feature.key} left out" if better else f"{feature.key} used where it does not belong",
    }
    topic = next((m.topic for e in wrong for m in e.actions if m.key == feature.key), wrong[0].topic)
    return Pattern(
        id=content_id("pitfall", signature),
        kind="pitfall",
        title=titles[feature.kind],
        topic=topic,
        signature=signature,
        failed=shapes.failed,
        actions=shapes.actions,
        before=shapes.before,
        evidence=evidence,
        contradictions=refs(e for e in wrong if e.success),
        stats=stats,
    )
