"""SKILL.md as a page shows it: Markdown that cannot act. HTML in it is text, images and links are words with
their address beside them, and nothing invisible stays invisible."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from skillclaw.skills.items import blocks
from skillclaw.web.text import legible

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

__all__ = ["LARGEST", "item_lines", "rendered"]

LARGEST = 100_000
"""Characters of a text that is rendered; a longer one is shown as it is."""
BRACKETS = 1000
PIPES = 10_000
"""`[` in one paragraph, and `|` in the text, up to which it is rendered: the parser's time grows with the
square of them, and no text for people has so many."""
TOP = 2
"""The heading of the page under which the text stands."""
ALIGNED = {"text-align:right": "right", "text-align:center": "centre", "text-align:left": "left"}


def item_lines(body: str) -> list[int]:
    """For each block of `body` (`skills.items.blocks`) the number of its first line, from 0."""
    found, line = [], 0
    for block in blocks(body):
        found.append(line)
        line += block.raw.count("\n")
    return found


def rendered(body: str, marks: Mapping[int, tuple[str, Markup]] | None = None) -> Markup:
    """`body` as HTML. `marks`: for the first line of list items, from 0, an id for the item (our own, of
    letters, digits and `-`) and what stands behind its text."""
    text = legible(body)
    if len(text) > LARGEST or _laborious(text):
        return Markup("<pre>{}</pre>").format(text)
    parser = _parser()
    environment: MutableMapping[str, Any] = {}
    tokens = parser.parse(text, environment)
    _mark(tokens, marks or {})
    level = TOP
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            if token.nesting > 0:  # headings go down a step at a time, whatever the text does
                level = max(TOP + 1, min(level + 1, TOP + int(token.tag[1]), 6))
            token.tag = f"h{level}"
        style = token.attrs.pop("style", None)
        if style in ALIGNED:
            token.attrSet("class", ALIGNED[str(style)])
        if token.children:
            token.children = _inert(token.children)
    # What the renderer writes is escaped: HTML is off, and every other part is made here.
    return Markup(parser.renderer.render(tokens, parser.options, environment))  # noqa: S704


def _laborious(text: str) -> bool:
    if text.count("|") > PIPES:
        return True
    return text.count("[") > BRACKETS and any(
        part.count("[") > BRACKETS for part in re.split(r"\n[ \t]*\n", text)
    )


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("made", _made)
    return parser


def _made(renderer: Any, tokens: Sequence[Token], index: int, options: Any, environment: Any) -> str:
    return str(tokens[index].meta["markup"])


def _token(markup: Markup) -> Token:
    from markdown_it.token import Token

    return Token("made", "", 0, meta={"markup": markup})


def _mark(tokens: list[Token], marks: Mapping[int, tuple[str, Markup]]) -> None:
    """Give list items their ids, and put what belongs to them behind their first words."""
    waiting: Markup | None = None
    for token in tokens:
        if token.type == "list_item_open" and token.map is not None and token.map[0] in marks:
            name, waiting = marks[token.map[0]]
            token.attrSet("id", name)
            token.attrSet("class", "line")
        elif token.type == "inline" and waiting is not None:
            token.children = [*(token.children or []), _token(waiting)]
            waiting = None


def _inert(tokens: Sequence[Token]) -> list[Token]:
    found: list[Token] = []
    address, words = "", ""
    for token in tokens:
        if token.type == "link_open":
            address, words = str(token.attrs.get("href", "")), ""
            found.append(_token(Markup('<span class="link">')))
        elif token.type == "link_close":
            beside = (
                "" if words == address else Markup(' <span class="url">({})</span>').format(legible(address))
            )
            found.append(_token(Markup("</span>") + beside))
        elif token.type == "image":
            address = str(token.attrs.get("src", ""))
            shown = Markup('<span class="link">▣ {}</span> <span class="url">({})</span>')
            found.append(_token(shown.format(escape(token.content), legible(address))))
        else:
            words += token.content
            found.append(token)
    return found
