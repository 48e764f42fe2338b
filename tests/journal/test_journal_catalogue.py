"""The catalogue of sessions: what lists and searches show, how it follows the store, what erasing leaves."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_sessions import made, sh

from skillclaw.journal import catalogue_file
from skillclaw.journal.catalogue import Catalogue, Filter
from skillclaw.journal.catalogue_facts import facts_of, query_of
from skillclaw.journal.store import SessionStore
from skillclaw.trajectory.model import (
    Metrics,
    SessionMeta,
    SkillUse,
    StepMeta,
    Trajectory,
    with_step_meta,
)


def session(
    number: int,
    said: str = "please tidy the shelf",
    *,
    day: str = "2026-11-20",
    project: str = "p",
    outcome: str = "success",
    skills: list[SkillUse] | None = None,
) -> Trajectory:
    """A session that began `number` seconds into the day."""
    known = SessionMeta(
        key=f"{number:016x}", user="ana", source="history", project=project, skills=skills or []
    )
    known = msgspec.convert(msgspec.to_builtins(known) | {"outcome": outcome}, SessionMeta)
    one = made(said, sh("ls", "a", 0), sh("cat b", "no such file", 1), ("say", "All done."), meta=known)
    begun = msgspec.structs.replace(
        one.steps[0], timestamp=f"{day}T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"
    )
    metrics = Metrics(prompt_tokens=100, completion_tokens=7, cost_usd=0.25)
    last = msgspec.structs.replace(one.steps[-1], metrics=metrics)
    return msgspec.structs.replace(one, steps=[begun, *one.steps[1:-1], last])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SessionStore]:
    with closing(SessionStore(tmp_path)) as one:
        yield one


@pytest.fixture
def catalogue(store: SessionStore, tmp_path: Path) -> Iterator[Catalogue]:
    with closing(Catalogue(tmp_path, store)) as one:
        yield one


def titles(catalogue: Catalogue, **narrow: object) -> list[str]:
    found = catalogue.page(msgspec.convert(narrow, Filter)).rows
    return [row.title for row in found]


def bytes_of(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.iterdir() if path.name.startswith("catalogue.db"))


def test_a_row_tells_what_the_session_tells(store: SessionStore, catalogue: Catalogue) -> None:
    store.put(
        session(1, skills=[SkillUse(name="tidy", hub="h", read_step=2), SkillUse(name="b", offered=True)])
    )
    (before,) = catalogue.page(Filter()).rows
    assert (before.known, before.title, before.agent, before.steps) == (False, "", "claude-code", 4)
    assert catalogue.refresh(5) == (1, 1)
    (row,) = catalogue.page(Filter()).rows
    assert (row.known, row.title, row.calls, row.errors) == (True, "please tidy the shelf", 2, 1)
    assert (row.tokens_in, row.tokens_out, row.usd) == (100, 7, 0.25)
    assert [(use.name, use.hub) for use in row.skills] == [("tidy", "h")]
    assert row.offered == 2
    assert [(s.name, s.used, s.offered) for s in catalogue.skills()] == [("tidy", 1, 1), ("b", 0, 1)]
    (day,) = catalogue.days("2026-11-01")
    assert (day.day, day.sessions, day.success, day.tokens_in, day.usd) == ("2026-11-20", 1, 1, 100, 0.25)


def test_lists_are_narrowed_and_paged_newest_first(store: SessionStore, catalogue: Catalogue) -> None:
    store.put_many(
        session(n, f"request {n}", project="even" if n % 2 == 0 else "odd", day=f"2026-11-{10 + n % 3}")
        for n in range(30)
    )
    catalogue.refresh(5)
    seen: list[str] = []
    after = None
    for _ in range(10):
        rows = catalogue.page(Filter(project="odd"), after, 4)
        seen += [row.key for row in rows.rows]
        after = rows.next
        if after is None:
            break
    expected = [row.id for row in store.rows() if row.project == "odd"]
    assert seen == expected
    assert len(seen) == 15
    assert {r.started[:10] for r in catalogue.page(Filter(since="2026-11-11", until="2026-11-11")).rows} == {
        "2026-11-11"
    }
    assert catalogue.counts(Filter(project="odd", words="request")).sessions == 15
    assert [(one.name, one.sessions) for one in catalogue.projects()] == [("even", 15), ("odd", 15)]
    assert [one.name for one in catalogue.agents()] == ["claude-code"]
    assert titles(catalogue, agent="nobody") == []


def test_words_are_found_in_any_form_and_any_script(store: SessionStore, catalogue: Catalogue) -> None:
    store.put_many(
        [
            session(1, "Deploy the parcels to north"),
            session(2, "请帮我整理会议记录"),
            session(3, "deploying is 'not' there; depot"),
        ]
    )
    catalogue.refresh(5)
    assert len(titles(catalogue, words="deploy")) == 2
    assert len(titles(catalogue, words="dep*")) == 2
    assert titles(catalogue, words="depo") == []
    assert titles(catalogue, words="PARCEL north") == ["Deploy the parcels to north"]
    assert titles(catalogue, words="会议") == ["请帮我整理会议记录"]
    assert titles(catalogue, words="议会") == []
    assert titles(catalogue, words="no such file") == [], "what a tool gave back is not searched"
    assert titles(catalogue, words="'\" OR NOT (") == []


def test_the_title_is_the_users_own_request() -> None:
    one = session(1)
    host = with_step_meta(
        msgspec.structs.replace(one.steps[0], message="You are in /x"), StepMeta(injected=True)
    )
    asked = msgspec.structs.replace(one.steps[0], message="<system-reminder>x</system-reminder> Sort\nit")
    found = facts_of(msgspec.structs.replace(one, steps=[host, asked, *one.steps[1:]]))
    assert found.title == "Sort it"
    assert "You are in" not in found.words


def test_a_skill_that_was_only_offered_is_found_when_asked_for(
    store: SessionStore, catalogue: Catalogue
) -> None:
    store.put(session(1, "one", skills=[SkillUse(name="tidy", offered=True)]))
    store.put(session(2, "two", skills=[SkillUse(name="tidy", offered=True, invoked_step=2)]))
    catalogue.refresh(5)
    assert titles(catalogue, skill="tidy") == ["two"]
    assert titles(catalogue, skill="tidy", offered=True) == ["two", "one"]
    assert titles(catalogue, skill="tidy", words="one", offered=True) == ["one"]


def test_it_follows_what_grows_and_counts_what_is_left(store: SessionStore, catalogue: Catalogue) -> None:
    store.put_many(session(n, f"request {n}") for n in range(200))
    first = catalogue.refresh(0.0)
    assert first == (0, 200)
    seen = [first.done]
    while seen[-1] < 200:
        seen.append(catalogue.refresh(0.005).done)
    assert seen == sorted(seen)
    assert len(titles(catalogue, words="request")) == 50
    store.feedback(f"{7:016x}", False, "wrong")
    store.put(session(500, "quite new"))
    assert catalogue.refresh(5) == (201, 201)
    assert catalogue.counts(Filter(words="request")).failure == 1
    assert titles(catalogue, words="quite") == ["quite new"]


def test_the_newest_are_read_first(store: SessionStore, catalogue: Catalogue) -> None:
    store.put_many(session(n, f"request {n}") for n in range(300))
    while catalogue.refresh(0.003).done == 0:
        pass
    known = [row.known for row in catalogue.page(Filter(), limit=300).rows]
    assert known[0]
    assert known == sorted(known, reverse=True)


def test_what_is_forgotten_is_gone_from_its_files_at_once(
    store: SessionStore, catalogue: Catalogue, tmp_path: Path
) -> None:
    secret = SkillUse(name="zebrafinchskill", read_step=2)
    store.put(session(1, "the zebrafinch walks", skills=[secret]))
    store.put_many(session(n, f"request {n}") for n in range(2, 40))
    catalogue.refresh(5)
    assert b"zebrafinch" in bytes_of(tmp_path)
    assert titles(catalogue, words="zebrafinch")
    store.forget(f"{1:016x}")
    assert b"zebrafinch" not in bytes_of(tmp_path)
    assert f"{1:016x}".encode() not in bytes_of(tmp_path)
    assert titles(catalogue, words="zebrafinch") == []
    assert catalogue.skills() == []
    assert catalogue.refresh(5) == (38, 38)
    assert catalogue.counts(Filter(words="request")).sessions == 38, "the others can be found again"


def test_forgetting_works_beside_an_open_reader_and_without_a_catalogue(tmp_path: Path) -> None:
    with closing(SessionStore(tmp_path)) as store:
        store.put(session(1))
        store.forget(f"{1:016x}")
        assert not (tmp_path / "catalogue.db").exists()
        store.put(session(2, "the zebrafinch walks"))
        with closing(Catalogue(tmp_path, store)) as one, closing(Catalogue(tmp_path, store)) as two:
            one.refresh(5)
            assert two.refresh(5) == (1, 1)
            two.page(Filter(words="zebra*"))
            with closing(SessionStore(tmp_path)) as other:
                other.forget(f"{2:016x}")
            assert b"zebrafinch" not in bytes_of(tmp_path)
            assert one.refresh(1) == two.refresh(1) == (0, 0)


def test_what_is_gone_from_the_store_is_gone_at_the_next_refresh(
    store: SessionStore, catalogue: Catalogue, tmp_path: Path
) -> None:
    store.put_many(session(n, f"request {n}") for n in range(5))
    catalogue.refresh(5)
    with closing(sqlite3.connect(tmp_path / "sessions.db")) as db:  # as an older version forgets
        db.execute("DELETE FROM sessions WHERE key = ?", (f"{3:016x}",))
        db.execute("UPDATE counter SET changes = changes + 1")
        db.commit()
    assert catalogue.refresh(1) == (4, 4)
    assert "request 3" not in titles(catalogue, words="request")
    assert b"request 3" not in bytes_of(tmp_path)


@pytest.mark.parametrize("spoil", ["garbage", "older", "gone"])
def test_a_file_that_is_damaged_or_older_is_made_anew(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "catalogue.db"
    with closing(SessionStore(tmp_path)) as store:
        store.put(session(1, "still here"))
        with closing(Catalogue(tmp_path, store)) as one:
            one.refresh(5)
        if spoil == "garbage":
            path.write_bytes(os.urandom(8192))
        elif spoil == "older":
            with closing(sqlite3.connect(path)) as db:
                db.execute("PRAGMA user_version = 99")
        else:
            path.unlink()
        with closing(Catalogue(tmp_path, store)) as one:
            assert one.refresh(5) == (1, 1)
            assert titles(one, words="still") == ["still here"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_damage_under_an_open_catalogue_is_mended(
    store: SessionStore, catalogue: Catalogue, tmp_path: Path
) -> None:
    store.put_many(session(n, f"request {n}") for n in range(40))
    catalogue.refresh(5)
    catalogue.close()
    path = tmp_path / "catalogue.db"
    data = bytearray(path.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)  # the head stays: it is found while it is read
    path.write_bytes(data)
    with closing(Catalogue(tmp_path, store)) as again:
        assert again.refresh(5) == (40, 40)
        assert len(titles(again, words="request")) == 40


def test_words_of_a_forgotten_session_fail_no_erasure_of_a_damaged_file(tmp_path: Path) -> None:
    (tmp_path / "catalogue.db").write_bytes(b"zebrafinch" * 1000)
    catalogue_file.erase(tmp_path, ["k"])
    assert b"zebrafinch" not in bytes_of(tmp_path)


@given(st.text(max_size=60))
def test_no_search_is_an_operator(words: str) -> None:
    db = sqlite3.connect(":memory:")
    with closing(db):
        db.execute("CREATE VIRTUAL TABLE w USING fts5 (said)")
        query = query_of(words)
        if query:
            db.execute("SELECT rowid FROM w WHERE w MATCH ?", (query,)).fetchall()
