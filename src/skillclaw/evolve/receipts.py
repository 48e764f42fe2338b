"""What a release says of the sessions that its lines cite, so that they can be looked up later. Pure."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from skillclaw.gate.context import CurrentSkill
from skillclaw.skills.records import Proposal

__all__ = ["with_receipts"]


def with_receipts(
    proposal: Proposal, base: CurrentSkill | None, receipt: Callable[[str], str | None]
) -> Proposal:
    """The proposal whose sidecar has a receipt of every session that its lines cite and that there is one of:
    the evolver's own, or what the version before said."""
    sidecar = proposal.sidecar
    if sidecar is None:
        return proposal
    before = base.sidecar.receipts if base is not None else {}
    found = {}
    for session in sorted({ref.session for item in sidecar.items for ref in item.evidence}):
        own = receipt(session) or before.get(session)
        if own is not None:
            found[session] = own
    return msgspec.structs.replace(proposal, sidecar=msgspec.structs.replace(sidecar, receipts=found))
