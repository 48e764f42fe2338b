"""The comparison of clusterings: on planted requests whose truth words or structure tell."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from skillclaw.bench.clusters import clusters_summary, measure_clusters, structure
from skillclaw.bench.datasets import read_rows, workbench_session
from skillclaw.trajectory.episodes import cut

THINGS = ("mail", "chart", "task", "customer", "meeting", "report")
NAMES = ("amir", "kofi", "nia", "yuki", "lena", "omar")


def rows(*, tell: str) -> list[dict[str, Any]]:
    """Six templates of six requests, two sessions each; `tell`: words | calls."""
    made = []
    for kind, thing in enumerate(THINGS):
        for number, name in enumerate(NAMES):
            query = (
                f"Show the {thing} list of {name} sorted by {thing} date"
                if tell == "words"
                else f"Go on with {name} {kind}"
            )
            tool = f"tools.{thing}_search" if tell == "calls" else "tools.search"
            for user in ("gpt-4", "gpt-3.5"):
                made.append(
                    {
                        "session_id": f"{thing}-{number}-{user}",
                        "task_id": f"{thing}-{number}",
                        "template_id": thing,
                        "query": query,
                        "model": user,
                        "toolset": "all",
                        "steps": [{"tool": tool, "args": {"who": f"id {number}"}, "observation": "found 3"}],
                        "final_output": "Done.",
                        "success": True,
                        "reward": 1.0,
                    }
                )
    return made


def ari(
    result: dict[str, Any], features: str, method: str = "average linkage", sessions: str = "all"
) -> float:
    (found,) = [
        r
        for r in result["rows"]
        if (r["features"], r["method"], r["sessions"]) == (features, method, sessions)
    ]
    return float(found["ari"])


class Knowing:
    """An embedder that knows the truth from the words."""

    name = "knowing"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.eye(7, dtype=np.float32)[
            [int(t.split()[-1]) if t.split()[-1].isdigit() else 6 for t in texts]
        ]


@pytest.mark.slow
def test_words_are_found_where_words_tell() -> None:
    result = measure_clusters(rows(tell="words"), draws=1, halvings=2)
    assert (result["requests"], result["templates"], result["embedder"]) == (36, 6, None)
    assert ari(result, "slotted text") == 1
    assert ari(result, "slotted text", "HDBSCAN") == 1
    assert ari(result, "structure") < 0.1
    assert ari(result, "structure 0.2, slotted text 0.8", sessions="one") == 1
    assert not [r for r in result["rows"] if "embedding" in r["features"]]
    assert "| slotted text | average linkage | all | 1.000 |" in clusters_summary(result)


@pytest.mark.slow
def test_structure_and_embeddings_are_found_where_words_do_not_tell() -> None:
    result = measure_clusters(rows(tell="calls"), draws=1, halvings=2, embedder=Knowing())
    assert ari(result, "structure") == 1
    assert ari(result, "embedding of the request") == 1
    assert ari(result, "words of the request") < 0.5
    assert ari(result, "structure 0.5, slotted text 0.5") > ari(result, "slotted text")


@pytest.mark.slow
def test_the_same_rows_give_the_same_figures_in_any_order() -> None:
    made = rows(tell="words")
    forwards, backwards = (
        measure_clusters(made, draws=0, halvings=1),
        measure_clusters(made[::-1], draws=0, halvings=1),
    )
    assert forwards == backwards


def test_structure_counts_shares_of_sessions() -> None:
    sessions = rows(tell="calls")[:2]
    sessions[1]["steps"] = []
    episodes = [e for r in sessions for e in cut(workbench_session(r)) if e.kind == "procedure"]
    found = structure(episodes)
    assert found["call tools.mail_search"] == 0.5
    assert found["arg tools.mail_search.who"] == 0.5
    assert set(found.values()) == {0.5}


def test_workbench_in_full() -> None:
    source = os.environ.get("E2E_WORKBENCH")
    if not source:
        pytest.skip("E2E_WORKBENCH names no file of recorded runs")
    result = measure_clusters(list(read_rows(Path(source))), draws=1)
    assert (result["requests"], result["templates"]) == (690, 69)
    assert ari(result, "slotted text") > ari(result, "slotted text within blocks by tool family")
    assert ari(result, "slotted text", sessions="one") > ari(result, "structure", sessions="one") + 0.3
