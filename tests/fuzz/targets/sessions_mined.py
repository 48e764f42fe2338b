"""All that is read out of a session made to harm its reader: outcome, episodes, signs, skills, words.

The bytes are choices that harm a document with every field (`fuzz_made.session`), or commands and texts of
the input's own in its calls. Whatever stands in a session, mining it ends with values, and in bounded time.
"""

from __future__ import annotations

from typing import Any

import msgspec
from fuzz_histories import atif_of, tree
from fuzz_made import Drawn, dumped, session

from skillclaw.journal.catalogue_facts import facts_of
from skillclaw.trajectory import environment, episodes, failures, feedback, outcomes, shapes, shell, skilluse
from skillclaw.trajectory.flow import flow
from skillclaw.trajectory.model import Trajectory, decode, encode
from skillclaw.trajectory.signs import signs
from skillclaw.trajectory.text import mask, one_line, terms, words

ALLOWED: tuple[type[Exception], ...] = ()
MOST_SECONDS = 3.0
TOOLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("query", {"q": "a"}),
    ("Read", {"file_path": "/srv/app/SKILL.md"}),
    ("Skill", {"skill": "a"}),
)
DICT = (
    b"cd x && ",
    b"$(",
    b"`",
    b"<<EOF\n",
    b"|",
    b"; ",
    b"'",
    b'"',
    b"\\\n",
    b"Exit code 1",
    b"Traceback (most recent",
    b"error: ",
    b"No, ",
    b"use ",
    b"instead",
    b"SKILL.md",
    b"<available_skills><skill><name>",
    b"{",
    b"FAILED",
)


def once(data: bytes) -> None:
    """One session, or one text as each reader of texts takes it."""
    drawn = Drawn(data[1:])
    if data and data[0] % 3 == 0:
        _texts(data[1:].decode("utf-8", "replace"))
        return
    held = session()
    if data and data[0] % 3 == 1:
        # The input's own words as command, result and correction.
        parts = data[1:].decode("utf-8", "replace").split("\x00")
        held["steps"][2]["tool_calls"][0]["arguments"]["command"] = parts[0]
        held["steps"][2]["observation"]["results"][0]["content"] = parts[-1]
        held["steps"][4]["message"] = parts[len(parts) // 2]
        if data[0] >= 128:
            _given(held["steps"][2], TOOLS[data[0] // 3 % 3], parts[-1])
    else:
        held = drawn.harmed(held)
    path = tree().home / "x.json"
    path.write_bytes(dumped(held))
    for found in atif_of(path):
        _mined(found)


def _given(step: dict[str, Any], tool: tuple[str, dict[str, Any]], content: str) -> None:
    """The second call is of `tool`, and gets `content`."""
    name, arguments = tool
    step["tool_calls"][1].update(function_name=name, arguments=arguments)
    step["observation"]["results"][1]["content"] = content


def _mined(found: Trajectory) -> None:
    outcome, sure, marks = outcomes.outcome(found)
    assert outcome in ("success", "failure", "unknown") and 0 <= sure <= 1
    msgspec.json.encode(marks)
    for episode in episodes.cut(found):
        msgspec.json.encode(episode)
    signs(flow(found))
    environment.environment(found)
    skilluse.skills_seen(found)
    credited = skilluse.credit(found, {})
    assert decode(encode(credited)) == credited
    msgspec.json.encode(facts_of(found))


def _texts(text: str) -> None:
    shell.parse(text)
    shapes.command_key(text)
    shapes.shape_tokens(text)
    shapes.value_form(text)
    for read in (
        mask,
        one_line,
        words,
        terms,
        failures.error_template,
        failures.mask_error,
        feedback.correction_text,
    ):
        read(text)
    for asks in (feedback.corrects, feedback.accepts, feedback.confirms, feedback.interrupts):
        asks(text)
