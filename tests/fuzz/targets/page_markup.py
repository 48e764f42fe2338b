"""What the dashboard shows of skills and sessions: Markdown, transcripts, differences; HTML that cannot act.

An HTML parser reads what was made: only tags and attributes of a list, no address that is followed, no
comment; and nothing invisible stays invisible. Time does not grow with the square of a text.
"""

from __future__ import annotations

from html.parser import HTMLParser

from fuzz_histories import tree
from fuzz_made import Drawn, dumped, session
from markupsafe import Markup

from skillclaw.server.deep.masking import shown_value
from skillclaw.skills.items import blocks
from skillclaw.skills.records import Bundle, File
from skillclaw.trajectory import model
from skillclaw.trajectory.model import Trajectory
from skillclaw.trajectory.render import transcript
from skillclaw.web import markdown, sidebyside
from skillclaw.web import transcript as shown
from skillclaw.web.text import legible, visible

ALLOWED: tuple[type[Exception], ...] = ()
MOST_SECONDS = 3.0
DICT = (
    b"<script>",
    b"<img src=x onerror=a()>",
    b"javascript:alert(1)",
    b"[a](",
    b"![",
    b"](",
    b"```\n",
    b"- ",
    b"1. ",
    b"> ",
    b"|a|b|\n|-|-|\n",
    b"&#60;",
    b"<!--",
    b"&lt;",
    b"[a]: ",
    b"\xe2\x80\xae",
    b"\xf3\xa0\x81\x81",
    b"***",
    b"~~",
    b"style=",
    b"\\",
    b"<secret:x:1>",
    b"data:text/html,",
    b"<http://x>",
    b"\xe2\x80\xa8",
)
TAGS = frozenset(
    [
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
        "tbody",
        "tr",
        "th",
        "td",
        "h3",
        "h4",
        "h5",
        "h6",
        "a",
    ]
)
UNSEEN = "\u202e\u2066\u200b\u00ad\U000e0041\x00\x1b"


class _Tags(HTMLParser):
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        assert {name for name, _ in attrs} <= {"class", "start", "id"}, attrs

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data!r}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl!r}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data!r}")


def once(data: bytes) -> None:
    """One text, or one session of harmed values."""
    if data and data[0] % 3 == 0:
        _session(Drawn(data[1:]))
        return
    text = data[1:].decode("utf-8", "replace" if not data or data[0] % 3 == 1 else "ignore")
    marks = {n: (f"at-{n}", Markup("")) for n in markdown.item_lines(text)}
    html = str(markdown.rendered(text, marks))
    parser = _Tags()
    parser.feed(html)
    parser.close()
    assert not set(UNSEEN) & set(html)
    assert len(blocks(text)) == len(markdown.item_lines(text))
    for words in (legible(text), visible(text)):
        assert not set(UNSEEN) & set(words)
    whole = "".join(piece.text for piece in shown.pieces(text))
    assert whole == text
    shown.text_view(text)
    told = shown_value(text, ())
    assert told.startswith("<") or told in ("~/<path>",) or "<" in told
    half = text[len(text) // 2 :] + text[: len(text) // 3]
    sidebyside.side_by_side(text, half)
    files = (Bundle(name="a", files=[File(path="SKILL.md", data=one.encode())]) for one in (text, half))
    sidebyside.changes(*files)


def _session(drawn: Drawn) -> None:
    from fuzz_histories import atif_of

    path = tree().home / "x.json"
    path.write_bytes(dumped(drawn.harmed(session())))
    found: Trajectory
    for found in atif_of(path):
        transcript(found)
        shown.steps_of(found, model.meta(found), 0, {"sub": 1})
