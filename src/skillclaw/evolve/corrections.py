"""Corrections: what several users told their agents to do differently, in the users' own words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from skillclaw.evolve.cluster import cluster_texts
from skillclaw.evolve.corpus import Corpus, fair, refs
from skillclaw.evolve.procedures import learn_steps
from skillclaw.evolve.tasks import MIN_SESSIONS
from skillclaw.skills.records import Pattern, Ref, content_id
from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.meant import asks_for
from skillclaw.trajectory.named_calls import Call
from skillclaw.trajectory.shapes import family
from skillclaw.trajectory.text import one_line, terms, words

__all__ = ["find_corrections"]

NEAR = 0.6
WORDS_KEPT = 8
CALLS_KEPT = 24
"""Other sessions that made the call that users correct."""


def find_corrections(corpus: Corpus) -> list[Pattern]:
    """Corrections of one topic that say the same in at least `MIN_SESSIONS` sessions, and were not taken
    back.
    """
    topics: dict[str, list[Episode]] = {}
    stated: dict[tuple[str, str], list[Episode]] = {}
    for episode in corpus.corrections:
        if episode.demand:
            stated.setdefault((episode.topic, episode.demand.lower()), []).append(episode)
        elif terms(episode.user_text):
            topics.setdefault(episode.topic, []).append(episode)
    found = [p for key in sorted(stated) if (p := _stated(key[0], stated[key], corpus)) is not None]
    for topic, episodes in sorted(topics.items()):
        clusters: dict[int, list[Episode]] = {}
        for number, episode in zip(_numbered(episodes), episodes, strict=True):
            clusters.setdefault(number, []).append(episode)
        for number in sorted(clusters):
            pattern = _pattern(topic, clusters[number], corpus)
            if pattern is not None:
                found.append(pattern)
    return found


def _numbered(episodes: list[Episode]) -> list[int]:
    """A number for each: equal ones say the same. That is told by what the agents took from the words,
    where it is an option or a call, and by the call that the words ask for: people put one in very
    different words, and two in nearly the same. Else the words tell it, and go with the one option that is
    told in such words."""
    numbers = cluster_texts([e.user_text for e in episodes], near=NEAR)
    marks = [_mark(e) for e in episodes]
    among: dict[int, set[str]] = {}
    for number, mark in zip(numbers, marks, strict=True):
        among.setdefault(number, set()).update({mark} - {""})
    keys = [
        mark or (min(among[number]) if len(among[number]) == 1 else str(number))
        for number, mark in zip(numbers, marks, strict=True)
    ]
    order = {key: place for place, key in enumerate(sorted(set(keys)))}
    return [order[key] for key in keys]


def _mark(episode: Episode) -> str:
    """What tells a lesson: the first option that was taken up, else the call that the words ask for in the
    place of another one, else the first name; with a colon before it, so that it is no number."""
    options = [name.split()[0] for name in episode.taken if name.startswith("-")]
    first = next(iter(options), "") or _asked(episode) or next(iter(episode.taken), "")
    return f":{first.lower()}" if first else ""


def _asked(episode: Episode) -> str:
    """The call that the words ask for, where it is another one than what was wrong: then nothing else is in
    them. Of the same call once more the words may say anything."""
    move, failed = episode.actions[0], episode.failed
    same = failed is not None and failed.key == move.key
    call = Call(move.command, move.tool)
    return move.key if move.command and not same and asks_for(episode.user_text, call) else ""


def _stated(topic: str, episodes: list[Episode], corpus: Corpus) -> Pattern | None:
    """What users demand of a program. Where none of their agents made a call that has it and did not fail,
    and only one of them says so, it takes twice as many sessions: then it rests on one person's words."""
    good = [e for e in episodes if e.worked]
    evidence = refs(good)
    seen = any(e.actions[0].ok for e in good) or len({r.user for r in evidence}) > 1
    least = MIN_SESSIONS if seen else 2 * MIN_SESSIONS
    if len({r.session for r in evidence}) < least:
        return None
    demand = _commonest(e.demand for e in good)
    wrong = [e for e in good if e.failed is not None]
    key = _commonest(e.failed.key for e in wrong if e.failed is not None)
    wrong = [e for e in wrong if e.failed is not None and e.failed.key == key]
    right = [e for e in wrong if e.actions[0].key == key] or good
    key = _commonest(e.actions[0].key for e in right)
    right = [e for e in right if e.actions[0].key == key]
    supported = {(r.user, r.session) for r in evidence}
    signature = f"{topic} -> {demand}"
    ahead = _commonest(e.ahead for e in good if e.ahead)
    if 2 * sum(e.ahead == ahead for e in good) < len(good):
        ahead = ""
    if ahead:  # that is when it is needed
        topic = family(good[0].actions[0].tool, ahead)
    demand = _narrowed(demand, [e.failed.key for e in good if e.failed is not None])
    return Pattern(
        id=content_id("correction", signature),
        kind="correction",
        title=f"Users ask for {demand}",
        topic=topic,
        signature=signature,
        failed=learn_steps([([[e.failed]], e) for e in wrong if e.failed is not None])[0] if wrong else None,
        actions=learn_steps([([[e.actions[0]]], e) for e in right]),
        user_text=sorted({e.user_text for e in good}, key=lambda t: (len(t), t))[:WORDS_KEPT],
        demand=demand,
        ahead=ahead,
        evidence=evidence,
        contradictions=refs(e for e in episodes if not e.worked and (e.user, e.session) not in supported),
        calls=_calls(corpus, good, evidence),
        project=good[0].project or None if len({e.project for e in good}) == 1 else None,
    )


def _calls(corpus: Corpus, good: Sequence[Episode], evidence: Sequence[Ref]) -> list[Ref]:
    """Other sessions that called what went wrong in these, or what came instead."""
    keys = {move.key for e in good for move in ([e.failed] if e.failed else []) + e.actions[:1]}
    known = {(ref.user, ref.session) for ref in evidence}
    calling = (e for e in corpus.procedures if any(move.key in keys for move in e.actions))
    return fair([ref for ref in refs(calling) if (ref.user, ref.session) not in known], CALLS_KEPT)


def _narrowed(demand: str, keys: Sequence[str]) -> str:
    """The demand of an option with the subcommand, where all calls that lacked it are of that one:
    `rota list --zone utc`."""
    program, _, wanted = demand.partition(" ")
    same = (
        len(set(keys)) == 1
        and keys[0].startswith(f"{program} ")
        and "&" not in keys[0]
        and "|" not in keys[0]
    )
    return f"{keys[0]} {wanted}" if same and wanted.startswith("-") else demand


def _commonest(values: Iterable[str]) -> str:
    """The value that most have; the first of equals by name, and empty without any."""
    return min(Counter(values).items(), key=lambda x: (-x[1], x[0]), default=("", 0))[0]


def _mostly(own: Sequence[object], wrong: Sequence[object], good: Sequence[object]) -> bool:
    """Whether a call stands for what was wrong: most of what was wrong is of its kind, in enough sessions."""
    return 2 * len(own) > len(wrong) and len(own) >= min(MIN_SESSIONS, len(good))


def _pattern(topic: str, episodes: list[Episode], corpus: Corpus) -> Pattern | None:
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
    wrong = [(e.failed, e) for e in good if e.failed is not None]
    often = _commonest(move.key for move, _ in wrong)
    own = [(move, e) for move, e in wrong if move.key == often]
    marks = {_mark(e) for e in good} - {""}
    # What was taken up stays the same while more is said of it; the words that most share do not.
    about = f"with {marks.pop()[1:]}" if len(marks) == 1 else f"@ {' '.join(said[:8])}"
    signature = f"{topic} -> {key} {about}"
    return Pattern(
        id=content_id("correction", signature),
        kind="correction",
        title=f"Users say: {one_line(texts[0], 90)}",
        topic=topic,
        signature=signature,
        # Where most are about another call, or none, it is not the lesson.
        failed=learn_steps([([[m]], e) for m, e in own])[0] if own and _mostly(own, wrong, good) else None,
        actions=learn_steps([([[e.actions[0]]], e) for e in good]),
        user_text=texts[:WORDS_KEPT],
        evidence=evidence,
        contradictions=against,
        calls=_calls(corpus, good, evidence),
        project=next(iter({e.project for e in good}))
        if len({e.project for e in good}) == 1 and good[0].project
        else None,
    )
