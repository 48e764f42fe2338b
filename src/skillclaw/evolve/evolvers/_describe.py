"""The description of a skill: by it agents decide whether to read on."""

from __future__ import annotations

import re

from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.evolvers._draft import Unit, keeper
from skillclaw.evolve.evolvers._names import is_project, topic_title
from skillclaw.evolve.evolvers._phrases import command_words, error_name, joined, term_words
from skillclaw.skills.frontmatter import plain
from skillclaw.skills.records import Pattern

__all__ = ["describe"]

_DANGLING = re.compile(
    r"(?:\s+(?:…|a|an|and|at|by|called|for|from|in|my|named|of|on|or|that|the|to|with))+$", re.IGNORECASE
)


def describe(
    topic: str, project: str | None, units: list[Unit], context: EvolveContext
) -> tuple[str, list[Pattern]]:
    """The frontmatter's description, what and when, and the patterns that it stands on.

    What holds in one `project` only says so, since every agent of the machine reads it.

    The first sentence says enough alone (some hosts show 60 characters), and any sentence may be left out.
    """
    steps = [unit for unit in units if unit.kind == "step"]
    fixes = [unit for unit in units if unit.kind == "fix"]
    title = topic_title(topic)
    if project:
        title += f" in the project {project}" if is_project(project) else " in one project"
    used: list[Pattern] = []
    tasks: list[str] = []
    for unit in steps:
        name = unit.section.split(" / ", 1)[1].removesuffix(" (another way)")
        name = _DANGLING.sub("", plain(name))
        name = name[:1].lower() + name[1:]
        if name and name not in tasks and len("; ".join([*tasks, name])) <= 320:
            tasks.append(name)
            used += unit.patterns
    errors: list[str] = []
    for unit in fixes:
        failed = unit.patterns[0].failed
        if failed is None:
            continue
        error = error_name(unit.patterns[0].error)
        what = f"{plain(command_words(failed))} fails{f' with {error}' if error else ''}"
        if unit.patterns[0].kind == "correction":
            what = f"{plain(command_words(failed))} comes to mind"
        if what not in errors and len("; ".join([*errors, what])) <= 240:
            errors.append(what)
            used += unit.patterns
    sentences = []
    if tasks:
        sentences.append(f"{title}: how to {joined(tasks[:2])}, step by step.")
        asks = f"to {joined(tasks, 'or')}" if len(tasks) > 2 else "for that"
        sentences.append(f"Use when the user asks {asks}.")
        if errors:
            sentences.append(f"Use when {joined(errors, 'or')}.")
    elif errors:
        sentences.append(f"{title}: what to do when {errors[0]}.")
        if errors[1:]:
            sentences.append(f"Also when {joined(errors[1:], 'or')}.")
    else:
        sentences.append(f"{title}: what to avoid.")
    said = " ".join(sentences).lower()
    terms: list[str] = []
    for unit in [*steps, *fixes, *units]:
        pattern = unit.patterns[0]
        for term in term_words(pattern.intent, keeper(pattern, context, said=True)) if pattern.intent else []:
            if term not in terms and term not in said and len(terms) < 4:
                terms.append(term)
    if terms:
        sentences.append(f"Also about {joined(terms)}.")
    used += [unit.patterns[0] for unit in units]
    return plain(" ".join(sentences)), list({pattern.id: pattern for pattern in used}.values())
