"""The author's desk: the workspace to read, one draft at a time, and the gate's checks on it.

Each tool is a name, an argument record and a sentence; a call gives text. What is wrong with a call is said
to the model; nothing of it ends the cycle. Nothing can be reached but the texts of the workspace, nothing is
written but the draft.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from skillclaw.errors import BadInputError
from skillclaw.evolve.dossier.fence import cut, fenced, line
from skillclaw.evolve.drafting import Draft, DraftError, Target, build, review
from skillclaw.evolve.engines import agent_search
from skillclaw.evolve.engines.echo import echoed
from skillclaw.evolve.evolvers import EvolveContext
from skillclaw.evolve.triggers import trigger_faults
from skillclaw.gate.cited import refs_of
from skillclaw.gate.lines import added_items
from skillclaw.skills.items import markdown
from skillclaw.skills.records import Proposal
from skillclaw.trajectory.model import Record
from skillclaw.utf8 import without_halves

__all__ = ["TOOLS", "Desk", "Tool"]

REFUSALS = 2
"""How often `submit` is refused for faults; after that the gate takes out the lines that cannot stay."""
SHOWN = 12_000
"""Characters of a draft's files that are shown again."""
FAULTS = 30
"""Faults that are told at once."""
_log = logging.getLogger(__name__)


class List(Record, frozen=True, kw_only=True):
    """The files that there are, with their sizes."""

    folder: str = ""


class Search(Record, frozen=True, kw_only=True):
    """The lines of the files that hold a text."""

    text: str
    regex: bool = False
    folder: str = ""


class Read(Record, frozen=True, kw_only=True):
    """Some lines of a file."""

    path: str
    first: int = 1
    last: int = 0


class Check(Record, frozen=True, kw_only=True):
    """Nothing is asked but the draft that is there."""


class Submit(Record, frozen=True, kw_only=True):
    """Nothing is asked but the draft that is there."""


class Skip(Record, frozen=True, kw_only=True):
    """Why nothing should be made or changed."""

    reason: str


class Tool(Record, frozen=True, kw_only=True):
    """A tool as the model is told of it."""

    name: str
    about: str
    arguments: type[Any]


TOOLS = (
    Tool(name="list", about="The files below a folder (empty: all), with their sizes.", arguments=List),
    Tool(
        name="search",
        about="Lines that hold a text, in any case; with `regex`, that match it (RE2). `folder`: only there.",
        arguments=Search,
    ),
    Tool(
        name="read",
        about="Lines `first` to `last` of a file, from 1; `last` 0 is to the end.",
        arguments=Read,
    ),
    Tool(
        name="draft",
        about="Write the draft, whole, in the place of the one before: what to do (`action`), why, and edits "
        "of lines, each citing the ids of the patterns that support it. Gives the skill as it would be, and "
        "its faults.",
        arguments=Draft,
    ),
    Tool(name="check", about="Every check that the draft must pass, with what is wrong.", arguments=Check),
    Tool(name="submit", about="Hand the draft in. This ends the work.", arguments=Submit),
    Tool(name="skip", about="Leave the skill as it is, with the reason. This ends the work.", arguments=Skip),
)


class Desk:
    """What one author has before it, and how far it came.

    ended    `submitted` or `skipped` when the author is done; why: its reason
    last     the newest draft that could be built; best: the newest without a fault

    `reads_first`: no draft is taken before a pattern was read (`unread` until then). A model that is held to
    the form of a call is apt to fill in the largest form at once, from nothing.
    """

    def __init__(
        self,
        files: Mapping[str, str],
        target: Target,
        context: EvolveContext,
        *,
        engine: str,
        room: int,
        reads_first: bool = False,
    ) -> None:
        self.ended: Literal["", "submitted", "skipped"] = ""
        self.why = ""
        self.last: Proposal | None = None
        self.best: Proposal | None = None
        self.drafts = 0
        self._faults: list[str] = []
        self._checked = False
        self._refused = 0
        self._files = files
        self._target = target
        self._context = context
        self._engine = engine
        self._room = room
        self.unread = reads_first
        self._tools = {tool.name: tool for tool in TOOLS}

    def call(self, name: str, arguments: object) -> str:
        """What the tool gives; also where it cannot be done, in words for the model."""
        tool = self._tools.get(name)
        if tool is None:
            return f"There is no tool {name[:80]!r}. There are: {', '.join(self._tools)}."
        try:
            given = msgspec.convert(without_halves(arguments), tool.arguments, strict=False)
        except msgspec.ValidationError as error:
            return f"The arguments do not fit: {error}. Nothing was done."
        act: Callable[[Any], str] = getattr(self, f"_{name}")
        try:
            return act(given)
        except BadInputError as error:
            return str(error)
        except Exception as error:
            # Whatever a model makes up, its cycle goes on; the log says where to look.
            _log.warning("the tool %s of the agent engine failed: %s", name, type(error).__name__)
            return f"The tool failed ({type(error).__name__}). Try it otherwise."

    def _list(self, given: List) -> str:
        return agent_search.listing(self._files, given.folder)

    def _search(self, given: Search) -> str:
        return agent_search.search(self._files, given.text, regex=given.regex, folder=given.folder)

    def _read(self, given: Read) -> str:
        text = agent_search.read(self._files, given.path, given.first, given.last, self._room)
        self.unread = self.unread and not given.path.startswith("patterns/")
        return text

    def _draft(self, given: Draft) -> str:
        if self.unread:
            first = next((path for path in self._files if path.startswith("patterns/")), "")
            return f"You have read no pattern, so nothing was drafted. Begin with `read`, path {first}."
        self.drafts += 1
        self.last, self._faults, self._checked = None, [], False
        if given.action == "skip":
            return "A draft changes something. Call `skip` to leave the skill as it is."
        try:
            proposal = build(given, self._target, self._context, self._engine)
        except DraftError as error:
            return f"{error.what}\n{_listed(error.faults)}"
        if proposal is None:
            return f"Draft {self.drafts} changes nothing. Call `skip` if nothing is to be changed."
        if echoes := self._echoes(proposal):
            return f"The draft cannot become a proposal.\n{_listed(echoes)}"
        self.last = proposal
        self._faults = review(proposal, self._context)
        if not self._faults:
            self.best = proposal
        head = f"Draft {self.drafts}: {proposal.action} {proposal.skill}."
        return "\n\n".join([head, *self._shown(proposal), _listed(self._faults)])

    def _echoes(self, proposal: Proposal) -> list[str]:
        """The lines that say in other words what only tools said. No gate sees those, so none is built."""
        gate, base = self._context.gate, self._target.base
        if gate is None:
            return []
        before = base.bundle if base is not None else None
        said = [(item.text, item.evidence) for item in added_items(proposal, gate)]
        said.append((proposal.why, refs_of(self._target.patterns)))
        found = [(text, echoed(text, evidence, gate, before)) for text, evidence in said]
        return [f"“{text[:200]}”: {why}" for text, why in found if why is not None]

    def _shown(self, proposal: Proposal) -> list[str]:
        if proposal.bundle is None:
            return ["The skill would be retired."]
        room = min(SHOWN, self._room)
        return [fenced(path, cut(text, room)) for path, text in markdown(proposal.bundle).items()][:3]

    def _check(self, given: Check) -> str:
        if self.last is None:
            return "There is no draft to check. Call `draft` first."
        return _listed(self._checks(self.last))

    def _checks(self, proposal: Proposal) -> list[str]:
        """What `draft` found, and whether the description brings the skill up when it should."""
        if not self._checked:
            self._checked = True
            self._faults += trigger_faults(proposal, self._context, quote_others=False)
        return self._faults

    def _submit(self, given: Submit) -> str:
        if self.last is None:
            return "There is no draft to submit. Call `draft` first, or `skip`."
        if (faults := self._checks(self.last)) and self._refused < REFUSALS:
            self._refused += 1
            told = _listed(faults)
            return f"Not accepted.\n{told}\nMend them with `draft`, or leave those lines out."
        self.ended = "submitted"
        return "Handed in."

    def _skip(self, given: Skip) -> str:
        if not given.reason.strip():
            return "Say why."
        self.ended, self.why = "skipped", " ".join(given.reason.split())[:500]
        return "Left as it is."


def _listed(faults: Sequence[str]) -> str:
    """Faults as the model reads them: fenced, since they quote lines and sessions."""
    if not faults:
        return "No fault was found."
    rows = [line(fault, 500) for fault in faults[:FAULTS]]
    return fenced(f"{len(faults)} faults", "\n".join(rows))
