"""A draft becomes a proposal: checked, within the edit budget, every new line with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from skillclaw.evolve.counts import counted
from skillclaw.evolve.drafting.budget import within
from skillclaw.evolve.drafting.checking import faults
from skillclaw.evolve.drafting.labels import known_items, labels
from skillclaw.evolve.drafting.records import Draft, DraftError, Target
from skillclaw.evolve.drafting.shown import having_shown
from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.evolvers._names import topic_title
from skillclaw.evolve.evolvers._select import strength, turned_against
from skillclaw.evolve.tried import refused
from skillclaw.gate.cited import refs_of
from skillclaw.skills.bundle import version
from skillclaw.skills.edits import Edit, EditError, apply
from skillclaw.skills.frontmatter import Head, parse, plain, render
from skillclaw.skills.items import DESCRIPTION, item_id, markdown, replace_text, same_text
from skillclaw.skills.records import Action, Bundle, File, Item, Pattern, Proposal, Sidecar, content_id
from skillclaw.skills.text import has_mask

__all__ = ["build", "proposal_id", "written"]

WHY = 600
"""Characters of the reason that people read."""


def build(draft: Draft, target: Target, context: EvolveContext, engine: str) -> Proposal | None:
    """The proposal that `draft` stands for; None where it skips, changes nothing, or the skill is pinned.

    Labels become ids; a line that is added or changed stands on the sessions of the patterns that it cites,
    which are patterns of `target`; the sessions of the others are `shown`. Of a change to a skill that is
    there at most `context.changes` items are taken, the most important first; what is left out is said in
    `why`. A person's line stays, and so does a description that a person changed. Raises DraftError with
    every fault.
    """
    if draft.action == "skip" or (target.base is not None and target.base.pinned):
        return None
    items = known_items(target)
    if target.base is not None and not items:
        return None  # somebody broke the file by hand; it is theirs to mend
    names = labels(target)
    draft = msgspec.structs.replace(draft, edits=[names.resolved(edit) for edit in draft.edits])
    wrong = faults(draft, target, items, context)
    if wrong:
        raise DraftError(target.skill, wrong)
    action: Action = "create" if target.base is None else "refine"
    if draft.action == "retire":
        return _retire(draft, target, context, engine)
    if draft.action == "describe":
        action = "describe"
    patterns = {pattern.id: pattern for pattern in target.patterns}
    edits, left = draft.edits, 0
    if target.base is not None:
        edits, left = within(edits, items, patterns, context.changes)
    words = plain(draft.description)
    theirs = bool(words) and _by_person(items, words)
    proposal = written(
        action,
        target,
        items,
        edits,
        engine,
        title=" ".join(draft.title.split()) or topic_title(target.topic),
        description="" if theirs else words,
    )
    if proposal is None:
        return None
    if action == "describe" and refused(target.skill, proposal.patterns, context.tried, "describe"):
        return None
    notes = [f"{left} more edits wait for a later cycle."] if left else []
    notes += ["The description stays, since a person wrote it."] if theirs else []
    proposal = having_shown(proposal, target.patterns)
    return msgspec.structs.replace(proposal, why=" ".join([_why(draft, context) or _told(edits), *notes]))


def _by_person(items: Sequence[Item], words: str) -> bool:
    """Whether a person wrote the description that `words` would replace."""
    ours = next((item for item in items if item.section == DESCRIPTION), None)
    if ours is None or not ours.text or same_text(ours.text) == same_text(words):
        return False
    return not ours.patterns


def written(
    action: Action,
    target: Target,
    items: Sequence[Item],
    edits: Sequence[Edit],
    engine: str,
    *,
    title: str,
    description: str = "",
    behind: Sequence[Pattern] = (),
) -> Proposal | None:
    """The proposal that makes all of `edits`, with no `why` yet; None where the text stays as it is.

    items        the lines of the skill, with what they rest on now
    description  empty: it stays; `behind` are the patterns that it rests on, else those of all lines

    Each line gets the evidence of its patterns, as far as this cycle has them. Raises DraftError where an
    edit cannot be made.
    """
    patterns = {pattern.id: pattern for pattern in target.patterns}
    base = target.base.bundle if target.base is not None else _empty(target.skill, title, description)
    try:
        bundle, made = apply(base, items, edits, title)
    except EditError as error:
        raise DraftError(target.skill, [error.what]) from error
    made = [_grounded(item, items, patterns) for item in made]
    if description:
        bundle, made = _described(description, bundle, made, patterns, behind)
    if version(bundle) == (target.base.version if target.base is not None else version(base)):
        return None
    return _proposal(action, target, bundle, made, engine)


def _why(draft: Draft, context: EvolveContext) -> str:
    """What the author says of it, as one line with nothing that could hide in it; empty where it holds a
    secret or personal data, since a whole group reads it."""
    text = "".join(char if char.isprintable() else " " for char in draft.why[: 4 * WHY])
    said = plain(text)[:WHY]
    private = has_mask(said) or (context.gate is not None and context.gate.redactor.text(said)[1])
    return "" if private else said


def _empty(skill: str, title: str, description: str) -> Bundle:
    text = render(Head(name=skill, description=description)) + f"\n# {title}\n"
    return Bundle(name=skill, files=[File(path="SKILL.md", data=text.encode())])


def _grounded(item: Item, before: Sequence[Item], patterns: dict[str, Pattern]) -> Item:
    """The item with the sessions of its patterns, as far as this cycle has them; else as it was."""
    behind = [patterns[one] for one in item.patterns if one in patterns]
    if not behind:
        return item
    if item.kind == "script":
        return counted([item], patterns)[
            0
        ]  # it stands on the sessions that wrote it, not on all of a pattern
    was = next((one for one in before if one.id == item.id), None)
    unknown = was is not None and any(one not in patterns for one in item.patterns)
    refs = refs_of(behind)
    if was is not None and unknown:
        mine = {ref.session for ref in refs}
        refs = sorted([*refs, *(r for r in was.evidence if r.session not in mine)], key=lambda r: r.session)
    first = min(behind, key=strength)
    item = msgspec.structs.replace(item, evidence=refs, odds_ratio=first.stats.odds_ratio, ci=first.stats.ci)
    return counted([item], patterns)[0]


def _described(
    words: str,
    bundle: Bundle,
    items: list[Item],
    patterns: dict[str, Pattern],
    behind: Sequence[Pattern],
) -> tuple[Bundle, list[Item]]:
    """With the new description, which stands on `behind`, or on what all lines do."""
    head, body = parse(markdown(bundle)["SKILL.md"])
    if head.extra:
        return bundle, items  # keys of a host, such as that agents may not use it by themselves: they stay
    ours = next((item for item in items if item.section == DESCRIPTION), None)
    if ours is not None and same_text(head.description) == same_text(words):
        return bundle, items
    cited = {one for item in items for one in item.patterns if one in patterns}
    strong = list(behind) or sorted((patterns[one] for one in cited), key=strength)
    if not strong:
        raise DraftError(bundle.name, ["No line of the skill rests on a pattern of this cycle."])
    fresh = Item(
        id=ours.id if ours is not None and ours.patterns else item_id(bundle.name, "condition", words),
        kind="condition",
        text=words,
        section=DESCRIPTION,
        patterns=[pattern.id for pattern in strong],
    )
    text = render(msgspec.structs.replace(head, description=words)) + body
    lines = [item for item in items if item.section != DESCRIPTION]
    made = replace_text(bundle, {"SKILL.md": text})
    return made, [_grounded(fresh, (), patterns), *lines]


def _told(edits: Iterable[object]) -> str:
    count = len(list(edits))
    return f"{count} line{'' if count == 1 else 's'} changed." if count else "A new description."


def _proposal(action: Action, target: Target, bundle: Bundle, items: list[Item], engine: str) -> Proposal:
    made = version(bundle)
    cited = {one for item in items for one in item.patterns}
    used = [pattern for pattern in target.patterns if pattern.id in cited]
    base = target.base.version if target.base is not None else None
    return Proposal(
        id=proposal_id(base, engine, made, used),
        action=action,
        skill=target.skill,
        base=base,
        engine=engine,
        why="",
        scope="project" if target.project is not None else "global",
        project=target.project,
        bundle=bundle,
        sidecar=Sidecar(
            skill=target.skill,
            version=made,
            parents=[base] if base else [],
            engine=engine,
            items=[item for item in items if item.patterns or item.evidence],
        ),
        patterns=used,
    )


def _retire(draft: Draft, target: Target, context: EvolveContext, engine: str) -> Proposal | None:
    against = [pattern for pattern in target.patterns if turned_against(pattern)]
    if target.base is None or refused(target.skill, against, context.tried):
        return None
    sessions = len({ref.session for p in against for ref in p.contradictions})
    spoken = f"{sessions} session{'' if sessions == 1 else 's'} speak against it."
    return Proposal(
        id=proposal_id(target.base.version, engine, "retire", against),
        action="retire",
        skill=target.skill,
        base=target.base.version,
        engine=engine,
        why=f"{_why(draft, context)} {spoken}".strip(),
        scope="project" if target.project is not None else "global",
        project=target.project,
        patterns=against,
    )


def proposal_id(base: str | None, engine: str, made: str, patterns: Iterable[Pattern]) -> str:
    """Depends on base, engine and text, and on each pattern with its evidence in coarse steps (doublings of
    sessions, number of users): a little more of the same does not ask people the same question again."""
    seen = sorted(
        (p.id, p.sessions.bit_length(), p.users, len(p.contradictions).bit_length()) for p in patterns
    )
    return content_id("proposal", base, engine, made, seen)
