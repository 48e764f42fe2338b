"""What users want done before something else: the skill is about that, and shown when it is at hand."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from learned import learn
from turns import session

from skillclaw.skills.items import markdown
from skillclaw.trajectory.model import Trajectory, meta, with_meta

ASKED = (
    "Fix the typo in the README of part {n} and commit it.",
    "Rename the helper of module {n} and commit that.",
    "Bump the version to 2.{n} and commit.",
)


def ran(command: str) -> Any:
    return ("bash", {"command": command}, "ok", True)


def told(number: int, said: str, *then: str) -> Trajectory:
    """The agent commits, is put right, and does as the user said."""
    one = session(
        ASKED[number % 3].format(n=number),
        ran(f"sed -i s/a/b{number}/ f{number}.py"),
        ran(f"git commit -am 'Change {number}'"),
        ("say", "Done."),
        said,
        *map(ran, then),
        ("say", "Done."),
        "Thanks!",
    )
    return with_meta(one, msgspec.structs.replace(meta(one), user="abc"[number % 3], key=f"told{number}"))


SAID = (
    "You have to run `make lint` before you commit.",
    "Run make lint before every commit.",
    "Always run make lint before committing.",
)


def skill(*said: str) -> str:
    given = [told(n, said[n % len(said)], "make lint", "git commit --amend --no-edit") for n in range(6)]
    (made,) = learn(given).bundles.values()
    return markdown(made)["SKILL.md"]


@pytest.mark.parametrize("said", [SAID, SAID[:1], SAID[1:2], SAID[2:]], ids=["all", "0", "1", "2"])
def test_the_rule_names_both_calls_and_is_about_the_later_one(said: tuple[str, ...]) -> None:
    text = skill(*said)
    assert "- Always run `make lint` before `git commit`." in text
    assert "name: git-know-how" in text
    assert "Use when you are about to run git commit." in text


def test_what_is_to_come_first_comes_before_what_the_agent_had_just_done() -> None:
    text = skill("You must always run `make lint` first.")
    assert "- Always run `make lint` before `git commit`." in text


def test_where_nobody_named_another_call_of_the_program_the_rule_speaks_of_none() -> None:
    given = [told(n, "No, `make lint` first.", "make lint") for n in range(6)]
    (proposal,) = learn(given).proposals
    assert proposal.bundle is not None
    text = markdown(proposal.bundle)["SKILL.md"]
    assert "- Always run `make lint`." in text
    assert "other calls" not in text


def test_a_call_with_an_option_is_a_call_too() -> None:
    then = ("uv run pytest -q", "git commit --amend --no-edit")
    given = [told(n, "Before committing, run `uv run pytest -q`.", *then) for n in range(6)]
    (made,) = learn(given).bundles.values()
    assert "- Always run `uv run pytest -q` before `git commit`." in markdown(made)["SKILL.md"]
