"""Recoveries and corrections that are planted, over shell commands, file edits, HTTP calls and functions."""

from __future__ import annotations

from collections.abc import Callable

from skillclaw.bench.planted_lessons import Lesson, Part, Role, Scene, Way, module, number, sh
from skillclaw.bench.planted_session import Script

__all__ = ["REPAIRS"]

PACKAGES = ("requests", "pandas", "rich", "httpx", "flask", "numpy", "attrs")
_UNREAD = "File has not been read yet. Read it first before writing to it."
_TENANT = "curl: (22) The requested URL returned error: 400 X-Tenant header missing"
_MANAGED = "error: externally-managed-environment\nThis environment is managed, see the notes"
_TEAM = "Missing required parameter team."


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


def _correction(before: Way, texts: tuple[str, ...], after: Way) -> Callable[[Scene], Part]:
    """Most users say no, and the agent does it their way; the others let it pass."""

    def make(scene: Scene) -> Part:
        script = [*scene.noise[:2], *before(scene)]
        if scene.random.random() < 0.85:
            said = scene.random.choice(texts)
            return Part(scene.ask, script, scene.success, "evidence", said=said, then=after(scene))
        return Part(scene.ask, script, scene.success, "contrast")

    return make


def _install(scene: Scene, command: str, text: str, worked: bool) -> Script:
    return [sh(scene, command, text, worked)]


def _package(scene: Scene) -> str:
    return PACKAGES[sum(map(ord, scene.thing + scene.name)) % len(PACKAGES)]


def _edit(scene: Scene, text: str, worked: bool) -> Script:
    args = {"file_path": module(scene), "old_string": f"x = {number(scene)}", "new_string": "x = 0"}
    return [("Edit", args, text, worked)]


def _issue(scene: Scene, worked: bool, text: str, **more: str) -> Script:
    args = {"title": f"{scene.thing} {number(scene)}", "owner": scene.name, **more}
    return [("mcp__tracker__create_issue", args, text, worked)]


def _css(scene: Scene, folder: str) -> Script:
    args = {
        "file_path": f"{folder}/{scene.thing}.css",
        "old_string": f"{scene.name}-old",
        "new_string": "red",
    }
    return [("Edit", args, "The file has been updated.", True)]


def _record(scene: Scene, tool: str, **more: str) -> Script:
    url = f"https://crm.example.com/contacts/{number(scene)}"
    return [(tool, {"url": url, **more}, "204 No Content", True)]


def _mail(scene: Scene, tool: str) -> Script:
    args = {"receiver": scene.name, "subject": f"About the {scene.thing}"}
    return [(tool, args, f"message {number(scene)}", True)]


REPAIRS: tuple[Lesson, ...] = (
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
                ("Read", {"file_path": module(s)}, f"x = {number(s)}", True),
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
            lambda s: [sh(s, f"curl -sf http://localhost:9110/stock/{number(s)}", _TENANT, False)],
            lambda s: [
                sh(
                    s,
                    f"curl -sf -H 'X-Tenant: shop' http://localhost:9110/stock/{number(s)}",
                    f'{{"left": {number(s)}}}',
                )
            ],
            lambda s: [sh(s, f"curl -sfL http://localhost:9110/stock/{number(s)}", _TENANT, False)],
        ),
    ),
    Lesson(
        "issue team",
        "recovery",
        "function",
        "mcp__tracker__create_issue",
        _recovery(
            lambda s: _issue(s, False, _TEAM),
            lambda s: _issue(s, True, f"T-{number(s)}", team=s.random.choice(("front", "back", "stock"))),
            lambda s: _issue(s, False, _TEAM, priority="high"),
        ),
    ),
    Lesson(
        "pnpm",
        "correction",
        "shell",
        "pnpm add",
        _correction(
            lambda s: [sh(s, f"npm install {_package(s)}", "added 12 packages")],
            (
                "No, use pnpm instead of npm",
                "use pnpm instead of npm here please",
                "No. Use pnpm instead of npm",
                "Please use pnpm instead of npm.",
            ),
            lambda s: [sh(s, f"pnpm add {_package(s)}", "Done in 2s")],
        ),
    ),
    Lesson(
        "rebase (Chinese)",
        "correction",
        "shell",
        "git rebase",
        _correction(
            lambda s: [sh(s, f"git merge origin/{s.thing}", "Merge made by the 'ort' strategy.")],
            (
                "不对,应该用 rebase 而不是 merge",
                "不要用 merge,改用 rebase",
                "应该用 rebase,不要用 merge",
                "不要用merge,请改用 rebase",
            ),
            lambda s: [sh(s, f"git rebase origin/{s.thing}", "Successfully rebased.")],
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
