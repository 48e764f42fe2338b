"""Calls that come without an id, or with one that the agent made up, and the results that answer them.

Gemini names no calls; gemini-cli makes ids of its own (`NAME_MILLISECONDS_N`, in a sub-agent
`PROMPT#TURN-N`) for what it sends again, and after a resume it sends each result twice. So a call gets an id
made from what it says and how often that was said before, the same in the response and wherever it is sent
again.
"""

from __future__ import annotations

import re

import msgspec

from skillclaw.wire.content import fingerprint
from skillclaw.wire.records import Item

__all__ = ["MADE_UP", "Names", "named"]

MADE_UP = re.compile(r"_\d{13}_\d+\Z|#\d+-\d+\Z")


class Names:
    """The ids of one conversation's calls, which are asked for in their order."""

    def __init__(self) -> None:
        self._said: dict[bytes, int] = {}

    def of(self, call: Item) -> str:
        """The call's own id where the provider gave it one."""
        if call.call_id and not MADE_UP.search(call.call_id):
            return call.call_id
        print_ = fingerprint(call)
        self._said[print_] = self._said.get(print_, 0) + 1
        return f"call-{print_.hex()}" + (f"-{self._said[print_]}" if self._said[print_] > 1 else "")


def named(request: list[Item], reply: list[Item]) -> tuple[list[Item], list[Item]]:
    """Both with an id at every call; a result has that of its call, by the id it came with, else by name."""
    names = Names()
    renamed: dict[str, str] = {}
    waiting: list[tuple[str, str]] = []
    answered: set[str] = set()

    def settle(item: Item) -> Item | None:
        if item.kind == "call":
            own = names.of(item)
            if item.call_id:
                renamed[item.call_id] = own
            waiting.append((item.name, own))
            return msgspec.structs.replace(item, call_id=own)
        if item.kind != "result":
            return item
        own = renamed.get(item.call_id, "")
        if not own:
            own = next((call for name, call in waiting if name == item.name), "")
        if own in answered:
            return None
        if own:
            answered.add(own)
            waiting[:] = [pair for pair in waiting if pair[1] != own]
        return msgspec.structs.replace(item, call_id=own or item.call_id)

    def settled(items: list[Item]) -> list[Item]:
        return [found for found in map(settle, items) if found is not None]

    return settled(request), settled(reply)
