"""What stands behind each line of a skill on its page: how many sessions it rests on, and how they went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from skillclaw.web.markdown import item_lines
from skillclaw.web.text import odds

if TYPE_CHECKING:
    from skillclaw.web.reading.skill import Line
    from skillclaw.web.site.language import Translate

__all__ = ["chip", "marks", "ratio", "summary"]

CHIP = Markup(
    '<span class="rests"><a class="chip {kind}" href="#line-{id}" aria-describedby="tip-{id}">{label}</a>'
    '<span class="tip" role="tooltip" id="tip-{id}">{tip}</span></span>'
)


def marks(lines: Sequence[Line], path: str, body: str, t: Translate) -> dict[int, tuple[str, Markup]]:
    """For `web.markdown.rendered`: the items of the file at `path`, whose text without its head is `body`."""
    starts = item_lines(body)
    return {
        starts[line.place]: (f"at-{line.id}", chip(line, t))
        for line in lines
        if line.path == path and 0 <= line.place < len(starts) and line.id
    }


def chip(line: Line, t: Translate) -> Markup:
    """The link to a line's evidence, with what it says in short."""
    count = len(line.evidence)
    label = t("{n} session|{n} sessions", n=count) if count else t("no evidence")
    kind = "strong" if line.users > 1 else "some" if count else "none"
    return Markup(" ") + CHIP.format(kind=kind, id=line.id, label=label, tip=summary(line, t))


def summary(line: Line, t: Translate) -> Markup:
    """What a line rests on, in a sentence or three."""
    if not line.evidence:
        return t("No session speaks for this line: a person wrote it, or its sessions were forgotten.")
    item = line.item
    parts = [
        t("Rests on {n} session|Rests on {n} sessions", n=len(line.evidence)),
        t("of {n} person.|of {n} people.", n=line.users),
    ]
    if item.helpful or item.harmful:
        parts.append(
            t(
                "Of those who did what it says, {good} succeeded and {bad} failed.",
                good=item.helpful,
                bad=item.harmful,
            )
        )
    parts.append(t("Odds ratio: {ratio}.", ratio=ratio(item.odds_ratio, item.ci, t)))
    return Markup(" ").join(parts)


def ratio(value: float | None, ci: tuple[float, float] | None, t: Translate) -> str:
    """An odds ratio with its 95% interval, or that it is not measured."""
    return str(t("not measured")) if value is None else odds(value, ci)
