"""Cycles of the engines that ask a model, with a draft that was written by hand in the model's place.

The drafts are in `example_drafts`, in the form in which each engine takes them. An author that plays one
hands it in, gets what the gate refuses, and hands in the mended one. Every other skill is left as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llm_script
from authors import player
from chat_model import ChatModel, call, calls
from cli import ok_json
from scripted import Script, Shell, Upstream

__all__ = ["ENGINES", "draft_of", "evolved", "mended"]

FOLDER = Path(__file__).parent / "example_drafts"
LIMITS = {"EVOLVE__BUDGET__CALLS": "0", "EVOLVE__BUDGET__TOKENS": "0"}
KEY = "sk-ant-" + "ExampleAuthorKey" * 3


def draft_of(engine: str, skill: str) -> dict[str, Any]:
    """The first `draft`, and how its lines were `mended`: other words, or nothing."""
    written: dict[str, Any] = json.loads((FOLDER / f"{engine}.json").read_text("utf-8"))[skill]
    return written


def evolved(engine: str, skill: str, home: Path, client: str = "") -> tuple[int, list[str]]:
    """One cycle of `engine` in `home`, in which the draft for `skill` is played.

    Gives how many sessions it was about, and what the gate said of the first draft.

    `client` is the folder of the real Claude Code for the engine `cli`; without it a small program takes its
    place in the room.
    """
    return ENGINES[engine](skill, draft_of(engine, skill), home, client)


def mended(written: dict[str, Any]) -> dict[str, Any]:
    """The draft after the review: some lines in other words, some left out."""
    lines = "lines" if "lines" in written["draft"] else "edits"
    other = written["mended"]
    kept = [
        {**line, "text": other.get(line["text"], line["text"])}
        for line in written["draft"][lines]
        if other.get(line["text"], "") is not None
    ]
    return {**written["draft"], lines: kept}


def _cycle(engine: str, home: Path, **more: str) -> int:
    """The sessions that the cycle was about."""
    path = more.pop("PATH", "")
    environ = {f"SKILLCLAW_{key}": value for key, value in {**LIMITS, **more}.items()}
    environ |= {"PATH": path, "ANTHROPIC_API_KEY": KEY} if path else {}
    report: dict[str, Any] = ok_json("evolve", "--engine", engine, home=home, environ=environ)
    took_over = [note for note in report["notes"] if "took over" in note]
    assert not took_over, took_over
    return int(report["sessions"])


def _model(server: ChatModel) -> dict[str, str]:
    return {"EVOLVE__MODEL__NAME": "played", "EVOLVE__MODEL__URL": server.url}


def _llm(skill: str, written: dict[str, Any], home: Path, _: str) -> tuple[int, list[str]]:
    refused: list[str] = []
    reviews = 0

    def answer(stage: str, prompt: str) -> Any:
        if stage == "digest":
            count = sum(row.startswith("BEGIN DATA") for row in prompt.splitlines())
            empty: dict[str, Any] = {"goal": "See the patterns.", "worked": [], "failed": [], "corrected": []}
            return {"sessions": [{"session": number, **empty} for number in range(1, count + 1)]}
        if written["known_by"] not in prompt:
            return {"why": "Another skill is shown here.", "action": "skip"}
        told = re.search(r"^BEGIN DATA \w+ what is wrong with it\n(.*?)^END DATA", prompt, re.M | re.S)
        if told is None:
            return written["draft"]
        nonlocal reviews
        reviews += 1
        refused.extend(re.findall(r"^\| - (.*)$", told[1], re.M))
        return mended(written)

    with llm_script.model(answer) as server:
        count = _cycle("llm", home, **_model(server))
    assert reviews == 1, "the mended draft has no fault"
    return count, refused


def _agent(skill: str, written: dict[str, Any], home: Path, _: str) -> tuple[int, list[str]]:
    refused: list[str] = []
    turns = 0

    def answer(request: dict[str, Any]) -> Any:
        said = [str(message["content"]) for message in request["messages"]]
        turn = sum(message["role"] == "assistant" for message in request["messages"])
        if f"Decide about the skill {skill}.\n" not in "\n".join(said):
            return call("skip", reason="Another skill is shown here.")
        nonlocal turns
        turns += 1
        if turn == 2:
            refused[:] = _fenced_faults(said[-1])
        files = re.findall(r"^\| (patterns/\w+\.md) \(", "\n".join(said), re.M)[:6]
        steps = (
            calls(*[("read", json.dumps({"path": path})) for path in files]),
            call("draft", **written["draft"]),
            call("draft", **mended(written)),
            call("check"),
            call("submit"),
        )
        return steps[min(turn, len(steps) - 1)]

    with ChatModel(answer) as server:
        count = _cycle("agent", home, **_model(server))
    assert turns == 5, "the mended draft has no fault, and is taken when it is handed in"
    return count, refused


def _fenced_faults(told: str) -> list[str]:
    rows = told.splitlines()
    if rows and not rows[0].startswith("BEGIN DATA"):
        block = re.search(r"^BEGIN DATA \w+ \d+ faults\n(.*?)^END DATA", told, re.M | re.S)
        rows = block[1].splitlines() if block else rows
    return [row[2:] for row in rows if row.startswith("| ")]


AUTHOR = """\
import json, re
both = json.loads({both!r})
skill = re.match(r"# (\\S+)", open("/work/target.md").read())[1]
given = both[{turn}] if skill == {skill!r} else {{"action": "skip", "why": "Another skill is shown here."}}
open("/work/out/draft.json", "w").write(json.dumps(given))
"""


def _cli(skill: str, written: dict[str, Any], home: Path, client: str) -> tuple[int, list[str]]:
    both = json.dumps([written["draft"], mended(written)])
    first, second = (AUTHOR.format(both=both, skill=skill, turn=turn) for turn in ("0", "1"))
    if client:
        path = f"{client}:/usr/local/bin:/usr/bin:/bin"
    else:
        acts = (
            'ask({"messages": [{"role": "user", "content": open("/work/FAULTS.md").read()}]}) '
            "if again else ask()\n" + AUTHOR.format(both=both, skill=skill, turn="again")
        )
        path = player(home / "bin", acts)
    read = Shell("cat GUIDE.md target.md patterns/*")
    scripts = {
        "What you wrote was checked": Script((Shell("cat FAULTS.md"), Shell(_python(second))), "Mended."),
        "decide about one skill": Script((read, Shell(_python(first))), "Written."),
        "What is wrong with the draft": Script((), "Seen."),
    }
    with Upstream(scripts) as upstream:
        count = _cycle(
            "cli",
            home,
            EVOLVE__CLI__AGENT="claude-code",
            EVOLVE__CLI__MODEL="played",
            EVOLVE__CLI__UPSTREAM=upstream.url,
            PATH=path,
        )
        told = [text for one in upstream.seen if one.body for text in _texts(one.json)]
    faults = [text for text in told if text.lstrip().startswith("# What is wrong with the draft")]
    return count, re.findall(r"^- (.*)$", faults[0], re.M) if faults else []


def _python(text: str) -> str:
    return f"python3 - <<'END'\n{text}\nEND"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


ENGINES: dict[str, Callable[[str, dict[str, Any], Path, str], tuple[int, list[str]]]] = {
    "llm": _llm,
    "agent": _agent,
    "cli": _cli,
}
