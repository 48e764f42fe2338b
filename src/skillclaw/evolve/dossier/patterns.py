"""A pattern as lines that a model reads: what it says, its numbers, and what of it may be repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from skillclaw.evolve.dossier.fence import line
from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.gate.grounds import Grounds
from skillclaw.skills.records import ActionShape, ArgShape, Pattern, Ref
from skillclaw.skills.samples import is_sample
from skillclaw.skills.text import constant_text, fixed_parts, has_mask
from skillclaw.skills.vocabulary import content_words, error_phrases
from skillclaw.trajectory.demands import parted

__all__ = ["number", "pattern_lines", "sayable", "shape_line", "shared_words"]

ACTIONS = 10
"""Actions of a procedure that are shown; longer ones say how many more there are."""

LONGEST = 200
"""Characters of one text that may be written exactly."""

WORDS_LONGEST = 24
EXACT = 14
WORDS = 16


def pattern_lines(label: str, pattern: Pattern, context: EvolveContext) -> list[str]:
    """The pattern, its label first. Nothing in it breaks a line, so that no value can pass for a label."""
    found = [f"{label} {pattern.kind}: {line(pattern.title, 160)}", f"  {_support(pattern)}"]
    found += [f"  {text}" for text in _effect(pattern)]
    if pattern.intent is not None:
        found.append(f"  people ask: {line(pattern.intent.label, 200)}")
        found += [f"  for example: {line(text, 160)}" for text in pattern.intent.examples[:1]]
    if pattern.failed is not None:
        found.append(f"  what went wrong: {shape_line(pattern.failed)}")
    if pattern.error:
        found.append(f"  with the error: {line(pattern.error, 240)}")
        named = error_phrases(pattern.error)
        if named:
            found.append(f"  the error may be called: {', '.join(named[:2])}")
    if pattern.demand:
        found.append(f"  people ask for this, whatever agents make of it: {line(pattern.demand, 100)}")
    if pattern.actions:
        found.append(f"  {_ASKED if pattern.demand else _DID[pattern.kind]}:")
        found += [f"    {n}. {shape_line(shape)}" for n, shape in enumerate(pattern.actions[:ACTIONS], 1)]
        if len(pattern.actions) > ACTIONS:
            found.append(f"    and {len(pattern.actions) - ACTIONS} more")
    found += [f"  do action {first + 1} before action {then + 1}" for then, first in pattern.before[:4]]
    found += [f"  a person said: {line(text, 160)}" for text in pattern.user_text[:3]]
    if pattern.env:
        seen = "; ".join(f"{name} {', '.join(values[:4])}" for name, values in sorted(pattern.env.items()))
        found.append(f"  seen with: {line(seen, 200)}")
    found += [f"  may be out of date: {line(text, 160)}" for text in pattern.stale[:3]]
    exact, failing = sayable(pattern, context)
    if exact:
        found.append("  may be written exactly: " + " ".join(f"`{text}`" for text in exact))
    if failing:
        found.append("  may be named as what fails: " + " ".join(f"`{text}`" for text in failing))
    words = shared_words(pattern, context)
    if words:
        found.append(f"  words that enough people used: {', '.join(words)}")
    return found


_DID = {
    "recovery": "what worked then",
    "correction": "what was accepted instead",
    "procedure": "what was done, in this order",
    "pitfall": "what it is about",
}
_ASKED = "the call that went wrong with that put in"


def _support(pattern: Pattern) -> str:
    days = sorted({ref.day for ref in pattern.evidence if ref.day})
    text = f"seen in {number(pattern.sessions, 'session')} of {number(pattern.users, 'person', 'people')}"
    if days:
        text += f", last on {line(days[-1], 10)}"
    agents = [line(agent, 40) for agent in pattern.agents]
    if agents:
        text += f", with {', '.join(agents[:5])}"
    against = len({ref.session for ref in pattern.contradictions})
    speaks = number(against, "session speaks", "sessions speak") if against else "nothing speaks"
    return f"{text}; {speaks} against it"


def _effect(pattern: Pattern) -> list[str]:
    stats = pattern.stats
    found = []
    if stats.with_n and stats.without_n:
        found.append(
            f"success with it: {stats.with_success} of {stats.with_n}; "
            f"without it: {stats.without_success} of {stats.without_n}"
        )
    elif stats.with_n:
        found.append(f"success with it: {stats.with_success} of {stats.with_n}; nothing to compare with")
    if stats.odds_ratio is not None and stats.ci is not None:
        clear = "" if stats.ci[0] > 1 or stats.ci[1] < 1 else ", which may be chance"
        found.append(
            f"odds ratio {stats.odds_ratio:.2g} (95% interval {stats.ci[0]:.2g} to {stats.ci[1]:.2g}){clear}"
        )
    if stats.cost is not None and stats.cost > 0:
        found.append(f"where it is not followed about {stats.cost:.1f} calls are lost")
    for one in stats.carriers[:2]:
        found.append(f"{one.share:.0%} of the successes come from one {one.kind}")
    return found


def shape_line(shape: ActionShape) -> str:
    """An action with what varies as `<...>`, on one line."""
    if shape.command is not None:
        text = f"{line(shape.tool, 60)} {line(shape.command, 240)}"
        example = line(shape.example, 240)
        if example and example != line(shape.command, 240):
            text += f"   (once: {example})"
    else:
        text = f"{line(shape.tool, 60)}({', '.join(_argument(arg) for arg in shape.args[:12])})"
    times = {"+": " once for each thing found", "?": " only sometimes"}.get(shape.times, "")
    return text + times


def _argument(arg: ArgShape) -> str:
    name = line(arg.name, 60)
    if arg.share == 0:
        return f"{name} is missing"
    form = f"{arg.form}, as {arg.sample}" if is_sample(arg.sample) else arg.form
    value = line(arg.constant, 100) if arg.constant is not None else f"<{line(form, 60) or 'varies'}>"
    source = ""
    if arg.origin == "user":
        source = " from the user's words"
    elif arg.origin.startswith("result:") and arg.origin[7:].isdigit():
        source = f" from the result of action {int(arg.origin[7:]) + 1}"
    elif arg.origin == "history":
        source = " as in an earlier call"
    rare = f" in {arg.share:.0%} of the calls" if arg.share < 0.9 else ""
    return f"{name}={value}{source}{rare}"


def _sources(refs: Iterable[Ref], context: EvolveContext) -> list[Grounds]:
    if context.gate is None:
        return []
    users = {ref.session: ref.user for ref in refs}
    found = ((user, context.gate.grounds(session)) for session, user in sorted(users.items()))
    return [grounds for user, grounds in found if grounds is not None and grounds.user == user]


def _enough(sources: Sequence[Grounds], context: EvolveContext) -> bool:
    return (
        len(sources) >= context.policy.sessions
        and len({grounds.user for grounds in sources}) >= context.policy.users
    )


def sayable(pattern: Pattern, context: EvolveContext) -> tuple[list[str], list[str]]:
    """What a line that rests on the pattern may repeat word for word, and what it may name as failing."""
    exact = _held(pattern, pattern.actions, context)
    if pattern.demand:
        demanded = ActionShape(tool="", command=" ".join(parted(pattern.demand)[1:]) or pattern.demand)
        exact = list(dict.fromkeys([*_held(pattern, [demanded], context), *exact]))[:EXACT]
    failed = _held(pattern, [pattern.failed], context, failures=True) if pattern.failed is not None else []
    return exact, [text for text in failed if text not in exact]


def _held(
    pattern: Pattern, shapes: Sequence[ActionShape], context: EvolveContext, *, failures: bool = False
) -> list[str]:
    """Commands, tools, arguments and values of `shapes` that the gate will find in enough of the sessions.

    That is what enough calls that worked, or enough people's words, hold; with `failures` calls that failed
    count too, as they do for a line that says what goes wrong.
    """
    sources = _sources(pattern.evidence, context)

    def holds(text: str) -> bool:
        parts = tuple(fixed_parts(text))
        if not parts or "`" in text or has_mask(text) is not None:
            return False
        return _enough([one for one in sources if one.supports(parts, failures=failures)], context)

    found: dict[str, None] = {}
    for shape in shapes:
        for text in _candidates(shape, holds):
            text = " ".join(text.split())
            if len(text) <= LONGEST and holds(text):
                found.setdefault(line(text, LONGEST))
    return list(found)[:EXACT]


def _candidates(shape: ActionShape, holds: Callable[[str], bool]) -> list[str]:
    """What one might write of an action, the most telling first."""
    if shape.command is not None:
        return [_sharp(shape.command, shape.example, holds)]
    found = [shape.tool]
    for arg in shape.args:
        found.append(arg.name)
        if arg.constant is not None:
            found.append(constant_text(arg.constant))
    return found


def _sharp(command: str, example: str, holds: Callable[[str], bool]) -> str:
    """The shape of a command with those words of an example in it that enough sessions share: of a path at
    least its folder. `git switch -c <path>` of `git switch -c release/1.4.0` is `... release/<name>`."""
    shape, real = command.split(), example.split()
    if len(shape) != len(real) or len(shape) > WORDS_LONGEST:
        return command
    for at, word in enumerate(shape):
        if "<" not in word:
            continue
        folder = f"{real[at].rpartition('/')[0]}/<name>" if "/" in real[at].strip("/") else ""
        for better in (real[at], folder):
            if better and "<" not in better.removesuffix("<name>"):
                tried = [*shape[:at], better, *shape[at + 1 :]]
                if holds(" ".join(tried)):
                    shape = tried
                    break
    return " ".join(shape)


def shared_words(pattern: Pattern, context: EvolveContext) -> list[str]:
    """Words of the pattern's requests and corrections that enough people used."""
    texts = list(pattern.user_text)
    if pattern.intent is not None:
        texts += [pattern.intent.label, *pattern.intent.examples]
    words = list(dict.fromkeys(content_words(" ".join(texts))))
    sources = _sources(pattern.evidence, context)
    used = [(grounds, grounds.said_words(frozenset(words))) for grounds in sources]
    kept = [word for word in words if _enough([grounds for grounds, had in used if word in had], context)]
    return kept[:WORDS]


def number(count: int, one: str, many: str = "") -> str:
    """`1 session`, `3 sessions`."""
    return f"{count} {one if count == 1 else many or one + 's'}"
