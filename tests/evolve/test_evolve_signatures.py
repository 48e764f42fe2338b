"""What a voting job tells of a pattern: shapes, in words that the proposal itself publishes."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from made_sessions import made, sh
from npm_house import house, pattern, refs

from skillclaw.evolve.signatures import matching, signatures_of, with_patterns
from skillclaw.journal.redact import Redactor
from skillclaw.skills.records import ActionShape, ArgShape, Bundle, File, Intent, Pattern, Proposal
from skillclaw.trajectory.model import SessionMeta

REDACTOR = Redactor(b"k" * 32, home=Path("/home/tester"), user_names=())
TEXT = "---\nname: npm\ndescription: Tests of the shop.\n---\n\n- If `npm test` fails, run `CI=1 npm test`.\n"


def proposal(text: str = TEXT) -> Proposal:
    bundle = Bundle(name="npm", files=[File(path="SKILL.md", data=text.encode())])
    return Proposal(
        id="p", action="create", skill="npm", base=None, engine="extractive", why="", bundle=bundle
    )


def test_a_signature_has_the_shapes_and_nothing_of_a_session() -> None:
    known = pattern(house(), error="Error: no such service Zanzibar")
    (found,) = signatures_of(proposal(), [known], REDACTOR)
    assert found.failed == ActionShape(tool="Bash", command="npm test")
    assert found.actions == [ActionShape(tool="Bash", command="CI=1 npm test")]
    assert "Zanzibar" not in found.error and "service" not in found.error
    assert (found.terms, found.topic) == ([], "npm")


def test_what_would_tell_too_little_is_none() -> None:
    text = TEXT.replace("npm", "the tool")
    assert signatures_of(proposal(text), [pattern(house())], REDACTOR) == []
    procedure = Pattern(id="x", kind="procedure", title="", topic="", signature="")
    assert signatures_of(proposal(), [procedure], REDACTOR) == []


WORDS = st.text(st.characters(categories=("Ll", "Lu", "Nd", "Po")), min_size=1, max_size=12)
PARTS = st.lists(
    st.one_of(WORDS, st.sampled_from(["npm", "test", "CI=1", "&&", "<path>", "shop"])), max_size=6
)


@given(PARTS, PARTS, PARTS, WORDS)
def test_every_word_of_a_signature_is_one_of_the_proposals_own(
    failed: list[str], error: list[str], terms: list[str], value: str
) -> None:
    known = Pattern(
        id="x",
        kind="recovery",
        title="t",
        topic=value,
        signature="s",
        intent=Intent(label=" ".join(terms), terms=terms, examples=[value]),
        failed=ActionShape(tool="Bash", command=" ".join(failed), example=" ".join(failed)),
        error=" ".join(error),
        actions=[ActionShape(tool=value, args=[ArgShape(name=value, constant=f'"{value}"')], example=value)],
        user_text=[value],
        evidence=refs(house()),
    )
    for one in signatures_of(proposal(), [known], REDACTOR):
        shapes = [shape for shape in (one.failed, *one.actions) if shape is not None]
        said = [one.error, one.topic, *one.terms, *(shape.command or shape.tool for shape in shapes)]
        said += [part for shape in shapes for arg in shape.args for part in (arg.name, arg.constant or "")]
        assert all(not shape.example for shape in shapes)
        for word in " ".join(said).split():
            bare = word.strip('"')
            assert bare.lower() in TEXT.lower() or re.fullmatch(r"<[^<>\s]*>|&&", bare), word


def test_ones_own_sessions_of_that_kind_are_found_and_no_others() -> None:
    (sign,) = signatures_of(proposal(), [pattern(house())], REDACTOR)
    own = house(4)
    other = made(
        "Please list the files",
        sh("ls nothere", "ls: cannot access 'nothere': No such file or directory", 2),
        sh("ls", "a b"),
        meta=SessionMeta(key="o", user="ana", source="history", outcome="success"),
    )
    found = matching([sign], [other, *own.values()], limit=3)
    assert [match.session for match in found] == list(own.values())[:3]
    given_ = with_patterns(proposal(), [sign], found)
    (one,) = given_.patterns
    assert [ref.session for ref in one.evidence] == ["s0", "s1", "s2"]
    assert {ref.user for ref in one.evidence} == {"ana", "ben", "cleo"}
    assert one.error == "Error: no such service", "what its own sessions met, which the job does not tell"
    assert matching([sign], [other], limit=3) == []
