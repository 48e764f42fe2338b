"""Corrections: what several users told their agents to do differently, in the users' own words."""

from __future__ import annotations

from collections import Counter

from skillclaw.evolve.cluster import cluster_texts
from skillclaw.evolve.corpus import Corpus, refs
from skillclaw.evolve.procedures import learn_steps
from skillclaw.evolve.tasks import MIN_SESSIONS
from skillclaw.skills.records import Pattern, content_id
from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.text import one_line, terms, words

__all__ = ["find_corrections"]

NEAR = 0.6
WORDS_KEPT = 8


def find_corrections(corpus: Corpus) -> list[Pattern]:
    """Corrections of one topic that say the same in at least `MIN_SESSIONS` sessions, and were not taken
    back.
    """
    topics: dict[str, list[Episode]] = {}
    for episode in corpus.corrections:
        if terms(episode.user_text):
            topics.setdefault(episode.topic, []).append(episode)
    found: list[Pattern] = []
    for topic, episodes in sorted(topics.items()):
        clusters: dict[int, list[Episode]] = {}
        for number, episode in zip(
            cluster_texts([e.user_text for e in episodes], near=NEAR), episodes, strict=True
        ):
            clusters.setdefault(number, []).append(episode)
        for number in sorted(clusters):
            pattern = _pattern(topic, clusters[number])
            if pattern is not None:
                found.append(pattern)
    return found


def _pattern(topic: str, episodes: list[Episode]) -> Pattern | None:
    keys = Counter(e.actions[0].key for e in episodes)
    key = min(keys.items(), key=lambda x: (-x[1], x[0]))[0]
    same = [e for e in episodes if e.actions[0].key == key]
    good = [e for e in same if e.worked]
    evidence = refs(good)
    if len(evidence) < MIN_SESSIONS or len({r.session for r in evidence}) < MIN_SESSIONS:
        return None
    supported = {(r.user, r.session) for r in evidence}
    against = refs(e for e in same if not e.worked and (e.user, e.session) not in supported)
    texts = sorted({e.user_text for e in good}, key=lambda t: (len(t), t))
    counts = Counter(w for text in texts for w in set(words(text)))
    said = sorted(w for w, c in counts.items() if 2 * c >= len(texts))
    failed = [e.failed for e in good if e.failed]
    signature = f"{topic} -> {key} @ {' '.join(said[:8])}"
    return Pattern(
        id=content_id("correction", signature),
        kind="correction",
        title=f"Users say: {one_line(texts[0], 90)}",
        topic=topic,
        signature=signature,
        failed=learn_steps([([[m]], e) for m, e in zip(failed, good, strict=True)])[0]
        if len({m.key for m in failed}) == 1
        else None,
        actions=learn_steps([([[e.actions[0]]], e) for e in good]),
        user_text=texts[:WORDS_KEPT],
        evidence=evidence,
        contradictions=against,
        project=next(iter({e.project for e in good}))
        if len({e.project for e in good}) == 1 and good[0].project
        else None,
    )
