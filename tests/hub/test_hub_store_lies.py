"""A storage that says it wrote, or deleted, and did not: what is confirmed to a user is looked for first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bucket_server import Bucket
from storage_faults import Fault, Faults, faulty

from skillclaw.errors import StorageError
from skillclaw.hub import Hub, inbox
from skillclaw.hub.sealed import delete_session, get_session, put_session

NAME = "sessions/2026-03-01/" + "a" * 64
KEYS = ["b" * 16]


@pytest.fixture
def relay(oss: Bucket) -> Iterator[Faults]:
    with faulty(oss.port) as made:
        yield made


@pytest.fixture
def hub(oss: Bucket, relay: Faults, tmp_path: Path) -> Hub:
    url = oss.url(endpoint=relay.endpoint)
    made = Hub.open_or_create(url, tmp_path / "keys", seen=tmp_path / "hubs.json")
    made.commit("tombstone", {"key": "a"})
    return made


def session(hub: Hub) -> None:
    put_session(hub, NAME, b"sealed")


def obj(hub: Hub) -> None:
    hub.put_object(b"a bundle")


def message(hub: Hub) -> None:
    inbox.send(hub, "tombstone", {"keys": KEYS})


def entry(hub: Hub) -> None:
    hub.commit("tombstone", {"key": "b"})


WRITES = [(session, "sessions/"), (obj, "objects/"), (message, "inbox/"), (entry, "log/")]


@pytest.mark.parametrize(("write", "where"), WRITES, ids=[where for _, where in WRITES])
def test_what_was_confirmed_and_is_not_there_is_sent_again(
    hub: Hub, relay: Faults, oss: Bucket, write: Callable[[Hub], None], where: str
) -> None:
    before = set(oss.objects)
    relay.on(Fault("lie", method="PUT", where=where, count=2))
    write(hub)
    (new,) = set(oss.objects) - before
    assert f"/{where}" in new
    relay.on()
    assert hub.verify() == [] and hub.state().void == 0


@pytest.mark.parametrize(("write", "where"), WRITES, ids=[where for _, where in WRITES])
def test_a_storage_that_lies_all_the_time_is_told_and_what_was_to_be_written_goes_in_later(
    hub: Hub, relay: Faults, oss: Bucket, write: Callable[[Hub], None], where: str
) -> None:
    before = set(oss.objects)
    relay.on(Fault("lie", method="PUT", where=where, count=99))
    with pytest.raises(StorageError, match="nothing lies there"):
        write(hub)
    assert set(oss.objects) == before
    relay.on()
    write(hub)
    assert len(set(oss.objects) - before) == 1
    assert hub.verify() == [], "the writer does not take the log for one that was cut back"


def test_a_session_that_is_said_to_be_gone_and_is_not_is_told(hub: Hub, relay: Faults, oss: Bucket) -> None:
    session(hub)
    relay.on(Fault("lie", method="DELETE", count=9))
    with pytest.raises(StorageError, match="still lies"):
        delete_session(hub, NAME)
    assert get_session(hub, NAME) == b"sealed"
    relay.on()
    delete_session(hub, NAME)
    assert get_session(hub, NAME) is None


def test_who_may_not_look_writes_as_before(hub: Hub, relay: Faults, oss: Bucket) -> None:
    relay.on(Fault("refuse", method="HEAD", count=9, status=403, code="AccessDenied"))
    session(hub)
    assert f"hub/{NAME}" in oss.objects
    asked = [passed.method for passed in relay.passed]
    hub.store.put("objects/x", b"x")
    assert [passed.method for passed in relay.passed][len(asked) :] == ["PUT"], "only what must be sure asks"
