"""Names of tools and ids of calls on the two sides.

Anthropic takes `[a-zA-Z0-9_-]{1,128}` as a tool's name and `[a-zA-Z0-9_-]+` as a call's id; OpenAI takes 64
characters of the same for both names and ids. The same agent's name always becomes the same wire name, so
that provider caches stay warm and a history can be named without the list of tools it once had.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable

from skillclaw.wire.translate.form import Tool

__all__ = ["Names", "made_id", "openai_id", "plain_id", "upstream_id"]

LIMIT = 64
NOT_ALLOWED = re.compile(r"[^a-zA-Z0-9_-]")
WRAPPED = "scid_"
"""Prefix of a call id whose characters Anthropic would refuse: base64url of the id follows."""


class Names:
    """The tools of one request by both their names."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._wire: dict[tuple[str, str], str] = {}
        self._tools: dict[str, Tool] = {}
        for tool in tools:
            wire = _flat(tool.namespace, tool.name)
            if wire in self._tools and (tool.namespace, tool.name) not in self._wire:
                wire = _hashed(wire, f"{tool.namespace}\0{tool.name}")
            self._wire.setdefault((tool.namespace, tool.name), wire)
            self._tools.setdefault(wire, tool)

    def wire(self, namespace: str, name: str) -> str:
        """What the upstream calls a tool of the agent's, whether it is on offer now or was once."""
        return self._wire.get((namespace, name)) or _flat(namespace, name)

    def own(self, wire: str) -> Tool:
        """The agent's tool behind a name that the model used; a function of that name if there is none."""
        if wire in self._tools:
            return self._tools[wire]
        # Models drop the namespace, or join it with a dot; where only one tool can be meant, it is.
        bare = re.split(r"\.|__", wire)[-1]
        meant = [tool for tool in self._tools.values() if tool.name in (wire, bare)]
        return meant[0] if len(meant) == 1 else Tool(name=wire or "unknown")


def _flat(namespace: str, name: str) -> str:
    full = f"{namespace}__{name}" if namespace else name
    clean = NOT_ALLOWED.sub("_", full)
    return clean if clean == full and 0 < len(full) <= LIMIT else _hashed(clean, full)


def _hashed(clean: str, full: str) -> str:
    return f"{clean[: LIMIT - 9]}_{_digest(full, 4)}"


def _digest(text: str, size: int) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=size).hexdigest()


def plain_id(call_id: str) -> str:
    """A call's id as Anthropic takes it; `upstream_id` gives the first one back."""
    if call_id and not NOT_ALLOWED.search(call_id) and not call_id.startswith(WRAPPED):
        return call_id
    return WRAPPED + base64.urlsafe_b64encode(call_id.encode("utf-8", "replace")).decode().rstrip("=")


def upstream_id(call_id: str) -> str:
    """The id that `plain_id` wrapped, or the id itself."""
    if not call_id.startswith(WRAPPED):
        return call_id
    body = call_id[len(WRAPPED) :]
    try:
        return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode()
    except (binascii.Error, ValueError):
        return call_id


def openai_id(call_id: str) -> str:
    """A call's id as OpenAI takes it: 64 characters at most."""
    return call_id if 0 < len(call_id) <= LIMIT else f"call_{_digest(call_id, 16)}"


def made_id(*parts: object) -> str:
    """An id for what came without one: the same for the same parts."""
    return _digest("\0".join(map(str, parts)), 12)
