"""What a page of the docs tells its reader to run, and what it says comes of it.

    ```console
    ada$ skillclaw import FILE        a command on Ada's machine; `$` alone is "you"
    Imported 3 sessions...            what it prints; `...` stands for what varies
    ```

`<!-- not run: REASON -->` before a block: nobody runs it, for that reason.
`<!-- file: PATH -->`: its text is a file. `<!-- exit code: 2 -->`: of the block's last command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

PROMPT = re.compile(r"^(?P<who>[a-z]*)\$ (?P<command>.+)$")
FENCE = re.compile(r"^(?P<mark><!--[^\n]*-->\n)?```(?P<kind>\S*)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    kind: str
    text: str
    not_run: str
    file: str
    code: int = 0


@dataclass(frozen=True)
class Told:
    """A command, whose machine it is on, what the page says that it prints, and its exit code."""

    who: str
    command: str
    prints: str
    code: int = 0


def blocks(page: str) -> Iterator[Block]:
    for match in FENCE.finditer(page):
        mark = match["mark"] or ""
        reason = re.search(r"not run: (.+?) -->", mark)
        file = re.search(r"file: (\S+) -->", mark)
        code = re.search(r"exit code: (\d+) -->", mark)
        yield Block(
            match["kind"],
            match["text"],
            reason[1] if reason else "",
            file[1] if file else "",
            int(code[1]) if code else 0,
        )


def told(block: Block) -> list[Told]:
    found: list[Told] = []
    for line in block.text.splitlines():
        if prompt := PROMPT.match(line):
            found.append(Told(prompt["who"] or "you", prompt["command"], ""))
        elif found:
            last = found[-1]
            found[-1] = Told(last.who, last.command, f"{last.prints}{line}\n")
    return [*found[:-1], *(replace(last, code=block.code) for last in found[-1:])]


def _columns(text: str) -> str:
    """The pattern of a text whose columns may be wider or narrower."""
    return re.sub(r"(?:\\ ){2,}", "[ ]{2,}", re.escape(text))


def fits(says: str, printed: str) -> bool:
    """Whether `printed` is what a page says: a line of `...` is any lines, `...` in a line any text of it,
    and between columns two spaces or more are as good as any others."""
    pattern = ""
    for line in says.splitlines():
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += "[^\n]*?".join(map(_columns, line.rstrip().split("..."))) + r"[ ]*\n"
    return (
        re.fullmatch(pattern, printed if printed.endswith("\n") or not printed else f"{printed}\n")
        is not None
    )
