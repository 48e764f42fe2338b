"""The requests of one conversation, each of which re-sends the whole -> each piece once, in order.

A thread remembers the context that its model saw last. A request is aligned with that context: what it adds
is new; what it leaves out has happened all the same. So a shortened history (compaction), a rewind and a
side request on top of the conversation all leave every piece where it was, once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from skillclaw.trajectory.model import text_of
from skillclaw.wire.align import align
from skillclaw.wire.content import fingerprint
from skillclaw.wire.once import Prints
from skillclaw.wire.records import Decoded, Item, Usage

__all__ = ["OWN_ID", "Entry", "ReplyFacts", "Thread", "conversation"]

EntryKind = Literal["turn", "side", "compaction"]
DIGITS = re.compile(r"\d+")
NO_WORD = re.compile(r"[^A-Za-z0-9]+")
OWN_ID = 12
"""From this length on a call id is taken to be unique; some gateways count `call_0`, `call_1` anew."""


@dataclass
class Entry:
    """One piece in its place; `batch` is the exchange that brought it, `reply` the response it is part of."""

    item: Item
    kind: EntryKind
    batch: int
    time: float | None
    reply: int | None = None


@dataclass(frozen=True)
class ReplyFacts:
    """What is known of one response as a whole; `time` in Unix seconds."""

    model: str
    effort: str | None
    usage: Usage | None
    time: float | None


def conversation(items: list[Item], prints: Prints) -> list[bytes]:
    """Fingerprints of what user and agent said and did: the part that stays equal when it is re-sent."""
    return [
        prints.of(item)
        for item in items
        if item.role != "system" and not item.injected and item.kind != "reasoning"
    ]


@dataclass
class Thread:
    """One conversation: the root's own, or a sub-agent's."""

    id: str
    parent: str | None = None
    is_subagent: bool = False
    prints: Prints = field(default_factory=Prints)
    entries: list[Entry] = field(default_factory=list)
    replies: list[ReplyFacts] = field(default_factory=list)
    _context: list[tuple[bytes, int]] = field(default_factory=list)
    _seen: dict[bytes, list[int]] = field(default_factory=dict)
    _calls: dict[str, int] = field(default_factory=dict)
    _bare: dict[str, int] = field(default_factory=dict)
    _results: dict[str, int] = field(default_factory=dict)
    _last: tuple[str, tuple[bytes, ...]] | None = None
    _last_reply: int | None = None
    _batch: int = 0

    def extends(self, decoded: Decoded) -> bool:
        """Whether the request continues this thread: it holds all that the agent did in the last context."""
        given = set(map(self.prints.of, decoded.request))
        agent = [
            fp for fp, at in self._context if self.entries[at].item.role == "agent" and not self._quiet(at)
        ]
        return bool(agent) and all(fp in given for fp in agent)

    def foreign(self, decoded: Decoded) -> bool:
        """Whether the request shares nothing with this thread, not even the system prompt."""
        if not self._context:
            return False
        known = {fp for fp, at in self._context if not self._quiet(at)}
        if any(fp in known for fp in conversation(decoded.request, self.prints)):
            return False
        system = next((item for item in decoded.request if item.role == "system"), None)
        shortened = any(item.compaction for item in decoded.request)
        return not shortened and (system is None or _soft(system) not in self._seen)

    def _quiet(self, at: int) -> bool:
        item = self.entries[at].item
        return item.role == "system" or item.injected or item.kind == "reasoning"

    def add(self, decoded: Decoded, kind: EntryKind, started: float, finished: float) -> None:
        """Take in one exchange. Side requests and compactions add their own pieces and leave the context."""
        self._batch += 1
        request = decoded.request
        prints = [self.prints.of(item) for item in request]
        same = (kind, tuple(prints))
        if self._last == same and self._last_reply is not None:
            # Asked again word by word: the agent did not use the answer it had (a cut stream, a retry).
            if kind != "turn" and self._same_reply(decoded):
                return
            self._demote(self._last_reply)
        context = self._place(request, prints, kind, started)
        reply = self._respond(decoded, kind, finished)
        if kind == "turn":
            self._context = context + reply
        self._last = same

    def _place(
        self, request: list[Item], prints: list[bytes], kind: EntryKind, started: float
    ) -> list[tuple[bytes, int]]:
        """Where each piece of a request stands, after what is new was added."""
        matched = align([fp for fp, _ in self._context], prints)
        # A side request that has but the host's texts in common with the conversation says nothing of it.
        told = any(not self._quiet(self._context[place][1]) for place in matched.values())
        # Words that are told again behind a summary may stand where others like them stood.
        shortened = self._shortened(matched) or any(
            item.compaction and at not in matched for at, item in enumerate(request)
        )
        fresh = not self._context
        last_agent = max((i for i, item in enumerate(request) if item.role == "agent"), default=-1)
        # What the user said last is what the request is about; older words may be told again by the host.
        words = [i for i, item in enumerate(request) if _is_words(item)]
        # A request on top of the conversation may tell of answers whose exchange was not seen.
        history = last_agent if kind == "turn" or told else -1
        taken = {self._context[place][1] for place in matched.values()}
        names: dict[str, str] = {}
        places: list[int | None] = []
        thoughts: list[int] = []
        for at, item in enumerate(request):
            own = "turn" if at <= history else kind
            found = self._context[matched[at]][1] if at in matched else None
            if found is None:
                found = self._known(item, prints[at], names, shortened, taken)
            if found is None and kind != "turn":
                found = self._aside(prints[at], taken)
            if found is None and kind != "turn" and item.role == "system":
                places.append(None)
                continue
            if found is None and item.kind == "reasoning":
                thoughts.append(at)
                places.append(None)
                continue
            if found is None:
                retold = shortened and _is_words(item) and at != words[-1]
                if own == "turn" and (item.compaction or retold):
                    own = "compaction"
                time = None if fresh and at <= last_agent else started
                # Thoughts are sent again only with what followed them; they are new if that is.
                for before in thoughts:
                    places[before] = self._append(request[before], own, time)
                if kind != "turn" and at > history and item.role == "user":
                    item = msgspec.structs.replace(item, injected=True)
                found = self._append(item, own, time, names)
            elif item.kind == "call":
                names[item.call_id] = self.entries[found].item.call_id
            taken.add(found)
            thoughts = []
            places.append(found)
        whole = [(fp, at) for fp, at in zip(prints, places, strict=True) if at is not None]
        if kind != "turn" and told:
            # Neither its own pieces nor those of a side request that it goes on from are the conversation's.
            aside = {at for at in taken if self.entries[at].kind == "side"}
            aside |= {
                at
                for at in taken
                if self.entries[at].batch == self._batch and self.entries[at].kind != "turn"
            }
            known = {at for _, at in self._context}
            # One that knows nothing new may be behind: a look back goes on beside the conversation.
            if any(at not in known and self.entries[at].kind == "turn" for _, at in whole):
                # It may show the beginning alone, so what stands behind that stays.
                behind = self._context[max(matched.values()) + 1 :]
                told_now = [pair for pair in whole if pair[1] not in aside]
                self._context = told_now + [pair for pair in behind if pair not in told_now]
        return whole

    def _aside(self, fp: bytes, taken: set[int]) -> int | None:
        """Where a piece stands that was said before beside the conversation: a summary that is gone over."""
        known = self._seen.get(fp, [])
        return next((at for at in known if self.entries[at].kind != "turn" and at not in taken), None)

    def _shortened(self, matched: dict[int, int]) -> bool:
        """Whether the first thing that the agent did is gone from the request."""
        kept = set(matched.values())
        first = next(
            (
                index
                for index, (_, at) in enumerate(self._context)
                if self.entries[at].item.role == "agent" and not self._quiet(at)
            ),
            None,
        )
        return first is not None and first not in kept

    def _known(
        self, item: Item, fp: bytes, names: dict[str, str], shortened: bool, taken: set[int]
    ) -> int | None:
        """Where a piece that the last context does not hold in this place stands already, or None.

        A text that stands in this request already was said again; one that is gone from its place was moved.
        """
        if item.kind == "call":
            at = self._calls.get(item.call_id, self._bare.get(item.call_id))
            if at is not None and (len(item.call_id) >= OWN_ID or fp in self._seen):
                return at if at not in taken else None
            return None
        if item.kind == "result":
            return self._results.get(names.get(item.call_id, item.call_id))
        quiet = item.role == "system" or item.injected
        if not quiet and item.kind != "reasoning" and not shortened:
            return None
        known = self._seen.get(_soft(item) if quiet else fp, [])
        return next((at for at in known if at not in taken), None)

    def _append(
        self,
        item: Item,
        kind: EntryKind,
        time: float | None,
        names: dict[str, str] | None = None,
        reply: int | None = None,
    ) -> int:
        at = len(self.entries)
        names = {} if names is None else names
        if item.kind == "call":
            call_id = item.call_id or f"call-{fingerprint(item).hex()}"
            number = 2
            while call_id in self._calls:
                call_id = f"{item.call_id or 'call'}-{number}"
                number += 1
            names[item.call_id] = call_id
            self._calls[call_id] = at
            # Some clients (OpenClaw) send ids back with nothing but letters and digits in them.
            self._bare[NO_WORD.sub("", call_id)] = at
            item = msgspec.structs.replace(item, call_id=call_id)
        elif item.kind == "result":
            call_id = names.get(item.call_id, item.call_id)
            if not call_id:
                call_id = self._unanswered()
            if call_id:
                self._results.setdefault(call_id, at)
            item = msgspec.structs.replace(item, call_id=call_id)
        quiet = item.role == "system" or item.injected
        self._seen.setdefault(_soft(item) if quiet else fingerprint(item), []).append(at)
        self.entries.append(Entry(item, kind, self._batch, time, reply))
        return at

    def _unanswered(self) -> str:
        return next((call_id for call_id in self._calls if call_id not in self._results), "")

    def _respond(self, decoded: Decoded, kind: EntryKind, finished: float) -> list[tuple[bytes, int]]:
        number = len(self.replies)
        self.replies.append(ReplyFacts(decoded.model, decoded.effort, decoded.usage, finished))
        names: dict[str, str] = {}
        placed = [
            (fingerprint(item), self._append(item, kind, finished, names, number))
            for item in decoded.response
        ]
        if decoded.error:
            status = f"HTTP {decoded.status}: " if decoded.status and decoded.status != 200 else ""
            failed = Item(role="system", kind="text", content=f"The call failed. {status}{decoded.error}")
            self.entries.append(Entry(failed, "side", self._batch, finished))
        self._last_reply = number
        return placed

    def _same_reply(self, decoded: Decoded) -> bool:
        known = [fingerprint(entry.item) for entry in self.entries if entry.reply == self._last_reply]
        return known == [fingerprint(item) for item in decoded.response]

    def _demote(self, reply: int) -> None:
        for entry in self.entries:
            if entry.reply == reply:
                entry.kind = "side"


def _is_words(item: Item) -> bool:
    """Whether the user said it."""
    return item.role == "user" and item.kind == "text" and not item.injected


def _soft(item: Item) -> bytes:
    """A fingerprint for host texts: dates and counters in them change without saying anything new."""
    return fingerprint(msgspec.structs.replace(item, content=DIGITS.sub("0", text_of(item.content))))
