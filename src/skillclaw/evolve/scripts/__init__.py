"""Command sequences that many sessions wrote the same become scripts of a skill.

A script is proposed for a skill that is there already, in a proposal of its own, because it always waits for
a person: the words of a skill must not wait with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from skillclaw.evolve.counts import counted
from skillclaw.evolve.drafting.records import Target
from skillclaw.evolve.drafting.targets import targets
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.evolvers._names import slug, topic_title
from skillclaw.evolve.scripts.common import key_of, shared
from skillclaw.evolve.scripts.trial import fault
from skillclaw.evolve.scripts.written import Written, written
from skillclaw.evolve.tried import Mark, same_evidence, script_mark
from skillclaw.evolve.turns import turn_by_turn
from skillclaw.skills.bundle import version
from skillclaw.skills.edits import Edit, EditError, apply
from skillclaw.skills.items import all_items
from skillclaw.skills.placing import SCRIPTS
from skillclaw.skills.records import Bundle, File, Pattern, Proposal, Ref, Sidecar, content_id
from skillclaw.skills.scripts import Script, parts, read, render
from skillclaw.trajectory.shapes import command_key
from skillclaw.trajectory.text import word_set

__all__ = ["ScriptUnit", "propose_script", "propose_scripts", "script_units"]

SESSIONS = 100
"""Sessions of one skill that are looked through for scripts, the newest ones."""
_SETTING_UP = frozenset({"", "cd", "export", "echo", "printf", "set", "mkdir", "source", "sleep", "exit"})
_WORDS = word_set("for while until if then elif else fi do done case esac in function { }")
"""What a shell reads as its own: it runs nothing."""


@dataclass(frozen=True)
class ScriptUnit:
    """A script with the line that names it, the sessions that wrote it, and the patterns that share them."""

    script: Script
    text: str
    evidence: tuple[Ref, ...]
    patterns: tuple[Pattern, ...]


def script_units(patterns: Sequence[Pattern], context: EvolveContext) -> list[ScriptUnit]:
    """The scripts that enough sessions of enough people behind `patterns` wrote, most sessions first.

    The same: as many lines that run the same programs with as many words, of which at most five values
    differ. Each line occurs in as many sessions as the policy asks, each script was tried. Without sessions
    to look into there are none.
    """
    gate = context.gate
    if gate is None:
        return []
    refs = {ref.session: ref for pattern in patterns for ref in pattern.evidence}
    groups: dict[object, dict[str, Written]] = {}
    newest = sorted(refs, key=lambda key: (refs[key].day, key), reverse=True)
    newest = turn_by_turn(newest, lambda key: refs[key].user)[:SESSIONS]
    for session in sorted(newest):
        trajectory = gate.sessions(session)
        grounds = gate.grounds(session)
        if trajectory is None or grounds is None or grounds.user != refs[session].user:
            continue
        for one in written(trajectory):
            groups.setdefault(key_of(one), {}).setdefault(session, one)
    found: list[ScriptUnit] = []
    for group in groups.values():
        unit = _unit(group, refs, patterns, context)
        if unit is not None and not any(unit.script.path == other.script.path for other in found):
            found.append(unit)
    return sorted(found, key=lambda unit: (-len(unit.evidence), unit.script.path))


def propose_scripts(
    patterns: Sequence[Pattern],
    current: Mapping[str, Current],
    context: EvolveContext,
    engine: str,
    changed: Collection[str],
) -> list[Proposal]:
    """The scripts to add to the skills that are there and that this cycle does not change otherwise
    (`changed`), one a skill at most."""
    about = [one for one in targets(patterns, current, context) if one.skill not in changed]
    return [made for one in about if (made := propose_script(one, context, engine)) is not None]


def propose_script(target: Target, context: EvolveContext, engine: str) -> Proposal | None:
    """The change that adds the best new script to the skill of `target`; None where there is none to add."""
    base = target.base
    if base is None or base.pinned:
        return None
    bodies = [
        script.lines for f in base.bundle.files if (script := read(f.path, f.data.decode("utf-8", "replace")))
    ]
    paths = {file.path for file in base.bundle.files}
    for unit in script_units(target.patterns, context):
        if unit.script.lines in bodies or unit.script.path in paths or _refused(unit, context):
            continue
        return _proposal(unit, target, engine)
    return None


def _unit(
    group: dict[str, Written], refs: dict[str, Ref], patterns: Sequence[Pattern], context: EvolveContext
) -> ScriptUnit | None:
    """The script of a group of sessions; of those that wrote the very same where they differ too much."""
    if not _enough(group, refs, context):
        return None
    sessions = sorted(group)
    common = shared([group[session] for session in sessions])
    if common is None:
        exact: dict[tuple[str, ...], list[str]] = {}
        for session in sessions:
            exact.setdefault(group[session].lines, []).append(session)
        sessions = max(exact.values(), key=lambda same: (len(same), same))
        if not _enough(sessions, refs, context):
            return None
        common = shared([group[session] for session in sessions])
        if common is None:
            return None
    first = group[sessions[0]]
    keys = _keys(first)
    name = slug(first.name.rsplit(".", 1)[0]) if first.name else _name(keys)
    script = Script(
        language=first.language,
        path=f"scripts/{name or 'run'}.{first.language}",
        args=list(common.args),
        lines=list(common.lines),
    )
    if read(script.path, render(script)) != script or not _occurs(script, sessions, refs, context):
        return None
    behind = [p for p in patterns if {ref.session for ref in p.evidence} & set(sessions)]
    if fault(script) or not behind:
        return None
    evidence = tuple(refs[session] for session in sessions)
    return ScriptUnit(script, _line(script, keys), evidence, tuple(sorted(behind, key=lambda p: p.id)))


def _enough(
    sessions: Sequence[str] | dict[str, Written], refs: dict[str, Ref], context: EvolveContext
) -> bool:
    users = {refs[session].user for session in sessions}
    return len(sessions) >= context.policy.sessions and len(users) >= context.policy.users


def _occurs(script: Script, sessions: Sequence[str], refs: dict[str, Ref], context: EvolveContext) -> bool:
    """Whether each line stands in the words or working calls of enough of the sessions."""
    gate = context.gate
    if gate is None:
        return False
    for words in parts(script):
        yes = [s for s in sessions if (own := gate.grounds(s)) is not None and own.supports(words)]
        if not _enough(yes, refs, context):
            return False
    return True


def _keys(script: Written) -> list[str]:
    if script.language == "py":
        return []
    keys = [command_key(line) for line in script.lines]
    return list(
        dict.fromkeys(
            key for key in keys if key.split(" ")[0] not in _SETTING_UP | _WORDS and " && " not in key
        )
    )


def _name(keys: Sequence[str]) -> str:
    """What to call a script that had no name: by what it runs, `kubectl-apply-rollout`."""
    words = dict.fromkeys(word for key in keys for word in slug(key).split("-"))
    name = ""
    for word in words:
        if len(name) + len(word) >= 32:
            break
        name = f"{name}-{word}" if name else word
    return name


def _line(script: Script, keys: Sequence[str]) -> str:
    """What the skill says of the script."""
    given = [re.sub(r"\d+$", "", name) for name in script.args]
    told = f" with {_joined(given)}" if given else ""
    does = f": it runs {', then '.join(f'`{key}`' for key in keys[:4])}" if keys else ""
    return f"Run [{script.path}]({script.path}){told}{does}."


def _joined(words: Sequence[str]) -> str:
    named = [f"{'an' if word[0] in 'aeiou' else 'a'} {word}" for word in words]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def _refused(unit: ScriptUnit, context: EvolveContext) -> bool:
    now = _mark(unit)
    return any(
        mark.pattern == now.pattern and (one.final or same_evidence(mark, now))
        for one in context.tried
        for mark in one.marks
    )


def _mark(unit: ScriptUnit) -> Mark:
    return script_mark(unit.script.path, list(unit.evidence))


def _proposal(unit: ScriptUnit, target: Target, engine: str) -> Proposal | None:
    base = target.base
    if base is None:
        return None
    edit = Edit(
        op="add",
        kind="script",
        section=SCRIPTS,
        text=unit.text,
        patterns=[pattern.id for pattern in unit.patterns],
    )
    try:
        known = all_items(base.bundle, base.sidecar)
        bundle, items = apply(base.bundle, known, [edit], topic_title(target.topic))
    except EditError:
        return None
    file = File(path=unit.script.path, data=render(unit.script).encode(), executable=True)
    bundle = Bundle(name=bundle.name, files=sorted([*bundle.files, file], key=lambda f: f.path))
    before = {item.id for item in known}
    fresh = {item.id for item in items} - before
    items = [
        msgspec.structs.replace(item, evidence=list(unit.evidence)) if item.id in fresh else item
        for item in items
    ]
    made = version(bundle)
    sessions, users = len(unit.evidence), len({ref.user for ref in unit.evidence})
    return Proposal(
        id=content_id("script", base.version, engine, made, sessions.bit_length(), users),
        action="refine",
        skill=target.skill,
        base=base.version,
        engine=engine,
        why=f"{sessions} sessions of {users} user{'' if users == 1 else 's'} wrote the same script.",
        scope="project" if target.project is not None else "global",
        project=target.project,
        bundle=bundle,
        sidecar=Sidecar(
            skill=target.skill,
            version=made,
            parents=[base.version],
            engine=engine,
            items=counted(
                [item for item in items if item.patterns or item.evidence], {p.id: p for p in unit.patterns}
            ),
        ),
    )
