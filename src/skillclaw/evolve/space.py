"""The task space: requests that are of one task, by what was done for them and by their words.

A request is first reduced to its slotted text (`evolve.slots`): what agents made of it says what varies in
it. Requests of one slotted text are one point. A point has two blocks of features, each weighted by TF-IDF
and of unit length: the structure of what agents did (tools and programs, error templates, file types, skills
read, project) and the words; docs/benchmarks.md has the comparison behind their shares. Points are clustered
by average linkage under a bound on the mean cosine distance, `EXACT` at a time; what comes later joins a
cluster that is near enough, and only the rest is clustered anew. So cost grows linearly, and the result
depends on the points alone, not on their order.

Between cycles the space is kept: new points are assigned to the clusters that are there. It is made anew when
they have become more than `REFIT` of the points that it was made from; clusters then keep the id of the old
cluster that they share most points with.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from scipy.sparse import csr_matrix, vstack

from skillclaw.evolve.cluster import EXACT, NEAR, linked, mean_rows, nearest
from skillclaw.evolve.slots import Slots, Values, collect
from skillclaw.skills.records import content_id
from skillclaw.trajectory.episodes import Episode
from skillclaw.trajectory.text import terms

__all__ = ["REFIT", "Asked", "Point", "Space", "name", "structure"]

REFIT = 0.003
"""Share of new points at which the space is made anew."""

STRUCTURE, MEANING = 0.2, 0.2
"""Shares of what was done, and of the embedding where there is one, in the squared length of a point.

The rest are its words.
"""

FAMILY = 1500
"""Points of one family: its requests are compared with each other."""

_KINDS = (np.float32, np.int32, np.int64)

SHUFFLE = 0
"""Seed of the order in which points are taken: neighbours in the alphabet must not fill the first block."""


Vectors = Mapping[str, Any]
"""Unit vectors of points by their names (`evolve.embeddings`)."""


class Point(msgspec.Struct):
    """Requests of one slotted text: the text, its words, and with counts what was done and its topics."""

    text: str
    words: list[str]
    done: Counter[str]
    topics: Counter[str]


def structure(episode: Episode) -> Iterable[str]:
    """What was done for a request, as features: each once."""
    found = {f"project {episode.project}"} if episode.project else set()
    found.update(f"file {kind}" for kind in episode.files)
    found.update(f"skill {skill}" for skill in episode.skills)
    for move in episode.actions:
        found.add(f"call {move.key}")
        if move.ok is False and move.error:
            found.add(f"error {move.key} {move.error}")
    return found


class Asked:
    """The requests of many sessions, gathered one session at a time: what their words gave to arguments, and
    what was done for them."""

    def __init__(self) -> None:
        self._values: dict[str, Values] = {}
        self._done: dict[str, Counter[str]] = {}
        self._topics: dict[str, Counter[str]] = {}

    def add(self, episodes: Iterable[Episode]) -> None:
        """The requests of one more session."""
        for episode in episodes:
            if episode.kind == "procedure" and episode.intent:
                collect(episode, self._values)
                self._done.setdefault(episode.intent, Counter()).update(structure(episode))
                about = self._topics.setdefault(episode.intent, Counter())
                about.update([episode.topic] if episode.actions and episode.topic else [])

    def slots(self) -> Slots:
        """The values that are slots wherever they occur."""
        return Slots.learn(self._values)

    def points(self, slots: Slots) -> tuple[dict[str, str], dict[str, Point]]:
        """Slotted text of each request that has a telling word, and the points by name."""
        texts: dict[str, str] = {}
        found: dict[str, Point] = {}
        for intent in sorted(self._values):
            text = slots.fill(intent, self._values[intent])
            bag = terms(text)
            if bag:
                texts[intent] = text
                found.setdefault(name(bag), Point(text, bag, Counter(), Counter()))
                found[name(bag)].done.update(self._done[intent])
                found[name(bag)].topics.update(self._topics[intent])
        return texts, found


def name(bag: Sequence[str]) -> str:
    """The name of the point with these words."""
    return "\x1f".join(bag)


class Space(msgspec.Struct):
    """The clusters of points.

    slots     values that are a slot wherever they occur, as they were known when the space was made
    columns   the features; `seen`: in how many points each was then
    clusters  the cluster of each point
    families  the family of each cluster: clusters that are mostly about one topic (of the tools that their
              requests end with) and so may learn from each other. `sizes`: points of each family
    ids       the clusters; `centroids`: data, indices and row ends of their sparse matrix
    fitted    how many points the space was made from
    near      bound on the mean cosine distance within a cluster
    model     what made the embeddings, empty for none
    """

    slots: dict[str, str]
    columns: dict[str, int]
    seen: list[int]
    clusters: dict[str, str]
    families: dict[str, str]
    sizes: dict[str, int]
    ids: list[str]
    centroids: list[bytes]
    fitted: int
    near: float
    model: str = ""

    @classmethod
    def fit(
        cls,
        found: Mapping[str, Point],
        slots: Slots,
        *,
        near: float = NEAR,
        old: Space | None = None,
        vectors: Vectors | None = None,
        model: str = "",
    ) -> Space:
        """The space of these points; clusters keep the names of those of `old` that they share most with."""
        names = sorted(found)
        seen: Counter[str] = Counter()
        for key in names:
            seen.update(_features(found[key]))
        columns = {feature: number for number, feature in enumerate(sorted(seen))}
        counts = [seen[feature] for feature in columns]
        made = cls(slots.everywhere, columns, counts, {}, {}, {}, [], [], len(names), near, model)
        made.assign(found, vectors)
        if old is not None:
            made._keep_names(old)
        return made

    def assign(self, found: Mapping[str, Point], vectors: Vectors | None = None) -> None:
        """Give each new point a cluster: one that is near enough, else one that new points make together."""
        new = [key for key in sorted(found) if key not in self.clusters]
        if not new:
            return
        for key in new:
            for feature in sorted(_features(found[key])):
                if feature not in self.columns:
                    self.columns[feature] = len(self.columns)
                    self.seen.append(1)
        meanings = [(vectors or {}).get(key) for key in new]
        size = next((len(one) for one in meanings if one is not None), 0)
        for number in range(size):
            self.columns.setdefault(f"e {number}", len(self.columns))
        self.seen += [0] * (len(self.columns) - len(self.seen))
        rows = self._rows([found[key] for key in new], meanings)
        left = np.random.default_rng(SHUFFLE).permutation(len(new))
        centroids = self._matrix()
        while len(left):
            block, left = left[:EXACT], left[EXACT:]
            if centroids is not None:
                best, similarity = nearest(rows[block], centroids)
                inside = similarity >= 1 - self.near
                for place, cluster in zip(block[inside], best[inside], strict=True):
                    self.clusters[new[place]] = self.ids[cluster]
                block = block[~inside]
            if not len(block):
                continue
            labels = linked(rows[block], self.near)
            fresh = mean_rows(rows[block], labels)
            for label in range(fresh.shape[0]):
                members = [new[place] for place in block[labels == label]]
                identity = content_id("task", min(members))
                self.ids.append(identity)
                self.clusters.update(dict.fromkeys(members, identity))
            centroids = fresh if centroids is None else csr_matrix(vstack([centroids, fresh]))
        assert centroids is not None
        parts = (centroids.data, centroids.indices, centroids.indptr)
        self.centroids = [part.astype(kind).tobytes() for part, kind in zip(parts, _KINDS, strict=True)]
        self._found_families(found)

    def _found_families(self, found: Mapping[str, Point]) -> None:
        """Give each cluster without a family one: by its topic, at most `FAMILY` points together."""
        topics: dict[str, Counter[str]] = {}
        sizes: Counter[str] = Counter()
        for key in sorted(found):
            cluster = self.clusters[key]
            if cluster not in self.families:
                topics.setdefault(cluster, Counter()).update(found[key].topics)
                sizes[cluster] += 1
        for cluster in topics:  # in the order of their first points: ids depend on history
            topic = min(topics[cluster], key=lambda t: (-topics[cluster][t], t), default="")
            family, number = topic, 1
            while family in self.sizes and self.sizes[family] + sizes[cluster] > FAMILY:
                number += 1
                family = f"{topic}\x1f{number}"
            self.families[cluster] = family
            self.sizes[family] = self.sizes.get(family, 0) + sizes[cluster]

    @property
    def outgrown(self) -> bool:
        """Whether so many points have come that the space should be made anew."""
        return len(self.clusters) > self.fitted * (1 + REFIT)

    def vocabulary(self, texts: Iterable[str]) -> dict[str, int]:
        """In how many points each term of these slotted texts occurs."""
        found = {}
        for term in {term for text in texts for term in terms(text)}:
            column = self.columns.get(f"w {term}")
            found[term] = self.seen[column] if column is not None else 0
        return found

    def _weight(self, feature: str) -> float:
        return math.log((1 + self.fitted) / (1 + self.seen[self.columns[feature]])) + 1

    def _rows(self, found: Sequence[Point], meanings: Sequence[Any]) -> csr_matrix:
        data: list[float] = []
        indices: list[int] = []
        ends = [0]
        for point, meaning in zip(found, meanings, strict=True):
            words = self._block({f"w {term}": n for term, n in Counter(point.words).items()})
            done = self._block({f"d {what}": n for what, n in point.done.items()})
            means = (
                {} if meaning is None else {self.columns[f"e {i}"]: float(v) for i, v in enumerate(meaning)}
            )
            rest = 1 - STRUCTURE * bool(done) - MEANING * bool(means)
            row: dict[int, float] = {}
            for block, share in ((words, rest), (done, STRUCTURE), (means, MEANING)):
                row.update({column: math.sqrt(share) * value for column, value in block.items()})
            indices += sorted(row)
            data += [row[column] for column in sorted(row)]
            ends.append(len(indices))
        return csr_matrix(
            (np.array(data, np.float32), np.array(indices, np.int32), np.array(ends, np.int64)),
            shape=(len(found), len(self.columns)),
        )

    def _block(self, counts: Mapping[str, int]) -> dict[int, float]:
        """Features weighed by TF-IDF, of unit length, by column."""
        weighed = {self.columns[f]: (1 + math.log(n)) * self._weight(f) for f, n in counts.items()}
        length = math.sqrt(sum(v * v for v in weighed.values())) or 1.0
        return {column: value / length for column, value in weighed.items()}

    def _matrix(self) -> csr_matrix | None:
        if not self.ids:
            return None
        data, indices, ends = self.centroids
        return csr_matrix(
            (
                np.frombuffer(data, np.float32),
                np.frombuffer(indices, np.int32),
                np.frombuffer(ends, np.int64),
            ),
            shape=(len(self.ids), len(self.columns)),
        )

    def _keep_names(self, old: Space) -> None:
        shared: Counter[tuple[str, str]] = Counter()
        for key, cluster in self.clusters.items():
            if key in old.clusters:
                shared[(cluster, old.clusters[key])] += 1
        renamed: dict[str, str] = {}
        taken: set[str] = set()
        for (mine, before), _ in sorted(shared.items(), key=lambda x: (-x[1], x[0])):
            if mine not in renamed and before not in taken:
                renamed[mine] = before
                taken.add(before)
        for mine in self.ids:
            if mine not in renamed and mine in taken:
                # Another cluster has taken this name over; two must not share it.
                renamed[mine] = content_id("task", mine, len(taken))
        self.ids = [renamed.get(mine, mine) for mine in self.ids]
        self.clusters = {key: renamed.get(mine, mine) for key, mine in self.clusters.items()}
        self.families = {renamed.get(mine, mine): family for mine, family in self.families.items()}


def _features(point: Point) -> set[str]:
    return {f"w {term}" for term in point.words} | {f"d {what}" for what in point.done}
