"""What lies in a hub beside the log: messages, checkpoints, packs, claims, voting jobs, hub.json, sidecars.

The first line names the kind; `inbox`, `entries` and `rests on` are read as they lie in storage, a line of
each. A sidecar goes on to those who use what a release rests on. The rest is JSON that is signed here as that
kind has to be, or, where it is none, the bytes as they stand.
"""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any, cast

import msgspec
from fuzzing.group import GROUP, KEYS, loaded, started

from skillclaw.errors import BadInputError, UpgradeNeededError, VerifyError
from skillclaw.evolve import current
from skillclaw.hub import (
    checkpoints,
    claim_entries,
    founding,
    inbox,
    keys,
    log,
    messages,
    packs,
    proposing,
    vote_jobs,
)
from skillclaw.hub.records import HubState, ProposalState
from skillclaw.hub.signed import _covered
from skillclaw.server.api import skills
from skillclaw.server.git import story
from skillclaw.server.review import findings, provenance
from skillclaw.server.sessions import forgetting
from skillclaw.skills import bundle as bundles
from skillclaw.skills.items import all_items
from skillclaw.skills.records import Bundle, File, Proposal, Sidecar, record_in
from skillclaw.utf8 import need_utf8
from skillclaw.web import lessons
from skillclaw.web.reading import entries
from skillclaw.web.reading.sidecars import Sidecars

ALLOWED = (BadInputError, UpgradeNeededError, VerifyError)
KINDS = ("message", "checkpoint", "pack", "claim", "vote job", "hub.json")
STORED = ("inbox", "entries", "rests on")
DICT = (
    *(f"{kind}\n".encode() for kind in (*KINDS, *STORED, "sidecar", "proposed")),
    b'"join"',
    b'"rotate"',
    b'"tombstone"',
    b'"proposal"',
    b'"vote"',
    b'"counts"',
    b'"state"',
    b'"entries"',
    b'"base64:',
    b'"bundle"',
    b'"files"',
    b'"ttl"',
    b'"patterns"',
    b'"rules"',
    b'"keys"',
    b'"sigs"',
    b'"items"',
    b'"evidence"',
    b'"receipts"',
    b'"session"',
    b'"fold"',
    b'"data"',
)
TEXT = (
    b"---\nname: git\ndescription: Use it for git.\n---\n\n# Git\n\n## Steps\n\n- do\n- Run `git status`.\n"
)
BUNDLE = Bundle(name="git", files=[File(path="SKILL.md", data=TEXT)])
_encoder = msgspec.json.Encoder(order="deterministic")


def once(data: bytes) -> None:
    """The record is taken, or refused in words."""
    first, _, rest = data.partition(b"\n")
    kind = first.decode("latin-1")
    if kind == "sidecar":
        _rested_on(record_in(rest, Sidecar), rest)
        return
    if kind == "proposed":
        _proposed(record_in(rest, Proposal), rest)
        return
    if kind in STORED:
        _stored(kind, rest)
        return
    told = loaded(rest)
    client = keys.public_hex(KEYS["m"])
    if isinstance(told, dict):
        told = {"v": 1, "group": GROUP, "client": client, "n": 1, "time": "2026-01-01T00:00:00Z"} | told
        try:
            rest = _signed(kind, told)
        except (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError):
            return
    if kind == "checkpoint":
        checkpoints.parse(rest, 6, GROUP)
    elif kind == "pack":
        entries, _ = packs.unpack(rest, 1, 2, GROUP)
        assert len(entries) == 2
    elif kind == "claim":
        claim_entries.read(rest, GROUP, "cycle", 1)
    elif kind == "vote job":
        vote_jobs.read(rest, started(), "p1")
    elif kind == "hub.json":
        founding.parse_info(rest, "here")
    else:
        message = messages.read(rest, GROUP, client, 1)
        if message.kind == "proposal":
            proposing.check_proposal(message)


class _Store:
    """Storage in which whatever is asked for is the next line of the input."""

    def __init__(self, data: bytes) -> None:
        self._lines = data.split(b"\n")[:8]

    def list(self, prefix: str, after: str | None = None) -> list[str]:
        return [f"{prefix}/{n:020}.json" for n in range(1, len(self._lines) + 1)]

    def get(self, name: str, limit: int) -> bytes | None:
        number = int("".join(char for char in name[-25:] if char.isdigit()) or 1)
        return self._lines[(number - 1) % len(self._lines)][:limit]


def _stored(kind: str, data: bytes) -> None:
    """What cannot be read is left out of what is shown."""
    store = _Store(data)
    public = keys.public_hex(KEYS["m"])
    hub: Any = SimpleNamespace(store=store, info=SimpleNamespace(group=GROUP), url="here")
    if kind == "inbox":
        msgspec.json.encode([*inbox.refusals(hub, public), *inbox.waiting(hub, public)])
        told = loaded(data)
        need_utf8("proposal", told)  # as `inbox.send` does first
        inbox._proposal(hub, KEYS["m"], told if isinstance(told, dict) else {})
    elif kind == "entries":
        state = started()
        found = entries.part(hub, state, 6, state.head, 6)
        msgspec.json.encode(found)
        entries.times(hub, state, [1, 2])
        log.signed(state, data)
    else:
        machine: Any = SimpleNamespace(hubs=SimpleNamespace(object=lambda _, name: data))
        release = next(iter(started().skills["git"].releases))
        Sidecars().of(machine, hub, msgspec.structs.replace(release, sidecar="s"))


def _released() -> HubState:
    """The group with a release that rests on something."""
    state = started()
    known = state.skills["git"]
    release = msgspec.structs.replace(known.releases[0], sidecar="s")
    skill = msgspec.structs.replace(known, releases=[release])
    return msgspec.structs.replace(state, skills={"git": skill})


def _proposed(record: Proposal, data: bytes) -> None:
    """Whoever takes a proposal from the hub, which the log tells of as it is or otherwise."""
    state = _released()
    version = bundles.version(record.bundle) if record.bundle is not None else None
    hub: Any = SimpleNamespace(get_object=lambda _: data, last_state=lambda: state)
    told = {name: getattr(record, name) for name in ("id", "skill", "action", "base", "scope", "project")}
    told = {name: value for name, value in told.items() if name in ProposalState.__struct_fields__}
    known = msgspec.structs.replace(state.proposals["p1"], version=version, **told)
    for one in (known, state.proposals["p1"]):
        with contextlib.suppress(VerifyError):
            assert proposing.recorded(hub, one) == record
    proposing._known_items(hub, record)
    proposing.origins(state, record)


def _rested_on(sidecar: Sidecar, data: bytes) -> None:
    """Whoever reads what a release rests on: a member wrote it, with the right to release."""
    state = _released()
    skill = state.skills["git"]
    release = skill.releases[0]
    hub: Any = SimpleNamespace(get_object=lambda _: data, get_bundle=lambda _: BUNDLE, state=lambda: state)
    hubs: Any = SimpleNamespace(object=lambda _, name: data, bundle=lambda _, one: BUNDLE)
    machine: Any = SimpleNamespace(hubs=hubs, hub=hub, has_hub=True)
    cited = {ref.session for item in sidecar.items for ref in item.evidence}
    patterns = {name for item in sidecar.items for name in item.patterns}

    read, said = provenance._sidecar(hub, release)
    assert read == sidecar
    there = provenance._texts(BUNDLE)
    receipts = provenance._receipts(hub, cast(Any, SimpleNamespace(skill=skill)), read)
    links: dict[tuple[str, str], provenance.Link] = {}
    lines = [provenance._line(item, there, receipts, lambda ref, _: said, links) for item in sidecar.items]
    msgspec.json.encode(lines)

    session = min(cited, default="x")
    lessons.lessons_of(hubs, "here", hub, state, session)
    forgetting._skills(machine, {session})
    findings.items_from(
        machine, cast(Any, SimpleNamespace(hub=hub, state=state)), "git", min(patterns, default="p")
    )
    story._evidence(machine, hub, release)
    opened: Any = SimpleNamespace(machine=machine, hub=hub, state=state)
    kept = skills._sidecar(opened, release)
    msgspec.json.encode([one._asdict() for one in skills._placed(BUNDLE, kept)])
    current.current_skills(hub, state, current.ignored)
    current._described("git", sidecar)
    all_items(BUNDLE, sidecar)


def _signed(kind: str, told: dict[str, object]) -> bytes:
    """As the writer of that kind signs it."""
    bare = {name: value for name, value in told.items() if name != "sig"}
    if kind not in KINDS[1:5]:
        if kind == "hub.json":
            return _encoder.encode(told)
        with contextlib.suppress(msgspec.ValidationError):
            return messages.write(msgspec.convert(told, messages.Message), KEYS["m"])
        covered = b"skillclaw message\0" + GROUP.encode() + b"\0" + _encoder.encode(bare)
        return _encoder.encode({**bare, "sig": keys.sign(KEYS["m"], covered)})
    by = KEYS["e" if kind == "vote job" else "o"]
    for name in ("group", "client") + (() if kind == "claim" else ("n", "time")):
        bare.pop(name, None)
    bare["signer"] = keys.public_hex(by)
    return _encoder.encode({**bare, "sig": keys.sign(by, _covered(kind, GROUP, bare))})
