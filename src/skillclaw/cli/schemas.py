"""Print the JSON Schemas of the records (`make schemas`); a test compares them with docs/schemas.json."""

from __future__ import annotations

import json
import sys

import msgspec

from skillclaw.hub.records import Commit, HubInfo, HubState
from skillclaw.hub.sealed import Letter
from skillclaw.journal.grants import Grants
from skillclaw.journal.outbox import Receipt
from skillclaw.journal.records import Exchange, SessionRow
from skillclaw.journal.share_rules import Grant
from skillclaw.server.candidates import Candidate
from skillclaw.server.forgetting import Forgot
from skillclaw.server.migration import Migration
from skillclaw.server.offering import Offer, OfferedFile, Private
from skillclaw.server.share_consent import Changed
from skillclaw.server.share_status import HubStatus, ShareRow, ShareStatus
from skillclaw.server.sharing import HubShare, Previewed
from skillclaw.server.skill_uses import UseCount, Uses
from skillclaw.settings import Settings
from skillclaw.skills.records import Pattern, Proposal, Sidecar, Verdict
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
    Commit,
    HubInfo,
    HubState,
    Candidate,
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
    Forgot,
    Migration,
    Settings,
)


def schemas() -> str:
    """All schemas as one JSON document, the same text for the same code."""
    _, definitions = msgspec.json.schema_components(RECORDS)
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": definitions}
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schemas())
