"""The last pass before a session leaves for a group: what it may not say of its owner; redaction again.

The stored form is redacted already. Here the owner's name, the client, the project's name and remote go,
hosts are masked unless the group lists them, and every rule of the redactor runs once more over what is
left.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Collection

import msgspec

from skillclaw.journal.redact import Redactor
from skillclaw.journal.redact_hosts import mask_hosts
from skillclaw.trajectory import model
from skillclaw.trajectory.model import Record, SessionMeta, Trajectory, meta, with_meta
from skillclaw.trajectory.projects import group_project_id

__all__ = ["Outgoing", "outgoing", "project_id"]

OF_THE_WORK = ("git_remote", "git_branch", "git_commit", "cwd", "project", "user", "home")
"""Facts in `env` that say where somebody works, not what the machine is like."""


class Outgoing(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What leaves: `body`, the ATIF bytes before they are sealed; `masked`: counts by kind; `size` in
    bytes.
    """

    body: bytes
    masked: dict[str, int]
    size: int


def outgoing(
    stored: Trajectory,
    redactor: Redactor,
    *,
    client_key: bytes,
    group: str = "",
    hosts: Collection[str] = (),
) -> Outgoing:
    """Exactly the bytes of `stored` that the evolver of `group` reads. `hosts`: those the group lists."""
    bare = _bare(stored, project_id(meta(stored), client_key, group), group)
    clean, counts = mask_hosts(redactor.trajectory(bare), client_key, hosts)
    last = meta(clean)
    if counts:
        total = dict(sorted((Counter(last.masked) + counts).items()))
        clean = with_meta(clean, msgspec.structs.replace(last, masked=total))
    body = model.encode(clean)
    return Outgoing(body=body, masked=meta(clean).masked, size=len(body))


def _bare(stored: Trajectory, project: str, group: str) -> Trajectory:
    """The session, and the sub-agents in it, without what names the person, the client and the place."""
    known = meta(stored)
    kept = msgspec.structs.replace(
        known,
        # Readers take both from the key that signed it.
        user="",
        client="",
        project=project,
        # Skills of other hubs are no business of this group; their names may be somebody's.
        skills=[use for use in known.skills if use.hub in (None, group)],
        env={name: value for name, value in known.env.items() if name not in OF_THE_WORK},
    )
    subs = stored.subagent_trajectories
    inner = None if subs is None else [_bare(sub, "", group) for sub in subs]
    return with_meta(msgspec.structs.replace(stored, subagent_trajectories=inner), kept)


def project_id(known: SessionMeta, client_key: bytes, group: str) -> str:
    """The project as others see it: the same for all members with the same remote, else this client's own.

    HMAC of the remote under the group's id, or of the name under the client's key.
    """
    remote = known.env.get("git_remote", "")
    if remote and group:
        return group_project_id(group, remote)
    if not known.project:
        return ""
    text = b"skillclaw project\0" + group.encode() + b"\0" + known.project.encode("utf-8", "surrogatepass")
    return "l-" + hmac.digest(client_key, text, hashlib.sha256).hex()[:16]
