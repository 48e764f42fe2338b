"""The records that pass between evolver, gate, hub and library.

Pattern -> Proposal -> Verdict -> (hub) release. docs/formats.md spells out each field; the JSON
Schemas there are generated from these classes and checked by a test.
"""

from __future__ import annotations

import hashlib
from typing import Literal, TypeVar

import msgspec

from skillclaw.errors import UNREADABLE, BadInputError
from skillclaw.formats import stop_at_newer
from skillclaw.trajectory.model import Record

__all__ = [
    "HOST",
    "ActionShape",
    "ArgShape",
    "Bundle",
    "Carrier",
    "Effect",
    "File",
    "Intent",
    "Item",
    "ItemKind",
    "Pattern",
    "PatternKind",
    "Proposal",
    "Ref",
    "Retired",
    "Sidecar",
    "Stats",
    "Support",
    "Verdict",
    "content_id",
    "record_in",
]

PatternKind = Literal["recovery", "correction", "procedure", "pitfall"]
ItemKind = Literal["condition", "step", "fix", "pitfall", "fact", "example", "script"]
Action = Literal["create", "refine", "describe", "merge", "split", "retire"]
VerdictValue = Literal["pass", "hold", "reject", "n/a"]
_R = TypeVar("_R", bound=Record)

HOST = "host:"
"""How the engine of a skill begins that an agent wrote by itself: `host:hermes`."""


class Ref(Record, frozen=True, kw_only=True):
    """One place in one session that supports something; `steps` are step_ids."""

    session: str
    user: str
    agent: str
    day: str
    steps: list[int] = []
    success: bool | None = None


class ArgShape(Record, frozen=True, kw_only=True):
    """What the calls of a pattern gave for one argument.

    constant  the one value that (nearly) all gave, as JSON text; None when it varied
    form      what varying values look like: `date`, `datetime`, `email`, `path`, `url`, `id`, `number`,
              `bool`, `text`, `one of a|b|c`
    origin    where the value came from: `user` (in the user's words), `result:<n>` (in the result of
              procedure step n, from 0), `history` (an earlier call), `` unknown
    share     fraction of the calls that gave this argument at all
    sample    of a date or a time: a made-up value as (nearly) all wrote theirs (`skills.samples`)
    """

    name: str
    constant: str | None = None
    form: str = ""
    origin: str = ""
    share: float = 1.0
    sample: str = ""


class ActionShape(Record, frozen=True, kw_only=True):
    """A tool call with what varies taken out.

    tool     function name as the agent called it (`Bash`, `exec_command`, `calendar.create_event`)
    command  for shell calls: the command with varying parts as `<path>`, `<number>`, ...; else None
    args     for other calls: the arguments, sorted by name
    example  one real call, as the agent wrote it (redacted), for readers
    times    `1`, `+` (once per thing found) or `?` (only in some sessions)
    """

    tool: str
    command: str | None = None
    args: list[ArgShape] = []
    example: str = ""
    times: Literal["1", "+", "?"] = "1"


class Intent(Record, frozen=True, kw_only=True):
    """What users asked for, in their words: `label` has what varies as `<...>`.

    `terms` are the words that tell this intent from others, strongest first.
    """

    label: str
    terms: list[str] = []
    examples: list[str] = []


class Carrier(Record, frozen=True, kw_only=True):
    """A model, user or agent that much of an effect hangs on.

    share           its part of the sessions that did what the pattern says and succeeded (0..1)
    odds_ratio, ci  the effect in everybody else's sessions; null where nothing is left to compare
    """

    kind: Literal["model", "user", "agent"]
    name: str
    share: float
    odds_ratio: float | None = None
    ci: tuple[float, float] | None = None


class Support(Record, frozen=True, kw_only=True):
    """How many sessions, people, agents and days stand behind a pattern."""

    sessions: int
    users: int
    agents: int
    days: int


class Stats(Record, frozen=True, kw_only=True):
    """The numbers of a pattern. `odds_ratio` and `ci` are null where they cannot be computed.

    with/without: sessions of the same task cluster that did / did not do what the pattern says, and
    how many of each succeeded. odds_ratio: Mantel-Haenszel over task cluster x model strata, with the
    Robins-Breslow-Greenland 95% interval. p: of the same comparison; q: after Benjamini-Hochberg over the
    cycle (`evolve.conclude` says over what). recency: mean of 0.5 ** (age in days / half-life) over the
    evidence.
    carriers: who carries the effect, so that a reader can doubt it. cost: mean number of tool calls that a
    session loses where the pattern's advice is not followed.
    """

    with_n: int = 0
    with_success: int = 0
    without_n: int = 0
    without_success: int = 0
    odds_ratio: float | None = None
    ci: tuple[float, float] | None = None
    p: float | None = None
    q: float | None = None
    recency: float = 1.0
    carriers: list[Carrier] = []
    cost: float | None = None


class Pattern(Record, frozen=True, kw_only=True):
    """A cluster of episodes that say the same, with its statistics.

    id        stable: hash of kind and signature
    topic     the family of things it is about (`git`, `pytest`, `calendar`, `localhost:9110`)
    failed    recovery, correction: what went wrong; pitfall: what failing sessions did
    error     template of the error text, varying parts as `<...>`; comes from tool results, so TAINTED:
              an evolver may copy a word of it only if the word is grounded otherwise
    actions   recovery: what worked; procedure: the steps in order; correction: what was accepted
    before    procedure, pitfall: (index of the action, index of what must come first)
    user_text correction: the user's own words, shortest first
    demand    correction: what users ask of a program, where it is an option or a call: `rota --zone utc`
    ahead     correction: the call before which users want the demanded one: `git commit`
    contradictions  sessions where the same was done and it went wrong
    calls     correction: other sessions in which what users correct was called; they say nothing for it, but
              how the call is built
    reversed  correction: others ask for the reverse, and have the last word (`overruled`), or neither has
              (`disputed`); these are then among `contradictions`
    held_out  sessions that show it and taught nothing of it: it is tried on them (docs/gate.md); only where
              replay is switched on
    support   all that stands behind it, where `evidence` holds a sample of it only
    env       facts of the environment in which the evidence was seen (os, tool versions)
    stale     what has changed in the environment since the last evidence, a sentence each
    """

    id: str
    kind: PatternKind
    title: str
    topic: str
    signature: str
    intent: Intent | None = None
    failed: ActionShape | None = None
    error: str = ""
    actions: list[ActionShape] = []
    before: list[tuple[int, int]] = []
    user_text: list[str] = []
    demand: str = ""
    ahead: str = ""
    evidence: list[Ref] = []
    contradictions: list[Ref] = []
    reversed: Literal["", "overruled", "disputed"] = ""
    calls: list[Ref] = []
    held_out: list[Ref] = []
    stats: Stats = Stats()
    project: str | None = None
    support: Support | None = None
    env: dict[str, list[str]] = {}
    stale: list[str] = []

    @property
    def sessions(self) -> int:
        """How many sessions support it."""
        return self.support.sessions if self.support else len({ref.session for ref in self.evidence})

    @property
    def users(self) -> int:
        """How many people support it."""
        return self.support.users if self.support else len({ref.user for ref in self.evidence})

    @property
    def sources(self) -> list[Ref]:
        """The sessions that had a part in it, those that speak against it among them."""
        return [*self.evidence, *self.contradictions, *self.calls]

    @property
    def agents(self) -> list[str]:
        """The agents it was seen in."""
        return sorted({ref.agent for ref in self.evidence})


class Effect(Record, frozen=True, kw_only=True):
    """What a released version did, by its switchback arms; rates are 0..1, `difference` treated less control.

    endpoint    `event`: the pattern's failing action recurred (less is better); `outcome`: success
    treated_n, control_n  eligible sessions of both arms; clients, blocks: how many clients, and client-days
    difference, ci        null where nothing can be compared: not measured, never a number
    helps, harms          e-values: evidence that it helps, or harms, by all sessions; chance reaches 20 in
                          1 of 20 at most. A group decides by those without the people at either end
    read_n, read_rate     sessions of the treated arm in which the body was really read, and their rate
    method      what was computed, in short, so that a reader can look it up (docs/rollout.md)
    """

    endpoint: Literal["event", "outcome"]
    treated_n: int = 0
    control_n: int = 0
    clients: int = 0
    blocks: int = 0
    treated_rate: float | None = None
    control_rate: float | None = None
    difference: float | None = None
    ci: tuple[float, float] | None = None
    helps: float | None = None
    harms: float | None = None
    read_n: int = 0
    read_rate: float | None = None
    method: str = ""


class File(Record, frozen=True, kw_only=True):
    """One regular file of a bundle; `path` is relative, NFC, with `/`."""

    path: str
    data: bytes
    executable: bool = False


class Bundle(Record, frozen=True, kw_only=True):
    """A skill as files. `version` is computed by skills.bundle.version."""

    name: str
    files: list[File]


class Item(Record, frozen=True, kw_only=True):
    """One line of a skill that stands for itself, with the evidence for it.

    id is hash(skill lineage, kind, first text); a person's own line has no evidence.
    helpful, harmful  sessions that did what the line says and succeeded, or failed
                      (`evolve.counts` says how they are counted)
    """

    id: str
    kind: ItemKind
    text: str
    section: str = ""
    patterns: list[str] = []
    evidence: list[Ref] = []
    odds_ratio: float | None = None
    ci: tuple[float, float] | None = None
    helpful: int = 0
    harmful: int = 0


SIDECAR_FORMAT = 1
PROPOSAL_FORMAT = 1


class Sidecar(Record, frozen=True, kw_only=True):
    """Everything about a version that is not in its files: items, evidence, ownership.

    receipts  in a group, by session that the items cite: what binds the evolver to the very session that its
              member signed and sealed, and tells nobody else anything (docs/gate.md, Provenance)
    """

    v: int = SIDECAR_FORMAT
    skill: str
    version: str
    parents: list[str] = []
    engine: str = ""
    items: list[Item] = []
    receipts: dict[str, str] = {}


class Retired(Record, frozen=True, kw_only=True):
    """A skill that goes with the release of another that says what it said: its name and current version."""

    skill: str
    version: str


class Proposal(Record, frozen=True, kw_only=True):
    """A candidate version, or a retirement, with its evidence.

    id        hash of what it was made from (base version, engine, patterns' ids and evidence), so that
              the same inputs give the same proposal
    base      the version it changes; None for a new skill
    engine    the evolver that made it; `person`; or `host:<agent>` for a skill that an agent wrote by itself
    bundle    the whole new content; None for `retire`
    why       one sentence a user understands
    retires   merge: skills that are archived by the very commit that releases this one; neither happens alone
    against   retire: sessions that speak against the skill, where no pattern's contradictions do
    instead   retire: the skill that says the same, at this version; while that is current, and no longer
    shown     sessions behind what its author, a model, was shown and cites nowhere: they taught it too, so
              that it is not tried on them; in no group's hub
    """

    v: int = PROPOSAL_FORMAT
    id: str
    action: Action
    skill: str
    base: str | None
    engine: str
    why: str
    scope: Literal["global", "project"] = "global"
    project: str | None = None
    bundle: Bundle | None = None
    sidecar: Sidecar | None = None
    patterns: list[Pattern] = []
    retires: list[Retired] = []
    against: list[Ref] = []
    shown: list[Ref] = []
    instead: Retired | None = None


class Verdict(Record, frozen=True, kw_only=True):
    """What one check says of a proposal; `reason` is for the user."""

    check: str
    verdict: VerdictValue
    reason: str


_FORMATS: dict[type[Record], tuple[str, int]] = {
    Sidecar: ("what a skill's version rests on", SIDECAR_FORMAT),
    Proposal: ("a proposal", PROPOSAL_FORMAT),
}
"""What a message calls them, and the newest format that is read."""


class _Around(msgspec.Struct):
    """A proposal of which nothing is read but that it holds a sidecar."""

    sidecar: msgspec.Raw = msgspec.Raw(b"null")


def record_in(data: bytes, kind: type[_R]) -> _R:
    """The record in an object of a hub; UpgradeNeededError where it, or the sidecar in it, is of a newer
    format, BadInputError where its bytes, which a member wrote, hold none.
    """
    if kind in _FORMATS:
        stop_at_newer(data, *_FORMATS[kind])
    try:
        if kind is Proposal:
            stop_at_newer(msgspec.json.decode(data, type=_Around).sidecar, *_FORMATS[Sidecar])
        return msgspec.json.decode(data, type=kind)
    except UNREADABLE as error:
        raise BadInputError(
            f"A {kind.__name__.lower()} in the hub does not hold what it should.",
            str(error),
            "See: skillclaw hub verify",
        ) from error


def content_id(kind: str, *parts: object) -> str:
    """A 16-digit id that depends on the kind and the values given, nothing else."""
    body = msgspec.json.encode([kind, *parts], order="deterministic")
    return hashlib.sha256(body).hexdigest()[:16]
