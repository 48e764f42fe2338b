"""What the options of `skillclaw bench loop` say, as its plan has it. UsageError where one is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillclaw.errors import UsageError

if TYPE_CHECKING:
    from skillclaw.bench.loop.plan import Plan
    from skillclaw.bench.loop.results import Arm
    from skillclaw.bench.suites import Suite

__all__ = ["about", "arms_of", "at_day", "must_have_skills", "rates_of", "templates_of", "watched"]


def arms_of(given: str) -> tuple[Arm, ...]:
    """The arms of `--arms`, in the order that they are run in."""
    from skillclaw.bench.loop.plan import ABLATIONS, ARMS

    known = (*ARMS, *ABLATIONS)
    wanted = {part.strip() for part in given.split(",")}
    if not wanted <= set(known):
        raise UsageError(f"--arms cannot be {given!r}.", "", f"Known: {', '.join(known)}")
    return tuple(arm for arm in known if arm in wanted)


def at_day(given: str, option: str, days: int) -> tuple[str, int]:
    """The two parts of NAME@DAY; nothing of nothing."""
    if not given:
        return "", 0
    name, _, day = given.partition("@")
    if not name or not day.isdigit() or not 2 <= int(day) <= days:
        raise UsageError(f"{option} cannot be {given!r}.", f"A name and a day from 2 to {days}: NAME@2")
    return name, int(day)


def watched(suite: Suite, plant: str, drift: str) -> tuple[str, ...]:
    """See `Plan.watched`."""
    from skillclaw.bench.suites.house import House

    if not (plant or drift):
        return ()
    if not isinstance(suite, House):
        raise UsageError(f"{suite.name} has no wrong skills and no rules that change.", "", "The house has.")
    found = []
    if plant:
        suite.wrong(plant)  # raises for one that there is not
        found.append(suite.marks()[plant])
    if drift:
        one = suite.drift(drift)
        found += [one.old, one.new]
    return tuple(found)


def must_have_skills(suite: Suite, plan: Plan) -> None:
    """Without hand-written skills a ceiling would be the frozen arm under another name."""
    if suite.curated() is None and ("ceiling" in plan.arms or plan.screen):
        raise UsageError(
            f"{suite.name} brings no hand-written skills: it has no ceiling and cannot be screened.",
            "",
            "Add --arms evolving,frozen --screen 0.",
        )


def templates_of(suite: Suite, only: str) -> tuple[str, ...]:
    """The templates of `--only`; all where it is empty."""
    words = [word.strip() for word in only.split(",") if word.strip()]
    found = tuple(t.id for t in suite.templates() if not words or any(word in t.id for word in words))
    if not found and not words:
        raise UsageError(f"No task of {suite.name} can be worked on here.", "Each says above what it lacks.")
    if not found:
        raise UsageError(f"No template of {suite.name} is named like {only!r}.", "", "Leave --only out.")
    return found


def about(suite: Suite) -> list[str]:
    """What of a checkout can be used, and why the rest cannot."""
    from skillclaw.bench.suites.metaclaw import MetaClawSuite
    from skillclaw.bench.suites.wildclaw import WildClawSuite

    if isinstance(suite, WildClawSuite):
        return list(suite.survey().lines())
    return suite.check().lines() if isinstance(suite, MetaClawSuite) else []


def rates_of(given: str) -> tuple[float, float]:
    """The scripted agent's rates of success, alone and with a skill, of `--rates`."""
    try:
        alone, informed = (float(part) for part in given.split(","))
        if not (0 <= alone <= 1 and 0 <= informed <= 1):
            raise ValueError
    except ValueError:
        raise UsageError(
            f"--rates cannot be {given!r}.", "", "Two shares of 0 to 1, for example: --rates 0.1,0.9"
        ) from None
    return alone, informed
