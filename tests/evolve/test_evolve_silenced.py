"""What only makes a failing check silent is no fix, unless users ask for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from atif_sessions import Ran, session, write
from cli import ok, ok_json
from corrected import corrected

pytestmark = pytest.mark.live

ASKED = (
    "Check the shop before release",
    "Please check the shop",
    "Is the shop fine?",
    "Make sure of the shop",
)


def taught(home: Path, *ran: Ran) -> list[str]:
    """The fixes that are released of six sessions in which this ran."""
    made = [session("ana", n, ASKED[n % 4], ran) for n in range(6)]
    ok("import", str(write(home / "s.jsonl", made)), home=home)
    ok("evolve", home=home)
    return released(home)


def released(home: Path) -> list[str]:
    shown = [ok("skills", "show", one["name"], home=home) for one in ok_json("skills", "list", home=home)]
    return [line for text in shown for line in text.splitlines() if line.startswith(("- If", "- Always"))]


@pytest.mark.parametrize(
    ("fails", "said", "silent"),
    [
        ("ruff check .", "src/pay.py:4:1 F401 unused", "ruff check . --exit-zero"),
        ("pytest -q", "1 failed: tests/test_pay.py", "pytest -q --deselect tests/test_pay.py"),
        ("pytest -q", "1 failed: tests/test_pay.py", "uv run pytest -q --ignore=tests/test_pay.py"),
        ("pytest -q", "1 failed: tests/test_pay.py", "pytest -q -k 'not pay'"),
        ("mvn package", "Tests run: 4, Failures: 1", "mvn package -DskipTests"),
        ("gradle build", "There were failing tests", "gradle build -x test"),
        ("npx jest", "No tests found, exiting with code 1", "npx jest --passWithNoTests"),
        ("git commit -m x", "husky: pre-commit hook failed", "git commit -m x --no-verify"),
        ("git commit -m x", "ruff hook failed", "SKIP=ruff git commit -m x"),
        ("curl https://api.shop.example/h", "SSL certificate problem", "curl -k https://api.shop.example/h"),
        (
            "curl https://api.shop.example/h",
            "SSL certificate problem",
            "curl -sSkL https://api.shop.example/h",
        ),
        ("git commit -m x", "ruff hook failed", "HOOKS_SKIP_ALL=1 git commit -m x"),
        ("npm test", "2 tests failing", "npm test || true"),
        ("npm test", "2 tests failing", "cd web && npm test || echo failed"),
        ("npm test", "2 tests failing", "npm test || exit 0"),
        ("npm test", "2 tests failing", "npm test || true; exit $?"),
        ("npm test", "2 tests failing", "for one in a b; do npm test $one || true; done"),
        ("npm test", "2 tests failing", "npm test; exit 0"),
    ],
)
def test_a_call_that_leaves_the_check_out_is_no_fix(
    tmp_path: Path, fails: str, said: str, silent: str
) -> None:
    assert taught(tmp_path, Ran(fails, 1, said), Ran(silent, 0, "all fine")) == []


def test_a_call_that_ends_well_and_shows_the_same_failure_is_no_fix(tmp_path: Path) -> None:
    told = "Found 7 problems in src"
    assert taught(tmp_path, Ran("shoplint .", 1, told), Ran("shoplint . --report", 0, told)) == []


def test_another_option_is_a_fix_as_before(tmp_path: Path) -> None:
    ran = Ran("shoplint .", 1, "Found no config"), Ran("shoplint . --config shop.toml", 0, "all fine")
    assert taught(tmp_path, *ran) == ["- If `shoplint .` fails, run `shoplint . --config shop.toml`."]


@pytest.mark.parametrize(
    ("fails", "works"),
    [
        ("make test", "make -C src test; exit $?"),
        ("pytest tests", "uv run pytest tests || exit 1"),
        ("./run.sh", "test -d node_modules || echo missing; ./run.sh"),
        ("./run.sh", "./run.sh --all; test -d node_modules || echo missing"),
    ],
)
def test_what_passes_the_failure_on_is_a_fix(tmp_path: Path, fails: str, works: str) -> None:
    ran = Ran(fails, 1, "Found no tests there"), Ran(works, 0, "3 passed")
    assert taught(tmp_path, *ran) == [f"- If `{fails}` fails, run `{works}`."]


def test_a_failure_of_which_none_is_left_is_mended(tmp_path: Path) -> None:
    ran = Ran("shoplint .", 1, "Found 7 errors in src"), Ran("shoplint . --fix", 0, "Found 0 errors in src")
    assert taught(tmp_path, *ran) == ["- If `shoplint .` fails, run `shoplint . --fix`."]


def test_what_users_ask_for_themselves_is_a_rule(tmp_path: Path) -> None:
    said = "No, always use ruff check . --exit-zero"
    made = [
        corrected(n, "ruff check .", said, "ruff check . --exit-zero", day=f"2026-09-{n + 1:02d}")
        for n in range(6)
    ]
    ok("import", str(write(tmp_path / "s.jsonl", made)), home=tmp_path)
    ok("evolve", home=tmp_path)
    assert any("--exit-zero" in line for line in released(tmp_path))
