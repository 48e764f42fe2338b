"""Print the JSON Schemas of the records (`make schemas`); a test compares them with docs/schemas.json."""

from __future__ import annotations

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
from skillclaw.server.candidate_worth import Like, Worth
from skillclaw.server.candidates import Candidate
from skillclaw.server.deep import Report
from skillclaw.server.edits import Edit, Proposed
from skillclaw.server.forgetting import Forgot
from skillclaw.server.group_founding import Founded
from skillclaw.server.group_joining import Invited, Joined, Left
from skillclaw.server.group_keys import MemberRow, Members, Requested, Rotated
from skillclaw.server.groups import Attended, GroupStatus
from skillclaw.server.leaving import Leaving, Undone
from skillclaw.server.migration import Migration
from skillclaw.server.offering import Offer, OfferedFile, Private
from skillclaw.server.otlp.exporting import Exported
from skillclaw.server.polling import HubPoll
from skillclaw.server.repinning import Repinned
from skillclaw.server.reviewing import Review
from skillclaw.server.share_consent import Changed
from skillclaw.server.share_status import HubStatus, ShareRow, ShareStatus
from skillclaw.server.sharing import HubShare, Previewed
from skillclaw.server.skill_uses import UseCount, Uses
from skillclaw.server.story import VersionStory
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
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": definitions}
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schemas())
