"""What a user's words of correction have to do with a call: whether they name it, ask for it, refuse it.

People correct what an agent did, and what it did last is often something else: a look around, a test, a
clean-up. So a call is taken for what was wrong, or for what is right instead, only where the words say so.
They are read in pieces (`trajectory/weighed.py`). Names are compared as they are written; a plain word may
end otherwise ("commits", "commit"), and then says less.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from skillclaw.trajectory.named_calls import COMMON, Call, extras, heads, redone, tool_parts
from skillclaw.trajectory.text import word_set
from skillclaw.trajectory.weighed import HEAD, weighed

__all__ = ["BY_PROGRAM", "asks_for", "names", "refused", "refuses"]

BY_PROGRAM = 3
"""How plainly a call is named by its program (`names`)."""
_TOKEN = re.compile(r"[A-Za-z0-9_~.-][A-Za-z0-9_./~:@=+-]*")
_ENDING = re.compile(r"(?:ings?|ed|es|s|e)$")
_PROGRAM = re.compile(r"[a-z][a-z0-9_-]*")
_DIRECTS = re.compile(
    r"(?:\b(?:uses?|using|runs?|running|call|calling|try|take|with|via|through|prefer|(?:switch|change) to|"
    r"benutze?n?|nimm|nehmen|nutzen?|verwenden?|mit|utilise[rz]?|avec|lance[rz]?|usar?|utiliza|con|usem?|"
    r"использу\w*|через)\s+(?:the\s+|our\s+|only\s+|plain\s+)?|(?:改?用|使用|换成|換成|运行|執行|执行|跑|走|是)\s*)"
    r"[`'\"“]?$",
    re.I,
)
"""What stands before a call that is asked for."""
_DIRECTED = re.compile(
    r"^[`'\"”]?\s*(?:を使|で(?:実行|お願い)|を実行|(?:을|를)?\s?(?:써|사용)|(?:instead\b))", re.I
)
_FURTHER = re.compile(r"^[`'\"”]?\s+(?:messages?|with|in|as|for|files?)\b|^[`'\"”]?\s+--?[a-z]", re.I)
"""Of a call that is asked for, what is asked for in truth: "use git commit messages in English"."""
_BARE = word_set(
    "no nope please wrong here instead not that this is it thanks sorry again always we the in our project "
    "repo only just ok"
)
_NOT_YET = re.compile(r"\b(?:yet|now|already)\b|先", re.I)
"""Who does not want it done so soon does not speak against it."""
_PLAIN = _BARE | COMMON | word_set("uses using running calling taking usar usa utiliza benutze nutze utilise")
"""Words beside the one name in what is refused."""
_WE_HAVE = re.compile(
    r"\b(?:(?:we|this\s+(?:repo\w*|project)|our\s+\w+|the\s+project)(?:\s+(?:is|are)|['’](?:re|s))?|"
    r"I\s+(?:said|meant|want(?:ed)?))\s+(?:(?:all\s+)?on\s+|a\s+|an\s+|use\s+|using\s+)?[`'\"“]?$",
    re.I,
)
"""What stands before a name that is set against another: "we are on pnpm, not npm"."""


def names(text: str, call: Call, other: Call | None = None, *, exact: bool = False) -> int:
    """How plainly `text` names the call: 3 by its program, 2 by its subcommand or a word of its tool's name,
    1 by an option, an argument or a file; 0 not at all. What the call shares with `other` names neither.

    exact  whether words of prose that only resemble a name do not count
    """
    tokens = _tokens(text)
    if not tokens:
        return 0
    stems = set() if exact else {_stem(token) for token in tokens}
    theirs = set(heads(other)) if other is not None else set()
    shared = {head[0] for head in theirs}
    best = 0
    for head in heads(call):
        if head in theirs:
            continue
        best = max(best, _named_head(text, tokens, stems, head, alone=head[0] not in shared))
    if best == 0 and not call.command:
        parts = tool_parts(call) - (tool_parts(other) if other is not None else set())
        best = 2 if any(part in tokens or _stem(part) in stems for part in parts) else 0
    own = extras(call) - (extras(other) if other is not None else set())
    return best or int(any(one in tokens or (len(one) > 3 and _stem(one) in stems) for one in own))


def asks_for(text: str, call: Call) -> bool:
    """Whether the words ask for this very call, rather than for something about it: "use pnpm", "the tests
    run with `make test`", "pnpm, not npm"."""
    asked, _, beside = weighed(text)
    written = [(name, head) for head in heads(call) for name in _written(head)]
    if any(_directed(asked, name, head, bare=True) for name, head in written):
        return True
    # "We are on yarn, not npm": a mention elsewhere ("not npm, the bug is in cargo") asks for nothing.
    programs = [(name, head) for name, head in written if name.split()[0] == head[0] not in COMMON]
    return bool(refused(text)) and any(
        _set_against(piece, name, head) for piece in beside for name, head in programs
    )


def refuses(text: str, call: Call, instead: Call | None = None) -> bool:
    """Whether the words speak against this call, by what `instead` does not share with it."""
    # `pip` is what `uv pip install` runs, and no name of it.
    programs = {head[0] for head in heads(instead)}
    theirs = programs | {name for head in heads(instead) for name in _written(head) if " " in name}
    for part in weighed(text).refused:
        if _NOT_YET.search(part):
            continue
        mine = ((name, head) for head in heads(call) for name in _written(head) if name not in theirs)
        if any(_directed(part, name, head) for name, head in mine):
            return True
        alike = not call.command or (instead is not None and redone(call, instead))
        if alike and names(part, call, instead, exact=True):
            return True
    return False


def refused(text: str) -> str:
    """The program that the words speak against by its name alone ("don't use npm"); empty without one."""
    for part in weighed(text).refused:
        told = [one for one in _TOKEN.findall(part.replace("`", " ")) if one.lower() not in _PLAIN]
        if len(told) == 1 and _PROGRAM.fullmatch(told[0]) and _directed(part, told[0]):
            return str(told[0])
    return ""


def _named_head(text: str, tokens: set[str], stems: set[str], head: tuple[str, ...], *, alone: bool) -> int:
    """`alone`: whether the program's name alone tells this call."""
    program, subs = head[0], head[1:]
    if any(re.search(_word(name), text, re.I) for name in _written(head) if " " in name):
        return 3
    quoted = re.search(
        rf"`{re.escape(program)}(?![\w.-])|\b(?:use|via)\s+{re.escape(program)}(?![\w.-])", text, re.I
    )
    if alone and program in tokens and (program not in COMMON or quoted):
        return 3
    for sub in subs:
        if sub not in COMMON and len(sub) > 1 and (sub in tokens or _stem(sub) in stems):
            return 2
    # "The tests" of `pytest`.
    longer = {stem for stem in stems if len(stem) > 3 and stem not in COMMON - {"test"}}
    return 2 if alone and program not in stems and any(stem in program for stem in longer) else 0


def _written(head: tuple[str, ...]) -> list[str]:
    """How people write a call: with its subcommand, by the program, by the subcommand alone."""
    found = [" ".join(head[:size]) for size in range(len(head), 1, -1)]
    return found + [word for word in head if word not in COMMON and not word.startswith("-")]


def _directed(text: str, name: str, head: Sequence[str] = (), *, bare: bool = False) -> bool:
    """Whether a text says to run what is called so, and not something about it.

    head  the call whose name it is: of "use git commit messages" neither is meant by "git" alone

    bare  whether the text has to say nothing else where no verb tells; else the name has to lead it
    """
    for found in re.finditer(_word(name), text, re.I):
        before, behind = text[: found.start()], text[found.end() :]
        goes_on = re.match(r"\s+([\w-]+)", behind)
        if _FURTHER.match(behind) or (goes_on is not None and goes_on[1].lower() in head):
            continue
        if _DIRECTS.search(before) or _DIRECTED.match(behind):
            return True
        left = {token for token in _tokens(f"{before} {behind}" if bare else before) if token not in _BARE}
        if not left and not re.search(r"[^\W\d_a-z]", before, re.I):
            return True
    return False


def _set_against(piece: str, name: str, head: Sequence[str]) -> bool:
    """Whether a piece beside a refused one says no more than that this is what there is."""
    if _directed(piece, name, head, bare=True):
        return True
    for found in re.finditer(_word(name), piece, re.I):
        rest = {token for token in _tokens(piece[found.end() :]) if token not in _BARE} - {"for"}
        if not rest and _WE_HAVE.search(piece[: found.start()]):
            return True
    return False


@lru_cache(maxsize=4096)
def _tokens(text: str) -> set[str]:
    """The words of a text that may be names, lower case."""
    found = set()
    for token in _TOKEN.findall(text[:HEAD].replace("`", " ")):
        low = token.lower().rstrip(".:/")
        found |= {low, low.lstrip("./~")}
        if "/" in low or "." in low.strip("."):
            found |= {piece for piece in re.split(r"[/]", low) if piece}
    return {one for one in found if one}


def _stem(word: str) -> str:
    """A word without its ending, where enough of it stays."""
    short = _ENDING.sub("", word) if word.isalpha() and len(word) > 4 else word
    return short if len(short) > 2 else word


def _word(name: str) -> str:
    # Chinese and Japanese have no space between a name and what stands beside it.
    folder = r"(?:[A-Za-z0-9_.~-]{0,40}/){0,4}"
    return rf"(?<![A-Za-z0-9_./-]){folder}{re.escape(name)}(?![A-Za-z0-9_-])".replace(r"\ ", r"\s+")
