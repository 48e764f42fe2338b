"""The forms that a dashboard's pages offer, found by following its links."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from dashboard_house import Dash, Node

__all__ = ["Offered", "forms_of"]

PAGES = 120
SAMPLE = "because"


@dataclass(frozen=True)
class Offered:
    """A form: the path below the base that it is sent to, and what stands in it."""

    path: str
    fields: tuple[tuple[str, str], ...]
    on: str
    """The page that it is on."""

    def body(self, csrf: str) -> bytes:
        """What a browser sends, with this token."""
        return urlencode({**dict(self.fields), "csrf": csrf}).encode()


def forms_of(dash: Dash, language: str) -> list[Offered]:
    """Every form that changes something, once for each path and button, of at most PAGES pages."""
    visitor = dash.visitor(language=language)
    todo, seen = ["/"], {"/"}
    found: dict[tuple[str, str], Offered] = {}
    while todo:
        path = todo.pop(0)
        html = visitor.get(path).html
        for form in html.find("form"):
            action = urlsplit(form.attrs.get("action", "")).path
            if form.attrs.get("method", "").lower() == "post" and action.startswith(f"{dash.base}/"):
                for button in form.find("button") or [Node("button", {})]:
                    one = _offered(form, button, action.removeprefix(dash.base), path)
                    found.setdefault((one.path, button.attrs.get("value", "")), one)
        for link in html.find("a"):
            parts = urlsplit(link.attrs.get("href", ""))
            more = parts.path.removeprefix(dash.base) + (f"?{parts.query}" if parts.query else "")
            if parts.path.startswith(f"{dash.base}/") and more not in seen and len(seen) < PAGES:
                seen.add(more)
                todo.append(more)
    return list(found.values())


def _offered(form: Node, button: Node, path: str, on: str) -> Offered:
    """The form as somebody fills it in: what is empty gets a word, the first choice is taken."""
    given: dict[str, str] = {}
    for one in form.find("input"):
        if name := one.attrs.get("name"):
            kind = one.attrs.get("type", "text")
            if kind not in ("checkbox", "radio") or "checked" in one.attrs or "required" in one.attrs:
                given[name] = one.attrs.get("value") or SAMPLE
    given |= {one.attrs["name"]: one.text or SAMPLE for one in form.find("textarea")}
    for select in form.find("select"):
        options = select.find("option")
        chosen = next((one for one in options if "selected" in one.attrs), options[-1] if options else None)
        if chosen is not None:
            given[select.attrs["name"]] = chosen.attrs.get("value", chosen.text)
    if "name" in button.attrs:
        given[button.attrs["name"]] = button.attrs.get("value", "")
    return Offered(path, tuple(given.items()), on)
