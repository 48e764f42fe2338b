"""A hub's skills as a git repository: one commit for each entry of its log that released, changed or took
back a skill. Commit ids are the same on every machine, and a later export only adds to an earlier one.

The whole history is built anew each time and compared by its ids, which is what shows that the branch holds
nothing else; git stores only what it has not got. Everything up to the move of the branch leaves the
repository as it was, whatever fails.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from skillclaw.errors import UsageError
from skillclaw.server.git.repo import NEW, Repository
from skillclaw.server.git.story import changes
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.server.machine import Machine

__all__ = ["GitExport", "export_git"]


class GitExport(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What an export did: `commits` on the branch in all, `added` by this one, `tip` the last one's id (null
    where the hub has released nothing)."""

    hub: str
    folder: str
    branch: str
    commits: int
    added: int
    tip: str | None


def export_git(machine: Machine, folder: Path, hub: str) -> GitExport:
    """Bring the repository in `folder` to what the log of `hub` says.

    Raises UsageError where the folder is no repository of such an export, or files in it were changed;
    StorageError where log, objects, disk or git fail; BusyError while another export writes there.
    """
    source = machine.hubs.source(hub)
    if source.hub is None:
        assert source.error is not None
        raise source.error
    repository = Repository(folder)
    with repository.opened():
        branch = repository.branch()
        old = repository.tip(branch)
        if old is not None and not repository.made_here(old):
            raise _other(folder, hub)
        repository.check_clean()
        new, count = repository.build(changes(machine, source.hub))
        added = count
        if new is not None and old is not None:
            ahead = repository.behind(old, new)
            if ahead is None:
                raise _other(folder, hub)
            added = ahead
        elif old is not None:
            raise _other(folder, hub)
        if new is not None and (new != old or repository.unfinished):
            repository.move(branch, old, new)
        if repository.tip(NEW) is not None:
            repository.forget_new()
    return GitExport(
        hub=hub,
        folder=str(folder),
        branch=branch.removeprefix("refs/heads/"),
        commits=count,
        added=added,
        tip=new,
    )


def _other(folder: Path, hub: str) -> UsageError:
    return UsageError(
        f"{folder} has commits that are not of hub {hub}'s log.",
        "An export only ever adds to its own history; nothing was changed.",
        "Choose a new folder.",
    )
