"""The words that the extractive engine finds: commands as sessions ran them, tasks as users call them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from atif_sessions import Ran, session
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.evolve.evolvers._commands import Commands
from skillclaw.evolve.evolvers._phrases import command_words
from skillclaw.evolve.evolvers._wishes import named, task
from skillclaw.gate import GateContext, policy
from skillclaw.journal.redact import Redactor
from skillclaw.skills.records import ActionShape, Pattern, Ref
from skillclaw.skills.text import fixed_parts, normal, occurs
from skillclaw.trajectory.model import Trajectory, decode
from skillclaw.trajectory.shapes import shape_tokens

USERS = ("ada", "ben", "cleo", "dora")


def anyone(text: str) -> bool:
    return bool(text)


def given_sessions(tasks: list[str], commands: list[str], failed: bool = False) -> dict[str, Trajectory]:
    made = {}
    for number, (said, command) in enumerate(zip(tasks, commands, strict=True)):
        one = session(USERS[number % 4], number, said, [Ran(command, int(failed), "out of memory")])
        made[f"s{number}"] = decode(json.dumps(one).encode())
    return made


def worded(tasks: list[str], commands: list[str], *, rules: str = "team", failed: bool = False) -> str:
    """The command as it would be written; empty where its sessions do not agree."""
    known = given_sessions(tasks, commands, failed)
    redactor = Redactor(b"k" * 32, home=Path("/home/tester"), user_names=())
    gate = GateContext(policy=policy(rules), redactor=redactor, sessions=known.get)
    refs = [
        Ref(session=key, user=USERS[n % 4], agent="claude-code", day="2026-11-10")
        for n, key in enumerate(sorted(known))
    ]
    pattern = Pattern(id="p", kind="recovery", title="", topic="x", signature="", evidence=refs)
    shapes = [shape_tokens(command) for command in commands]
    shape = " ".join(w[0] if len(set(w)) == 1 else "<value>" for w in zip(*shapes, strict=True))
    shown = Commands(pattern, gate, policy(rules)).worded(
        ActionShape(tool="Bash", command=shape), anyone, failed=failed
    )
    return shown.text if shown else ""


NAMES = ("north", "south", "harbour", "station")


@pytest.mark.parametrize(
    ("tasks", "commands", "text"),
    [
        (
            [f"Add a store called {n}" for n in NAMES],
            [f"bin/stores add --name {n}" for n in NAMES],
            "bin/stores add --name <store>",
        ),
        (
            [f"Release version 1.{n}.0" for n in range(4)],
            [f"git switch -c release/1.{n}.0" for n in range(4)],
            "git switch -c release/<version>",
        ),
        (
            [f"Release version 1.{n}.0" for n in range(4)],
            [f"git tag v1.{n}.0" for n in range(4)],
            "git tag <v-version>",
        ),
        (
            [f"Deploy to {n}" for n in NAMES],
            [f"bin/deploy {n}" for n in NAMES],
            "bin/deploy <target>",
        ),
        (["Show what changed"] * 4, ["git log --since 2026-11-10"] * 4, "git log --since <date>"),
        (["Check the disk"] * 4, ["df -h /srv/data"] * 4, "df -h /srv/data"),
        (
            ["Look at the file"] * 4,
            [f"bin/look logs/{n}.txt" for n in NAMES],
            "bin/look logs/<path>",
        ),
        (
            ["Commit it"] * 4,
            [f'git commit -m "Change {n} at last"' for n in NAMES],
            'git commit -m "Change <value> at last"',
        ),
        (
            ["Check all services"] * 4,
            ["for one in web api\ndo\n  bin/ask $one\ndone\nbin/sum"] * 4,
            "for one in web api ; do bin/ask $one ; done ; bin/sum",
        ),
    ],
)
def test_a_command_reads_as_it_was_run_with_names_for_what_varies(
    tasks: list[str], commands: list[str], text: str
) -> None:
    assert worded(tasks, commands) == text
    assert worded(tasks[::-1], commands[::-1]) == text, "whoever came first"
    assert worded(tasks, commands, failed=True) == text


def test_what_too_few_ran_alike_is_not_shown() -> None:
    assert worded(["Look"] * 2, ["bin/look here"] * 2) == ""
    assert worded(["Pack"] * 4, ["tar -cf x.tar a", "tar -cf x.tar b"] * 2, rules="strict") == ""


def test_a_secret_in_a_command_keeps_it_from_being_shown() -> None:
    assert worded(["Log in"] * 4, ["gh login --with-token <secret:github:1a2b3c>"] * 4) == ""


@settings(max_examples=examples(25), deadline=None)
@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[a-z]{3,8}", fullmatch=True),
            st.from_regex(r"[a-z0-9./-]{1,8}", fullmatch=True),
        ),
        min_size=3,
        max_size=6,
    )
)
def test_what_is_shown_of_a_command_occurs_in_the_commands(values: list[tuple[str, str]]) -> None:
    commands = [f"bin/tool --for {name} -x {path} end" for name, path in values]
    if len({len(shape_tokens(one)) for one in commands}) > 1:
        return
    shown = worded([f"Do it for {name}" for name, _ in values], commands)
    if shown:
        holding = [one for one in commands if occurs(fixed_parts(shown), normal(one))]
        assert len(holding) >= 0.9 * len(commands), shown


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("Can you cancel my meeting with <name>?", "Cancel the user's meeting"),
        ("Reply to the latest email from <query> with <text>", "Reply to the latest email"),
        (
            "please plot the distribution of the <field> metric on <date>",
            "Plot the distribution of the metric",
        ),
        ("Release version <number> of the till", "Release a version of the till"),
        ("We no longer need <query> meetings. Can you cancel all future ones?", "Cancel all future meetings"),
        ("Find the email and schedule a <number> hour meeting", "Find the email and schedule a meeting"),
        ("If <field> grew by more than <number>, plot it", ""),
        ("<name> leaves. Can you reassign them in the crm?", ""),
    ],
)
def test_a_task_is_named_without_what_varies(asked: str, name: str) -> None:
    assert named(asked, anyone)[1] == name


@settings(max_examples=examples(40), deadline=None)
@given(st.text(max_size=120))
def test_a_tasks_name_has_no_gap_and_no_line_break_whatever_is_asked(text: str) -> None:
    phrase, name = named(text, anyone)
    assert "…" not in name and "\n" not in name and len(name) <= 200
    assert bool(name) <= bool(phrase)
    assert len(task(text)) <= 200


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("cd /srv/shop && pytest -q tests/", "pytest"),
        ("cd '/srv/my shop'; source .venv/bin/activate && CI=1 pytest tests/", "pytest tests/"),
        ("export TZ=UTC && cd <folder> && make deploy", "make deploy"),
        ("echo <name> | rota list --all", "rota list"),
        ("git commit -m 'a && b'", "git commit"),
        ("python tools/bump.py v<version>", "python tools/bump.py"),
        ("cd /srv/shop", "cd /srv/shop"),
        ("", ""),
        (None, "Bash"),
    ],
)
def test_a_failure_is_named_after_what_does_the_work(command: str | None, words: str) -> None:
    assert command_words(command, "Bash") == words
