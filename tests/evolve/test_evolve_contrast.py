"""What tells success from failure within a task: tables that add up, and the pitfalls made of them."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.bench.planted import Script, session, synthetic
from skillclaw.evolve.contrast import Feature, added, count, has, judged, kept
from skillclaw.evolve.lapses import find_lapses
from skillclaw.evolve.mine import cluster_sessions
from skillclaw.evolve.statistics import Table
from skillclaw.trajectory.episodes import Episode, cut
from skillclaw.trajectory.model import Trajectory

USERS = ("ana", "bo", "chen")


def forwarded(number: int, *, looked: bool, dated: bool, success: bool) -> Trajectory:
    """A mail forwarded to a name or to the address that was looked up; no call fails either way."""
    since = {"since": "2026-01-01"} if dated else {}
    script: Script = [("mail.search", {"query": "the plan", **since}, "m-77", True)]
    if looked:
        script.append(("people.find", {"name": "Noor"}, "noor.haddad@example.com", True))
    to = "noor.haddad@example.com" if looked else "noor@example.com"
    script.append(("mail.forward", {"id": "m-77", "to": to}, "sent", True))
    ask = "Forward the mail about the plan to Noor"
    return session(f"f{number}", USERS[number % 3], ask, script, success=success, model=f"m{number // 4 % 2}")


def sample() -> list[Trajectory]:
    return [
        forwarded(n, looked=n % 2 == 0, dated=n % 4 < 2, success=n % 2 == 0 or n % 16 == 1) for n in range(48)
    ]


def clusters(sessions: list[Trajectory]) -> dict[int, list[Episode]]:
    found = cluster_sessions(sessions)
    return found


def test_a_look_up_before_use_is_a_feature() -> None:
    looked, guessed = (
        next(e for e in cut(forwarded(1, looked=yes, dated=True, success=yes)) if e.kind == "procedure")
        for yes in (True, False)
    )
    source, order = Feature("source", "mail.forward", "to"), Feature("order", "mail.forward", "people.find")
    assert (has(looked)[source], has(looked)[order]) == (True, True)
    assert (has(guessed)[source], order in has(guessed)) == (False, False)
    assert kept(looked, [source, order]) is True
    assert kept(guessed, [source, order]) is False
    assert kept(guessed, [Feature("argument", "tasks.close", "id")]) is None


def test_what_the_user_said_needs_no_look_up() -> None:
    script: Script = [("mail.forward", {"id": "m-77", "to": "noor@example.com"}, "sent", True)]
    told = session("t1", "ana", "Forward the mail m-77 to noor@example.com", script, success=True)
    (request,) = [e for e in cut(told) if e.kind == "procedure"]
    assert [f for f in has(request) if f.kind == "source"] == []


def test_what_goes_with_success_stands_out_and_what_does_not_does_not() -> None:
    ((number, episodes),) = clusters(sample()).items()
    found = judged(count(number, episodes))
    by_feature = {c.feature: c for c in found}
    order = by_feature[Feature("order", "mail.forward", "people.find")]
    assert (order.with_n, order.with_success, order.without_n, order.without_success) == (24, 24, 24, 3)
    assert order.association.p is not None
    assert order.association.p < 1e-4
    assert set(order.tables) == {f"{number}\0m0", f"{number}\0m1"}
    dated = by_feature[Feature("argument", "mail.search", "since")]
    assert dated.association.p is not None
    assert dated.association.p > 0.05


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=20), st.integers(0, 20))
def test_tables_of_parts_add_up(rows: list[tuple[bool, bool, bool]], at: int) -> None:
    episodes = [
        e
        for n, (looked, dated, success) in enumerate(rows)
        for e in cut(forwarded(n, looked=looked, dated=dated, success=success))
        if e.kind == "procedure"
    ]
    halves = added([count("a", episodes[:at]), count("b", episodes[at:])])
    whole = count("a", episodes)
    assert set(halves) == set(whole)
    for feature, tables in halves.items():
        # A part that never shows a feature has no table of it: it has nothing to compare it with.
        mine, both = [sum(t.a + t.b for t in own.values()) for own in (tables, whole[feature])]
        assert mine == both
        assert sum(sum(t) for t in tables.values()) <= len(episodes)


def test_what_cannot_be_compared_is_left_out() -> None:
    tables = {Feature("step", "mail.forward"): {"a": Table(9, 3, 0, 0)}}
    assert judged(tables) == []


def test_a_change_before_the_look_up_is_a_pitfall_though_nothing_fails() -> None:
    found = {p.title: p for p in find_lapses(clusters(sample()))[0]}
    guess = found["mail.forward with a guess for to"]
    assert [a.tool for a in guess.actions] == ["people.find", "mail.forward"]
    assert guess.before == [(1, 0)]
    assert guess.error == ""
    assert (guess.stats.with_success, guess.stats.with_n) == (24, 24)
    assert (guess.stats.without_success, guess.stats.without_n) == (3, 24)
    assert len(guess.contradictions) == 3
    assert guess.users == 3
    assert not any("since" in title for title in found)


def test_a_change_made_twice_is_a_pitfall() -> None:
    made = []
    for n in range(48):
        twice = n % 2 == 0
        script: Script = [("stock.add", {"item": "lamp", "count": 5}, "ok", True)] * (2 if twice else 1)
        success = not twice or n % 16 == 0
        made.append(session(f"r{n}", USERS[n % 3], "Add five lamps to the stock", script, success=success))
    # One task done over and over, so that it can be compared within the task.
    tasks = {n: [msgspec.structs.replace(e, task="add") for e in es] for n, es in clusters(made).items()}
    (found,) = [p for p in find_lapses(tasks)[0] if p.title == "stock.add more than once"]
    assert found.failed is not None
    assert found.failed.times == "+"
    assert found.stats.with_success > found.stats.without_success


def test_what_is_done_twice_with_success_is_no_pitfall() -> None:
    made = []
    for n in range(48):
        twice = n % 2 == 0
        script: Script = [("stock.add", {"item": "lamp", "count": 5}, "ok", True)] * (2 if twice else 1)
        made.append(session(f"r{n}", USERS[n % 3], "Add ten lamps to the stock", script, success=twice))
    tasks = {n: [msgspec.structs.replace(e, task="add") for e in es] for n, es in clusters(made).items()}
    assert [p.title for p in find_lapses(tasks)[0] if "more than once" in p.title] == []


def test_a_step_that_only_tells_requests_apart_is_no_pitfall() -> None:
    made = []
    for n in range(48):
        easy = n % 2 == 0
        script: Script = [("stock.find", {"item": "lamp"}, "5", True)]
        if easy:
            script.append(("stock.add", {"item": "lamp", "count": 5}, "ok", True))
        made.append(session(f"r{n}", USERS[n % 3], "Add five lamps to the stock", script, success=easy))
    ((number, found),) = clusters(made).items()
    apart = [msgspec.structs.replace(e, task=f"t{len(e.actions)}") for e in found]
    assert find_lapses({number: apart})[0] == []
    same = [msgspec.structs.replace(e, task="add") for e in found]
    assert [p.title for p in find_lapses({number: same})[0]] == ["stock.add left out"]


def test_a_call_for_another_purpose_lacks_no_argument() -> None:
    def searched(number: int, *, dated: bool, folder: bool) -> Trajectory:
        given = {"query": "the plan", "since": "2026-01-01"} if dated else {"query": "the plan"}
        script: Script = [("mail.search", {"folder": "all"} if folder else given, "m-77", True)]
        return session(f"q{number}", USERS[number % 3], "Find the mail on the plan", script, success=dated)

    lacking = "mail.search without since"
    for folder in (False, True):
        made = [searched(n, dated=n % 2 == 0, folder=folder and n % 2 == 1) for n in range(48)]
        titles = {p.title for p in find_lapses(clusters(made))[0]}
        assert (lacking in titles) is not folder


def test_noise_has_no_pitfalls() -> None:
    for seed in range(3):
        assert find_lapses(clusters(synthetic(seed, planted=False)))[0] == []
