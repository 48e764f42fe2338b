"""What an agent reads in a skill and a person does not see, or reads as something else.

Characters: without width, that change the reading direction, that carry data (tags, variation selectors),
look-alike letters of other alphabets, controls and escapes. Markup: what a Markdown page does not show
(comments, elements, definitions, titles), pictures and files written as text, text pushed off the screen.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator

from skillclaw.skills.codeless import without_code
from skillclaw.skills.file_text import is_binary, is_page
from skillclaw.skills.frontmatter import split
from skillclaw.skills.lint import Finding
from skillclaw.skills.records import Bundle

__all__ = ["hidden", "hidden_in", "unseen_in"]

Found = tuple[str, str]
"""A rule, and what the text does, to be read after `line 3`."""

_ZERO_WIDTH = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u2028\u2029\u2800\u3164\uffa0\ufffc"
)
"""Invisible, though not of the category of format characters."""
_SEEN_FORMATS = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
"""Of that category, and yet drawn: signs before numbers."""
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_JOINERS = (
    *(
        "ARABIC",
        "SYRIAC",
        "DEVANAGARI",
        "BENGALI",
        "GURMUKHI",
        "GUJARATI",
        "ORIYA",
        "TAMIL",
        "TELUGU",
        "KANNADA",
    ),
    *("MALAYALAM", "SINHALA", "MYANMAR", "KHMER", "TIBETAN", "MONGOLIAN"),
)
"""Scripts in which a joiner between two letters is ordinary spelling."""
_LOOK_ALIKE = frozenset("аеорсухіѕјԁԛԝһкмтвнгАВЕКМНОРСТУХІЅЈԌԚԜοαεικνρτυχγωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ")
"""Cyrillic and Greek letters that many fonts draw as Latin ones."""
_UNIT = re.compile(r"[μΔΣΠπλθσφψδβΦΨΓΛ][A-Za-z]{1,4}|[A-Za-z]{0,2}Ω")
"""`μs`, `kΩ`, `Δt`: a Greek letter that is meant as one."""
_ALPHABETS = frozenset(
    {"CYRILLIC", "GREEK", "CHEROKEE", "ARMENIAN", "COPTIC", "LISU", "FULLWIDTH", "MATHEMATICAL"}
)
MARKS = 5
"""Accents on one letter from which on they cover what stands around it."""
BLANKS = 80
"""Blanks in a row within a line that push what follows off the screen."""
EMPTY_LINES = 20
"""Empty lines in a row after which nobody looks for more."""
TITLE = 8
"""Words of a link's title; longer ones are a text of their own."""
ALTERNATIVE = 25
"""Words in place of a picture, which a reader who sees the picture does not see."""
SELECTORS = 8
"""Variation selectors in a line from which on they may spell something."""
_SYMBOLS = frozenset({"So", "Sm", "Sk", "Po", "Pd", "Nd"})

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|<!(?:DOCTYPE|\[CDATA\[)|<\?", re.DOTALL)
_ELEMENT = re.compile(
    r"<(?:script|iframe|object|embed|img|svg|link|meta|style|details|div|span|font|template|noscript|textarea|input"
    r"|form|button|base|video|audio|canvas|marquee|head|title|select|option|dialog|math|applet|frame)\b",
    re.IGNORECASE,
)
_UNSEEN_STYLE = re.compile(
    r"<\w[^>]{0,200}\b(?:style|hidden|aria-hidden|class)\b[^>]{0,500}>"
    r"|\b(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0(?![.\d]*[1-9]))",
    re.IGNORECASE,
)
_DATA = re.compile(
    r"\bdata:[\w.+-]*(?:/[\w.+-]*)?(?:;[\w=.+-]+)*;base64,[A-Za-z0-9+/=%\s]{16}"
    r"|\bdata:(?:text|application|image)/[\w.+-]+(?:;[\w=.+-]+)*,[^\s)]{16}",
    re.IGNORECASE,
)
_DEFINITION = re.compile(r"^ {0,3}\[([^\]\n]+)\]:\s*(\S*)([^\n]*)$", re.MULTILINE)
_LABEL = re.compile(r"\[([^\[\]\n]{1,300})\](?!:)")
_TITLE = re.compile(
    r"\]\(\s{0,9}<?[^)\s>]{0,500}>?\s{1,9}(?:\"([^\"]{0,2000})\"|'([^']{0,2000})'|\(([^)]{0,2000})\))\s{0,9}\)"
)
_PICTURE = re.compile(r"!\[([^\]]{0,2000})\]")
_LINE_END = re.compile(r"\n")
_BLANK = r"[^\S\n]"
_PUSHED = re.compile(rf"\S{_BLANK}{{{BLANKS},}}[^\s|]|^{_BLANK}{{{BLANKS},}}\S", re.MULTILINE)
_REMARK = re.compile(r"(?:^|\s)#\s*(\S+(?:\s+\S+){3,})")


def hidden(bundle: Bundle) -> list[Finding]:
    """What an agent reads in `bundle` and a person does not see, file by file."""
    found = []
    for file in sorted(bundle.files, key=lambda f: f.path):
        found += [
            Finding(rule=rule, path=file.path, text=f"the file name {words}")
            for rule, words in hidden_in(file.path)
        ]
        try:
            text = file.data.decode("utf-8")
        except UnicodeDecodeError:
            if not is_binary(file.path):
                found.append(Finding(rule="utf-8", path=file.path, text="it is not UTF-8 text"))
            continue
        if file.path != "SKILL.md":  # whose first characters hosts look for
            text = text.removeprefix("\ufeff")  # the mark of UTF-8 that editors put before a file
        for number, line in enumerate(text.split("\n"), start=1):
            found += [
                Finding(rule=rule, path=file.path, text=f"line {number} {words}", line=number)
                for rule, words in hidden_in(line.removesuffix("\r"))
            ]
        found += [
            Finding(rule=rule, path=file.path, text=f"line {line} {words}", line=line)
            for line, rule, words in _pages(text, markdown=is_page(file.path))
        ]
    return found


def unseen_in(text: str) -> list[Found]:
    """(rule, what it does) for each kind of markup in one Markdown text that a reader is not shown."""
    return list(dict.fromkeys((rule, words) for _, rule, words in _pages(text, markdown=True)))


def hidden_in(text: str) -> list[Found]:
    """(rule, what it holds) for each kind of invisible or deceiving character in a line."""
    if text.isascii():
        bad = sorted({f"U+{ord(c):04X}" for c in text if (ord(c) < 32 and c not in "\t\f") or ord(c) == 127})
        return [("control", f"has control characters ({', '.join(bad)})")] if bad else []
    found = []
    if any(_unseen(text, i) for i in range(len(text))):
        found.append(("zero-width", "has characters without width"))
    if any(c in _BIDI for c in text):
        found.append(("bidi", "has characters that change the reading direction"))
    if any(0xE0000 <= ord(c) <= 0xE01EF for c in text):
        found.append(("tag", "has invisible tag characters"))
    if _selects(text):
        found.append(("variation", "has variation selectors that can carry hidden data"))
    if any(unicodedata.category(c) in ("Cc", "Co", "Cs") and c not in "\t\f" for c in text):
        found.append(("control", "has control or private-use characters"))
    if re.search(r"[^\W\d_]", text) and _piles(text):
        found.append(("marks", "piles up marks that cover the text"))
    mixed = _mixed(text)
    if mixed is not None:
        found.append(("homoglyph", f"mixes alphabets within the word {mixed!r}"))
    return found


def _unseen(text: str, at: int) -> bool:
    c = text[at]
    if c in _ZERO_WIDTH:
        return True
    if unicodedata.category(c) != "Cf" or c in _SEEN_FORMATS or c in _BIDI or ord(c) >= 0xE0000:
        return False
    if c not in "\u200c\u200d" or at == 0 or at + 1 >= len(text):
        return True
    return not (_joins_emoji(text, at) if c == "\u200d" else False) and not _joins_letters(text, at)


def _joins_emoji(text: str, at: int) -> bool:
    """A zero-width joiner between two symbols builds one emoji; anything else is hidden."""
    before = text[at - 1] if text[at - 1] != "\ufe0f" else text[max(at - 2, 0)]
    return unicodedata.category(before) in ("So", "Sk") and unicodedata.category(text[at + 1]) in ("So", "Sk")


def _joins_letters(text: str, at: int) -> bool:
    return all(unicodedata.name(c, "").startswith(_JOINERS) for c in (text[at - 1], text[at + 1]))


def _selects(text: str) -> bool:
    """Whether a variation selector follows anything but a symbol, or there are too many of them."""
    count = 0
    for at, c in enumerate(text):
        if not 0xFE00 <= ord(c) <= 0xFE0F:
            continue
        count += 1
        before = text[at - 1] if at else "a"
        symbol = before in "ℹ#*" or unicodedata.category(before) in _SYMBOLS
        if not symbol or c not in "\ufe0e\ufe0f" or (before.isascii() and c == "\ufe0e"):
            return True
    return count > SELECTORS


def _piles(text: str) -> bool:
    run = 0
    for c in text:
        run = run + 1 if unicodedata.category(c) in ("Mn", "Me") else 0
        if run >= MARKS:
            return True
    return False


def _mixed(text: str) -> str | None:
    """A word that mixes Latin with letters that look like it, or has such letters only, among Latin words."""
    words: list[str] = re.findall(r"[^\W\d_]+", text)
    scripts = [{unicodedata.name(c, "").split(" ")[0] for c in word} for word in words]
    for word, used in zip(words, scripts, strict=True):
        if "LATIN" in used and used & _ALPHABETS and not _UNIT.fullmatch(word):
            return word
        if len(word) > 2 and ("MATHEMATICAL" in used or ("FULLWIDTH" in used and word.lower() == word)):
            return word
    other = [word for word, used in zip(words, scripts, strict=True) if used & {"CYRILLIC", "GREEK"}]
    posing = [word for word in other if len(word) > 1 and _LOOK_ALIKE.issuperset(word)]
    if posing and len(posing) == len(other) and any(used == {"LATIN"} for used in scripts):
        return posing[0]
    return None


def _pages(text: str, *, markdown: bool) -> Iterator[tuple[int, str, str]]:
    """(line, rule, words) for what a reader of the whole text does not see."""

    begins = [0, *(match.end() for match in _LINE_END.finditer(text))]

    def line(at: int) -> int:
        return bisect_right(begins, at)

    for match in _PUSHED.finditer(text):
        yield line(match.end() - 1), "pushed", "pushes text off the screen with blanks"
    empty = 0
    for number, row in enumerate(text.split("\n"), start=1):
        if row.strip() and empty > EMPTY_LINES:
            yield number, "pushed", f"comes after more than {EMPTY_LINES} empty lines"
        empty = 0 if row.strip() else empty + 1
    for match in _DATA.finditer(text):
        yield (
            line(match.start()),
            "data",
            "has a file written as an address (a data URI), which nobody can read",
        )
    if not markdown:
        return
    head, body = split(text)
    for number, row in enumerate(head.split("\n"), start=1):
        if _REMARK.search(re.sub(r"\"[^\"]*\"|'[^']*'", "", row)):
            yield number, "comment", "has a comment in the frontmatter, which no page shows"
    shown = head + without_code(body)
    for rule, pattern, words in (
        ("comment", _COMMENT, "has an HTML comment, which a reader of the page does not see"),
        ("html", _ELEMENT, "has an HTML element"),
        ("html", _UNSEEN_STYLE, "has an HTML style, which may hide text"),
    ):
        for match in pattern.finditer(shown):
            yield line(match.start()), rule, words
    labels = frozenset(_label(one) for one in _LABEL.findall(shown))
    for match in _DEFINITION.finditer(shown):
        if _unread(match[1], match[2], match[3], labels):
            yield line(match.start()), "definition", "has a link definition, which no page shows"
    for match in _TITLE.finditer(shown):
        if len((match[1] or match[2] or match[3] or "").split()) > TITLE:
            yield line(match.start()), "title", "has a long text as the title of a link, which no page shows"
    for match in _PICTURE.finditer(shown):
        if len(match[1].split()) > ALTERNATIVE:
            yield line(match.start()), "picture", "has a long text in place of a picture"


def _unread(label: str, leads: str, title: str, shown: frozenset[str]) -> bool:
    """Whether the definition of a link (or a footnote) holds words that no page shows: its title always, all
    of it where no link of the text has its label. An address alone says nothing."""
    read = _label(label) in shown
    if label.startswith("^"):
        return not read and len(f"{leads} {title}".split()) > 1
    if read:
        return len(title.split()) > TITLE
    return bool(title.strip()) or len(label.split()) > TITLE


def _label(text: str) -> str:
    return " ".join(text.split()).casefold()
