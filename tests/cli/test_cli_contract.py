"""The command line as scripts rely on it: JSON shapes, exit codes, help, three-line errors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from atif_sessions import Ran, session, write
from cli import fails, ok, ok_json, skillclaw

pytestmark = pytest.mark.live

TEXT, NUMBER, WHOLE, FLAG = {"type": "string"}, {"type": "number"}, {"type": "integer"}, {"type": "boolean"}
MAYBE = {"type": ["number", "null"]}
CI = {"anyOf": [{"type": "null"}, {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}]}


def thing(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields)}


def many(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 1}


REASON = thing(check=TEXT, verdict={"enum": ["pass", "hold", "reject", "n/a"]}, reason=TEXT)
SCHEMAS: dict[str, Any] = {
    "import": thing(
        imported=WHOLE, skipped=WHOLE, failed={"type": "array", "items": thing(path=TEXT, reason=TEXT)}
    ),
    "sessions list": many(
        thing(
            id=TEXT,
            agent=TEXT,
            project=TEXT,
            started=TEXT,
            steps=WHOLE,
            outcome={"enum": ["success", "failure", "unknown"]},
            shared=FLAG,
        )
    ),
    "evolve": thing(
        cycle=TEXT,
        sessions=WHOLE,
        episodes=WHOLE,
        patterns=many(
            thing(id=TEXT, kind=TEXT, title=TEXT, sessions=WHOLE, users=WHOLE, odds_ratio=MAYBE, ci=CI)
        ),
        proposals=many(thing(id=TEXT, skill=TEXT, action=TEXT, verdict=TEXT, reasons=many(REASON))),
        released=many(thing(skill=TEXT, version=TEXT, stage=TEXT)),
        spent=thing(tokens=WHOLE, calls=WHOLE, usd=NUMBER, seconds=NUMBER),
    ),
    "skills list": many(
        thing(name=TEXT, version=TEXT, stage=TEXT, scope=TEXT, agents=many(TEXT), sessions=WHOLE, users=WHOLE)
    ),
    "skills evidence": many(
        thing(item=TEXT, text=TEXT, sessions={"type": "array", "items": TEXT}, users=WHOLE, odds_ratio=MAYBE)
    ),
    "proposals list": many(thing(id=TEXT, skill=TEXT, action=TEXT, status=TEXT)),
    "status": thing(
        running=FLAG, agents={"type": "array"}, sessions=WHOLE, skills=WHOLE, errors={"type": "object"}
    ),
    "hub status": thing(url=TEXT, commits=WHOLE, void=WHOLE),
}


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which one skill was learned from nine sessions of three users."""
    home = tmp_path_factory.mktemp("home")
    steps = [
        Ran("npm test", 1, "Error: Cannot find module 'left-pad'"),
        Ran("npm ci", 0, "added 12 packages"),
        Ran("npm test", 0, "12 passing"),
    ]
    made = [session(user, n, "run the test-suite of this project", steps) for user in "abc" for n in range(3)]
    write(home / "s.jsonl", made)
    out = ok_json("import", str(home / "s.jsonl"), home=home)
    jsonschema.validate(out, SCHEMAS["import"])
    report = ok_json("evolve", home=home)
    jsonschema.validate(report, SCHEMAS["evolve"])
    return home


@pytest.mark.parametrize(
    "command", ["sessions list", "skills list", "proposals list", "status", "hub status"]
)
def test_json_has_the_shape_that_scripts_rely_on(learned: Path, command: str) -> None:
    jsonschema.validate(ok_json(*command.split(), home=learned), SCHEMAS[command])


def test_evidence_names_sessions_that_exist(learned: Path) -> None:
    name = ok_json("skills", "list", home=learned)[0]["name"]
    rows = ok_json("skills", "evidence", name, home=learned)
    jsonschema.validate(rows, SCHEMAS["skills evidence"])
    known = {row["id"] for row in ok_json("sessions", "list", home=learned)}
    assert {s for row in rows for s in row["sessions"]} <= known
    assert "npm ci" in ok("skills", "show", name, home=learned)


@pytest.mark.slow
def test_every_command_has_help_and_the_common_options(tmp_path: Path) -> None:
    commands = [
        "",
        "up",
        "stop",
        "status",
        "logs",
        "connect",
        "disconnect",
        "doctor",
        "run",
        "import",
        "evolve",
        "sync",
    ]
    commands += [
        "sessions list",
        "sessions show",
        "sessions preview",
        "sessions export",
        "sessions forget",
        "feedback",
    ]
    commands += ["proposals list", "proposals show", "proposals approve", "proposals reject", "skills list"]
    commands += ["skills show", "skills diff", "skills log", "skills evidence", "skills pin", "skills unpin"]
    commands += [
        "skills rollback",
        "skills edit-status",
        "skills uninstall",
        "skills install",
        "skills candidates",
        "skills offer",
        "skills revoke",
        "skills quarantine",
        "skills restore",
        "hub status",
        "hub verify",
    ]
    commands += ["bench mine", "bench proxy", "bench convert", "config show", "config get", "config set"]
    for command in commands:
        text = ok(*command.split(), "--help", home=tmp_path)
        if command:
            assert all(option in text for option in ("--home", "--json", "--debug")), command
    assert not (tmp_path / ".skillclaw").exists(), "help writes nothing"


def test_looking_writes_nothing(tmp_path: Path) -> None:
    ok("status", home=tmp_path)
    ok("config", "show", home=tmp_path)
    skillclaw("doctor", home=tmp_path)
    ok("connect", "claude-code", "--dry-run", home=tmp_path)
    assert not (tmp_path / ".claude").exists()


def test_preview_shows_exactly_what_would_be_shared(tmp_path: Path) -> None:
    key = "sk-" + "proj-" + "Zq8Lk2Vn5Bx1Cw7Ym4Tj9Rp3Gd6Hs0" * 2
    told = session(
        "u", 1, "mail carol.jones@corp-mail.org", [Ran(f"curl -H 'Authorization: Bearer {key}' x", 0)]
    )
    write(tmp_path / "s.jsonl", [told])
    ok("import", str(tmp_path / "s.jsonl"), home=tmp_path)
    (row,) = ok_json("sessions", "list", home=tmp_path)
    shown = ok("sessions", "preview", row["id"], home=tmp_path)
    assert key not in shown
    assert "carol.jones" not in shown
    assert json.loads(shown)["session_id"] == "u-1"
    database = b"".join(p.read_bytes() for p in (tmp_path / ".skillclaw").rglob("*") if p.is_file())
    assert key.encode() not in database


def test_files_are_private(learned: Path) -> None:
    for path in (learned / ".skillclaw").rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0, path


def test_pin_and_rollback(learned: Path, tmp_path: Path) -> None:
    name = ok_json("skills", "list", home=learned)[0]["name"]
    ok("skills", "pin", name, home=learned)
    assert ok_json("skills", "list", home=learned)[0]["pinned"]
    ok("skills", "unpin", name, home=learned)
    installed = learned / ".claude" / "skills" / name / "SKILL.md"
    assert installed.exists()
    assert ok_json("skills", "rollback", name, home=learned)["version"] is None
    assert not installed.exists()
    assert ok_json("skills", "list", home=learned) == []
    assert ok_json("evolve", home=learned)["released"] == [], "what was rolled back is not released again"
    fails("skills", "rollback", name, home=learned, code=2)


def test_tampering_with_the_hub_is_found(learned: Path) -> None:
    assert ok_json("hub", "verify", home=learned)["ok"]
    victim = sorted((learned / ".skillclaw" / "hub" / "objects").iterdir())[0]
    whole = victim.read_bytes()
    victim.chmod(0o600)
    victim.write_bytes(whole + b"x")
    done = skillclaw("hub", "verify", "--json", home=learned)
    assert done.returncode == 1
    assert json.loads(done.stdout)["problems"]
    victim.write_bytes(whole)
    assert ok_json("hub", "verify", home=learned)["ok"]


def test_status_loads_no_pydantic(tmp_path: Path) -> None:
    loaded = skillclaw("status", home=tmp_path, environ={"PYTHONPROFILEIMPORTTIME": "1"}).stderr
    assert "skillclaw.server.setup.survey" in loaded, "the list of imports must be there"
    assert not re.search(r"\| +pydantic$", loaded, re.MULTILINE)


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    loaded = skillclaw("--help", home=tmp_path, environ={"PYTHONPROFILEIMPORTTIME": "1"}).stderr
    assert "| skillclaw" in loaded or "skillclaw.cli" in loaded, "the list of imports must be there"
    for heavy in ("sklearn", "scipy", "numpy", "pydantic", "aiohttp", "nacl", "obstore", "detect_secrets"):
        assert not re.search(rf"\| +{heavy}$", loaded, re.MULTILINE), heavy


@pytest.mark.slow
@pytest.mark.parametrize("args", [("evolve",), ("up", "--demo"), ("bench", "mine")])
def test_without_the_evolve_extra_a_cycle_says_what_to_install(tmp_path: Path, args: tuple[str, ...]) -> None:
    stub = tmp_path / "lean"
    for package in ("numpy", "scipy", "sklearn"):
        (stub / package).mkdir(parents=True)
        (stub / package / "__init__.py").write_text(
            f"raise ModuleNotFoundError(\"No module named '{package}'\", name='{package}')\n", "utf-8"
        )
    lean = {"PYTHONPATH": str(stub)}
    said = fails(*args, home=tmp_path, environ=lean)
    assert " install " in said and "[evolve]" in said
    assert ok_json("status", home=tmp_path, environ=lean)["running"] is False
    assert "Everything" in ok("sync", home=tmp_path, environ=lean)
    assert ok_json("import", home=tmp_path, environ=lean)["imported"] == 0
