"""What a later version wrote: refused whole where its number is higher, kept where only fields are new."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.agents.connections import forget_connection
from skillclaw.agents.tokens import known_tokens
from skillclaw.errors import UpgradeNeededError
from skillclaw.evolve.models.daybook import DayBook
from skillclaw.formats import carried, stop_at_newer
from skillclaw.hub import Hub
from skillclaw.hub.seen import SeenGroup, save_seen
from skillclaw.journal.grants import load_grants, save_grants
from skillclaw.journal.share_rules import Grant
from skillclaw.library import book
from skillclaw.library.records import Installed, LibraryState
from skillclaw.server.deep.formats import FILES
from skillclaw.server.setup.consent import agree, unfollow
from skillclaw.server.setup.wishes import want
from skillclaw.server.votes.book import load_book
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Bundle, File, Item, Proposal, Sidecar, Verdict, record_in
from skillclaw.trajectory.model import Record

NEW = {"from_a_later_version": {"deep": [1, {"x": None}]}}


class _Inner(Record, frozen=True, kw_only=True):
    name: str
    n: int = 0


class _Outer(Record, frozen=True, kw_only=True):
    one: _Inner | None = None
    many: list[_Inner] = []
    named: dict[str, _Inner] = {}


inner = st.builds(_Inner, name=st.sampled_from("abc"), n=st.integers(0, 2))
outer = st.builds(
    _Outer,
    one=st.none() | inner,
    many=st.lists(inner, max_size=3),
    named=st.dictionaries(st.sampled_from("xy"), inner),
)


def grown(value: Any, number: int = 0) -> Any:
    """The JSON with one more field in each object that is a record."""
    if isinstance(value, dict):
        plain = {key: grown(child) for key, child in value.items()}
        return plain if set(value) <= {"x", "y"} and value else {**plain, "zz": number}
    return [grown(one) for one in value] if isinstance(value, list) else value


@given(outer)
def test_what_was_not_changed_keeps_every_unknown_field(record: _Outer) -> None:
    before = grown(msgspec.to_builtins(record))
    kept = msgspec.to_builtins(carried(record, msgspec.json.encode(before)))
    assert kept == before
    assert msgspec.convert(kept, _Outer) == record


@given(outer, outer)
def test_what_is_known_is_always_the_new_record(old: _Outer, new: _Outer) -> None:
    kept = carried(new, msgspec.json.encode(grown(msgspec.to_builtins(old))))
    assert msgspec.convert(msgspec.to_builtins(kept), _Outer) == new
    assert carried(new, msgspec.json.encode(old)) is new, "nothing unknown: the very record, the same bytes"


@pytest.mark.parametrize(
    "raw", [b"", b"[1]", b"{", b'{"v":"x"}', b'{"v":true}', b'{"v":1}', b"\xff", b"null"]
)
def test_what_says_no_newer_format_is_for_its_decoder(raw: bytes) -> None:
    stop_at_newer(raw, "it", 1)


def rewritten(home: Path) -> dict[str, Callable[[], None]]:
    """Ways to have each file of the home written again."""
    copy = Installed(skill="git", hub="personal", target="/t", version="a" * 64, files={})

    def wished() -> None:
        want(home, ["codex"], history_only=True)

    def library() -> None:
        now = book.load(home)
        book.save(home, LibraryState(installed=[copy], declined=[*now.declined, "x"]))

    return {
        "wanted.json": wished,
        "consent.json": lambda: (agree(home, ["codex"]), unfollow(home, ["codex"]))[0],
        "sharing.json": lambda: save_grants(home, {**load_grants(home), "default": Grant(value="off")}),
        "hubs.json": lambda: save_seen(home / "hubs.json", "/h", "ab", SeenGroup(owner="o", seq=2)),
        "library.json": library,
        "connections.json": lambda: forget_connection(home, "gone"),
    }


FIRST: dict[str, dict[str, Any]] = {
    "wanted.json": {"v": 1, "proxy": ["qwen-code"], "history": []},
    "consent.json": {"v": 1, "agreed": True, "only": ["qwen-code"], "but": []},
    "sharing.json": {"v": 1, "grants": {"hubs.team": {"value": "off", "since": "2026-10-01", **NEW}}},
    "hubs.json": {"urls": {"/g": "cd"}, "groups": {"cd": {"owner": "o", "seq": 1, **NEW}}},
    "library.json": {
        "installed": [
            {"skill": "git", "hub": "personal", "target": "/t", "version": "a" * 64, "files": {}, **NEW}
        ]
    },
    "connections.json": {
        "agents": {
            name: {"agent": name, "base_url": "u", "upstream": "p", "files": [], **NEW}
            for name in ("gone", "stays")
        }
    },
}


@pytest.mark.parametrize("name", FIRST)
def test_fields_of_a_later_version_survive_being_written_by_this_one(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(json.dumps({**FIRST[name], **NEW}), "utf-8")
    before = path.read_bytes()
    rewritten(tmp_path)[name]()
    now = json.loads(path.read_text("utf-8"))
    assert path.read_bytes() != before
    assert now.items() >= NEW.items()
    if name == "sharing.json":
        assert now["grants"]["hubs.team"].items() >= NEW.items()
    if name == "hubs.json":
        assert now["groups"]["cd"].items() >= NEW.items()
    if name == "library.json":
        assert now["installed"][0].items() >= NEW.items()
    if name == "connections.json":
        assert now["agents"].keys() == {"stays"} and now["agents"]["stays"].items() >= NEW.items()


@pytest.mark.parametrize("name", FILES)
def test_a_newer_number_is_seen_before_anything_else_of_the_file(tmp_path: Path, name: str) -> None:
    """A later version may have made other types of everything: that is no damage, and nothing to delete."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    for rest in ({}, {key: "?" for key in FIRST.get(name, {"user": 1, "client": 1, "key": 1}) if key != "v"}):
        path.write_text(json.dumps({**rest, "v": 2}), "utf-8")
        before = path.read_bytes()
        with pytest.raises(UpgradeNeededError) as caught:
            FILES[name](tmp_path)
        assert "format is 2" in caught.value.why and "Upgrade" in caught.value.todo
        assert "elete" not in str(caught.value)
        assert path.read_bytes() == before


def test_files_that_began_without_a_number_are_no_exception(tmp_path: Path) -> None:
    for name in ("votes/book.json", "model-spending.json", "tokens.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"v": 2, "days": []}', "utf-8")
    for read in (load_book, known_tokens, lambda home: DayBook(home).of("2026-11-27")):
        with pytest.raises(UpgradeNeededError):
            read(tmp_path)


def test_a_sidecar_or_proposal_of_a_newer_format_is_not_read_as_an_old_one() -> None:
    later = '{"v":2,"skill":"git","items":{"now":"a map"}}'
    for data, kind in ((later, Sidecar), (later, Proposal), (f'{{"id":7,"sidecar":{later}}}', Proposal)):
        with pytest.raises(UpgradeNeededError):
            record_in(data.encode(), kind)


def test_what_a_later_version_says_of_a_line_is_released_with_it_by_this_one(tmp_path: Path) -> None:
    """Proposed by a later version, released by this one; then changed by this one, one line as it was."""
    hub = Hub.open_or_create(str(tmp_path / "hub"), tmp_path / "keys", tmp_path / "hubs.json")

    def released(name: str, base: str | None, items: list[Item], more: bool) -> tuple[str, dict[str, Any]]:
        text = "".join(f"- {item.text}\n" for item in items).encode()
        head = b"---\nname: git\ndescription: How to use git.\n---\n"
        made = Bundle(name="git", files=[File(path="SKILL.md", data=head + text)])
        proposal = Proposal(
            id=name,
            action="refine" if base else "create",
            skill="git",
            base=base,
            engine="llm",
            why="",
            bundle=made,
            sidecar=Sidecar(skill="git", version=version(made), items=items),
        )
        if more:
            raw = msgspec.to_builtins(proposal)
            later = [{**one, **NEW} for one in raw["sidecar"]["items"]]
            raw["sidecar"] = {**raw["sidecar"], **NEW, "items": later}
            body = {"id": name, "skill": "git", "action": proposal.action, "base": base}
            body |= {"version": version(made), "object": hub.put_object(msgspec.json.encode(raw))}
            hub.commit("proposal", body, role="evolver")
        else:
            hub.propose(proposal)
        hub.record_verdicts(name, [Verdict(check="support", verdict="pass", reason="x")], "passed")
        release = hub.release(name)
        assert release.sidecar is not None
        return release.version, json.loads(hub.get_object(release.sidecar))

    one, two = Item(id="1", kind="fact", text="One."), Item(id="2", kind="fact", text="Two.")
    base, first = released("p1", None, [one], more=True)
    assert first.items() >= NEW.items() and first["items"][0].items() >= NEW.items()
    _, second = released("p2", base, [one, two], more=False)
    assert second["items"][0].items() >= NEW.items(), "the line is as it was"
    assert not second.keys() & NEW.keys(), "what was said of the version before is not said of this one"
    assert not second["items"][1].keys() & NEW.keys()
