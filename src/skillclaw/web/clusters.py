"""Where the task clusters lie on the map: near on it means that requests share words.

Term vectors -> 20 principal axes -> two dimensions (t-SNE from the first two axes, with a fixed seed and on
one thread, so that the same clusters give the same map) -> circles pushed apart until none hides another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from skillclaw.evolve.view import ClusterPoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DRAWN", "HEIGHT", "LEAST", "WIDTH", "Circle", "choose", "place"]

LEAST = 3
"""Clusters of fewer sessions are counted, not drawn."""

DRAWN = 1000
"""Clusters drawn at most, the largest."""

WIDTH, HEIGHT = 1000.0, 600.0
MARGIN = 8.0
AXES = 20
FILLED = 0.26
"""Share of the map that circles cover."""

LARGEST = 64.0
GAP = 1.5
FEW = 8
"""So few clusters lie by their first two axes: t-SNE needs neighbours."""

ITERATIONS = 400
PUSHES = 400


class Circle(NamedTuple):
    """A cluster on the map; the area of the circle is proportional to its sessions."""

    point: ClusterPoint
    x: float
    y: float
    r: float


def choose(points: Sequence[ClusterPoint]) -> list[ClusterPoint]:
    """The clusters to draw, largest first."""
    large = [p for p in points if p.sessions >= LEAST]
    return sorted(large, key=lambda p: (-p.sessions, p.id))[:DRAWN]


def place(points: Sequence[ClusterPoint]) -> list[Circle]:
    """Circles for `points`, largest first; none overlap, unless the map is too full for that."""
    import numpy as np

    if not points:
        return []
    ordered = sorted(points, key=lambda p: p.id)
    sizes = np.array([float(max(1, p.sessions)) for p in ordered])
    scale = min(
        math.sqrt(FILLED * WIDTH * HEIGHT / (math.pi * sizes.sum())), LARGEST / math.sqrt(sizes.max())
    )
    radii = scale * np.sqrt(sizes)
    spots = _spread(_flat(_axes(_vectors(ordered))), radii)
    circles = [
        Circle(p, round(float(x), 1), round(float(y), 1), round(float(r), 2))
        for p, (x, y), r in zip(ordered, spots, radii, strict=True)
    ]
    return sorted(circles, key=lambda c: (-c.point.sessions, c.point.id))


def _vectors(points: Sequence[ClusterPoint]) -> NDArray[Any]:
    """Unit vectors of the terms, those that many clusters share weighing less."""
    import numpy as np

    columns: dict[str, int] = {}
    for point in points:
        for term in point.terms:
            columns.setdefault(term, len(columns))
    matrix = np.zeros((len(points), max(1, len(columns))))
    for row, point in enumerate(points):
        for term, weight in point.terms.items():
            if math.isfinite(weight):
                matrix[row, columns[term]] = max(0.0, weight)
    holders = (matrix > 0).sum(axis=0)
    matrix *= np.log((1 + len(points)) / (1 + holders)) + 1
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    norms[norms == 0] = 1
    return np.asarray(matrix / norms)


def _axes(matrix: NDArray[Any]) -> NDArray[Any]:
    """Coordinates on the principal axes, by the eigenvectors of the clusters' products: exact and small."""
    import numpy as np
    from scipy.linalg import eigh
    from threadpoolctl import threadpool_limits

    n = len(matrix)
    kept = min(AXES, n)
    centred = matrix - matrix.mean(axis=0)
    with threadpool_limits(1):  # sums over threads come in any order, and t-SNE magnifies the last digit
        values, vectors = eigh(centred @ centred.T, subset_by_index=[n - kept, n - 1])
    found = (vectors * np.sqrt(np.maximum(values, 0)))[:, ::-1]
    # An axis has no direction of its own: its largest coordinate is made positive.
    signs = np.sign(found[np.abs(found).argmax(axis=0), np.arange(kept)])
    found = found * np.where(signs == 0, 1, signs)
    if kept < 2:
        found = np.hstack([found, np.zeros((n, 2 - kept))])
    return np.asarray(found)


def _flat(axes: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    n = len(axes)
    spread = float(axes[:, 0].std())
    if n <= FEW or spread < 1e-9:
        return np.asarray(axes[:, :2])
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        model = TSNE(
            perplexity=min(30.0, (n - 1) / 4),
            init=axes[:, :2] / spread * 1e-4,
            learning_rate="auto",
            random_state=0,
            max_iter=ITERATIONS,
            angle=0.6,
        )
        return np.asarray(model.fit_transform(axes), dtype=float)


def _spread(spots: NDArray[Any], radii: NDArray[Any]) -> NDArray[Any]:
    """The spots stretched over the map, then circles pushed off each other and kept inside."""
    import numpy as np
    from scipy.spatial import cKDTree

    n = len(spots)
    low, high = spots.min(axis=0), spots.max(axis=0)
    extent = np.where(high - low < 1e-9, 1.0, high - low)
    inner = np.array([WIDTH, HEIGHT]) - 2 * (MARGIN + radii.max())
    where = (spots - (low + high) / 2) / extent * inner + np.array([WIDTH, HEIGHT]) / 2
    # Clusters with the same words lie on one spot; a small spiral gives each a way out.
    turn = np.arange(n) * 2.399963
    where = where + 0.01 * np.sqrt(np.arange(n))[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    edge = (radii + MARGIN)[:, None]
    box = np.array([WIDTH, HEIGHT])
    reach = 2 * float(radii.max()) + GAP
    for _ in range(PUSHES):
        pairs = cKDTree(where).query_pairs(reach, output_type="ndarray")
        one, two = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].T
        delta = where[one] - where[two]
        distance = np.maximum(np.sqrt((delta**2).sum(axis=1)), 1e-9)
        overlap = np.maximum(0.0, radii[one] + radii[two] + GAP - distance)
        if not len(overlap) or float(overlap.max()) < 0.5:
            break
        push = 0.5 * delta / distance[:, None] * overlap[:, None]
        # The smaller of two circles gives way more.
        heavy = (radii[one] ** 2 / (radii[one] ** 2 + radii[two] ** 2))[:, None]
        np.add.at(where, one, push * (1 - heavy))
        np.add.at(where, two, -push * heavy)
        where = np.clip(where, edge, box - edge)
    return np.asarray(where)
