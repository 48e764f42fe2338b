"""Names of skills: from what they are about, in the subset that every host takes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

from skillclaw.skills.records import content_id
from skillclaw.skills.text import has_mask, is_name

__all__ = ["is_project", "skill_name", "slug", "topic_title"]

SUFFIX = "know-how"
"""What is added to a single word: `git` alone is a program, and hosts have commands of that name."""
_RESERVED = frozenset({"anthropic", "claude"})
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)\Z")
MAX = 48
TITLE_WORDS = 4
PROJECT = 40
LONGEST = 60
"""Of a name before its number: a skill's may have 64 characters (agentskills.io)."""


def slug(text: str) -> str:
    """`text` as lower-case ASCII words with single hyphens; empty where nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    words = [word for word in re.split(r"[^a-z0-9]+", plain) if word and word not in _RESERVED]
    return "-".join(words)[:MAX].strip("-")


def skill_name(topic: str, project: str | None, taken: Container[str]) -> str:
    """A name for the skill about `topic`, of `project` where it holds in one only, not among `taken`."""
    base = slug(topic) or f"tool-{content_id('topic', topic)[:6]}"
    place = slug(project) if project is not None and is_project(project) else ""
    if project is not None:
        place = place[:24].strip("-") or content_id("project", project)[:6]
        # A project that is named like the topic adds nothing; a number will do where both exist.
        if not (base.startswith(place) or place.startswith(base)):
            base = f"{base[: LONGEST - len(place) - 1].strip('-')}-{place}"
    if "-" not in base or _DEVICE.match(base):
        base = f"{base}-{SUFFIX}"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def is_project(project: str) -> bool:
    """Whether a project's name may be shown: one short word. A folder can be called anything at all."""
    return is_name(project, PROJECT) and not has_mask(project)


def topic_title(topic: str) -> str:
    """The topic as a heading shows it: `customer_relationship_manager` -> `Customer relationship manager`."""
    words = topic.replace("_", " ").strip() if re.fullmatch(r"[a-z_]+", topic) else topic.strip()
    if len(words.split()) > TITLE_WORDS:
        return topic.strip()  # a name that long reads like a sentence, and would be one
    return words[:1].upper() + words[1:] if re.fullmatch(r"[a-z ]+", words) and " " in words else words
