"""MetaClaw-Bench's data: simulated days, each with rounds that share one workspace.

Source of the format: benchmark/data/metaclaw-bench of aiming-lab/MetaClaw, its description of the data
(all_tests.json, eval/<day>/questions.json, openclaw_state/.../sessions/<session>.jsonl, workspaces/shared),
and the variant data/metaclaw-bench of aiming-lab/ClawArena (tests.json, with `tests` in place of `test`).
A round is a `file_check` (in places called `exec_check`): a shell command, run in the workspace, whose exit
code, and output where one is named, are the verdict; or a `multi_choice`: a set of letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from skillclaw.errors import BadInputError
from skillclaw.trajectory.model import Record

__all__ = ["Check", "Day", "Place", "Round", "find", "read_day", "read_days"]

INDEXES = ("all_tests.json", "all_tests_metaclaw.json", "tests.json")
DATA = (".", "benchmark/data/metaclaw-bench", "data/metaclaw-bench")
WORKSPACES = ("workspaces/shared", "openclaw/workspaces/shared", "openclaw/workspace")
TIMEOUT = 30.0
"""Seconds that a command may take, where a round says nothing else."""

TODO = "Check out the whole of aiming-lab/MetaClaw and name that folder."
_SCRIPT = re.compile(r"(?:^|[\s;&|(])((?:eval/)?scripts/[\w./-]+)")


class Round(Record, frozen=True, kw_only=True):
    """One thing asked for. `command` is empty for a choice; `answer` are its right letters; `notes` say of
    each letter why it is right or wrong; `incorrect` is what the user says when the command fails."""

    id: str
    question: str
    command: str = ""
    expect_exit: int = 0
    expect_output: str = ""
    regex: bool = False
    timeout: float = TIMEOUT
    answer: tuple[str, ...] = ()
    notes: Mapping[str, str] = {}
    incorrect: str = ""


class Day(Record, frozen=True, kw_only=True):
    """A day: what was said before its first round (`opening`), its tags, and its rounds in order."""

    id: str
    arc: str
    tags: tuple[str, ...]
    opening: str
    rounds: tuple[Round, ...]


class Place(Record, frozen=True, kw_only=True):
    """Where the parts of a checkout lie. `state` and `scripts` are None where there are none."""

    root: Path
    tests: tuple[Mapping[str, Any], ...]
    eval: Path
    workspace: Path
    state: Path | None
    scripts: Path | None

    def questions(self, test: Mapping[str, Any]) -> Path:
        """The file with the rounds of a day."""
        return self.eval / str(test.get("eval") or test["id"]) / "questions.json"


class Check(Record, frozen=True, kw_only=True):
    """What a checkout holds, and what is wrong with it, in sentences: the days that can be read of those
    listed, their rounds, and those of them that can be worked on."""

    days: int
    listed: int
    rounds: int
    open: int
    kinds: Mapping[str, int]
    problems: tuple[str, ...]

    def lines(self) -> list[str]:
        """All of it as text."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kinds.items()))
        return [
            f"{self.days} of {self.listed} days can be read: {self.rounds} rounds ({kinds}), "
            f"of which {self.open} can be worked on.",
            *self.problems,
        ]


def find(checkout: Path) -> Place:
    """The parts of `checkout`: the repository, or its folder of data. Raises BadInputError."""
    root = checkout.resolve()
    folder = next((root / d for d in DATA if any((root / d / i).is_file() for i in INDEXES)), None)
    if folder is None:
        raise BadInputError(
            f"{checkout} is no checkout of MetaClaw-Bench.",
            f"There is none of {', '.join(INDEXES)}, neither in it nor in {' or '.join(DATA[1:])}.",
            TODO,
        )
    index = next(folder / name for name in INDEXES if (folder / name).is_file())
    data = _json(index, root)
    tests = data.get("test", data.get("tests"))
    if not isinstance(tests, list) or not tests or not all(_is_test(test) for test in tests):
        raise BadInputError(f"{index} lists no days.", "Its key `test` must be a list of entries with an id.")
    evals = _folder(root, index.parent, data.get("eval_dir"), ("eval",))
    workspace = _folder(root, index.parent, data.get("workspace_src"), WORKSPACES)
    for name, found in (("the questions (eval)", evals), ("the workspace (workspaces/shared)", workspace)):
        if found is None:
            raise BadInputError(f"The checkout {checkout} lacks {name}.", f"{index} leads to none.", TODO)
    assert evals is not None and workspace is not None
    scripts = (evals / "scripts", workspace / "scripts", folder / "scripts")
    return Place(
        root=root,
        tests=tuple(tests),
        eval=evals,
        workspace=workspace,
        state=_folder(root, index.parent, data.get("openclaw_state_dir"), ("openclaw_state",)),
        scripts=next((place for place in scripts if _within(place, root) and place.is_dir()), None),
    )


def read_days(place: Place) -> Iterator[Day | BadInputError]:
    """Each day, or what is wrong with it."""
    for test in place.tests:
        try:
            yield read_day(place, test)
        except BadInputError as error:
            yield error


def read_day(place: Place, test: Mapping[str, Any]) -> Day:
    """One day. Raises BadInputError naming the file and what is wrong with it."""
    path = place.questions(test)
    data = _json(path, place.root)
    rounds = data.get("rounds")
    if not isinstance(rounds, list) or not rounds:
        raise BadInputError(f"{path} has no rounds.")
    read = tuple(_round(one, f"{path}, round {number}") for number, one in enumerate(rounds, 1))
    twice = {one.id for one in read if sum(other.id == one.id for other in read) > 1}
    if twice:
        raise BadInputError(f"{path} has more than one round {', '.join(sorted(twice))}.")
    for one in read:
        for script in _SCRIPT.findall(one.command):
            file = script.removeprefix("eval/").removeprefix("scripts/")
            if place.scripts is None or not (place.scripts / file).is_file():
                raise BadInputError(
                    f"{path}, round {one.id}, needs the script {script}, which is not there.", "", TODO
                )
    tags = test.get("preference_tags")
    return Day(
        id=str(test["id"]),
        arc=str(test.get("arc") or ""),
        tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
        opening=_opening(place, test),
        rounds=read,
    )


def _round(data: Any, where: str) -> Round:
    def refuse(what: str) -> BadInputError:
        return BadInputError(f"{where}: {what}.")

    if not isinstance(data, dict) or not isinstance(data.get("eval"), dict):
        raise refuse("it has no eval")
    kind, verdict = data.get("type"), data["eval"]
    feedback = _object(data.get("feedback"))
    if not isinstance(data.get("id"), str) or not re.fullmatch(r"[\w.-]+", data["id"]):
        raise refuse("it has no id")
    if not isinstance(data.get("question"), str) or not data["question"].strip():
        raise refuse("it has no question")
    if kind in ("file_check", "exec_check"):
        command, code = verdict.get("command"), verdict.get("expect_exit", 0)
        timeout = verdict.get("timeout", TIMEOUT)
        if not isinstance(command, str) or not command.strip() or "\0" in command:
            raise refuse("its eval has no command")
        if isinstance(code, bool) or not isinstance(code, int):
            raise refuse("its expect_exit is no number")
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= 3_600:
            raise refuse("its timeout is no number of seconds")
        output, regex = str(verdict.get("expect_stdout") or ""), bool(verdict.get("expect_stdout_regex"))
        if regex:
            try:
                re.compile(output)
            except re.error as error:
                raise refuse(f"its expect_stdout is no regular expression: {error}") from error
        return Round(
            id=data["id"],
            question=data["question"].strip(),
            command=command,
            expect_exit=code,
            expect_output=output,
            regex=regex,
            timeout=float(timeout),
            incorrect=str(feedback.get("incorrect") or "").strip(),
        )
    if kind != "multi_choice":
        raise refuse(f"its type {kind!r} is none of file_check, exec_check, multi_choice")
    options, answer = verdict.get("options"), verdict.get("answer")
    answer = [answer] if isinstance(answer, str) else answer
    if not isinstance(options, dict) or not isinstance(answer, list) or not answer:
        raise refuse("its eval has no options or no answer")
    letters = tuple(sorted({str(letter).strip().upper() for letter in answer}))
    if unknown := set(letters) - {str(option).upper() for option in options}:
        raise refuse(f"its answer {', '.join(sorted(unknown))} is none of its options")
    notes = _object(feedback.get("options"))
    return Round(
        id=data["id"],
        question=data["question"].strip(),
        answer=letters,
        notes={str(letter).upper(): str(note) for letter, note in notes.items()},
    )


def _opening(place: Place, test: Mapping[str, Any]) -> str:
    """What the user said before the first round, which tells the date; empty where the session is not there.

    Lines are `{"role", "content"}`, or OpenClaw's `{"type": "message", "message": {"role", "content"}}`.
    """
    agent, session = test.get("agent"), test.get("session")
    if place.state is None or not isinstance(agent, str) or not isinstance(session, str):
        return ""
    path = place.state / "agents" / agent / "sessions" / f"{session}.jsonl"
    if not _within(path, place.root) or not path.is_file():
        return ""
    said = []
    for line in path.read_text("utf-8", "replace").splitlines():
        try:
            data = msgspec.json.decode(line)
        except msgspec.DecodeError:
            continue
        message = data.get("message", data) if isinstance(data, dict) else None
        if isinstance(message, dict) and message.get("role") == "user":
            said.append(_text(message.get("content")))
    return "\n".join(text for text in said if text)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content.strip()
    blocks = content if isinstance(content, list) else []
    return "\n".join(
        block["text"].strip()
        for block in blocks
        if isinstance(block, dict) and isinstance(block.get("text"), str)
    )


def _json(path: Path, root: Path) -> dict[str, Any]:
    if not _within(path, root):
        raise BadInputError(f"{path} leads out of the checkout.", "", "It is not read.")
    try:
        data = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise BadInputError(f"{path} cannot be read.", str(error.strerror or error), TODO) from error
    except msgspec.DecodeError as error:
        raise BadInputError(f"{path} is not valid JSON.", str(error)) from error
    if not isinstance(data, dict):
        raise BadInputError(f"{path} does not hold a JSON object.")
    return data


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_test(test: Any) -> bool:
    names = ("id", "eval") if isinstance(test, dict) and test.get("eval") else ("id",)
    return isinstance(test, dict) and all(
        isinstance(test.get(name), str) and re.fullmatch(r"\w[\w.-]*", test[name]) for name in names
    )


def _folder(root: Path, base: Path, named: Any, usual: Sequence[str]) -> Path | None:
    """A folder of the checkout. The index names it relative to itself, or to a folder above (the original is
    run from `benchmark`)."""
    names = [named, *usual] if isinstance(named, str) and named else list(usual)
    bases = [base, *(above for above in base.parents if above.is_relative_to(root))]
    places = ((above / name).resolve() for name in names for above in bases)
    return next((place for place in places if place.is_relative_to(root) and place.is_dir()), None)


def _within(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root)
