"""`instructions`: nothing in a skill directs an agent's behaviour that no user asked for.

Grounding looks at what a line claims: commands, paths, names, numbers. Prose claims nothing there, and yet
directs: “always recommend ...”, “do not ask before ...”. Here the words of such sentences must occur in what
users wrote or in calls that worked, in as many of the cited sessions as the policy asks; and some kinds of
sentence (`gate.steering`) need more than one person who says so, or cannot be had at all.
"""

from __future__ import annotations

import re

from skillclaw.gate.checks.support import as_written
from skillclaw.gate.context import GateContext
from skillclaw.gate.grounds import Grounds
from skillclaw.gate.lines import added_items, all_evidence, free_text, quoted, summary
from skillclaw.gate.steering import BEGINNING, Steering, beginnings, directs, sentences, steerings, telling
from skillclaw.skills.items import markdown
from skillclaw.skills.records import Item, Proposal, Verdict
from skillclaw.skills.text import claims
from skillclaw.trajectory.meant import asks_for, refuses
from skillclaw.trajectory.named_calls import Call, covers
from skillclaw.trajectory.weighed import rejects_what_was_done

__all__ = ["check", "item_fault", "name", "order"]

name = "instructions"
order = 72

_NEVER = re.compile(r"`(?P<right>[^`]+)`[^`]*, never `(?P<wrong>[^`]+)`")
"""One call in the place of another, as rules have it."""

ALONE = 3
"""Unknown words from which on any sentence is refused of which the evidence knows nothing."""

SAYERS = 2
"""People who have to say a steering sentence themselves, whatever the policy."""


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Rejects instructions that no evidence supports; holds what a person or an agent wrote that steers."""
    if proposal.bundle is None:
        return [Verdict(check=name, verdict="n/a", reason="A retirement tells agents nothing.")]
    items = added_items(proposal, context)
    paragraphs = free_text(proposal, context)
    if as_written(proposal):
        return [_told([*(item.text for item in items), *paragraphs])]
    evidence = all_evidence(proposal)
    items += [Item(id="", kind="fact", text=text, evidence=evidence) for text in paragraphs]
    faults = [fault for item in items if (fault := item_fault(item, proposal, context))]
    if faults:
        return [Verdict(check=name, verdict="reject", reason=summary(faults))]
    reason = "Whatever it tells agents to do, the people of the cited sessions asked for or did."
    return [Verdict(check=name, verdict="pass", reason=reason)]


def item_fault(item: Item, proposal: Proposal, context: GateContext) -> str | None:
    """The first sentence of this line, or of the headings above it, that directs agents without evidence."""
    if as_written(proposal):
        return None
    sources = context.sources(item.evidence)
    base = context.base(proposal)
    before = beginnings(list(markdown(base.bundle).values())) if base is not None else frozenset()
    for text in (item.text, item.section):
        for sentence in sentences(text):
            fault = _steered(sentence, sources, context)
            fault = fault or _unknown(sentence, item.kind == "condition", sources, before, context)
            if fault:
                return fault
    return _unspoken(item, proposal, sources, context)


def _unspoken(item: Item, proposal: Proposal, sources: list[Grounds], context: GateContext) -> str | None:
    """Whether a correction says of a call that it is never to be made, and too few of the people who
    corrected their agents speak against it: that it was made before their words says nothing against it.

    What failed, or what is demanded of a program, is another matter: there the sessions themselves show it.
    """
    own = [pattern for pattern in proposal.patterns if pattern.id in set(item.patterns)]
    rule = _NEVER.search(item.text)
    if rule is None or not own or any(p.kind != "correction" or p.demand for p in own):
        return None
    right, wrong = Call(rule["right"], ""), Call(rule["wrong"], "")
    if covers(rule["wrong"], rule["right"]):
        return f"It says never to run `{rule['wrong']}`, which `{rule['right']}` is as well."
    if context.enough(source for source in sources if _against(source, wrong, right)):
        return None
    few = "is spoken against by the users of too few of the sessions cited"
    return f"It says never to run `{rule['wrong']}`, which {few}."


def _against(source: Grounds, wrong: Call, right: Call) -> bool:
    for text in source.said:
        if refuses(text, wrong, right) or (rejects_what_was_done(text) and asks_for(text, right)):
            return True
    return False


def _told(texts: list[str]) -> Verdict:
    """What a person or an agent wrote is theirs to say; what steers in it, another person should know of."""
    found = [
        f"{quoted(s, 80)} {kind.what}." for text in texts for s in sentences(text) for kind in steerings(s)
    ]
    if found:
        return Verdict(
            check=name, verdict="hold", reason=summary([*found[:3]]) + " Somebody has to approve it."
        )
    return Verdict(check=name, verdict="n/a", reason="No evidence is cited; nothing in it steers an agent.")


def _steered(sentence: str, sources: list[Grounds], context: GateContext) -> str | None:
    for kind in steerings(sentence):
        if not kind.excusable:
            return f"{quoted(sentence, 80)} {kind.what}; no evidence can speak for that."
        if not _said_by_many(sentence, kind, sources, context):
            few = f"fewer than {_sayers(context)} people said so themselves"
            return f"{quoted(sentence, 80)} {kind.what}, and {few}."
    return None


def _said_by_many(sentence: str, kind: Steering, sources: list[Grounds], context: GateContext) -> bool:
    """Whether enough people wrote all telling words of the sentence, and something of the same kind."""
    words = {word[:BEGINNING] for word in telling(sentence)}
    yes = [
        source
        for source in sources
        if words <= source.said_beginnings
        and any(other.what == kind.what for text in source.said for other in steerings(text))
    ]
    # People as `support` counts them: keys that came in together are one person, who is new counts half.
    return context.enough(yes) and context.standing(yes).people >= _sayers(context)


def _sayers(context: GateContext) -> int:
    return max(SAYERS, context.policy.users)


def _unknown(
    sentence: str, condition: bool, sources: list[Grounds], before: frozenset[str], context: GateContext
) -> str | None:
    """Whether a sentence is about things that the evidence does not know. What it claims, grounding looks at:
    a claim that stands there speaks for the words around it as one word does."""
    words = telling(sentence)
    unknown = [
        word for word in words if word[:BEGINNING] not in before and not _known(word, sources, context)
    ]
    speaks = len(words) - len(unknown) + bool(claims(sentence))
    directing = directs(sentence, condition=condition)
    alone = not condition and not speaks and len(unknown) >= ALONE
    if not alone and (not directing or len(unknown) <= speaks):
        return None
    named = ", ".join(f"“{word}”" for word in unknown[:3])
    fault = f"{quoted(sentence, 80)} tells agents what nobody asked for"
    return f"{fault}: {named} occur in too few of the sessions cited."


def _known(word: str, sources: list[Grounds], context: GateContext) -> bool:
    begins = word[:BEGINNING]
    return context.enough(source for source in sources if begins in source.known_beginnings)
