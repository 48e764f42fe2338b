"""Uses of skills as the catalogue counts them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from atif_sessions import session
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillclaw.journal.catalogue import Catalogue, Filter
from skillclaw.journal.store import SessionStore
from skillclaw.trajectory.model import SkillUse, Trajectory, decode, meta, with_meta

EVER = ""


def made(
    number: int, *uses: SkillUse, day: str = "2026-11-20", kind: str = "work", project: str = "/till"
) -> Trajectory:
    one = session("u", number, f"do it {number}", [])
    one["steps"][0]["timestamp"] = f"{day}T09:00:00Z" if day else None
    found = decode(msgspec.json.encode(one))
    known = msgspec.structs.replace(
        meta(found), key=f"{number:016x}", project=project, skills=list(uses), kind=kind
    )
    return with_meta(found, known)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SessionStore]:
    with closing(SessionStore(tmp_path)) as one:
        yield one


@pytest.fixture
def catalogue(store: SessionStore, tmp_path: Path) -> Iterator[Catalogue]:
    with closing(Catalogue(tmp_path, store)) as one:
        yield one


def told(catalogue: Catalogue, name: str, kind: str) -> list[tuple[str, str, int, int]]:
    return [(one.value, one.hub, one.offered, one.used) for one in catalogue.skill(name, kind)]  # type: ignore[arg-type]


def test_offered_and_read_are_counted_by_skill_and_hub(store: SessionStore, catalogue: Catalogue) -> None:
    read = SkillUse(name="tools:git", hub="personal", offered=True, read_step=3)
    store.put_many(
        [
            made(1, SkillUse(name="git", hub="personal", offered=True), SkillUse(name="notes", offered=True)),
            made(2, read),
            made(3, SkillUse(name="git", hub="g1", invoked_step=2), day="2026-10-01", project="/shop"),
            made(4, read, kind="evolver"),
        ]
    )
    catalogue.refresh(60)
    assert catalogue.uses(EVER) == {("git", "personal"): (2, 1), ("git", "g1"): (1, 1), ("notes", ""): (1, 0)}
    assert catalogue.uses("2026-11-01") == {("git", "personal"): (2, 1), ("notes", ""): (1, 0)}
    assert told(catalogue, "git", "day") == [("2026-10-01", "g1", 1, 1), ("2026-11-20", "personal", 2, 1)]
    assert told(catalogue, "git", "project") == [("/shop", "g1", 1, 1), ("/till", "personal", 2, 1)]
    assert told(catalogue, "git", "agent") == [("claude-code", "g1", 1, 1), ("claude-code", "personal", 2, 1)]
    assert [row.key[-1] for row in catalogue.page(Filter(skill="git", offered=True)).rows] == ["1", "2", "3"]


def test_a_session_that_grows_counts_once_and_a_forgotten_one_never(
    store: SessionStore, catalogue: Catalogue, tmp_path: Path
) -> None:
    store.put(made(1, SkillUse(name="quietly-named", offered=True)))
    catalogue.refresh(60)
    store.put(made(1, SkillUse(name="quietly-named", offered=True, read_step=2)))
    store.feedback("0000000000000001", True, "")
    catalogue.refresh(60)
    assert catalogue.uses(EVER) == {("quietly-named", ""): (1, 1)}
    store.forget("0000000000000001")
    assert catalogue.uses(EVER) == {}
    assert told(catalogue, "quietly-named", "day") == []
    assert not [one for one in tmp_path.iterdir() if b"quietly-named" in one.read_bytes()]


def test_sessions_are_counted_bit_by_bit(store: SessionStore, catalogue: Catalogue) -> None:
    store.put_many([made(n, SkillUse(name="git", offered=True)) for n in range(1, 201)])
    assert catalogue.refresh(0.0) == (0, 200)
    assert catalogue.uses(EVER) == {}
    store.put(made(201, SkillUse(name="git", offered=True)))
    store.forget(f"{7:016x}")
    assert catalogue.refresh(60) == (200, 200)
    assert catalogue.uses(EVER) == {("git", ""): (200, 0)}


def test_a_damaged_session_does_not_stop_the_others(
    store: SessionStore, catalogue: Catalogue, tmp_path: Path
) -> None:
    store.put_many([made(n, SkillUse(name="git", offered=True)) for n in (1, 2)])
    with closing(sqlite3.connect(tmp_path / "sessions.db")) as db:
        db.execute("UPDATE sessions SET body = x'00' WHERE key = ?", (f"{1:016x}",))
        db.commit()
    assert catalogue.refresh(60) == (2, 2)
    assert catalogue.uses(EVER) == {("git", ""): (1, 0)}


def test_the_sessions_own_file_has_no_table_of_it(store: SessionStore, tmp_path: Path) -> None:
    store.put(made(1, SkillUse(name="git", offered=True)))
    with closing(sqlite3.connect(tmp_path / "sessions.db")) as db:
        names = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert not [name for name in names if "skill" in name or "use" in name]


uses = st.builds(
    SkillUse,
    name=st.sampled_from(["git", "tools:git", "notes"]),
    hub=st.sampled_from([None, "personal"]),
    offered=st.booleans(),
    read_step=st.sampled_from([None, 2]),
)
sessions = st.tuples(
    st.integers(1, 4),
    st.lists(uses, max_size=3),
    st.sampled_from(["2026-11-19", "2026-11-20", ""]),
    st.sampled_from(["/a", "/b"]),
)


@settings(
    max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.one_of(sessions, st.integers(1, 4)), max_size=8))
def test_the_counts_are_those_of_the_sessions_that_are_left(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[int, list[SkillUse], str, str] | int]
) -> None:
    home = tmp_path_factory.mktemp("home")
    with closing(SessionStore(home)) as store, closing(Catalogue(home, store)) as catalogue:
        for what in history:
            if isinstance(what, int):
                store.forget(f"{what:016x}")
            else:
                number, seen, day, project = what
                store.put(made(number, *seen, day=day, project=project))
            catalogue.refresh(60)
        wanted: dict[tuple[str, str], tuple[int, int]] = {}
        for one in store.trajectories():
            own: dict[tuple[str, str], bool] = {}
            for use in meta(one).skills:
                mark = (use.name.rpartition(":")[2], use.hub or "")
                own[mark] = own.get(mark, False) or use.read_step is not None
            for mark, read in own.items():
                offered, used = wanted.get(mark, (0, 0))
                wanted[mark] = offered + 1, used + read
        assert catalogue.uses(EVER) == wanted
        assert {(one.name, one.hub): (one.offered, one.used) for one in catalogue.skills()} == wanted
        for kind in ("day", "agent", "project"):
            sums: dict[tuple[str, str], tuple[int, int]] = {}
            for name in {name for name, _ in wanted}:
                for _, hub, offered, used in told(catalogue, name, kind):
                    before = sums.get((name, hub), (0, 0))
                    sums[name, hub] = before[0] + offered, before[1] + used
            assert sums == wanted, kind
