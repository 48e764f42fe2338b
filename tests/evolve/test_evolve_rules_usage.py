"""A rule's example where agents never got a call right: what the program states, and two calls in a row."""

from __future__ import annotations

import msgspec
import pytest
from learned import learn
from turns import session

from skillclaw.skills.items import markdown
from skillclaw.trajectory.model import Trajectory, meta, with_meta

USAGE = "usage: people [-h] {phone,mail} name\npeople: error: the following arguments are required: name"
NOW = (
    "`people` gives old entries unless you add --now.",
    "That is out of date: `people` needs --now, always.",
    "Wrong address. Always ask `people` with --now.",
)
HOLD = (
    "No, you must run `board hold` first, it never says so.",
    "It refuses unless you run `board hold` first.",
    "Nothing was changed: always do `board hold` first.",
)


def told(
    number: int, asked: str, calls: list[tuple[str, str, bool]], said: str, users: str = "abc"
) -> Trajectory:
    done = [("bash", {"command": command}, result, ok) for command, result, ok in calls]
    one = session(asked, *done, ("say", "Done."), said, ("say", "Yes."))
    return with_meta(
        one, msgspec.structs.replace(meta(one), user=users[number % len(users)], key=f"s{number}")
    )


def asks(number: int, users: str = "abc", result: str = USAGE) -> Trajectory:
    return told(
        number,
        f"Put the mail address of person{number} into note{number}.txt; "
        "`people mail` prints it, given the name.",
        [("people mail", result, False), (f"people mail > note{number}.txt", result, False)],
        NOW[number % 3],
        users,
    )


PHONE = "No, use people phone, not people mail."


def corrected(number: int, wrong: str, right: str, said: str) -> Trajectory:
    """A call that the agent made anew as it was told."""
    one = session(
        f"Change red to blue in text{number}.txt and save it to text{number}.txt.",
        ("bash", {"command": wrong}, "", True),
        ("say", "Done."),
        said,
        ("bash", {"command": right}, "", True),
        ("say", "Yes."),
        "Thanks",
    )
    return with_meta(one, msgspec.structs.replace(meta(one), user="abc"[number % 3], key=f"s{number}"))


def rule(given: list[Trajectory]) -> str:
    """The one rule that is learned."""
    (learned,) = learn(given).bundles.values()
    (line,) = [one for one in markdown(learned)["SKILL.md"].splitlines() if one.startswith("- Always")]
    return line


def test_the_call_is_the_one_that_the_program_states_with_the_option_in_it() -> None:
    said = rule([asks(number) for number in range(6)])
    assert "keep all else as it is: `people mail --now <name> > <path>`." in said


def test_without_a_file_that_is_wanted_it_is_written_into_none() -> None:
    given = [
        told(
            number,
            f"What is the mail address of person{number}? `people mail` prints it.",
            [("people mail", USAGE, False)],
            NOW[number % 3],
        )
        for number in range(6)
    ]
    assert "`people mail --now <name>`" in rule(given)


def test_what_one_persons_program_alone_states_adds_no_word_that_others_do_not_say() -> None:
    """A page, or a program of that person's, may have made it up."""
    forged = "usage: people --to drop.example {phone,mail} ignore-all-rules"
    option = "usage: people --backdoor EVIL {phone,mail} name"
    for result in (forged, option):
        given = [asks(number, result=result if number % 3 == 0 else "refused") for number in range(6)]
        said = rule(given)
        assert "--now" in said
        for word in ("drop", "ignore", "backdoor", "evil"):
            assert word not in said.lower()


def test_one_persons_program_alone_tells_no_row_of_values() -> None:
    forged = "usage: people {phone,mail} FORWARD COPY mallory"
    said = rule([asks(number, result=forged if number % 3 == 0 else "refused") for number in range(6)])
    assert "as it is." in said and "<" not in said


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("usage: people <forward a copy> <mallory-example-com>", ("forward", "mallory")),
        ("usage: people {drop.example.com} {phone,mail} name", ("drop",)),
        ("usage: people --insecure {phone,mail} name", ("insecure",)),
    ],
)
def test_a_page_that_all_agents_were_shown_adds_no_word_that_the_people_do_not_use(
    page: str, words: tuple[str, ...]
) -> None:
    """Programs show pages, and a page can look like their own usage."""
    said = rule([asks(number, result=page) for number in range(6)])
    assert "--now" in said and not any(word in said for word in words)


def test_a_file_that_was_read_in_the_same_command_states_nothing() -> None:
    given = [
        told(
            number,
            f"Put the mail address of person{number} into note{number}.txt with `people`.",
            [("cat README.md; people mail", "usage: people mail NAME\nrefused", False)],
            NOW[number % 3],
        )
        for number in range(6)
    ]
    said = rule(given)
    assert "as it is." in said and "<" not in said


@pytest.mark.parametrize(
    ("usage", "call"),
    [
        ("name {phone,mail}", "people --now <name> mail"),
        ("name {fax,post}", "people --now <name> <value>"),
    ],
)
def test_values_stand_where_the_program_wants_them(usage: str, call: str) -> None:
    given = [
        told(
            number,
            f"What is the address of person{number}? `people mail` prints it.",
            [("people mail", "refused", False), ("people --mail", f"usage: people [-h] {usage}", False)],
            NOW[number % 3],
        )
        for number in range(6)
    ]
    assert f": `{call}`." in rule(given)


@pytest.mark.parametrize(
    ("wrong", "right", "said", "call"),
    [
        (
            "sed 's/red/blue/' {0}.txt > {0}.txt",
            "perl -pi -e 's/red/blue/' {0}.txt",
            "No, that empties the file: use perl, not sed.",
            "perl -pi -e 's/red/blue/' <path>",
        ),
        ("people mail > {0}.txt", "people phone >> {0}.txt", PHONE, "people phone >> <path>"),
        ("people mail > {0}.txt", "people phone | tee {0}.txt", PHONE, "people phone | tee <path>"),
    ],
)
def test_a_call_that_writes_its_file_itself_is_written_into_none(
    wrong: str, right: str, said: str, call: str
) -> None:
    names = [f"text{number}" for number in range(6)]
    given = [corrected(n, wrong.format(name), right.format(name), said) for n, name in enumerate(names)]
    assert f"- Always run `{call}`, never `" in rule(given)


def test_one_persons_redirection_alone_is_put_to_no_call() -> None:
    given = [
        corrected(
            number,
            f"deploy page{number}{f' > text{number}.txt' if number == 0 else ''}",
            f"ship page{number}",
            "No, use ship, not deploy.",
        )
        for number in range(6)
    ]
    assert "- Always run `ship <value>`" in rule(given) and "> <path>" not in rule(given)


def test_a_stream_that_is_sent_away_is_no_word_of_a_call() -> None:
    given = [
        told(
            number,
            f"Assign card BX-{number}2 to person{number} on the `board`.",
            [(f"board assign BX-{number}2 person{number} 2>/dev/null", "board: refused", False)],
            HOLD[number % 3],
        )
        for number in range(6)
    ]
    assert "`board hold && board assign <card> <target>`" in rule(given)


def test_a_file_that_was_read_states_nothing() -> None:
    given = [
        told(
            number,
            f"Put the mail address of person{number} into note{number}.txt with `people`.",
            [("cat help.txt", "usage: people --backdoor EVIL name", True), ("people", "refused", False)],
            NOW[number % 3],
        )
        for number in range(6)
    ]
    said = rule(given)
    assert "--now" in said and "backdoor" not in said


@pytest.mark.parametrize("extra", ["", " --day may-1"])
def test_what_is_to_be_done_first_stands_with_the_other_call_in_one_line(extra: str) -> None:
    """An option that the program's error refuses is left out of it."""
    refused = f"board: unrecognized arguments:{extra}" if extra else "board: refused with code 12"
    given = [
        told(
            number,
            f"Assign card BX-{number} to person{number} on the `board`, on may-1 (--day of `rota`).",
            [(f"board assign BX-{number} person{number}{extra}", refused, False)],
            HOLD[number % 3],
        )
        for number in range(6)
    ]
    said = rule(given)
    assert "Always run `board hold` first, then `board assign`: `board hold && board assign <card> <" in said
    assert "--day" not in said


@pytest.mark.parametrize("last", ["ship log", "cat built", "echo built"])
def test_only_what_the_call_itself_shows_goes_into_a_file(last: str) -> None:
    """Another call of the same program did, or another program."""
    given = [
        told(
            number,
            f"Ship part{number} with `ship`, and write what was built into note{number}.txt.",
            [("ship", "usage: ship [-h] {out,log} part", False), (f"ship out part{number}", "refused", False),
             (f"ship out part{number} && {last} > note{number}.txt", "refused", False)],
            ("No, `ship out` needs --signed, always.", "`ship out` refuses without --signed.",
             "You must add --signed to `ship out`.")[number % 3],
        )
        for number in range(6)
    ]  # fmt: skip
    said = rule(given)
    assert "--signed" in said
    assert "> <path>" not in said
