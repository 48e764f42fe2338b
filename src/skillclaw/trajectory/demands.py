"""What a user's words ask of a program: an option that it is to have, or a call that is to be made.

People who put an agent right mostly state a rule: "`rota` gives local times unless you add --zone utc". The
rule is theirs, whatever the agent makes of it: a weak one drops half of its call on the way, or says that it
is done. So what was demanded is read from the message itself, and the call that it asks for is the agent's
own with that put in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from skillclaw.trajectory.flow import Act
from skillclaw.trajectory.shell import FEEDERS, main_commands
from skillclaw.trajectory.text import STOP, word_set

__all__ = ["Demand", "demands", "forbidden", "parted", "put_early", "with_it"]

HEAD = 2000
"""Characters of a message that are read."""
SENTENCE = 400
"""Characters of a sentence that may state a rule: what is longer is pasted."""
LONGEST = 60
"""Characters of what is demanded."""
MOST = 4
"""Demands kept of one message."""
EARLIER = 40
"""Calls before the message that are looked at, the last ones."""
TAKEN = 3
"""Calls after the message of which one may be what it names without backticks."""
CALL = 2000
"""Characters of a call that are looked at."""

_FURTHER = re.compile(r"^\W*(?:now|next|then|also|additionally|besides|another|finally|and)\b", re.I)
"""How a further request begins."""
_INSISTS = re.compile(
    r"\b(?:always|never|every|whenever|whatever|ha(?:ve|s) to|must|needs?|wants?|should|only|otherwise|"
    r"without|unless|forgot|first|at the end|instead|again|redo|over|wrong|required?)\b"
    r"|\bbefore (?:(?:you|we|i|they|every|each|any|the|an?)\b|\w+ing\b|`)"
    r"|必须|必須|一定|总是|總是|每次|需要|要用|否则|否則|应该|應該|先|重新|忘",
    re.I,
)
"""A rule, or the wish to have the same done otherwise; a request for something more says none of these."""
_FORBIDS = re.compile(
    r"(?:\bnot|n't|\bnever|\bno longer|\binstead of|\brather than|\bwithout using|\bstop|\bavoid|\bdrop|"
    r"\bremove|\bomit|\bleave out|不要|别|別|不用|不能)\b"
    r"[^,;:.?!。，；：？！]*(?:, (?:because|since|as)\b[^,;:.?!。，；：？！]*)?$",
    re.I,
)
_TELLS = re.compile(
    r"\b(?:did|does|was|has|had|will|would)(?: not|n['’]t)\s(?!to\b)[^,;:.]{0,60}?,?\s?\b"
    r"(?:(?:because|since)\b(?:(?!\bno|n['’]t\b|\bnever\b)[^,;:.]){0,40}?\b(?:wants?|needs?|requires?|lacks?|expects?)"
    r"|(?:unless|until)\s(?:you|it|one|they)\s(?:adds?|gives?|pass(?:es)?|has|have|uses?|sets?|gets?))\b",
    re.I,
)
"""What did not work because it wants something, or does not unless it gets it: it forbids nothing of what
comes behind."""
_DOUBLE = re.compile(r"(?:\bnot|n['’]t|\bnever)\s(?:forget|omit|leave out|drop|remove|skip)\b", re.I)
"""Who says so wants it."""
_WITHOUT = re.compile(r"\bwithout\b[^,;:.]*$", re.I)
_FENCED = re.compile(r"```.*?(?:```|\Z)", re.S)
_ENDS = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_SPAN = re.compile(r"`([^`\n]{1,200})`")
_OPTION = re.compile(r"(?<![\w-])(--?[A-Za-z][\w-]*)(?:[ =]([\w./:@%+-]*\w))?")
_PROGRAM = re.compile(r"[A-Za-z][\w.+-]*")
_AHEAD = re.compile(
    r"\b(?:before|then) (?:`([^`\n]{1,60})`"
    r"|(?:(?:you|we|i|they|every|each|any|the|an?|can|may) ){0,2}([a-z]{4,})\b)",
    re.I,
)
"""What something is to be done before: a call, or a word of one ("before you commit", "committing")."""
_FIRST = re.compile(r"\b(?:always|every|must|ha(?:ve|s) to|should|forgot)\b.{0,60}\bfirst\b", re.I)
_SUBCOMMAND = re.compile(r"[a-z][a-z-]{3,}")
_PLACEHOLDER = re.compile(r"[<>{}$…]|\.\.\.|^[A-Z][A-Z_]+$")
_PROSE = STOP | word_set(
    "when whenever otherwise instead first again before after because since unless while else always never "
    "must whatever every without using use add"
)
"""Words that follow an option in a sentence and are no value of it; `all` is one more often than not."""
_NO_VALUE = _PROSE - {"all"}


class Demand(NamedTuple):
    """`wanted` of `program`: an option with its value (`--zone utc`) that its calls are to have, or a whole
    call (`board hold`). `text`: the sentence that says so, as the user wrote it. `ahead`: of a call, that of
    another program which it is to be made before (`git commit`); empty where the sentence names none."""

    program: str
    wanted: str
    text: str
    ahead: str = ""

    @property
    def option(self) -> bool:
        """Whether an option is demanded, else a call."""
        return self.wanted.startswith("-")


def demands(
    said: str, asked: str, before: Sequence[Act], *, after: Sequence[Act] = (), objects: bool = False
) -> tuple[Demand, ...]:
    """The demands of a message; none where it asks for something more rather than for the same otherwise.

    asked    what the user said of the same request before
    before   the calls of the request so far; `after` those that follow the message
    objects  whether the message is known to say that something was wrong
    """
    calls = [act.command[:CALL] for act in before[-EARLIER:] if act.command is not None]
    text = _FENCED.sub(" ", said[:HEAD])
    if not calls or _FURTHER.match(text) or not (objects or _INSISTS.search(text)):
        return ()
    if not objects and text.rstrip().endswith(("?", "？")):
        return ()
    known = "\n".join([asked, *calls]).lower()
    called = [name for call in calls for name in _programs(call)]
    asked_of = [name for span in _SPAN.findall(asked) if (name := _first(span))]
    names = [*asked_of, *called]
    found: dict[tuple[str, str], Demand] = {}
    meant = _meant(text, names) or next(iter(asked_of), "") or (called[-1] if called else "")
    for sentence in _ENDS.split(text):
        if not 0 < len(sentence) <= SENTENCE:
            continue
        program = _meant(sentence, names) or meant
        quoted = _quoted(sentence, after) if _AHEAD.search(sentence) or _FIRST.search(sentence) else sentence
        for one in _stated(quoted, program, known):
            ahead = "" if one.option else _ahead(quoted, one.program, calls)
            one = one._replace(text=sentence.strip(), ahead=ahead)
            found.setdefault((one.program, one.wanted.lower()), one)
    return tuple(found.values())[:MOST]


def with_it(command: str, demand: Demand) -> str:
    """`command` as it was demanded: its call of the program has the option, in the place of another value
    where it gives one; a demanded call stands for itself."""
    if not demand.option:
        return demand.wanted
    option, _, value = demand.wanted.partition(" ")
    call = re.search(rf"(?<![\w./-]){re.escape(demand.program)}(?![\w.-])[^|;&<>\n]*", command)
    if call is None:
        return f"{demand.program} {demand.wanted}"
    held = re.compile(
        rf"(?<![\w-]){re.escape(option)}(?![\w-])(?:[ =](?!-)[^\s|;&<>]+)?" if value else r"(?!)"
    )
    told = call.group().rstrip()
    if held.search(told):
        told = held.sub(lambda _: demand.wanted, told, count=1)
    else:
        told = f"{told} {demand.wanted}"
    rest = command[call.end() :]
    return f"{command[: call.start()]}{told}{' ' if rest[:1] and rest[0] in '|;&<>' else ''}{rest}"


def parted(demand: str) -> tuple[str, str]:
    """What is demanded (`Pattern.demand`) as the call and the option that it is to have; the latter empty
    where the call itself is demanded."""
    words = demand.split()
    at = next((n for n, word in enumerate(words) if n and word.startswith("-")), len(words))
    return " ".join(words[:at]), " ".join(words[at:])


def put_early(command: str, program: str, wanted: str) -> str:
    """`command`, one call of `program`, with the option `wanted` before all other options: there weak agents
    take it over from an example, and at the end they leave it out. A plain word behind a program of one
    word is its subcommand, and stays before."""
    subcommand = "" if " " in program else r"(?:\s+(?:[a-z][a-z-]*|<command>)(?=\s|$))?"
    head = re.match(re.escape(program) + subcommand, command)
    place = head.end() if head is not None else len(command)
    return f"{command[:place]} {wanted}{command[place:]}"


def forbidden(text: str) -> frozenset[str]:
    """The options that a message says not to use."""
    found = set()
    for sentence in _ENDS.split(text[:HEAD]):
        plain = sentence.replace("`", " ")[:SENTENCE]
        found |= {one[1] for one in _OPTION.finditer(plain) if _forbids(plain[: one.start()])}
    return frozenset(found)


def _quoted(sentence: str, after: Sequence[Act]) -> str:
    """The sentence with a call in backticks that stands in it without, and that the agent then made."""
    if "`" in sentence:
        return sentence
    for act in after[:TAKEN]:
        for simple in main_commands(act.command[:CALL]) if act.command is not None else ():
            for count in range(len(simple.words), 1, -1):
                call = " ".join(simple.words[:count])
                if len(call) <= LONGEST and re.search(rf"(?<![\w./-]){re.escape(call)}(?![\w-])", sentence):
                    return sentence.replace(call, f"`{call}`", 1)
    return sentence


def _ahead(sentence: str, program: str, calls: Sequence[str]) -> str:
    """The call of another program before which the sentence wants what it demands: one that was made; the
    last one where it says "first" and no more."""
    said = _AHEAD.search(sentence)
    if said is None and (not _FIRST.search(sentence) or program in _programs(calls[-1])):
        return ""
    named, word = (said[1] or "").split()[:2] if said else [], (said[2] or "").lower() if said else ""
    for call in reversed(calls):
        for simple in reversed(main_commands(call)):
            name, *rest = simple.words
            name = name.rsplit("/", 1)[-1]
            if name == program or name in FEEDERS:
                continue
            if named and named == [name, *rest][: len(named)]:
                return " ".join(named)
            plain = next((one for one in rest if _SUBCOMMAND.fullmatch(one)), "")
            if plain and (said is None or (word and word.startswith(plain.rstrip("e")))):
                return f"{name} {plain}"
        if said is None:
            break
    return ""


def _stated(sentence: str, program: str, known: str) -> Iterator[Demand]:
    """What one sentence demands, of `program` where it names no other."""
    bare = sentence
    for span in _SPAN.finditer(sentence):
        words = span[1].split()
        before = sentence[: span.start()]
        if not _first(span[1]) or _forbids(before):
            continue
        # A call of its own, with the options that stand in it; one word may be a value.
        whole = len(words) > 1 and len(span[1]) <= LONGEST and not any(map(_PLACEHOLDER.search, words))
        if whole and _is_new(" ".join(words[:2]), known):
            # "Without it nothing works" and "do it without": which of the two is not told.
            if not _WITHOUT.search(before):
                yield Demand(_first(span[1]), " ".join(words), sentence.strip())
            bare = bare.replace(span[0], " ")
    for option in _OPTION.finditer(bare.replace("`", " ")):
        value = option[2] or ""
        if value.lower() in _NO_VALUE or _PLACEHOLDER.search(value):
            value = ""
        wanted = f"{option[1]} {value}".strip()
        fits = bool(program) and len(wanted) <= LONGEST
        if fits and not _forbids(bare[: option.start()]) and _is_new(wanted, known):
            yield Demand(program, wanted, sentence.strip())


def _forbids(before: str) -> bool:
    """Whether what stands before an option, or a call, says not to use it."""
    return _FORBIDS.search(_TELLS.sub(" ", _DOUBLE.sub(" ", before))) is not None


def _is_new(name: str, known: str) -> bool:
    """Whether nobody had said or used it."""
    written = re.escape(name.lower()).replace(r"\ ", "[ =]")
    return re.search(rf"(?<![\w-]){written}(?![\w-])", known) is None


def _meant(text: str, names: Sequence[str]) -> str:
    """The program that is spoken of: the first in backticks, else the first that the request knows."""
    for span in _SPAN.findall(text):
        if name := _first(span):
            return name
    spoken = set(re.findall(r"[\w.+-]+", text))
    return next((name for name in names if name in spoken), "")


def _first(span: str) -> str:
    """The program of a call in backticks; empty where it is none."""
    word = next(iter(span.split()), "").rsplit("/", 1)[-1]
    return word if _PROGRAM.fullmatch(word) else ""


def _programs(command: str) -> list[str]:
    names = [simple.words[0].rsplit("/", 1)[-1] for simple in main_commands(command)]
    return [name for name in names if name not in FEEDERS] or names
