"""What a planted lesson is; the lessons themselves are in `planted_repairs` and `planted_claims`.

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

__all__ = ["MODELS", "Lesson", "Part", "Role", "Scene", "Way", "chance", "module", "number", "says", "sh"]

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
    faces     kind and mark of other true patterns that the same sessions give: the right way out of a pitfall
              is a procedure, and to leave out a step of a procedure is a pitfall
    """

    name: str
    kind: PatternKind
    via: Literal["shell", "file", "http", "function"]
    mark: str
    make: Callable[[Scene], Part]
    rates: tuple[float, float] | None = None
    faces: tuple[tuple[PatternKind, str], ...] = ()


def says(pattern: Pattern, kind: PatternKind, mark: str) -> bool:
    """Whether the pattern is of this kind and about this action."""
    if pattern.kind != kind:
        return False
    shape = pattern.failed if kind == "pitfall" else pattern.actions[-1] if pattern.actions else None
    if shape is None:
        return False
    return shape.tool == mark if shape.command is None else f"{shape.command} ".startswith(f"{mark} ")


Way = Callable[[Scene], Script]


def sh(scene: Scene, command: str, text: str, worked: bool = True) -> tuple[str, dict[str, Any], str, bool]:
    """A shell call, as the agent of the scene makes it."""
    if scene.agent == "codex":
        return "exec_command", {"cmd": command}, text, worked
    return "Bash", {"command": command}, text, worked


def module(scene: Scene) -> str:
    """A file that the session is about."""
    return f"src/{scene.thing}/{scene.name.lower()}.py"


def number(scene: Scene) -> int:
    """A number that is the same wherever the session names it."""
    return 100 + sum(map(ord, scene.thing + scene.name)) % 800
