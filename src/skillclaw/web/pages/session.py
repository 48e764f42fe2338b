"""One session: what was said and done, what it taught, what of it is shared; and what one can do with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from skillclaw.errors import BadInputError, UsageError
from skillclaw.journal.catalogue_facts import title_of
from skillclaw.server.hubs.opened import Source
from skillclaw.server.machine import PERSONAL
from skillclaw.trajectory.model import Signal, SkillUse, Trajectory, encode, meta
from skillclaw.web.lessons import EpisodeView, Lesson, episodes_of, lessons_of
from skillclaw.web.reading.skills import hub_key
from skillclaw.web.site.ask import Ask, Flash, act, page
from skillclaw.web.transcript import PART, steps_of, text_view
from skillclaw.web.warm import REDACTOR, then_load

if TYPE_CHECKING:
    from skillclaw.journal.records import SessionRow
    from skillclaw.server.machine import Machine
    from skillclaw.server.sharing.sending import Previewed

__all__ = ["ROUTES"]

SHOWN = 30_000
"""Characters of what would leave that the page shows; the file has all."""
NOTE = 2000


def show(ask: Ask) -> Response:
    """A part of the transcript, with outcome, episodes and actions beside it."""
    key = ask.path["key"]
    with ask.house.open() as machine:
        row, whole = _row(machine, key), machine.sessions.get(key)
        said = machine.outbox.marks().get(key, ("", ""))[0]
        personal = machine.hubs.source(PERSONAL) if machine.has_hub else None
        lessons = _lessons(ask, machine, personal, key) if personal is not None else []
        homes = _homes(machine, meta(whole).skills)
    known = meta(whole)
    subs = whole.subagent_trajectories or []
    number = ask.whole("sub", 0, 0, len(subs))
    told = subs[number - 1] if number else whole
    parts = max(1, -(-len(told.steps) // PART))
    part = ask.whole("part", 1, 1, parts)
    episodes = [] if number else ask.house.kept(("episodes", key), known.revision, lambda: episodes_of(whole))
    place = {step.step_id: index // PART + 1 for index, step in enumerate(whole.steps)}
    steps = steps_of(told, known if not number else meta(told), (part - 1) * PART, _numbers(subs))

    def at(step: int) -> str:
        """The address of a step of the session itself."""
        here = place.get(step, 1)
        return f"{ask.url('session', key=key, part=here if here > 1 else None)}#step-{step}"

    answer = ask.render(
        "sessions/session.html",
        page="sessions",
        row=row,
        known=known,
        agent=whole.agent,
        totals=whole.final_metrics,
        title=title_of(whole) or ask.t("Session without a request"),
        heading=text_view(title_of(whole) or ask.t("Session without a request")),
        said=said,
        signals=[_signal(ask, one) for one in known.signals],
        episodes=episodes,
        lessons=lessons,
        hub_of=lambda use: homes.get((use.hub or "", use.name), ""),
        taught={one.steps: one.taught(lessons) for one in episodes},
        begins=_begins(episodes),
        steps=steps,
        at=at,
        part=part,
        parts_count=parts,
        sub=number,
        subs=subs,
        sub_name=told.trajectory_id or "" if number else "",
        before=_part_url(ask, key, number, part - 1) if part > 1 else "",
        next=_part_url(ask, key, number, part + 1) if part < parts else "",
    )
    return then_load(answer, *REDACTOR, "skillclaw.server.sessions.forgetting")


def show_preview(ask: Ask) -> Response:
    """What would leave of it for a group's hub, and whether it may go to each."""
    from skillclaw.server.sharing.sending import preview
    from skillclaw.server.sharing.session import destinations

    key, hub = ask.path["key"], ask.query.get("hub") or None
    with ask.house.open() as machine:
        row = _row(machine, key)
        shown = preview(machine, key, hub)
        found = destinations(machine, row)
        said = machine.outbox.marks().get(key, ("", ""))[0]
    return ask.render(
        "sessions/preview.html",
        page="sessions",
        row=row,
        shown=shown,
        body=text_view(shown.body, SHOWN),
        masked=sorted(shown.masked.items()),
        destinations=found,
        said=said,
    )


def preview_file(ask: Ask) -> Response:
    """All of what would leave, as a file."""
    from skillclaw.server.sharing.sending import preview

    key, hub = ask.path["key"], ask.query.get("hub") or None
    with ask.house.open() as machine:
        _row(machine, key)
        shown: Previewed = preview(machine, key, hub)
    return _file(shown.body.encode(), f"preview-{key}.json")


def export(ask: Ask) -> Response:
    """The session as ATIF."""
    key = ask.path["key"]
    with ask.house.open() as machine:
        _row(machine, key)
        whole = machine.sessions.get(key)
    return _file(encode(whole) + b"\n", f"session-{key}.atif.json")


def show_forget(ask: Ask) -> Response:
    """What forgetting it would erase, and what cannot be undone; the button that does it."""
    from skillclaw.server.sessions import forgetting

    key = ask.path["key"]
    with ask.house.open() as machine:
        row = _row(machine, key)
        seen = forgetting.outlook(machine, [row])
    return ask.render("sessions/forget.html", page="sessions", row=row, seen=seen)


def forget(ask: Ask) -> Response:
    """Forget it, here and where it was shared."""
    from skillclaw.server.sessions import forgetting
    from skillclaw.server.sessions.recording import assemble_recorded

    key = ask.path["key"]
    with ask.house.open() as machine:
        _row(machine, key)
        assemble_recorded(machine)  # what was recorded of it since goes too
        done = forgetting.forget(machine, forgetting.choose(machine, [key]))
    for hub, why in sorted(done.kept.items()):
        ask.site.tell(
            ask.browser,
            Flash(
                ask.t("Not everything is gone from {hub} yet.", hub=hub),
                why,
                ask.t("It is tried again; now: skillclaw share send"),
                wrong=True,
            ),
        )
    told = [ask.t("Forgot {key}. It takes no part in any later cycle.", key=key)]
    if done.raw:
        told.append(
            ask.t(
                "Erased from the journal: {n} exchange.|Erased from the journal: {n} exchanges.", n=done.raw
            )
        )
    if done.objects:
        told.append(
            ask.t("Deleted from hubs: {n} object.|Deleted from hubs: {n} objects.", n=len(done.objects))
        )
    return ask.go("sessions", " ".join(str(one) for one in told))


def feedback(ask: Ask) -> Response:
    """Good or bad, and why."""
    from skillclaw.server.sessions.feedback import say

    verdict = ask.form.get("verdict", "")
    if verdict not in ("good", "bad"):
        raise UsageError(ask.t("Say whether it went well or badly."))
    with ask.house.open() as machine:
        _row(machine, ask.path["key"])
        updated = say(machine, ask.path["key"], verdict == "good", ask.form.get("note", "").strip()[:NOTE])
    counts = ask.t(meta(updated).outcome)
    return ask.back(ask.t("Noted: the session counts as {outcome}.", outcome=counts))


def share(ask: Ask) -> Response:
    """Never, allowed, or as the rules say."""
    from skillclaw.server.sharing.consent import mark

    said = ask.form.get("said", "")
    if said not in ("", "never", "allow"):
        raise UsageError(ask.t("Say whether it is shared."))
    with ask.house.open() as machine:
        _row(machine, ask.path["key"])
        mark(machine, ask.path["key"], said)
    told = {
        "never": "It is never shared.",
        "allow": "It may go where the rules allow it.",
        "": "The rules alone decide.",
    }
    return ask.back(ask.t(told[said]))


def _row(machine: Machine, key: str) -> SessionRow:
    rows = machine.sessions.rows(key=key)
    if not rows:
        raise BadInputError(
            "There is no such session here.", "It may have been forgotten.", "See: skillclaw sessions list"
        )
    return rows[0]


def _lessons(ask: Ask, machine: Machine, personal: Source, key: str) -> list[Lesson]:
    hub, state = personal.hub, personal.state
    if hub is None or state is None:
        return []
    make: Callable[[], list[Lesson]] = lambda: lessons_of(machine.hubs, PERSONAL, hub, state, key)  # noqa: E731
    return ask.house.kept(("lessons", key), state.head, make)


def _homes(machine: Machine, uses: list[SkillUse]) -> dict[tuple[str, str], str]:
    """The hub, as it is named here, of each skill that there is: by how the session names hub and skill. A
    session that names no hub means the first that has the skill."""
    found: dict[tuple[str, str], str] = {}
    wanted = {(use.hub or "", use.name) for use in uses}
    hubs = [one for one in machine.hubs.names() if one != PERSONAL or machine.has_hub] if wanted else []
    for source in map(machine.hubs.source, hubs):
        skills = source.state.skills if source.state is not None else {}
        for hub, name in wanted:
            if name in skills and hub in ("", hub_key(source)):
                found.setdefault((hub, name), source.name)
    return found


def _numbers(subs: list[Trajectory]) -> dict[str, int]:
    """The number (from 1) of each sub-agent by its ids."""
    found: dict[str, int] = {}
    for number, one in enumerate(subs, 1):
        for name in (one.trajectory_id, one.session_id):
            if name:
                found.setdefault(name, number)
    return found


def _begins(episodes: list[EpisodeView]) -> dict[int, list[EpisodeView]]:
    """The episodes by each step that they hold; a procedure, which holds most steps, by its first."""
    found: dict[int, list[EpisodeView]] = {}
    for one in episodes:
        for step in one.steps[:1] if one.kind == "procedure" else one.steps:
            found.setdefault(step, []).append(one)
    return found


def _signal(ask: Ask, one: Signal) -> dict[str, Any]:
    """A sign of how it went, in words."""
    if one.kind == "feedback" and one.source.startswith("user"):
        text = ask.t("You said that it went well." if one.value > 0 else "You said that it went badly.")
        return {"text": text, "note": one.source.partition(": ")[2], "value": one.value, "step": one.step}
    words = {
        "feedback": "Somebody said how it went.",
        "reward": "A grader gave a reward.",
        "reported": "The imported file says how it went.",
    }
    text = ask.t(words[one.kind]) if one.kind in words else ask.t(one.source or one.kind)
    return {"text": text, "note": "", "value": one.value, "step": one.step}


def _part_url(ask: Ask, key: str, sub: int, part: int) -> str:
    return ask.url("session", key=key, sub=sub or None, part=part if part > 1 else None)


def _file(data: bytes, name: str) -> Response:
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:100]
    return Response(
        data,
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{plain}"'},
    )


ROUTES = [
    page("/sessions/{key}", "session", show),
    page("/sessions/{key}/preview", "session-preview", show_preview),
    page("/sessions/{key}/preview.json", "session-preview-file", preview_file),
    page("/sessions/{key}/atif", "session-export", export),
    page("/sessions/{key}/forget", "session-forget", show_forget),
    act("/sessions/{key}/forget", "forget-session", forget),
    act("/sessions/{key}/feedback", "session-feedback", feedback),
    act("/sessions/{key}/share", "session-share", share),
]
