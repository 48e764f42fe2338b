"""Edits of a skill: its text in a form, and copies that the user changed where they are installed. Both
become proposals, with the gate's verdicts, as `skillclaw skills propose` makes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response

from skillclaw.errors import BadInputError, SkillClawError, UsageError
from skillclaw.web.pages.skill_access import Access, access
from skillclaw.web.pages.skill_acts import deciding
from skillclaw.web.reading.skill import find, skill_text
from skillclaw.web.sidebyside import changes
from skillclaw.web.site.ask import Ask, act, page
from skillclaw.web.text import legible

if TYPE_CHECKING:
    from skillclaw.server.skills.edits import Proposed

__all__ = ["ROUTES"]

NOTE = 500
"""Characters of what a change is for."""


def form(ask: Ask) -> Response:
    """The form with SKILL.md of the current version."""
    hub, name = ask.path["hub"], ask.path["name"]
    with ask.house.open() as machine:
        found = find(machine, hub, name)
        release = found.current
        text = skill_text(machine.hubs.bundle(found.hub, release))
        may = access(ask, found.source)
    return _form(ask, text=text, base=release.version, note="", may=may)


def propose(ask: Ask) -> Response:
    """Make the text a proposal. What is wrong is told beside it, and nothing that was typed is lost."""
    from skillclaw.server.skills.edits import propose_text

    hub, name = ask.path["hub"], ask.path["name"]
    base, note = ask.form.get("base", ""), ask.form.get("note", "").strip()[:NOTE]
    typed = ask.form.get("text", "").replace("\r\n", "\n")
    may = Access("", False, True)
    try:
        with deciding(ask) as machine:
            found = find(machine, hub, name)
            may = access(ask, found.source)
            known = found.skill.release(base)
            if known is None:
                raise BadInputError("The version that the text was made from is not known.")
            text = restored(typed, skill_text(machine.hubs.bundle(found.hub, known)))
            done = propose_text(machine, f"{hub}/{name}", text, base=base, note=note)
    except SkillClawError as error:
        return _form(ask, text=typed, base=base, note=note, may=may, error=error)
    if not done.status:
        return _form(ask, text=typed, base=base, note=note, may=may, done=done)
    return _done(ask, done)


def _form(ask: Ask, **values: object) -> Response:
    known: dict[str, object] = {"error": None, "done": None, **values}
    wrong = known["error"] is not None or known["done"] is not None
    return ask.render(
        "skills/edit.html",
        status=422 if wrong else 200,
        page="skills",
        hub=ask.path["hub"],
        name=ask.path["name"],
        note_most=NOTE,
        hidden=legible(str(values["text"])) != values["text"],
        **known,
    )


def restored(typed: str, before: str) -> str:
    """What was typed, with the lines that nobody touched as they were: pages write out what is invisible, and
    forms end lines their own way."""
    windows = "\r\n" in before
    lines = before.replace("\r\n", "\n").split("\n")
    known = {legible(line): line for line in lines}
    found = "\n".join(known.get(line, line) for line in typed.split("\n"))
    return found.replace("\n", "\r\n") if windows else found


def _done(ask: Ask, done: Proposed) -> Response:
    told = (
        ask.t(
            "Sent to {hub} as proposal {id}; the group's evolver takes it in.", hub=done.hub, id=done.proposal
        )
        if done.status == "sent"
        else ask.t("It is proposal {id} now: {status}.", id=done.proposal, status=done.status)
    )
    if done.status != "sent" and ask.url_or("", "proposal", hub=done.hub, id=done.proposal):
        return ask.go("proposal", told=str(told), hub=done.hub, id=done.proposal)
    return ask.go("skill", told=str(told), hub=ask.path["hub"], name=ask.path["name"])


def copies(ask: Ask) -> Response:
    """The copies that the user changed, each against its release, and what can be done."""
    return _copies(ask)


def _copies(ask: Ask, done: Proposed | None = None, conflicts: str = "") -> Response:
    from skillclaw.server.skills.edits import edits

    hub, name = ask.path["hub"], ask.path["name"]
    with ask.house.open() as machine:
        found = find(machine, hub, name)
        rows = edits(machine, f"{hub}/{name}")
        shown = []
        for row in rows:
            release = found.skill.release(row.base)
            copy = next(
                (one for one in machine.library.edited(name, hub) if str(one.place) == row.place), None
            )
            if release is not None and copy is not None:
                base = machine.hubs.bundle(found.hub, release)
                shown.append((row, changes(base, copy.bundle)))
        may = access(ask, found.source)
    return ask.render(
        "skills/copies.html",
        status=422 if done is not None or conflicts else 200,
        page="skills",
        hub=hub,
        name=name,
        rows=shown,
        may=may,
        done=done,
        conflicts=conflicts,
    )


def propose_copy(ask: Ask) -> Response:
    """Propose what was changed in the copy in the folder `place`."""
    from skillclaw.server.skills.edits import propose as work

    hub, name, note = ask.path["hub"], ask.path["name"], ask.form.get("note", "").strip()[:NOTE]
    with deciding(ask) as machine:
        done = work(machine, f"{hub}/{name}", note=note, folder=Path(ask.form.get("place", "")))
    return _done(ask, done) if done.status else _copies(ask, done)


def merge_copies(ask: Ask) -> Response:
    """Bring the newer release into the changed copies; `prefer` says whose side counts in conflicts."""
    from skillclaw.server.skills.edits import merge

    prefer = ask.form.get("prefer", "")
    if prefer not in ("", "ours", "theirs"):
        raise UsageError("Say whose side counts: ours or theirs.")
    hub, name = ask.path["hub"], ask.path["name"]
    with deciding(ask) as machine:
        rows = merge(machine, name, hub, prefer="ours" if prefer == "ours" else "theirs" if prefer else "")
    if not rows:
        raise BadInputError(ask.t("No installed copy of {name} is edited.", name=name))
    conflicts = [conflict.text() for row in rows for conflict in row.conflicts]
    if conflicts:
        return _copies(ask, conflicts="\n".join(conflicts))
    failed = [row.detail for row in rows if row.state == "failed"]
    if failed:
        raise BadInputError(ask.t("It cannot be merged."), " ".join(failed))
    if all(row.state == "nothing" for row in rows):
        return ask.back(ask.t("There is nothing newer to merge."))
    return ask.back(ask.t("Merged. The copy counts as edited still."))


ROUTES = [
    page("/skills/{hub}/{name}/edit", "edit-skill", form),
    act("/skills/{hub}/{name}/edit", "propose-skill", propose),
    page("/skills/{hub}/{name}/copies", "skill-copies", copies),
    act("/skills/{hub}/{name}/copies/propose", "propose-copy", propose_copy),
    act("/skills/{hub}/{name}/copies/merge", "merge-copies", merge_copies),
]
