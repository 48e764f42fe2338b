"""SkillClaw: the skills of LLM agents improve from real use.

`skillclaw.SkillClaw()` is this machine's SkillClaw for programs (docs/python.md). Names are loaded when they
are first asked for, so that importing the package costs nothing; those in `__all__` are stable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skillclaw.api import ProposalView, SkillClaw
    from skillclaw.errors import (
        BadInputError,
        BusyError,
        SkillClawError,
        StorageError,
        UpgradeNeededError,
        UsageError,
        VerifyError,
    )

__all__ = [
    "BadInputError",
    "BusyError",
    "ProposalView",
    "SkillClaw",
    "SkillClawError",
    "StorageError",
    "UpgradeNeededError",
    "UsageError",
    "VerifyError",
    "__version__",
]

__version__ = "0.1.0"

_API = ("ProposalView", "SkillClaw")


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'skillclaw' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("skillclaw.api" if name in _API else "skillclaw.errors"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
