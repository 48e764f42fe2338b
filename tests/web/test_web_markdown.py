"""Markdown of skills as HTML that cannot act, and texts side by side."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from skillclaw.skills.items import blocks
from skillclaw.skills.records import Bundle, File
from skillclaw.web.markdown import LARGEST, item_lines, rendered
from skillclaw.web.sidebyside import Row, changes, side_by_side

PIECES = [
    "<script>",
    "<img src=x onerror=a()>",
    "[a](b)",
    "![a](http://x/y)",
    "<http://x/>",
    "`",
    "```\n",
    "- ",
]
PIECES += [
    "1. ",
    "# ",
    "> ",
    "|a|b|\n|:-:|--|\n",
    "\n",
    "\n\n",
    "  ",
    "&lt;",
    '"',
    "'",
    "\u202e",
    "{{7*7}}",
    "*a*",
]
PIECES += [
    "[a]: javascript:alert(1)\n",
    "[a]",
    "style=",
    "\r\n",
    "\t",
    "&#60;b&#62;",
    "\\",
    "<!-- ",
    "-->",
    "]]>",
]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=30).map("".join)
TAGS = {
    "p",
    "ul",
    "ol",
    "li",
    "code",
    "pre",
    "em",
    "strong",
    "blockquote",
    "hr",
    "br",
    "span",
    "table",
    "thead",
}
TAGS |= {"tbody", "tr", "th", "td", "h3", "h4", "h5", "h6"}
ATTRIBUTES = {"class", "start", "id"}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data!r}")


def tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    found = _Tags()
    found.feed(html)
    found.close()
    return found.seen


@given(TEXTS)
def test_nothing_in_a_text_acts(text: str) -> None:
    html = rendered(text)
    for tag, attributes in tags(html):
        assert tag in TAGS
        assert set(attributes) <= ATTRIBUTES
    assert "\u202e" not in html


@given(TEXTS)
def test_the_lines_of_blocks_are_where_they_stand(text: str) -> None:
    lines = text.split("\n")
    for start, block in zip(item_lines(text), blocks(text), strict=True):
        if "\r" not in text:
            assert "\n".join(lines[start:]).startswith(block.raw)


def test_marks_stand_behind_the_first_words_of_their_items() -> None:
    body = "# Title\n\n- One\n  more of it\n- Two\n\n1. Three\n   - inner\n"
    lines = item_lines(body)
    parts = blocks(body)
    marks = {
        lines[n]: (f"at-{n}", Markup('<a class="chip">{}</a>').format(n))
        for n, part in enumerate(parts)
        if part.kind == "item"
    }
    html = rendered(body, marks)
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html)).strip()
    numbers = [n for n, part in enumerate(parts) if part.kind == "item"]
    assert words.startswith(f"Title One more of it{numbers[0]} Two{numbers[1]} Three{numbers[2]}")
    assert html.count('class="line"') == len(numbers) == 4


def test_links_and_images_are_words_with_their_address() -> None:
    html = rendered("[Read](https://x.example/a) ![Map](m.png) <https://y.example/>")
    assert "Read</span>" in html
    assert "(https://x.example/a)" in html
    assert "(m.png)" in html
    assert html.count("https://y.example/") == 1
    assert "href" not in html


def test_headings_go_down_step_by_step() -> None:
    found = [tag for tag, _ in tags(rendered("# A\n\n#### B\n\n## C\n\n###### D"))]
    assert found == ["h3", "h4", "h4", "h5"]


def test_a_text_that_is_too_long_is_shown_as_it_is() -> None:
    assert rendered("- a <b>\n" * (LARGEST // 8 + 1)).startswith("<pre>- a &lt;b&gt;")


@given(st.lists(st.sampled_from("abcd"), max_size=30), st.lists(st.sampled_from("abcd"), max_size=30))
def test_both_texts_can_be_read_from_their_sides(old: list[str], new: list[str]) -> None:
    rows = side_by_side("".join(f"{x}\n" for x in old), "".join(f"{x}\n" for x in new))
    if old == new:
        assert rows == []
        return
    for lines, cells in ((old, [row.old for row in rows]), (new, [row.new for row in rows])):
        numbers = [cell.number for cell in cells if cell is not None]
        assert numbers == sorted(numbers)
        assert all(
            "".join(part for part, _ in c.parts) == lines[c.number - 1] for c in cells if c is not None
        )
    shown = sum(row.old is not None for row in rows) + sum(row.skipped for row in rows)
    assert shown == len(old)


def test_words_that_changed_are_told_from_those_that_stayed() -> None:
    (row,) = side_by_side("Run the tests.\n", "Run the checks.\n")
    assert isinstance(row, Row)
    assert row.kind == "changed"
    assert row.old is not None and [part for part, new in row.old.parts if new] == ["tests"]
    assert row.new is not None and [part for part, new in row.new.parts if new] == ["checks"]


def test_files_that_are_no_text_are_named() -> None:
    old = Bundle(name="a", files=[File(path="x.bin", data=b"\0"), File(path="run.sh", data=b"a\n")])
    new = Bundle(
        name="a", files=[File(path="x.bin", data=b"\0\1"), File(path="run.sh", data=b"a\n", executable=True)]
    )
    assert {one.path: one.notes for one in changes(old, new)} == {
        "run.sh": ["executable now"],
        "x.bin": ["binary"],
    }
