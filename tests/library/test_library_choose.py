"""Whose release a machine takes: the draw of canaries, projects, and the order of hubs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.hub import HubState, Release, SkillState
from skillclaw.library.choose import CANARY_SHARE, FEW, HubView, canary_share, choose, claims, in_canary
from skillclaw.library.records import Installed
from skillclaw.skills.records import Bundle
from skillclaw.trajectory.projects import group_project_id, remote_name

WORDS = st.text(max_size=12)
SHARES = st.floats(0, 1)


def release(version: str, base: str | None, stage: str = "stable", project: str | None = None) -> Release:
    return Release(
        skill="git",
        version=version,
        object="",
        sidecar=None,
        base=base,
        proposal=None,
        stage=stage,  # type: ignore[arg-type]
        seq=1,
        time="",
        scope="project" if project else "global",
        project=project,
    )


def skill(*releases: Release) -> SkillState:
    return SkillState(
        name="git", current=releases[-1].version, stage=releases[-1].stage, releases=[*releases]
    )


def none(release: Release) -> Bundle:
    raise AssertionError("nothing is fetched here")


def view(name: str = "team", state: HubState | None = None, **more: Any) -> HubView:
    return HubView(name=name, state=state, fetch=none, **more)


@given(client=WORDS, name=WORDS, version=WORDS, low=SHARES, high=SHARES)
def test_a_larger_share_only_adds_clients(
    client: str, name: str, version: str, low: float, high: float
) -> None:
    low, high = sorted((low, high))
    assert in_canary(client, name, version, low) <= in_canary(client, name, version, high)
    assert not in_canary(client, name, version, 0.0)
    assert in_canary(client, name, version, 1.0)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_about_that_share_draws_it_and_not_always_the_same(share: float) -> None:
    clients = [f"c-{number}" for number in range(4000)]
    drawn = [{c for c in clients if in_canary(c, "git", version, share)} for version in ("v1", "v2")]
    for one in drawn:
        assert abs(len(one) / len(clients) - share) < 0.03
    both = len(drawn[0] & drawn[1]) / len(clients)
    assert abs(both - share * share) < 0.03, "the draws of two versions have nothing to do with each other"


@pytest.mark.parametrize(
    ("given_", "share"),
    [(0.25, 0.25), (0, 0.0), (1, 1.0), (True, None), ("0.5", None), (-1, None), (2, None), (None, None)],
)
def test_what_is_no_share_counts_as_not_set(given_: object, share: float | None) -> None:
    assert canary_share({"canary": given_}, FEW) == (CANARY_SHARE if share is None else share)
    assert canary_share({"canary": given_}, FEW - 1) == (1.0 if share is None else share)


@given(
    stages=st.lists(st.sampled_from(["stable", "canary", "unproven"]), min_size=1, max_size=5), share=SHARES
)
def test_who_did_not_draw_a_canary_has_the_newest_release_before_that_is_none(
    stages: list[str], share: float
) -> None:
    releases = [release(f"v{n}", f"v{n - 1}" if n else None, stage) for n, stage in enumerate(stages)]
    found = choose(skill(*releases), view(client="me", canary=share), has_copy=False).release
    if found is None:
        assert all(stage == "canary" for stage in stages)
    elif found.stage == "canary":
        assert in_canary("me", "git", found.version, share)
    else:
        assert all(one.stage == "canary" for one in releases[releases.index(found) + 1 :])


def test_a_revoked_release_is_never_gone_back_to_and_a_circle_of_bases_ends() -> None:
    bad = skill(release("v0", None, "revoked"), release("v1", "v0", "canary"))
    assert choose(bad, view(canary=0.0), has_copy=True).release is None
    circle = skill(release("v0", "v1", "canary"), release("v1", "v0", "canary"))
    assert choose(circle, view(canary=0.0), has_copy=True).release is None


@given(known=st.booleans(), has_copy=st.booleans(), scoped=st.booleans())
def test_a_skill_of_one_project_needs_the_project_until_it_is_installed(
    known: bool, has_copy: bool, scoped: bool
) -> None:
    one = skill(release("v0", None, project="p-1" if scoped else None))
    projects = frozenset({"p-1"}) if known else frozenset({"p-2"})
    found = choose(one, view(projects=projects), has_copy=has_copy).release
    assert (found is not None) == (known or has_copy or not scoped)
    assert choose(one, view(), has_copy=False).release is not None, "the personal hub takes all"


HUBS = ("personal", "a", "b")


@given(
    has=st.fixed_dictionaries(
        {hub: st.sampled_from(["unread", "absent", "withdrawn", "there"]) for hub in HUBS}
    ),
    copy=st.none() | st.sampled_from(HUBS),
    declined=st.sets(st.sampled_from([*(f"{hub}/git" for hub in HUBS), "*/git"])),
)
def test_the_first_that_offers_a_name_has_it(
    has: dict[str, str], copy: str | None, declined: set[str]
) -> None:
    states: dict[str, HubState | None] = {}
    for hub, what in has.items():
        one = skill(release("v0", None))
        skills = {} if what == "absent" else {"git": one}
        if what == "withdrawn":
            skills = {"git": SkillState(name="git", current=None, stage="archived", releases=one.releases)}
        states[hub] = None if what == "unread" else HubState(group=hub, seq=1, head="", skills=skills)
    views = [view(hub, states[hub]) for hub in HUBS]
    installed = [Installed(hub=copy, skill="git", target="/x", version="v0")] if copy else []
    found = claims(views, installed, declined)
    open_ = [hub for hub in HUBS if f"{hub}/git" not in declined and "*/git" not in declined]
    offers = [hub for hub in open_ if has[hub] == "there"]
    keeps = [hub for hub in open_ if hub == copy and has[hub] in ("unread", "absent")]
    order = [hub for hub in HUBS if hub in (*offers, *keeps)]
    if not order:
        assert found == []
        return
    (claim,) = found
    assert claim.hub.name == order[0]
    assert (claim.release is None) == (order[0] in keeps)
    assert [hub for hub, _ in claim.shadowed] == [hub for hub in offers if hub != order[0]]


def test_a_project_is_the_same_for_all_clones_and_differs_between_groups() -> None:
    urls = ["https://user:pw@Git.Example.org/Acme/Till.git", "git@git.example.org:acme/till"]
    ids = {group_project_id("group", remote_name(url)) for url in urls}
    assert len(ids) == 1
    (one,) = ids
    assert one.startswith("p-")
    assert len(one) == 18
    assert group_project_id("other", remote_name(urls[0])) != one
