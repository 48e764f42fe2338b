"""Print the JSON Schemas of the records (`make schemas`); a test compares them with docs/schemas.json."""

from __future__ import annotations

import json
import sys

import msgspec

from skillclaw.hub.records import Commit, HubInfo, HubState
from skillclaw.journal.records import Exchange, SessionRow
from skillclaw.server.candidates import Candidate
from skillclaw.server.offering import Offer, OfferedFile, Private
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
    Settings,
)


def schemas() -> str:
    """All schemas as one JSON document, the same text for the same code."""
    _, definitions = msgspec.json.schema_components(RECORDS)
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": definitions}
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schemas())
