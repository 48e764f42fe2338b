"""What users told their agents, as lines: corrections, and rules about a program."""

from __future__ import annotations

import re
from collections.abc import Sequence

from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.evolvers._phrases import code
from skillclaw.evolve.evolvers._units import Unit, made, passes
from skillclaw.evolve.evolvers._usages import filed
from skillclaw.evolve.evolvers._voice import Support, Voice
from skillclaw.skills.placing import RULES, WRONG
from skillclaw.skills.records import ActionShape, Pattern
from skillclaw.skills.vocabulary import content_words
from skillclaw.trajectory.demands import forbidden, parted

__all__ = ["correction", "demand"]


_GOES_ON = re.compile(r"[|;&]|<(?![\w-]+>)|(?<![\w-])>")
"""An operator of the shell in a call, in which `<path>` is a placeholder."""


def correction(pattern: Pattern, voice: Voice) -> tuple[str, list[Unit]]:
    """What several users told their agents to do differently: the condition, and the line."""
    said = next((text for text in pattern.user_text if _shared(text, voice.said)), "")
    failed = pattern.failed
    right = [voice.shown(shape) for shape in pattern.actions]
    shown = voice.shown(failed) if failed is not None else ""
    if failed is not None and right == [shown]:
        # Calls of one shape may still differ in what all have in common: a name that begins otherwise.
        shown = voice.shown(failed, failed=True)
    done = ", then ".join(voice.spoken(pattern.actions))
    instead = failed is not None and right != [shown]
    if not instead and not said:
        return "", []  # the same action in other words: nothing that a reader could follow
    always = instead and len(right) == 1 and pattern.actions[0].command is not None
    if always:
        # Weak agents copy what stands behind "instead of"; and behind "never", of the same subcommand.
        call = right[0].strip("`")
        # What already goes somewhere else, or through another program, stays as it is.
        if not _GOES_ON.search(call) and voice.into_file(call):
            done = done.replace(right[0], code(filed(call)), 1)
        other = shown.strip("`").split()[:2] != call.split()[:2]
        text = f"Always {done}, never {shown}." if other else f"Always {done}."
    else:
        text = f"{done[:1].upper()}{done[1:]}{f' instead of {shown}' if instead else ''}."
    if said:
        text += f" Users say: “{said}”"
    about = "run" if failed is not None and failed.command is not None else "call"
    condition = f"You are about to {about} {shown}." if failed is not None else ""
    words = voice.words(failed) if failed is not None else ""
    avoided = f", not {words}" if words and instead else ""
    better = voice.words(pattern.actions[0])
    if failed is not None and words == better:  # the same program: what was added is what counts
        avoided = _added(failed, pattern.actions[0])
    return condition, made(
        RULES if always else WRONG,
        "fix",
        pattern,
        text,
        triggers=(f"you are about to {about} {words}",) if words else (),
        lead=f"{about.capitalize()} {better}{avoided}",
    )


def demand(pattern: Pattern, voice: Voice, context: EvolveContext) -> tuple[str, list[Unit]]:
    """What users ask of a program, as the rule that it is; the calls that agents made only show that it was
    followed."""
    program, wanted = parted(pattern.demand)
    if not voice.keep(wanted or program):
        return "", []
    said = _reason([text for text in pattern.user_text if _shared(text, voice.said)], program)
    users = f" Users say: “{said}”" if said else ""
    whole = sum(f"{program} {wanted}" in text for text in pattern.user_text)
    if wanted and (pattern.failed is not None or 2 * whole <= len(pattern.user_text)):
        # Weak agents that are told of one option drop the others for it.
        rule = f"Always add {code(wanted)} to calls of {code(program)}, and keep all else as it is"
        unwanted = frozenset().union(*map(forbidden, pattern.user_text))
        shown = ", ".join(code(call) for call in voice.calls_with(program, wanted, unwanted))
        texts = [f"{rule}: {shown}.{users}"] if shown else []
        texts.append(f"{rule}.{users}")
    else:
        # Nobody called the program without it, and people say the whole call: it is what is asked for.
        call = f"{program} {wanted}".strip()
        rules = [f"Always run {code(call)}"] if wanted else _call(pattern, call, program.split()[0], voice)
        program, wanted, texts = program.split()[0], call, [f"{rule}.{users}" for rule in rules]
    about = f"run {program}"
    lead = f"Run {program} with {wanted}" if wanted.startswith("-") else f"Run {wanted}"
    units: list[Unit] = []
    for text in texts:  # without examples, where those cannot stand
        units = made(RULES, "fix", pattern, text, triggers=(f"you are about to {about}",), lead=lead)
        if units and passes(units[0], context):
            break
    return f"You are about to run {code(program)}.", units


_BECAUSE = re.compile(
    r"\b(?:unless|otherwise|without|because|since|needs?|always|never|only|every)\b|"
    r"否则|否則|必须|必須|总是|總是",
    re.I,
)


def _reason(texts: Sequence[str], program: str) -> str:
    """Of users' words those that tell why, and show no call of the program that is only half of one; the
    first of equals, and none without any."""
    half = re.compile(rf"`{re.escape(program.split()[0])}\s[^`]*`")
    return max(texts, key=lambda text: bool(_BECAUSE.search(text)) - 2 * bool(half.search(text)), default="")


_FIRST = re.compile(r"\b(?:first|before)\b|先|之前", re.I)
_LAST = re.compile(r"\b(?:after|afterwards|at the end|then)\b|之[后後]|最[后後]", re.I)


def _call(pattern: Pattern, wanted: str, program: str, voice: Voice) -> list[str]:
    """A call that is to be made, beside or in the place of the one that went wrong, as most of the users'
    words have it, the best way to put it first."""
    said = pattern.user_text
    first = sum(bool(_FIRST.search(text)) for text in said)
    last = sum(bool(_LAST.search(text)) for text in said)
    if first == last:
        return [f"Always run {code(wanted)}"]
    # Only what it is: the call that went wrong may have more wrong in it.
    other = voice.words(pattern.failed) if pattern.failed is not None else ""
    if not other.startswith(f"{program} ") or other == wanted:
        where = "before" if first > last else "after"
        return [f"Always run {code(wanted)} {where} other calls of {code(program)}"]
    before, after = (wanted, other) if first > last else (other, wanted)
    rule = f"Always run {code(before)} first, then {code(after)}"
    call = voice.called(other)
    both = f"{wanted} && {call}" if first > last else f"{call} && {wanted}"
    return [*([f"{rule}: {code(both)}"] if call else []), rule]


def _added(failed: ActionShape, worked: ActionShape) -> str:
    """The options that a command has and the failed one has not, as the end of a sentence."""
    before = set((failed.command or "").split())
    options = [word for word in (worked.command or "").split() if word.startswith("-") and word not in before]
    return f" with {' and '.join(options[:2])}" if options else ""


def _shared(text: str, keep: Support) -> bool:
    """Whether a user's words are short and each telling one is shared by enough users."""
    words = content_words(text)
    return bool(words) and len(text) <= 120 and "\n" not in text and all(keep(word) for word in words)
