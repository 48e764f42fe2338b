"""Thoughts that stand in the text of an answer: `<think>...</think>`, then what the model says.

Models on small servers give them so. Some agents send such a text back as it was, some without its thoughts:
both are one answer when the thoughts are a piece of their own.
"""

from __future__ import annotations

import re

import msgspec

from skillclaw.wire.records import Item

__all__ = ["parted", "thoughts_apart"]

THOUGHT = re.compile(r"\s*<(think|thinking)>(.*?)</\1>\s*", re.DOTALL)


def parted(text: str) -> tuple[str, str]:
    """(thoughts, answer). What does not begin with a thought that also ends is an answer as a whole."""
    thoughts, end = [], 0
    while found := THOUGHT.match(text, end):
        thoughts.append(found[2].strip())
        end = found.end()
    return "\n".join(filter(None, thoughts)), text[end:]


def thoughts_apart(items: list[Item]) -> list[Item]:
    """The items, each text of the agent's without the thought that it begins with, which goes before it."""
    made: list[Item] = []
    for item in items:
        if item.role != "agent" or item.kind != "text" or not isinstance(item.content, str):
            made.append(item)
            continue
        thought, answer = parted(item.content)
        if thought:
            made.append(msgspec.structs.replace(item, kind="reasoning", content=thought))
        if answer:
            made.append(msgspec.structs.replace(item, content=answer) if answer != item.content else item)
    return made
