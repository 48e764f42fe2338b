"""The result of a run as one HTML file that asks nothing of the network.

Names, reasons and errors come from outside. Jinja escapes every value, `_visible` writes out what is
invisible, and a Content-Security-Policy lets nothing run or load but the page's own style and script, by
their hashes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment
from markupsafe import Markup

from skillclaw.bench.loop.effects import ARMS
from skillclaw.bench.loop.plot import Plot, forest, plot
from skillclaw.bench.loop.summary import VARIANTS
from skillclaw.pages import environment, policy

__all__ = ["render"]

LONGEST = 400
"""Characters shown of any one text."""

HEADLINES = {
    "supported": "The skills that evolved helped",
    "harm": "The skills that evolved did harm",
    "not supported": "Not shown: that the evolved skills helped",
}


class Category(NamedTuple):
    """A small plot with its category's effect on the last day."""

    name: str
    plot: Plot
    effect: Mapping[str, Any]


def render(result: Mapping[str, Any]) -> str:
    """The page for a result as `report.result_json` makes it, or as its JSON holds it."""
    whole = [row for row in result["days"] if row["category"] is None and row["variant"] is None]
    style, script = _asset("page.css"), _asset("page.js")
    text = (
        _environment()
        .get_template("page.html")
        .render(
            r=result,
            headline=_headline(result),
            whole=whole,
            wide=_success(whole, "Success", 960, 330, named=True),
            narrow=_success(whole, "Success", 380, 300),
            categories=_categories(result),
            costs=[
                (title, plot(whole, key, title=title, width=380, height=210))
                for title, key in (
                    ("Steps (tool calls) of an attempt", "steps"),
                    ("Tokens of an attempt", "tokens"),
                    ("Seconds of an attempt", "seconds"),
                )
            ],
            templates=_templates(result),
            most={k: max((n[k] for n in result["nights"]), default=0) for k in ("seconds", "tokens")},
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            policy=policy(style, script),
        )
    )
    return text.lstrip()


def _headline(result: Mapping[str, Any]) -> str:
    if result["verdict"] and not result["valid"]:
        return "The run is not valid: it shows nothing"
    if result["verdict"]:
        return HEADLINES[result["verdict"]]
    return "The run is not done" if result["days"] else "The screening of templates"


def _success(
    rows: list[Mapping[str, Any]], title: str, width: float, height: float, *, named: bool = False
) -> Plot:
    return plot(rows, "success", title=title, width=width, height=height, percent=True, named=named)


def _categories(result: Mapping[str, Any]) -> list[Category]:
    found = []
    for effect in result["categories"]:
        name = effect["category"]
        rows = [row for row in result["days"] if row["category"] == name and row["variant"] is None]
        found.append(Category(name, _success(rows, f"Success in {name}", 380, 190), effect))
    return found


def _templates(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each template that was screened or measured, with what is known of both."""
    screen = {row["template"]: row for row in result["screen"]}
    last = {row["template"]: row for row in result["templates"]}
    found = []
    for name in sorted({*screen, *last}):
        before, now = screen.get(name), last.get(name)
        known = now or before
        assert known is not None
        found.append(
            {
                "template": name,
                "category": known["category"],
                "variant": VARIANTS[now["variant"]] if now else None,
                "screen": before,
                "arms": now["arms"] if now else {},
            }
        )
    return found


def _visible(text: str) -> str:
    """`text` on one line and cut; what is invisible or turns the writing direction as its code point."""
    flat = " ".join(text[: 4 * LONGEST].split())
    shown = "".join(c if c.isprintable() else f"[U+{ord(c):04X}]" for c in flat[: LONGEST + 1])
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1].rstrip() + "…"


def _points(value: float | None) -> str:
    return "not measured" if value is None else _minus(f"{100 * value:+.1f}")


def _between(ci: Any, form: str = "points") -> str:
    """An interval in brackets; empty where there is none."""
    if ci is None:
        return ""
    low, high = ci
    if form == "points":
        return _minus(f"[{100 * low:+.1f}, {100 * high:+.1f}]")
    return _minus(f"[{low:.0%}, {high:.0%}]") if form == "percent" else f"[{_amount(low)}, {_amount(high)}]"


def _amount(value: float | None) -> str:
    if value is None:
        return "not measured"
    return _minus(f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}")


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _p(value: float | None) -> str:
    return "not measured" if value is None else "< 0.0001" if value < 0.0001 else f"{value:.2g}"


def _percent(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.1%}"


def _listed(value: Any) -> str:
    """A setting of the run, as people write it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_listed(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_listed(each) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not known" if value is None else str(value)


@cache
def _asset(file: str) -> str:
    return Path(__file__).with_name(file).read_text("utf-8")


@cache
def _environment() -> Environment:
    found = environment(_asset("page.html"), _visible)
    found.filters.update(
        points=_points, between=_between, amount=_amount, p=_p, share=_percent, listed=_listed
    )
    found.globals.update(forest=forest, arms=ARMS, variants=VARIANTS)
    return found
