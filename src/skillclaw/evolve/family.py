"""The procedures of a family of task clusters: the ways whose followers succeed most surely.

What is done for one family depends on its episodes and the counts of the vocabulary alone.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec

from skillclaw.evolve.choose import BASE, Bag, Choice, Way, choose, goes, unit_of
from skillclaw.evolve.corpus import refs
from skillclaw.evolve.intents import Vocabulary, asked_label, make_intent, wanted
from skillclaw.evolve.procedures import SHARE, learn_steps, path
from skillclaw.evolve.statistics import Row, mantel_haenszel, stratified, wilson
from skillclaw.evolve.tasks import MIN_SESSIONS, association, attested, row
from skillclaw.evolve.traits import fisher
from skillclaw.skills.records import ActionShape, Pattern, content_id
from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.text import terms, words

__all__ = ["family_procedures"]

LUCK = 0.001
"""Chance of a contrast by luck (Fisher) up to which a single call is a procedure."""

SURE = 0.1
"""The same for a way of several calls, model by model (Cochran, Mantel, Haenszel)."""

ROUNDS = 4
"""A request whose best way turns out to be no procedure gets the next best, this often."""

KIN = 0.3
"""Clusters served by the same rules are one task when their words are at least this much alike (cosine)."""


class _Part(msgspec.Struct):
    """Requests of one or more task clusters for which the same way was chosen, and what supports it."""

    way: Way
    clusters: list[str]
    scope: list[Episode]
    supporting: list[Episode]
    actions: list[ActionShape]


def family_procedures(
    members: Mapping[str, Sequence[Episode]], slots: dict[str, str], vocabulary: Vocabulary
) -> list[tuple[Pattern, bool]]:
    """The procedures of a family of task clusters (one cluster is a family too), and for each whether it
    needs its q value to be small to count. It depends on the episodes given and the vocabulary alone.

    For each wording the way is chosen that succeeds most surely (`choose`). The requests of a cluster with
    the same way are one procedure; a cluster that does not support its way by itself joins the most alike
    one that does. The statistics compare sessions that went the way with those that did not, over requests
    for which it was also chosen without their own sessions: chance cannot recommend itself.
    """
    asked = sorted({e.intent for es in members.values() for e in es})
    bags: dict[str, Bag] = {intent: tuple(wanted(asked_label(slots[intent]))) for intent in asked}
    episodes = [e for n in sorted(members) for e in members[n]]
    barred: set[tuple[Bag, Way]] = set()
    parts: list[_Part] = []
    choice = Choice({}, {})
    for _ in range(ROUNDS):
        choice = choose(episodes, lambda e: bags[e.intent], vocabulary.weight, barred)
        parts, fallen = _divided(members, choice, bags, slots, vocabulary)
        if not fallen:
            break
        barred |= fallen
    return [
        (_pattern(part, choice.blind, bags, slots, vocabulary, members), not _surely(part)) for part in parts
    ]


def _divided(
    members: Mapping[str, Sequence[Episode]],
    choice: Choice,
    bags: Mapping[str, Bag],
    slots: dict[str, str],
    vocabulary: Vocabulary,
) -> tuple[list[_Part], set[tuple[Bag, Way]]]:
    """The parts of a choice, and what was chosen for wordings for which it is no sure procedure."""
    by_way: dict[Way, dict[str, list[Episode]]] = {}
    for number in sorted(members):
        for episode in members[number]:
            way = choice.by_bag.get(bags[episode.intent])
            if way is not None:
                by_way.setdefault(way, {}).setdefault(number, []).append(episode)
    found: list[_Part] = []
    fallen: set[tuple[Bag, Way]] = set()
    for way in sorted(by_way):
        parts = _parts(way, by_way[way], members, slots, vocabulary)
        served = {e.intent for part in parts if _surely(part) for e in part.scope}
        fallen |= {(bags[e.intent], way) for es in by_way[way].values() for e in es if e.intent not in served}
        found += parts
    return found, fallen


def _surely(part: _Part) -> bool:
    """Whether those that went the way succeeded more surely than the others, model by model: a strong model
    has ways of its own, and they do not make it strong."""
    scope = [e for e in part.scope if e.actions and e.success is not None]
    went = [bool(e.success) for e in scope if goes(e, part.way)]
    other = [bool(e.success) for e in scope if not goes(e, part.way)]
    beside = sum(other) / len(other) if other else BASE
    if len(part.actions) > 1 or any(a.constant is not None for s in part.actions for a in s.args):
        tables = stratified(Row(e.model, goes(e, part.way), bool(e.success)) for e in scope)
        chance = mantel_haenszel(tables).p
        more = sum(t.a * (t.c + t.d) - t.c * (t.a + t.b) for t in tables)
        return wilson(sum(went), len(went))[0] > beside and chance is not None and chance <= SURE and more > 0
    # One call is what many a session does first; only a clear contrast makes it a way.
    chance = fisher(sum(went), len(went) - sum(went), sum(other), len(other) - sum(other))
    return sum(went) > beside * len(went) and chance <= LUCK


def _parts(
    way: Way,
    scopes: dict[str, list[Episode]],
    members: Mapping[str, Sequence[Episode]],
    slots: dict[str, str],
    vocabulary: Vocabulary,
) -> list[_Part]:
    users = min(2, len({e.user for es in members.values() for e in es}))
    parts: list[_Part] = []
    rest: list[str] = []
    for number in sorted(scopes):
        supporting = [e for e in scopes[number] if e.success and goes(e, way)]
        if _supports(supporting, users):
            parts.append(_Part(way, [number], scopes[number], supporting, _learn(supporting, way)))
        else:
            rest.append(number)
    parts = _joined(parts, slots, vocabulary)
    if not parts and rest:
        scope = [e for n in rest for e in scopes[n]]
        supporting = [e for e in scope if e.success and goes(e, way)]
        if not _supports(supporting, users):
            # What it was chosen for is what others of the family showed.
            supporting = [e for n in sorted(members) for e in members[n] if e.success and goes(e, way)]
        if _supports(supporting, users):
            parts = [_Part(way, rest, scope, supporting, _learn(supporting, way))]
        return parts
    profiles = [_profile(part.scope, slots, vocabulary) for part in parts]
    for number in rest:
        own = _profile(scopes[number], slots, vocabulary)
        near = [_cosine(profile, own) for profile in profiles]
        nearest = max(range(len(parts)), key=lambda n: (near[n], -n))
        part = parts[nearest]
        part.clusters.append(number)
        part.scope = [*part.scope, *scopes[number]]
        profiles[nearest] = _profile(part.scope, slots, vocabulary)
        part.supporting = [*part.supporting, *(e for e in scopes[number] if e.success and goes(e, way))]
    return parts


def _supports(episodes: Sequence[Episode], users: int) -> bool:
    return (
        len({(e.user, e.session) for e in episodes}) >= MIN_SESSIONS
        and len({e.user for e in episodes}) >= users
        and len({unit_of(e) for e in episodes}) >= 2
        and attested(episodes)
    )


def _learn(episodes: Sequence[Episode], way: Way) -> list[ActionShape]:
    return learn_steps([(path(e.actions) if way.tidy else [(m,) for m in e.actions], e) for e in episodes])


def _joined(parts: list[_Part], slots: dict[str, str], vocabulary: Vocabulary) -> list[_Part]:
    """Parts in other words but served by the same rules as one."""
    left = list(parts)
    joined: list[_Part] = []
    while left:
        one = left.pop(0)
        rules = _rules(one.actions)
        for other in [part for part in left if _rules(part.actions) == rules]:
            profiles = (_profile(part.scope, slots, vocabulary) for part in (one, other))
            if _cosine(*profiles) >= KIN:
                one.clusters += other.clusters
                one.scope = [*one.scope, *other.scope]
                one.supporting = [*one.supporting, *other.supporting]
                left.remove(other)
        joined.append(one)
    return joined


def _rules(actions: Sequence[ActionShape]) -> str:
    """What a way asks for: tools in order, arguments, constants, where values come from."""
    parts = []
    for action in actions:
        args = ",".join(f"{a.name}={a.constant or a.origin}" for a in action.args if a.share >= SHARE)
        parts.append(f"{action.tool} {action.command or ''}({args})")
    return " > ".join(parts)


def _cosine(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    # Rounded, so that the last digit decides nothing.
    return round(sum(weight * second.get(term, 0.0) for term, weight in first.items()), 9)


def _profile(episodes: Sequence[Episode], slots: dict[str, str], vocabulary: Vocabulary) -> dict[str, float]:
    """The words of these requests as a vector of unit length: a word weighs more that more of them hold and
    fewer of all requests."""
    texts = {slots[e.intent] for e in episodes}
    counts = Counter(word for text in texts for word in _single(text))
    # In one order, for sums in another order differ.
    weights = {
        t: counts[t] / len(texts) * math.log((1 + vocabulary.total) / (1 + vocabulary.counts.get(t, 0)))
        for t in sorted(counts)
    }
    norm = math.sqrt(sum(w * w for w in weights.values())) or 1.0
    return {t: w / norm for t, w in weights.items()}


@lru_cache(maxsize=4096)
def _single(text: str) -> frozenset[str]:
    """The terms of one word. Kept, since a family compares the same requests again and again."""
    return frozenset(term for term in terms(text) if " " not in term)


def _pattern(
    part: _Part,
    blind: Mapping[tuple[Bag, str], Way],
    bags: Mapping[str, Bag],
    slots: dict[str, str],
    vocabulary: Vocabulary,
    members: Mapping[str, Sequence[Episode]],
) -> Pattern:
    scope = [e for e in part.scope if e.actions and e.success is not None]
    own = {id(e): n for n in part.clusters for e in members[n]}
    stats, _ = association(
        row(e, own[id(e)], inside=goes(e, part.way))
        for e in scope
        if blind.get((bags[e.intent], unit_of(e))) == part.way
    )
    supporting = part.supporting
    intent = make_intent(part.scope, slots, vocabulary)
    last = max(supporting[0].actions, key=lambda m: (m.ok is not False, m.writes, m.place))
    evidence = refs(supporting)
    signature = f"{' > '.join(part.way.keys)} @ {_about(supporting, slots)}"
    return Pattern(
        id=content_id("procedure", signature),
        kind="procedure",
        title=_title(intent.label),
        topic=last.topic,
        signature=signature,
        intent=intent,
        actions=part.actions,
        before=_before(part.actions),
        evidence=evidence,
        contradictions=refs(e for e in scope if e.success is False and goes(e, part.way)),
        stats=stats,
        project=_project(supporting),
    )


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


def _title(label: str) -> str:
    text = re.sub(r"\s+", " ", label).strip()
    text = text if len(text) <= 90 else text[:89].rstrip() + "…"
    return text[:1].upper() + text[1:]
