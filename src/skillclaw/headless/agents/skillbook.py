"""The skills that an agent has: read from its home, picked for a task, written into its prompt.

Both ways of showing them are read on the wire by `trajectory.skilluse`: a list under `## Available skills`
in the system message is what was offered; `<skill-context name=...>` as a message of its own (the form that
Copilot has) is a skill that was read, and so is the result of the tool `read_skill`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from skillclaw.errors import BadInputError
from skillclaw.skills.frontmatter import parse
from skillclaw.skills.tokens import estimate
from skillclaw.skills.vocabulary import content_words
from skillclaw.trajectory.model import Record
from skillclaw.trajectory.text import word_set

__all__ = ["Skill", "block", "listed", "pick", "read_skills", "shortened"]

FOLDERS = (".agents/skills", ".claude/skills")
LARGEST = 200_000
"""Bytes of a SKILL.md that are read; a larger one is left out."""
THRESHOLD = 0.1
"""Least likeness (cosine, 0 to 1) of a skill's name and description to the instruction."""
SHARED = 2
"""Words that they must have in common at least: one alone is chance."""
ANY_TASK = word_set(
    "add ask day do file find get give keep list look make month name new number open print put read save "
    "say set show take tell text time use want way word work write"
)
"""What tasks of all kinds say: that these alone are in common says nothing."""


class Skill(Record, frozen=True, kw_only=True):
    """One skill in a home. `path` is where the agent finds its SKILL.md, beginning with `~/`."""

    name: str
    description: str
    path: str
    text: str
    body: str


def read_skills(home: Path) -> list[Skill]:
    """The skills under `home` by name; of two with one name the first folder's. What cannot be read as a
    skill is left out, as the platforms do it."""
    found: dict[str, Skill] = {}
    for folder in FOLDERS:
        for path in sorted((home / folder).glob("*/SKILL.md")):
            skill = _read(path, f"~/{folder}/{path.parent.name}/SKILL.md")
            if skill is not None:
                found.setdefault(skill.name, skill)
    return [found[name] for name in sorted(found)]


def _read(path: Path, shown: str) -> Skill | None:
    try:
        if path.stat().st_size > LARGEST:
            return None
        text = path.read_text("utf-8")
        head, body = parse(text)
    except (OSError, UnicodeDecodeError, BadInputError):
        return None
    return Skill(name=head.name, description=head.description, path=shown, text=text, body=body.strip())


def pick(skills: Sequence[Skill], instruction: str, most: int) -> list[Skill]:
    """The skills whose name and description are most like the instruction, best first.

    Cosine of word sets weighted by ln(1 + n / skills that have the word); a name's words count twice. Of the
    words in common one must be more than what any task says (`ANY_TASK`): in a small library those are as
    rare as what a skill is about.
    """
    words = {skill.name: _words(skill) for skill in skills}
    spread = Counter(word for known in words.values() for word in known)
    wanted = {_stem(word) for word in content_words(instruction)} & set(spread)

    def weight(word: str) -> float:
        return math.log(1 + len(skills) / spread[word])

    length = math.sqrt(sum(weight(word) ** 2 for word in wanted))
    scored: list[tuple[float, str, Skill]] = []
    for skill in skills:
        known = words[skill.name]
        shared = wanted & set(known)
        if len(shared) < SHARED or shared <= ANY_TASK:
            continue
        # Sorted, so that sums of floats do not depend on the order of a set.
        norm = math.sqrt(sum((known[word] * weight(word)) ** 2 for word in sorted(known)))
        score = sum(known[word] * weight(word) ** 2 for word in sorted(shared)) / (norm * length)
        if score >= THRESHOLD:
            scored.append((-score, skill.name, skill))
    return [skill for _, _, skill in sorted(scored, key=lambda row: row[:2])[:most]]


def _words(skill: Skill) -> dict[str, int]:
    named = {_stem(word) for word in content_words(skill.name.replace("-", " "))}
    described = {_stem(word) for word in content_words(skill.description)}
    return {word: 2 if word in named else 1 for word in named | described}


def _stem(word: str) -> str:
    """Crude, and the same on both sides: reports, reported and reporting are one word."""
    word = word.removesuffix("'s")
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word


def shortened(skills: Sequence[Skill], tokens: int) -> list[tuple[Skill, str]]:
    """The skills with as much of their bodies as `tokens` (estimated) hold in all.

    A body that does not fit is cut at a line if it is the first, and left out otherwise.
    """
    taken: list[tuple[Skill, str]] = []
    left = tokens
    for skill in skills:
        body = skill.body
        if estimate(body) > left:
            if taken:
                continue
            body = _cut(body, left)
        left -= estimate(body)
        taken.append((skill, body))
    return taken


def _cut(body: str, tokens: int) -> str:
    kept: list[str] = []
    for line in body.split("\n"):
        if estimate("\n".join([*kept, line])) > tokens - 10:
            break
        kept.append(line)
    return "\n".join([*kept, "[The rest is left out: too long.]"])


def listed(skills: Sequence[Skill], *, descriptions: bool) -> str:
    """The list of what is offered, for the end of the system message; empty without skills."""
    if not skills:
        return ""
    lines = [
        f"- {skill.name}: " + (f"{_line(skill.description)} ({skill.path})" if descriptions else skill.path)
        for skill in skills
    ]
    return "\n".join(["", "", "## Available skills", *lines])


def block(skill: Skill, body: str) -> str:
    """A skill's text as a message of its own, before the user's."""
    return f'<skill-context name="{skill.name}">\n{body}\n</skill-context>'


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
