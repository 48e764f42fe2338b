"""Long sessions as coding agents make them: about 200 steps, with outputs of 2 to 20 kB.

The requests of several real sessions of one agent, one after the other; between their steps the agent
searches, reads and edits files, runs tests that fail and then pass, installs what is missing and commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import msgspec

from skillclaw.trajectory.model import (
    Observation,
    Result,
    ResultMeta,
    Step,
    ToolCall,
    Trajectory,
    meta,
    with_meta,
    with_result_meta,
)
from skillclaw.trajectory.outcomes import outcome
from skillclaw.trajectory.text import word_set

__all__ = ["long_sessions"]

STEPS = 200
SHORTEST, LONGEST = 2_000, 20_000
LINES = 600
"""Different lines of code, and of test logs, that outputs are made of."""
WORDS = sorted(
    word_set(
        "assert async await buffer cache class client config cursor default encode error event field filter "
        "handler header index input iterator join key length limit list lock loop map match merge message "
        "module node offset option output parser path pool queue reader record request response result "
        "return schema server session shape socket source stage state stream string table target task test "
        "thread token trace tuple type update value vector version worker writer"
    )
)

_Call = tuple[str, dict[str, str], str, bool]


def long_sessions(
    real: Sequence[Trajectory], count: int, seed: int, names: Sequence[str]
) -> list[Trajectory]:
    """`count` sessions of about 200 steps made from `real`; modules are called by `names` (one at least is
    used), which substitution can then vary.
    """
    random = Random(f"long {seed}")  # noqa: S311 - data, not secrets
    by_agent: dict[str, list[Trajectory]] = {}
    for trajectory in real:
        by_agent.setdefault(trajectory.agent.name, []).append(trajectory)
    agents = sorted(by_agent)
    desk = _Desk(random, list(names) or ["core"], *_lines(random))
    return [_long(by_agent[agents[n % len(agents)]], desk) for n in range(count)]


class _Desk(NamedTuple):
    """What the work is made of: module names, lines of code and of test logs."""

    random: Random
    names: Sequence[str]
    code: Sequence[str]
    log: Sequence[str]


def _long(pool: Sequence[Trajectory], desk: _Desk) -> Trajectory:
    random = desk.random
    first = random.choice(pool)
    steps: list[Step] = []
    source = first
    while len(steps) < STEPS:
        module = random.choice(desk.names)
        for step in source.steps:
            steps.append(_moved(step, len(steps) + 1))
        for call in _work(desk, module, STEPS - len(steps)):
            steps.append(_acting(call, len(steps) + 1))
        source = random.choice(pool)
    steps.append(Step(step_id=len(steps) + 1, source="agent", message="All of it is done."))
    made = msgspec.structs.replace(first, steps=steps, session_id="long")
    verdict, confidence, signals = outcome(made)
    return with_meta(
        made, msgspec.structs.replace(meta(made), outcome=verdict, confidence=confidence, signals=signals)
    )


def _moved(step: Step, number: int) -> Step:
    """The step under another number; call ids stay unique in the session."""
    calls = [
        msgspec.structs.replace(c, tool_call_id=f"{number}-{c.tool_call_id}") for c in step.tool_calls or []
    ]
    results = [
        msgspec.structs.replace(
            r, source_call_id=f"{number}-{r.source_call_id}" if r.source_call_id else None
        )
        for r in (step.observation.results if step.observation else [])
    ]
    return msgspec.structs.replace(
        step,
        step_id=number,
        tool_calls=calls or None,
        observation=Observation(results=results) if results else None,
    )


def _acting(call: _Call, number: int) -> Step:
    tool, arguments, text, worked = call
    shown = ResultMeta(exit_code=0 if worked else 1) if tool == "Bash" else ResultMeta(is_error=not worked)
    name = f"work-{number}"
    return Step(
        step_id=number,
        source="agent",
        message="",
        model_name="model",
        tool_calls=[ToolCall(tool_call_id=name, function_name=tool, arguments=dict(arguments))],
        observation=Observation(results=[with_result_meta(Result(source_call_id=name, content=text), shown)]),
    )


def _work(desk: _Desk, module: str, most: int) -> list[_Call]:
    """What a coding agent does for one request: a few rounds of reading, changing, testing."""
    random = desk.random
    calls: list[_Call] = []
    for _ in range(random.randint(2, 4)):
        calls += _round(desk, module)
    if random.random() < 0.4:
        package = random.choice(("requests", "pandas", "rich", "httpx"))
        calls.append(_bash(f"pip install {package}", "error: externally-managed-environment", False))
        calls.append(_bash(f"uv pip install --system {package}", f"Installed 1 package\n + {package}"))
    calls.append(_bash(f"git commit -am 'Mend {module}'", "1 file changed, 3 insertions(+)"))
    return calls[: max(0, most)]


def _round(desk: _Desk, module: str) -> list[_Call]:
    random = desk.random
    path, test = f"src/{module}/{random.choice(WORDS)}.py", f"tests/test_{module}.py"
    line = f"{random.choice(WORDS)} = {random.randint(100_000, 999_999)}"
    old = {"file_path": path, "old_string": line, "new_string": f"{line} + 1"}
    log = _text(random, desk.log, test)
    broken = f"{log}\nE       AssertionError: {line}\n1 failed, {random.randint(3, 90)} passed"
    calls: list[_Call] = [
        _bash(f"rg -n {random.choice(WORDS)} src/{module}", _text(random, desk.code, path)),
        ("Read", {"file_path": path}, _text(random, desk.code, path), True),
    ]
    if random.random() < 0.3:
        calls.append(("Edit", old, "String to replace not found in file.", False))
        calls.append(("Read", {"file_path": path}, _text(random, desk.code, path), True))
    calls += [
        ("Edit", old, f"The file {path} has been updated.", True),
        _bash(f"pytest {test} -x", broken, False),
        ("Edit", {**old, "new_string": f"{line} + 2"}, f"The file {path} has been updated.", True),
        _bash(f"pytest {test} -x", f"{_text(random, desk.log, test)}\n{random.randint(4, 91)} passed"),
    ]
    return calls


def _bash(command: str, text: str, worked: bool = True) -> _Call:
    return "Bash", {"command": command}, text, worked


def _size(random: Random) -> int:
    return int(SHORTEST * (LONGEST / SHORTEST) ** random.random())


def _text(random: Random, lines: Sequence[str], head: str) -> str:
    """An output of `_size` characters out of `lines`."""
    chosen = [head]
    left = _size(random)
    while left > 0:
        chosen.append(random.choice(lines))
        left -= len(chosen[-1]) + 1
    return "\n".join(chosen)


def _lines(random: Random) -> tuple[list[str], list[str]]:
    """Lines of code, one of eight with a number that substitution varies, and lines of a test log."""
    code = [
        " ".join(random.choices(WORDS, k=random.randint(3, 12)))
        + (f" # {random.randint(100_000, 999_999)}" if n % 8 == 0 else "")
        for n in range(LINES)
    ]
    log = [f"test_{'_'.join(random.choices(WORDS, k=random.randint(3, 8)))} PASSED" for _ in range(LINES)]
    return code, log
