"""The commands of SkillClaw that a page names, in its text and in its blocks, and what is wrong with one.

A command is read as people write it: `skills list|show`, `[--hub H]`, `NAME`, `...` and a meaning after two
spaces are understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
from team import tree

SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
FENCED = re.compile(r"^```.*?^```$", re.M | re.S)
SIGNED = re.compile(r"\bover `skillclaw [^`]+`|`skillclaw [a-z]+ NUL [^`]+`")
"""How what is signed or hashed begins: no command."""
BEGINS = re.compile(r"(?:^|[\s(/])skillclaw ")
END = re.compile(r"\s{2,}|\s+#\s|\s+(?:&&|\|\||[|;>])(?:\s|$)|;|\s->")


def in_blocks(page: str) -> Iterator[str]:
    """What follows `skillclaw` on the lines of a page's blocks that give a command."""
    for block in FENCED.findall(page):
        for line in block.replace("\\\n", " ").splitlines():
            given = re.match(r"(?:[a-z]*\$ )?(?:[A-Z_]+=\S+ )*(?:\S*/)?skillclaw (.+)", line)
            if given:
                yield END.split(given[1])[0]


def in_text(page: str) -> Iterator[str]:
    """The commands in code spans, with `skillclaw` before them or without."""
    known = tree().commands
    for span in SPAN.findall(SIGNED.sub("", FENCED.sub("", page))):
        text = span.replace("\\|", "|")
        if BEGINS.search(text):
            for part in BEGINS.split(text)[1:]:
                yield END.split(part)[0]
            continue
        words = text.split()
        if len(words) > 1 and words[0] in known:
            group = isinstance(known[words[0]], click.Group)
            if words[1].startswith(("--", "[--")) or (group and re.fullmatch(r"[a-z][a-z|-]+", words[1])):
                yield END.split(text)[0]


def fault(text: str) -> str:
    """What is wrong with a command, for people; empty where each of its words is known."""
    words = [word for word in re.split(r"[\s\[\]()]+", text) if word]
    at: list[click.Command] = [tree()]
    while words and any(isinstance(one, click.Group) for one in at):
        names = [name for name in words[0].rstrip(".,").split("|") if name]
        if words[0].startswith("-") or not all(re.fullmatch(r"[a-z][a-z-]*", name) for name in names):
            break
        words.pop(0)
        found = []
        for name in names:
            groups = [one for one in at if isinstance(one, click.Group)]
            below = [group.get_command(click.Context(group), name) for group in groups]
            if not any(below):
                return f"there is no command {name!r}"
            found += [one for one in below if one is not None]
        at = found
    known = {option for one in at for given in one.params for option in (*given.opts, *given.secondary_opts)}
    known |= {"-h", "--help"}
    for word in words:
        if word == "--":
            break
        for part in word.split("|"):
            option = part.partition("=")[0].rstrip(".,:")
            if re.fullmatch(r"-{1,2}[a-z][a-z-]*", option) and option not in known:
                return f"there is no option {option}"
    return ""
