"""The rules of a skill that can be seen from its files alone: the portable subset of the Agent Skills
specification (agentskills.io; `skills_ref` judges the frontmatter, our rules are the narrower subset that
every host reads).

What an agent reads and a person does not see is in `skills.hiding`.
"""

from __future__ import annotations

import re
import unicodedata

from skillclaw.errors import BadInputError, in_one_line
from skillclaw.skills.bundle import check_files
from skillclaw.skills.codeless import without_code
from skillclaw.skills.frontmatter import parse, split
from skillclaw.skills.records import Bundle
from skillclaw.trajectory.model import Record

__all__ = ["NAME", "Finding", "spec"]

NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
"""The names that every host takes: lower-case ASCII letters and digits, single hyphens between."""
_RESERVED = frozenset({"anthropic", "claude"})
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?\Z", re.IGNORECASE)
_FOLDED = re.compile(r"^([\w-]{1,64}:[ \t]*)>[-+]?[ \t]*$", re.MULTILINE)
"""The sign of YAML that a text goes on over lines, which is no part of the text."""
_LINK = re.compile(r"\[[^\[\]\n]*\]\(([^)\s]{1,2000})\)")
MAX_DESCRIPTION = 1024
MAX_COMPATIBILITY = 500


class Finding(Record, frozen=True, kw_only=True):
    """One rule that a file breaks. `line` counts from 1; 0 where it concerns the whole file."""

    rule: str
    path: str
    text: str
    line: int = 0


def spec(bundle: Bundle) -> list[Finding]:
    """Where `bundle` breaks the specification, or the portable subset of it."""
    found = [*_names(bundle), *_paths(bundle)]
    main = next((file for file in bundle.files if file.path == "SKILL.md"), None)
    if main is None:
        return [*found, Finding(rule="no-skill-md", path="SKILL.md", text="there is no SKILL.md")]
    try:
        text = main.data.decode("utf-8")
    except UnicodeDecodeError:
        return [*found, Finding(rule="utf-8", path="SKILL.md", text="SKILL.md is not UTF-8 text")]
    try:
        head, body = parse(text)
    except BadInputError as error:
        return [
            *found,
            Finding(rule="frontmatter", path="SKILL.md", text=str(error).replace("\n", " "), line=1),
        ]

    def wrong(rule: str, words: str, line: int = 1) -> None:
        found.append(Finding(rule=rule, path="SKILL.md", text=words, line=line))

    if head.name != bundle.name:
        wrong("name", f"the frontmatter says {head.name!r} but the folder is {bundle.name!r}")
    if not head.description:
        wrong("description", "the description is empty")
    if len(head.description) > MAX_DESCRIPTION:
        wrong(
            "description",
            f"the description has {len(head.description)} characters; {MAX_DESCRIPTION} are allowed",
        )
    if len(head.compatibility) > MAX_COMPATIBILITY:
        wrong("compatibility", f"compatibility has more than {MAX_COMPATIBILITY} characters")
    if head.extra:
        wrong(
            "keys",
            f"the frontmatter has keys that the specification does not know: {', '.join(sorted(head.extra))}",
        )
    yaml = split(text)[0]
    if re.search(r"[<>]", _FOLDED.sub(r"\1", yaml)):
        wrong("angle-brackets", "the frontmatter holds an angle bracket, which some hosts read as markup")
    if not body.strip():
        wrong("body", "SKILL.md has no text below its frontmatter")
    if not found:
        found += _judge(head.name, text)
    return [*found, *_links(bundle, body)]


def _judge(name: str, text: str) -> list[Finding]:
    """What the reference implementation of the specification says; it sees the whole text as hosts do."""
    from pathlib import PurePosixPath

    from skills_ref.errors import ParseError
    from skills_ref.parser import parse_frontmatter
    from skills_ref.validator import validate_metadata

    try:
        data, _ = parse_frontmatter(text.lstrip("\ufeff"))
    except ParseError as error:
        return [Finding(rule="frontmatter", path="SKILL.md", text=str(error), line=1)]
    return [
        Finding(rule="skills-ref", path="SKILL.md", text=problem, line=1)
        for problem in validate_metadata(data, PurePosixPath(name))
    ]


def _names(bundle: Bundle) -> list[Finding]:
    def wrong(words: str) -> Finding:
        return Finding(rule="name", path="SKILL.md", text=words)

    if not NAME.match(bundle.name) or len(bundle.name) > 64:
        return [wrong(f"{bundle.name!r} is no portable name: use a-z, 0-9 and single hyphens, 64 at most")]
    if _DEVICES.match(bundle.name):
        return [wrong(f"{bundle.name!r} is the name of a device on Windows")]
    if _RESERVED & set(bundle.name.split("-")):
        return [wrong(f"{bundle.name!r} holds a word that some hosts reserve")]
    return []


def _paths(bundle: Bundle) -> list[Finding]:
    found = []
    seen: set[str] = set()
    for file in bundle.files:
        parts = file.path.split("/")
        bad = (
            not file.path
            or file.path.startswith("/")
            or any(
                part in ("", ".", "..") or _DEVICES.match(part) or part != part.rstrip(". ") for part in parts
            )
            or any(c in '\\:*?"<>|' or ord(c) < 32 for c in file.path)
            or unicodedata.normalize("NFC", file.path) != file.path
        )
        if bad:
            found.append(
                Finding(rule="path", path=file.path, text=f"{file.path!r} is not a safe relative path")
            )
        elif len(parts) > 1 and parts[0].startswith("."):
            found.append(Finding(rule="path", path=file.path, text=f"{file.path!r} is in a hidden folder"))
        if file.path.casefold() in seen:
            found.append(Finding(rule="path", path=file.path, text=f"{file.path!r} is there twice"))
        seen.add(file.path.casefold())
    if not found:
        try:
            check_files(bundle.files)
        except BadInputError as error:
            found.append(Finding(rule="path", path=bundle.name, text=in_one_line(error)))
    return found


def _links(bundle: Bundle, body: str) -> list[Finding]:
    paths = {file.path for file in bundle.files}
    found = []
    for match in _LINK.finditer(without_code(body)):
        target = match[1].split("#")[0]
        if not target or "://" in target or target.startswith("mailto:"):
            continue
        if target.removeprefix("./") not in paths:
            found.append(
                Finding(
                    rule="link", path="SKILL.md", text=f"it points to {target!r}, which is not in the bundle"
                )
            )
        elif target.removeprefix("./").count("/") > 1:
            found.append(
                Finding(rule="link", path="SKILL.md", text=f"{target!r} lies more than one level deep")
            )
    return found
