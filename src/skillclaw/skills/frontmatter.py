"""The YAML head of SKILL.md (agentskills.io), read by the spec's own parser and written in its safe subset.

`skills-ref` parses with strictyaml and splits on the first two `---` anywhere; hosts parse with PyYAML and
others. What `render` writes reads the same in all of them: the six allowed keys, double-quoted values on one
line, metadata values strings, no angle brackets and no `---` in a value.
"""

from __future__ import annotations

import json
import re
from typing import Any

from skillclaw.errors import NOT_YAML, BadInputError
from skillclaw.trajectory.model import Record

__all__ = ["DESCRIPTION_MAX", "Head", "parse", "plain", "readable", "render", "split"]

DESCRIPTION_MAX = 1024
_HEAD_MAX, _LINES_MAX = 16_384, 200
"""Characters and lines of a head. strictyaml takes time by the square of its keys, and of its depth."""
_DEEP = re.compile(r"^(?:[ \t]{25}|[ \t]*(?:[-?][ \t]+){4})", re.MULTILINE)
_HEAD = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)

_WORD = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null)\Z)[a-z][a-z0-9_.-]*\Z", re.IGNORECASE)


class Head(Record, frozen=True, kw_only=True):
    """The frontmatter of a skill; `extra` holds keys that the spec does not know, as hosts write them."""

    name: str
    description: str
    license: str = ""
    compatibility: str = ""
    allowed_tools: str = ""
    metadata: dict[str, str] = {}
    extra: dict[str, Any] = {}


def split(text: str) -> tuple[str, str]:
    """The head with both its `---` lines, and the body; the head is empty where there is none."""
    match = _HEAD.match(text)
    return (text[: match.end()], text[match.end() :]) if match else ("", text)


def readable(text: str) -> tuple[str, str]:
    """The same, of a head that can be read in reasonable time; BadInputError where there is none such."""
    head, body = split(text)
    if not head:
        raise BadInputError("SKILL.md has no frontmatter.", "It must begin with a '---' line and close it.")
    if len(head) > _HEAD_MAX or len(head.splitlines()) > _LINES_MAX:
        what = f"It has {len(head):,} characters in {len(head.splitlines()):,} lines"
        raise BadInputError(
            "SKILL.md has a frontmatter that is too long.",
            f"{what}; {_HEAD_MAX:,} and {_LINES_MAX} are read.",
            "What the frontmatter says at length belongs into the text below it.",
        )
    if _DEEP.search(head):
        raise BadInputError(
            "SKILL.md has a frontmatter that is too deep.",
            "A line of it begins with more than 24 blanks, or with four marks of lists.",
        )
    return head, body


def parse(text: str) -> tuple[Head, str]:
    """The frontmatter and the body of a SKILL.md; raises BadInputError with what is wrong."""
    from skills_ref.errors import ParseError
    from skills_ref.parser import parse_frontmatter

    head, body = readable(text)
    try:
        # Only the head is given: a `---` in the body is the writer's business, one inside a value is not.
        data, rest = parse_frontmatter(head.lstrip("\ufeff").replace("\r\n", "\n"))
    except (ParseError, *NOT_YAML) as error:  # its reader trips over characters that YAML forbids
        raise BadInputError("SKILL.md has a frontmatter that is not valid.", str(error)) from error
    if rest:
        raise BadInputError("SKILL.md has '---' inside a frontmatter value.", "Readers would cut it there.")
    name, description = data.pop("name", None), data.pop("description", None)
    if not isinstance(name, str) or not isinstance(description, str):
        raise BadInputError("SKILL.md needs a name and a description in its frontmatter.")
    metadata = data.pop("metadata", {})
    if not isinstance(metadata, dict):
        raise BadInputError("metadata in the frontmatter of SKILL.md must map words to words.")
    texts = {key: str(data.pop(key, "") or "") for key in ("license", "compatibility", "allowed-tools")}
    return (
        Head(
            name=name.strip(),
            description=description.strip(),
            license=texts["license"],
            compatibility=texts["compatibility"],
            allowed_tools=texts["allowed-tools"],
            metadata={str(key): str(value) for key, value in metadata.items()},
            extra=data,
        ),
        body,
    )


def plain(text: str) -> str:
    """`text` on one line as a frontmatter value may hold it: no angle brackets, no `---`, no backslash."""
    text = re.sub(r"<[^<>]*>", "…", text)
    text = text.replace("<", "").replace(">", "").replace("\\", "/").replace('"', "'")
    text = re.sub(r"-{3,}", "--", text)
    return " ".join(text.split())


def render(head: Head) -> str:
    """The frontmatter as text, `---` lines included. Keys outside the spec are not written."""
    lines = ["---", f"name: {_bare(head.name)}", f"description: {_quote(head.description)}"]
    if head.license:
        lines.append(f"license: {_quote(head.license)}")
    if head.compatibility:
        lines.append(f"compatibility: {_quote(head.compatibility)}")
    if head.allowed_tools:
        lines.append(f"allowed-tools: {_quote(head.allowed_tools)}")
    if head.metadata:
        lines.append("metadata:")
        known = {plain(key): value for key, value in sorted(head.metadata.items())}
        lines += [f"  {_bare(key)}: {_quote(value)}" for key, value in sorted(known.items())]
    return "\n".join([*lines, "---", ""])


def _bare(word: str) -> str:
    """A name as it is, where every reader of YAML takes it for text; else quoted: `on`, `404`, `a: b`."""
    word = plain(word)
    return word if _WORD.match(word) else _quote(word)


def _quote(value: str) -> str:
    return json.dumps(plain(value), ensure_ascii=False)
