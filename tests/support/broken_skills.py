"""What stands in the agents' folders right behind a fault, before any later command mends it: every skill is
absent or whole, byte for byte as some hub released it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from skillclaw.errors import BadInputError
from skillclaw.hub.founding import INFO, parse_info
from skillclaw.hub.log import MAX_COMMIT
from skillclaw.hub.reading import LogReader
from skillclaw.hub.store import Store
from skillclaw.library.folders import from_folder
from skillclaw.skills.bundle import version

__all__ = ["FOLDERS", "STAGE", "halves", "released"]

FOLDERS = (".claude/skills", ".agents/skills", "target", ".skillclaw/quarantine")
"""Where skills are installed, below the user's home, and where copies of revoked ones are kept."""
HUBS = (".skillclaw/hub", "group", "group2")
STAGE = ".skillclaw-tmp-"
"""How folders begin in which a skill is put together, out of agents' sight (`library.swap`)."""


def released(root: Path) -> set[tuple[str, str]]:
    """Each skill and version that a hub below `root` released, by its log."""
    found: set[tuple[str, str]] = set()
    for place in (root / hub for hub in HUBS):
        if not (place / INFO).is_file():
            continue
        store = Store(str(place), make=False)
        info = parse_info(store.get(INFO, MAX_COMMIT) or b"", store.shown)
        with tempfile.TemporaryDirectory() as seen:
            state = LogReader(store, info, Path(seen) / "hubs.json").read()
        found |= {(one.name, release.version) for one in state.skills.values() for release in one.releases}
    return found


def halves(
    root: Path, releases: Collection[tuple[str, str]], edits: Mapping[Path, str], own: str = "my own\n"
) -> list[str]:
    """What of the skills' folders is neither a release, whole, nor the user's own as they left it."""
    wrong = []
    for folder in (root / one for one in FOLDERS):
        for place in sorted(folder.iterdir()) if folder.is_dir() else ():
            path = place / "SKILL.md"
            if place.name.startswith(STAGE) or (folder.name == "quarantine" and place.is_file()):
                continue
            name = place.name.partition("@")[0]
            if place.name == "own" or path in edits:
                good = path.is_file() and path.read_text("utf-8") == edits.get(path, own)
            else:
                good = (name, _version(place, name)) in releases
            if not good:
                wrong.append(str(place.relative_to(root)))
    return wrong


def _version(place: Path, name: str) -> str:
    """Of a skill's folder as it is; empty where that is no skill at all."""
    try:
        return version(from_folder(place, name))
    except (BadInputError, OSError):
        return ""
