"""Print the JSON Schemas of the records (`make schemas`); a test compares them with docs/schemas.json."""

from __future__ import annotations

import inspect
import json
import sys

import msgspec

from skillclaw.evolve.care.report import CareReport, SkillCare, StaleLine
from skillclaw.evolve.replay.trying import CaseCheck, CaseRuns
from skillclaw.gate.replay.records import ReplayResult
from skillclaw.gate.triggers import TriggerScore
from skillclaw.hub.messages import Message, Refusal
from skillclaw.hub.records import Commit, HubInfo, HubState, Invite, Key, Vote
from skillclaw.hub.sealed import Letter
from skillclaw.hub.taking_in import RefusedMessage, TakenIn
from skillclaw.journal.grants import Grants
from skillclaw.journal.outbox import Receipt
from skillclaw.journal.records import Exchange, SessionRow
from skillclaw.journal.share_rules import Grant
from skillclaw.library.records import Change, HubSeen, MergeRow, SyncReport
from skillclaw.server.backup import BackedUp, Restored
from skillclaw.server.backup.records import Head, Manifest
from skillclaw.server.deep import Report
from skillclaw.server.groups.founding import Founded
from skillclaw.server.groups.joining import Invited, Joined, Left
from skillclaw.server.groups.keys import MemberRow, Members, Requested, Rotated
from skillclaw.server.groups.membership import Attended, GroupStatus
from skillclaw.server.hubs.migration import Migration
from skillclaw.server.hubs.polling import HubPoll
from skillclaw.server.hubs.repinning import Repinned
from skillclaw.server.otlp.exporting import Exported
from skillclaw.server.review.reviewing import Review
from skillclaw.server.sessions.forgetting import Forgot
from skillclaw.server.setup.leaving import Leaving, Undone
from skillclaw.server.sharing.consent import Changed
from skillclaw.server.sharing.sending import HubShare, Previewed
from skillclaw.server.sharing.status import HubStatus, ShareRow, ShareStatus
from skillclaw.server.skills.candidates import Candidate
from skillclaw.server.skills.edits import Edit, Proposed
from skillclaw.server.skills.offering import Offer, OfferedFile, Private
from skillclaw.server.skills.story import VersionStory
from skillclaw.server.skills.uses import UseCount, Uses
from skillclaw.server.skills.worth import Like, Worth
from skillclaw.settings import Settings
from skillclaw.skills.records import Pattern, Proposal, Sidecar, Verdict
from skillclaw.skills.threeway import Conflict
from skillclaw.trajectory.model import CallMeta, ResultMeta, SessionMeta, StepMeta, Trajectory

RECORDS = (
    Trajectory,
    SessionMeta,
    StepMeta,
    CallMeta,
    ResultMeta,
    Exchange,
    SessionRow,
    Pattern,
    Proposal,
    Sidecar,
    Verdict,
    ReplayResult,
    Commit,
    HubInfo,
    HubState,
    Key,
    Invite,
    Vote,
    Message,
    Refusal,
    TakenIn,
    RefusedMessage,
    Attended,
    GroupStatus,
    Founded,
    Invited,
    Joined,
    Left,
    Members,
    MemberRow,
    Requested,
    Rotated,
    Candidate,
    Worth,
    Like,
    CareReport,
    SkillCare,
    StaleLine,
    CaseCheck,
    CaseRuns,
    TriggerScore,
    Uses,
    UseCount,
    Offer,
    OfferedFile,
    Private,
    Letter,
    Receipt,
    Grants,
    Grant,
    ShareStatus,
    HubStatus,
    ShareRow,
    Changed,
    HubShare,
    Previewed,
    Exported,
    Repinned,
    Forgot,
    Leaving,
    Undone,
    Migration,
    SyncReport,
    Change,
    HubSeen,
    HubPoll,
    MergeRow,
    Conflict,
    Edit,
    Proposed,
    Review,
    VersionStory,
    BackedUp,
    Restored,
    Head,
    Manifest,
    Report,
    Settings,
)


def schemas() -> str:
    """All schemas as one JSON document, the same text for the same code."""
    _, definitions = msgspec.json.schema_components(RECORDS)
    for one in definitions.values():
        if "description" in one:  # releases of msgspec differ in whether they take its indent out
            one["description"] = inspect.cleandoc(one["description"])
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": definitions}
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schemas())
