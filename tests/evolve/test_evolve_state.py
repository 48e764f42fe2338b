"""What the evolver keeps between cycles: the same patterns as from all sessions, whatever happened."""

from __future__ import annotations

import random
import sqlite3
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from skillclaw.bench.planted import START, Script, session, synthetic
from skillclaw.evolve.cutting import cut_session, pack, unpack, unpack_head
from skillclaw.evolve.mine import Mined, mine, mine_state
from skillclaw.evolve.state import DamagedStateError, EvolveState, forget_state
from skillclaw.skills.records import Pattern
from skillclaw.trajectory.model import Trajectory, meta, with_meta

pytestmark = pytest.mark.live

NOW = START + timedelta(days=60)
SESSIONS = synthetic(3, planted=True)


def take(state: EvolveState, sessions: list[Trajectory]) -> None:
    with state.writing():
        for number, trajectory in enumerate(sessions):
            state.take(pack(cut_session(trajectory)), number)


def again(state: EvolveState) -> Mined:
    return mine_state(state, now=NOW, half_life_days=180)


def at_once(sessions: list[Trajectory]) -> list[Pattern]:
    return mine(sessions, now=NOW, half_life_days=180).patterns


def revised(trajectory: Trajectory, **changes: object) -> Trajectory:
    known = meta(trajectory)
    return with_meta(trajectory, msgspec.structs.replace(known, revision=known.revision + 1, **changes))


def test_sessions_in_portions_give_what_all_at_once_give() -> None:
    state = EvolveState(None)
    for start in range(0, len(SESSIONS), 80):
        take(state, SESSIONS[start : start + 80])
        found = again(state)
    assert found.patterns == at_once(SESSIONS)
    assert found.patterns


@pytest.mark.slow
@settings(max_examples=examples(5), deadline=None)
@given(st.integers(0, 10**6))
def test_order_does_not_matter(seed: int) -> None:
    shuffled = SESSIONS[:160]
    random.Random(seed).shuffle(shuffled)
    assert at_once(shuffled) == at_once(SESSIONS[:160])


def test_nothing_new_means_nothing_is_mined() -> None:
    state = EvolveState(None)
    take(state, SESSIONS)
    first = again(state)
    second = again(state)
    assert first.remade == first.units > 0
    assert second.remade == 0
    assert second.patterns == first.patterns


def test_only_what_changed_is_mined_again() -> None:
    state = EvolveState(None)
    take(state, SESSIONS)
    before = again(state)
    script: Script = [
        ("Bash", {"command": "pip install rich"}, "error: externally-managed-environment", False)
    ]
    take(state, [session("new", "ana", "roll out the network", script, success=False)])
    after = again(state)
    assert 0 < after.remade < before.units / 4


def test_a_session_that_grew_counts_in_its_newer_form_only() -> None:
    state = EvolveState(None)
    take(state, SESSIONS)
    again(state)
    turned = [revised(s, outcome="failure") for s in SESSIONS[:160]]
    take(state, turned)
    take(state, SESSIONS[:160])  # the older form comes late: it changes nothing
    assert again(state).patterns == at_once([*turned, *SESSIONS[160:]])


def test_a_session_that_is_gone_is_in_no_pattern() -> None:
    state = EvolveState(None)
    take(state, SESSIONS)
    evidence = again(state).patterns[0].evidence
    gone = {evidence[0].session, evidence[1].session}
    with state.writing():
        assert state.drop(gone) == 2
    found = again(state).patterns
    assert not gone & {ref.session for p in found for ref in [*p.evidence, *p.contradictions]}
    assert found == at_once([s for s in SESSIONS if meta(s).key not in gone])


def test_what_is_kept_on_disk_is_read_again(tmp_path: Path) -> None:
    state = EvolveState(tmp_path)
    take(state, SESSIONS)
    first = again(state)
    state.close()
    reopened = EvolveState(tmp_path)
    assert again(reopened).patterns == first.patterns
    assert again(reopened).remade == 0
    assert (tmp_path / "evolve.db").stat().st_mode & 0o777 == 0o600
    reopened.close()


@pytest.mark.parametrize("damage", [b"no database at all", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "evolve.db").write_bytes(damage)
    state = EvolveState(tmp_path)
    assert state.known() == {}
    take(state, SESSIONS[:50])
    assert len(state.known()) == 50
    state.close()


def test_what_another_version_made_is_not_trusted(tmp_path: Path) -> None:
    state = EvolveState(tmp_path)
    take(state, SESSIONS[:50])
    state.close()
    with sqlite3.connect(tmp_path / "evolve.db") as db:
        db.execute("UPDATE meta SET value = x'00' WHERE name = 'miner'")
    db.close()
    reopened = EvolveState(tmp_path)
    assert reopened.known() == {}
    reopened.close()


def test_forgetting_leaves_no_byte_of_a_session(tmp_path: Path) -> None:
    script: Script = [("notes.read", {"query": "zanzibarine"}, "ok zanzibarine", True)]
    state = EvolveState(tmp_path)
    take(state, [session("one", "ana", "look up the zanzibarine file", script, success=True)])
    state.close()
    assert any(b"zanzibarine" in path.read_bytes() for path in tmp_path.iterdir())
    forget_state(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_forgetting_follows_a_link(tmp_path: Path) -> None:
    home, there = tmp_path / "home", tmp_path / "there.db"
    home.mkdir()
    (home / "evolve.db").symlink_to(there)
    state = EvolveState(home)
    take(state, SESSIONS[:20])
    state.close()
    assert there.stat().st_size > 0
    forget_state(home)
    assert [path.name for path in tmp_path.rglob("*")] == ["home"]


@settings(max_examples=examples(20), deadline=None)
@given(st.integers(0, len(SESSIONS) - 1))
def test_a_cut_comes_back_as_it_was(number: int) -> None:
    made = cut_session(SESSIONS[number])
    head, body, _ = unpack_head(pack(made))
    assert head == made.head
    assert unpack(body) == made.episodes


def test_a_large_unit_is_sampled_and_says_how_much_stands_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from skillclaw.evolve import conclude

    found = at_once(SESSIONS)
    largest = max(found, key=lambda p: p.sessions)
    state = EvolveState(None)
    take(state, SESSIONS)
    kept = mine_state(state, now=NOW, half_life_days=180, keep=6).patterns
    same = next(p for p in kept if p.id == largest.id)
    assert len(same.evidence) == 6
    assert same.sessions == largest.sessions > 6
    assert same.users == largest.users == len({ref.user for ref in same.evidence})
    assert conclude.EVIDENCE >= 100


def test_one_key_of_two_users_is_two_sessions() -> None:
    state = EvolveState(None)
    one = SESSIONS[0]
    take(state, [one, with_meta(one, msgspec.structs.replace(meta(one), user="somebody"))])
    assert state.counts()[0] == 2


def test_a_session_without_a_day_does_not_hide_when_a_fact_was_first_seen() -> None:
    state = EvolveState(None)
    env = {"node": "22"}
    dated, undated = (
        with_meta(s, msgspec.structs.replace(meta(s), env=env)) for s in (SESSIONS[0], SESSIONS[1])
    )
    undated = msgspec.structs.replace(
        undated, steps=[msgspec.structs.replace(step, timestamp=None) for step in undated.steps]
    )
    take(state, [undated, dated])
    fact = next(f for f in state.facts() if f.name == "node")
    assert fact.first == fact.last == cut_session(dated).head.day != ""


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9])
def test_what_is_damaged_behind_its_beginning_is_made_anew_too(tmp_path: Path, share: float) -> None:
    state = EvolveState(tmp_path)
    take(state, SESSIONS)
    state.close()
    path = tmp_path / "evolve.db"
    whole = path.read_bytes()
    at = 100 + int(share * len(whole))
    path.write_bytes(whole[:at] + b"\xff" * (len(whole) - at))
    for _ in range(2):  # as a cycle does: where it is found, the next one begins with an empty file
        reopened = EvolveState(tmp_path)
        try:
            take(reopened, SESSIONS)
            found = again(reopened).patterns
            break
        except DamagedStateError:
            continue
        finally:
            reopened.close()
    assert found == at_once(SESSIONS)
