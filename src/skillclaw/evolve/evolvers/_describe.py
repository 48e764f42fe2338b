"""The description of a skill: by it agents decide whether to read on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from skillclaw.evolve.drafting.records import Target
from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.evolvers._draft import Unit
from skillclaw.evolve.evolvers._names import is_project, topic_title
from skillclaw.evolve.evolvers._phrases import code, command_words, error_name, joined
from skillclaw.evolve.evolvers._voice import keeper
from skillclaw.evolve.evolvers._wishes import common_wish, ended, term_words, wish
from skillclaw.evolve.job_groups import says_job
from skillclaw.evolve.work import Task
from skillclaw.skills.frontmatter import plain
from skillclaw.skills.placing import RULES, WHEN
from skillclaw.skills.records import Intent, Pattern
from skillclaw.trajectory.text import STOP, words

__all__ = ["describe", "near_misses", "title_of"]

LONGEST = 1000
"""Characters of a description; hosts take 1,024."""
TASKS, TROUBLES, OTHERS = 320, 240, 160
"""Characters for what is asked, for what goes wrong, and for what the skill is not for."""
NEAR = 0.2
"""A task that shares this part of its words with one of the skill's own may be taken for it."""
TASKS_LOOKED_AT = 300
"""Tasks without a procedure that are compared with one skill, those of most sessions first."""
LOOKED_AT = 12
"""Intents with the most words in common that are put into words."""


def title_of(group: Target, units: Sequence[Unit]) -> str:
    """The heading of a new skill: the class of jobs that it is about."""
    tasks = {unit.section for unit in units if unit.kind == "step"}
    if len(tasks) == 1 and (group.named_for_job or (group.job and _by_command(units))):
        return tasks.pop().split(" / ", 1)[1]
    ruled = _ruled(group, units)
    if group.job and not tasks and not ruled and _by_command(units):
        return group.job
    title = topic_title(group.topic)
    if ruled:
        title = code(title)  # a weak agent that reads of a task there does not heed the rules
    else:
        title = f"Using {title}" if _by_command(units) else title[:1].upper() + title[1:]
    return f"{title} in {group.project}" if group.project and is_project(group.project) else title


def describe(
    group: Target, units: Sequence[Unit], others: Sequence[str], context: EvolveContext
) -> tuple[str, list[Pattern]]:
    """The frontmatter's description, what, when and when not, and the patterns that it stands on.

    It begins with the job, since some hosts show 60 characters. Any sentence may be left out. What holds in
    one project only says so, since every agent of the machine reads it. `others`: tasks that it is not for.
    """
    units = [_called(unit) for unit in units]
    steps = [unit for unit in units if unit.kind == "step"]
    used: list[Pattern] = []
    fixes = [unit for unit in units if unit.kind == "fix" and unit.triggers]
    tasks = _taken(((_lower(unit.triggers[0]), unit.patterns) for unit in steps), TASKS, used)
    wordings = _taken(((_lower(t), unit.patterns) for unit in steps for t in unit.triggers), TASKS, used)
    troubles = _taken(((unit.triggers[0], unit.patterns) for unit in fixes), TROUBLES, used)
    where = ""
    if group.project:
        where = f" in the project {group.project}" if is_project(group.project) else " in one project"
    sentences = []
    if tasks:
        more = ["more"] if len(tasks) > 3 else []
        head = joined([*tasks[:3], *more])
        if _by_command(units):
            sentences.append(f"{head[:1].upper()}{head[1:]}{where}: the steps that work.")
        else:
            title = topic_title(group.topic)
            sentences.append(f"{title[:1].upper()}{title[1:]}{where}: how to {head}, step by step.")
        sentences.append(f"Use when the user asks {joined([_to(task) for task in wordings], 'or')}.")
        if troubles:
            sentences.append(f"Also when {joined(troubles, 'or')}.")
    elif _ruled(group, units):
        told = _taken(((_lower(unit.lead), unit.patterns) for unit in fixes), TROUBLES, used)
        sentences.append(f"Rules for {topic_title(group.topic)}{where}: {'; '.join(told)}.")
        sentences.append(f"Use when {joined(troubles, 'or')}.")
        if group.asked:
            sentences.append(f"As for requests like: {ended(group.asked)}.")
        others = ()
    elif troubles:
        head, _, rest = fixes[0].lead.rpartition(": ")
        head = group.job or head
        sentences.append(f"{head}{where}: {_lower(rest)}." if head else f"{rest}{where}.")
        leads = dict.fromkeys(_lower(unit.lead.partition(": ")[0]) for unit in fixes if ": " in unit.lead)
        errands = [_lower(group.job)] if group.job else list(leads)[:3]
        wishes = [f"the user asks {_to(errand)}" for errand in errands]
        sentences.append(f"Use when {joined([*wishes, *troubles], 'or')}.")
    else:
        sentences.append(f"Avoid what fails with {topic_title(group.topic)}{where}.")
    if others:
        sentences.append(f"Not for requests {joined([_to(task) for task in others], 'or')}.")
    so_far = " ".join(sentences).lower()
    terms = [term for term in _terms(units, context) if term not in so_far][:4]
    if terms:
        sentences.append(f"Also about {joined(terms)}.")
    while len(" ".join(sentences)) > LONGEST and len(sentences) > 1:
        sentences.pop()
    used += [unit.patterns[0] for unit in units]
    return plain(" ".join(sentences)), list({pattern.id: pattern for pattern in used}.values())


def _taken(found: Iterable[tuple[str, tuple[Pattern, ...]]], room: int, used: list[Pattern]) -> list[str]:
    """The texts that fit into `room`, each once; their patterns go to `used`."""
    texts: list[str] = []
    for text, patterns in found:
        text = plain(text)
        if text and text not in texts and len("; ".join([*texts, text])) <= room:
            texts.append(text)
            used += patterns
    return texts


def _called(unit: Unit) -> Unit:
    """The unit with what calls for it, where only its lines are known: they came from a skill."""
    if unit.triggers or unit.section == WHEN:
        return unit
    if unit.kind == "step":
        return replace(unit, triggers=(unit.section.rpartition(" / ")[2],))
    failed = unit.patterns[0].failed
    if unit.kind != "fix" or failed is None:
        return unit
    words, error = command_words(failed.command, failed.tool), error_name(unit.patterns[0].error)
    fails = f"fails with {error}" if error else "fails"
    return replace(unit, triggers=(f"{words} {fails}",), lead=f"Get {words} to work when it {fails}")


def _ruled(group: Target, units: Sequence[Unit]) -> bool:
    """Whether they say what is always to be done with a program for one purpose, and no task's steps."""
    steps = any(unit.kind == "step" for unit in units)
    return says_job(group.topic) and not steps and any(unit.section == RULES for unit in units)


def _by_command(units: Sequence[Unit]) -> bool:
    return any(shape.command is not None for unit in units for p in unit.patterns for shape in p.actions)


def _to(task: str) -> str:
    """What follows "the user asks"."""
    return f"for {task}" if task.startswith("help with ") else f"to {task}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _terms(units: Sequence[Unit], context: EvolveContext) -> list[str]:
    """Words that tell these requests from others and that most of them have."""
    found: list[str] = []
    for unit in units:
        pattern = unit.patterns[0]
        if pattern.intent is not None and unit.kind == "step":
            found += term_words(pattern.intent, keeper(pattern, context, said=True), 3)
    return list(dict.fromkeys(found))


def near_misses(group: Target, units: Sequence[Unit], context: EvolveContext, limit: int = 2) -> list[str]:
    """The tasks nearest to those of `units` that the skill does not tell how to do, as users ask for them:
    of other procedures, and those that no procedure was found for."""
    own = {pattern.id for unit in units for pattern in unit.patterns}
    names = [task for unit in units if unit.kind == "step" for task in unit.triggers]
    mine = [_telling(task) for task in names or [group.job] if task]
    if not mine:
        return []
    others: list[tuple[Intent, Pattern | Task]] = [
        (p.intent, p)
        for p in context.mined
        if p.kind == "procedure" and p.intent is not None and p.id not in own
    ]
    others += [(task.intent, task) for task in _without_procedure(group, context)]
    close = sorted(others, key=lambda x: (-_nearest(x[0].label, mine), x[0].label, x[1].id))
    found: dict[str, float] = {}
    for intent, source in close[:LOOKED_AT]:
        put = wish if isinstance(source, Pattern) else common_wish
        name = _lower(put(intent, keeper(source, context, said=True))[1])
        share = _nearest(name, mine)
        if name and NEAR <= share < 1 and len(name) <= OTHERS // 2:
            found.setdefault(name, share)
    return sorted(found, key=lambda name: (-found[name], name))[:limit]


def _without_procedure(group: Target, context: EvolveContext) -> list[Task]:
    """Tasks of other jobs that no procedure was seen in.

    None for a skill about more than one task: much of what it does not name may well be of its class. For the
    same reason what is done with the service or program that it is about is left out.
    """
    about = {pattern.topic for pattern in group.patterns if says_job(pattern.topic)}
    points = context.work.points
    done = {c for p in context.mined if p.kind == "procedure" for c in context.work.asked.get(p.id, ())}
    kinship = context.kinship
    if not all(kinship.alike(group.tasks[0], own) > 0 for own in group.tasks):
        return []
    found = [
        task
        for cluster, task in context.work.tasks.items()
        if cluster not in done
        and points[cluster].topic not in about
        and not any(kinship.alike(cluster, own) > 0 for own in group.tasks)
    ]
    return sorted(found, key=lambda task: (-points[task.id].sessions, task.intent.label))[:TASKS_LOOKED_AT]


def _telling(text: str) -> frozenset[str]:
    return frozenset(word for word in words(text) if word not in STOP and word not in ("user", "user's"))


def _nearest(text: str, mine: Sequence[frozenset[str]]) -> float:
    return max(_shared(_telling(text), one) for one in mine)


def _shared(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / len(first | second) if first | second else 0.0
