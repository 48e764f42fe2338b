"""Public recorded agent runs as ATIF: WorkBench and tau-bench.

WorkBench (github.com/olly-styles/WorkBench, MIT): 690 office tasks, five models, two tool sets. tau-bench
(github.com/sierra-research/tau-bench, MIT): customer service dialogues. What was made for grading (expected
calls and outputs, hidden instructions, templates) never enters a session: a session holds what the user
said, what the agent did and how it was judged.
"""

from __future__ import annotations

import ast
import gzip
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from skillclaw import zstd
from skillclaw.errors import BadInputError, StorageError
from skillclaw.trajectory.flow import looks_failed
from skillclaw.trajectory.keys import session_key
from skillclaw.trajectory.model import (
    ATIF_VERSION,
    Agent,
    Observation,
    Result,
    ResultMeta,
    SessionMeta,
    Step,
    ToolCall,
    Trajectory,
    encode,
    with_meta,
    with_result_meta,
)

__all__ = ["DATASETS", "read_rows", "taubench_session", "workbench_session", "write_atif"]

Row = dict[str, Any]

OFFICE = ""
"""WorkBench is one office: its domains are tools and tasks, not projects that people work in."""

NOTHING_RECORDED = "The recording holds no message of this session, only how it ended."


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a .jsonl, .jsonl.gz or .jsonl.zst file."""
    try:
        with path.open("rb") as raw:
            if path.name.endswith(".gz"):
                stream: Any = gzip.GzipFile(fileobj=raw)
            elif path.name.endswith(".zst"):
                stream = zstd.reader(raw, frames=None)
            else:
                stream = raw
            for number, line in enumerate(io.TextIOWrapper(stream, encoding="utf-8"), 1):
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise BadInputError(f"{path} line {number} is not a JSON object.")
                    yield row
    except OSError as error:
        raise StorageError(f"Cannot read {path}.", str(error), "Check the path.") from error
    except (ValueError, zstd.Damaged) as error:
        raise BadInputError(
            f"{path} is not a file of recorded runs.", str(error), "Take the file as published."
        ) from error


def workbench_session(row: Row) -> Trajectory:
    """One WorkBench run: user = model and tool set, task = task id; the query is the user's only message."""
    try:
        user = f"{row['model']}-{row['toolset']}"
        steps = [Step(step_id=1, source="user", message=row["query"])]
        for index, made in enumerate(row["steps"]):
            call = f"call-{index}"
            args = made["args"] if isinstance(made["args"], dict) else {"input": made["args"]}
            steps.append(
                _acting(
                    len(steps) + 1,
                    "",
                    [(call, made["tool"] or "None", args, _text(made["observation"]))],
                    row["model"],
                )
            )
        if row["final_output"] or len(steps) == 1:
            steps.append(
                Step(
                    step_id=len(steps) + 1,
                    source="agent",
                    message=_text(row["final_output"] or ""),
                    model_name=row["model"],
                )
            )
        return _session(
            "workbench",
            row["session_id"],
            user,
            OFFICE,
            row["task_id"],
            row["model"],
            steps,
            row["success"],
            row["reward"],
        )
    except (KeyError, TypeError) as error:
        raise BadInputError(
            "A row is no WorkBench run.", f"missing or wrong: {error}", "Take the file as published."
        ) from error


def taubench_session(row: Row) -> Trajectory:
    """One tau-bench dialogue: user = the agent design that served, task = domain and number.

    The person who talks is simulated; whose agent it was is the agent design, so that counts of users mean
    independent agents.
    """
    try:
        model = "gpt-4o"
        steps: list[Step] = []
        pending: dict[str, list[Any]] = {}
        for message in row["messages"]:
            role = message["role"]
            if role == "user":
                _flush(steps, pending, model)
                steps.append(
                    Step(step_id=len(steps) + 1, source="user", message=message.get("content") or "")
                )
            elif role == "assistant":
                _flush(steps, pending, model)
                calls = message.get("tool_calls") or []
                pending = {
                    "text": [message.get("content") or ""],
                    "calls": [_function(c) for c in calls],
                    "results": [],
                }
                if not calls:
                    _flush(steps, pending, model)
            elif role == "tool" and pending:
                pending["results"].append(message.get("content") or "")
        _flush(steps, pending, model)
        if not steps:
            # Some runs kept an outcome and no message; ATIF asks for one step.
            steps.append(Step(step_id=1, source="system", message=NOTHING_RECORDED))
        task = f"{row['domain']}-{row['task_id']}"
        return _session(
            "tau-bench",
            row["session_id"],
            row["run"],
            row["domain"],
            task,
            model,
            steps,
            row["success"],
            row["reward"],
        )
    except (KeyError, TypeError) as error:
        raise BadInputError(
            "A row is no tau-bench run.", f"missing or wrong: {error}", "Take the file as published."
        ) from error


DATASETS: dict[str, Callable[[Row], Trajectory]] = {
    "workbench": workbench_session,
    "tau-bench": taubench_session,
}


def write_atif(dataset: str, source: Path, out: Path) -> int:
    """Write the runs in `source` to `out` as JSON lines of ATIF (`.gz` and `.zst` are compressed); returns
    how many.
    """
    convert = DATASETS[dataset]
    count = 0
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with _writer(out) as file:
            for row in read_rows(source):
                file.write(encode(convert(row)) + b"\n")
                count += 1
    except OSError as error:
        raise StorageError(
            f"Cannot write {out}.", str(error), "Free space, or choose another path."
        ) from error
    return count


@contextmanager
def _writer(out: Path) -> Iterator[Any]:
    with gzip.open(out, "wb") if out.name.endswith(".gz") else out.open("wb") as file:
        if out.name.endswith(".zst"):
            with zstd.Writer(file, 19) as packed:
                yield packed
        else:
            yield file


def _session(
    agent: str,
    native: str,
    user: str,
    project: str,
    task: str,
    model: str,
    steps: list[Step],
    success: bool,
    reward: float,
) -> Trajectory:
    outcome: Literal["success", "failure"] = "success" if success else "failure"
    known = SessionMeta(
        key=session_key(agent, native),
        user=user,
        project=project,
        task=task,
        outcome=outcome,
        reward=float(reward),
    )
    return with_meta(
        Trajectory(
            schema_version=ATIF_VERSION,
            session_id=native,
            agent=Agent(name=agent, version="1", model_name=model),
            steps=steps,
        ),
        known,
    )


def _acting(step: int, text: str, calls: list[tuple[str, str, Row, str]], model: str) -> Step:
    results = []
    for call, _, _, content in calls:
        result = Result(source_call_id=call, content=content)
        if looks_failed(content):
            result = with_result_meta(result, ResultMeta(is_error=True))
        results.append(result)
    return Step(
        step_id=step,
        source="agent",
        message=text,
        model_name=model,
        tool_calls=[
            ToolCall(tool_call_id=call, function_name=name, arguments=args) for call, name, args, _ in calls
        ],
        observation=Observation(results=results),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _function(call: Row) -> tuple[str, Row]:
    function = call["function"]
    return function["name"], _arguments(function["arguments"])


def _arguments(text: str) -> Row:
    """The arguments of a call; some published runs hold a Python literal, some JSON within JSON."""
    value: Any = text
    for _ in range(2):
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                try:
                    value = ast.literal_eval(value)
                except (ValueError, SyntaxError):
                    break
    if isinstance(value, dict) and list(value) == ["input"] and isinstance(value["input"], str):
        inner = _arguments(value["input"])
        return inner if list(inner) != ["input"] else value
    return value if isinstance(value, dict) else {"input": text}


def _flush(steps: list[Step], pending: dict[str, list[Any]], model: str) -> None:
    """Write down the agent's turn that was being collected, its calls with the results that came."""
    if not pending:
        return
    number = len(steps) + 1
    calls = []
    for index, (name, args) in enumerate(pending["calls"]):
        given = pending["results"][index] if index < len(pending["results"]) else None
        calls.append((f"call-{number}-{index}", name, args, given))
    text = pending["text"][0]
    if calls:
        step = _acting(number, text, [(c, n, a, r or "") for c, n, a, r in calls], model)
        kept = [
            r
            for r, (_, _, _, given) in zip(
                step.observation.results if step.observation else [], calls, strict=True
            )
            if given is not None
        ]
        steps.append(
            Step(
                step_id=number,
                source="agent",
                message=text,
                model_name=model,
                tool_calls=step.tool_calls,
                observation=Observation(results=kept) if kept else None,
            )
        )
    else:
        steps.append(Step(step_id=number, source="agent", message=text, model_name=model))
    pending.clear()
