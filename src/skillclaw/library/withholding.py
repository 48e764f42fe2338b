"""Canaries on a day without them: which copies go, and what is told.

A copy that goes is taken away as a step of its own, which the book knows of before (`Installed.leaving`): a
process that dies in between must not make it look as if the user had removed it.
"""

from __future__ import annotations

from msgspec.structs import replace

from skillclaw.library import copies, folders
from skillclaw.library.choose import Choice, Claim, HubView, choose
from skillclaw.library.records import Installed, Row
from skillclaw.library.step import Step
from skillclaw.library.telling import Telling

__all__ = ["CONTROL", "withdrawn", "withheld_row", "withholding"]

CONTROL = "a canary, withheld today (control)."


def withholding(entry: Installed, view: HubView, told: Telling) -> Step | None:
    """The step that takes the copy away, where its canary is withheld now and had no release before it."""
    skill = view.state.skills.get(entry.skill) if view.state is not None else None
    choice = choose(skill, view, has_copy=True) if skill is not None else Choice(None)
    canary = choice.canary
    if canary is None or choice.release is not None or not choice.swaps(entry.version):
        return None
    try:
        place = copies.place(entry)
        # one that the user removed stays known, so that it stays away; an edited one is in neither arm
        if not folders.exists(place) or folders.scan(place) != entry.files:
            return None
    except OSError as error:
        told.fail(view.name, entry.skill, entry.target, f"{error.strerror or error}", canary)
        return None
    if told.waits(view.name, entry.skill, place.parent, canary):
        return None
    return Step(
        entry=replace(entry, leaving=True),
        hub=view.name,
        release=canary,
        bundle=None,
        over=None,
        done=None,
        back=entry,
        action="withheld",
        detail=CONTROL,
    )


def withdrawn(entry: Installed, choice: Choice) -> bool:
    """Whether a commit, not the day, says that this copy is to be nowhere."""
    return choice.release is None and not (choice.arm == "control" and entry.version in choice.among)


def withheld_row(claim: Claim) -> Row:
    """What `status` tells of a canary on a day without it."""
    canary = claim.choice.canary
    assert canary is not None
    detail = f"canary {canary.version[:12]} is withheld today (control)"
    if claim.release is not None:
        detail += f"; the version before it, {claim.release.version[:12]}, is here"
    return Row(skill=claim.skill, target="", state="withheld", detail=detail, hub=claim.hub.name)
