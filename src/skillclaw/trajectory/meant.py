"""What a user's words of correction have to do with a call: whether they name it, ask for it, refuse it.

People correct what an agent did, and what it did last is often something else: a look around, a test, a
clean-up. So a call is taken for what was wrong, or for what is right instead, only where the words say so.
They are read in pieces: what stands behind "not", "instead of", "don't" or their like in some other languages
is refused, the rest is asked for. Names are compared as they are written; a plain word may end otherwise
("commits", "commit"), and then says less.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from skillclaw.trajectory.shape_words import FILE_TOOLS, SHELL_TOOLS, SUBCOMMANDS
from skillclaw.trajectory.shapes import command_key
from skillclaw.trajectory.shell import main_commands
from skillclaw.trajectory.text import STOP, word_set

__all__ = [
    "BY_PROGRAM",
    "Call",
    "alike",
    "asks_for",
    "covers",
    "for_once",
    "names",
    "ordered",
    "praises",
    "redone",
    "refused",
    "refuses",
    "rejects_what_was_done",
    "weighed",
]

HEAD = 2000
"""Characters of a message that are read."""
ARGUMENT = 80
"""Characters of an argument that may be named: what is longer, or has spaces, is a text."""

BY_PROGRAM = 3
"""How plainly a call is named by its program (`names`)."""

_COMMON = STOP | word_set(
    "make go cat find which time date type file less more head tail sort cut join split watch at touch "
    "kill service just task echo read set history man free top open code say clear patch tree env id where "
    "add run list show start stop check new up all use using used edit write call change copy move first "
    "last again instead"
)
"""Words of prose that are names of programs or subcommands as well: alone they name none."""
_FILE_READERS = word_set(
    "read grep glob ls list_dir list_directory read_file view webfetch websearch search_files"
)
_TOKEN = re.compile(r"[A-Za-z0-9_~.-][A-Za-z0-9_./~:@=+-]*")
_ENDING = re.compile(r"(?:ings?|ed|es|s|e)$")
_PROGRAM = re.compile(r"[a-z][a-z0-9_-]*")
_CAMEL = re.compile(r"[_\W]+|(?<=[a-z])(?=[A-Z])")

_CLAUSE = re.compile(r"[,;:.!?](?=[\s\"')\u4e00-\u9fff]|$)|[。，；：！？、\n]|\s[-–—]\s")
_OTHER = r"(?:uses?|usar|utilices|ejecutes|corras|hagas|utilise[rz]?|lance[rz]?)\b"
_REFUSES = re.compile(
    r"\b(?:(?:do|should|must)(?:n['’ ]?t|\s+not)\b(?!\s+you\b)|never\b|"
    r"(?<!did )(?<!have )(?<!had )(?<!has )(?<!why )(?<!you )(?<!is )(?<!was )not\b|"
    r"instead\s+of\b|in\s+place\s+of\b|rather\s+than\b|no\s+(?:more|longer)\b|stop\b|avoid\b|"
    r"statt\b|anstatt\b|anstelle\s+von\b|nicht\b|keine?n?\b|"
    r"au\s+lieu\s+d[e']|plut[oô]t\s+que\b|pas\b|jamais\b|"
    r"en\s+vez\s+de\b|em\s+vez\s+de\b|en\s+lugar\s+de\b|no\s+(?="
    + _OTHER
    + r")|nunca\b|n[aã]o\b|invece\s+di\b|non\s|"
    r"вместо\b|не\b)"
    r"|而不是|不要|别再?|別再?|不用|不是|不许|不能|禁止|勿"
    r"|\bno\s+(?=[`\w./-]+\s*(?:$|[,.;!)]|aqu[ií]\b|here\b))",
    re.I,
)
"""What stands behind it is refused, up to the end of the clause."""
_ENDS = re.compile(
    r"\b(?:but|because|since|unless|until|before|after|without|when|whenever|if|so|then|and\s+(?:run|use)|sondern|sino|mais|"
    r"aber|pero|а)\b|改用|请用|請用|而是|应该|應該|(?<=[\w ])用(?=\s?[A-Za-z`])",
    re.I,
)
"""A part of a clause behind which a refusal does not reach."""
_CONDITION = re.compile(r"(?:unless|until|before|after|without|when|whenever|if)$", re.I)
"""Of those what makes a condition of the rest: "never push without running pytest" refuses no push."""
_ASIDE = re.compile(
    r",?\s*(?:(?<!do )(?<!should )(?<!must )(?<!can )\bnot|\binstead\s+of|\brather\s+than|\bin\s+place\s+of)"
    r"\s+`?[\w./-]+`?\s*,?\s+(?=(?:as|for|in|on|to|from|of|when|at)\b(?!\s+(?:now\s+on\b|here\b|"
    r"(?:this|that|our|the|my|all|every)\s+(?:repo|project|code|mono|package|workspace|team)|"
    r"(?:install|add|manag|packages?\b|dep))))",
    re.I,
)
"""What stands beside the call that is asked for where that is for one thing only: "use git, not npm, as the
source of the version" is about neither program as such."""
_DOUBLE = re.compile(r"\s*(?:forget|omit|skip|leave\s+out|only|just|sure|yet)\b", re.I)
_BEHIND = re.compile(
    r"([`\w./-]+)\s*(?:ではなく|じゃなく|の代わりに|は使わ|を使わ|使わず|말고|대신)",
)
"""In Japanese and Korean what is refused stands before the word that refuses it."""
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
_PLAIN = (
    _BARE | _COMMON | word_set("uses using running calling taking usar usa utiliza benutze nutze utilise")
)
"""Words beside the one name in what is refused."""
_INSTEAD = re.compile(r"\binstead\b(?!\s+of\b)|\bstattdessen\b|\ben su lugar\b|\bà la place\b", re.I)


_WE_HAVE = re.compile(
    r"\b(?:(?:we|this\s+(?:repo\w*|project)|our\s+\w+|the\s+project)(?:\s+(?:is|are)|['’](?:re|s))?|"
    r"I\s+(?:said|meant|want(?:ed)?))\s+(?:(?:all\s+)?on\s+|a\s+|an\s+|use\s+|using\s+)?[`'\"“]?$",
    re.I,
)
"""What stands before a name that is set against another: "we are on pnpm, not npm"."""
_ONCE_REFUSED = re.compile(
    r"\b(?:again|now|yet|already|twice|this\s+time|today|"
    r"for\s+(?:this|that)\b(?!\s+(?:repo|project|code|mono|package|workspace|team)))\b",
    re.I,
)
_ONCE = re.compile(
    r"\bI(?:['’]ve|\s+have)?\s+(?:already|just)\b|\bI(?:['’]ve|\s+have)?\s+(?:ran|run)\s+(?:it|them|that|those)\b|"
    r"\bjust\s+(?!(?:use|using|like|because|always|never)\b)[a-z]|\b(?:this\s+time|for\s+(?:now|once))\b|"
    r"\bnot\s+now\b|\b(?:do\s*n['’]?t|do\s+not|stop)\s+(?!use|using|run)[a-z]+(?:\s+(?:it|that|this))?\s*[,;.!:]\s+"
    r"(?:please\s+)?run\b|(?:^|[.!?,;]\s+)(?:and\s+)?now\s+[a-z]|"
    r"\bI\s+(?:asked|told|wanted)\s+you\s+to\s+(?!(?:use|run|always|never|call)\b)",
    re.I,
)
"""Words of what is to be done once, here and now."""
_PRAISE = re.compile(
    r"\b(?:oh|how|just|very|so)\s+(?:great|nice|wonderful|lovely|fantastic|smart|clever)\b|\bbrilliant|\bgenius\b|"
    r"^\W*(?:great|nice|wonderful|lovely|fantastic|perfect|awesome|bravo|congratulations)\b|"
    r"\b(?:good|great|nice|fantastic)\s+(?:job|work|idea|move|one)\b|\bwell\s+done\b",
    re.I,
)
_TAKEN_BACK = re.compile(
    r"\b(?:revert|undo|roll\s+(?:\w+\s+)?back|take\s+\w+\s+back|put\s+\w+\s+back|reset)\b", re.I
)
_FIRST = re.compile(r"\b(?:first|before)\b|先|之前", re.I)


class Call(NamedTuple):
    """A call as words may name it: a shell command, else a tool with the values that it was given."""

    command: str
    tool: str
    values: tuple[str, ...] = ()

    @property
    def looks(self) -> bool:
        """Whether it is a tool that only looks at files."""
        return not self.command and self.tool.lower() in _FILE_READERS


class Weighed(NamedTuple):
    """A message in pieces: what it asks for, and what it refuses."""

    asked: str
    refused: tuple[str, ...]
    beside: tuple[str, ...] = ()
    """Of what it asks for, the pieces that stand next to a refused one."""


@lru_cache(maxsize=1024)
def weighed(text: str) -> Weighed:
    """The message in pieces."""
    pieces: list[tuple[bool, str]] = []
    for clause in _CLAUSE.split(_ASIDE.sub(" ", text[:HEAD])):
        for found in _BEHIND.finditer(clause):
            pieces.append((True, found[1]))
        rest = _BEHIND.sub(" ", clause)
        while (no := _REFUSES.search(rest)) is not None:
            pieces.append((False, rest[: no.start()]))
            rest = rest[no.end() :]
            if _DOUBLE.match(rest):
                continue
            ends = [m for m in (_ENDS.search(rest), _REFUSES.search(rest)) if m is not None]
            end = min(ends, key=lambda m: m.start(), default=None)
            part = (rest[: end.start()] if end is not None else rest).strip()
            if part and end is not None and _CONDITION.match(end[0]):
                # What holds under a condition only is neither asked for nor refused as such.
                rest = ""
                break
            pieces.append((True, part))
            rest = rest[end.start() :] if end is not None else ""
        pieces.append((False, rest))
    pieces = [(no, piece) for no, piece in pieces if piece.strip()]
    beside = [
        piece
        for place, (no, piece) in enumerate(pieces)
        if not no and any(near for near, _ in pieces[max(0, place - 1) : place + 2])
    ]
    return Weighed(
        " , ".join(piece for no, piece in pieces if not no),
        tuple(piece for no, piece in pieces if no),
        tuple(beside),
    )


def names(text: str, call: Call, other: Call | None = None, *, exact: bool = False) -> int:
    """How plainly `text` names the call: 3 by its program, 2 by its subcommand or a word of its tool's name,
    1 by an option, an argument or a file; 0 not at all. What the call shares with `other` names neither.

    exact  whether words of prose that only resemble a name do not count
    """
    tokens = _tokens(text)
    if not tokens:
        return 0
    stems = set() if exact else {_stem(token) for token in tokens}
    theirs = set(_heads(other)) if other is not None else set()
    shared = {head[0] for head in theirs}
    best = 0
    for head in _heads(call):
        if head in theirs:
            continue
        best = max(best, _named_head(text, tokens, stems, head, alone=head[0] not in shared))
    if best == 0 and not call.command:
        parts = _tool_parts(call) - (_tool_parts(other) if other is not None else set())
        best = 2 if any(part in tokens or _stem(part) in stems for part in parts) else 0
    extras = _extras(call) - (_extras(other) if other is not None else set())
    return best or int(any(one in tokens or (len(one) > 3 and _stem(one) in stems) for one in extras))


def asks_for(text: str, call: Call) -> bool:
    """Whether the words ask for this very call, rather than for something about it: "use pnpm", "the tests
    run with `make test`", "pnpm, not npm"."""
    asked, _, beside = weighed(text)
    written = [(name, head) for head in _heads(call) for name in _written(head)]
    if any(_directed(asked, name, head, bare=True) for name, head in written):
        return True
    # "We are on yarn, not npm": a mention elsewhere ("not npm, the bug is in cargo") asks for nothing.
    programs = [(name, head) for name, head in written if name.split()[0] == head[0] not in _COMMON]
    return bool(refused(text)) and any(
        _set_against(piece, name, head) for piece in beside for name, head in programs
    )


def refuses(text: str, call: Call, instead: Call | None = None) -> bool:
    """Whether the words speak against this call, by what `instead` does not share with it."""
    # `pip` is what `uv pip install` runs, and no name of it.
    programs = {head[0] for head in _heads(instead)}
    theirs = programs | {name for head in _heads(instead) for name in _written(head) if " " in name}
    for part in weighed(text).refused:
        if _NOT_YET.search(part):
            continue
        mine = ((name, head) for head in _heads(call) for name in _written(head) if name not in theirs)
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


def for_once(text: str) -> bool:
    """Whether the words are about this one time ("don't run the tests again, just commit"), or about what is
    to be taken back with praise that is none: neither says how things are done."""
    head = text[:HEAD]
    if _ONCE.search(head) or any(_ONCE_REFUSED.search(part) for part in weighed(text).refused):
        return True
    return praises(head) and _TAKEN_BACK.search(head) is not None


def praises(text: str) -> bool:
    """Whether the words praise: within a correction that is not meant so, and reads as if it were."""
    return _PRAISE.search(text[:HEAD]) is not None


def ordered(text: str) -> bool:
    """Whether the words say what comes first: then the other is not spoken against."""
    return _FIRST.search(text[:HEAD]) is not None


def covers(wrong: str, right: str) -> bool:
    """Whether a call that is written with placeholders is also the other one, so that "never" of the first
    forbids the second."""
    one, two = wrong.split(), right.split()
    if len(one) > len(two):
        return False
    return all(a == b or (a.startswith("<") and a.endswith(">")) for a, b in zip(one, two, strict=False))


def rejects_what_was_done(text: str) -> bool:
    """Whether the words want something in the place of what was just done, without naming that: "use make
    format instead"."""
    return _INSTEAD.search(text[:HEAD]) is not None


def redone(before: Call, after: Call) -> bool:
    """Whether the second is the first once more, with something else in it: `alike`, and a program whose
    subcommands nobody knows was called over the same file."""
    if alike(before, after) or not (before.command and after.command):
        return alike(before, after)
    one, two = command_key(before.command), command_key(after.command)
    return bool(one) and one == two and bool(_given(before) & _given(after))


def alike(before: Call, after: Call) -> bool:
    """Whether two calls are of the same program with the same subcommand, or of the same tool; or of a server
    that was given the same."""
    if before.command or after.command:
        one, two = command_key(before.command), command_key(after.command)
        if not (before.command and after.command and one) or one != two:
            return False
        if one.split(" ")[0] in SUBCOMMANDS:
            return True
        # Of a program whose subcommands nobody knows, the first plain word is taken for one.
        return _plain_first(before) == _plain_first(after)
    if _tail(before.tool) == _tail(after.tool):
        return True
    space = _space(before.tool)
    return bool(space) and space == _space(after.tool) and bool(set(before.values) & set(after.values))


def _named_head(text: str, tokens: set[str], stems: set[str], head: tuple[str, ...], *, alone: bool) -> int:
    """`alone`: whether the program's name alone tells this call."""
    program, subs = head[0], head[1:]
    if any(re.search(_word(name), text, re.I) for name in _written(head) if " " in name):
        return 3
    quoted = re.search(
        rf"`{re.escape(program)}(?![\w.-])|\b(?:use|via)\s+{re.escape(program)}(?![\w.-])", text, re.I
    )
    if alone and program in tokens and (program not in _COMMON or quoted):
        return 3
    for sub in subs:
        if sub not in _COMMON and len(sub) > 1 and (sub in tokens or _stem(sub) in stems):
            return 2
    # "The tests" of `pytest`.
    longer = {stem for stem in stems if len(stem) > 3 and stem not in _COMMON - {"test"}}
    return 2 if alone and program not in stems and any(stem in program for stem in longer) else 0


def _written(head: tuple[str, ...]) -> list[str]:
    """How people write a call: with its subcommand, by the program, by the subcommand alone."""
    found = [" ".join(head[:size]) for size in range(len(head), 1, -1)]
    return found + [word for word in head if word not in _COMMON and not word.startswith("-")]


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


@lru_cache(maxsize=2048)
def _heads(call: Call | None) -> tuple[tuple[str, ...], ...]:
    """Program and subcommands of each simple command; a program in a folder by its path and by its name."""
    if call is None or not call.command:
        return ()
    found: dict[tuple[str, ...], None] = {}
    for simple in main_commands(call.command)[:6]:
        program = simple.words[0].rsplit("/", 1)[-1].lower()
        subs = command_key(" ".join(simple.words)).lower().split(" ")[1:] if program in SUBCOMMANDS else []
        if not subs and program not in SUBCOMMANDS:
            plain = next(iter(simple.words[1:2]), "")
            subs = [plain.lower()] if re.fullmatch(r"[a-z][a-z-]*", plain) else []
        found[(program, *subs)] = None
    return tuple(found)


def _given(call: Call) -> set[str]:
    """The words behind a program's name and its first one, those of redirections among them."""
    heads = {word for head in _heads(call) for word in head}
    return {word for word in call.command.split() if re.search(r"[^\W_]", word) and word not in heads}


def _plain_first(call: Call) -> tuple[str, ...]:
    """The first plain word of a program that has its own subcommands: `list` of `rota list`."""
    return next(iter(head[:2] for head in _heads(call)), ())


@lru_cache(maxsize=2048)
def _extras(call: Call) -> frozenset[str]:
    """The options, arguments and files of a call, a path by its parts as well."""
    if call.command:
        simple = main_commands(call.command)[:6]
        heads = {word for head in _heads(call) for word in head}
        given: Iterable[str] = (word for one in simple for word in one.words[1:] if word.lower() not in heads)
    else:
        given = call.values
    found: set[str] = set()
    for word in given:
        if len(word) > ARGUMENT or not word.strip() or re.search(r"\s|<", word.strip()):
            continue
        low = word.lower().strip("'\"`")
        pieces = [] if low.startswith("-") else re.split(r"[/\\]", low)
        pieces += [piece.rsplit(".", 1)[0] for piece in pieces]
        found |= {low, low.partition("=")[0], *pieces}
    return frozenset(one for one in found if len(one) > 1 and one not in _COMMON)


def _tool_parts(call: Call) -> set[str]:
    """The words of a function's name. Those of hosts' own tools ("Write") are words of prose."""
    tool = call.tool.lower()
    if call.command or tool in FILE_TOOLS or tool in SHELL_TOOLS or tool in _FILE_READERS:
        return set()
    parts = {part.lower() for part in _CAMEL.split(_last(call.tool)) if len(part) > 2}
    return {part for part in parts if part not in _COMMON}


def _last(tool: str) -> str:
    return re.split(r"[.:/]|__", tool)[-1]


def _tail(tool: str) -> str:
    return _last(tool).lower()


def _space(tool: str) -> str:
    return tool[: len(tool) - len(_last(tool))].lower()


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
