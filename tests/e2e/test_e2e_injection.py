"""The list of skills in the system prompt of a real agent: the same bytes in all turns of a conversation."""

from __future__ import annotations

import json
import re
from typing import Any

from atif_sessions import Ran, session, write
from cli import ok, ok_json, skillclaw
from clients import Person
from scripted import Script, Seen, Shell, Upstream
from test_e2e_live import wire_sessions

WORK = Script(steps=(Shell("echo one"), Shell("echo two")), final="Both were said.")
INDEX = re.compile(r"## Skills.*?</available_skills>", re.S)


def lesson(tool: str, fix: str) -> list[dict[str, Any]]:
    """Sessions of which a skill about `tool` comes."""
    ran = [
        Ran(f"{tool} test", 1, f"{tool}: no lock file found"),
        Ran(fix),
        Ran(f"{tool} test", 0, "12 passing"),
    ]
    return [session("ada", number, f"run the {tool} tests", ran) for number in range(4)]


def index_of(seen: Seen) -> list[str]:
    system = seen.json.get("system") or []
    text = system if isinstance(system, str) else "\n".join(block.get("text", "") for block in system)
    return INDEX.findall(text)


def test_a_conversation_of_claude_code_keeps_its_list_of_skills(person: Person) -> None:
    ok("import", str(write(person.home / "npm.jsonl", lesson("npm", "npm ci"))), home=person.home)
    ok("evolve", home=person.home)
    (first,) = [skill["name"] for skill in ok_json("skills", "list", home=person.home)]
    with Upstream({"say-both": WORK}) as upstream:
        ok("config", "set", "agents.claude-code.upstream", upstream.url, home=person.home)
        ok("config", "set", "agents.claude-code.inject", "true", home=person.home)
        ok("up", "-d", "--port", "0", home=person.home)
        try:
            ok("connect", "claude-code", home=person.home)
            person.claude("say-both please")
            ok(
                "import",
                str(write(person.home / "cargo.jsonl", lesson("cargo", "cargo fetch"))),
                home=person.home,
            )
            ok("evolve", home=person.home)
            person.claude("say-both once more", "-c")
            turns = [seen for seen in upstream.seen if seen.method == "POST" and seen.json.get("tools")]
            assert len(turns) == 6
            lists = [found for seen in turns for found in index_of(seen)]
            assert len(lists) == 6
            assert len(set(lists)) == 1, "the provider's cache of the prompt stays warm"
            assert f"<name>{first}</name>" in lists[0]
            assert str(person.home) in lists[0], "where the skill can be read"
            person.claude("say-both, and begin anew")
            (anew,) = index_of([seen for seen in upstream.seen if seen.json and seen.json.get("tools")][-1])
            assert "cargo" in anew
            assert anew != lists[0]
        finally:
            done = skillclaw("stop", home=person.home)
            assert done.returncode == 0, done.stderr
    recorded = [made for made in wire_sessions(person) if "say-both" in json.dumps(made)]
    assert len(recorded) == 2
    for made in recorded:
        used = made["extra"]["skillclaw"]["skills"]
        assert any(skill["name"] == first and skill["offered"] for skill in used)
