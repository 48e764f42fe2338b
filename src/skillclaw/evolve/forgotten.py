"""What follows from `sessions forget`: what people took back must not live on in what was learned from it.

A skill that rests on nothing else is retired. What a person wrote beside is no evidence that was taken back:
it stays, in a version without the learned lines, or a person decides where the two cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from skillclaw.errors import BadInputError
from skillclaw.evolve.care.merging import described_as
from skillclaw.evolve.evolvers import Current
from skillclaw.evolve.evolvers._names import topic_title
from skillclaw.evolve.unlearned import is_learned, unlearned
from skillclaw.gate import Policy
from skillclaw.gate.context import CurrentSkill
from skillclaw.hub import HubState
from skillclaw.skills.bundle import version
from skillclaw.skills.edits import Edit, apply
from skillclaw.skills.frontmatter import split
from skillclaw.skills.items import DESCRIPTION, all_items, blocks, join, markdown, replace_text
from skillclaw.skills.records import HOST, Bundle, Item, Proposal, Sidecar, Verdict, content_id

__all__ = ["FORGOTTEN", "orphans", "verdicts_of"]

FORGOTTEN = "forgotten"
"""Engine and check of what follows from `sessions forget`."""


def orphans(current: Mapping[str, Current], state: HubState, forgotten: frozenset[str]) -> Iterator[Proposal]:
    """What becomes of the skills whose every session was forgotten.

    The sessions that a skill of an agent's own cites used it; it was not learned from them.
    """
    for name, skill in sorted(current.items()):
        if skill.sidecar.engine.startswith(HOST) or skill.pinned:
            continue
        cited = {ref.session for item in skill.sidecar.items for ref in item.evidence}
        if cited and cited <= forgotten:
            yield _rest(name, skill, state, cited) or Proposal(
                id=content_id("proposal", skill.version, "forgotten", sorted(cited)),
                action="retire",
                skill=name,
                base=skill.version,
                engine=FORGOTTEN,
                why=f"All {len(cited)} sessions that {name} was learned from were forgotten.",
            )


def verdicts_of(proposal: Proposal, base: CurrentSkill | None, policy: Policy) -> list[Verdict]:
    """There is nothing to weigh: what people took back is no evidence, and a skill without any is nobody's.
    People decide where the policy wants them to, and where a skill would go with words of unknown origin."""
    found = [Verdict(check=FORGOTTEN, verdict="pass", reason=proposal.why)]
    if proposal.action == "retire" and base is not None and not _all_learned(base.bundle, base.sidecar):
        reason = "It has text or files, too, that no session is known for; somebody has to say that they go."
        found.append(Verdict(check="approval", verdict="hold", reason=reason))
    elif policy.reviewer:
        reason = f"Under the policy {policy.name!r} a reviewer looks at every change."
        found.append(Verdict(check="approval", verdict="hold", reason=reason))
    return found


def _rest(name: str, skill: Current, state: HubState, cited: set[str]) -> Proposal | None:
    """The skill without its learned lines; None where no lines of a person are left then, or where other text
    or files stand beside them, of which nobody can tell who wrote them."""
    try:
        items = all_items(skill.bundle, skill.sidecar)
        if not _own(items) or unlearned(skill.bundle, items):
            return None
        if len(skill.bundle.files) > len(markdown(skill.bundle)):
            return None  # a file that a learned line names would stay behind, with nobody's word for it
        drops = [Edit(op="drop", item=item.id) for item in items if is_learned(item)]
        bundle, left = apply(skill.bundle, items, drops, topic_title(name.replace("-", "_")))
    except BadInputError:
        return None  # somebody broke the file by hand
    told = f"All {len(cited)} sessions that {name} was learned from were forgotten: {len(drops)} lines go,"
    why = f"{told} and the {len(_own(left))} that no session is known for stay."
    if items[0].section == DESCRIPTION and items[0].evidence:
        bundle, left = _plain(name, bundle, left)
        why = f"{why} Title and description were learned, too, and only name the skill now."
    made = version(bundle)
    sidecar = Sidecar(skill=name, version=made, parents=[skill.version], engine=FORGOTTEN)
    known = state.skills.get(name)
    release = known.release(skill.version) if known is not None else None
    return Proposal(
        id=content_id("proposal", skill.version, "forgotten", sorted(cited), made),
        action="refine",
        skill=name,
        base=skill.version,
        engine=FORGOTTEN,
        why=why,
        scope=release.scope if release is not None else "global",
        project=release.project if release is not None else None,
        bundle=bundle,
        sidecar=msgspec.structs.replace(sidecar, items=left),
    )


def _plain(name: str, bundle: Bundle, items: list[Item]) -> tuple[Bundle, list[Item]]:
    """The bundle with a title and a description that tell nothing but the skill's name."""
    title = topic_title(name.replace("-", "_"))
    head, body = split(markdown(bundle)["SKILL.md"])
    parts = blocks(body)
    named = [
        msgspec.structs.replace(part, raw=f"# {title}\n")
        if (part.kind, part.level) == ("heading", 1)
        else part
        for part in parts
    ]
    bundle = replace_text(bundle, {"SKILL.md": head + join(named)})
    bundle, items = described_as(bundle, items, f"What people here know of {title}.")
    rest = [item for item in items if item.section != DESCRIPTION]
    return bundle, [*all_items(bundle, None)[:1], *rest]


def _all_learned(bundle: Bundle, sidecar: Sidecar) -> bool:
    """Whether all that the skill says is known to be learned from sessions."""
    try:
        items = all_items(bundle, sidecar)
    except BadInputError:
        return False
    return not _own(items) and not unlearned(bundle, items)


def _own(items: list[Item]) -> list[Item]:
    """The lines that no session is known for, but the description and what points to other files."""
    return [
        item
        for item in items
        if not item.evidence and item.section != DESCRIPTION and "](references/" not in item.text
    ]
