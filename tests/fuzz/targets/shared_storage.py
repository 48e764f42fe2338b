"""Skills as others share them: the public SkillClaw's storage, plain folders (`hub import-skillclaw`).

The input is a number of objects: a line `@key`, then the bytes up to the next such line. Hashes that say
`right` are made right.
"""

from __future__ import annotations

import hashlib

from skillclaw.errors import UsageError
from skillclaw.library.shared_layout import Found, manifests, read_plain, read_shared
from skillclaw.skills.bundle import check_files

ALLOWED = (UsageError,)
DICT = (
    b"\n@manifest.jsonl\n",
    b"\n@skills/git/SKILL.md\n",
    b"\n@skills/git/versions/v1/bundle.json\n",
    b'"name"',
    b'"version"',
    b'"files"',
    b'"path"',
    b'"sha256"',
    b'"right"',
    b'"uploaded_at"',
    b"../",
    b"---\nname: git\ndescription: d\n---\n",
    b"\n@team/manifest.jsonl\n",
    b"\n@a/SKILL.md\n",
    b"999999999",
)


class Objects:
    """Objects in memory, as storage gives them."""

    def __init__(self, data: bytes) -> None:
        self.held: dict[str, bytes] = {}
        for part in (b"\n" + data).split(b"\n@")[1:200]:
            key, _, body = part.partition(b"\n")
            self.held[key.decode("utf-8", "replace")] = body

    def get(self, key: str, limit: int) -> bytes | None:
        found = self.held.get(key)
        return None if found is None else found[: limit + 1]

    def list(self, prefix: str) -> list[str]:
        start = f"{prefix}/" if prefix else ""
        return sorted(key for key in self.held if key.startswith(start))

    def executable(self, key: str) -> bool:
        return len(key) % 2 == 0


def once(data: bytes) -> None:
    """Every skill that is found can lie in a folder."""
    origin = Objects(data)
    body = origin.held.get("skills/git/SKILL.md", b"")
    if "manifest.jsonl" in origin.held:
        right = hashlib.sha256(body).hexdigest().encode()
        origin.held["manifest.jsonl"] = origin.held["manifest.jsonl"].replace(b'"right"', b'"' + right + b'"')
    for prefix in manifests(origin):
        for one in read_shared(origin, prefix, history=True):
            _check(one)
    for one in read_plain(origin, "whole"):
        _check(one)


def _check(one: object) -> None:
    if isinstance(one, Found):
        for version in one.versions:
            check_files(version.bundle.files)
