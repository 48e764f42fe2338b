"""What says the same as another skill, however the lines of either are wrapped."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from gate_world import World, bash, proposal
from msgspec.structs import replace

from skillclaw.evolve.evolvers import Current
from skillclaw.gate import checks
from skillclaw.skills.bundle import version
from skillclaw.skills.frontmatter import Head, render
from skillclaw.skills.records import Bundle, File, Proposal, Retired, Verdict


def made(name: str, body: str) -> Proposal:
    """A proposal of a skill with this body."""
    world = World()
    refs = world.many(["ana", "ben"], "install it", [bash("pnpm install")])
    text = f"{render(Head(name=name, description='How packages are installed.'))}\n# Packages\n\n{body}"
    bundle = Bundle(name=name, files=[File(path="SKILL.md", data=text.encode())])
    return replace(proposal([("Facts", "fact", "Run `pnpm install`.", refs)], name=name), bundle=bundle)


def judged(one: Proposal, there: Proposal, *, merged: bool = False) -> Verdict:
    """The verdict on `one` where the other is there; `merged`: where it takes the other in."""
    assert there.bundle is not None and there.sidecar is not None
    current = Current(bundle=there.bundle, sidecar=there.sidecar, version=version(there.bundle))
    if merged:
        one = replace(one, retires=[Retired(skill=there.skill, version=current.version)])
    (check,) = [check for check in checks() if check.name == "duplicate"]
    (said,) = check.check(one, World().context(current={there.skill: current}))
    return said


FLAT = "- In this repository do not use `npm install`; use `pnpm install`.\n"
REVERSE = "- In this repository do not use `pnpm install`; use `npm install`.\n"


def wrapped(line: str, end: str = "\n") -> str:
    return line.replace("do not use", f"do not{end}  use")


def paragraph(line: str) -> str:
    return line.removeprefix("- ").replace("do not use", "do not\nuse")


def quoted(line: str) -> str:
    return "> " + line.removeprefix("- ").replace("do not use", "do not\n> use")


@pytest.mark.parametrize(
    "body", [wrapped(FLAT), wrapped(FLAT, "\r\n"), paragraph(FLAT), quoted(FLAT)], ids=repr
)
def test_where_a_line_is_wrapped_makes_no_other_skill_of_it(body: str) -> None:
    for one, other in ((FLAT, body), (body, FLAT)):
        assert judged(made("new", one), made("old", other)).verdict == "reject"


@pytest.mark.parametrize("shape", [wrapped, paragraph, quoted])
def test_the_reverse_is_no_duplicate_where_the_line_is_wrapped(shape: Callable[[str], str]) -> None:
    assert judged(made("new", shape(FLAT)), made("old", shape(REVERSE))).verdict == "pass"


@pytest.mark.parametrize("shape", [wrapped, paragraph])
def test_a_merge_says_what_a_wrapped_line_says(shape: Callable[[str], str]) -> None:
    more = shape(FLAT) + "\nRun `make lint` at the end.\n"
    assert judged(made("new", more), made("old", FLAT), merged=True).verdict == "pass"
    assert judged(made("new", more), made("old", REVERSE), merged=True).verdict == "reject"


@pytest.mark.parametrize(
    "below",
    [
        "    - `make lint` checks it",
        "    * `make lint` checks it",
        "\n`make lint` checks it",
        "## `make lint` checks it",
        "```sh\nmake lint # checks it\n```",
        "| `make lint` | checks it |",
    ],
)
def test_what_is_refused_ends_where_something_else_begins(below: str) -> None:
    said = judged(
        made("new", f"Use `pnpm install`, not `npm install`\n{below}\n"),
        made("old", "- `make lint` checks it\n- Use `pnpm install`, not `npm install`\n"),
    )
    assert said.verdict == "reject", said
