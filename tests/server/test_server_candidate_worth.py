"""What speaks for offering a skill that an agent wrote by itself, beside the skills that are there."""

from __future__ import annotations

from skillclaw.server.skills.uses import UseCount, Uses
from skillclaw.server.skills.worth import worth_of
from skillclaw.skills.frontmatter import Head, render
from skillclaw.skills.records import Bundle, File

USED = Uses(read=UseCount(sessions=3, success=2, unknown=1), users=2)


def skill(name: str, description: str, *lines: str) -> Bundle:
    body = "".join(f"- {line}\n" for line in lines)
    text = f"{render(Head(name=name, description=description))}\n# {name}\n\n{body}"
    return Bundle(name=name, files=[File(path="SKILL.md", data=text.encode())])


MINE = skill(
    "npm-tests", "Test an npm project after a fresh clone.", "Run `npm ci` first.", "Then `npm test`."
)
NEAR = skill("npm-work", "Publish an npm package.", "Run `npm ci` first.", "Then `npm publish --tag next`.")
FAR = skill("garden", "Water the roses.", "Use `hose on` at dawn.")


def test_one_that_sessions_used_and_nothing_says_already_is_worth_offering() -> None:
    found = worth_of(MINE, USED, {"garden": FAR})
    assert (found.verdict, found.like) == ("offer", [])
    assert "3 sessions (2 success, 1 unknown)" in found.reason


def test_what_is_near_is_named_and_what_says_the_same_makes_it_a_duplicate() -> None:
    found = worth_of(MINE, USED, {"garden": FAR, "npm-work": NEAR})
    assert found.verdict == "offer"
    assert [one.skill for one in found.like] == ["npm-work"]
    assert "npm-work is near" in found.reason
    same = skill("node-tests", "Something else.", "Run `npm ci` first.", "Then `npm test`.", "And more.")
    again = worth_of(MINE, USED, {"node-tests": same, "npm-work": NEAR})
    assert again.verdict == "duplicate"
    assert "node-tests says the same already" in again.reason


def test_one_that_nobody_used_or_that_failed_is_left() -> None:
    assert worth_of(MINE, Uses(), {}).verdict == "leave"
    failed = Uses(invoked=UseCount(sessions=4, success=1, failure=3), users=1)
    found = worth_of(MINE, failed, {})
    assert (found.verdict, "3 failure" in found.reason) == ("leave", True)
