"""What a real agent wrote by itself: found, counted by its sessions, offered, and its copy left as it is."""

from __future__ import annotations

from pathlib import Path

from cli import ok, ok_json
from clients import Person
from live import environ_of
from scripted import Script, Shell, Skill, Tool, Upstream
from test_live_hermes import LIVE

WROTE = """---
name: sorting_work
description: How to sort the words of this folder.
version: 1.0.0
metadata:
  hermes:
    tags: [sort, words]
---

# Sorting

1. Run `sort -u words.txt`.
"""
SCRIPTS = {
    "remember": Script(
        steps=(Tool("skill_manage", {"action": "create", "name": "sorting_work", "content": WROTE}),),
        final="Remembered.",
    ),
    "tidy": Script(steps=(Skill("sorting_work"), Shell("printf 'b\\na\\n' | sort -u")), final="Tidied."),
}


def test_what_hermes_wrote_by_itself(tmp_path: Path) -> None:
    person = Person.make(tmp_path / "ada")
    run = {"home": person.home, "environ": environ_of(person, LIVE)}
    with Upstream(SCRIPTS) as upstream:
        LIVE.settings(person, upstream.url)
        LIVE.run(person, "please remember how this was done", False)
        LIVE.run(person, "please tidy the words up", False)
    ok("import", "--agent", "hermes", **run)
    (row,) = ok_json("skills", "candidates", **run)
    assert (row["name"], row["agent"], row["state"]) == ("sorting-work", "hermes", "new")
    folder = Path(row["folder"])
    assert (folder / "SKILL.md").read_text("utf-8") == WROTE
    uses = {kind: row["uses"][kind]["sessions"] for kind in ("offered", "read", "invoked")}
    assert uses == {"offered": 1, "read": 1, "invoked": 1}, row
    offered = ok_json("skills", "offer", "sorting_work", "--yes", **run)
    assert (offered["status"], offered["refused"]) == ("held", [])
    ok("proposals", "approve", offered["proposal"], **run)
    assert "`sort -u words.txt`" in ok("skills", "show", "sorting-work", **run)
    assert (folder / "SKILL.md").read_text("utf-8") == WROTE
    (row,) = ok_json("skills", "candidates", **run)
    assert (row["state"], row["status"]) == ("offered", "released")
