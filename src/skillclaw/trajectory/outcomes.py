"""How a session went, from signals (DESIGN 3.4).

Every sign is recorded as a `Signal` with the rule that saw it; one documented rule combines them:

1. Feedback of the user decides (the latest one), confidence 1.
2. Else a graded reward or an outcome given with an import decides, confidence 0.95.
3. Else the weighted mean of the other signals, each kind counted once by its last value:
   tests 3, exit 2, correction 2, accept 1.5, error 1.5, abandoned 1.5. At or above +0.2 it is a success, at
   or below -0.2 a failure, between them unknown. Confidence = |mean| x (1 - 0.5 ** weight), at most 0.9: one
   weak sign never looks like proof.

A session without any sign is unknown. `outcome` is idempotent: signals that it derives replace the derived
ones that the session already carries; feedback, reward and reports are kept.
"""

from __future__ import annotations

import re
from typing import Literal

from skillclaw.trajectory.feedback import accepts, corrects, interrupts, repeats
from skillclaw.trajectory.flow import Act, Answer, Event, Said, flow
from skillclaw.trajectory.model import SessionMeta, Signal, Trajectory, meta
from skillclaw.trajectory.shapes import command_key, target_of
from skillclaw.trajectory.shell import main_commands, remembered

__all__ = ["GIVEN", "WEIGHTS", "Outcome", "outcome"]

Outcome = Literal["success", "failure", "unknown"]

GIVEN = frozenset({"feedback", "reward", "reported"})
"""Kinds that come from outside; all others are derived from the steps, each time anew."""

WEIGHTS = {"tests": 3.0, "exit": 2.0, "correction": 2.0, "accept": 1.5, "error": 1.5, "abandoned": 1.5}
"""How much each derived kind counts; documented above."""

DECIDES = 0.2
SEEN_LATE = 6
"""A failing command counts as unresolved when nothing like it worked in the actions after it."""

_TEST_PROGRAMS = frozenset(
    {"pytest", "tox", "nox", "jest", "vitest", "mocha", "rspec", "phpunit", "ctest", "playwright"}
)
_TEST_KEYS = re.compile(
    r"^(?:(?:npm|pnpm|yarn|bun)(?: run)? test\S*|cargo (?:test|nextest)|go test|make (?:test|"
    r"check)\S*|python3? -m (?:pytest|unittest)|"
    r"uv run (?:pytest|tox|nox)|poetry run pytest|dotnet test|gradle test|mvn (?:test|verify)|"
    r"(?:npx|bunx) (?:jest|vitest|playwright|mocha)|mix test|"
    r"swift test|flutter test|rails test|php artisan test)"
)


def outcome(trajectory: Trajectory) -> tuple[Outcome, float, list[Signal]]:
    """Success, failure or unknown, the confidence (0..1), and the signals it came from."""
    known = meta(trajectory)
    given = [s for s in known.signals if s.kind in GIVEN]
    given += _imported(known, given)
    derived = _derive(flow(trajectory))
    signals = given + derived
    decided = _decide(given, derived)
    return (*decided, signals)


def _imported(known: SessionMeta, given: list[Signal]) -> list[Signal]:
    """A reward or outcome that an imported file states, unless its signal is there already."""
    if known.source != "import":
        return []
    kinds = {s.kind for s in given}
    found: list[Signal] = []
    if known.reward is not None and "reward" not in kinds:
        found.append(Signal(kind="reward", value=max(-1.0, min(1.0, 2 * known.reward - 1)), source="import"))
    # An outcome with confidence was judged by this module before; only one without comes from the file.
    if known.outcome != "unknown" and "reported" not in kinds and known.confidence == 0.0:
        found.append(
            Signal(kind="reported", value=1.0 if known.outcome == "success" else -1.0, source="import")
        )
    return found


def _decide(given: list[Signal], derived: list[Signal]) -> tuple[Outcome, float]:
    feedback = [s for s in given if s.kind == "feedback"]
    if feedback:
        return _named(feedback[-1].value), 1.0
    # A stated outcome is the grader's verdict; a reward between 0 and 1 may only be part of it.
    for kind in ("reported", "reward"):
        stated = [s for s in given if s.kind == kind]
        if stated:
            return _named(stated[-1].value), 0.95
    last = {s.kind: s.value for s in derived}
    if not last:
        return "unknown", 0.0
    weight = sum(WEIGHTS[kind] for kind in last)
    mean = sum(WEIGHTS[kind] * value for kind, value in last.items()) / weight
    confidence = round(min(0.9, abs(mean) * (1 - 0.5**weight)), 4)
    if abs(mean) < DECIDES:
        return "unknown", confidence
    return _named(mean), confidence


def _named(value: float) -> Outcome:
    return "success" if value > 0 else "failure" if value < 0 else "unknown"


def _derive(events: list[Event]) -> list[Signal]:
    acts = [e for e in events if isinstance(e, Act)]
    return [*_tests(acts), *_exits(acts), *_words(events), *_unresolved(acts), *_abandoned(events)]


def is_test(command: str) -> bool:
    """Whether the command runs tests."""
    for simple in main_commands(command):
        program = simple.words[0].rsplit("/", 1)[-1]
        if program in _TEST_PROGRAMS or _TEST_KEYS.match(command_key(" ".join(simple.words))):
            return True
    return False


def _tests(acts: list[Act]) -> list[Signal]:
    runs = [a for a in acts if a.command is not None and a.ok is not None and is_test(a.command)]
    if not runs:
        return []
    last = runs[-1]
    return [Signal(kind="tests", value=1.0 if last.ok else -1.0, step=last.step, source="last test run")]


def _exits(acts: list[Act]) -> list[Signal]:
    """The last changing command: how it ended says more than any before it."""
    runs = [
        a for a in acts if a.command is not None and a.ok is not None and a.writes and not is_test(a.command)
    ]
    if not runs:
        return []
    last = runs[-1]
    return [
        Signal(kind="exit", value=0.5 if last.ok else -0.7, step=last.step, source="last changing command")
    ]


def _words(events: list[Event]) -> list[Signal]:
    found: list[Signal] = []
    acted = False
    asks: list[str] = []
    for event in events:
        if isinstance(event, Act):
            acted = True
        elif isinstance(event, Said):
            text = event.text
            if interrupts(text):
                found.append(
                    Signal(kind="correction", value=-0.7, step=event.step, source="user interrupted")
                )
                continue
            if acted and corrects(text):
                found.append(Signal(kind="correction", value=-1.0, step=event.step, source="user corrects"))
            elif acted and any(repeats(ask, text) for ask in asks):
                found.append(Signal(kind="correction", value=-0.8, step=event.step, source="user asks again"))
            elif acted and accepts(text):
                if found and found[-1].kind == "correction":
                    # A correction that was taken up in the end costs less than one left standing.
                    found[-1] = Signal(
                        kind="correction", value=-0.3, step=found[-1].step, source=found[-1].source
                    )
                found.append(Signal(kind="accept", value=1.0, step=event.step, source="user accepts"))
            asks.append(text)
    return found


def _unresolved(acts: list[Act]) -> list[Signal]:
    """Failed actions near the end that nothing alike made good."""
    for index in range(len(acts) - 1, max(-1, len(acts) - 1 - SEEN_LATE), -1):
        act = acts[index]
        if act.ok is False and not any(a.ok and same_goal(act, a) for a in acts[index + 1 :]):
            return [Signal(kind="error", value=-0.8, step=act.step, source="tool error left unresolved")]
    failed = next((a for a in reversed(acts) if a.ok is False), None)
    if failed is not None:
        return [Signal(kind="error", value=0.3, step=failed.step, source="tool errors resolved")]
    return []


def same_goal(first: Act, second: Act) -> bool:
    """Whether two actions try the same thing: same program or tool, or the same file."""
    if first.command is not None and second.command is not None:
        one, two = command_key(first.command), command_key(second.command)
        return one == two or (
            bool(_parts(first.command) & _parts(second.command) - {"-m", "run", "install"})
            and similar(first.command, second.command)
        )
    if (first.command is None) != (second.command is None):
        return False
    target = target_of(first.tool, first.arguments)
    if target and target == target_of(second.tool, second.arguments) and second.writes == first.writes:
        return True
    return tail(first.tool) == tail(second.tool)


def tail(tool: str) -> str:
    """A function's name without its namespace, lower case."""
    return re.split(r"[.:/]|__", tool)[-1].lower()


@remembered
def _parts(command: str) -> set[str]:
    found: set[str] = set()
    for simple in main_commands(command):
        for word in simple.words:
            found.update(
                part for part in re.split(r"[/=:]|(?<=\w)-(?=\w)", word) if part and not part.startswith("-")
            )
    return found


def similar(first: str, second: str) -> bool:
    """Whether two commands share at least half of the words of the shorter one."""
    one, two = _parts(first), _parts(second)
    return bool(one and two) and len(one & two) / min(len(one), len(two)) >= 0.5


def _abandoned(events: list[Event]) -> list[Signal]:
    if not events:
        return []
    last = events[-1]
    if isinstance(last, Act) and last.ok is None:
        return [Signal(kind="abandoned", value=-0.7, step=last.step, source="ended with an open call")]
    if isinstance(last, Said) and interrupts(last.text):
        return [Signal(kind="abandoned", value=-1.0, step=last.step, source="user interrupted and left")]
    if isinstance(last, Act):
        return [Signal(kind="abandoned", value=-0.4, step=last.step, source="ended without an answer")]
    if isinstance(last, Answer) and not any(isinstance(e, Act) for e in events):
        return []
    return []
