"""The planted lessons: four kinds over shell commands, file edits, HTTP calls and functions.

A lesson makes the part of a session that holds it, and says what the session is for it: `evidence` (the
pattern must cite it), `against` (the same was done and it went wrong, or the wrong was done and it went well)
or `contrast` (something else was done). How often sessions succeed with and without is part of the lesson,
so that the power of a comparison can be computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any, Literal, NamedTuple

from skillclaw.bench.planted_session import Script
from skillclaw.skills.records import Pattern, PatternKind

__all__ = ["LESSONS", "MODELS", "Lesson", "Part", "Role", "Scene", "chance", "says"]

Role = Literal["evidence", "against", "contrast"]

MODELS = {"model-a": 1.1, "model-b": -0.4, "model-c": 0.0}
"""How much better or worse a model does than the mean, in log odds: the strong one carries its habits."""


def chance(rate: float, model: str) -> float:
    """The share of sessions that succeed at a mean rate of `rate`, for this model."""
    return 1 / (1 + math.exp(-(math.log(rate / (1 - rate)) + MODELS[model])))


class Scene(NamedTuple):
    """What a lesson finds: the session as it would be without it."""

    random: Random
    agent: str
    model: str
    thing: str
    name: str
    ask: str
    noise: Script
    success: bool


class Part(NamedTuple):
    """What a lesson makes of it. `did`: whether the way whose success is compared was taken."""

    ask: str
    script: Script
    success: bool
    role: Role
    did: bool = False
    said: str = ""
    then: Script = []


class Lesson(NamedTuple):
    """A planted pattern.

    mark      tool, or beginning of the command, of the last action (of the failing one for pitfalls)
    rates     success with and without what it says, at the mean model; None where success isn't its claim
    by_way    kind and mark of a second true pattern that the same sessions give, if any
    """

    name: str
    kind: PatternKind
    via: Literal["shell", "file", "http", "function"]
    mark: str
    make: Callable[[Scene], Part]
    rates: tuple[float, float] | None = None
    by_way: tuple[PatternKind, str] | None = None


def says(pattern: Pattern, kind: PatternKind, mark: str) -> bool:
    """Whether the pattern is of this kind and about this action."""
    if pattern.kind != kind:
        return False
    shape = pattern.failed if kind == "pitfall" else pattern.actions[-1] if pattern.actions else None
    if shape is None:
        return False
    return shape.tool == mark if shape.command is None else f"{shape.command} ".startswith(f"{mark} ")


def _sh(scene: Scene, command: str, text: str, worked: bool = True) -> tuple[str, dict[str, Any], str, bool]:
    if scene.agent == "codex":
        return "exec_command", {"cmd": command}, text, worked
    return "Bash", {"command": command}, text, worked


def _mark(random: Random) -> str:
    return str(random.randint(10_000_000, 99_999_999))


Way = Callable[[Scene], Script]


def _inside(scene: Scene, extra: Script) -> Script:
    at = min(1, len(scene.noise))
    return [*scene.noise[:at], *extra, *scene.noise[at:]]


def _recovery(fail: Way, mend: Way, wrong: Way) -> Callable[[Scene], Part]:
    """Most sessions that fail find the way; some try something else in vain; some never fail."""

    def make(scene: Scene) -> Part:
        draw = scene.random.random()
        role: Role = "evidence" if draw < 0.75 else "contrast"
        extra = [] if draw >= 0.9 else fail(scene)
        extra += wrong(scene) if 0.75 <= draw < 0.9 else mend(scene)
        return Part(scene.ask, _inside(scene, extra), scene.success, role)

    return make


def _install(scene: Scene, command: str, text: str, worked: bool) -> Script:
    return [_sh(scene, command, text, worked)]


PACKAGES = ("requests", "pandas", "rich", "httpx", "flask", "numpy", "attrs")


def _package(scene: Scene) -> str:
    return PACKAGES[sum(map(ord, scene.thing + scene.name)) % len(PACKAGES)]


def _file(scene: Scene) -> str:
    return f"src/{scene.thing}/{scene.name.lower()}.py"


def _number(scene: Scene) -> int:
    return 100 + sum(map(ord, scene.thing + scene.name)) % 800


def _edit(scene: Scene, text: str, worked: bool) -> Script:
    args = {"file_path": _file(scene), "old_string": f"x = {_number(scene)}", "new_string": "x = 0"}
    return [("Edit", args, text, worked)]


def _issue(scene: Scene, worked: bool, text: str, **more: str) -> Script:
    args = {"title": f"{scene.thing} {_number(scene)}", "owner": scene.name, **more}
    return [("mcp__tracker__create_issue", args, text, worked)]


_UNREAD = "File has not been read yet. Read it first before writing to it."
_TENANT = "curl: (22) The requested URL returned error: 400 X-Tenant header missing"
_MANAGED = "error: externally-managed-environment\nThis environment is managed, see the notes"
_TEAM = "Missing required parameter team."


def _procedure(
    ask: str, right: Callable[[Scene, str], Script], skip: int, rates: tuple[float, float], follow: float
) -> Callable[[Scene], Part]:
    """A share `follow` goes the right way; of the others half leave out step `skip`, half do anything."""

    def make(scene: Scene) -> Part:
        random = scene.random
        said = ask.format(thing=scene.thing, name=scene.name)
        script = right(scene, _mark(random))
        if random.random() < follow:
            success = random.random() < chance(rates[0], scene.model)
            if random.random() < 0.2:
                tool, args, _, _ = script[0]
                script = [(tool, args, "Service unavailable (503)", False), *script]
            return Part(said, script, success, "evidence" if success else "against", True)
        other = [*script[:skip], *script[skip + 1 :]] if random.random() < 0.5 else scene.noise
        return Part(said, other, random.random() < chance(rates[1], scene.model), "contrast")

    return make


def _release(scene: Scene, mark: str) -> Script:
    tag = f"v{int(mark[:2])}.{int(mark[2:4])}"
    return [
        _sh(scene, "make check", "all checks passed"),
        _sh(scene, f"git tag {tag}", ""),
        _sh(scene, "git push origin --tags", f"* [new tag] {tag}"),
    ]


def _flag(scene: Scene, mark: str) -> Script:
    path = f"config/{scene.thing}.yaml"
    return [
        ("Read", {"file_path": path}, f"{scene.thing}: off # {mark}", True),
        (
            "Edit",
            {"file_path": path, "old_string": f"{scene.thing}: off", "new_string": f"{scene.thing}: on"},
            "The file has been updated.",
            True,
        ),
        _sh(scene, "make validate-flags", "0 problems"),
    ]


def _reserve(scene: Scene, mark: str) -> Script:
    base = "https://stock.example.com/v2"
    return [
        ("http.get", {"url": f"{base}/items", "query": scene.thing}, f'{{"item": "{mark}"}}', True),
        ("http.put", {"url": f"{base}/holds", "item": mark, "holder": scene.name}, "201 Created", True),
    ]


def _refund(scene: Scene, mark: str) -> Script:
    return [
        ("orders.search", {"query": scene.thing}, f"found {mark}", True),
        ("orders.verify", {"record_id": mark}, "checked", True),
        ("payments.refund", {"record_id": mark, "receiver": scene.name}, "done", True),
    ]


def _pitfall(
    ask: str, wrong: Callable[[Scene, str], Script], right: Callable[[Scene, str], Script]
) -> Callable[[Scene], Part]:
    """Half of the sessions do the wrong thing and mostly fail, the others do the right thing."""

    def make(scene: Scene) -> Part:
        random = scene.random
        said = ask.format(thing=scene.thing, name=scene.name)
        good = random.random() < 0.5
        success = random.random() < chance(TRAPPED[0 if good else 1], scene.model)
        extra = (right if good else wrong)(scene, _mark(random))
        role: Role = "contrast" if good else "against" if success else "evidence"
        return Part(said, [*scene.noise[:1], *extra], success, role, good)

    return make


TRAPPED = (0.8, 0.15)
"""Success of sessions that avoid a pitfall, and of those in it."""


def _publish(scene: Scene, flags: str, text: str, worked: bool) -> Script:
    return [_sh(scene, f"npm publish{flags}", text, worked)]


def _insert(scene: Scene, text: str, worked: bool, **more: int) -> Script:
    args = {"command": "insert", "path": f"/srv/{_file(scene)}", "insert_text": f"# {scene.name}", **more}
    return [("str_replace_based_edit_tool", args, text, worked)]


def _report(scene: Scene, mark: str, worked: bool) -> Script:
    day, month = 1 + int(mark[:2]) % 27, 1 + int(mark[2:4]) % 12
    since = f"2025-{month:02}-{day:02}" if worked else f"day {day} of {month}"
    args = {"url": "https://stats.example.com/reports", "item": scene.thing, "since": since}
    text = f'{{"report": "{mark}"}}' if worked else "400 Bad Request: since must be a calendar date"
    return [("http.post", args, text, worked)]


def _redirect(scene: Scene, mark: str, known: bool) -> Script:
    if known:
        found: Script = [("parcels.search", {"query": scene.thing}, f"found {mark}", True)]
        return [*found, ("parcels.redirect", {"record": mark}, "done", True)]
    return [("parcels.redirect", {"record": mark}, "Record not found.", False)]


def _correction(before: Way, texts: tuple[str, ...], after: Way) -> Callable[[Scene], Part]:
    """The user says no and the agent does it; some users only note it, and nothing is done."""

    def make(scene: Scene) -> Part:
        script = [*scene.noise[:2], *before(scene)]
        if scene.random.random() < 0.85:
            said = scene.random.choice(texts)
            return Part(scene.ask, script, scene.success, "evidence", said=said, then=after(scene))
        return Part(scene.ask, script, scene.success, "contrast")

    return make


def _css(scene: Scene, folder: str) -> Script:
    args = {
        "file_path": f"{folder}/{scene.thing}.css",
        "old_string": f"{scene.name}-old",
        "new_string": "red",
    }
    return [("Edit", args, "The file has been updated.", True)]


def _record(scene: Scene, tool: str, **more: str) -> Script:
    url = f"https://crm.example.com/contacts/{_number(scene)}"
    return [(tool, {"url": url, **more}, "204 No Content", True)]


def _mail(scene: Scene, tool: str) -> Script:
    args = {"receiver": scene.name, "subject": f"About the {scene.thing}"}
    return [(tool, args, f"message {_number(scene)}", True)]


LESSONS: tuple[Lesson, ...] = (
    Lesson(
        "managed environment",
        "recovery",
        "shell",
        "uv pip install",
        _recovery(
            lambda s: _install(s, f"pip install {_package(s)}", _MANAGED, False),
            lambda s: _install(s, f"uv pip install --system {_package(s)}", "Installed 1 package", True),
            lambda s: _install(s, f"pip install --user {_package(s)}", _MANAGED, False),
        ),
    ),
    Lesson(
        "read before edit",
        "recovery",
        "file",
        "Edit",
        _recovery(
            lambda s: _edit(s, _UNREAD, False),
            lambda s: [
                ("Read", {"file_path": _file(s)}, f"x = {_number(s)}", True),
                *_edit(s, "The file has been updated.", True),
            ],
            lambda s: _edit(s, _UNREAD, False),
        ),
    ),
    Lesson(
        "tenant header",
        "recovery",
        "http",
        "curl",
        _recovery(
            lambda s: [_sh(s, f"curl -sf http://localhost:9110/stock/{_number(s)}", _TENANT, False)],
            lambda s: [
                _sh(
                    s,
                    f"curl -sf -H 'X-Tenant: shop' http://localhost:9110/stock/{_number(s)}",
                    f'{{"left": {_number(s)}}}',
                )
            ],
            lambda s: [_sh(s, f"curl -sfL http://localhost:9110/stock/{_number(s)}", _TENANT, False)],
        ),
    ),
    Lesson(
        "issue team",
        "recovery",
        "function",
        "mcp__tracker__create_issue",
        _recovery(
            lambda s: _issue(s, False, _TEAM),
            lambda s: _issue(s, True, f"T-{_number(s)}", team=s.random.choice(("front", "back", "stock"))),
            lambda s: _issue(s, False, _TEAM, priority="high"),
        ),
    ),
    Lesson(
        "check before tag",
        "procedure",
        "shell",
        "git push",
        _procedure("Release the {thing} service, {name} waits for it", _release, 0, (0.85, 0.3), 0.5),
        (0.85, 0.3),
    ),
    Lesson(
        "validate flags",
        "procedure",
        "file",
        "make validate-flags",
        _procedure("Switch on the {thing} feature flag for {name}", _flag, 2, (0.85, 0.25), 0.5),
        (0.85, 0.25),
    ),
    Lesson(
        "look up, then hold",
        "procedure",
        "http",
        "http.put",
        _procedure("Reserve one {thing} in the warehouse for {name}", _reserve, 0, (0.8, 0.3), 0.5),
        (0.8, 0.3),
    ),
    Lesson(
        "verify, then refund",
        "procedure",
        "function",
        "payments.refund",
        _procedure("Refund the {thing} that {name} sent back", _refund, 1, (0.85, 0.2), 0.5),
        (0.85, 0.2),
    ),
    Lesson(
        "publish without access",
        "pitfall",
        "shell",
        "npm publish",
        _pitfall(
            "Put the {thing} package on the registry for {name}",
            lambda s, m: _publish(s, "", "npm ERR! 402 Payment Required", False),
            lambda s, m: _publish(s, " --access public", f"+ {s.thing}@{m[:2]}.0.0", True),
        ),
        TRAPPED,
        ("procedure", "npm publish"),
    ),
    Lesson(
        "insert without line",
        "pitfall",
        "file",
        "str_replace_based_edit_tool",
        _pitfall(
            "Add a note on the {thing} for {name} to the module",
            lambda s, m: _insert(s, "Parameter insert_line is required.", False),
            lambda s, m: _insert(s, "The file has been edited.", True, insert_line=int(m[:2])),
        ),
        TRAPPED,
        ("procedure", "str_replace_based_edit_tool"),
    ),
    Lesson(
        "date in words",
        "pitfall",
        "http",
        "http.post",
        _pitfall(
            "Order a quarterly report about {thing} demand for {name}",
            lambda s, m: _report(s, m, False),
            lambda s, m: _report(s, m, True),
        ),
        TRAPPED,
        ("procedure", "http.post"),
    ),
    Lesson(
        "guessed parcel",
        "pitfall",
        "function",
        "parcels.redirect",
        _pitfall(
            "Redirect the {thing} parcel of {name} to the depot",
            lambda s, m: _redirect(s, m, False),
            lambda s, m: _redirect(s, m, True),
        ),
        TRAPPED,
        ("procedure", "parcels.redirect"),
    ),
    Lesson(
        "pnpm",
        "correction",
        "shell",
        "pnpm add",
        _correction(
            lambda s: [_sh(s, f"npm install {_package(s)}", "added 12 packages")],
            (
                "No, use pnpm instead of npm",
                "use pnpm instead of npm here please",
                "No. Use pnpm instead of npm",
                "Please use pnpm instead of npm.",
            ),
            lambda s: [_sh(s, f"pnpm add {_package(s)}", "Done in 2s")],
        ),
    ),
    Lesson(
        "rebase (Chinese)",
        "correction",
        "shell",
        "git rebase",
        _correction(
            lambda s: [_sh(s, f"git merge origin/{s.thing}", "Merge made by the 'ort' strategy.")],
            (
                "不对,应该用 rebase 而不是 merge",
                "不要用 merge,改用 rebase",
                "应该用 rebase,不要用 merge",
                "不要用merge,请改用 rebase",
            ),
            lambda s: [_sh(s, f"git rebase origin/{s.thing}", "Successfully rebased.")],
        ),
    ),
    Lesson(
        "sources, not dist",
        "correction",
        "file",
        "Edit",
        _correction(
            lambda s: _css(s, "dist"),
            (
                "Don't edit files in dist, change the sources in src instead",
                "don't edit the files in dist, change the sources instead",
                "No, don't edit dist files, change the sources in src instead",
            ),
            lambda s: _css(s, "src"),
        ),
    ),
    Lesson(
        "archive, not delete",
        "correction",
        "http",
        "http.patch",
        _correction(
            lambda s: _record(s, "http.delete"),
            (
                "Please don't delete contacts, archive them instead",
                "don't delete a contact, archive it instead",
                "No, don't delete contacts; archive them instead",
            ),
            lambda s: _record(s, "http.patch", state="archived"),
        ),
    ),
    Lesson(
        "drafts (Chinese)",
        "correction",
        "function",
        "mcp__mail__save_draft",
        _correction(
            lambda s: _mail(s, "mcp__mail__send"),
            ("不要直接发送邮件,先存草稿", "不要直接发送,先存成草稿", "别直接发送邮件,先存草稿给我看"),
            lambda s: _mail(s, "mcp__mail__save_draft"),
        ),
    ),
)
