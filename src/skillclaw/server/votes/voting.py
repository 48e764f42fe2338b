"""This machine's votes: it tries what a group proposes on its own sessions, and tells the counts alone.

Only where its user said so, and while nobody works here. What leaves the machine is a signed message with
counts; the sessions, what the model was asked and what it answered stay. What is tried is another's text, so
the gate's static checks look at it first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from skillclaw import __version__
from skillclaw.errors import (
    BadInputError,
    SkillClawError,
    StorageError,
    UpgradeNeededError,
    UsageError,
    in_one_line,
)
from skillclaw.gate.context import CurrentSkill
from skillclaw.gate.replay.deciding import LEAST_CASES, counted
from skillclaw.gate.replay.records import ReplayResult
from skillclaw.hub import vote_jobs
from skillclaw.hub.counts import VOTERS
from skillclaw.server.sharing.view import clock, current, hub_names
from skillclaw.server.votes.book import FOLDER, Tried, load_book, note, on_day
from skillclaw.server.votes.jobs import TOO_FEW, Job, jobs_of, why_not
from skillclaw.skills.records import Proposal
from skillclaw.trajectory.model import Trajectory

if TYPE_CHECKING:
    from skillclaw.hub.claims import Claim, Claims
    from skillclaw.server.machine import Machine
    from skillclaw.settings_votes import VotesSettings

__all__ = ["Make", "Tester", "over_limits", "vote"]

Tester = Callable[[Proposal, list[Trajectory]], ReplayResult]
"""Tries a proposal on these sessions, which the evidence of its patterns refers to (`signatures`)."""

Make = Callable[["VotesSettings", Mapping[str, CurrentSkill]], Tester]
"""Makes what tries a proposal, within the settings' limits; given the skill that it changes, by name."""

TTL = 120.0
"""Seconds without a sign of life after which another machine may take a slot."""
LOOKED = 2000
"""Sessions, the newest, that are looked through for those of a job's kind."""
GRACE = 900.0
"""Seconds that the counts of a slot that is done have to come into the log before it is free again."""


def vote(
    machine: Machine,
    make: Make,
    *,
    busy: Callable[[], str] = lambda: "",
    only: str | None = None,
) -> list[Tried]:
    """Work on the open jobs, one after the other, within the day's limits; what was done.

    `make` gives what tries a proposal; `busy` says why the
    machine is needed: then nothing new is begun. `only` is a proposal's id, or how it begins. BusyError where
    another process votes for this home; a hub that fails stops no other.
    """
    done: list[Tried] = []
    settings = current(machine)[0].gate.votes
    with machine.alone("vote"):
        for one in load_book(machine.home):
            if one.state == "running":  # only a process that died leaves that
                note(machine.home, replace(one, state="stopped", ended=clock(), why="It was cut off."))
        for name in hub_names(current(machine)[0]):
            try:
                jobs = list(jobs_of(machine, name))
            except SkillClawError:
                continue  # `open_jobs` tells why
            for job in jobs:
                if only is not None and not job.job.proposal.startswith(only):
                    continue
                book = load_book(machine.home)
                if busy() or (only is None and over_limits(settings, book)):
                    return done
                if why_not(job, book, machine):
                    continue
                try:
                    tried = _try(machine, job, settings, make)
                except StorageError:
                    break  # the hub went away
                except SkillClawError:
                    continue  # of this job alone
                if tried is not None:
                    done.append(tried)
    return done


def over_limits(settings: VotesSettings, book: list[Tried]) -> str:
    """Which limit of the day is reached, in words; empty for none."""
    today = on_day(book, clock()[:10])
    usd = sum(one.usd or 0.0 for one in today)
    for what, spent, most in (
        ("jobs", len(today), settings.day_jobs),
        ("calls", sum(one.calls for one in today), settings.day_calls),
        ("tokens", sum(one.tokens for one in today), settings.day_tokens),
        ("usd", usd, settings.day_usd),
    ):
        if most and spent >= most:
            told = f"{spent:.2f} of {most:.2f}" if what == "usd" else f"{spent} of {most}"
            return f"The day's limit is reached: {told} {what} (gate.votes.day_{what})."
    return ""


def _try(machine: Machine, one: Job, settings: VotesSettings, make: Make) -> Tried | None:
    """Work on one job; None where all its slots are taken. What is raised stops nothing but this job, but for
    an interruption, which goes through after the slot was let go."""
    from skillclaw.evolve.signatures import matching, with_patterns

    entry = Tried(
        hub=one.name,
        proposal=one.job.proposal,
        object=one.job.object,
        skill=one.job.skill,
        state="running",
        began=clock(),
        seen=machine.sessions.cursor(),
    )
    began = time.monotonic()

    def ended(now: Tried) -> Tried:
        now = replace(now, ended=clock(), seconds=round(time.monotonic() - began, 1))
        note(machine.home, now)
        return now

    try:
        checked = _checked(one)
        matches = matching(one.job.patterns, _own_sessions(machine), settings.cases)
    except SkillClawError as error:
        return ended(replace(entry, state="failed", why=in_one_line(error)))
    if len(matches) < LEAST_CASES:
        return ended(replace(entry, state="nothing", why=TOO_FEW, sessions=len(matches)))
    proposal, sessions = with_patterns(checked, one.job.patterns, matches), [m.session for m in matches]
    with _slot(machine, one) as claim:
        if claim is None:
            return None
        entry = replace(entry, sessions=len(sessions))
        note(machine.home, entry)
        try:
            with claim.beating():
                result = make(settings, _base(one))(proposal, sessions)
            claim.check()
            entry = _spent(entry, result)
            if not sum(entry.cases[name] for name in ("won", "lost", "tied")):
                return ended(replace(entry, state="failed", why=result.missing or "Nothing could be tried."))
            _send(one, entry, result)
        except KeyboardInterrupt:
            ended(replace(entry, state="stopped", why="The machine was needed."))
            raise
        except SkillClawError as error:
            return ended(replace(entry, state="failed", why=in_one_line(error)))
        claim.release("done")
        return ended(replace(entry, state="sent"))


def _checked(one: Job) -> Proposal:
    """The proposal, as the log names it and as this machine would install it."""
    from skillclaw.gate import static_checks
    from skillclaw.hub.proposing import recorded

    record = recorded(one.hub, one.known)
    if record.bundle is None:
        raise BadInputError("A retirement cannot be tried.")
    rejected = [said for said in static_checks(record.bundle) if said.verdict == "reject"]
    if rejected:
        raise BadInputError("This machine's own checks refuse the proposal.", rejected[0].reason)
    return record


def _base(one: Job) -> Mapping[str, CurrentSkill]:
    """The version that the proposal changes, by its skill's name; empty for a new skill."""
    from skillclaw.evolve.current import current_skills

    own = {name: skill for name, skill in one.state.skills.items() if name == one.known.skill}
    return current_skills(one.hub, replace(one.state, skills=own))


def _own_sessions(machine: Machine) -> Iterator[Trajectory]:
    """The sessions of this machine's user, the newest first, redacted as they are kept."""
    for row in machine.sessions.rows(limit=LOOKED):
        if row.user == machine.user:
            try:
                yield machine.sessions.get(row.id)
            except BadInputError:
                continue  # forgotten meanwhile


@contextmanager
def _slot(machine: Machine, one: Job) -> Iterator[Claim | None]:
    """A slot of the job, let go at the end; None where all are taken.

    A slot is used up by who is done with it, once its counts are in the log; and as many more are there as
    members whose counts said nothing. One that somebody floods counts as taken, and so does one that a member
    holds in a newer format: that is no reason to leave the others alone.
    """
    from skillclaw.gate.voting import opinion
    from skillclaw.hub.claims import Claims, LitteredError

    folder = machine.home / FOLDER / "claims" / one.hub.info.group
    claims = Claims(one.hub, folder, roles=VOTERS)
    rules = one.job.rules
    neither = sum(opinion(counts, rules) == "neither" for counts in one.known.counts.values())
    claim = None
    for slot in range(rules.voters + neither):
        name = vote_jobs.slot_of(one.job.proposal, slot)
        try:
            if not _used(claims, name, one):
                claim = claims.take(name, TTL)
        except (LitteredError, UpgradeNeededError):
            continue
        except StorageError:
            if not one.hub.answers():
                raise
            continue
        if claim is not None:
            break
    try:
        yield claim
    finally:
        if claim is not None:
            claim.release("stopped")  # changes nothing where it was released as done


def _used(claims: Claims, name: str, one: Job) -> bool:
    """Whether the slot's last holder is done with it."""
    _, newest = claims.standing(name)
    if newest is None or newest.kind != "release" or newest.note != "done":
        return False
    holder = one.state.keys.get(newest.signer)
    if holder is not None and holder.member in one.known.counts:
        return True
    return claims.here.watched(name, f"{newest.n} {newest.claim}") <= GRACE


def _spent(entry: Tried, result: ReplayResult) -> Tried:
    cost = result.cost
    cases = {str(name): count for name, count in counted(result).items()}
    return replace(entry, cases=cases, calls=cost.calls, tokens=cost.tokens, usd=cost.usd)


def _send(one: Job, entry: Tried, result: ReplayResult) -> None:
    """Leave the counts in the group's inbox: numbers, and nothing of what was tried."""
    from skillclaw.hub.inbox import send

    role = one.hub.acts_as(*VOTERS)
    if role is None:
        raise UsageError("This machine is no member of the group any more.")
    send(
        one.hub,
        "counts",
        {
            "proposal": one.job.proposal,
            "object": one.job.object,
            **{name: min(entry.cases.get(name, 0), 1000) for name in ("won", "lost", "tied", "void")},
            "model": family(result.model),
            "calls": entry.calls,
            "tokens": entry.tokens,
            "seconds": round(result.cost.seconds),
            "skillclaw": __version__[:32],
        },
        role=role,
    )


def family(model: str) -> str:
    """What kind of model it is: `openai:gpt-5-mini` is `gpt`; its full name may tell whose account it is."""
    name = model.rsplit("/", 1)[-1].rsplit(":", 1)[-1].lower()
    head = ""
    for char in name:
        if not ("a" <= char <= "z"):
            break
        head += char
    return head[:32]
