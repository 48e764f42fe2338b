"""`duplicate`: a new skill says something that no skill here says already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import groupby

from skillclaw.gate.context import GateContext
from skillclaw.skills.bundle import version
from skillclaw.skills.frontmatter import split
from skillclaw.skills.items import Block, blocks, join, markdown, same_text
from skillclaw.skills.records import Bundle, Proposal, Verdict
from skillclaw.skills.text import claims
from skillclaw.skills.vocabulary import content_words
from skillclaw.trajectory.weighed import weighed

__all__ = ["check", "name", "order", "overlap", "parts", "shared", "unsaid"]

name = "duplicate"
order = 77
SAME = 0.7
"""Share of a new skill's telling parts that another one has, from which on it says the same."""

KEPT = 0.9
"""Share of a line's telling parts that must be said elsewhere for the line to go."""

REFUSED = "(refused)"
"""Behind a part that a line speaks against."""

_POINTER = re.compile(r"\]\((?:\./)?references/[^)\s]+\)")
"""A line that points to a file of its own bundle says nothing by itself."""

_SAYS = re.compile(r"(?!\s*(?:```|~~~)).*\w", re.DOTALL)
"""A line that says something: no fence of code, no ruler."""

_WRAP = re.compile(r"(?:\r\n|\r|\n)[ \t>]*+(?=\S)(?!(?:[-*+]|\d{1,3}[.)])[ \t]|\||```|~~~)")
"""A line break within a sentence: behind it stands no item, row of a table, or code."""


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Rejects a new skill that says what another says; holds one whose name is taken."""
    if proposal.bundle is None:
        return [Verdict(check=name, verdict="n/a", reason="A retirement says nothing.")]
    base = context.base(proposal)
    if base is not None and base.version == version(proposal.bundle):
        return [Verdict(check=name, verdict="reject", reason="It changes nothing.")]
    if proposal.retires:
        return [_merged(proposal, context)]
    if proposal.action != "create":
        return [Verdict(check=name, verdict="pass", reason="It changes a skill that is there.")]
    if proposal.skill in context.current:
        reason = f"There is a skill named {proposal.skill} already; it can be refined, not made anew."
        return [Verdict(check=name, verdict="reject", reason=reason)]
    others: Mapping[str, Bundle] = {
        **{skill.name: skill.bundle for skill in context.foreign},
        **{other: current.bundle for other, current in context.current.items()},
    }
    mine = parts(proposal.bundle)
    for other, bundle in sorted(others.items()):
        share = shared(mine, parts(bundle))
        if share >= SAME:
            reason = f"The skill {other} says the same already ({share:.0%} of its commands and terms)."
            return [Verdict(check=name, verdict="reject", reason=reason)]
    if any(skill.name.casefold() == proposal.skill.casefold() for skill in context.foreign):
        reason = (
            f"A skill named {proposal.skill} that SkillClaw did not write is installed; it stays as it is."
        )
        return [Verdict(check=name, verdict="hold", reason=reason)]
    return [Verdict(check=name, verdict="pass", reason="No other skill says the same.")]


def _merged(proposal: Proposal, context: GateContext) -> Verdict:
    """What goes with a merge must be said by what stays: each of its lines, or its commands and terms."""
    assert proposal.bundle is not None
    for gone in proposal.retires:
        other = context.current.get(gone.skill)
        if other is None or other.version != gone.version or gone.skill == proposal.skill:
            reason = f"{gone.skill}, which it takes in, has changed since, or is gone."
            return Verdict(check=name, verdict="reject", reason=reason)
        if getattr(other, "pinned", False):
            reason = f"{gone.skill}, which it takes in, is pinned and stays as it is."
            return Verdict(check=name, verdict="reject", reason=reason)
        lost = unsaid(proposal.bundle, other.bundle)
        if lost:
            missing = " ".join(lost[0].split())[:80]
            reason = f"It takes {gone.skill} in, but does not say all of it: “{missing}” is missing."
            return Verdict(check=name, verdict="reject", reason=reason)
    names = ", ".join(gone.skill for gone in proposal.retires)
    return Verdict(check=name, verdict="pass", reason=f"It says all that {names} says, which goes with it.")


def unsaid(new: Bundle, old: Bundle) -> list[str]:
    """What `old` says and `new` does not: neither in the same words nor nearly all of its telling parts.
    Items, lines of text and lines of code; headings say nothing."""
    theirs = parts(new)
    there = {same_text(text) for text in _lines(new)}
    found = []
    for text in _lines(old):
        mine = _telling(text)
        if same_text(text) not in there and (not mine or _weigh(mine & theirs) < KEPT * _weigh(mine)):
            found.append(text)
    return found


def _lines(bundle: Bundle) -> list[str]:
    found = [
        line
        for text in markdown(bundle).values()
        for part in blocks(split(text)[1])
        if part.kind != "heading"
        for line in ([part.text] if part.kind == "item" else part.raw.splitlines())
    ]
    return [line for line in found if _SAYS.match(line) and not _POINTER.search(line)]


def overlap(new: Bundle, old: Bundle) -> float:
    """The share of what `new` says that `old` says too, from 0 to 1; a code span weighs as three words."""
    return shared(parts(new), parts(old))


def shared(mine: frozenset[str], theirs: frozenset[str]) -> float:
    """The same of the `parts` of both."""
    weight = _weigh(mine)
    return _weigh(mine & theirs) / weight if weight else 0.0


def parts(bundle: Bundle) -> frozenset[str]:
    """The calls and words that a skill says."""
    found: set[str] = set()
    for text in markdown(bundle).values():
        for passage in _passages(split(text)[1]):
            found |= _telling(passage)
    return frozenset(found)


def _passages(body: str) -> list[str]:
    """The items, paragraphs and headings of a Markdown text, and each line of its code."""
    found: list[str] = []
    for flows, group in groupby(blocks(body), key=_flows):
        if flows:
            found += _WRAP.sub(" ", join(group)).splitlines()
        else:
            for part in group:
                found += [part.text] if part.kind == "item" else part.raw.splitlines()
    return found


def _flows(part: Block) -> bool:
    """Whether a block is a line of text that goes on in the next one; code comes in one block."""
    return part.kind == "text" and len(part.raw.splitlines()) == 1


def _telling(text: str) -> frozenset[str]:
    """The calls and words of a passage, those apart that it speaks against only: "pnpm, not npm" is not what
    "npm, not pnpm" says. Where its lines are wrapped says nothing."""
    text = _WRAP.sub(" ", text)
    pieces = weighed(text)
    against = _said(" ".join(pieces.refused)) - _said(pieces.asked)
    return frozenset(f"{part} {REFUSED}" if part in against else part for part in _said(text))


def _said(text: str) -> frozenset[str]:
    found = {f"`{' '.join(claim.text.split())}`" for claim in claims(text) if claim.kind != "quote"}
    return frozenset(found | set(content_words(text)))


def _weigh(parts: Iterable[str]) -> int:
    return sum(3 if part.startswith("`") else 1 for part in parts)
