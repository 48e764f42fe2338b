"""Task clusters, and the procedure of each: the way whose followers succeed most surely."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from skillclaw.evolve.corpus import Weigh, refs
from skillclaw.evolve.intents import Vocabulary, make_intent
from skillclaw.evolve.procedures import SHARE, adheres, learn_actions, path, path_keys
from skillclaw.evolve.statistics import Association, Table, mantel_haenszel, wilson
from skillclaw.skills.records import ActionShape, Pattern, Stats, content_id
from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.text import terms, words

__all__ = ["MIN_SESSIONS", "association", "find_procedures"]

MIN_SESSIONS = 3
"""Fewer sessions than this are an anecdote, not a pattern."""

FOLDS = 10
"""Parts for cross-fitting: whether a success follows a procedure is asked of rules learnt without its part.
"""

WAYS = 12
"""Ways through one task that are looked at, the most used first: it bounds the work."""

COMMON = 0.5
"""Without a contrast between success and failure, a way is a procedure when this share of all goes it."""

KIN = 0.3
"""Clusters served by the same rules are one task when their words are at least this much alike (cosine)."""

GOOD = 0.6
"""Least share of followers who succeed, where no contrast can be measured."""


def association(rows: Iterable[tuple[str, bool, bool]]) -> tuple[Stats, Association]:
    """Success with and without something, over strata. rows: (stratum, with, success)."""
    tables: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for stratum, inside, success in rows:
        tables[stratum][(0 if inside else 2) + (0 if success else 1)] += 1
    ordered = [Table(*tables[name]) for name in sorted(tables)]
    found = mantel_haenszel(ordered)
    ratio = round(found.odds_ratio, 4) if found.odds_ratio is not None else None
    ci = (round(found.ci[0], 4), round(found.ci[1], 4)) if found.ci is not None else None
    stats = Stats(
        with_n=sum(t.a + t.b for t in ordered),
        with_success=sum(t.a for t in ordered),
        without_n=sum(t.c + t.d for t in ordered),
        without_success=sum(t.c for t in ordered),
        odds_ratio=ratio,
        ci=ci,
        p=found.p,
    )
    return stats, found


class _Candidate(msgspec.Struct):
    """One way through a task cluster, with who went it (cross-fitted) and how that ended."""

    keys: tuple[str, ...]
    actions: list[ActionShape]
    followers: list[Episode]
    others: list[Episode]
    worth: float


def _fold(episode: Episode) -> int:
    # By request, so that the same words never stand on both sides.
    return hashlib.sha256(f"{episode.intent}\0{episode.user}".encode()).digest()[0] % FOLDS


def _crossfit(
    successes: Sequence[Episode], rest: Sequence[Episode], actions: list[ActionShape]
) -> tuple[list[Episode], list[Episode]]:
    """Followers and others among all. A success is judged by rules that were learnt without it, for else
    every success would follow the rules made from it, and chance would look like a procedure."""
    followers = [e for e in rest if adheres(e, actions)]
    others = [e for e in rest if not adheres(e, actions)]
    parts: dict[int, list[Episode]] = {}
    for episode in successes:
        parts.setdefault(_fold(episode), []).append(episode)
    for number in sorted(parts):
        learnt = [e for other in sorted(parts) if other != number for e in parts[other]]
        rules = learn_actions(learnt) if learnt else []
        for episode in parts[number]:
            (followers if rules and adheres(episode, rules) else others).append(episode)
    return followers, others


def _candidates(episodes: Sequence[Episode]) -> list[_Candidate]:
    by_path: dict[tuple[str, ...], list[Episode]] = {}
    for episode in episodes:
        if episode.success and episode.actions:
            keys = path_keys(path(episode.actions))
            if keys:
                by_path.setdefault(keys, []).append(episode)
    acted = [e for e in episodes if e.actions and e.success is not None]
    sessions = {keys: len({(e.user, e.session) for e in es}) for keys, es in by_path.items()}
    usual = sorted((k for k in by_path if sessions[k] >= MIN_SESSIONS), key=lambda k: (-sessions[k], k))
    found: list[_Candidate] = []
    for keys in usual[:WAYS]:
        successes = by_path[keys]
        mine = {id(e) for e in successes}
        actions = learn_actions(successes)
        followers, others = _crossfit(successes, [e for e in acted if id(e) not in mine], actions)
        worth = wilson(sum(bool(e.success) for e in followers), len(followers))[0]
        found.append(_Candidate(keys, actions, followers, others, worth))
    return sorted(found, key=lambda c: (-c.worth, -len(c.followers), c.keys))


def _joined(
    clusters: dict[int, list[Episode]], slots: dict[str, str], vocabulary: Vocabulary
) -> Iterator[tuple[int, _Candidate]]:
    """The best way of each cluster; clusters in other words but served by the same rules are one."""
    best = {number: ranked[0] for number in sorted(clusters) if (ranked := _candidates(clusters[number]))}
    alike: dict[str, list[int]] = {}
    for number, candidate in best.items():
        alike.setdefault(_rules(candidate), []).append(number)
    for numbers in sorted(alike.values()):
        left = list(numbers)
        while left:
            group = [left.pop(0)]
            for other in list(left):
                if any(_cosine(clusters[n], clusters[other], slots, vocabulary) >= KIN for n in group):
                    group.append(other)
                    left.remove(other)
            if len(group) == 1:
                yield group[0], best[group[0]]
                continue
            ranked = _candidates([e for n in group for e in clusters[n]])
            same = next((c for c in ranked if c.keys == best[group[0]].keys), None)
            if same is not None:
                yield group[0], same
            else:
                yield from ((n, best[n]) for n in group)


def _rules(candidate: _Candidate) -> str:
    """What a way asks for: tools in order, arguments, constants, where values come from."""
    parts = []
    for action in candidate.actions:
        args = ",".join(f"{a.name}={a.constant or a.origin}" for a in action.args if a.share >= SHARE)
        parts.append(f"{action.tool} {action.command or ''}({args})")
    return " > ".join(parts)


def _cosine(
    first: Sequence[Episode], second: Sequence[Episode], slots: dict[str, str], vocabulary: Vocabulary
) -> float:
    one, two = (_profile(es, slots, vocabulary) for es in (first, second))
    return sum(weight * two.get(term, 0.0) for term, weight in one.items())


def _profile(episodes: Sequence[Episode], slots: dict[str, str], vocabulary: Vocabulary) -> dict[str, float]:
    texts = sorted({slots[e.intent] for e in episodes})
    counts = Counter(t for text in texts for t in set(terms(text)) if " " not in t)
    weights = {
        t: c / len(texts) * math.log((1 + vocabulary.total) / (1 + vocabulary.counts.get(t, 0)))
        for t, c in counts.items()
    }
    norm = math.sqrt(sum(w * w for w in weights.values())) or 1.0
    return {t: w / norm for t, w in weights.items()}


def find_procedures(
    clusters: dict[int, list[Episode]],
    slots: dict[str, str],
    weigh: Weigh,
    vocabulary: Vocabulary | None = None,
) -> list[tuple[Pattern, bool]]:
    """The procedure of each task cluster that has one, and whether it needs its q value to be small to count.

    A way counts when its followers succeed clearly more often than the others, or when there is nothing to
    compare but most go it and it works.
    """
    vocabulary = vocabulary or Vocabulary.of(slots[e.intent] for es in clusters.values() for e in es)
    found: list[tuple[Pattern, bool]] = []
    taken: Counter[str] = Counter()
    for number, best in _joined(clusters, slots, vocabulary):
        supporting = [e for e in best.followers if e.success]
        against = [e for e in best.followers if e.success is False]
        if len({(e.user, e.session) for e in supporting}) < MIN_SESSIONS:
            continue
        stats, _ = association(
            [(f"{number}\0{e.model}", True, bool(e.success)) for e in best.followers]
            + [(f"{number}\0{e.model}", False, bool(e.success)) for e in best.others]
        )
        share = stats.with_success / stats.with_n
        beside = stats.without_success / stats.without_n if stats.without_n else 0.0
        every = sum(bool(e.success) for e in [*best.followers, *best.others])
        common = len(supporting) >= COMMON * every and share >= GOOD and share >= beside
        worthwhile = len(best.keys) > 1 or any(a.constant is not None for s in best.actions for a in s.args)
        if share <= beside or not worthwhile:
            continue
        intent = make_intent(supporting, slots, vocabulary)
        last = max((m for m in supporting[0].actions if m.ok is not False), key=lambda m: (m.writes, m.place))
        evidence = refs(supporting)
        signature = f"{' > '.join(best.keys)} @ {_about(supporting, slots)}"
        taken[signature] += 1
        if taken[signature] > 1:
            signature += f" #{taken[signature]}"
        pattern = Pattern(
            id=content_id("procedure", signature),
            kind="procedure",
            title=_title(intent.label, best.actions),
            topic=last.topic,
            signature=signature,
            intent=intent,
            actions=best.actions,
            before=_before(best.actions),
            evidence=evidence,
            contradictions=refs(against),
            stats=msgspec.structs.replace(stats, recency=weigh.recency(evidence)),
            project=_project(supporting),
        )
        found.append((pattern, not common))
    return found


def _about(episodes: Sequence[Episode], slots: dict[str, str]) -> str:
    """The words that nearly all of these requests hold: the stable name of what they are about."""
    texts = sorted({slots.get(e.intent, e.intent) for e in episodes})
    counts = Counter(w for text in texts for w in set(words(text)) if not w.startswith("<") and len(w) > 2)
    return " ".join(sorted(w for w, c in counts.items() if c >= 0.8 * len(texts))[:8])


def _before(actions: Sequence[ActionShape]) -> list[tuple[int, int]]:
    pairs: set[tuple[int, int]] = set()
    for number, action in enumerate(actions):
        for arg in action.args:
            if arg.origin.startswith("result:"):
                pairs.add((number, int(arg.origin[7:])))
    return sorted(pairs)


def _project(episodes: Sequence[Episode]) -> str | None:
    projects = {e.project for e in episodes}
    return projects.pop() if len(projects) == 1 and projects != {""} else None


def _title(label: str, actions: Sequence[ActionShape]) -> str:
    text = re.sub(r"\s+", " ", label).strip()
    text = text if len(text) <= 90 else text[:89].rstrip() + "…"
    return text[:1].upper() + text[1:]
