"""The decision to share: the strictest wins, and no `off` ever lets more through."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.journal.share_rules import Grant, HubView, Subject, decide, observe
from skillclaw.settings import ShareSettings

NAMES = ["team", "codex", "till", "host.example/acme/till", "host.example/acme/*", "Till"]
VALUES = st.sampled_from(["off", "redacted"])
RULES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4)
SETTINGS = st.builds(ShareSettings, default=VALUES, hubs=RULES, agents=RULES, projects=RULES)
TIMES = st.sampled_from(["", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z"])
SUBJECTS = st.builds(
    Subject,
    key=st.just("k"),
    agent=st.sampled_from(["codex", "Codex", "goose"]),
    project=st.sampled_from(["", "till", "diary"]),
    remote=st.sampled_from(["", "host.example/acme/till", "host.example/other"]),
    started=TIMES,
    other=st.booleans(),
    mark=st.sampled_from(["", "never", "allow"]),
    asked=TIMES,
)
GRANTS = st.dictionaries(
    st.sampled_from(["default", *(f"{kind}.{n}" for kind in ("hubs", "agents", "projects") for n in NAMES)]),
    st.builds(
        Grant,
        value=VALUES,
        since=TIMES,
        group=st.sampled_from(["", "g", "h"]),
        past=st.dictionaries(st.sampled_from(["*", "projects.till"]), TIMES, max_size=2),
    ),
    max_size=6,
)
SHARE: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    VALUES,
    st.fixed_dictionaries({}, optional={"default": VALUES, "projects": RULES}),
    st.integers(),
)


def view(grants: dict[str, Grant], share: Any = None) -> HubView:
    return HubView(name="team", group="g", settings={} if share is None else {"share": share}, grants=grants)


@given(
    SETTINGS, SUBJECTS, GRANTS, SHARE, st.sampled_from(["default", "hubs", "agents", "projects"]), st.data()
)
def test_adding_an_off_never_allows_more(
    settings: ShareSettings, subject: Subject, grants: dict[str, Grant], share: Any, kind: str, data: Any
) -> None:
    before = decide(settings, view(grants, share), subject)
    if kind == "default":
        changed = msgspec.structs.replace(settings, default="off")
    else:
        name = data.draw(st.sampled_from(NAMES))
        changed = msgspec.structs.replace(settings, **{kind: {**getattr(settings, kind), name: "off"}})
    after = decide(changed, view(grants, share), subject)
    assert before.allowed or not after.allowed


@given(SETTINGS, SUBJECTS, GRANTS, SHARE)
def test_the_groups_word_only_tightens(
    settings: ShareSettings, subject: Subject, grants: dict[str, Grant], share: Any
) -> None:
    alone = decide(settings, view(grants), subject)
    told = decide(settings, view(grants, share), subject)
    assert alone.allowed or not told.allowed


@given(SETTINGS, SUBJECTS, GRANTS)
def test_nothing_goes_to_a_hub_that_was_not_allowed_or_to_another_group(
    settings: ShareSettings, subject: Subject, grants: dict[str, Grant]
) -> None:
    grant = grants.get("hubs.team")
    decision = decide(settings, view(grants), subject)
    if settings.hubs.get("team") != "redacted" or grant is None or grant.group != "g":
        assert not decision.allowed
    assert decision.rule
    assert decision.why


@given(SETTINGS, SETTINGS, SUBJECTS)
def test_what_was_widened_does_not_reach_back(
    old: ShareSettings, new: ShareSettings, subject: Subject
) -> None:
    def bound(grants: dict[str, Grant]) -> dict[str, Grant]:
        return {k: msgspec.structs.replace(v, group=v.group or "g") for k, v in grants.items()}

    first = bound(observe(old, {}, "2026-11-01T00:00:00Z"))
    then = bound(observe(new, first, "2026-11-03T00:00:00Z"))
    before, after = decide(old, view(first), subject), decide(new, view(then), subject)
    if after.allowed and not before.allowed and subject.mark != "allow":
        assert subject.started >= "2026-11-01T00:00:00Z"
        own = {name: getattr(old, name) for name in ("hubs", "agents", "projects")}
        if old.default == "off" and not any(own.values()):
            assert subject.started >= "2026-11-03T00:00:00Z"


def test_a_project_is_known_by_name_remote_and_owner() -> None:
    grants = {"hubs.team": Grant(value="redacted", group="g")}
    one = Subject(key="k", agent="codex", project="till", remote="host.example/acme/till", started="2026")
    for rule in ("Till", "host.example/ACME/till", "host.example/acme/*"):
        settings = ShareSettings(hubs={"team": "redacted"}, projects={rule: "redacted"})
        assert decide(settings, view(grants), one).rule == f"share.projects.{rule}"
    settings = ShareSettings(
        hubs={"team": "redacted"}, projects={"till": "redacted", "host.example/acme/*": "off"}
    )
    assert not decide(settings, view(grants), one).allowed
    other = msgspec.structs.replace(one, remote="host.example/acmesoft/till", project="x")
    settings = ShareSettings(hubs={"team": "redacted"}, projects={"host.example/acme/*": "redacted"})
    assert not decide(settings, view(grants), other).allowed
