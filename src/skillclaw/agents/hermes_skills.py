"""Skills that Hermes' own model wrote.

As 0.19.0 marks them: `skills/.usage.json` has `created_by: "agent"` for those that a look back on a
conversation made. One that was made in the conversation itself has no mark there; the result of its
`skill_manage` call in `state.db` names its folder.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from skillclaw.agents.history.sqlite import columns_of, reading
from skillclaw.errors import UNREADABLE, SkillClawError

__all__ = ["written_by_it"]

MOST = 1 << 22
"""Bytes of a usage file that is read."""
COLUMNS = ("role", "tool_name", "content")


def written_by_it(home: Path) -> list[Path]:
    """The folders of these skills that are still there, by name."""
    skills = home / "skills"
    folders = _folders(skills)
    found = {folders[name] for name in _marked(skills / ".usage.json") if name in folders}
    found |= {
        skills / relative for relative in _made(home / "state.db") if (skills / relative) in folders.values()
    }
    return sorted(found)


def _folders(skills: Path) -> dict[str, Path]:
    """The skills by their folder's name: at the top, and in folders of a category."""
    found: dict[str, Path] = {}
    try:
        for pattern in ("*/*/SKILL.md", "*/SKILL.md"):
            for path in skills.glob(pattern):
                if not any(part.startswith(".") for part in path.relative_to(skills).parts):
                    found[path.parent.name] = path.parent
    except OSError:
        pass
    return found


def _marked(path: Path) -> set[str]:
    try:
        if path.stat().st_size > MOST:
            return set()
        value = msgspec.json.decode(path.read_bytes())
    except (OSError, *UNREADABLE):
        return set()
    records = value.items() if isinstance(value, dict) else ()
    return {
        str(name)
        for name, record in records
        if isinstance(record, dict)
        and (record.get("created_by") == "agent" or record.get("agent_created") is True)
    }


def _made(database: Path) -> set[str]:
    """The folders, below that of the skills, which calls in conversations made."""
    if not set(COLUMNS) <= columns_of(database, "messages"):
        return set()
    try:
        with reading(database, {"messages": COLUMNS}) as db:
            rows = db.execute(
                "SELECT content FROM messages WHERE role = 'tool' AND tool_name = 'skill_manage' "
                "AND content LIKE '%\"skill_md\"%'"
            ).fetchall()
    except SkillClawError:
        return set()
    found = set()
    for (content,) in rows:
        try:
            value = msgspec.json.decode(str(content))
        except UNREADABLE:
            continue
        relative = value.get("path") if isinstance(value, dict) and value.get("success") is True else None
        if isinstance(relative, str):
            found.add(relative)
    return found
