"""What commands print: for people on a terminal, or one JSON document with --json."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "Progress",
    "console",
    "error",
    "is_terminal",
    "line",
    "note",
    "plain",
    "print_json",
    "progress",
    "table",
]

Progress = Callable[[int, int | None, str], None]
"""Called with (done, total or None, what is going on)."""


WATCHED = "SKILLCLAW_PROGRESS"
OFTEN = 0.25
"""Seconds between two lines that tell a program how far it is."""

SHORT = 34
"""Characters of a cell that is never broken over lines."""

NARROW = 8
"""Characters that a column which may be broken over lines needs at least."""

PIPE = 240
"""Columns where nobody looks: rows stay whole for `grep` and the like."""


PICTURES = (
    {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"}
    | {0x7F: 0x2421}
    | dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD)
)
"""What stands for a control character on a terminal, or for one that turns the direction of what follows."""


def console(*, stderr: bool = False) -> Console:
    """A rich console; colours only on a terminal."""
    from rich.console import Console

    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    width = None if terminal or "COLUMNS" in os.environ else PIPE
    return Console(stderr=stderr, highlight=False, emoji=False, soft_wrap=not terminal, width=width)


def is_terminal() -> bool:
    """True when a person can be asked: both ends are terminals."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def plain(text: str) -> None:
    """Text for people, character for character, so that it can be copied or piped into a file.

    On a terminal, control characters are made visible: a session's text must not steer the terminal.
    """
    sys.stdout.write((_visible(text) if sys.stdout.isatty() else text) + "\n")
    sys.stdout.flush()


def line(text: str) -> str:
    """Words of others (a note, a reason, a name) as a part of one line, also where they are piped into a
    file: with line feeds of their own they could pass for lines of ours."""
    return _visible(" ".join(text.split()))


def _visible(text: str) -> str:
    """`text` with every control or turning character but tab and newline as its Unicode picture."""
    return text.replace("\r\n", "\n").translate(PICTURES)


def note(text: str) -> None:
    """A remark that is not part of the result; goes to stderr, so that pipes stay clean. The terminal breaks
    its lines, not we: a key or a command in it can be copied."""
    console(stderr=True).print(_visible(text), markup=False, style="dim", soft_wrap=True)


def error(what: str, why: str = "", todo: str = "") -> None:
    """What happened, why, what to do next: three lines at most, on stderr."""
    first, *more = [line(part) for part in (what, why, todo)]
    first, more = f"error: {first}", [f"  {part}" for part in more if part]
    try:
        out = console(stderr=True)
        out.print(first, markup=False, style="bold red", soft_wrap=True)
        for part in more:
            out.print(part, markup=False, soft_wrap=True)
    except (OSError, ImportError, MemoryError):  # what prints it is no more to be had than what is told of
        sys.stderr.write("".join(f"{part}\n" for part in (first, *more)))


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    import msgspec

    data = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(data.decode("utf-8") + "\n")
    sys.stdout.flush()


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "Nothing yet.") -> None:
    """A table for people; `empty` where there are no rows. In a terminal too narrow for its columns each row
    is a few lines, `column: cell`: strips of two letters can be read by nobody."""
    from rich.table import Table
    from rich.text import Text

    cells = [
        ["" if cell is None else _visible(" ".join(str(cell).splitlines())) for cell in row] for row in rows
    ]
    out = console()
    made = Table(box=None, pad_edge=False, header_style="bold")
    needed = 2 * (len(columns) - 1)
    for number, column in enumerate(columns):
        # A name or id stays in one piece, so that people can copy it into the next command.
        widest = max((len(row[number]) for row in cells), default=0)
        whole = number == 0 and widest <= SHORT
        made.add_column(column, overflow="fold", no_wrap=whole)
        needed += max([len(word) for word in column.split()] + [widest if whole else min(widest, NARROW)])
    if cells and needed > out.width:
        for row in cells:
            for column, cell in zip(columns, row, strict=True):
                out.print(Text(f"{column}: {cell}"))
            out.print()
        return
    for row in cells:
        made.add_row(*[Text(cell) for cell in row])
    if cells:
        out.print(made)
    else:
        plain(empty)


@contextmanager
def progress(title: str, *, show: bool = True) -> Iterator[Progress]:
    """A progress bar on stderr while the block runs; silent where nobody looks.

    Where another program watches (`SKILLCLAW_PROGRESS`), lines in place of the bar: `progress: ` and JSON,
    `[done, total or null, what]`, a few a second.
    """
    if os.environ.get(WATCHED):
        yield _liner()
        return
    if not show or not sys.stderr.isatty():
        yield lambda done, total, what: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total, what: bar.update(
            task, completed=done, total=total, description=_visible(f"{title}: {what}" if what else title)
        )


def _liner() -> Progress:
    import json
    import time

    last = -OFTEN

    def tell(done: int, total: int | None, what: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= OFTEN:
            last = now
            sys.stderr.write(f"progress: {json.dumps([done, total, what])}\n")
            sys.stderr.flush()

    return tell
