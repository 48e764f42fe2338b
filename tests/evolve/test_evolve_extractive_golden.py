"""What the extractive engine writes from the packaged evidence, byte for byte.

    GOLDEN=write pytest -n 0 tests/evolve/test_evolve_extractive_golden.py

writes the files anew: read what changed before you commit it.
"""

from __future__ import annotations

import os
import random
import shutil
from functools import cache
from pathlib import Path

import msgspec
import pytest
from evidence import NAMES
from learned import Learned, learn, stored
from skills_ref.validator import validate

from skillclaw.skills.frontmatter import parse
from skillclaw.skills.items import markdown
from skillclaw.skills.records import Bundle
from skillclaw.skills.tokens import SKILL_TOKENS, estimate
from skillclaw.skills.vocabulary import content_words
from skillclaw.trajectory.model import meta, with_meta

GOLDEN = Path(__file__).parent / "golden"
LARGE = ("taubench", "workbench")
SETS = [pytest.param(name, marks=pytest.mark.e2e if name in LARGE else ()) for name in NAMES]


@cache
def learned(name: str) -> Learned:
    return learn(stored(name))


def _write(bundle: Bundle, folder: Path) -> None:
    for file in bundle.files:
        path = folder / bundle.name / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("name", SETS)
def test_the_text_is_the_golden_one(name: str, tmp_path: Path) -> None:
    found = learned(name)
    for bundle in found.bundles.values():
        _write(bundle, tmp_path)
    if os.environ.get("GOLDEN") == "write":
        shutil.rmtree(GOLDEN / name, ignore_errors=True)
        shutil.copytree(tmp_path, GOLDEN / name)
    assert found.bundles
    assert _files(tmp_path) == _files(GOLDEN / name)


@pytest.mark.parametrize("name", SETS)
def test_what_is_written_passes_as_it_is_and_is_pleasant_for_every_host(name: str, tmp_path: Path) -> None:
    found = learned(name)
    assert (found.dropped, len(found.bundles)) == (0, len(found.proposals)), (
        "the gate has nothing to take out"
    )
    for skill, bundle in found.bundles.items():
        _write(bundle, tmp_path)
        assert validate(tmp_path / skill) == []
        text = markdown(bundle)["SKILL.md"]
        head, body = parse(text)
        assert estimate(text) <= SKILL_TOKENS
        assert len(head.description) <= 1024
        assert len(content_words(head.description[:60])) >= 2, head.description[:60]
        lines = [line for line in body.splitlines() if line.startswith(("- ", "1", "2", "3"))]
        assert len(set(lines)) == len(lines)
        assert "<value>" not in body and "…" not in head.description


@pytest.mark.parametrize("name", ["claude-code", "codex", "hermes"])
def test_neither_the_order_of_sessions_nor_the_names_of_users_change_the_text(name: str) -> None:
    given = stored(name)
    random.Random(7).shuffle(given)
    new = {
        user: f"person-{n}" for n, user in enumerate(sorted({meta(one).user for one in given}, reverse=True))
    }
    renamed = [with_meta(one, msgspec.structs.replace(meta(one), user=new[meta(one).user])) for one in given]
    assert learn(renamed).bundles == learned(name).bundles
