"""What of a skill people have to see before agents do: programs, and text wherever it stands, in lists and
paragraphs, titles, tables and code, in any file, and in the frontmatter. The gate and clients ask the same.

An agent reads all of it. So all of it is looked at, line by line: what an approved version had in a line asks
nobody again, however much changes around it.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Collection, Iterator

from msgspec.structs import replace

from skillclaw.errors import BadInputError
from skillclaw.gate.asked import OUT, RISKY
from skillclaw.skills.file_text import as_text
from skillclaw.skills.frontmatter import Head, parse, split
from skillclaw.skills.items import placed_lines, same_text
from skillclaw.skills.programs import GOES_ON, programs
from skillclaw.skills.records import Bundle, File

__all__ = ["loading", "reaching", "risking", "running", "without"]

_MARKS = re.compile(r"\A(?:(?:[-*+]|\d{1,3}[.)]) )+")
"""Marks of a list before a line: a step that gets another number says the same. Not `#`, which is what keeps
a command from being run, nor `>`."""


# What a host puts into a text before it looks for commands; it may be nothing, and one may stand in another.
# Names of a skill's own (`arguments`) are asked about by themselves.
_IN_PUT = r"[\w$\[\]{}.:-]"
_PUTS = rf"(?={_IN_PUT}*?\$(?:ARGUMENTS|\d|\{{(?:CLAUDE|user_config)))"
_PUT = rf"(?:(?=\$){_PUTS}{_IN_PUT}++)?"
_TICKS = rf"`{_PUT}`{_PUT}`"
_COMMAND = rf"!{_PUT}`[^`]+`"
_AT_ONCE = (
    # as Claude Code finds them, and from every place where one may begin, so that nothing before hides one;
    # blocks that are not closed go to the end
    re.compile(rf"(?=({_TICKS}{_PUT}![\s\S]*?(?:{_TICKS}|\Z)))"),
    re.compile(rf"(?<![^\s\ufeff])(?=({_COMMAND}))"),
    re.compile(rf"(?<!{_IN_PUT}){_PUTS}(?=({_IN_PUT}*+{_COMMAND}))"),
    re.compile(r"^[ \t>]*(?=(~~~+![\s\S]*?(?:~~~|\Z)))", re.MULTILINE),
)
_INNER_MOST = 16
"""Heads of other SKILL.md files that are read; that there are more is told by itself."""


def reaching(bundle: Bundle) -> dict[str, str]:
    """The lines that make an agent reach another machine, each with the stretch that does."""
    return _stretches(bundle, OUT)


def risking(bundle: Bundle) -> dict[str, str]:
    """The lines with a command that destroys work or lifts a guard, each with that command."""
    return _stretches(bundle, RISKY)


def loading(bundle: Bundle) -> dict[str, str]:
    """What takes effect as a host loads the skill, before an agent reads it: commands that some hosts run
    then (Claude Code: an exclamation mark before code, in a line or a block), and tools that may be used
    unasked (`allowed-tools`)."""
    # Byte for byte: where a line ends decides what is a comment and what a command.
    found = {
        f"at once {match[1]}": _both_ends(" ".join(match[1].split()))
        for file in bundle.files
        for pattern in _AT_ONCE
        for match in pattern.finditer(as_text(file.data))
    }
    # Those in folders are examples, or skills of their own where a host looks into all: it is asked, too.
    heads = [file for file in bundle.files if file.path.rsplit("/", 1)[-1].casefold() == "skill.md"]
    for at, file in enumerate(sorted(heads, key=lambda file: file.path != "SKILL.md")):
        found |= _top(file, read=at <= _INNER_MOST)
    return found


def _both_ends(text: str) -> str:
    """In 80 characters; a command may stand behind much."""
    return text if len(text) <= 80 else f"{text[:39]}…{text[-40:]}"


def _top(file: File, *, read: bool) -> dict[str, str]:
    named = _named(file)
    if not read:
        return {named: f"{file.path} is one of many; its head was not read"}
    try:
        head = parse(as_text(file.data))[0]
    except BadInputError:  # which hosts may read all the same
        return {named: f"{file.path} has a head that cannot be read"}
    told = same_text(head.allowed_tools)
    if file.path == "SKILL.md" and told and not _acts(head):
        return {f"allowed-tools {told}": f"allowed-tools: {told}"[:80]}
    if told or _acts(head):
        return {named: f"{file.path} has tools, hooks or arguments of its own"}
    return {}


def _named(file: File) -> str:
    """A file by its head, of which all is compared."""
    text = as_text(file.data)
    return f"{file.path} {split(text)[0] or text}"


def _acts(head: Head) -> bool:
    """Whether it has keys beside the specification's by which a host does something on loading: names in
    `arguments` are what is put in for, whatever their signs."""
    keys = {key.casefold().replace("_", "-") for key in head.extra}
    return not keys.isdisjoint(("allowed-tools", "arguments", "hooks"))


def running(bundle: Bundle) -> dict[str, str]:
    """The files that a machine runs, as they are, each with its path."""
    return {_program(file): file.path for file in programs(bundle)}


def without(bundle: Bundle, gone: Collection[str]) -> Bundle:
    """The skill without the programs and lines that the functions above call so; a file goes whole where such
    a line cannot be taken out of it. For comparison: what is left need not be a skill."""
    files = []
    for file in bundle.files:
        if _program(file) in gone or _named(file) in gone:
            continue
        try:
            lines = file.data.decode("utf-8").splitlines(keepends=True)
        except UnicodeDecodeError:
            lines = []
        kept = "".join(line for line in lines if _key(line) not in gone)
        left = replace(file, data=kept.encode()) if lines else file
        alone = Bundle(name=bundle.name, files=[left])
        if not {*reaching(alone), *risking(alone), *loading(alone)} & {*gone}:
            files.append(left)
    return replace(bundle, files=files)


def _program(file: File) -> str:
    return f"{file.path}\0{int(file.executable)}\0{hashlib.sha256(file.data).hexdigest()}"


def _key(line: str) -> str:
    """The line as it is compared."""
    return _MARKS.sub("", same_text(line), count=1)


def _stretches(bundle: Bundle, pattern: re.Pattern[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in _values(bundle):
        if match := pattern.search(text):
            found.setdefault(same_text(text), _shown(match))
    for text in _texts(bundle):
        for line, match in _lines(text, pattern):
            found.setdefault(line, _shown(match))
    return found


def _shown(match: re.Match[str]) -> str:
    return " ".join(match[0].split())[:80]


_FENCED = re.compile(r"^[ \t>]*(`{3,}|~{3,})[^\n]*\n[\s\S]*?(?:^[ \t>]*\1|\Z)", re.MULTILINE)
_OPENS = re.compile(r"<<|\\$")
"""What a command takes from the lines below: the whole block is compared then."""


def _lines(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[str, re.Match[str]]]:
    """Each line in which `pattern` is found; what goes over lines is told with all of them."""
    until = -1
    blocks: list[re.Match[str]] | None = None
    for match in pattern.finditer(text):
        if match.end() <= until:
            continue  # one stretch of a line is enough
        start = text.rfind("\n", 0, match.start()) + 1
        until = text.find("\n", max(match.start(), match.end() - 1))
        until = until if until >= 0 else len(text)
        line = text[start:until]
        if _OPENS.search(line) or any(line.count(mark) % 2 for mark in "'\""):
            blocks = [*_FENCED.finditer(text)] if blocks is None else blocks
            before = bisect_left(blocks, start, key=re.Match.start) - 1
            line = blocks[before][0] if before >= 0 and start < blocks[before].end() else line
        yield _key(line), match


def _values(bundle: Bundle) -> Iterator[str]:
    """What is compared as a whole: values of the frontmatter, and items of lists. What an item says depends
    on all of its lines ("Never run:", and then what)."""
    head = _head(bundle)
    if head is not None:
        yield from (head.description, head.compatibility, head.license, head.allowed_tools)
        yield from (f"{key} {value}" for key, value in (head.metadata | head.extra).items())
    yield from (placed.item.text for placed in placed_lines(bundle, ()))


def _head(bundle: Bundle) -> Head | None:
    main = next((file for file in bundle.files if file.path == "SKILL.md"), None)
    try:
        return parse(as_text(main.data))[0] if main else None
    except BadInputError:
        return None  # the static checks refuse it


def _texts(bundle: Bundle) -> Iterator[str]:
    """The files as they stand, with SKILL.md's head and its comments, and once more with commands in one
    line."""
    for file in bundle.files:
        text = re.sub(r"\r\n?", "\n", as_text(file.data))
        yield text
        whole = GOES_ON.sub(" ", text)
        if whole != text:
            yield whole
