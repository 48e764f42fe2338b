"""What the library remembers (`library.json`) and what it reports."""

from __future__ import annotations

from typing import Literal

from skillclaw.skills.threeway import Conflict
from skillclaw.trajectory.model import Record

__all__ = [
    "FORMAT",
    "Change",
    "ChangeKind",
    "FileMark",
    "HubSeen",
    "Installed",
    "LibraryState",
    "MergeRow",
    "Quarantined",
    "Row",
    "RowState",
    "SyncReport",
    "shown",
]

FORMAT = 1
"""Of `library.json`."""

RowState = Literal[
    "installed",
    "edited",
    "blocked",
    "missing",
    "failed",
    "outdated",
    "shadowed",
    "withheld",
    "waiting",
]
ChangeKind = Literal[
    "installed",
    "updated",
    "replaced",
    "merged",
    "removed",
    "quarantined",
    "edited",
    "blocked",
    "missing",
    "failed",
    "refused",
    "skipped",
    "shadowed",
    "withheld",
    "waits",
]

_QUIET = frozenset(["skipped", "missing"])
_TEXTS = {
    "installed": "Installed {skill} into {target}.",
    "updated": "Updated {skill} in {target}.",
    "replaced": "Replaced {skill} in {target}: {detail}",
    "merged": "Merged the new version of {skill} into your edited copy in {target}.",
    "removed": "Removed {skill} from {target}.",
    "quarantined": "Quarantined {skill} from {target}: {detail}",
    "edited": "Left {skill} in {target} as you edited it: {detail}",
    "blocked": "Did not install {skill} into {target}: {detail}",
    "failed": "Could not bring {skill} in {target} up to date: {detail}",
    "refused": "Did not install {skill} into {target}, a check refused it: {detail}",
    "shadowed": "{skill} is {detail}.",
    "withheld": "Withheld {skill} in {target}: {detail}",
    "waits": "{skill} in {target} waits: {detail}",
}


def shown(hub: str, skill: str) -> str:
    """The name of a skill for people and commands: a group's with its hub."""
    return skill if hub in ("", "personal") else f"{hub}/{skill}"


class FileMark(Record, frozen=True, kw_only=True):
    """A file as it was written: the hash of its bytes (`link` for a link) and whether it can be executed."""

    sha256: str
    executable: bool = False


class Installed(Record, frozen=True, kw_only=True):
    """One skill in one folder as SkillClaw wrote it.

    version, files   what was written last; empty while the first install is under way
    wanted           the version that the log makes current, where it is another
    pending_*        what is being written; settled at the next sync where that was cut off. `pending_hub`
                     where it is another hub's, whose skill takes the place
    leaving          the copy is being withheld (a canary, on a day without it): where it is gone, that was us
    """

    hub: str
    skill: str
    target: str
    version: str = ""
    files: dict[str, FileMark] = {}
    wanted: str = ""
    pending_hub: str = ""
    pending_version: str = ""
    pending_files: dict[str, FileMark] = {}
    leaving: bool = False


class Row(Record, frozen=True, kw_only=True, omit_defaults=False):
    """How one skill stands in one folder; `detail` says why, for people. `target` is empty for a skill that
    lies nowhere: it is shadowed by another hub's, or a canary that is withheld now (`withheld`). `waiting`: a
    canary comes or goes once no agent that reads the folder is in a session."""

    skill: str
    target: str
    state: RowState
    detail: str = ""
    hub: str = ""


class Quarantined(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One copy in quarantine: `id` is its folder there, `place` where it was (empty: not known), `edited`
    whether the user had changed it, `since` when it was moved (UTC)."""

    id: str
    skill: str
    version: str
    hub: str = ""
    place: str = ""
    edited: bool = False
    since: str = ""


class LibraryState(Record, frozen=True, kw_only=True):
    """`library.json`.

    rows      what the last sync of each hub could not install, for `status`
    declined  `<hub>/<skill>` that the user uninstalled, `*` for every hub; sync does not bring them back
    made      folders that SkillClaw made, outermost first; taken away again when empty
    """

    v: int = FORMAT
    installed: list[Installed] = []
    rows: dict[str, list[Row]] = {}
    declined: list[str] = []
    made: list[str] = []


class Change(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What sync or uninstall did with one skill in one folder, or why it did not."""

    skill: str
    target: str
    action: ChangeKind
    detail: str = ""
    version: str = ""
    hub: str = ""

    @property
    def shown(self) -> str:
        """The name by which commands know the skill."""
        return shown(self.hub, self.skill)


class MergeRow(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What a merge did with one edited copy, in `skills merge --json`.

    base, version  the version that the copy was made from, and the newer one (empty: there is none)
    state          merged; clean: it would merge, and nothing was written; conflicts: nothing was written;
                   nothing: there is nothing newer; failed, with the reason in `detail`
    """

    skill: str
    hub: str
    target: str
    base: str
    version: str = ""
    state: Literal["merged", "clean", "conflicts", "nothing", "failed"]
    conflicts: list[Conflict] = []
    detail: str = ""


class HubSeen(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One hub in a sync: the last entry of its log that was read, or why it could not be read."""

    hub: str
    seq: int = 0
    error: str = ""


class SyncReport(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What one sync or uninstall did. `unchanged` counts the copies that are as they should be; `hubs` is
    what was read of each hub, in the order of precedence."""

    changes: list[Change] = []
    unchanged: int = 0
    note: str = ""
    hubs: list[HubSeen] = []

    def lines(self) -> list[str]:
        """For people: what changed, and what stands in the way; empty where there is nothing to say."""
        told: dict[tuple[str, str, str], list[str]] = {}
        for change in self.changes:
            if change.action not in _QUIET:
                told.setdefault((change.action, change.shown, change.detail), []).append(change.target)
        lines = [
            _TEXTS[action].format(skill=skill, target=" and ".join(targets), detail=detail)
            for (action, skill, detail), targets in told.items()
        ]
        lines += [
            f"Nothing changes in what hub {one.hub} gave: {one.error}" for one in self.hubs if one.error
        ]
        return [*lines, self.note] if self.note else lines
