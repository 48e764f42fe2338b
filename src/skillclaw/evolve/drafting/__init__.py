"""From patterns to proposals, the part that every engine shares: what a proposal is about (`targets`), what
an engine drafts (`Draft`), how that becomes a proposal (`build`), and what the gate would say (`review`).
"""

from skillclaw.evolve.counts import counted
from skillclaw.evolve.drafting.building import build
from skillclaw.evolve.drafting.labels import Labels, labels
from skillclaw.evolve.drafting.records import Draft, DraftAction, DraftError, Target
from skillclaw.evolve.drafting.review import review
from skillclaw.evolve.drafting.shown import having_shown
from skillclaw.evolve.drafting.targets import best_supported, targets

__all__ = [
    "Draft",
    "DraftAction",
    "DraftError",
    "Labels",
    "Target",
    "best_supported",
    "build",
    "counted",
    "having_shown",
    "labels",
    "review",
    "targets",
]
