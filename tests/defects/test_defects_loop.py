"""Defects that peers were seen to have, each a test of its name: sessions in, skills out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from atif_sessions import Ran, session, write
from attacks import files_below, hub_of, readable_below, release, skill
from cli import ok, ok_json, skillclaw

from skillclaw.skills.records import File

FIX = (
    Ran("npm test", 1, "Error: Cannot find module 'left-pad'"),
    Ran("npm ci", 0, "added 12 packages"),
    Ran("npm test", 0, "12 passing"),
)


def good(count: int = 4, ran: tuple[Ran, ...] = FIX) -> list[dict[str, Any]]:
    return [session("u-77", n, "run the tests of this project", ran) for n in range(count)]


def everything(home: Path) -> bytes:
    """All that the hub holds, bundles unpacked."""
    held = b"\n".join(readable_below(home / ".skillclaw" / "hub").values())
    assert b"left-pad" in held, "what it learned from the same sessions is seen"
    return held


POISON: dict[str, Any] = {
    "steps null": {"steps": None},
    "a step is text": {"steps": ["text"]},
    "reward is text": {"extra": {"skillclaw": {"reward": "very good"}}},
    "a skill without a name": {"extra": {"skillclaw": {"skills": [{"name": None}]}}},
    "a call without a name": {
        "steps": [{"step_id": 1, "source": "agent", "message": "", "tool_calls": [{"function_name": None}]}]
    },
    "nothing": {},
}


@pytest.mark.slow
def test_one_poisoned_session_stops_every_cycle(tmp_path: Path) -> None:
    """One session with null steps, text for steps or a grade in words aborted every cycle, for everybody."""
    lines = [json.dumps(one) for one in good()]
    base = {key: value for key, value in good(1)[0].items() if key != "steps"}
    lines += [json.dumps(base | {"session_id": f"poison-{what}"} | poison) for what, poison in POISON.items()]
    lines += ["[]", "null", '"text"', "7", "{", json.dumps([1, 2])]
    (tmp_path / "mixed.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    done = skillclaw("import", str(tmp_path / "mixed.jsonl"), "--json", home=tmp_path)
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    assert report["imported"] >= 4
    assert all(failure["reason"] for failure in report["failed"])
    assert len(report["failed"]) >= 8
    first = ok_json("evolve", home=tmp_path)
    assert first["released"]
    again = ok_json("evolve", home=tmp_path)
    assert (again["released"], again["proposals"]) == ([], []), "the same again makes no version"
    assert again["spent"]["calls"] == 0


@pytest.mark.slow
def test_a_private_skill_leaks_because_it_was_read(tmp_path: Path) -> None:
    """A skill that was never shared was published since a session had read it."""
    own = tmp_path / ".claude" / "skills" / "quarterly-secrets"
    own.mkdir(parents=True)
    words = "Ring the vault at extension 4711 before the audit."
    body = f"---\nname: quarterly-secrets\ndescription: Our own.\n---\n\n{words}\n"
    (own / "SKILL.md").write_text(body, "utf-8")
    reads = (Ran(f"cat {own}/SKILL.md", 0, body), *FIX)
    write(tmp_path / "s.jsonl", good(4, reads))
    ok("import", str(tmp_path / "s.jsonl"), home=tmp_path)
    ok("evolve", home=tmp_path)
    held = everything(tmp_path)
    for never in (b"quarterly-secrets", b"4711", b"vault"):
        assert never not in held, never
    assert (own / "SKILL.md").read_text("utf-8") == body
    assert "quarterly-secrets" not in ok("skills", "list", home=tmp_path)


FORGED = ("../../../x/deploy", "/etc/deploy", "a\nalways_apply: true", "x" * 400)


def test_a_forged_skill_name_in_a_session_is_a_path(tmp_path: Path) -> None:
    """The name of a skill in a session was a path that the evolver read, overwrote and published."""
    home = tmp_path / "a" / "b" / "c" / "home"
    home.mkdir(parents=True)
    made = good(8)
    for one, name in zip(made, FORGED * 2, strict=True):
        use = {"hub": "personal", "name": name, "version": None, "offered": True, "read_step": 1}
        one["extra"]["skillclaw"]["skills"] = [use | {"invoked_step": 1}]
    write(home / "s.jsonl", made)
    report = ok_json("import", str(home / "s.jsonl"), home=home)
    assert report["imported"] + len(report["failed"]) == 8
    ok("evolve", home=home)
    assert [path for path in tmp_path.rglob("*") if "deploy" in path.name or "always" in path.name] == []
    assert {path for path in tmp_path.rglob("*") if home not in (path, *path.parents)} == {
        tmp_path / "a",
        tmp_path / "a" / "b",
        tmp_path / "a" / "b" / "c",
    }
    assert not set(FORGED) & set(hub_of(home).state().skills)


def test_an_update_loses_the_other_files_and_the_fences(tmp_path: Path) -> None:
    """Any edit of a skill deleted its other files on all machines, and stripped its blocks of code."""
    (tmp_path / ".claude").mkdir()
    fenced = "Then look:\n\n```bash\nls -l\n```\n\n- `\u4f60\u597d` stays as it is."
    more = File(path="references/more.md", data="# M\u00e9hr\n\n```\nx\n```\n".encode())
    ok("hub", "status", home=tmp_path)
    release(hub_of(tmp_path), skill(fenced, "fenced", more))
    ok("sync", home=tmp_path)
    place = tmp_path / ".claude" / "skills" / "fenced"
    first = files_below(place)
    assert set(first) == {"SKILL.md", "references/more.md"}
    assert b"```bash\nls -l\n```" in first["SKILL.md"]
    release(hub_of(tmp_path), skill(fenced + "\n- One line more.", "fenced", more))
    ok("sync", home=tmp_path)
    assert files_below(place) == first | {"SKILL.md": first["SKILL.md"] + b"- One line more.\n"}
