"""What a hub that others read gets of a refused proposal: that there was one, and which checks refused it.

What the gate refuses is mostly what too few people said. Its text would tell all members the words of one, so
it stays on the evolver's machine: in the cycle's report, and in the memory of what was tried.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec.structs import replace

from skillclaw.skills.bundle import version
from skillclaw.skills.frontmatter import Head, render
from skillclaw.skills.records import Bundle, File, Proposal, Sidecar, Verdict

__all__ = ["withheld", "without_quotations"]

TEXT = "It was refused. What it said is known on the evolver's machine alone."
_QUOTED = re.compile(r"[“`].*[”`]", re.DOTALL)


def withheld(proposal: Proposal) -> Proposal:
    """The proposal without any words of sessions or of a model. What its lines rest on stays, as ids and
    references: another machine of the evolver must not ask the same again."""
    bare = replace(proposal, why=TEXT, patterns=[], shown=[])
    if proposal.bundle is None:
        return bare
    text = f"{render(Head(name=proposal.bundle.name, description=TEXT))}\n# {proposal.bundle.name}\n"
    bundle = Bundle(name=proposal.bundle.name, files=[File(path="SKILL.md", data=text.encode())])
    given = proposal.sidecar
    sidecar = None
    if given is not None:
        # Ids go too: they are made from the text, so that a guess at it could be tried.
        items = [
            replace(item, id=str(number), text="", section="") for number, item in enumerate(given.items, 1)
        ]
        sidecar = Sidecar(skill=given.skill, version=version(bundle), engine=given.engine, items=items)
    return replace(bare, bundle=bundle, sidecar=sidecar)


def without_quotations(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts with what their reasons quote left out."""
    return [replace(one, reason=_QUOTED.sub("“...”", one.reason)) for one in verdicts]
