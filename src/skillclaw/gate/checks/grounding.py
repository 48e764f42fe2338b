"""`grounding`: what a line claims occurs in its evidence.

Every command, flag, path, address, tool name, number and quotation of a new line must occur in the user's
words or in a tool call that succeeded, in as many sessions of as many people as the policy asks, among the
sessions that the line cites; or in the version before. What an agent's call that failed holds counts only
for the failing action of a line that says what goes wrong. A run of words that only tool output has is
refused as well; so is, among several people, a name that too few of them have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from skillclaw.gate.checks.support import PERSON, as_written
from skillclaw.gate.context import GateContext
from skillclaw.gate.grounds import Grounds
from skillclaw.gate.lines import added_items, all_evidence, free_text, summary
from skillclaw.skills.items import markdown
from skillclaw.skills.records import ActionShape, Item, Proposal, Ref, Verdict
from skillclaw.skills.samples import is_sample
from skillclaw.skills.text import (
    Claim,
    claims,
    constant_text,
    fixed_parts,
    is_name,
    normal,
    occurs,
    prose,
    prose_words,
)
from skillclaw.skills.vocabulary import content_words, is_error_phrase
from skillclaw.trajectory.demands import parted

__all__ = ["check", "item_fault", "name", "order"]

name = "grounding"
order = 70
_NAME = re.compile(r"(?<=[\w,)'’] )[A-Z]\w+")
PAIR = 2
"""Calls that users ask for in a row: what is to be done first, and what then."""
RUN = 6
"""Words in a row that make a copy: shorter runs are how everybody writes."""


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Rejects a line that claims what its evidence does not hold; holds what an agent wrote by itself."""
    if proposal.bundle is None:
        return [Verdict(check=name, verdict="n/a", reason="A retirement claims nothing.")]
    if proposal.engine == PERSON:
        return [Verdict(check=name, verdict="n/a", reason="A person wrote this; nothing is cited.")]
    if as_written(proposal):
        return [_seen(proposal, context)]
    items = added_items(proposal, context)
    faults = [fault for item in items if (fault := item_fault(item, proposal, context))]
    evidence = all_evidence(proposal)
    for line in free_text(proposal, context):
        whole = Item(
            id="", kind="fact", text=line, evidence=evidence, patterns=[p.id for p in proposal.patterns]
        )
        fault = item_fault(whole, proposal, context)
        if fault:
            faults.append(fault)
    if faults:
        return [Verdict(check=name, verdict="reject", reason=summary(faults))]
    return [
        Verdict(
            check=name,
            verdict="pass",
            reason="Every command, path, number and quotation of it occurs in the sessions that it cites.",
        )
    ]


def item_fault(item: Item, proposal: Proposal, context: GateContext) -> str | None:
    """The first claim of this line, or of the headings above it, that its evidence does not hold."""
    if as_written(proposal):
        return None
    before = _base_text(proposal, context)
    if proposal.project and not is_name(proposal.project) and _says(item.text, proposal.project):
        return "It repeats the name of a project, which reads like a sentence: anyone may have written that."
    sources = context.sources(item.evidence)
    failing = _failing(item, proposal)
    demanded = _demanded(item, proposal)
    called = context.sources(_calling(item, proposal, item.evidence)) if demanded else []
    calling = [grounds.spoken() for grounds in called]
    for text in (item.text, item.section):
        for claim in claims(text):
            if claim.text == proposal.project and is_name(claim.text):
                continue  # where the sessions were is known of them, whether or not somebody said it
            fault = _claim_fault(claim, sources, failing, before, context)
            if fault and _as_written(claim, text, sources, context):
                fault = None
            if fault and _as_demanded(claim, demanded, sources, calling, context):
                fault = None
            if fault and _one_by_one(claim, demanded, sources, calling, failing, before, context):
                fault = None
            if fault:
                return fault
        if fault := _named_by_few(text, sources, before, context):
            return fault
    return _copied(item.text, sources, before, context)


def _seen(proposal: Proposal, context: GateContext) -> Verdict:
    """How much of what an agent wrote by itself was seen to work, for the person who decides."""
    told = set()
    for text in [item.text for item in added_items(proposal, context)]:
        told |= _named(text)
    for text in free_text(proposal, context):
        told |= _named(text)
    if not told:
        reason = "It names no command, path or number that would have to occur in sessions."
        return Verdict(check=name, verdict="pass", reason=reason)
    refs = all_evidence(proposal)
    sources = context.sources(refs)
    seen = [text for text in told if any(s.supports(tuple(fixed_parts(text)) or (text,)) for s in sources)]
    reason = (
        f"{len(seen)} of the {len(told)} commands, paths and numbers in it occur in what users wrote or in a "
        f"call that worked, in the {len(sources)} sessions that used it; look at the rest."
    )
    return Verdict(check=name, verdict="hold", reason=reason)


def _named(text: str) -> set[str]:
    """What a text names; of a block of code each line."""
    found = [claim.text.splitlines() for claim in claims(text) if claim.kind != "quote"]
    return {line.strip() for lines in found for line in lines if len(lines) == 1 or fixed_parts(line)}


def _says(text: str, project: str) -> bool:
    words, name = (" ".join(re.findall(r"\w+", part.lower())) for part in (text, project))
    return bool(name) and f" {name} " in f" {words} "


def _base_text(proposal: Proposal, context: GateContext) -> str:
    base = context.base(proposal)
    return "" if base is None else normal(" ".join(markdown(base.bundle).values()))


def _failing(item: Item, proposal: Proposal) -> list[str]:
    """What the patterns of this line say went wrong; steps and examples never cite a failure."""
    if item.kind in ("step", "example"):
        return []
    own = set(item.patterns)
    return [_shape_text(p.failed) for p in proposal.patterns if p.failed is not None and p.id in own]


def _demanded(item: Item, proposal: Proposal) -> list[tuple[str, str]]:
    """The programs of a rule's patterns with the option that users ask for in their calls, empty where they
    ask for a call; steps and examples hold what was done."""
    if item.kind != "fix":
        return []
    own = set(item.patterns)
    return [parted(p.demand) for p in proposal.patterns if p.demand and p.id in own]


def _calling(item: Item, proposal: Proposal, evidence: Sequence[Ref]) -> list[Ref]:
    """Sessions besides the evidence that made the calls that the patterns of this line are about."""
    own, known = set(item.patterns), {ref.session for ref in evidence}
    return [ref for p in proposal.patterns if p.id in own for ref in p.calls if ref.session not in known]


def _as_written(claim: Claim, text: str, sources: list[Grounds], context: GateContext) -> bool:
    """Whether a claim is the made-up value in brackets that tells how a time is written, and no time."""
    shown = claim.kind == "code" and is_sample(claim.text) and f", such as `{claim.text}`)" in text
    return shown and context.enough(grounds for grounds in sources if claim.text in grounds.written)


def _as_demanded(
    claim: Claim,
    demanded: list[tuple[str, str]],
    sources: list[Grounds],
    calling: list[Grounds],
    context: GateContext,
) -> bool:
    """Whether a claim is a call that users name, or that worked, with an option put in that users ask for:
    nobody may have made that very call yet. The call may be one that users of other sessions name; what
    agents did there vouches for nothing."""
    for program, wanted in demanded:
        if not wanted:
            continue
        call, put, rest = claim.text.partition(f" {wanted}")
        if not put or not f"{call} ".startswith(f"{program} "):
            continue
        made, asked = tuple(fixed_parts(f"{call}{rest}")), tuple(wanted.split())
        asking = [g for g in sources if g.supports(asked)]
        if context.enough(asking) and context.enough(g for g in [*sources, *calling] if g.supports(made)):
            return True
    return False


def _one_by_one(
    claim: Claim,
    demanded: list[tuple[str, str]],
    sources: list[Grounds],
    calling: list[Grounds],
    failing: list[str],
    before: str,
    context: GateContext,
) -> bool:
    """Whether a claim is two calls of one program in a row, one of them the call that users ask for, and each
    of them holds: nobody may have made them in one yet."""
    calls = claim.text.split(" && ")
    whole = {call for call, wanted in demanded if not wanted}
    if len(calls) != PAIR or whole.isdisjoint(calls) or len({call.split(" ")[0] for call in calls}) > 1:
        return False
    return not any(
        _claim_fault(
            Claim(kind=claim.kind, text=call),
            sources if call in whole else [*sources, *calling],
            failing,
            before,
            context,
        )
        for call in calls
    )


def _shape_text(shape: ActionShape) -> str:
    parts = [shape.tool, shape.command or "", shape.example]
    for arg in shape.args:
        parts.append(arg.name)
        if arg.constant is not None:
            parts.append(constant_text(arg.constant))
    return normal(" ".join(parts))


def _claim_fault(
    claim: Claim, sources: list[Grounds], failing: list[str], before: str, context: GateContext
) -> str | None:
    if is_error_phrase(claim.text):
        return None
    if claim.kind == "quote":
        return _quote_fault(claim.text, sources, before, context)
    parts = tuple(fixed_parts(claim.text)) or (claim.text,)
    if before and _stands(claim.text, before):
        return None
    failures = any(occurs(list(parts), text) for text in failing)
    yes = [grounds for grounds in sources if grounds.supports(parts, failures=failures)]
    if context.enough(yes):
        return None
    return (
        f"`{claim.text}` occurs in {len(yes)} of the {len(sources)} sessions cited, "
        f"of {len({grounds.user for grounds in yes})} users, in what the user wrote or a call that worked."
    )


def _stands(text: str, before: str) -> bool:
    """Whether the version before has this very text, as one piece."""
    return occurs([text], before)


def _quote_fault(text: str, sources: list[Grounds], before: str, context: GateContext) -> str | None:
    """A quotation stands for how people ask: each of its telling words must be used by enough of them."""
    if before and _stands(text, before):
        return None
    words = frozenset(content_words(text))
    said = [(grounds, grounds.said_words(words)) for grounds in sources]
    for word in sorted(words):
        if not context.enough(grounds for grounds, used in said if word in used):
            return f"The quoted word “{word}” is used in too few of the {len(sources)} sessions cited."
    for claim in claims(text):  # none of them a quotation: the text has no quotation marks
        fault = _claim_fault(claim, sources, [], before, context)
        if fault:
            return fault
    return None


def _named_by_few(text: str, sources: list[Grounds], before: str, context: GateContext) -> str | None:
    """Among several people a name, which stands with a capital within a sentence, must be known to as many of
    them as the policy asks: a customer's or a project's name that one has would be told to all."""
    if context.policy.users < 2:
        return None
    for found in _NAME.findall(prose(text)):
        word = found.lower()
        if not content_words(word) or is_error_phrase(found) or re.search(rf"\b{word}\b", before.lower()):
            continue
        known = {
            grounds.user
            for grounds in sources
            if grounds.said_words(frozenset({word}))
            or grounds.supports((found,), failures=True)
            or grounds.tainted_has(word)
        }
        if known and len(known) < context.policy.users:
            return f"The name “{found}” is known to too few of the people cited."
    return None


def _copied(text: str, sources: list[Grounds], before: str, context: GateContext) -> str | None:
    for words in prose_words(text):
        for at in range(len(words) - RUN + 1):
            run = " ".join(words[at : at + RUN])
            if run in before.lower() or not any(grounds.tainted_has(run) for grounds in sources):
                continue
            if not context.enough(grounds for grounds in sources if grounds.said_has(run)):
                return f"“{run} ...” is copied from what tools gave back, which anyone may have written."
    return None
