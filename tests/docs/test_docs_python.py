"""docs/python.md: its examples run, in their order, on a real home; and the API's names are what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from atif_sessions import Ran, session, write

import skillclaw

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "python.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_the_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SKILLCLAW_HOME", str(tmp_path / ".skillclaw"))
    runs = [
        Ran("pip install requests", 1, "error: externally-managed-environment"),
        Ran("python3 -m venv .venv && .venv/bin/pip install requests"),
    ]
    write(tmp_path / "past.jsonl", [session("", n, "Install requests, please.", runs) for n in range(1, 7)])
    names: dict[str, object] = {}
    assert len(EXAMPLES) == 4
    for number, text in enumerate(EXAMPLES):
        exec(compile(text, f"example {number}", "exec"), names)
    said = capsys.readouterr().out
    assert "6 imported, 0 skipped" in said and "Install requests, please." in said
    assert "6 sessions," in said and "copies as released" in said
    assert "No session" in said or "no session" in said
    claw = names["claw"]
    assert isinstance(claw, skillclaw.SkillClaw)
    assert [row.outcome for row in claw.sessions()].count("failure") == 1
    with pytest.raises(skillclaw.UsageError, match="no status"):
        claw.proposals(status="lost")


def test_every_call_is_in_the_table_and_every_name_is_there() -> None:
    told = {
        name
        for row in re.findall(r"^\| (`\w[^|]*) \|", TEXT, re.MULTILINE)
        for name in re.findall(r"`(\w+)", row)
    }
    calls = {name for name in vars(skillclaw.SkillClaw) if not name.startswith("_")}
    tools = {"search_skills", "show_skill", "search_evidence", "give_feedback"}
    assert told - tools == calls - tools
    assert all(getattr(skillclaw, name).__doc__ for name in skillclaw.__all__ if name != "__version__")
    assert set(skillclaw.__all__) <= set(dir(skillclaw))
    with pytest.raises(AttributeError):
        _ = skillclaw.nothing  # type: ignore[attr-defined]


def test_importing_the_package_loads_nothing_else() -> None:
    code = (
        "import sys, skillclaw; print([m for m in sys.modules if m[:10] == 'skillclaw.' or m == 'msgspec'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
