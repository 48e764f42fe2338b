"""What users told their agents, as lines: corrections, and rules about a program."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.evolvers._phrases import code
from skillclaw.evolve.evolvers._units import Unit, made, passes
from skillclaw.evolve.evolvers._usages import filed
from skillclaw.evolve.evolvers._voice import Support, Voice
from skillclaw.skills.placing import RULES, WRONG
from skillclaw.skills.records import ActionShape, Pattern
from skillclaw.skills.vocabulary import content_words
from skillclaw.trajectory.demands import forbidden, parted
from skillclaw.trajectory.meant import asks_for, names, refused, refuses
from skillclaw.trajectory.named_calls import Call, alike, covers, redone
from skillclaw.trajectory.weighed import ordered, praises, rejects_what_was_done, weighed

__all__ = ["correction", "demand"]


_VALUE = re.compile(r"<[\w-]+>")
_GOES_ON = re.compile(r"[|;&]|<(?![\w-]+>)|(?<![\w-])>")
"""An operator of the shell in a call, in which `<path>` is a placeholder."""


def correction(pattern: Pattern, voice: Voice, context: EvolveContext) -> tuple[str, list[Unit]]:
    """What several users told their agents to do differently: the condition, and the line.

    The pair of calls is said only where the words are about it; else the words alone, of the call that they
    name. An agent does all kinds of things before and after a correction.
    """
    said = next((text for text in pattern.user_text if _shared(text, voice.said)), "")
    failed = pattern.failed
    right = [voice.shown(shape) for shape in pattern.actions]
    shown = voice.shown(failed) if failed is not None else ""
    if failed is not None and right == [shown]:
        # Calls of one shape may still differ in what all have in common: a name that begins otherwise.
        shown = voice.shown(failed, failed=True)
    users = f" Users say: “{said}”" if said else ""
    asked = _asked_for(pattern)
    pair = failed is not None and right != [shown] and _is_pair(pattern, right, shown)
    if not pair and not asked:
        return _only_words(pattern, said, voice)
    against = shown if pair else code(_refused(pattern)) if _refused(pattern) and failed is None else ""
    if not pair:
        failed = None  # what was done before is not what the words are about
    about = "run" if failed is not None and failed.command is not None else "call"
    condition = f"You are about to {about} {shown}." if failed is not None else ""
    if against and not _spoken_against(pattern, against.strip("`"), right):
        against = ""
    texts = _lines(pattern, right, against, voice)
    always = texts[0].startswith("Always ")
    words = voice.words(failed) if failed is not None else against.strip("`")
    avoided = f", not {words}" if words and against else ""
    better = voice.words(pattern.actions[0])
    if failed is not None and words == better:  # the same program: what was added is what counts
        avoided = _added(failed, pattern.actions[0])
    lead = about = "run" if pattern.actions[0].command is not None else about
    words = words or better
    units: list[Unit] = []
    for text in texts:  # without "never", where too few of the sessions speak against it
        units = made(
            RULES if always else WRONG,
            "fix",
            pattern,
            f"{text}{users}",
            triggers=(f"you are about to {about} {words}",),
            lead=f"{lead.capitalize()} {better}{avoided}",
        )
        if units and passes(units[0], context):
            break
        avoided = ""
    return condition, units


def _lines(pattern: Pattern, right: list[str], shown: str, voice: Voice) -> list[str]:
    """The rule in the order of how much it says; `shown` is the call in whose place the other comes, empty
    where the words do not tell that."""
    done = ", then ".join(voice.spoken(pattern.actions))
    if len(right) != 1 or pattern.actions[0].command is None:
        return [f"{done[:1].upper()}{done[1:]}{f' instead of {shown}' if shown else ''}."]
    # Weak agents copy what stands behind "instead of"; and behind "never", of the same subcommand.
    call = right[0].strip("`")
    # What already goes somewhere else, or through another program, stays as it is.
    if not _GOES_ON.search(call) and voice.into_file(call):
        done = done.replace(right[0], code(filed(call)), 1)
    other = bool(shown) and shown.strip("`").split()[:2] != call.split()[:2]
    return [*([f"Always {done}, never {shown}."] if other else []), f"Always {done}."]


def _only_words(pattern: Pattern, said: str, voice: Voice) -> tuple[str, list[Unit]]:
    """The users' own words as the lesson, of the call that they are about; nothing where none is."""
    right = pattern.actions[0]
    again = pattern.failed is not None and alike(_meant(pattern.failed), _meant(right))
    shapes = [shape for shape in (pattern.failed, right) if shape is not None]
    # Of the same call once more the words may name what is new in it only.
    least = 0 if again else 1
    named = [s for s in shapes if _often(pattern, [_named(t, s) > least for t in pattern.user_text])]
    # Words that name both, and put neither in the place of the other, are about something else.
    if not said or not named or praises(said) or (len(named) > 1 and not again):
        return "", []
    shape = shapes[0] if again else named[0]
    words = voice.words(shape)
    about = "run" if shape.command is not None else "call"
    units = made(
        WRONG,
        "fix",
        pattern,
        f"Users say of {code(words)}: “{said}”",
        triggers=(f"you are about to {about} {words}",),
        lead=f"What users say of {words}",
    )
    return f"You are about to {about} {code(words)}.", units


def _named(text: str, shape: ActionShape) -> int:
    """How plainly the words name a call; "the test" is no name of `pytest`."""
    return names(text, _meant(shape), exact=True)


def _spoken_against(pattern: Pattern, wrong: str, right: list[str]) -> bool:
    """Whether most of the words speak against the one call, which is not the other one as well."""
    good = _meant(pattern.actions[0])
    if any(covers(wrong, call.strip("`")) for call in right):
        return False
    bad = Call(wrong, "") if pattern.failed is None or pattern.failed.command is not None else None
    if bad is None or good.command == "":
        return True
    return _often(
        pattern,
        [
            not ordered(text) and (refuses(text, bad, good) or rejects_what_was_done(text))
            for text in pattern.user_text
        ],
    )


def _asked_for(pattern: Pattern) -> bool:
    """Whether the users ask for the call itself, and not for something about it."""
    call = _meant(pattern.actions[0])
    other = pattern.failed is None or not alike(_meant(pattern.failed), call)
    return other and _often(pattern, [asks_for(text, call) for text in pattern.user_text])


def _refused(pattern: Pattern) -> str:
    """The program that most of the words speak against by name, though no agent called it before them."""
    often = Counter(name for text in pattern.user_text if (name := refused(text)))
    name, count = min(often.items(), key=lambda x: (-x[1], x[0]), default=("", 0))
    return name if 2 * count >= len(pattern.user_text) and not _runs(pattern.actions[0], name) else ""


def _runs(shape: ActionShape, program: str) -> bool:
    return (shape.command or "").split(" ")[0] == program


def _is_pair(pattern: Pattern, right: list[str], shown: str) -> bool:
    """Whether the one call comes in the place of the other: it is the same with something else in it, or the
    words speak against the one and ask for the other."""
    failed, action = pattern.failed, pattern.actions[0]
    if failed is None:
        return False
    wrong, good = _meant(failed), _meant(action)
    if alike(wrong, good):
        # What users say of the call as such ("write commit messages in English") is not what changed in it.
        before, after = set(shown.strip("`").split()), set(" ".join(right).strip("`").split())
        new, old = after - before, before - after
        if action.command is None or _often(pattern, [_begins(text, new) for text in pattern.user_text]):
            return True
        if failed.command == action.command and covers(shown.strip("`"), right[0].strip("`")):
            return False  # shapes leave out a program's folder: the calls would read alike
        changed = Call(f"x {' '.join(new)}", "")
        told = [
            not ordered(text)
            and (bool(names(text, changed)) or _dropped(text, old))
            and all(word in text for word in old if word.startswith("-"))
            for text in pattern.user_text
        ]
        return _often(pattern, told)
    if _other_word(pattern, wrong, good):
        return True
    against = _often(
        pattern, [refuses(t, wrong, good) or rejects_what_was_done(t) for t in pattern.user_text]
    )
    # Of functions the name alone is little: whoever speaks against one and gets another has said enough.
    return against and (action.command is None or _asked_for(pattern))


def _other_word(pattern: Pattern, wrong: Call, good: Call) -> bool:
    """Whether the words put one first word of a program in the place of another: "staging, not prod"."""
    said = pattern.user_text
    # What both were given alike makes the one the other once more, whatever the first word.
    return redone(Call(f"{wrong.command} 0", ""), Call(f"{good.command} 0", "")) and _often(
        pattern,
        [refuses(t, wrong, good) and names(weighed(t).asked, good, wrong, exact=True) > 1 for t in said],
    )


def _begins(text: str, new: Collection[str]) -> bool:
    """Whether the words tell how a value begins or ends: "every name begins with hs-" of `hs-<name>`."""
    fixed = (part for word in new if _VALUE.search(word) for part in _VALUE.split(word.strip("'\"")))
    return any(len(part) > 1 and part in text for part in fixed)


def _dropped(text: str, old: Collection[str]) -> bool:
    """Whether the words speak against an option that is gone from the call."""
    return any(word.startswith("-") and word in part for part in weighed(text).refused for word in old)


def _often(pattern: Pattern, said: Sequence[bool]) -> bool:
    """Whether it holds of at least half of the users' words."""
    return 2 * sum(said) >= len(pattern.user_text) > 0


def _meant(shape: ActionShape) -> Call:
    """A shape as words may name it, with the values that all of its calls have."""
    values = tuple(arg.constant.strip('"') for arg in shape.args if arg.constant is not None)
    return Call(shape.command or "", shape.tool, values)


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
        rules = _call(pattern, call, program.split()[0], voice)
        program, wanted, texts = program.split()[0], call, [f"{rule}.{users}" for rule in rules]
    ahead = _before(pattern, voice)
    about = f"run {ahead or program}"
    lead = f"Run {program} with {wanted}" if wanted.startswith("-") else f"Run {wanted}"
    lead += f" before {ahead}" if ahead else ""
    units: list[Unit] = []
    for text in texts:  # without examples, where those cannot stand
        units = made(RULES, "fix", pattern, text, triggers=(f"you are about to {about}",), lead=lead)
        if units and passes(units[0], context):
            break
    return f"You are about to run {code(ahead or program)}.", units


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


def _before(pattern: Pattern, voice: Voice) -> str:
    """The call of another program before which users want the demanded one; empty where that may not be
    said."""
    return pattern.ahead if pattern.ahead and voice.keep(pattern.ahead) else ""


_LAST = re.compile(r"\b(?:after|afterwards|at the end|then)\b|之[后後]|最[后後]", re.I)


def _call(pattern: Pattern, wanted: str, program: str, voice: Voice) -> list[str]:
    """A call that is to be made, beside or in the place of the one that went wrong, as most of the users'
    words have it, the best way to put it first."""
    said = pattern.user_text
    if ahead := _before(pattern, voice):
        return [f"Always run {code(wanted)} before {code(ahead)}"]
    first = sum(ordered(text) for text in said)
    last = sum(bool(_LAST.search(text)) for text in said)
    if first == last:
        return [f"Always run {code(wanted)}"]
    # Only what it is: the call that went wrong may have more wrong in it.
    other = voice.words(pattern.failed) if pattern.failed is not None else ""
    named = re.compile(rf"(?<![\w-]){re.escape(program)} (?!{re.escape(wanted.partition(' ')[2])}\b)[a-z]")
    if not other and not any(named.search(text) for text in said):
        return [f"Always run {code(wanted)}"]  # of other calls of the program nobody spoke
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
