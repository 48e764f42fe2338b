"""Two versions of a skill side by side; and the chain from its lines to signed sessions."""

from __future__ import annotations

from starlette.responses import Response

from skillclaw.server.skills.reports import version_like
from skillclaw.skills.records import Bundle
from skillclaw.web.reading.skill import find
from skillclaw.web.reading.skills import shown_release
from skillclaw.web.sidebyside import changes
from skillclaw.web.site.ask import Ask, page

__all__ = ["ROUTES"]


def diff(ask: Ask) -> Response:
    """What changed from `old` to `new` (how versions begin); by default up to the current one."""
    hub, name = ask.path["hub"], ask.path["name"]
    with ask.house.open() as machine:
        found = find(machine, hub, name)
        skill = found.skill
        current = shown_release(skill)
        given = ask.query.get("new", "")
        new = skill.release(version_like(skill, given)) if given else current
        older = ask.query.get("old", "")
        base = version_like(skill, older) if older else (new.base if new is not None else None)
        old = skill.release(base) if base else None
        before = machine.hubs.bundle(found.hub, old) if old is not None else Bundle(name=name, files=[])
        after = machine.hubs.bundle(found.hub, new) if new is not None else before
    versions = list({one.version: one for one in skill.releases}.values())[::-1]
    return ask.render(
        "skills/diff.html",
        page="skills",
        hub=hub,
        name=name,
        old=old,
        new=new,
        versions=versions,
        current=skill.current,
        changes=changes(before, after),
    )


def provenance(ask: Ask) -> Response:
    """From each line back to the sessions that members signed."""
    from skillclaw.server.review.provenance import counted, verify_skill

    hub, name = ask.path["hub"], ask.path["name"]
    with ask.house.open() as machine:
        chain = verify_skill(machine, f"{hub}/{name}")
    return ask.render(
        "skills/provenance.html", page="skills", hub=hub, name=name, chain=chain, counted=counted
    )


ROUTES = [
    page("/skills/{hub}/{name}/diff", "skill-diff", diff),
    page("/skills/{hub}/{name}/provenance", "skill-provenance", provenance),
]
