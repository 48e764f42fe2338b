"""`skills verify`: from a released line back to the sessions that members signed, link by link.

The log's release names a bundle and a sidecar by their hashes; the sidecar is that of the proposal, which
the log names too; each line cites sessions; and of each session the sidecar says by a commitment which sealed
object it came from (`groups.receipts`), that its member signed for this group. Anybody checks the links up to
the cited sessions. Who has the evolver's store and keys checks these too. No text of a session is told.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Literal

from skillclaw.errors import UNREADABLE, BadInputError, SkillClawError
from skillclaw.hub import keys, log
from skillclaw.hub.proposing import recorded
from skillclaw.hub.room import own_keys
from skillclaw.server.groups.collecting import evidence_key, group_folder, pseudonym
from skillclaw.server.groups.receipts import Receipt, Receipts
from skillclaw.server.review.reviewing import approver_rows
from skillclaw.server.skills.naming import find_skill
from skillclaw.skills.items import all_items, same_text
from skillclaw.skills.records import Bundle, Item, Ref, Sidecar, record_in
from skillclaw.trajectory import model
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from nacl.public import PrivateKey

    from skillclaw.hub import Hub, HubState
    from skillclaw.hub.records import Release
    from skillclaw.journal.store import SessionStore
    from skillclaw.server.machine import Machine
    from skillclaw.server.skills.naming import Found

__all__ = ["Chain", "LineChain", "Link", "counted", "verify_skill"]

Status = Literal["verified", "not here", "broken"]
"""`not here`: this machine has not what it takes to say."""


class Link(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One link: what it is about (`release`, `files`, `sidecar`, `proposal`, `approval`, `session`), which
    one, how it stands, and why, as a sentence."""

    link: str
    of: str
    status: Status
    why: str


class LineChain(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A line of the skill and the sessions that it cites."""

    item: str
    text: str
    status: Status
    sessions: list[Link] = []


class Chain(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Everything that was looked at. `status` is the worst that was found."""

    skill: str
    hub: str
    version: str
    status: Status
    links: list[Link]
    lines: list[LineChain]


def verify_skill(machine: Machine, name: str, line: str | None = None) -> Chain:
    """The chain of the current version of a skill (`name` may be `HUB/NAME`); with `line` of that item alone.

    Raises BadInputError where there is no such skill or line, and what reading the hub raises.
    """
    found = find_skill(machine, name)
    hub, state, release = found.hub, found.hub.state(), found.current
    links = [_release(hub, state, release)]
    bundle, files = _files(hub, release)
    sidecar, said = _sidecar(hub, release)
    links += [files, said, *_proposal(hub, state, release, sidecar)]
    items = sidecar.items if sidecar is not None else []
    if line is not None:
        items = [item for item in items if item.id == line]
        if not items:
            raise BadInputError(
                f"{name} has no line {ascii(line)[:60]}.", "", f"See: skillclaw skills evidence {name}"
            )
    there = _texts(bundle)
    receipts = _receipts(hub, found, sidecar)
    with _checker(machine, found, state) as look:
        known: dict[tuple[str, str], Link] = {}
        lines = [_line(item, there, receipts, look, known) for item in items]
    status = _worst([*(link.status for link in links), *(one.status for one in lines)])
    return Chain(
        skill=found.skill.name,
        hub=found.source.name,
        version=release.version,
        status=status,
        links=links,
        lines=lines,
    )


def _worst(all_of: Iterable[Status]) -> Status:
    seen = set(all_of)
    return "broken" if "broken" in seen else "not here" if "not here" in seen else "verified"


def _release(hub: Hub, state: HubState, release: Release) -> Link:
    of = f"log entry {release.seq}"
    data = hub.store.get(log.key_of(release.seq), log.MAX_COMMIT)
    if data is None:
        why = "The entry lies in a pack of an owner's; it counted when this machine read the log."
        return Link(link="release", of=of, status="verified", why=why)
    commit = log.signed(state, data)
    told = commit.body if commit is not None else {}
    named = (told.get("version"), told.get("object"), told.get("sidecar"), told.get("skill"))
    if commit is None or named != (release.version, release.object, release.sidecar, release.skill):
        why = "What lies there is not the entry that this machine read, or nobody of the group signed it."
        return Link(link="release", of=of, status="broken", why=why)
    signer = state.keys[commit.signer]
    why = f"Signed by {signer.name or commit.signer[:16]} ({signer.role}), part of the log's chain."
    return Link(link="release", of=of, status="verified", why=why)


def _files(hub: Hub, release: Release) -> tuple[Bundle | None, Link]:
    of = f"object {release.object[:16]}"
    try:
        bundle = hub.get_bundle(release)
    except SkillClawError as error:
        return None, Link(link="files", of=of, status="broken", why=_told(error))
    why = "Its bytes have the hash, and its files the version, that the release names."
    return bundle, Link(link="files", of=of, status="verified", why=why)


def _sidecar(hub: Hub, release: Release) -> tuple[Sidecar | None, Link]:
    if release.sidecar is None:
        return None, Link(
            link="sidecar", of="none", status="not here", why="No evidence was released with it."
        )
    of = f"object {release.sidecar[:16]}"
    try:
        sidecar = record_in(hub.get_object(release.sidecar), Sidecar)
    except SkillClawError as error:
        return None, Link(link="sidecar", of=of, status="broken", why=_told(error))
    if (sidecar.skill, sidecar.version) != (release.skill, release.version):
        why = "It speaks of another skill or version."
        return sidecar, Link(link="sidecar", of=of, status="broken", why=why)
    why = "Its bytes have the hash that the release names."
    return sidecar, Link(link="sidecar", of=of, status="verified", why=why)


def _proposal(hub: Hub, state: HubState, release: Release, sidecar: Sidecar | None) -> list[Link]:
    known = state.proposals.get(release.proposal or "")
    if known is None:
        why = "It was released by hand, without a proposal."
        return [Link(link="proposal", of="none", status="not here", why=why)]
    try:
        record = recorded(hub, known)
    except SkillClawError as error:
        return [Link(link="proposal", of=known.id, status="broken", why=_told(error))]
    if record.sidecar != sidecar:
        why = "What was judged cites other sessions than what was released."
        return [Link(link="proposal", of=known.id, status="broken", why=why)]
    why = f"It is what was proposed and judged ({len(known.verdicts)} verdicts), with the same evidence."
    found = [Link(link="proposal", of=known.id, status="verified", why=why)]
    rows = approver_rows(state, known, release.reviewers)
    people = [row.name or row.key for row in rows if row.counts]
    others = [row.name or row.key for row in rows if not row.counts]
    told = [f"Approved by {', '.join(people)}."] if people else []
    if others:
        told.append(f"An approval by {', '.join(others)} does not count (key revoked, or its author's).")
    if told:
        status: Status = "verified" if people else "not here"
        found.append(Link(link="approval", of=known.id, status=status, why=" ".join(told)))
    return found


def _texts(bundle: Bundle | None) -> set[str] | None:
    if bundle is None:
        return None
    try:
        return {same_text(item.text) for item in all_items(bundle, None)}
    except BadInputError:
        return None


def _receipts(hub: Hub, found: Found, sidecar: Sidecar | None) -> dict[str, list[str]]:
    """What the release says of each session; of one that it says nothing of, since a person changed the text,
    what those before it said."""
    said = {session: [receipt] for session, receipt in (sidecar.receipts if sidecar else {}).items()}
    cited = {ref.session for item in (sidecar.items if sidecar else []) for ref in item.evidence}
    silent = cited - said.keys()
    for one in reversed(found.skill.releases) if silent else ():
        try:
            older = record_in(hub.get_object(one.sidecar or ""), Sidecar)
        except SkillClawError:
            continue  # an older release's own chain would be broken, not this one
        for session in silent & older.receipts.keys():
            said.setdefault(session, []).append(older.receipts[session])
    return said


Look = Callable[[Ref, Sequence[str]], Link]
"""How one cited session stands, given what releases said of it."""


def _line(
    item: Item,
    there: set[str] | None,
    receipts: dict[str, list[str]],
    look: Look,
    known: dict[tuple[str, str], Link],
) -> LineChain:
    if there is not None and same_text(item.text) not in there:
        why = "The released files do not have this line."
        gone = Link(link="line", of=item.id, status="broken", why=why)
        return LineChain(item=item.id, text=item.text, status="broken", sessions=[gone])
    sessions = []
    for ref in item.evidence:
        mark = (ref.session, ref.user)
        if mark not in known:
            known[mark] = look(ref, receipts.get(ref.session, ()))
        sessions.append(known[mark])
    status: Status = _worst(link.status for link in sessions) if sessions else "not here"
    return LineChain(item=item.id, text=item.text, status=status, sessions=sessions)


@contextmanager
def _checker(machine: Machine, found: Found, state: HubState) -> Iterator[Look]:
    """What looks at cited sessions, with the store that it reads open."""
    from skillclaw.journal.store import SessionStore
    from skillclaw.server.machine import PERSONAL

    hub, folder = found.hub, machine.home / "keys"
    if found.source.name == PERSONAL:
        has = (machine.home / "sessions.db").exists()
        yield lambda ref, said: _own(machine.sessions if has else None, ref)
        return
    secret = keys.load(folder, hub.info.group, "pseudonyms")
    own = own_keys(folder, hub.info.group)
    if secret is None or not own:
        why = "It is sealed to the group's evolver; only that machine can look at it."
        yield lambda ref, said: Link(link="session", of=ref.session, status="not here", why=why)
        return
    with closing(SessionStore(group_folder(machine, hub.info.group))) as sessions:
        yield _Evolver(hub, state, sessions, secret.encode(), own).look


def _own(sessions: SessionStore | None, ref: Ref) -> Link:
    """A session of one's own hub: it is here, or it was forgotten or has expired."""

    def link(status: Status, why: str) -> Link:
        return Link(link="session", of=ref.session, status=status, why=why)

    try:
        if sessions is None:
            raise BadInputError("There are no sessions.")
        user = model.meta(sessions.get(ref.session)).user
    except BadInputError:
        return link("not here", "It was forgotten, or is not kept any more.")
    if user != ref.user:
        return link("broken", "It is of another person than the line says.")
    return link("verified", "It is on this machine.")


class _Evolver:
    """The look of a machine that has the evolver's store and keys."""

    def __init__(
        self, hub: Hub, state: HubState, sessions: SessionStore, secret: bytes, own: list[PrivateKey]
    ) -> None:
        from skillclaw.server.groups.passing import Passing

        self._hub, self._state, self._sessions, self._secret = hub, state, sessions, secret
        self._receipts = Receipts(sessions, state.group, secret)
        self._passing = Passing(hub, state, sessions, own)

    def look(self, ref: Ref, said: Sequence[str]) -> Link:
        """How a cited session stands."""
        if not said:
            why = "The release has no receipt of it: it was taken in before receipts were kept."
            return self._link(ref, "not here", why)
        receipt = next((one for each in said if (one := self._receipts.opening(ref.session, each))), None)
        if receipt is None:
            if any(True for _ in self._receipts.of(ref.session)):
                why = "What the release says of it fits no session that was taken in."
                return self._link(ref, "broken", why)
            return self._link(ref, "not here", "Another machine of the evolver took it in.")
        return self._sealed(ref, receipt)

    def _sealed(self, ref: Ref, receipt: Receipt) -> Link:
        from skillclaw.hub.sealed import get_session

        key = self._state.keys.get(receipt.signer)
        if key is None:
            return self._link(ref, "broken", "No member of the group signed it.")
        if pseudonym(key, self._secret) != ref.user:
            return self._link(ref, "broken", "Another member than the line says signed it.")
        data = get_session(self._hub, receipt.object)
        if data is None:
            why = "A member's key signed it when it was taken in; the sealed session is not kept any more."
            return self._link(ref, "not here", why)
        try:
            readable = self._passing.readable(receipt.object, data)
            if readable is None:
                return self._link(ref, "not here", "It is sealed to another evolver's key.")
            opened = self._passing.open(receipt.object, readable)
            known = model.meta(model.decode(opened.body))
        except (SkillClawError, *UNREADABLE) as error:
            return self._link(ref, "broken", _told(error))
        if opened.signer != receipt.signer or hashlib.sha256(opened.body).hexdigest() != receipt.body:
            return self._link(ref, "broken", "The sealed session is not the one that was taken in.")
        if evidence_key(key.member, known.key, self._secret) != ref.session:
            return self._link(ref, "broken", "The sealed session is another one than the line cites.")
        since = " Its member was revoked since." if key.revoked else ""
        why = f"Its member's key signed it for this group, and it is what was taken in.{since}"
        return self._link(ref, "verified", why)

    def _link(self, ref: Ref, status: Status, why: str) -> Link:
        return Link(link="session", of=ref.session, status=status, why=why)


def counted(line: LineChain) -> str:
    """How a line's sessions stand, in a few words: `5 verified, 1 not here`."""
    counts = Counter(link.status for link in line.sessions)
    order: tuple[Status, ...] = ("verified", "not here", "broken")
    return ", ".join(f"{counts[one]} {one}" for one in order if counts[one]) or "no sessions"


def _told(error: Exception) -> str:
    if isinstance(error, SkillClawError):
        return error.brief
    return f"It does not hold what it should ({type(error).__name__})."
