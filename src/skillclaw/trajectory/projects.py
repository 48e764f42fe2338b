"""What a project is called: by its folder, and by its git remote however that is written."""

from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import PurePath, PurePosixPath, PureWindowsPath

__all__ = ["MOST", "group_project_id", "is_home", "path_of", "remote_name"]

MOST = 400
"""Characters that a remote's URL may have; anything longer is not one."""

_HOME = re.compile(r"(?:/root|/(?:home|Users)/[^/]+|(?i:[a-z]:\\Users)\\[^\\]+|~)[/\\]?")
_WINDOWS = re.compile(r"[A-Za-z]:|\\\\")
_URL = re.compile(
    r"(?:git\+)?(?:https?|ssh|git)://(?:[^/@\s]*@)*(?P<host>[^/@:\s]+)(?::\d+)?/+(?P<path>[^?#\s]+)(?:[?#]\S*)?"
)
# git takes `host:path` for ssh unless a slash comes before the colon; one letter is a drive of Windows.
_SCP = re.compile(r"(?:[^/@:\s]+@)?(?P<host>[^/@:\s]{2,}):(?!//)/?(?P<path>[^?#\s]+)")

_END = re.compile(r"(?:\.git|/)+\Z")


def path_of(cwd: str) -> PurePath:
    """The working directory as a path of the system that it is written for."""
    return PureWindowsPath(cwd) if _WINDOWS.match(cwd) else PurePosixPath(cwd)


def is_home(cwd: str) -> bool:
    """Whether it is somebody's home folder, on this machine or another: that is no project."""
    return _HOME.fullmatch(cwd) is not None


def remote_name(url: str) -> str:
    """`host/path` in small letters, without protocol, port, `.git` and, above all, credentials.

    The same for all ways to write a repository's URL (https, ssh, `git@host:path`), so that two people's
    clones of it are one project. Empty for folders of one machine and for what is no URL.
    """
    text = url.strip()
    found = (_URL.fullmatch(text) or _SCP.fullmatch(text)) if len(text) <= MOST else None
    if found is None or "://" in found["path"]:
        return ""
    path = _END.sub("", found["path"]).lstrip("/")
    return f"{found['host']}/{path}".lower() if path and "@" not in path else ""


def group_project_id(group: str, remote: str) -> str:
    """The project with this remote (`host/path`, see `remote_name`) as the group with this id names it:
    `p-` and 16 hex digits of HMAC-SHA256(group id, remote in small letters).

    All members with a clone of it get the same, and nobody outside the group can tell which remote it is
    without guessing it.
    """
    return "p-" + hmac.digest(group.encode(), remote.casefold().encode(), hashlib.sha256).hex()[:16]
