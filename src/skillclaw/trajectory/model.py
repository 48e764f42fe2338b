"""ATIF v1.8 trajectories as fast, frozen records, with SkillClaw's own fields typed.

The field names are those of the Agent Trajectory Interchange Format (PyPI `atif`); its rules are held on what
comes from outside (`agents.atif_rules`), and tests hold both against that package. These records exist since
a cycle reads tens of thousands of sessions and the proxy must not import pydantic; msgspec decodes the same
JSON about twenty times faster.

ATIF forbids unknown keys, so everything of ours is under `extra.skillclaw`: the
`*Meta` records below. Read them with `meta`, `step_meta`, `call_meta`, `result_meta`; write them with
`with_meta` and friends. Other programs' keys in `extra` are kept.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal, TypeVar

import msgspec

__all__ = [
    "ATIF_VERSION",
    "SESSION_FORMAT",
    "Agent",
    "CallMeta",
    "FinalMetrics",
    "Metrics",
    "Observation",
    "Part",
    "Ready",
    "Record",
    "Result",
    "ResultMeta",
    "SessionMeta",
    "Signal",
    "SkillUse",
    "Source",
    "Step",
    "StepMeta",
    "SubagentRef",
    "ToolCall",
    "Trajectory",
    "call_meta",
    "decode",
    "encode",
    "is_newer",
    "meta",
    "result_meta",
    "step_meta",
    "text_of",
    "with_call_meta",
    "with_meta",
    "with_result_meta",
    "with_step_meta",
]

ATIF_VERSION = "ATIF-v1.8"
EXTRA_KEY = "skillclaw"
SESSION_FORMAT = 1
"""Of what is ours in a session, `extra.skillclaw`."""


class Ready(msgspec.StructMeta):
    """What a class of records must be, so that threads can decode it.

    msgspec learns a class's fields when the first of it is decoded; another thread that comes meanwhile uses
    what is half learnt, and the process crashes. So they are learnt here, under the lock of the import.
    """

    def __init__(cls, *args: Any, **config: Any) -> None:  # noqa: N805 - a metaclass
        super().__init__(*args)
        # A class that names itself, or one below it, is learnt with the first that holds it.
        with suppress(NameError, TypeError):
            msgspec.json.Decoder(cls)


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, metaclass=Ready):
    """Base of the records: immutable, compared by value, defaults left out of the JSON."""


class Source(Record, frozen=True, kw_only=True):
    """Where an image or sound lies; SkillClaw stores `sha256:<hex>` as path and drops the bytes."""

    media_type: str
    path: str
    duration_sec: float | None = None


class Part(Record, frozen=True, kw_only=True):
    """One part of a multimodal message."""

    type: Literal["text", "image", "audio"]
    text: str | None = None
    source: Source | None = None


class SubagentRef(Record, frozen=True, kw_only=True):
    """A delegated trajectory that a result stands for."""

    trajectory_id: str | None = None
    trajectory_path: str | None = None
    session_id: str | None = None
    extra: dict[str, Any] | None = None


class Result(Record, frozen=True, kw_only=True):
    """What one tool call gave back (ATIF ObservationResult)."""

    source_call_id: str | None = None
    content: str | list[Part] | None = None
    subagent_trajectory_ref: list[SubagentRef] | None = None
    extra: dict[str, Any] | None = None


class Observation(Record, frozen=True, kw_only=True):
    """The results of a step, in the order they came."""

    results: list[Result]


class ToolCall(Record, frozen=True, kw_only=True):
    """One tool invocation; input that is not a JSON object is under `arguments["input"]`."""

    tool_call_id: str
    function_name: str
    arguments: dict[str, Any]
    extra: dict[str, Any] | None = None


class Metrics(Record, frozen=True, kw_only=True):
    """Tokens and money of one step."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    cost_usd: float | None = None
    prompt_token_ids: list[int] | None = None
    completion_token_ids: list[int] | None = None
    logprobs: list[float] | None = None
    extra: dict[str, Any] | None = None


class Step(Record, frozen=True, kw_only=True):
    """One turn: a system prompt, a user message, or an agent turn with its calls and results."""

    step_id: int
    source: Literal["system", "user", "agent"]
    message: str | list[Part]
    timestamp: str | None = None
    model_name: str | None = None
    reasoning_effort: str | float | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None
    observation: Observation | None = None
    metrics: Metrics | None = None
    extra: dict[str, Any] | None = None
    llm_call_count: int | None = None
    is_copied_context: bool | None = None


class Agent(Record, frozen=True, kw_only=True):
    """The agent platform that acted."""

    name: str
    version: str
    model_name: str | None = None
    tool_definitions: list[dict[str, Any]] | None = None
    extra: dict[str, Any] | None = None


class FinalMetrics(Record, frozen=True, kw_only=True):
    """Totals of a trajectory."""

    total_prompt_tokens: int | None = None
    total_completion_tokens: int | None = None
    total_cached_tokens: int | None = None
    total_cost_usd: float | None = None
    total_steps: int | None = None
    extra: dict[str, Any] | None = None


class Trajectory(Record, frozen=True, kw_only=True):
    """One session as an ATIF document."""

    schema_version: str
    agent: Agent
    steps: list[Step]
    session_id: str | None = None
    trajectory_id: str | None = None
    notes: str | None = None
    final_metrics: FinalMetrics | None = None
    continued_trajectory_ref: str | None = None
    extra: dict[str, Any] | None = None
    subagent_trajectories: list[Trajectory] | None = None


class Signal(Record, frozen=True, kw_only=True):
    """One sign of how a session went. `step` is a step_id; `source` names the rule that saw it.

    kind: feedback | reward | reported | tests | exit | correction | accept | error | loop | grounds |
    effort | answer | abandoned
    value: from -1 (went wrong) to 1 (went right)
    """

    kind: str
    value: float
    step: int | None = None
    source: str = ""


class SkillUse(Record, frozen=True, kw_only=True):
    """A skill that was before the agent. `version` is set only when the body seen hashes to one.

    installed  the version that SkillClaw had in the agent's folders at the session's first exchange
    edited     the user had changed that copy, so that the session tells nothing of any version
    """

    name: str
    hub: str | None = None
    version: str | None = None
    offered: bool = False
    read_step: int | None = None
    invoked_step: int | None = None
    installed: str | None = None
    edited: bool = False


class SessionMeta(Record, frozen=True, kw_only=True):
    """`extra.skillclaw` of a trajectory.

    key        stable id of the session on this machine, 16 hex digits (see `keys.session_key`)
    revision   1 for the first form seen, +1 each time it grew; no more than a JSON number holds exactly
    outcome    success | failure | unknown, with the signals it came from and a confidence in 0..1
    kind       `evolver`: what an author of skills did, which is never mined, shared or counted
    masked     how many secrets and personal data of each kind were replaced before storing
    env        facts seen: os, tool versions; `skillclaw.canary` = `off` where the machine takes no part in
               canaries
    """

    v: int = SESSION_FORMAT
    key: str = ""
    revision: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 1
    source: Literal["wire", "history", "import"] = "import"
    kind: Literal["work", "evolver"] = "work"
    user: str = ""
    client: str = ""
    project: str = ""
    task: str | None = None
    outcome: Literal["success", "failure", "unknown"] = "unknown"
    reward: float | None = None
    confidence: float = 0.0
    signals: list[Signal] = []
    skills: list[SkillUse] = []
    masked: dict[str, int] = {}
    env: dict[str, str] = {}


class StepMeta(Record, frozen=True, kw_only=True):
    """`extra.skillclaw` of a step. `injected`: text that the host put there, not the user."""

    kind: Literal["turn", "side", "compaction"] = "turn"
    injected: bool = False


class CallMeta(Record, frozen=True, kw_only=True):
    """`extra.skillclaw` of a tool call; `raw_arguments` only where the input was not a JSON object."""

    raw_arguments: str | None = None


class ResultMeta(Record, frozen=True, kw_only=True):
    """`extra.skillclaw` of a result. `taint` marks text from outside (web pages, files, skill bodies)."""

    exit_code: int | None = None
    is_error: bool | None = None
    taint: str | None = None


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Trajectory)
_M = TypeVar("_M", SessionMeta, StepMeta, CallMeta, ResultMeta)
_O = TypeVar("_O", Trajectory, Step, ToolCall, Result)


def encode(trajectory: Trajectory) -> bytes:
    """The trajectory as one line of JSON, the same bytes for equal values."""
    return _encoder.encode(trajectory)


def decode(data: bytes | str) -> Trajectory:
    """The trajectory in `data`; raises msgspec.ValidationError or DecodeError with the place."""
    return _decoder.decode(data)


def _read(extra: dict[str, Any] | None, kind: type[_M]) -> _M:
    raw = (extra or {}).get(EXTRA_KEY)
    if not isinstance(raw, dict):
        return kind()
    return msgspec.convert(raw, kind)


def _write(owner: _O, value: SessionMeta | StepMeta | CallMeta | ResultMeta) -> _O:
    extra = dict(owner.extra or {})
    built = msgspec.to_builtins(value)
    if built:
        extra[EXTRA_KEY] = built
    else:
        extra.pop(EXTRA_KEY, None)
    return msgspec.structs.replace(owner, extra=extra or None)


def is_newer(trajectory: Trajectory) -> bool:
    """Whether what is ours in it is of a format that this version does not read."""
    ours = (trajectory.extra or {}).get(EXTRA_KEY)
    version = ours.get("v") if isinstance(ours, dict) else None
    return isinstance(version, int) and version > SESSION_FORMAT


def meta(trajectory: Trajectory) -> SessionMeta:
    """Our fields of the session; defaults where there are none."""
    return _read(trajectory.extra, SessionMeta)


def step_meta(step: Step) -> StepMeta:
    """Our fields of the step."""
    return _read(step.extra, StepMeta)


def call_meta(call: ToolCall) -> CallMeta:
    """Our fields of the call."""
    return _read(call.extra, CallMeta)


def result_meta(result: Result) -> ResultMeta:
    """Our fields of the result."""
    return _read(result.extra, ResultMeta)


def with_meta(trajectory: Trajectory, value: SessionMeta) -> Trajectory:
    """The trajectory with our fields replaced."""
    return _write(trajectory, value)


def with_step_meta(step: Step, value: StepMeta) -> Step:
    """The step with our fields replaced."""
    return _write(step, value)


def with_call_meta(call: ToolCall, value: CallMeta) -> ToolCall:
    """The call with our fields replaced."""
    return _write(call, value)


def with_result_meta(result: Result, value: ResultMeta) -> Result:
    """The result with our fields replaced."""
    return _write(result, value)


def text_of(content: str | list[Part] | None) -> str:
    """The text in a message or a result; images and sound leave nothing."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    return "\n".join(part.text for part in content if part.text)
