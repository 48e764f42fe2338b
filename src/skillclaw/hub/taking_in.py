"""Taking in what members left in the inbox: by an owner, an evolver or a reviewer, who may write the log.

For each message: read, verify, make it a commit, delete it. What is cut off in between is done again: a
commit that the log has already is not made twice. A message that does not hold is set aside with its reason
and stops no other. A flood of one client delays that client only, strangers have a budget of their own.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from skillclaw.errors import (
    BadInputError,
    BlockedError,
    GoneError,
    StorageError,
    UpgradeNeededError,
    UsageError,
)
from skillclaw.hub import messages
from skillclaw.hub.founding import INFO
from skillclaw.hub.log import MAX_COMMIT
from skillclaw.hub.membership import member
from skillclaw.hub.messages import Message, Refusal
from skillclaw.hub.proposing import check_proposal, store_proposal
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Proposal, Verdict
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub.hub import Hub
    from skillclaw.hub.records import HubState

__all__ = ["WRITERS", "Judge", "KeyAsked", "RefusedMessage", "TakenIn", "take_in"]

WRITERS = ("evolver", "reviewer", "owner")
"""Roles that take messages in, the first that this machine has a key for."""
PER_CLIENT = 100
"""Messages of one client in one pass."""
PER_PASS = 1000
"""Messages in one pass."""
STRANGERS = 100
"""Keys that the log does not know and that are looked at in one pass, chosen by chance."""
COMMITS = 400
"""Commits for one client in one pass, after which the rest of its messages wait for the next."""
NOTES = 20
"""Reasons that are kept for one client."""

_KEY = re.compile(r"[0-9a-f]{64}")

Judge = Callable[[Proposal], list[Verdict]]
"""What the gate's static checks say of a member's proposal."""


class RefusedMessage(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A message that was set aside: whose (its key), its number and kind, and why."""

    client: str
    n: int
    kind: str
    reason: str


class KeyAsked(Record, frozen=True, kw_only=True, omit_defaults=False):
    """An evolver (its key) that asks for another key that sessions are sealed to. It waits for the owner to
    say this key: who stole the evolver's signing key may ask for one, too.
    """

    client: str
    name: str
    sealing: str


class TakenIn(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What one pass did: `taken` by kind; `refused` those that were set aside; `waiting` how many are left
    for later (beyond the limits, of a newer format, proposals where nobody judges them); `asks`: keys that an
    owner has to say first; `accepted`: those that were said, and that sessions are sealed to now.
    """

    taken: dict[str, int] = {}
    refused: list[RefusedMessage] = []
    waiting: int = 0
    asks: list[KeyAsked] = []
    accepted: list[str] = []


def take_in(hub: Hub, judge: Judge | None = None, accept: Collection[str] = ()) -> TakenIn:
    """One pass over the inbox. Without `judge` proposals stay where they are. `accept`: new keys of evolvers
    that the owner, who is here, lets sessions be sealed to.

    Raises UsageError where this machine may not write the log, StorageError and VerifyError of the hub; what
    was done by then stays done.
    """
    hub.state()
    role = hub.acts_as(*WRITERS)
    if role is None:
        raise _may_not(hub)
    return _Pass(hub, role, judge, accept).run()


def _may_not(hub: Hub) -> UsageError:
    return UsageError(
        f"This machine may not take in messages of the hub at {hub.url}.",
        "It has no key of an owner, reviewer or evolver that still counts.",
        "They are taken in on a machine that has one.",
    )


class _Held(Exception):  # noqa: N818 - not a failure: the message has to wait
    """The message stays, and so do those after it of the same client."""


class _Stuck(Exception):  # noqa: N818 - not a failure of the pass: the next message may do
    """The message's own object cannot be read or deleted."""


class _Pass:
    """One pass: what it counts, and how each message is dealt with."""

    def __init__(self, hub: Hub, role: str, judge: Judge | None, accept: Collection[str]) -> None:
        self.hub = hub
        self.role = role
        self.judge = judge
        self.accept = accept
        self.asks: list[KeyAsked] = []
        self.accepted: list[str] = []
        self.taken: Counter[str] = Counter()
        self.refused: list[RefusedMessage] = []
        self.commits: Counter[str] = Counter()
        self._said: tuple[Proposal, list[Verdict]] | None = None

    def run(self) -> TakenIn:
        queues: dict[str, list[int]] = defaultdict(list)
        notes: Counter[str] = Counter()
        for name in self.hub.store.list(messages.INBOX):  # sorted, so each queue is in order
            found = messages.parse_place(name)
            if found is not None:
                queues[found[0]].append(found[1])
            elif "/refused/" in name:
                notes[name.split("/")[1]] += 1
        held: set[str] = set()
        done = 0
        for client, n in self._order(queues):
            if client in held or self.commits[client] >= COMMITS:
                continue
            try:
                with self._its_own():
                    data = self.hub.store.get(messages.place(client, n), messages.MAX_PROPOSAL)
                if data is not None:  # else another machine was faster
                    self._one(client, n, data, notes)
                done += 1
            except _Held:
                held.add(client)
            except _Stuck as stuck:
                self.refused.append(RefusedMessage(client=client, n=n, kind="", reason=str(stuck)[:500]))
        total = sum(len(queue) for queue in queues.values())
        return TakenIn(
            taken=dict(self.taken),
            refused=self.refused,
            waiting=total - done,
            asks=self.asks,
            accepted=self.accepted,
        )

    def _order(self, queues: dict[str, list[int]]) -> Iterator[tuple[str, int]]:
        """Turn by turn, so that no client has to wait for another's flood; strangers after the members."""
        known = self.hub.last_state().keys
        members = [client for client in queues if client in known]
        strangers = [client for client in queues if client not in known]
        random.shuffle(members)
        turns = (
            (client, queues[client][turn])
            for turn in range(PER_CLIENT)
            for client in members
            if turn < len(queues[client])
        )
        yield from islice(turns, PER_PASS)
        for client in random.sample(strangers, min(STRANGERS, len(strangers))):
            yield client, queues[client][0]

    def _one(self, client: str, n: int, data: bytes, notes: Counter[str]) -> None:
        name = messages.place(client, n)
        kind, reason = "", ""
        try:
            message = messages.read(data, self.hub.info.group, client, n)
        except UpgradeNeededError as error:
            if client in self.hub.last_state().keys:
                raise _Held from error
            reason = "it is of a newer format than this machine reads"
        except BadInputError as error:
            reason = error.why
        else:
            kind = message.kind
            try:
                self._do(message)
            except UpgradeNeededError:
                raise  # the log's, not the message's
            except BlockedError as error:
                raise _Stuck(f"it stays there: {error.why or error.what}") from error
            except (BadInputError, RecursionError) as error:
                reason = error.why or error.what if isinstance(error, BadInputError) else "it is too deep"
        if reason:
            self._set_aside(RefusedMessage(client=client, n=n, kind=kind, reason=reason[:500]), notes)
        else:
            self.taken[kind] += 1
        with self._its_own():
            self.hub.store.delete(name)

    @contextmanager
    def _its_own(self) -> Iterator[None]:
        """Reading and deleting of one message. Whoever may write in the inbox can put there what this machine
        cannot (encrypted with a key of its own, a file's mode): that stops no other message, unless the
        storage itself is away.
        """
        try:
            yield
        except StorageError as error:
            self.hub.store.get(INFO, MAX_COMMIT)
            raise _Stuck(f"it stays there: {error.why or error.what}") from error

    def _set_aside(self, refused: RefusedMessage, notes: Counter[str]) -> None:
        """Keep the reason for a member to read; a stranger's is only told here."""
        self.refused.append(refused)
        client = refused.client
        if client not in self.hub.last_state().keys or notes[client] >= NOTES:
            return
        notes[client] += 1
        note = Refusal(n=refused.n, kind=refused.kind, reason=refused.reason, time=_now())
        with suppress(StorageError):  # a hint; the message goes all the same
            self.hub.store.put(messages.refusal_place(client, refused.n), msgspec.json.encode(note))

    def _do(self, message: Message) -> None:
        """Make the message a commit, unless the log has that already. BadInputError says why not."""
        state = self.hub.last_state()
        if not _is_done(state, message):
            _check_sender(state, message)
            role = self._writer(state, message)
            for kind, body in self._bodies(message):
                try:
                    self.commits[message.client] += 1
                    self.hub.commit(kind, body, role=role)
                except BadInputError as error:
                    if _has(self.hub.last_state(), kind, body):
                        continue  # another machine took the same message in meanwhile
                    if self.hub.acts_as(role) is None:
                        raise _may_not(self.hub) from error  # it is no fault of the message
                    raise
        if message.kind == "proposal":
            self._hold(message)
        if message.kind == "rotate":
            self.accepted += [key for key in self.accept if key == message.body.get("sealing")]

    def _writer(self, state: HubState, message: Message) -> str:
        """The role to commit it as; another key that sessions are sealed to waits until an owner says it."""
        known, sealing = state.keys.get(message.client), message.body.get("sealing", "")
        if message.kind != "rotate" or known is None or known.role != "evolver" or sealing == known.sealing:
            return self.role
        if not isinstance(sealing, str) or not _KEY.fullmatch(sealing):
            return self.role  # the log's rules say what is wrong with it
        owner = self.hub.acts_as("owner")
        if owner is None or sealing not in self.accept:
            self.asks.append(KeyAsked(client=message.client, name=known.name, sealing=sealing))
            raise _Held
        return owner

    def _bodies(self, message: Message) -> list[tuple[str, dict[str, Any]]]:
        """The commits that the message asks for."""
        body, client = message.body, message.client
        if message.kind == "tombstone":
            keys_, sigs = body.get("keys"), body.get("sigs")
            if not isinstance(keys_, list) or not isinstance(sigs, list) or len(keys_) != len(sigs):
                raise BadInputError("A tombstone does not hold what it should.", "its keys are not signed")
            if len(keys_) > messages.MAX_KEYS:
                raise BadInputError("A tombstone does not hold what it should.", "it names too many sessions")
            made = [{"key": k, "client": client, "sig": s} for k, s in zip(keys_, sigs, strict=True)]
            state = self.hub.last_state()
            return [("tombstone", one) for one in made if not _has(state, "tombstone", one)]
        if message.kind == "proposal":
            if self.judge is None:
                raise _Held
            record = check_proposal(message)
            rejected = [v for v in self._judged(record) if v.verdict == "reject"]
            if rejected:
                told = " ".join(f"{v.check}: {v.reason}" for v in rejected[:3])
                raise BadInputError("The gate refuses the proposal.", told)
            return [("proposal", store_proposal(self.hub, message, record))]
        whose = "old" if message.kind == "rotate" else "public"
        if body.get(whose) != client:
            raise BadInputError("A message speaks for somebody else.", "it speaks for another key")
        if message.kind == "rotate" and body.get("upto") != message.n:
            raise BadInputError("A rotation does not hold.", "it does not say its own number")
        return [(message.kind, body)]

    def _judged(self, record: Proposal) -> list[Verdict]:
        if self.judge is None:
            return []
        if self._said is not None and self._said[0] == record:
            return self._said[1]
        try:
            self._said = record, self.judge(record)
            return self._said[1]
        except Exception as error:  # whatever a stranger's files do to a check, it is no reason to stop
            if isinstance(error, StorageError) and not isinstance(error, GoneError):
                raise  # the hub's, and no fault of the proposal: it is taken in another time
            told = f"the gate could not look at it: {type(error).__name__}"
            raise BadInputError("A proposal cannot be judged.", told) from error

    def _hold(self, message: Message) -> None:
        """A member's proposal waits for a person: nothing of it was measured."""
        record = check_proposal(message)
        known = self.hub.last_state().proposals.get(record.id)
        if known is None or known.status != "open":
            return
        person = Verdict(
            check="approval", verdict="hold", reason="A member proposed it, so a person has to look at it."
        )
        try:
            self.hub.record_verdicts(record.id, [*self._judged(record), person], "held")
        except BadInputError:
            if self.hub.last_state().proposals[record.id].status == "open":
                raise  # else somebody was faster


def _check_sender(state: HubState, message: Message) -> None:
    key = state.keys.get(message.client)
    if message.kind == "join":
        return  # the log's own rules say the rest
    if key is None:
        raise BadInputError("A message is of a stranger.", "its sender is no member of this group")
    if key.revoked or key.left:
        raise BadInputError("A message is of a former member.", "its sender is no member any more")
    if key.replaced and message.n >= key.upto:
        raise BadInputError("A message is of an old key.", "it was sent after its key was replaced")


def _is_done(state: HubState, message: Message) -> bool:
    """Whether the log has all of what the message asks for."""
    body, client = message.body, message.client
    if message.kind == "tombstone":
        wanted = body.get("keys")
        gone = state.withdrawn.get(member(state, client), [])
        return isinstance(wanted, list) and all(key in gone for key in wanted)
    if message.kind == "proposal":
        record = check_proposal(message)
        made = version(record.bundle) if record.bundle is not None else None
        return _has(state, "proposal", {"id": record.id, "author": client, "version": made})
    return _has(state, message.kind, body)


def _has(state: HubState, kind: str, body: dict[str, Any]) -> bool:
    """Whether the log has what this commit would do."""
    if kind == "join":
        invite = state.invites.get(str(body.get("invite")))
        return invite is not None and body.get("public") in invite.used
    if kind == "leave":
        key = state.keys.get(str(body.get("public")))
        return key is not None and key.left
    if kind == "rotate":
        key = state.keys.get(str(body.get("old")))
        return key is not None and key.replaced != "" and key.replaced == body.get("new")
    if kind == "tombstone":
        return body.get("key") in state.withdrawn.get(member(state, str(body.get("client"))), [])
    if kind == "counts":
        known = state.proposals.get(str(body.get("proposal")))
        counted = known.counts.get(member(state, str(body.get("public")))) if known is not None else None
        return counted is not None and all(
            getattr(counted, name) == body.get(name, 0) for name in ("n", "won", "lost", "tied", "void")
        )
    if kind == "vote":
        known = state.proposals.get(str(body.get("proposal")))
        said = known.votes.get(member(state, str(body.get("public")))) if known is not None else None
        return said is not None and (said.n, said.vote) == (body.get("n"), body.get("vote"))
    known = state.proposals.get(str(body.get("id")))
    return known is not None and (known.author, known.version) == (body.get("author"), body.get("version"))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
