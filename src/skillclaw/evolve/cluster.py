"""Requests that ask for the same, found by their words: TF-IDF and average linkage, deterministic and near
linear.

Distinct texts are clustered exactly up to `EXACT`; what is more is assigned to the clusters so far when it
is near enough, and only the rest is clustered anew, block by block. So the cost grows linearly with distinct
texts, and the result depends on the texts alone, not on their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_matrix, vstack
from sklearn.feature_extraction.text import TfidfVectorizer

from skillclaw.trajectory.text import terms

__all__ = ["EXACT", "NEAR", "cluster_texts", "linked", "mean_rows", "nearest", "top_terms", "vectors"]

EXACT = 1500
"""Texts clustered exactly at a time; the distance matrix of a block then takes 9 MB."""

NEAR = 0.55
"""Average cosine distance within a cluster stays below this."""


def _split(text: str) -> list[str]:
    return text.split("\x1f") if text else []


def vectors(bags: Sequence[Sequence[str]]) -> tuple[csr_matrix, list[str]]:
    """TF-IDF rows (unit length, sublinear counts) of bags of terms, and the term of each column."""
    vectorizer = TfidfVectorizer(
        tokenizer=_split, token_pattern=None, lowercase=False, sublinear_tf=True, dtype=np.float32
    )
    matrix = vectorizer.fit_transform(["\x1f".join(bag) for bag in bags])
    return csr_matrix(matrix), list(vectorizer.get_feature_names_out())


def cluster_texts(texts: Sequence[str], *, near: float = NEAR) -> list[int]:
    """A cluster number for each text: equal numbers ask for the same. Texts without a telling word stand
    alone (-1).
    """
    bags = {text: terms(text) for text in set(texts)}
    groups: dict[tuple[str, ...], list[str]] = {}
    for text in sorted(bags):
        if bags[text]:
            groups.setdefault(tuple(bags[text]), []).append(text)
    keys = sorted(groups)
    labels = _cluster([list(key) for key in keys], near) if keys else []
    by_text = {text: label for key, label in zip(keys, labels, strict=True) for text in groups[key]}
    # Numbers follow the alphabet, so that the same texts give the same numbers in any order.
    order: dict[int, int] = {}
    for text in sorted(by_text):
        order.setdefault(by_text[text], len(order))
    return [order[by_text[text]] if text in by_text else -1 for text in texts]


def _cluster(bags: list[list[str]], near: float) -> list[int]:
    if len(bags) == 1:
        return [0]
    matrix, _ = vectors(bags)
    labels = np.full(len(bags), -1, dtype=np.int64)
    centroids: csr_matrix | None = None
    left = np.arange(len(bags))
    # A fixed shuffle: neighbours in the alphabet must not fill the first block alone.
    left = left[np.random.default_rng(0).permutation(len(left))]
    while len(left):
        block, left = left[:EXACT], left[EXACT:]
        if centroids is not None:
            best, similarity = nearest(matrix[block], centroids)
            inside = similarity >= 1 - near
            labels[block[inside]] = best[inside]
            block = block[~inside]
        if not len(block):
            continue
        found = linked(matrix[block], near)
        base = int(labels.max()) + 1
        labels[block] = base + found
        fresh = mean_rows(matrix[block], found)
        centroids = fresh if centroids is None else csr_matrix(vstack([centroids, fresh]))
    return [int(label) for label in labels]


def linked(matrix: csr_matrix, near: float) -> Any:
    """Labels (from 0) of unit rows by average linkage, mean cosine distance within a cluster below `near`."""
    n = matrix.shape[0]
    if n == 1:
        return np.zeros(1, dtype=np.int64)
    similarity = (matrix @ matrix.T).toarray()
    upper = np.triu_indices(n, 1)
    distance = np.clip(1 - similarity[upper], 0, 1).astype(np.float64)
    tree = linkage(np.round(distance, 6), method="average")
    return fcluster(tree, near, criterion="distance").astype(np.int64) - 1


def mean_rows(matrix: csr_matrix, labels: Any) -> csr_matrix:
    """The mean direction of the rows of each label, of unit length."""
    count = int(labels.max()) + 1
    picker = csr_matrix(
        (np.ones(len(labels), dtype=np.float32), (labels, np.arange(len(labels)))), shape=(count, len(labels))
    )
    sums = csr_matrix(picker @ matrix)
    norms = np.sqrt(np.asarray(sums.multiply(sums).sum(axis=1)).ravel())
    norms[norms == 0] = 1
    return csr_matrix(
        csr_matrix((1 / norms, (np.arange(count), np.arange(count))), shape=(count, count)) @ sums
    )


def nearest(rows: csr_matrix, centroids: csr_matrix) -> tuple[Any, Any]:
    """For each row the nearest centroid and its cosine similarity."""
    similarity = (rows @ centroids.T).toarray()
    best = similarity.argmax(axis=1)
    return best, similarity[np.arange(len(best)), best]


def top_terms(
    bags: Sequence[Sequence[str]], background: dict[str, int], total: int, limit: int = 12
) -> list[str]:
    """The terms that tell these bags from all others, strongest first.

    Weight = share of the bags that hold the term x log of how much rarer it is elsewhere.
    """
    counts: dict[str, int] = {}
    for bag in bags:
        for term in set(bag):
            counts[term] = counts.get(term, 0) + 1
    n = len(bags)
    scored = sorted(
        ((count / n) * float(np.log((1 + total) / (1 + background.get(term, 0)))), term)
        for term, count in counts.items()
        if count / n >= 0.25
    )
    return [term for weight, term in sorted(scored, key=lambda x: (-x[0], x[1])) if weight > 0][:limit]
