"""Every page and action of the dashboard of a large machine, timed.

A page's server time is the time until its answer is whole over a connection that is open; its first paint is
Chromium's own figure. An action's time is from sending its form until the page that it leads to is whole.
Each is the median of `runs`; a page's after one that does not count, and is told beside it (`cold_ms`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import msgspec
import psutil

from skillclaw.bench.dashboard.closed import closed_state
from skillclaw.bench.dashboard.large import large_home
from skillclaw.bench.dashboard.paint import painter
from skillclaw.bench.dashboard.visitor import Form, Visitor, forms_in, links_in
from skillclaw.errors import SkillClawError

__all__ = ["ACTION_MS", "PAINT_MS", "run_dashboard_bench", "summary"]

PAINT_MS, ACTION_MS = 300.0, 200.0
"""The bars: first paint of a page, an action with the page that follows."""
PAGES = ("/", "/skills", "/proposals", "/patterns", "/sessions", "/group", "/settings")
SUBJECTS = ("/skills", "/proposals", "/patterns", "/sessions")
"""Lists whose links lead to pages of one thing each; the actions there are measured."""
NEVER = ("Forget", "Try", "Replay")
"""Words of buttons that are not pressed: they take away what the next run needs, or begin what is long."""
Progress = Callable[[int, int | None, str], None]


def run_dashboard_bench(
    *,
    into: Path,
    sessions: int,
    skills: int,
    runs: int = 5,
    closed_seconds: float = 10.0,
    progress: Progress = lambda done, total, what: None,
) -> dict[str, Any]:
    """Measure; the machine is made below `into`, or found there.

    Returns `{"sessions", "skills", "pages", "actions", "serving", "closed", "browser", "holds"}`. A page:
    `page`, `server_ms`, `cold_ms`, `paint_ms` (null without Chromium), `kb`. An action: `page`, `action`,
    `post_ms`, `total_ms`, `runs`. `serving`: memory and CPU of the dashboard's process after all that.
    `holds`: every first paint (without a browser: server time) and action is within the bars, and while
    closed no process of the dashboard runs. Raises StorageError, SkillClawError.
    """
    into.mkdir(parents=True, exist_ok=True)
    user = into.resolve()
    environ = {key: value for key, value in os.environ.items() if not key.startswith("SKILLCLAW_")}
    environ |= {"HOME": str(user), "USERPROFILE": str(user), "SKILLCLAW_HOME": str(user / ".skillclaw")}
    home = large_home(user, sessions, skills, environ, progress)
    with _dashboard(home, environ) as (link, process):
        visitor = Visitor(link)
        places = _places(visitor, runs)
        paths = [*PAGES, *(found[0] for found in places.values() if found)]
        rows = []
        for number, path in enumerate(paths):
            progress(number, len(paths), "pages")
            rows.append(_page(visitor, path, runs))
        actions = []
        for name, found in places.items():
            progress(0, None, f"actions of {name}")
            actions += _actions(visitor, name, found, runs)
        with _link(home, environ, link) as another, painter(another) as browser:
            for row in rows:
                progress(0, None, "first paint")
                row["paint_ms"] = None
                if browser is not None:
                    browser.paint(row["page"])
                    row["paint_ms"] = round(median(browser.paint(row["page"]) for _ in range(runs)), 1)
        visitor.close()
        used = process.cpu_times()
        serving = {
            "rss_mb": round(process.memory_info().rss / 1e6, 1),
            "cpu_seconds": round(used.user + used.system, 1),
        }
    progress(0, None, "closed")
    closed = closed_state(environ, closed_seconds)
    slow = [row for row in rows if (row["paint_ms"] or row["server_ms"]) > PAINT_MS]
    late = [row for row in actions if row["total_ms"] > ACTION_MS]
    return {
        "sessions": sessions,
        "skills": skills,
        "runs": runs,
        "pages": rows,
        "actions": actions,
        "serving": serving,
        "closed": closed,
        "browser": all(row["paint_ms"] is not None for row in rows),
        "holds": not slow and not late and closed["door"]["processes"] == 0,
    }


@contextmanager
def _dashboard(home: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, psutil.Process]]:
    """The dashboard as the command starts it: its link, and its process."""
    argv = [sys.executable, "-m", "skillclaw", "dashboard", "--json", "--no-browser", "--port", "0"]
    child = subprocess.Popen(
        [*argv, "--home", str(home)], env=dict(environ), stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        yield _url(child.stdout), psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(30)
        child.stdout.close()


def _url(lines: Iterator[str]) -> str:
    text = ""
    for line in lines:
        text += line
        try:
            return str(msgspec.json.decode(text.encode())["url"])
        except msgspec.DecodeError:
            continue
    raise SkillClawError("The dashboard did not start.", text.strip()[-300:])


@contextmanager
def _link(home: Path, environ: Mapping[str, str], link: str) -> Iterator[str]:
    """Another link of the dashboard that runs: one that the command makes for another port of this home."""
    with _dashboard(home, environ) as (other, _):
        yield f"{link.partition('#')[0]}#{other.partition('#')[2]}"


def _places(visitor: Visitor, runs: int) -> dict[str, list[str]]:
    """By list, the pages of as many of its things as there are runs; none where a page links to none."""
    found: dict[str, list[str]] = {}
    for name in SUBJECTS:
        start = f"{visitor.root}{name}/"
        links = (urlsplit(link).path for link in links_in(visitor.page(name).text))
        kept = dict.fromkeys(link.removeprefix(visitor.root) for link in links if link.startswith(start))
        found[name] = list(kept)[: runs + 1]
    return found


def _page(visitor: Visitor, path: str, runs: int) -> dict[str, Any]:
    cold = visitor.page(path)
    times = [visitor.page(path).seconds for _ in range(runs)]
    return {
        "page": path,
        "server_ms": round(median(times) * 1000, 1),
        "cold_ms": round(cold.seconds * 1000, 1),
        "kb": round(len(cold.text.encode()) / 1000, 1),
    }


def _actions(visitor: Visitor, name: str, paths: list[str], runs: int) -> list[dict[str, Any]]:
    """Each kind of action that the first page offers, done on one page after the other."""
    if not paths:
        return []
    labels = dict.fromkeys(one.label for one in forms_in(visitor.page(paths[0]).text))
    rows = []
    for label in labels:
        if any(word in label for word in NEVER):
            continue
        posts, totals = [], []
        for path in paths[:runs]:
            form = _form(visitor, path, label)
            if form is not None:
                reply, total = visitor.act(form)
                posts.append(reply.seconds)
                totals.append(total)
        if totals:
            rows.append(
                {
                    "page": name,
                    "action": label,
                    "post_ms": round(median(posts) * 1000, 1),
                    "total_ms": round(median(totals) * 1000, 1),
                    "runs": len(totals),
                }
            )
    return rows


def _form(visitor: Visitor, path: str, label: str) -> Form | None:
    return next((one for one in forms_in(visitor.page(path).text) if one.label == label), None)


def summary(result: dict[str, Any]) -> str:
    """For people."""
    lines = [
        f"{result['skills']:,} skills, {result['sessions']:,} sessions; medians of {result['runs']} in ms",
        f"{'page':<44}{'paint':>8}{'server':>8}{'first':>8}{'kB':>8}",
    ]
    for row in result["pages"]:
        paint = "?" if row["paint_ms"] is None else f"{row['paint_ms']:.0f}"
        lines.append(
            f"{row['page'][:43]:<44}{paint:>8}{row['server_ms']:>8.0f}{row['cold_ms']:>8.0f}{row['kb']:>8.0f}"
        )
    if result["actions"]:
        lines.append(f"{'action':<44}{'':>8}{'alone':>8}{'whole':>8}")
    for row in result["actions"]:
        what = f"{row['page']}: {row['action']}"
        lines.append(f"{what[:43]:<44}{'':>8}{row['post_ms']:>8.0f}{row['total_ms']:>8.0f}")
    lines.append(
        f"The dashboard's process held {result['serving']['rss_mb']:.0f} MB and took "
        f"{result['serving']['cpu_seconds']:.1f} s of CPU for all that."
    )
    door, without = result["closed"]["door"], result["closed"]["without"]
    lines.append(
        f"While closed: {door['processes']} processes of it; `up` took {door['cpu_seconds']:.2f} s of CPU in "
        f"{door['seconds']:.0f} s with its door, {without['cpu_seconds']:.2f} s without; "
        f"{door['rss_mb']:.0f} MB and {without['rss_mb']:.0f} MB."
    )
    lines.append(
        f"Bars: first paint {PAINT_MS:.0f} ms, action {ACTION_MS:.0f} ms: "
        + ("held." if result["holds"] else "missed.")
    )
    return "\n".join(lines)
