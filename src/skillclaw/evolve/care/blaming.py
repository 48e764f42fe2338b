"""Skills whose own advice people correct: agents read them, and are told otherwise than they say.

Agents that do what such a skill says are told so afterwards. Others do not, or only half of it, and their
users ask for what the skill says otherwise: another value of the very option in a call that it shows. And
where enough people state such a rule, agents that follow the rule with the skill before them speak, too.

Only for skills of which no line was learned: what was learned has its patterns, and the engine sees when
these turn. A skill that a person or a host wrote has no such evidence, and may be wrong from its first day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from skillclaw.evolve.care.situation import Situation
from skillclaw.evolve.cutting import skill_name
from skillclaw.evolve.evolvers._select import qualifies
from skillclaw.evolve.options import options
from skillclaw.gate.policies import Policy
from skillclaw.skills.items import markdown
from skillclaw.skills.records import Pattern
from skillclaw.trajectory.demands import parted
from skillclaw.trajectory.episodes import Episode

__all__ = ["blamed", "may_be_blamed", "says_otherwise"]

SILENT = 0.5
"""What a person counts with whom it seems to go well and who never said so: who does not know better says
nothing, and a correction is somebody's word."""

LINE = 2000
"""Characters of a line of a skill that are looked at."""

_SPAN = re.compile(r"`+([^`]+)`+")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)]|\|)\s")
_WARNS = re.compile(
    r"\b(?:not|never|no|wrong|bad|avoid|stop|instead|rather|without|unless|except|deprecated|obsolete)\b|n['’]t\b"
    r"|[不别別勿错錯]",
    re.IGNORECASE,
)
"""A call near such a word may be what the skill warns of: only what is surely advice is held against it."""
_PLACEHOLDER = re.compile(r"[<>{}$…*]|\.\.\.|^[A-Z][A-Z_]+$")
_BEFORE = frozenset({"sudo", "env", "time", "$"})
"""Words before a program's name."""

_Marks = set[tuple[str, str]]
"""Sessions, each with its user."""


def may_be_blamed(name: str, given: Situation) -> bool:
    """Whether it is worth while to look through the sessions for corrections of what the skill says."""
    uses = given.memory.skill_uses().get(name)
    items = given.current[name].sidecar.items
    return (
        uses is not None
        and uses.read >= given.context.policy.sessions
        and not any(item.patterns for item in items)
        and bool(_advice(_calls(name, given)))
    )


def blamed(name: str, episodes: Sequence[Episode], given: Situation) -> list[Episode]:
    """The episodes that speak against what the skill says, of sessions that read it: corrections, and what
    went well by a rule that people state and that is another one. Empty where they are too few for the
    policy, of too few people, or of no more people than those with whom it goes well.

    Who asks for the contrary speaks for that alone: three people who want three values show an example that
    is none of theirs, and no skill that is wrong.
    """
    calls = _calls(name, given)
    advice = _advice(calls)
    read = [e for e in episodes if _read(e, name)]
    # What a user asked for by name is held together by that; of the rest it is known that this was wrong.
    corrected = [e for e in read if e.kind == "correction" and not e.demand and _corrected(e, advice)]
    asked: dict[str, list[Episode]] = {}
    for e in read:
        if e.kind == "correction" and e.worked and says_otherwise(calls, e.demand):
            asked.setdefault(_wanted(e.demand), []).append(e)
    followed = [e for e in read if e.kind == "procedure" and e.success and _followed(e, advice)]
    fine = _marks(followed)
    for rule in _rules(given):
        if says_otherwise(calls, rule.demand):
            kept = [e for e in read if (e.user, e.session) not in fine and _kept(e, rule, calls)]
            asked.setdefault(_wanted(rule.demand), []).extend(kept)
    for own in [corrected, *(asked[wanted] for wanted in sorted(asked))]:
        told = {id(e) for e in (*own, *corrected)}
        against = [e for e in read if id(e) in told]
        if _enough(against, followed, given.context.policy):
            return against
    return []


def _enough(against: Sequence[Episode], followed: Sequence[Episode], policy: Policy) -> bool:
    """Where several people share skills each counts once, so that nobody takes one from the others with
    sessions of their own, and it holds whoever is left out. Who is alone has sessions only."""
    bad = _marks(against)
    thanked, quiet = _marks(e for e in followed if e.accepted) - bad, _marks(followed) - bad
    users = {user for user, _ in bad}
    if len(bad) < policy.sessions or len(users) < policy.users:
        return False
    if policy.users < 2:
        return len(bad) > len(thanked) + SILENT * len(quiet - thanked)
    loud = {user for user, _ in thanked}
    good = dict.fromkeys((user for user, _ in quiet), SILENT) | dict.fromkeys(loud, 1.0)
    return all(len(users - {out}) > sum(much for user, much in good.items() if user != out) for out in users)


def _rules(given: Situation) -> list[Pattern]:
    """Patterns that say what enough people demand of a program's calls."""
    policy = given.context.policy
    return [pattern for pattern in given.patterns if pattern.demand and qualifies(pattern, policy)]


def _wanted(demand: str) -> str:
    return " ".join(map(_plain, _option_of(demand)))


def _kept(episode: Episode, rule: Pattern, calls: Sequence[str]) -> bool:
    """Whether a request went well in which the agent did as demanded, in a call that did not fail and is of
    the subcommand of which the skill says otherwise."""
    if episode.kind != "procedure" or not episode.success:
        return False
    if rule.project and rule.project != episode.project:
        return False
    called = parted(rule.demand)[0].split()
    option, value = _option_of(rule.demand)
    shown = {sub for call in calls for sub, _ in _given(call, called, option)}
    return any(
        move.ok is not False and sub in shown and found == _plain(value)
        for move in episode.actions
        for sub, found in _given(move.command, called, option)
    )


def _marks(episodes: Iterable[Episode]) -> _Marks:
    return {(e.user, e.session) for e in episodes}


def _calls(name: str, given: Situation) -> list[str]:
    """What the skill shows as code: spans, and lines of blocks; but for what a line says not to do."""
    return [call for text in markdown(given.current[name].bundle).values() for call in _shown(text)]


def _shown(text: str) -> Iterator[str]:
    fenced, lead, last = False, "", ""
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
            continue
        if len(line) > LINE or not line.strip():
            continue
        warned = _WARNS.search(f"{lead}\n{last}\n{_SPAN.sub(' ', line)}") is not None
        if fenced:
            code, _, said = line.partition("#")
            if code.strip() and not warned and not _WARNS.search(said):
                yield code
            last = said if not code.strip() else ""
            continue
        if not warned:
            yield from (span[1] for span in _SPAN.finditer(line))
        prose = _SPAN.sub(" ", line)
        lead, last = (lead, "") if _ITEM.match(line) else (prose, prose)


def _options(command: str) -> set[str]:
    return options(re.sub(r"[\"']", "", command.replace("=", " ")))


def _advice(calls: Sequence[str]) -> set[str]:
    """The options, with their values, of the calls that the skill shows."""
    return {one for call in calls for one in _options(call) if " " in one}


def says_otherwise(calls: Sequence[str], demand: str) -> bool:
    """Whether calls give the demanded option of the demanded program (`rota --zone utc`) another value, and
    none of them the demanded one."""
    called = parted(demand)[0].split()
    option, value = _option_of(demand)
    given = {found for call in calls for _, found in _given(call, called, option)} if value else set()
    return bool(given) and _plain(value) not in given


def _option_of(demand: str) -> tuple[str, str]:
    """The first option that is demanded, and its value; empty where there is none."""
    words = parted(demand)[1].replace("=", " ").split()
    return (words[0], words[1]) if len(words) > 1 else ("", "")


def _given(call: str, called: Sequence[str], option: str) -> Iterator[tuple[str, str]]:
    """What a line gives the option in its calls of a program: the subcommand (empty for none) and the value;
    with a subcommand named, only in calls of that one."""
    for part in re.split(r"[|;&]", call):
        words = part.split()
        while words and (words[0] in _BEFORE or re.match(r"\w+=", words[0])):
            words = words[1:]
        if not called or not words or words[0].rsplit("/", 1)[-1] != called[0]:
            continue
        words = " ".join(words[1:]).replace("=", " ").split()
        plain = [n for n, word in enumerate(words) if not word.startswith("-")]
        if len(called) > 1 and plain and called[1] not in words:
            continue
        at = [n for n, word in enumerate(words[:-1]) if word == option]
        if at and not _PLACEHOLDER.search(words[at[-1] + 1]):
            sub = next((words[n] for n in plain if n != at[-1] + 1), "")
            yield (sub if re.fullmatch(r"[a-z][a-z-]*", sub) else ""), _plain(words[at[-1] + 1])


def _plain(value: str) -> str:
    return value.strip("\"'").rstrip(".,:/").casefold()


def _corrected(episode: Episode, advice: set[str]) -> bool:
    if episode.failed is None:
        return False
    after = {one for move in episode.actions for one in _options(move.command)}
    return bool((_options(episode.failed.command) - after) & advice)


def _followed(episode: Episode, advice: set[str]) -> bool:
    return any(_options(move.command) & advice for move in episode.actions)


def _read(episode: Episode, name: str) -> bool:
    return name in {skill_name(mark) for mark in episode.skills}
