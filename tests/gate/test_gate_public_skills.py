"""How many skills that others published the static checks refuse. The skills are no part of this repository:

    SKILLCLAW_PUBLIC_SKILLS=FOLDER pytest tests/gate/test_gate_public_skills.py -s

prints each refusal for a person to read, and counts the skills that are refused for what they say, apart from
those that only break a rule of form (docs/gate.md, Good skills, has the figures and where they are from).
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import pytest
from test_gate_good_skills import bundle

from skillclaw.gate import static_checks

FOLDER = os.environ.get("SKILLCLAW_PUBLIC_SKILLS", "")
FORM = frozenset({"spec", "size"})
"""Checks of form: keys that only one host knows, more than 500 lines."""
FAR_TOO_MANY = 0.25
"""Skills refused for what they say, at most. No aim: a rule that starts to refuse everything is seen."""


@pytest.mark.timeout(7200)
@pytest.mark.skipif(not FOLDER, reason="SKILLCLAW_PUBLIC_SKILLS names no folder of published skills")
def test_few_published_skills_are_refused_for_what_they_say() -> None:
    folders = sorted(path.parent for path in Path(FOLDER).rglob("SKILL.md"))
    refused: dict[str, set[Path]] = defaultdict(set)
    for folder in folders:
        for said in static_checks(bundle(folder)):
            if said.verdict == "reject":
                refused[said.check].add(folder)
                print(f"{folder.relative_to(FOLDER)}: {said.check}: {said.reason[:300]}")
    form = set().union(*(refused[check] for check in FORM))
    says = set().union(*(found for check, found in refused.items() if check not in FORM))
    counts = ", ".join(f"{check} {len(found)}" for check, found in sorted(refused.items()))
    print(f"{len(folders)} skills: {len(form | says)} refused, {len(says)} for what they say ({counts})")
    assert folders
    assert len(says) <= FAR_TOO_MANY * len(folders)
