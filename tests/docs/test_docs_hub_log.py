"""docs/hub-log.md lists every kind of commit as the code has it."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from skillclaw.hub import kinds, membership, messages
from skillclaw.hub.rules import ROLES, apply

TEXT = (Path(__file__).parents[2] / "docs" / "hub-log.md").read_text("utf-8")


def table(heading: str) -> dict[str, list[str]]:
    """The rows of the first table below a heading, by the name in their first cell."""
    part = TEXT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [
        re.split(r"(?<!\\)\|", line.strip().strip("|"))
        for line in part.splitlines()
        if line.startswith("| `")
    ]
    return {row[0].strip().strip("`"): [cell.strip() for cell in row[1:]] for row in rows}


KINDS = table("Kinds")


def test_every_kind_has_a_rule_a_body_and_a_row() -> None:
    assert set(KINDS) == set(ROLES) == set(kinds.BODIES)
    assert set(membership.RULES) <= set(ROLES)
    assert apply.__doc__


def test_who_may_sign() -> None:
    for kind, (who, *_) in KINDS.items():
        roles = ("owner", "reviewer") if who == "people" else tuple(one.strip() for one in who.split(","))
        assert set(roles) == set(ROLES[kind]), kind


def test_the_fields() -> None:
    for kind, (_, body, *_) in KINDS.items():
        own = re.findall(r"`([a-z]+)`:", body) if kind == "settings" else ()  # any other key may stand there
        told = set(own or re.findall(r"`([a-z]+)`", body.split(";")[0]))
        assert told == {field.encode_name for field in msgspec.structs.fields(kinds.BODIES[kind])}, kind


def test_precondition_and_effect_are_told() -> None:
    for kind, (_, _, precondition, effect) in KINDS.items():
        assert effect, kind
        assert precondition or kind in ("settings", "pin"), kind


def test_every_kind_of_message_has_a_row_and_a_limit() -> None:
    assert set(table("Inbox")) == set(messages.KINDS)
    assert (
        f"at most {messages.MAX_MESSAGE // 1024} KiB, with a proposal {messages.MAX_PROPOSAL // 2**20} MiB"
        in TEXT
    )


def test_what_is_signed_for_others() -> None:
    for kind in ("join", "leave", "rotate", "proposal", "vote", "tombstone"):
        assert re.search(rf"`{kind}`:\n?\s*`", TEXT), kind


def test_the_fields_of_format_2_are_told_once_more() -> None:
    (told,) = re.findall(r"Format 2 has, beyond format 1:(.*?)\. So", TEXT, re.DOTALL)
    found = {
        kind: set(re.findall(r"`([a-z]+)`", fields))
        for fields, kind in re.findall(
            r"([^;]*?) of\s+`([a-z]+)`(?:;|$)", told.replace(" and `rollback`", "")
        )
    }
    assert "Format 3 has `returns` of `rollback`, format 4 `stays` of `rollback` and `archive`," in TEXT
    assert "format 5 `stays` of `revoke`." in TEXT
    later = [(kind, name) for kind, fields in kinds.LATER.items() for name in fields if fields[name] > 2]
    assert later == [
        ("rollback", "returns"),
        ("rollback", "stays"),
        ("archive", "stays"),
        ("revoke", "stays"),
    ]
    wanted = {kind: {name for name in fields if fields[name] == 2} for kind, fields in kinds.LATER.items()}
    wanted = {kind: names for kind, names in wanted.items() if names}
    assert wanted.pop("rollback") == wanted["promote"] == found["promote"]
    assert found == wanted
