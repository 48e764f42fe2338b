"""A change of a settings file as a unified diff that shows no credentials.

Settings are the user's: what stands around a change may be a key. So the lines are compared as they are, and
shown with `***` in place of what may be a credential, which three ways tell, since none is enough alone:

1. by the keys of the file, where it parses: every text below a key whose name looks like a credential's;
2. by the line: what follows such a name, on this line or in the block that it begins;
3. by the value itself: what begins as keys of known services do, and words that nobody would write by hand.

A password that looks like a word and stands under a harmless name is shown; nothing can tell it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from typing import Any

__all__ = ["credentials", "masked", "unified"]

NAMES = r"(?:key|token|secret|passw(?:or)?d|passphrase|authorization|credential|cookie|bearer|signature)"
BETWEEN = r"""["']?\s{0,20}(?:/\*.{0,80}?\*/)?\s{0,20}(?:=>|[:=])\s{0,20}"""
QUOTED = re.compile(rf"""(?i)({NAMES}[\w-]{{0,60}}{BETWEEN})(["'])(?:\\.|(?!\2).)+\2(?:(?![,}}\]\s\#]).)*""")
# YAML and .env need no quotes. Numbers, truth values and what begins a structure are no credentials.
BARE = re.compile(
    rf"""(?i)({NAMES}[\w-]{{0,60}}{BETWEEN})"""
    r"""(?!["'\[{|>*&!\s]|(?:[\d.]+|true|false|null|none|~)\s*(?:[,}\]#]|$))"""
    r"""(?:(?![,}\]]+(?:\s|$)|\s+(?:\#|$)).)+"""
)
# Names too short to be looked for within others.
EXACT = re.compile(
    r"""(?i)((?<![a-z])(?:auth|pass|pwd|pat|jwt|sig|access|refresh|value|pgpass)"""
    r"""["']?\s{0,20}[:=]\s{0,20}["']?)(?!["'\[{|>\s]|(?:[\d.]+|true|false|null|none|~)\s*(?:[,}\]#]|$))"""
    r"""[^"',}\]\s]+"""
)
# YAML: a list of credentials (aider's `api-key:`, with `provider=key` below), a text of several lines. JSON:
# the value on a line of its own.
BLOCK = re.compile(
    rf"""(?i)^(\s*)(?:-\s+|\?\s+|[{{\[,]\s*)*["']?[\w.-]{{0,60}}{NAMES}s?["']?\s*"""
    r"""(?:[:=]\s*(?:[|>][+-]?\d?)?|(?<=["']))\s*(?:\#.*)?$"""
)
ITEM = re.compile(r"^(\s*-\s+(?:[\"']?[\w.-]+=)?).+$")
# A list or object of credentials, a text of several lines.
OPENING = re.compile(
    rf"""(?i)[\w.-]{{0,60}}[\w.-](?:{NAMES})s?{BETWEEN}(?P<a>\[(?!\s*\])|{{(?!\s*}})|\"\"\"|'{{3}})"""
    rf"""|(?:^|[\s,{{"'])(?:tokens?|secrets?|passwords?|credentials?|cookies?|auth|key|authorization)"""
    rf"""{BETWEEN}(?P<b>\[(?!\s*\])|{{(?!\s*}})|\"\"\"|'{{3}})"""
)
UNCLOSED = re.compile(rf"""(?i){NAMES}[\w-]{{0,60}}["']?\s{{0,20}}[:=]\s{{0,20}}(["'])((?:\\.|(?!\1).)*)$""")
ARGUMENT = re.compile(
    rf"""(?i)(--?[\w-]{{0,40}}{NAMES}[\w-]{{0,20}}["']?(?:\s*,\s*|\s+|=)["']?)[^\s"',\]}}]+"""
)
HEADER = re.compile(r"(?i)\b((?:bearer|basic)\s+)[\w.~+/=-]{6,}")
LOGIN = re.compile(r"(//)[^/\s\"'@]*:[^/\s\"'@]*@|(//)[^/\s\"'@:]{16,}@")
KNOWN = re.compile(
    r"(?<![A-Za-z0-9])(?:sk-|pk-|rk_|sk_|gh[pousr]_|github_pat_|glpat-|xox[abpr]-|AIza|ya29\.|AKIA|ASIA|hf_|"
    r"gsk_|xai-|nvapi-|eyJ|key-|pypi-|npm_|dop_v1_|r8_|tvly-|skillclaw-)[A-Za-z0-9_.~+/=-]{8,}"
)
WORD = re.compile(r"[A-Za-z0-9_~+=-]{12,}")
PART = re.compile(r"[A-Za-z]+[0-9]{0,3}|[0-9]+[A-Za-z]{0,2}|[A-Za-z0-9]{0,4}")
SECRET_NAME = re.compile(
    rf"(?i){NAMES}|^(?:auth|pass|pwd|pat|jwt|sig|access|refresh)$|[_-](?:pat|pwd|pass|auth)$"
)
HARMLESS_NAME = re.compile(r"(?i)key(?:bind|map|board|stroke|word)|(?:file|path|type|env|env_key)$")
SHORTEST = 6
"""Characters of a text that is looked for wherever it stands; shorter ones would be found in any word."""
LINES = 3
"""Lines around a change that are shown."""


def unified(before: str, after: str, old: str, new: str, hidden: Iterable[str] = ()) -> Iterator[str]:
    """The lines of a diff between two texts, whose names are `old` and `new`; none when they are equal.

    `hidden`: texts that must not be shown, wherever they stand.
    """
    ours, theirs = before.splitlines(), after.splitlines()
    known = _finder(hidden)
    left, right = masked(ours, known), masked(theirs, known)
    groups = list(SequenceMatcher(None, ours, theirs).get_grouped_opcodes(LINES))
    if groups:
        yield f"--- {old}"
        yield f"+++ {new}"
    for group in groups:
        first, last = group[0], group[-1]
        yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@"
        for tag, low, high, start, end in group:
            if tag == "equal":
                yield from (f" {line}" for line in left[low:high])
                continue
            yield from (f"-{line}" for line in left[low:high])
            yield from (f"+{line}" for line in right[start:end])


def credentials(tree: Any, within: bool = False) -> Iterator[str]:
    """The texts in a settings file that stand below a name which looks like a credential's."""
    if isinstance(tree, dict):
        for name, child in tree.items():
            named = isinstance(name, str) and SECRET_NAME.search(name) and not HARMLESS_NAME.search(name)
            yield from credentials(child, within or bool(named))
    elif isinstance(tree, list):
        for child in tree:
            yield from credentials(child, within)
    elif within and isinstance(tree, str):
        yield tree


def masked(lines: list[str], known: re.Pattern[str] | None = None) -> list[str]:
    """The lines without credentials; `known` finds some that the lines themselves do not tell."""
    shown = []
    within = -1  # the indent of a block of credentials
    until = ""  # what ends a list, an object or a text of credentials
    depth = 0
    for line in lines:
        text = line.lstrip()
        indent = len(line) - len(text)
        if until:
            depth, until = _ends(line, until, depth)
            shown.append(f"{line[:indent]}***" if text else line)
            continue
        item = ITEM.match(line)
        if within >= 0 and text and (indent > within or (indent == within and (item or text[0] in ":\"'"))):
            shown.append(f"{item[1] if item else line[:indent]}***")
            continue
        if text:
            start = BLOCK.match(line)
            within = len(start[1]) if start else -1
        opened = None if within >= 0 else OPENING.search(line)
        if opened is not None:
            at = opened.end()
            sign = opened["a"] or opened["b"]
            depth, until = _ends(line[at:], {"[": "]", "{": "}"}.get(sign, sign), 1)
            shown.append(f"{_plain(line[:at], known)}***")
            continue
        unclosed = UNCLOSED.search(line)
        if unclosed is not None and not line.rstrip().endswith(("\\",)):
            until, depth = unclosed[1], 1
            shown.append(f"{_plain(line[: unclosed.start(2)], known)}***")
            continue
        shown.append(_plain(line, known))
    return shown


def _ends(text: str, until: str, depth: int) -> tuple[int, str]:
    """How deep the structure goes on after a line, and what ends it; nothing where it has ended."""
    if until not in ("]", "}"):
        return (0, "") if until in text else (depth, until)
    opening = "[" if until == "]" else "{"
    for sign in re.sub(r'"(?:\\.|[^"\\])*"', "", text):
        depth += (sign == opening) - (sign == until)
        if depth == 0:
            return 0, ""
    return depth, until


def _plain(line: str, known: re.Pattern[str] | None) -> str:
    """One line without what it tells of itself."""
    if known is not None:
        line = known.sub("***", line)
    line = BARE.sub(r"\1***", QUOTED.sub(r"\1\2***\2", line))
    line = EXACT.sub(r"\1***", ARGUMENT.sub(r"\1***", HEADER.sub(r"\1***", line)))
    line = KNOWN.sub("***", LOGIN.sub(lambda m: f"{m[1] or m[2]}***@", line))
    return WORD.sub(lambda m: m[0] if _is_said(m[0]) else "***", line)


def _is_said(word: str) -> bool:
    """Whether people would write a word: of names and numbers, as in `claude-sonnet-4-5-20250929`."""
    if word.isalpha() or word.isdigit():
        return len(word) < 32
    return all(len(part) < 24 and PART.fullmatch(part) for part in re.split(r"[_~+=-]+", word))


def _finder(hidden: Iterable[str]) -> re.Pattern[str] | None:
    """Finds each of the texts as it is, or as JSON writes it; of several lines each line."""
    parts = {part.strip() for text in hidden for part in text.splitlines()}
    forms = {form for part in parts if len(part) >= SHORTEST for form in (part, json.dumps(part)[1:-1])}
    if not forms:
        return None
    return re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))


def _range(start: int, stop: int) -> str:
    """A range of lines as the unified format has it."""
    length = stop - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"
