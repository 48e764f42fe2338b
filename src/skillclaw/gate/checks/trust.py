"""`trust`: no line is a stranger's word that agents only obeyed (docs/gate.md, Trust).

Every command, path and address of a new line is looked for in the sessions that support it. Where fewer
people than the policy asks for came to it otherwise, and others' agents had it from a page, an issue, a mail
or another machine before they used it, the line waits for a person. It is not dropped: the documentation of a
tool is such a page too, and may be right.
"""

from __future__ import annotations

import re

from skillclaw.gate.checks.support import PERSON, as_written
from skillclaw.gate.context import GateContext
from skillclaw.gate.grounds import Grounds
from skillclaw.gate.lines import added_items, all_evidence, free_text, summary
from skillclaw.skills.items import markdown
from skillclaw.skills.records import Proposal, Ref, Verdict
from skillclaw.skills.text import claims, fixed_parts, normal, occurs
from skillclaw.trajectory.demands import parted

__all__ = ["check", "name", "order"]

name = "trust"
order = 65
_OF_A_CALL = re.compile(r"^-|\w[.:/@]\w")
"""An option, a path or an address, which a page may have added to a call of the agent's own."""


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Holds what agents took from a stranger's text."""
    if proposal.bundle is None:
        return [Verdict(check=name, verdict="n/a", reason="A retirement teaches nothing.")]
    if as_written(proposal):
        who = "A person" if proposal.engine == PERSON else "An agent"
        return [Verdict(check=name, verdict="n/a", reason=f"{who} wrote this; no session says where from.")]
    base = context.base(proposal)
    before = normal(" ".join(markdown(base.bundle).values()).replace("`", " ` ")) if base is not None else ""
    asked = [f" {wanted}" for p in proposal.patterns if p.demand and (wanted := parted(p.demand)[1])]
    lines = [(item.text, item.evidence) for item in added_items(proposal, context)]
    lines += [(line, all_evidence(proposal)) for line in free_text(proposal, context)]
    told = [reason for text, refs in lines if (reason := _told(text, refs, asked, before, context))]
    if told:
        return [Verdict(check=name, verdict="hold", reason=summary(told))]
    reason = "No line of it is what only a page, a message or another machine told agents."
    return [Verdict(check=name, verdict="pass", reason=reason)]


def _told(text: str, refs: list[Ref], asked: list[str], before: str, context: GateContext) -> str:
    """The first part of this line that too few people had from anywhere but a stranger's text; or empty. The
    options that users ask for (`asked`) may have been put into a call that was made without them: each of its
    other words may then be a page's."""
    for claim in claims(text):
        if claim.kind == "quote" or (before and occurs([normal(claim.text)], before)):
            continue
        looked = [claim.text]
        for option in (one for one in asked if one in claim.text):
            made = claim.text.replace(option, "", 1)
            looked += [made, *(word for word in fixed_parts(made) if _OF_A_CALL.search(word))]
        if reason := next((r for one in looked if (r := _obeyed(one, refs, context))), ""):
            return reason
    return ""


def _obeyed(claimed: str, refs: list[Ref], context: GateContext) -> str:
    parts = tuple(fixed_parts(claimed)) or ((claimed,) if claimed.startswith("-") else ())
    if parts:
        own: list[Grounds] = []
        obeyed = 0
        for source in context.sources(refs):
            if not source.supports(parts, failures=True):
                continue
            trail = context.trail(source.session)
            if trail is not None and trail.origin(parts) == "remote":
                obeyed += 1
            else:
                own.append(source)
        if obeyed and context.standing(own).people < context.policy.users:
            return (
                f"Agents took `{claimed}` from what a page, a message or another machine told them "
                f"(in {obeyed} of {obeyed + len(own)} sessions); somebody has to look whether it is right."
            )
    return ""
