"""`scan`: nothing in a skill makes an agent do harm, whatever the evidence says."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from skillclaw.gate.context import GateContext
from skillclaw.gate.lines import summary
from skillclaw.gate.pieces import READ, TooMuchError, decoded, encoded, joined, plain_views, variables
from skillclaw.gate.rules import Danger, dangers, simply
from skillclaw.gate.steering import sentences, steerings
from skillclaw.skills.file_text import as_text
from skillclaw.skills.frontmatter import split
from skillclaw.skills.records import Bundle, Item, Proposal, Verdict

__all__ = ["check", "item_fault", "name", "order", "static", "together"]

name = "scan"
order = 50
_FILES = r"\b(?:AGENTS|CLAUDE|GEMINI)\.md"
_PURPOSE = re.compile(
    rf"(\b(?:write|edit|modify|append)\b[\w ,'’-]{{0,40}}?){_FILES}(?:(?:,|,? or|,? and) {_FILES}){{0,2}}",
    re.IGNORECASE,
)
"""A description may say that a skill is for writing such a file. What to write is said below, and judged."""
_ENDS = re.compile(r"[.!?](?:\s|[\"']|\Z)|\n")
_ORDER = re.compile(
    r"\b(?:always|never|must|without (?:asking|telling)|unasked|silently|first|every (?:time|session|task)"
    r"|before (?:any|every|each|anything))\b",
    re.IGNORECASE,
)
"""What tells an agent to do it, and does not say what a skill is for."""
_SAYS_WHAT = re.compile(r"\s+(?:that|so that|saying|to say|which says?)\b|\s*:", re.IGNORECASE)
"""Behind the file's name: what to write into it."""
_NAMED = r"<[A-Za-z][\w-]{0,40}>"
_PATH = re.compile(
    rf"`[\w.-]{{1,80}}/(?:(?:[\w.-]{{1,80}}|{_NAMED})/){{0,9}}[\w.-]{{0,80}}`|`{_NAMED}/SKILL\.md`"
)
"""A path in which a name stands for another (`skills/<name>/SKILL.md`). Nothing is put into a file there: a
folder is no command, so a shell has nothing to write. `<name>/SKILL.md` alone would be a file right below the
root, where no agent looks for skills."""


def check(proposal: Proposal, context: GateContext) -> list[Verdict]:
    """Rejects dangerous commands and instructions that turn an agent against its user, also such that only
    together with another skill do harm."""
    if proposal.bundle is None:
        return [Verdict(check=name, verdict="n/a", reason="A retirement has no files.")]
    verdicts = static(proposal.bundle)
    if verdicts[0].verdict == "pass":
        current = [one.bundle for other, one in sorted(context.current.items()) if other != proposal.skill]
        return together(proposal.bundle, current) or verdicts
    return verdicts


def together(bundle: Bundle, others: Iterable[Bundle]) -> list[Verdict]:
    """A rejection where `bundle` does harm only with the pieces of one of `others`; else nothing."""
    own = _texts(bundle)
    for other in others:
        danger = _across(own, _texts(other))
        if danger is not None:
            reason = f"Together with the skill {other.name} it {danger.what}: `{danger.text}`."
            return [Verdict(check=name, verdict="reject", reason=reason)]
    return []


def static(bundle: Bundle) -> list[Verdict]:
    """The same for a bundle alone."""
    texts = _texts(bundle)
    reasons = []
    for path, text in texts.items():
        reasons += [f"{_place(path, text, d)} {d.what}: `{d.text}`." for d in _shown(text)]
    if not reasons:
        reasons = [f"Put together, its parts {_many(d.what)}: `{d.text}`." for d in _pieced(texts.values())]
    if reasons:
        return [Verdict(check=name, verdict="reject", reason=summary(reasons))]
    return [Verdict(check=name, verdict="pass", reason="No dangerous command or instruction.")]


def item_fault(item: Item, proposal: Proposal, context: GateContext) -> str | None:
    """Why this line is dangerous."""
    text = f"{item.section}\n{' '.join(item.text.split())}"
    found = next(iter(_shown(text)), None) or next(_pieced([text]), None)
    return f"The line {found.what}: `{found.text}`." if found else None


def _texts(bundle: Bundle) -> dict[str, str]:
    ordered = sorted(bundle.files, key=lambda f: f.path)
    texts = {file.path: as_text(file.data) for file in ordered}
    if "SKILL.md" in texts:
        head, body = split(texts["SKILL.md"])
        texts["SKILL.md"] = _PURPOSE.sub(_without_file, head) + body
    return texts


def _without_file(purpose: re.Match[str]) -> str:
    """The purpose without the file's name; with it where the sentence gives an order."""
    head = purpose.string
    begin = max(head.rfind(mark, 0, purpose.start()) for mark in (". ", "\n")) + 1
    end = _ENDS.search(head, purpose.end())
    sentence = head[begin : end.start() if end else len(head)]
    return purpose[0] if _ORDER.search(sentence) or _SAYS_WHAT.match(head, purpose.end()) else purpose[1]


def _shown(text: str) -> list[Danger]:
    """Dangers that can be read in the text."""
    # A phrase may be broken over lines, so the text is looked at once more as one line a paragraph.
    text = _PATH.sub(lambda path: path[0].replace("<", "").replace(">", ""), text)
    whole = "\n".join(" ".join(part.split()) for part in text.split("\n\n"))
    views = [text, whole, *plain_views(whole)]
    found = [danger for view in reversed(views) for danger in dangers(view)]
    found += [
        Danger(what=steers.what, text=steers.text)
        for sentence in sentences(text)
        for steers in steerings(sentence)
        if steers.never
    ]
    return list({danger.what: danger for danger in found}.values())


def _pieced(texts: Iterable[str]) -> Iterator[Danger]:
    """Dangers that are there only when pieces are put together or decoded; so many pieces that it would not
    end are one."""
    texts = list(texts)
    try:
        made = [
            whole for known in _meanings(texts) for text in texts if (whole := joined(text, known)) != text
        ]
        made += decoded(texts)
    except TooMuchError as error:
        yield Danger(what=str(error), text="...")
        return
    for text in made:
        yield from dangers(text)


def _meanings(texts: Collection[str]) -> list[dict[str, str]]:
    """What names stand for: by what they were given last, and by what first where that is another."""
    last, first = variables(texts), variables(texts, first=True)
    return [last] if last == first else [last, first]


def _across(own: Mapping[str, str], other: Mapping[str, str]) -> Danger | None:
    """A danger of two skills' pieces together; what the other holds alone is no matter of this one."""
    try:
        return _crossed(own, other)
    except TooMuchError as error:
        return Danger(what=str(error), text="...")


def _crossed(own: Mapping[str, str], other: Mapping[str, str]) -> Danger | None:
    # Either may name what the other one uses.
    pairs = [(mine, theirs) for mine in _meanings(own.values()) for theirs in _meanings(other.values())]
    turns = [turn for mine, theirs in pairs for turn in ((own, mine, theirs), (other, theirs, mine))]
    for holder, named, more in turns:
        for text in holder.values():
            whole = joined(text, {**more, **named})
            if whole != joined(text, named):
                for danger in dangers(whole):
                    return danger
    if not (encoded(own.values()) and encoded(other.values())):
        return None
    alone = {danger.text for danger in _pieced(other.values())}
    # What either makes alone was allowed to it: a skill with much of it keeps no other one out.
    most = READ + sum(len(text) for one in (own, other) for text in decoded(one.values()))
    for texts in ([*own.values(), *other.values()], [*other.values(), *own.values()]):
        for text in list(decoded(texts, most)):
            for danger in dangers(text):
                if danger.text not in alone:
                    return danger
    return None


def _place(path: str, text: str, danger: Danger) -> str:
    """The file and the line, where the stretch stands in one line."""
    begin = danger.text[:30].split("...")[0]
    lines = enumerate(text.split("\n"), 1)
    at = next((n for n, line in lines if begin in " ".join(f"{line} {simply(line)}".split())), 0)
    return f"{path}, line {at}," if at else path


def _many(what: str) -> str:
    """`runs code` as `run code`, for what several parts do."""
    verb, _, rest = what.partition(" ")
    return f"{verb.removesuffix('s')} {rest}"
