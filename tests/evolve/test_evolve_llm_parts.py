"""More evidence than a prompt holds: the model sees it in parts, and its drafts become one proposal."""

from __future__ import annotations

import re
from typing import Any

from chat_model import Raw
from llm_script import GOOD, Script, asked, digest, model, passed, propose
from npm_house import house, pattern

from skillclaw.evolve.drafting import Draft, targets
from skillclaw.evolve.engines.llm_parts import joined
from skillclaw.evolve.evolvers.llm import EVOLVER
from skillclaw.skills.edits import Edit
from skillclaw.skills.records import ItemKind

FIX = "If `npm test` fails, run `CI=1 npm test`."


def cited(prompt: str) -> list[str]:
    """The labels that a draft's question says can be cited."""
    return re.findall(r"\bP\d+", prompt.partition("citing only")[2].partition("\n")[0])


def in_parts(fails_at: int | None = None) -> Script:
    """A model that cites every pattern it is shown; part `fails_at` gets no answer."""
    count = 0

    def answer(stage: str, prompt: str) -> Any:
        nonlocal count
        if stage == "digest":
            return digest(prompt)
        count += 1
        if fails_at is not None and count >= fails_at:
            return Raw(b'{"error": {"message": "out of order"}}', 400)
        labels = cited(prompt)
        lines = [
            {"kind": "condition", "text": "The user asks to run the tests of the shop.", "evidence": labels},
            {"kind": "fix", "text": FIX, "evidence": labels},
        ]
        return {**GOOD, "lines": lines}

    return answer


def test_every_pattern_is_seen_and_the_drafts_become_one_proposal() -> None:
    sessions = house()
    many = [pattern(sessions, f"n{i}") for i in range(12)]
    with model(in_parts()) as server:
        (one,), own = propose(server, many, sessions, context_tokens=8192)
        drafts = [prompt for stage, prompt in map(asked, server.seen) if stage == "draft"]
    shown = [cited(prompt) for prompt in drafts]
    assert len(shown) > 2
    labels = [label for part in shown for label in part]
    assert sorted(labels) == sorted(f"P{n}" for n in range(1, 13))  # each once
    assert own.notes == []
    kept = passed(one, own)
    assert kept.sidecar is not None
    (fix,) = [item for item in kept.sidecar.items if item.text == FIX]
    assert set(fix.patterns) == {each.id for each in many}
    foreseen = {each.stage: each.calls for each in EVOLVER.forecast(targets(many, {}, own), own)}
    assert foreseen["draft"] == len(drafts)


def test_what_was_written_before_the_model_failed_is_kept_and_it_is_said() -> None:
    sessions = house()
    many = [pattern(sessions, f"n{i}") for i in range(12)]
    with model(in_parts(fails_at=2)) as server:
        (one,), own = propose(server, many, sessions, context_tokens=8192)
    assert one.engine == "llm"
    assert 0 < len(one.patterns) < 12
    assert any("a part of its evidence only" in note for note in own.notes)
    assert own.failed


def step(task: str, text: str, kind: ItemKind = "step") -> Edit:
    return Edit(op="add", kind=kind, section=f"Steps / {task}", text=text, patterns=["a"])


def test_where_two_drafts_touch_the_earlier_one_stays() -> None:
    tests, tag, push = (step("Release", text) for text in ("Run the tests.", "Tag.", "Push."))
    find, check = (step("Roll back", text) for text in ("Find the tag.", "Check it out."))
    first = Draft(action="create", title="One", edits=[tests, tag])
    second = Draft(action="create", title="Two", description="What it does.", edits=[push, find, check])
    one = joined([first, second])
    assert (one.title, one.description) == ("One", "What it does.")
    assert one.edits == [tests, tag, find, check]
    changed = Edit(op="change", item="i", text="New words.", patterns=["a"])
    other = Edit(op="drop", item="i", patterns=["b"])
    one = joined([Draft(action="refine", edits=[changed]), Draft(action="refine", edits=[other])])
    assert one.edits == [changed]
    retire = Draft(action="retire", why="No.")
    assert joined([retire, Draft(action="refine", edits=[changed])]).action == "refine"
    assert joined([retire]) == retire
