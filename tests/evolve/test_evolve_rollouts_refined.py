"""A canary with a control is left alone while it is measured; one without has nothing to wait for."""

from __future__ import annotations

import pytest

from skillclaw.evolve.evolvers import Current
from skillclaw.evolve.rollouts import left_alone
from skillclaw.hub.records import HubState, Release, SkillState, Stage
from skillclaw.skills.records import Bundle, File, Sidecar


@pytest.mark.parametrize(
    ("stage", "share", "alone"),
    [
        ("canary", 0.5, True),
        ("canary", 0.99, True),
        ("canary", 1.0, False),
        ("canary", None, False),
        ("stable", None, False),
    ],
)
def test_a_canary_that_is_there_on_all_days_may_be_refined(
    stage: Stage, share: float | None, alone: bool
) -> None:
    bundle = Bundle(name="orders", files=[File(path="SKILL.md", data=b"x")])
    current = Current(bundle=bundle, sidecar=Sidecar(skill="orders", version="v"), version="v")
    release = Release(
        skill="orders",
        version="v",
        object="o",
        sidecar=None,
        base=None,
        proposal="p",
        stage=stage,
        seq=1,
        time="2026-01-01T00:00:00Z",
        share=share,
    )
    state = HubState(
        group="g",
        seq=1,
        head="h",
        skills={"orders": SkillState(name="orders", current="v", stage=stage, releases=[release])},
    )
    seen = left_alone({"orders": current}, state)["orders"]
    assert (seen.pinned, seen.measured) == (alone, alone)
