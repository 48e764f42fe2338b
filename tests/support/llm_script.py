"""The engine `llm` with a scripted model over real HTTP: what it was asked, and what it proposes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chat_model import ChatModel, Raw, text
from npm_house import context

from skillclaw.evolve.evolvers import Current, EvolveContext, evolvers
from skillclaw.evolve.models import open_models
from skillclaw.gate import decide, judge, prune
from skillclaw.settings import BudgetSettings, EvolveSettings, ModelSettings
from skillclaw.skills.items import markdown
from skillclaw.skills.records import Pattern, Proposal
from skillclaw.trajectory.model import Trajectory

STAGES = {
    "Digest of": "digest",
    "Whose fault": "attribute",
    "Draft of": "draft",
    "Revision of": "draft",
}
Script = Callable[[str, str], Any]
"""From stage and prompt to the answer: a dict becomes JSON, a str or Raw goes out as it is."""

GOOD: dict[str, Any] = {
    "why": "The tests need CI to be set.",
    "action": "create",
    "title": "Testing with npm",
    "description": "Run the tests of the shop with npm. Use when the tests fail outside of CI.",
    "lines": [
        {"kind": "condition", "text": "The user asks to run the tests of the shop.", "evidence": ["P1"]},
        {"kind": "fix", "text": "If `npm test` fails, run `CI=1 npm test`.", "evidence": ["P1"]},
    ],
}


def digest(prompt: str) -> dict[str, Any]:
    """A digest for each session of a question."""
    count = sum(row.startswith("BEGIN DATA") for row in prompt.splitlines())
    one = {"goal": "Run the tests", "worked": ["CI=1 npm test"], "failed": ["npm test"], "corrected": []}
    return {"sessions": [{"session": number, **one} for number in range(1, count + 1)]}


def scripted(draft: Any, **stages: Any) -> Script:
    """A model that answers `draft` (one answer, or one for each time it is asked) and what else is given."""
    drafts = list(draft) if isinstance(draft, list) else [draft]

    def answer(stage: str, prompt: str) -> Any:
        if stage in stages:
            given = stages[stage]
            return given(prompt) if callable(given) else given
        if stage == "digest":
            return digest(prompt)
        if stage == "attribute":
            return {"why": "A line is missing.", "fault": "skill", "items": [], "evidence": ["P1"]}
        return drafts.pop(0) if len(drafts) > 1 else drafts[0]

    return answer


def asked(request: Mapping[str, Any]) -> tuple[str, str]:
    """Stage and prompt of a request."""
    rules = "".join(m["content"] for m in request["messages"] if m["role"] in ("system", "developer"))
    prompt = next(m["content"] for m in request["messages"] if m["role"] == "user")
    if not isinstance(prompt, str):
        prompt = "".join(part["text"] for part in prompt)
    return next(stage for begin, stage in STAGES.items() if rules.startswith(begin)), prompt


@contextmanager
def model(script: Script) -> Iterator[ChatModel]:
    def answer(request: dict[str, Any]) -> Any:
        given = script(*asked(request))
        return (
            given if isinstance(given, Raw) else text(given if isinstance(given, str) else json.dumps(given))
        )

    with ChatModel(answer) as server:
        yield server


def propose(
    server: ChatModel | None,
    patterns: list[Pattern],
    sessions: Mapping[str, Trajectory],
    current: dict[str, Current] | None = None,
    *,
    home: Path | None = None,
    budget: BudgetSettings | None = None,
    context_tokens: int = 8192,
    timeout: float = 20.0,
    replay: Path | None = None,
) -> tuple[list[Proposal], EvolveContext]:
    """What the engine proposes; answers are kept in `home`."""
    settings = EvolveSettings(
        model=ModelSettings(
            name="m",
            url=server.url if server else "http://127.0.0.1:9",
            context=context_tokens,
            timeout=timeout,
        ),
        budget=budget or BudgetSettings(),
    )
    asker = open_models(settings, home=home, environ={}, replay=replay, wait=0.0)
    assert asker is not None
    own = context(sessions, current=current or {}, models=asker)
    try:
        return evolvers()["llm"].propose(patterns, current or {}, own), own
    finally:
        asker.close()


def text_of(one: Proposal) -> str:
    assert one.bundle is not None
    return markdown(one.bundle)["SKILL.md"]


def passed(one: Proposal, own: EvolveContext) -> Proposal:
    """The proposal as the gate lets it through."""
    assert own.gate is not None
    pruned, _ = prune(one, own.gate)
    assert decide(judge(pruned, own.gate)) == "passed", judge(pruned, own.gate)
    return pruned


def stages(server: ChatModel) -> list[str]:
    return [asked(request)[0] for request in server.seen]


def honest(stage: str, prompt: str) -> Any:
    """A model that writes a line for each pattern, from what the pattern says may be written exactly."""
    if stage == "digest":
        return digest(prompt)
    exact: dict[str, list[str]] = {}
    kinds: dict[str, str] = {}
    label = ""
    for row in prompt.splitlines():
        if found := re.match(r"\| (P\d+) (\w+):", row):
            label, kinds[found[1]] = found[1], found[2]
        elif row.startswith("|   may be written exactly: "):
            exact[label] = re.findall(r"`([^`]+)`", row)
    if stage == "attribute":
        return {"why": "Lines are missing.", "fault": "skill", "items": [], "evidence": list(exact)[:1]}
    lines = [
        {
            "kind": "fact",
            "text": f"Use `{texts[0]}` for this {kinds[label]}, since it worked for others.",
            "evidence": [label],
        }
        for label, texts in exact.items()
    ]
    if not lines:
        return {"why": "Nothing can be said.", "action": "skip"}
    if "the skill " in prompt and "as it is" in prompt:
        changes = [{"op": "add", **line} for line in lines]
        return {"why": "Lines are missing.", "action": "refine", "changes": changes}
    return {
        "why": "What worked before should be known.",
        "action": "create",
        "title": "What worked before",
        "description": "What worked for others in this job. Use when the same is asked again.",
        "lines": lines,
    }
