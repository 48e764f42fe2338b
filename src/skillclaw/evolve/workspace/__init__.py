"""What an autonomous author may see of one skill's evidence: texts by path, made before it begins.

Nothing here is read from a disk and nothing can be written: a path that is not in the mapping does not exist.
It holds the evidence of one target and nothing else of anybody's sessions: patterns with their numbers, the
sessions that they cite, the skill as it is with the ids of its lines, what was tried before, and the names of
the other skills. People stand as `user 1`, `user 2`. Same input, same texts.

    target.md            what this is about, and how much support a line needs
    patterns/<id>.md     one pattern: what it says, its numbers, the sessions behind it
    sessions/<key>.md    one session, step by step
    skill/SKILL.md ...   the files of the skill as it is
    items.md             its lines, with the ids that edits name
    history.md           where it comes from, and attempts that were refused, with the reasons
    skills.md            the other skills that are there
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Protocol

from skillclaw.errors import BadInputError
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.evolvers._select import qualifies
from skillclaw.evolve.workspace.patterns import pattern_text
from skillclaw.evolve.workspace.sessions import session_text
from skillclaw.skills.frontmatter import parse
from skillclaw.skills.items import all_items, markdown
from skillclaw.skills.records import Bundle, Item, Pattern, Ref
from skillclaw.trajectory.model import Trajectory

__all__ = ["Subject", "files"]

SESSIONS = 40
"""Sessions that one workspace holds at most; numbers tell of the rest."""
FOR, AGAINST = 8, 4
"""Sessions of one pattern: those that support it and those that speak against it."""
ATTEMPTS, REASONS = 6, 8
"""Refused attempts that are told, the newest, and reasons of one."""
OTHERS = 200
"""Other skills that are named."""
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class Subject(Protocol):
    """What one proposal is about (`evolve.drafting.Target`)."""

    @property
    def skill(self) -> str:
        """The skill's name."""

    @property
    def topic(self) -> str:
        """The family of things that it is about."""

    @property
    def job(self) -> str:
        """The one job that it is about, as users name it; empty where it is about several."""

    @property
    def project(self) -> str | None:
        """The project that it is for; None: for all."""

    @property
    def patterns(self) -> Sequence[Pattern]:
        """What was found about it."""

    @property
    def base(self) -> Current | None:
        """The skill as it is; None where there is none yet."""


def files(target: Subject, context: EvolveContext) -> dict[str, str]:
    """The workspace for `target`: texts by path, in the order of their paths.

    Sessions come through the gate's own context, so that what was forgotten is not there; without one
    there are no sessions.
    """
    names = _people(target.patterns)
    found = {"target.md": _target(target, context, names)}
    for pattern in target.patterns:
        if _FILE_NAME.fullmatch(pattern.id):
            found[f"patterns/{pattern.id}.md"] = pattern_text(pattern, names)
    for key, session in _sessions(target, context).items():
        found[f"sessions/{key}.md"] = session_text(session, key, names)
    if target.base is not None:
        found |= _skill(target.base.bundle)
        found["items.md"] = _items(target.base)
    found["history.md"] = _history(target, context)
    found["skills.md"] = _others(target, context)
    return {path: found[path] for path in sorted(found)}


def _sessions(target: Subject, context: EvolveContext) -> dict[str, Trajectory]:
    """The sessions that the workspace of `target` holds, by key.

    For each pattern in turn some that support it and some that speak against it, of different people and
    agents first, newest first.
    """
    queues = [
        _both(_varied(pattern.evidence)[:FOR], _varied(pattern.contradictions)[:AGAINST])
        for pattern in sorted(target.patterns, key=lambda p: (-p.users, -p.sessions, p.id))
    ]
    turns = (ref for turn in zip_longest(*queues) for ref in turn if ref is not None)
    wanted = dict.fromkeys(ref.session for ref in turns if _FILE_NAME.fullmatch(ref.session))
    found: dict[str, Trajectory] = {}
    if context.gate is None:
        return found
    for key in wanted:
        session = context.gate.sessions(key) if len(found) < SESSIONS else None
        if session is not None:
            found[key] = session
    return found


def _both(supporting: list[Ref], against: list[Ref]) -> list[Ref]:
    """Two that support it, one that speaks against it, and so on: a cap cuts both."""
    pairs = [supporting[at : at + 2] for at in range(0, len(supporting), 2)]
    singles = [[ref] for ref in against]
    turns: Iterable[tuple[list[Ref], ...]] = zip_longest(pairs, singles, fillvalue=[])
    return [ref for turn in turns for refs in turn for ref in refs]


def _varied(refs: Sequence[Ref]) -> list[Ref]:
    """Newest first, and of each person and agent one before a second of the same."""
    newest = sorted(refs, key=lambda ref: ref.session)
    newest.sort(key=lambda ref: ref.day, reverse=True)
    seen: dict[tuple[str, str], int] = {}
    ranked = []
    for place, ref in enumerate(newest):
        turn = seen[ref.user, ref.agent] = seen.get((ref.user, ref.agent), 0) + 1
        ranked.append((turn, place, ref))
    return [ref for _, _, ref in sorted(ranked, key=lambda one: one[:2])]


def _people(patterns: Sequence[Pattern]) -> dict[str, str]:
    """What stands for each person: a model need not know who they are."""
    users = {ref.user for pattern in patterns for ref in (*pattern.evidence, *pattern.contradictions)}
    return {user: f"user {number}" for number, user in enumerate(sorted(users), 1)}


def _target(target: Subject, context: EvolveContext, names: Mapping[str, str]) -> str:
    policy = context.policy
    sessions = {ref.session for pattern in target.patterns for ref in pattern.evidence}
    lines = [
        f"# {target.skill}",
        "",
        f"- topic: {target.topic}",
        *([f"- the job: {target.job}"] if target.job else []),
        f"- scope: {f'project {target.project}' if target.project else 'all projects'}",
        f"- the skill: {'is there already (skill/, items.md)' if target.base else 'is not there yet'}",
        f"- patterns: {len(target.patterns)}, from {len(sessions)} sessions of {len(names)} people",
        f"- a line needs support by {policy.sessions} sessions of {policy.users} "
        f"{'person' if policy.users == 1 else 'people'} among those that its patterns cite",
        f"- lines that one change may touch: {context.changes}",
        "",
        "| pattern | kind | sessions | people | may carry a line | title |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {p.id} | {p.kind} | {p.sessions} | {p.users} | {'yes' if qualifies(p, policy) else 'no'} "
        f"| {_cell(p.title)} |"
        for p in sorted(target.patterns, key=lambda p: (-p.users, -p.sessions, p.id))
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())[:200]


def _skill(bundle: Bundle) -> dict[str, str]:
    found = {}
    for file in bundle.files:
        try:
            text = file.data.decode("utf-8")
        except UnicodeDecodeError:
            text = f"({len(file.data)} bytes that are not text)\n"
        if all(part not in ("", ".", "..") for part in file.path.split("/")):
            found[f"skill/{file.path}"] = text
    return found


def _items(base: Current) -> str:
    try:
        known = all_items(base.bundle, base.sidecar)
    except BadInputError as error:
        return f"The skill's lines cannot be told apart: {error.what}\n"
    return "\n".join(["# The skill's lines", "", *(_item(item) for item in known)]) + "\n"


def _item(item: Item) -> str:
    sessions = {ref.session for ref in item.evidence}
    if sessions or item.patterns:
        people = len({ref.user for ref in item.evidence})
        stands = f"{len(sessions)} sessions of {people} people; patterns {', '.join(item.patterns) or 'none'}"
        if item.helpful or item.harmful:
            stands += f"; {item.helpful} that did so succeeded, {item.harmful} failed"
        if item.odds_ratio is not None:
            stands += f"; odds ratio {item.odds_ratio:.2f}"
            stands += f" [{item.ci[0]:.2f}, {item.ci[1]:.2f}]" if item.ci is not None else ""
    else:
        stands = "a person wrote it; leave it as it is"
    text = "\n  ".join(item.text.splitlines())
    return f"- id {item.id}, {item.kind}, section {item.section or '(none)'}\n  {text}\n  ({stands})"


def _history(target: Subject, context: EvolveContext) -> str:
    lines = ["# History", ""]
    if target.base is None:
        lines.append("No version of this skill was ever released.")
    else:
        sidecar = target.base.sidecar
        parents = ", ".join(parent[:12] for parent in sidecar.parents) or "none"
        made_by = sidecar.engine or "a person"
        lines.append(f"Version {target.base.version[:12]}, made by {made_by}; before it: {parents}.")
    for one in [tried for tried in context.tried if tried.skill == target.skill][-ATTEMPTS:]:
        lines += ["", f"## Refused: {one.action} by {one.engine or 'a person'}", ""]
        lines += [f"- why: {' '.join(reason.split())[:400]}" for reason in one.reasons[:REASONS]]
        lines += ["", *(f"    {row}" for row in one.text.splitlines())]
    return "\n".join(lines) + "\n"


def _others(target: Subject, context: EvolveContext) -> str:
    bundles: dict[str, Bundle] = {}
    if context.gate is not None:
        bundles = {one.name: one.bundle for one in context.gate.foreign}
        bundles |= {name: one.bundle for name, one in context.gate.current.items()}
    bundles.pop(target.skill, None)
    lines = ["# Other skills", ""]
    lines += [f"- {name}: {_described(bundles[name])}" for name in sorted(bundles)[:OTHERS]]
    lines += [f"- {name}" for name in sorted(context.taken - bundles.keys() - {target.skill})[:OTHERS]]
    return "\n".join(lines if len(lines) > 2 else [*lines, "There are none."]) + "\n"


def _described(bundle: Bundle) -> str:
    try:
        head, _ = parse(markdown(bundle).get("SKILL.md", ""))
    except BadInputError:
        return "(no description)"
    return " ".join(head.description.split())[:400]
