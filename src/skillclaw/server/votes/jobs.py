"""The jobs by which groups ask machines for their votes: those that are open, and this one's part in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillclaw.errors import (
    BlockedError,
    SkillClawError,
    UpgradeNeededError,
    UsageError,
    VerifyError,
    in_one_line,
)
from skillclaw.hub import keys, vote_jobs
from skillclaw.hub.counts import VOTERS
from skillclaw.server.sharing.view import clock, current, hub_names, open_hub
from skillclaw.server.votes.book import Tried, load_book
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub import Hub, HubState
    from skillclaw.hub.records import Counts, ProposalState
    from skillclaw.hub.vote_jobs import VoteJob
    from skillclaw.server.machine import Machine

__all__ = [
    "NO_GROUP",
    "TOO_FEW",
    "Job",
    "OpenJob",
    "find_job",
    "jobs_in",
    "jobs_of",
    "open_jobs",
    "why_not",
]

AGAIN = 3
"""Times that a job is begun, where it failed or was stopped."""
TOO_FEW = "Too few sessions here are of that kind."
NO_GROUP = "This machine is in no group, and only groups ask for votes."


class OpenJob(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A job that a group has open: what is asked, and how it stands with this machine.

    here  what this machine did for it last (`book.Tried.state`), empty for nothing yet
    why   why this machine has no part in it, where it has none
    """

    hub: str
    proposal: str
    skill: str
    expires: str
    voters: int
    counted: int
    here: str = ""
    why: str = ""


@dataclass(frozen=True)
class Job:
    """A job with all that is needed to work on it."""

    name: str
    hub: Hub
    state: HubState
    known: ProposalState
    job: VoteJob
    member: str


def open_jobs(machine: Machine) -> tuple[list[OpenJob], dict[str, str]]:
    """The voting jobs of all groups; and by hub why it could not be read."""
    book = load_book(machine.home)
    found: list[OpenJob] = []
    errors: dict[str, str] = {}
    for name in hub_names(current(machine)[0]):
        later: list[str] = []
        try:
            for one in jobs_of(machine, name, later):
                last = last_try(book, one)
                found.append(
                    OpenJob(
                        hub=name,
                        proposal=one.job.proposal,
                        skill=one.job.skill,
                        expires=one.job.expires,
                        voters=one.job.rules.voters,
                        counted=len(one.known.counts),
                        here=last.state if last is not None else "",
                        why=why_not(one, book, machine),
                    )
                )
        except SkillClawError as error:
            errors[name] = in_one_line(error)
        else:
            errors |= {name: later[0]} if later else {}
    return found, errors


def find_job(machine: Machine, prefix: str) -> tuple[str, VoteJob, dict[str, Counts]]:
    """The one open job whose proposal's id begins so: its hub, itself, and members' counts up to now.
    UsageError where there is none or more."""
    found = [
        one
        for name in hub_names(current(machine)[0])
        for one in jobs_of(machine, name)
        if one.job.proposal.startswith(prefix)
    ]
    if not hub_names(current(machine)[0]):
        raise UsageError("There are no jobs here.", NO_GROUP, "Join one: skillclaw hub join INVITE")
    if len(found) != 1:
        what = "No open job" if not found else f"{len(found)} open jobs"
        why = "" if found else "It may be decided by now: see skillclaw proposals list"
        raise UsageError(
            f"{what} for a proposal that begins with {prefix!r}.", why, "See: skillclaw jobs list"
        )
    return found[0].name, found[0].job, found[0].known.counts


def jobs_of(machine: Machine, name: str, later: list[str] | None = None) -> Iterator[Job]:
    """The jobs of one group that are open and hold; none where this machine is no member. `later` is told of
    those in a later format, which stop no other."""
    opened = open_hub(machine, current(machine)[0], name)
    hub, state = opened.hub, opened.state
    role = hub.acts_as(*VOTERS)
    if role is None:
        return
    member = state.keys[keys.public_hex(hub.own_key(role))].member
    for known, job in jobs_in(hub, state, later):
        yield Job(name=name, hub=hub, state=state, known=known, job=job, member=member)


def jobs_in(
    hub: Hub, state: HubState, later: list[str] | None = None
) -> Iterator[tuple[ProposalState, VoteJob]]:
    """The jobs of a group that are open and hold, each with its proposal as the log has it; `later` as in
    `jobs_of`. StorageError."""
    names = hub.store.list(vote_jobs.FOLDER, most=vote_jobs.NAMES)
    for known in vote_jobs.asked(state, names, "open"):
        try:
            data = hub.read(vote_jobs.place_of(known.id), vote_jobs.MAX_JOB)
            job = vote_jobs.read(data or b"", state, known.id)
        except VerifyError:
            continue
        except (BlockedError, UpgradeNeededError) as error:
            if later is not None:
                later.append(in_one_line(error))
        else:
            yield known, job


def why_not(one: Job, book: list[Tried], machine: Machine) -> str:
    """Why this machine has no part in a job; empty where it may."""
    if one.job.expires <= clock():
        return "Its time is over."
    if one.member in one.known.counts:
        return "This machine has voted."
    last = last_try(book, one)
    if last is not None and last.state == "sent":
        return "This machine's counts wait in the inbox."
    if last is not None and last.state == "nothing" and last.seen == machine.sessions.cursor():
        return TOO_FEW
    begun = [old for old in book if _same(old, one) and old.state in ("stopped", "failed")]
    return "It failed here too often." if len(begun) >= AGAIN else ""


def _same(old: Tried, one: Job) -> bool:
    return (old.hub, old.proposal, old.object) == (one.name, one.job.proposal, one.job.object)


def last_try(book: list[Tried], one: Job) -> Tried | None:
    return next((old for old in reversed(book) if _same(old, one)), None)
