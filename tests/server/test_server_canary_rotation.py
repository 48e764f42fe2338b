"""A member's new key draws no canary anew: what was installed by the draw stays as it is."""

from __future__ import annotations

from pathlib import Path

from team import found, hub, joined, machine, sc, taken

from skillclaw.library.choose import HubView


def test_a_rotated_member_is_the_same_client(tmp_path: Path) -> None:
    found(tmp_path)
    joined(tmp_path, "bob")

    def view() -> HubView:
        hubs = machine(tmp_path, "bob").hubs
        return hubs.view(hubs.source("team"))

    before = view().client
    sc(tmp_path, "bob", "hub", "rotate", "--hub", "team")
    taken(tmp_path)
    state = hub(tmp_path, "bob").state()
    assert state.keys[before].replaced
    assert view().client == before
