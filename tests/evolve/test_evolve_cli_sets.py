"""Every set of evidence through the engine `cli`: a player writes what worked, and each line is grounded."""

from __future__ import annotations

from pathlib import Path

import pytest
from authors import learned, player
from cli import ok, ok_json
from evidence import NAMES
from skills_ref.validator import validate

from skillclaw.sandbox import why_no_room

no_room = why_no_room()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(no_room), reason=f"no sandbox here: {no_room}"),
]
DILIGENT = r"""
wrong = set()
if again:
    wrong = {int(n) for n in re.findall(r"Edit (\d+)", open("/work/FAULTS.md").read())}
edits = []
for path in sorted(glob.glob("/work/patterns/*.md")):
    text = open(path).read()
    ident = re.match(r"# (\S+) (\S+)", text)[2]
    for tool, command in re.findall(r"^\d+\. ([\w.-]+)(?:: (.*))?", text, re.MULTILINE):
        words = "Run `%s`." % command if command else "Call `%s`." % tool
        edits.append({"op": "add", "kind": "fact", "text": words[:700], "patterns": [ident]})
edits = [edit for n, edit in enumerate(edits) if edit not in edits[:n]][:12]
edits = [edit for n, edit in enumerate(edits, 1) if n not in wrong]
said = "What worked here in many sessions. Use when asked for the same."
write({"action": "create", "why": "It worked in many sessions.", "description": said, "edits": edits})
"""
"""Reads every pattern in the workspace and writes a line for each action that worked."""


@pytest.mark.parametrize("name", NAMES)
def test_from_real_sessions_come_skills_whose_every_line_is_grounded(tmp_path: Path, name: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    learned(
        home, name, "", cli_agent="'claude-code'", cli_model="'model-1'", cli_upstream="'http://127.0.0.1:9'"
    )
    environ = {"PATH": player(home / "bin", DILIGENT), "ANTHROPIC_API_KEY": "sk-" + "played" * 8}
    report = ok_json("evolve", "--engine", "cli", home=home, environ=environ)
    released = [one["skill"] for one in report["released"]]
    assert released
    own = 0
    for skill in released:
        text = ok("skills", "show", skill, home=home)
        own += "What worked here" in text
        (tmp_path / skill).mkdir()
        (tmp_path / skill / "SKILL.md").write_text(text, "utf-8")
        assert validate(tmp_path / skill) == []
        rows = ok_json("skills", "evidence", skill, home=home)
        assert all(len(row["sessions"]) >= 3 for row in rows)
    assert own, "the player's words, not those of the engine that needs no model"
