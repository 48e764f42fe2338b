"""Two skills that come up for the same requests and say much the same become one.

The better supported one takes in what only the other says, line by line with its evidence, and the other is
archived by the very commit that makes it stable. Left alone: pinned skills, skills of different scope, skills
with text of a person (which nothing would ground in the other) and with files that are no Markdown.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import msgspec

from skillclaw.errors import BadInputError
from skillclaw.evolve.care.describing import better
from skillclaw.evolve.care.retiring import BY_CARE, NAME
from skillclaw.evolve.care.situation import Situation
from skillclaw.evolve.evolvers._draft import Unit
from skillclaw.evolve.evolvers._lines import additions
from skillclaw.evolve.evolvers._names import topic_title
from skillclaw.evolve.unlearned import unlearned
from skillclaw.gate.checks.duplicate import parts, shared, unsaid
from skillclaw.gate.cited import refs_of_items
from skillclaw.skills.bundle import version
from skillclaw.skills.edits import EditError, apply
from skillclaw.skills.frontmatter import parse, render
from skillclaw.skills.items import DESCRIPTION, all_items, markdown, replace_text, same_text
from skillclaw.skills.records import Bundle, Item, Proposal, Retired, Sidecar, content_id
from skillclaw.skills.retrieval import Entry
from skillclaw.skills.vocabulary import content_words
from skillclaw.trajectory.model import Record

__all__ = ["Pair", "describable", "described_as", "merges", "pairs"]

SAME = 0.65
"""Share of one skill's commands and terms that the other has, from which on they are worth one skill."""

TOGETHER = 0.5
"""Share of the requests of either that bring up both, from which on they trigger together."""

RIVAL = 0.6
"""Share of the likelier one's score from which on the other could as well be taken."""

LEAST = 4
"""Requests of each below which that is not measured."""


class Pair(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Two current skills that say much the same. `keeps` is the better supported one.

    overlap   share of the other's commands and terms that it has
    asked     requests of either that bring up one of them or both; `both` of them bring up both, None where
              too few are known: not measured
    """

    keeps: str
    goes: str
    overlap: float
    asked: int
    both: int | None

    @property
    def together(self) -> bool:
        """Whether they are known to come up for the same requests."""
        return self.both is not None and self.both >= TOGETHER * self.asked

    def text(self) -> str:
        """For people."""
        told = "whether they come up together is not measured"
        if self.both is not None:
            told = f"both come up for {self.both} of {self.asked} requests"
        return f"{self.keeps} has {self.overlap:.0%} of what {self.goes} says; {told}"


def pairs(given: Situation) -> list[Pair]:
    """Current skills that say much the same, in order of name."""
    found = []
    names = sorted(given.current)
    said = {name: parts(given.current[name].bundle) for name in names}
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            if _kin(given, first, second):
                continue
            keeps, goes = _ranked(given, first, second)
            share = shared(said[goes], said[keeps])
            if share >= SAME:
                found.append(_pair(given, keeps, goes, share))
    return found


def _pair(given: Situation, keeps: str, goes: str, share: float) -> Pair:
    own = [given.requests[name] for name in (keeps, goes)]
    asked, both = 0, 0
    for text in sorted({*own[0], *own[1]}):
        up = {hit.name for hit in given.index.find(text, close=RIVAL)} & {keeps, goes}
        asked, both = asked + bool(up), both + (len(up) == 2)
    known = min(map(len, own)) >= LEAST and asked >= LEAST
    return Pair(keeps=keeps, goes=goes, overlap=round(share, 3), asked=asked, both=both if known else None)


def _kin(given: Situation, first: str, second: str) -> bool:
    """Whether one was split off the other: they are apart on purpose."""
    for one, other in ((first, second), (second, first)):
        skill = given.state.skills.get(other)
        released = {release.version for release in skill.releases} if skill is not None else set()
        if released & given.current[one].split_from:
            return True
    return False


def _ranked(given: Situation, first: str, second: str) -> tuple[str, str]:
    def support(name: str) -> tuple[int, int, str]:
        refs = refs_of_items(given.current[name].sidecar.items)
        return (-len({ref.user for ref in refs}), -len({ref.session for ref in refs}), name)

    keeps, goes = sorted((first, second), key=support)
    return keeps, goes


def merges(given: Situation, found: Sequence[Pair]) -> list[Proposal]:
    """A proposal for each pair that triggers together; a skill is in one merge a cycle at most."""
    made: list[Proposal] = []
    used: set[str] = set(given.busy)
    for pair in found:
        if not pair.together or used & {pair.keeps, pair.goes}:
            continue
        reason = _apart(given, pair)
        if reason:
            given.notes.append(f"{pair.keeps} and {pair.goes} say much the same and stay apart: {reason}.")
            continue
        proposal = _merge(given, pair)
        if proposal is not None:
            made.append(proposal)
            used |= {pair.keeps, pair.goes}
    return made


def _apart(given: Situation, pair: Pair) -> str:
    """Why the two cannot become one; empty where they can."""
    goes = given.current[pair.goes]
    if given.scope(pair.keeps) != given.scope(pair.goes):
        return "one holds in a project only"
    if any(not file.path.lower().endswith(".md") for file in goes.bundle.files):
        return f"{pair.goes} brings files that are no text"
    try:
        items = all_items(goes.bundle, goes.sidecar)
        all_items(given.current[pair.keeps].bundle, given.current[pair.keeps].sidecar)
    except BadInputError:
        return "one of them cannot be read"
    pointers = {item.text for item in items if "](references/" in item.text}
    if any(not item.evidence for item in items if item.section != DESCRIPTION and item.text not in pointers):
        return f"{pair.goes} has lines that no session is known for"
    if unlearned(goes.bundle, items):
        return f"{pair.goes} has text outside of lists that no session is known for"
    return ""


def _merge(given: Situation, pair: Pair) -> Proposal | None:
    keeps, goes = given.current[pair.keeps], given.current[pair.goes]
    lost = {same_text(text) for text in unsaid(keeps.bundle, goes.bundle)}
    theirs = [i for i in all_items(goes.bundle, goes.sidecar) if i.section != DESCRIPTION and i.evidence]
    units, moved = list[Unit](), list[Item]()
    for section, group in groupby(theirs, key=lambda item: item.section):
        lines = list(group)
        # The steps of a procedure go together: one with a hole is worse than none.
        chosen = lines if lines[0].kind == "step" else [i for i in lines if same_text(i.text) in lost]
        if any(same_text(item.text) in lost for item in chosen):
            patterns = tuple(p for i in chosen for n in i.patterns if (p := given.by_id.get(n)))
            units.append(Unit(section, chosen[0].kind, tuple(item.text for item in chosen), patterns))
            moved += chosen
    ours = all_items(keeps.bundle, keeps.sidecar)
    title = topic_title(pair.keeps.replace("-", "_"))
    wanted = additions(units, {item.section for item in ours})
    if len(wanted) < len(moved):
        given.notes.append(
            f"{pair.keeps} and {pair.goes} stay apart: two procedures there have the same name."
        )
        return None
    try:
        bundle, _ = apply(keeps.bundle, ours, wanted, title)
    except EditError as error:
        given.notes.append(f"{pair.keeps} and {pair.goes} stay apart: {error.what}")
        return None
    ids = {item.id for item in moved}
    items = _with_evidence(keeps.sidecar.items, [item for item in theirs if item.id not in ids])
    described = _described(given, pair, [*items, *moved])
    if described is not None:
        bundle, items = described_as(bundle, items, described)
    if version(bundle) == keeps.version:
        # Nothing is new in the text: the record has to differ, for only a release archives the other.
        return _only_retire(given, pair)
    made = version(bundle)
    sidecar = Sidecar(
        skill=pair.keeps,
        version=made,
        parents=[keeps.version, goes.version],
        engine=NAME,
        items=[*items, *moved],
    )
    used = {p for item in moved for p in item.patterns}
    scope, project = given.scope(pair.keeps)
    return Proposal(
        id=content_id("proposal", "merge", keeps.version, goes.version, made),
        action="merge",
        skill=pair.keeps,
        base=keeps.version,
        engine=NAME,
        why=f"{_why(pair)} It takes in {len(moved)} lines of {pair.goes}, which is archived with it.",
        scope="project" if scope == "project" else "global",
        project=project,
        bundle=bundle,
        sidecar=sidecar,
        patterns=[given.by_id[p] for p in sorted(used) if p in given.by_id],
        retires=[Retired(skill=pair.goes, version=goes.version)],
    )


def _why(pair: Pair) -> str:
    return (
        f"{pair.keeps} and {pair.goes} come up together for {pair.both} of {pair.asked} requests and share "
        f"{pair.overlap:.0%} of their commands and terms."
    )


def _only_retire(given: Situation, pair: Pair) -> Proposal:
    """The other says nothing of its own: it is retired while the one that says the same stays as it is. The
    sessions that it cites are what is known of both."""
    goes = given.current[pair.goes]
    scope, project = given.scope(pair.goes)
    identity = content_id("proposal", goes.version, "said elsewhere", given.current[pair.keeps].version)
    return Proposal(
        id=f"{BY_CARE}{identity}",
        action="retire",
        skill=pair.goes,
        base=goes.version,
        engine=NAME,
        why=f"{_why(pair)} {pair.keeps} says all that {pair.goes} says.",
        scope="project" if scope == "project" else "global",
        project=project,
        against=refs_of_items(goes.sidecar.items),
        instead=Retired(skill=pair.keeps, version=given.current[pair.keeps].version),
    )


def _with_evidence(items: Sequence[Item], said: Sequence[Item]) -> list[Item]:
    """The items with the evidence and patterns of lines that say the same, so that what was learned from
    them stays this skill's."""
    found = list(items)
    for other in said:
        places = range(len(found))
        words = set(content_words(other.text))

        def likeness(place: int, words: set[str] = words, other: Item = other) -> tuple[bool, int, int]:
            item = found[place]
            common = len(words & set(content_words(item.text)))
            return (same_text(item.text) == same_text(other.text), common, -place)

        best = max((p for p in places if found[p].section != DESCRIPTION), key=likeness, default=None)
        if best is not None:
            item = found[best]
            refs = {ref.session: ref for ref in [*item.evidence, *other.evidence]}
            found[best] = msgspec.structs.replace(
                item,
                evidence=[refs[session] for session in sorted(refs)],
                patterns=sorted({*item.patterns, *other.patterns}),
            )
    return found


def _described(given: Situation, pair: Pair, items: Sequence[Item]) -> str | None:
    """A description that comes up for the requests of both, where the one that stays does not by itself."""
    ours = given.entries[pair.keeps].description
    if not any(
        i.section == DESCRIPTION and i.evidence and same_text(i.text) == same_text(ours) for i in items
    ):
        return None  # a person's words
    entries: dict[str, Entry] = {name: e for name, e in given.entries.items() if name != pair.goes}
    found = better(pair.keeps, entries, given.trials(pair.keeps, pair.goes), given.spoken(items))
    return found.description if found is not None and describable(given.current[pair.keeps].bundle) else None


def describable(bundle: Bundle) -> bool:
    """Whether its description can be written anew: its head can be read, and has no keys of a host, such as
    that agents may not use it by themselves, which would go."""
    try:
        return not parse(markdown(bundle).get("SKILL.md", ""))[0].extra
    except BadInputError:
        return False


def described_as(bundle: Bundle, items: Sequence[Item], description: str) -> tuple[Bundle, list[Item]]:
    """The bundle with another description, and its item with the new words and the same identity. It is to be
    `describable`."""
    head, body = parse(markdown(bundle)["SKILL.md"])
    text = render(msgspec.structs.replace(head, description=description)) + body
    fresh = [
        msgspec.structs.replace(item, text=description) if item.section == DESCRIPTION else item
        for item in items
    ]
    return replace_text(bundle, {"SKILL.md": text}), fresh
