"""The held-out half of the corpus: labelled cases and clean lines, written without sight of the rules.

The material is data: kinds with their value templates and own surroundings (`secrets.yaml`,
`personal.yaml`), surroundings shared by kinds (`contexts.yaml`) and clean lines (`clean.yaml`), all in the
folder `held_out`. Each surrounding belongs to one half; docs/redaction.md tells which parts' misses have been
looked at. `final` and the others were written later, each by somebody who saw neither the rules nor the other
parts' results, in files of their own (`final_*.yaml`, ...); there kinds have weights. The same seed gives the
same cases on every machine.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any, Literal

import msgspec
import yaml

from skillclaw.bench.redaction import makers_ids, makers_keys, makers_people, makers_text
from skillclaw.bench.redaction.carriers import CARRIERS, carry
from skillclaw.bench.redaction.cases import Case, Group, Half, Maker, expand, lines_of
from skillclaw.trajectory.model import Record

__all__ = ["LATER", "MAKERS", "Entry", "cases", "clean_lines", "contexts", "entries"]

LATER: tuple[Half, ...] = ("final", "fourth", "fifth", "sixth")
"""The parts that have files and kinds of their own."""

MAKERS: dict[str, Maker] = {
    **makers_text.MAKERS,
    **makers_keys.MAKERS,
    **makers_ids.MAKERS,
    **makers_people.MAKERS,
}
FAMILIES = {
    "known": ("env", "config", "header", "code", "prose", "bare"),
    "keyed": ("env", "config", "header", "code", "prose"),
    "setting": ("env", "config", "code", "prose"),
    "own": (),
}
"""Which shared surroundings `families` of an entry stands for; other names are those of contexts.yaml."""

PER_KIND: dict[Group, int] = {"secret": 28, "personal": 40}  # cases of each kind in a half
LATER_PER_KIND: dict[Group, int] = {"secret": 20, "personal": 28}  # in a later part, for each weight
CLEAN = 5400  # lines of a half
TRIES = 50
BOUND = ("noun", "first", "last", "host", "private_ip", "version")
"""Makers that give the same all through one text: it speaks of one service, one person, one machine."""


class Entry(Record, frozen=True, kw_only=True):
    """A kind: where its form is documented, its value templates, and where it stands.

    `name`, `what`, `url`, `path`, `label` and `column` fill the placeholders of those names in the shared
    surroundings: a variable, what a person says, an address that holds the value, a file, a number's name on
    a form and in a table. `only: test` keeps a kind out of the first half. `weight` is how often a kind of
    a later part comes, as against the others.
    """

    kind: str
    source: str
    values: list[str]
    families: str
    name: str = ""
    what: str = ""
    url: str = ""
    path: str = ""
    label: str = ""
    column: str = ""
    only: Literal["test"] | None = None
    validation: list[str] = []
    test: list[str] = []
    final: list[str] = []
    fourth: list[str] = []
    fifth: list[str] = []
    sixth: list[str] = []
    weight: int = 1


@cache
def _data(name: str) -> Any:
    folder = files("skillclaw.bench.redaction").joinpath("held_out")
    return yaml.safe_load(folder.joinpath(name).read_text(encoding="utf-8"))


def _part(name: str, half: Half) -> Any:
    return _data(f"{half}_{name}.yaml" if half in LATER else f"{name}.yaml")


def entries(group: Group, half: Half = "test") -> list[Entry]:
    """The kinds of a group, in the order of the file; a later part has kinds of its own."""
    return msgspec.convert(_part("secrets" if group == "secret" else "personal", half), list[Entry])


def contexts(entry: Entry, half: Half) -> list[str]:
    """All surroundings of a kind in a half, its own first; none if the kind is kept out of that half."""
    if entry.only and entry.only != half:
        return []
    shared = _part("contexts", half)
    families = FAMILIES.get(entry.families, (entry.families,))
    own: list[str] = getattr(entry, half)
    return [*own, *(text for family in families for text in shared[family][half])]


def _spellings(entry: Entry) -> dict[str, str]:
    """What the placeholders of a shared surrounding stand for."""
    upper = entry.name or "SERVICE_VALUE"
    words = upper.lower().split("_")
    return {
        "NAME": upper,
        "name": "_".join(words),
        "kebab": "-".join(words),
        "camel": words[0] + "".join(word.title() for word in words[1:]),
        "what": entry.what or " ".join(words),
        "path": entry.path,
        "label": entry.label,
        "column": entry.column,
    }


SHAPES: dict[str, Callable[[str], str]] = {
    "": lambda value: value,
    "json": lambda value: json.dumps(value)[1:-1],
    "plus": lambda value: "\n".join("+" + line for line in value.split("\n")),
}
"""How `{value:shape}` writes a value."""


def _fill(entry: Entry, half: Half, context: str, rng: Random) -> tuple[str, tuple[str, ...]] | None:
    """A context filled in, and the values in it; None if chance put a value somewhere else too."""
    kinds = {other.kind: other for other in entries("secret", half)} if "{also:" in context else {}
    spellings = _spellings(entry)
    value = expand(rng.choice(entry.values), lambda name, argument: MAKERS[name](rng, argument))
    secrets: list[str] = []
    inserted: list[str] = []
    bound: dict[str, str] = {}

    def draw(name: str, argument: str) -> str:
        if name == "value":
            inserted.append(SHAPES[argument](value))
            secrets.extend(lines_of(value) if "\n" in value else (inserted[-1],))
            return inserted[-1]
        if name == "also":
            template = rng.choice(kinds[argument].values)
            inserted.append(expand(template, lambda maker, size: MAKERS[maker](rng, size)))
            secrets.extend(lines_of(inserted[-1]))
            return inserted[-1]
        if name == "url":
            return expand(entry.url, draw)
        if name in spellings:
            return spellings[name]
        drawn = bound.get(name) or MAKERS[name](rng, argument)
        if name in BOUND:
            bound[name] = drawn
        return drawn

    text = expand(context, draw)
    values = tuple(dict.fromkeys(secrets))
    if any(text.count(one) != sum(piece.count(one) for piece in inserted) for one in values):
        return None
    return text, values


def _carrier_order(rng: Random, turn: int) -> list[str]:
    """Carriers to try: every third case is plain, and very long lines are rare, for they are slow."""
    if turn % 3 == 0:
        return ["plain"]
    others = [name for name in CARRIERS if name not in ("plain", "long_line")]
    rng.shuffle(others)
    return [*(["long_line"] if rng.random() < 0.006 else []), *others, "plain"]


def _case(entry: Entry, group: Group, half: Half, context: str, turn: int, rng: Random) -> Case:
    for _ in range(TRIES):
        filled = _fill(entry, half, context, rng)
        if filled is None:
            continue
        for carrier in _carrier_order(rng, turn):
            carried = carry(carrier, *filled, rng, half)
            if carried is not None:
                text, values = carried
                return Case(kind=entry.kind, group=group, carrier=carrier, text=text, values=values)
    raise ValueError(f"{entry.kind}: a value stands in its own surroundings: {context[:60]!r}")


def _turns(pool: list[str], count: int, rng: Random) -> list[str]:
    """So many surroundings, all before any comes again, each round in a new order.

    With one order for all rounds the plain cases of some kinds would stand in a third of the surroundings.
    """
    turns: list[str] = []
    while len(turns) < count:
        turns += rng.sample(pool, len(pool))
    return turns[:count]


def cases(half: Half, seed: int) -> list[Case]:
    """At least 3,000 labelled cases of a half, every kind in every one of its surroundings in turn."""
    made: list[Case] = []
    groups: tuple[Group, ...] = ("secret", "personal")
    for group in groups:
        for entry in entries(group, half):
            pool = contexts(entry, half)
            if not pool:
                continue
            rng = Random(f"{half} {seed} {entry.kind}")  # noqa: S311 - material for a measurement
            if half in LATER:
                turns = _turns(pool, LATER_PER_KIND[group] * entry.weight, rng)
            else:
                rng.shuffle(pool)
                turns = [pool[turn % len(pool)] for turn in range(max(PER_KIND[group], len(pool)))]
            made += [_case(entry, group, half, text, turn, rng) for turn, text in enumerate(turns)]
    return made


def clean_lines(half: Half, seed: int) -> list[str]:
    """At least 5,000 different lines of a half that hold nothing to hide, though much looks like it.

    A template without placeholders comes once. A tenth of the lines is a string of a JSON object.
    """
    rng = Random(f"clean {half} {seed}")  # noqa: S311 - material for a measurement
    templates: list[str] = list(_part("clean", half)[half])
    seen: dict[str, None] = {}
    while len(seen) < CLEAN and templates:
        kept: list[str] = []
        for template in templates:
            line = expand(template, lambda name, argument: MAKERS[name](rng, argument))
            if line in seen:
                continue  # nothing new to expect of it
            kept.append(template)
            seen[line] = None
        templates = kept
    lines = list(seen)
    return [
        json.dumps({"line": line}, ensure_ascii=False) if at % 10 == 9 else line
        for at, line in enumerate(lines)
    ]
