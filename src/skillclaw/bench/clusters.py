"""Which clustering of requests agrees best with the truth? Evidence for how task clusters are made.

The distinct requests of WorkBench are clustered by words, by structure (what the sessions of a request
called) and by embeddings, with average linkage and with HDBSCAN. The truth is the template, used to score
and, on half of the templates, to choose each method's parameter; reported is the agreement on the other half,
as the mean over random halvings, both ways round. Everything is measured twice: with all sessions of a
request, and with one drawn session for each, because in real use hardly a request comes twice.

Scores: adjusted Rand index (Hubert and Arabie 1985; chance gives 0) and V-measure (Rosenberg and Hirschberg
2007), which with equal weights is the arithmetically normalised mutual information. HDBSCAN's noise points
count as clusters of one, as average linkage leaves them.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.cluster import HDBSCAN
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import adjusted_rand_score, v_measure_score

from skillclaw.bench.datasets import Row, workbench_session
from skillclaw.evolve.cluster import cluster_texts
from skillclaw.evolve.embeddings import Embedder
from skillclaw.evolve.slots import slotted
from skillclaw.trajectory.episodes import Episode, cut
from skillclaw.trajectory.model import meta, with_meta
from skillclaw.trajectory.outcomes import outcome
from skillclaw.trajectory.text import terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ClusterRow", "clusters_summary", "measure_clusters", "structure"]

DRAWS = 3
HALVINGS = 10
NEARS = tuple(round(0.05 * step, 2) for step in range(3, 20))
"""Average cosine distances within a cluster that are tried."""

DENSITIES = ((3, 1), (3, 3), (5, 1), (5, 5), (8, 1))
"""HDBSCAN's (min_cluster_size, min_samples) that are tried, each with both ways to select clusters."""

STRUCTURE_WEIGHTS = (0.2, 0.35, 0.5)
MIXES = ((0.0, 0.5, 0.5), (0.2, 0.6, 0.2), (0.2, 0.4, 0.4))
"""Weights of structure, slotted text and embedding."""

Labels = dict[str, "NDArray[np.int64]"]
Progress = Callable[[int, int | None, str], None]


class ClusterRow(msgspec.Struct, frozen=True, kw_only=True):
    """How well one clustering agrees with the truth.

    sessions    `all` or `one` per request (then means over the draws)
    ari, v      on the half of the templates that chose nothing
    parameter   the one chosen most often; clusters: how many it gives
    fixed       ARI over all requests and templates with each parameter, nothing chosen
    """

    features: str
    method: str
    sessions: str
    ari: float
    v: float
    parameter: str
    clusters: float
    fixed: dict[str, float]


class _Score(NamedTuple):
    ari: float
    v: float
    parameter: str
    clusters: int
    fixed: dict[str, float]


def _quiet(done: int, total: int | None, what: str) -> None:
    del done, total, what


def measure_clusters(
    rows: Sequence[Row],
    *,
    embedder: Embedder | None = None,
    draws: int = DRAWS,
    halvings: int = HALVINGS,
    progress: Progress = _quiet,
) -> dict[str, Any]:
    """Cluster the distinct requests of WorkBench in several ways and score each against the templates.

    Returns `{requests, templates, embedder, rows: [ClusterRow as a dict]}`; without an embedder the rows that
    need one are left out. Raises SkillClawError when the embedder fails.
    """
    truth_of = {str(row["task_id"]): str(row["template_id"]) for row in rows}
    every: dict[str, list[Episode]] = {}
    for row in rows:
        every.setdefault(str(row["task_id"]), []).append(_request(row))
    tasks = sorted(every)
    truth = np.unique([truth_of[task] for task in tasks], return_inverse=True)[1]
    found: list[ClusterRow] = []
    for number in range(draws + 1):
        progress(number, draws + 1, "clustering requests")
        rng = random.Random(number)  # noqa: S311  a draw of the benchmark, not a secret
        chosen = [every[task] if number == 0 else [rng.choice(every[task])] for task in tasks]
        for features, method, labels in _clusterings(chosen, embedder):
            score = _held_out(truth, labels, halvings)
            found.append(
                ClusterRow(
                    features=features, method=method, sessions="one" if number else "all", **score._asdict()
                )
            )
    progress(draws + 1, draws + 1, "")
    return {
        "requests": len(tasks),
        "templates": len(set(truth_of.values())),
        "embedder": embedder.name if embedder is not None else None,
        "rows": [msgspec.to_builtins(row) for row in _means(found)],
    }


def _request(row: Row) -> Episode:
    trajectory = workbench_session(row)
    verdict, confidence, signals = outcome(trajectory)
    known = msgspec.structs.replace(meta(trajectory), outcome=verdict, confidence=confidence, signals=signals)
    return next(e for e in cut(with_meta(trajectory, known)) if e.kind == "procedure")


def structure(episodes: Sequence[Episode]) -> dict[str, float]:
    """What the sessions of one request did: each trait with the share of the sessions that have it.

    Traits: tools called, those that write, pairs of neighbouring calls, argument names, where their values
    came from, error templates.
    """
    counts: Counter[str] = Counter()
    for episode in episodes:
        found: set[str] = set()
        for move in episode.actions:
            found.add(f"call {move.key}")
            if move.writes:
                found.add(f"write {move.key}")
            if move.error:
                found.add(f"error {move.key} {move.error}")
            for arg in move.args:
                found.add(f"arg {move.key}.{arg.name}")
                found.update(f"from {move.key}.{arg.name} {o.split(':')[0]}" for o in arg.origins)
        keys = [move.key for move in episode.actions]
        found.update(f"then {a} > {b}" for a, b in pairwise(keys))
        counts.update(found)
    return {trait: count / len(episodes) for trait, count in counts.items()}


class _Block(NamedTuple):
    """Cosines of all pairs, and which requests have anything to compare."""

    cosines: NDArray[np.float64]
    known: NDArray[np.float64]


def _block(rows: Any) -> _Block:
    dense = np.asarray(rows.todense() if hasattr(rows, "todense") else rows, dtype=np.float64)
    return _Block(dense @ dense.T, (np.abs(dense).sum(axis=1) > 0).astype(np.float64))


def _bags(bags: Sequence[Mapping[str, float]], *, sublinear: bool) -> _Block:
    """TF-IDF rows of length 1."""
    columns = {term: n for n, term in enumerate(sorted({t for bag in bags for t in bag}))}
    held = Counter(term for bag in bags for term in bag)
    matrix = np.zeros((len(bags), max(1, len(columns))))
    for row, bag in enumerate(bags):
        for term, count in bag.items():
            rarity = math.log((1 + len(bags)) / (1 + held[term])) + 1
            matrix[row, columns[term]] = (1 + math.log(count) if sublinear else count) * rarity
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    return _block(matrix / np.where(norms > 0, norms, 1))


def _mixed(blocks: Sequence[_Block], weights: Sequence[float]) -> NDArray[np.float64]:
    """Weighted mean of the cosines over the blocks that both requests have."""
    total = np.zeros_like(blocks[0].cosines)
    weight = np.zeros_like(total)
    for block, w in zip(blocks, weights, strict=True):
        both = w * np.outer(block.known, block.known)
        total += both * block.cosines
        weight += both
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)


def _clusterings(
    requests: Sequence[Sequence[Episode]], embedder: Embedder | None
) -> Iterator[tuple[str, str, Labels]]:
    """Every clustering that is compared: features, method, and labels by parameter."""
    queries = [episodes[0].intent for episodes in requests]
    slots = slotted(e for episodes in requests for e in episodes)
    texts = [slots[q] for q in queries]
    yield "slotted text, as mining clusters it", "as is", {"": np.asarray(cluster_texts(texts))}
    text = _bags([Counter(terms(t)) for t in texts], sublinear=True)
    acts = _bags([structure(episodes) for episodes in requests], sublinear=False)
    views = {
        "words of the request": _block(TfidfVectorizer(sublinear_tf=True).fit_transform(queries)).cosines,
        "slotted text": text.cosines,
        "slotted text within blocks by tool family": text.cosines * _same_family(requests),
        "structure": acts.cosines,
    }
    for w in STRUCTURE_WEIGHTS:
        views[f"structure {w:g}, slotted text {1 - w:g}"] = _mixed([acts, text], [w, 1 - w])
    if embedder is not None:
        raw, vectors = _block(embedder.embed(queries)), _block(embedder.embed(texts))
        views["embedding of the request"] = raw.cosines
        views["embedding of the slotted text"] = vectors.cosines
        for a, b, c in MIXES:
            name = f"structure {a:g}, " if a else ""
            views[f"{name}slotted text {b:g}, embedding {c:g}"] = _mixed([acts, text, vectors], [a, b, c])
    for name, cosines in views.items():
        yield name, "average linkage", _average(cosines)
        yield name, "HDBSCAN", _hdbscan(cosines)


def _same_family(requests: Sequence[Sequence[Episode]]) -> NDArray[np.float64]:
    """1 where two requests' most usual tool family is the same, or one has none."""
    main: list[str] = []
    for episodes in requests:
        seen = Counter(e.topic for e in episodes if e.actions)
        main.append(min(seen, key=lambda t: (-seen[t], t)) if seen else "")
    names = np.asarray(main)
    same = (names[:, None] == names[None, :]) | (names[:, None] == "") | (names[None, :] == "")
    return np.asarray(same, dtype=np.float64)


def _distances(cosines: NDArray[np.float64]) -> NDArray[np.float64]:
    # Rounded, so that ties do not hang on the order of a sum.
    distances = np.asarray(np.round(np.clip(1 - (cosines + cosines.T) / 2, 0, 1), 6), dtype=np.float64)
    np.fill_diagonal(distances, 0)
    return distances


def _average(cosines: NDArray[np.float64]) -> Labels:
    tree = linkage(squareform(_distances(cosines), checks=False), method="average")
    return {f"{near:g}": fcluster(tree, near, criterion="distance").astype(np.int64) for near in NEARS}


def _hdbscan(cosines: NDArray[np.float64]) -> Labels:
    distances = _distances(cosines)
    found: Labels = {}
    for size, samples in DENSITIES:
        for selection in ("eom", "leaf"):
            model = HDBSCAN(
                min_cluster_size=size,
                min_samples=samples,
                metric="precomputed",
                cluster_selection_method=selection,
                copy=True,
            )
            labels = np.asarray(model.fit_predict(distances), dtype=np.int64)
            noise = np.flatnonzero(labels < 0)
            labels[noise] = labels.max() + 1 + np.arange(len(noise))
            found[f"{size},{samples},{selection}"] = labels
    return found


def _held_out(truth: NDArray[np.int64], labels: Labels, halvings: int) -> _Score:
    """Choose the parameter on half of the true clusters, score on the other; mean over halvings, both ways
    round.
    """
    rng = np.random.default_rng(0)
    kinds = np.unique(truth)
    scores: list[tuple[float, float]] = []
    picks: Counter[str] = Counter()
    for _ in range(halvings):
        half = np.isin(truth, rng.permutation(kinds)[: len(kinds) // 2])
        for learn in (half, ~half):
            best = max(labels, key=lambda p: adjusted_rand_score(truth[learn], labels[p][learn]))
            picks[best] += 1
            report = ~learn
            scores.append(
                (
                    float(adjusted_rand_score(truth[report], labels[best][report])),
                    float(v_measure_score(truth[report], labels[best][report])),
                )
            )
    usual = min(picks, key=lambda p: (-picks[p], p))
    ari, v = np.mean(scores, axis=0)
    return _Score(
        float(ari),
        float(v),
        usual,
        len(np.unique(labels[usual])),
        {p: float(adjusted_rand_score(truth, found)) for p, found in labels.items()},
    )


def _means(rows: Sequence[ClusterRow]) -> Iterator[ClusterRow]:
    """One row per clustering: means over the draws, the parameter that most draws chose."""
    groups: dict[tuple[str, str, str], list[ClusterRow]] = {}
    for row in rows:
        groups.setdefault((row.features, row.method, row.sessions), []).append(row)
    for (features, method, sessions), group in groups.items():
        picks = Counter(row.parameter for row in group)
        yield ClusterRow(
            features=features,
            method=method,
            sessions=sessions,
            ari=round(sum(r.ari for r in group) / len(group), 4),
            v=round(sum(r.v for r in group) / len(group), 4),
            parameter=min(picks, key=lambda p: (-picks[p], p)),
            clusters=round(sum(r.clusters for r in group) / len(group), 1),
            fixed={p: round(sum(r.fixed[p] for r in group) / len(group), 4) for p in group[0].fixed},
        )


def clusters_summary(result: Mapping[str, Any]) -> str:
    """The table for people (Markdown)."""
    embedder = result["embedder"] or "none"
    lines = [
        f"{result['requests']} requests, {result['templates']} templates; embedder: {embedder}.",
        "",
        "| features | method | sessions per request | ARI | V | clusters | parameter |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {r['features']} | {r['method']} | {r['sessions']} | {r['ari']:.3f} | {r['v']:.3f} | "
        f"{r['clusters']:.0f} | {r['parameter']} |"
        for r in sorted(result["rows"], key=lambda r: r["sessions"])
    ]
    return "\n".join(lines)
