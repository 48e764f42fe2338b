"""Procedures and pitfalls that are planted: lessons that claim something about success."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from skillclaw.bench.planted_lessons import Lesson, Part, Role, Scene, chance, module, sh
from skillclaw.bench.planted_session import Script

__all__ = ["CLAIMS"]

TRAPPED = (0.8, 0.15)
"""Success of sessions that avoid a pitfall, and of those in it."""


def _mark(random: Random) -> str:
    return str(random.randint(10_000_000, 99_999_999))


def _procedure(
    ask: str, right: Callable[[Scene, str], Script], skip: int, rates: tuple[float, float]
) -> Callable[[Scene], Part]:
    """Half of the sessions go the right way; of the others half leave out step `skip`, half do anything."""

    def make(scene: Scene) -> Part:
        random = scene.random
        said = ask.format(thing=scene.thing, name=scene.name)
        script = right(scene, _mark(random))
        if random.random() < 0.5:
            success = random.random() < chance(rates[0], scene.model)
            if random.random() < 0.2:
                tool, args, _, _ = script[0]
                script = [(tool, args, "Service unavailable (503)", False), *script]
            return Part(said, script, success, "evidence" if success else "against", True)
        other = [*script[:skip], *script[skip + 1 :]] if random.random() < 0.5 else scene.noise
        return Part(said, other, random.random() < chance(rates[1], scene.model), "contrast")

    return make


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


def _release(scene: Scene, mark: str) -> Script:
    tag = f"v{int(mark[:2])}.{int(mark[2:4])}"
    return [
        sh(scene, "make check", "all checks passed"),
        sh(scene, f"git tag {tag}", ""),
        sh(scene, "git push origin --tags", f"* [new tag] {tag}"),
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
        sh(scene, "make validate-flags", "0 problems"),
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


def _publish(scene: Scene, flags: str, text: str, worked: bool) -> Script:
    return [sh(scene, f"npm publish{flags}", text, worked)]


def _insert(scene: Scene, text: str, worked: bool, **more: int) -> Script:
    args = {"command": "insert", "path": f"/srv/{module(scene)}", "insert_text": f"# {scene.name}", **more}
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


CLAIMS: tuple[Lesson, ...] = (
    Lesson(
        "check before tag",
        "procedure",
        "shell",
        "git push",
        _procedure(
            "Release the {thing} service, {name} waits for it",
            _release,
            0,
            (0.85, 0.3),
        ),
        (0.85, 0.3),
        (("pitfall", "git tag"), ("pitfall", "git push")),
    ),
    Lesson(
        "validate flags",
        "procedure",
        "file",
        "make validate-flags",
        _procedure(
            "Switch on the {thing} feature flag for {name}",
            _flag,
            2,
            (0.85, 0.25),
        ),
        (0.85, 0.25),
        (("pitfall", "Edit"),),
    ),
    Lesson(
        "look up, then hold",
        "procedure",
        "http",
        "http.put",
        _procedure(
            "Reserve one {thing} in the warehouse for {name}",
            _reserve,
            0,
            (0.8, 0.3),
        ),
        (0.8, 0.3),
        (("pitfall", "http.put"),),
    ),
    Lesson(
        "verify, then refund",
        "procedure",
        "function",
        "payments.refund",
        _procedure(
            "Refund the {thing} that {name} sent back",
            _refund,
            1,
            (0.85, 0.2),
        ),
        (0.85, 0.2),
        (("pitfall", "payments.refund"),),
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
        (("procedure", "npm publish"),),
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
        (("procedure", "str_replace_based_edit_tool"),),
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
        (("procedure", "http.post"),),
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
        (("procedure", "parcels.redirect"),),
    ),
)
