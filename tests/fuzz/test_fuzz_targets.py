"""Every target of the fuzzing runs over all that is kept for it, and over some inputs made on the spot."""

from __future__ import annotations

import random
import zlib

import pytest
from fuzzing.mutate import mutate
from fuzzing.target import CORPORA, TARGETS, load, names, seeds
from fuzzing.trial import trial

MADE = 40
"""Inputs made for each target; the same ones in every run."""


@pytest.mark.parametrize("name", names())
def test_a_target_bears_what_is_kept_and_what_is_near_it(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    target = load(TARGETS / f"{name}.py")
    kept = seeds(CORPORA / name)
    assert kept, f"no seeds in tests/fuzz/corpora/{name}"
    rng = random.Random(zlib.crc32(name.encode()))
    # Small inputs: the large ones are for `make fuzz`.
    made = [mutate(rng.choice(kept), rng, target.words, kept, 4000) for _ in range(MADE)]
    for data in [b"", *kept, *made]:
        finding = trial(target, data)
        assert finding is None, f"{finding}\n{data!r}"


def test_each_corpus_has_its_target() -> None:
    assert sorted(path.name for path in CORPORA.iterdir()) == names()
