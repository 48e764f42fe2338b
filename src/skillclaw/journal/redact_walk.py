"""Every string of a trajectory through one function, wherever ATIF allows one.

Left as they are: what SkillClaw and ATIF made or compare by value: ids of sessions and trajectories, times,
roles, hashes of images, and the keys, ids and enumerations of `extra.skillclaw`. Names of agents, models and
tools and ids of calls go through a function of their own: they link what belongs together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from msgspec.structs import replace

from skillclaw.journal.personal import is_card
from skillclaw.journal.redact_judge import name_kind
from skillclaw.trajectory.model import (
    EXTRA_KEY,
    Agent,
    Observation,
    Part,
    Result,
    Step,
    SubagentRef,
    ToolCall,
    Trajectory,
)

__all__ = ["is_word", "walk"]

Mask = Callable[[str], str]
Named = Callable[[str, str], str | None] | None
"""(name of a key, its value) -> the value masked, or None when the name doesn't say that it is a secret."""

_OWN = frozenset(
    (
        *("v", "key", "revision", "source", "user", "client", "outcome", "reward", "confidence", "kind"),
        *("injected", "taint", "version", "hub", "masked", "skills"),
    )
)
"""Keys of `extra.skillclaw` whose values are ids, enumerations, numbers or our own records."""
_LABELS = ("name", "key", "id", "selector", "field", "label", "element", "locator", "target")
"""What names the value beside it: a variable's name, a field of a form, what a browser's tool types into."""
_VALUES = frozenset(("value", "values", "text", "input", "content", "data", "default", "plain", "raw"))
_FIELD = re.compile(r"(?i)\W*\b(?:text ?box|text ?area|input|field|box|element)?\W*\Z")
_COMMANDS = frozenset(("command", "args", "argv", "cmd", "entrypoint", "arguments"))
_PERSONAL = re.compile(
    r"(?i)phone|mobil|cell|fax|tel(?:ephone)?\b|ssn|social|passport|tax|national|手机|电话|身份证"
)
_WORD = re.compile(r"[\w.:/|+-]{1,200}")
_T = TypeVar("_T")


def walk(trajectory: Trajectory, mask: Mask, link: Mask, named: Named) -> Trajectory:
    """The trajectory with `mask` over each string, `link` over each name and id of a call (the same for the
    same), and `named` over each value that a key names."""
    return _Walk(mask, link, named).trajectory(trajectory)


def is_word(link: str) -> bool:
    """Whether a name or an id of a call is what such are made of, and no text that somebody put there."""
    return _WORD.fullmatch(link) is not None


class _Walk:
    def __init__(self, mask: Mask, link: Mask, named: Named) -> None:
        self.mask = mask
        self.link = link
        self.named = named

    def trajectory(self, given: Trajectory) -> Trajectory:
        return replace(
            given,
            agent=self.agent(given.agent),
            steps=[self.step(step) for step in given.steps],
            notes=self.optional(given.notes),
            continued_trajectory_ref=self.optional(given.continued_trajectory_ref),
            final_metrics=self.with_extra(given.final_metrics),
            extra=self.extras(given.extra),
            subagent_trajectories=_each(given.subagent_trajectories, self.trajectory),
        )

    def agent(self, given: Agent) -> Agent:
        return replace(
            given,
            name=self.link(given.name),
            version=self.link(given.version),
            model_name=self.linked(given.model_name),
            tool_definitions=self.value(given.tool_definitions),
            extra=self.extras(given.extra),
        )

    def step(self, given: Step) -> Step:
        return replace(
            given,
            message=self.content(given.message),
            model_name=self.linked(given.model_name),
            reasoning_content=self.optional(given.reasoning_content),
            tool_calls=_each(given.tool_calls, self.call),
            observation=given.observation
            and Observation(results=[self.result(r) for r in given.observation.results]),
            metrics=self.with_extra(given.metrics),
            extra=self.extras(given.extra),
        )

    def call(self, given: ToolCall) -> ToolCall:
        return replace(
            given,
            tool_call_id=self.link(given.tool_call_id),
            function_name=self.link(given.function_name),
            arguments=self.mapping(given.arguments),
            extra=self.extras(given.extra),
        )

    def result(self, given: Result) -> Result:
        return replace(
            given,
            source_call_id=self.linked(given.source_call_id),
            content=None if given.content is None else self.content(given.content),
            subagent_trajectory_ref=_each(given.subagent_trajectory_ref, self.subagent),
            extra=self.extras(given.extra),
        )

    def subagent(self, given: SubagentRef) -> SubagentRef:
        return replace(
            given, trajectory_path=self.optional(given.trajectory_path), extra=self.extras(given.extra)
        )

    def content(self, given: str | list[Part]) -> Any:
        if isinstance(given, str):
            return self.mask(given)
        return [replace(part, text=self.optional(part.text), source=self.source(part)) for part in given]

    def source(self, part: Part) -> Any:
        if part.source is None or part.source.path.startswith("sha256:"):
            return part.source
        return replace(part.source, path=self.mask(part.source.path))

    def linked(self, given: str | None) -> str | None:
        return None if given is None else self.link(given)

    def optional(self, given: str | None) -> str | None:
        return None if given is None else self.mask(given)

    def with_extra(self, given: _T) -> _T:
        extra = getattr(given, "extra", None)
        return given if extra is None else replace(given, extra=self.extras(extra))  # type: ignore[type-var]

    def extras(self, given: dict[str, Any] | None) -> dict[str, Any] | None:
        if not given:
            return given
        own = given.get(EXTRA_KEY)
        masked = self.mapping({name: value for name, value in given.items() if name != EXTRA_KEY})
        if isinstance(own, dict):
            masked[EXTRA_KEY] = self.own(own)
        elif EXTRA_KEY in given:
            masked[EXTRA_KEY] = self.value(own)
        return masked

    def own(self, given: dict[str, Any]) -> dict[str, Any]:
        """`extra.skillclaw`: the keys are ours, so only values are masked, and those not that we compare."""
        done: dict[str, Any] = {}
        for name, value in given.items():
            if name in _OWN:
                done[name] = value
            elif name == "signals" and isinstance(value, list):
                done[name] = [
                    {**signal, "source": self.mask(signal["source"])}
                    if isinstance(signal, dict) and isinstance(signal.get("source"), str)
                    else signal
                    for signal in value
                ]
            else:
                done[name] = self.value(value, name)
        return done

    def value(self, given: Any, name: str = "") -> Any:
        """Any JSON value; `name` is the key that holds it."""
        if isinstance(given, str):
            if name and self.named is not None and (masked := self.named(name, given)) is not None:
                return masked
            return self.mask(given)
        if isinstance(given, dict):
            return self.mapping(given, name)
        if isinstance(given, list):
            return self.items(given, name)
        if isinstance(given, int) and not isinstance(given, bool):
            return self.number(given, name)
        return given

    def number(self, given: int, name: str) -> Any:
        """A number is kept as one, unless it is a card's or stands under a secret's name."""
        if name and self.named is not None and abs(given) >= 1000:
            masked = self.named(name, str(given))
            if masked is not None:
                return masked
        if given >= 10**6 and _PERSONAL.search(name):
            said = f"{name}: {given}"
            masked = self.mask(said)
            if masked != said and masked.startswith(f"{name}: "):
                return masked[len(name) + 2 :]
        return self.mask(str(given)) if given >= 10**12 and is_card(str(given)) else given

    def mapping(self, given: dict[str, Any], within: str = "") -> dict[str, Any]:
        """`within`: the key that holds the mapping."""
        done: dict[str, Any] = {}
        label = self.label(given, within)
        for name, value in given.items():
            # `{"name": "DB_PASSWORD", "value": "..."}`, as containers and CI systems write variables
            holder = label if label and name in _VALUES else name
            masked, number = self.mask(name), 2
            unique = masked
            while unique in done:  # two paths that became the same `~/...`
                unique, number = f"{masked}#{number}", number + 1
            done[unique] = self.value(value, holder)
        return done

    def label(self, given: dict[str, Any], within: str) -> str:
        """What the values of a mapping are called by what stands beside them, when that says secret."""
        if _VALUES.isdisjoint(given):
            return ""
        for name in (*(given.get(key) for key in _LABELS), within):
            if isinstance(name, str) and 0 < len(name) <= 100:
                bare = _FIELD.sub("", name)
                if name_kind(bare) is not None:
                    return bare
        return ""

    def command(self, given: list[Any]) -> list[Any]:
        """The words of a command masked as they stand together: `["mysql", "-uroot", "-p..."]`."""
        if not 2 <= len(given) <= 64 or not all(isinstance(item, str) for item in given):
            return given
        line = " ".join(given)
        if len(line) > 4000 or "\n" in line:
            return given
        words = self.mask(line).split(" ")
        if len(words) != line.count(" ") + 1:
            return given
        done: list[Any] = []
        for item in given:
            count = item.count(" ") + 1
            done.append(" ".join(words[:count]))
            words = words[count:]
        return done

    def items(self, given: list[Any], name: str) -> list[Any]:
        done: list[Any] = []
        if name.lower() in _COMMANDS:
            given = self.command(given)
        for index, item in enumerate(given):
            flag = given[index - 1] if index else ""
            if isinstance(item, str) and isinstance(flag, str) and flag.startswith("--"):
                masked = self.value(item, flag.lstrip("-"))  # an argument list: ["--token", "..."]
                done.append(self.value(item, name) if masked == item else masked)
            else:
                done.append(self.value(item, name))
        return done


def _each(given: list[_T] | None, change: Callable[[_T], _T]) -> list[_T] | None:
    return None if given is None else [change(item) for item in given]
