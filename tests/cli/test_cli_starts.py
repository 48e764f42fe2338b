"""What commands load before they do anything, and the measurement of it. No clock decides here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli import ok_json, skillclaw

from skillclaw.server.machine import Machine

pytestmark = pytest.mark.live

ALWAYS = (
    *("numpy", "scipy", "sklearn", "pydantic", "pydantic_ai", "atif", "aiohttp", "obstore", "detect_secrets"),
    *(
        "rich",
        "pygments",
        "jinja2",
        "starlette",
        "fastapi",
        "uvicorn",
        "uvloop",
        "ssl",
        "http.client",
        "asyncio",
    ),
    *(
        "http.client",
        "strictyaml",
        "yaml",
        "stdnum",
        "re2",
        "tomlkit",
        "urllib.request",
        "skillclaw.proxy",
        "skillclaw.web",
    ),
    *("skillclaw.evolve", "skillclaw.bench"),
)
"""Neither help nor a status on a home with a hub may load these; each costs milliseconds and memory."""
HELP = (
    *("sqlite3", "backports", "nacl", "brotli", "filelock", "psutil", "skillclaw.hub", "skillclaw.agents"),
    *("skillclaw.library", "skillclaw.journal", "skillclaw.server", "skillclaw.wire", "skillclaw.trajectory"),
)


def _loaded(home: Path, *command: str) -> set[str]:
    environ = {"PYTHONPROFILEIMPORTTIME": "1", "HOME": str(home)}
    told = skillclaw(*command, home=home, environ=environ).stderr
    return {line.rsplit("|", 1)[1].strip() for line in told.splitlines() if "import time:" in line}


@pytest.mark.parametrize("command", [("--help",), ("hub", "--help"), ("status", "--help"), ("--version",)])
def test_help_loads_the_command_line_alone(tmp_path: Path, command: tuple[str, ...]) -> None:
    loaded = _loaded(tmp_path, *command)
    assert "skillclaw.cli.app" in loaded, "the list of imports must be there"
    assert not loaded & {*ALWAYS, *HELP}


def test_status_loads_only_what_it_looks_at(tmp_path: Path) -> None:
    loaded = _loaded(tmp_path, "status")
    assert "skillclaw.server.setup.survey" in loaded and not loaded & {*ALWAYS}
    assert not loaded & {"skillclaw.hub.keys", "nacl.signing"}, "there is no hub yet"
    Machine(tmp_path / ".skillclaw").hub.state()  # made, as by `up`
    loaded = _loaded(tmp_path, "status")
    assert {"skillclaw.server.setup.survey", "skillclaw.hub.keys"} <= loaded, "it looks at the hub"
    assert not loaded & {*ALWAYS}


LONG = 600.0
"""Seconds for ten starts, each of which may take many on a machine that others use, too."""
FIRST = ("bench", "start", "--rounds", "1")


def test_bench_start_measures_starts_and_sizes(tmp_path: Path) -> None:
    result = ok_json(*FIRST, "--bar", "python=0", home=tmp_path, timeout=LONG)
    rows = {row["command"]: row for row in result["rows"]}
    assert rows["python"]["times_python"] == 1
    assert rows["python"]["ms"] < rows["imports"]["ms"] and rows["python"]["ms"] < rows["status"]["ms"]
    assert (rows["--help"]["bar_ms"], rows["status"]["bar_ms"]) == (200, 400)
    sizes = {one["name"]: one["bytes"] for one in result["size"]["packages"]}
    assert {"skillclaw", "aiohttp", "typer", "msgspec", "yarl"} <= set(sizes), "also what packages ask for"
    assert not {"numpy", "scikit-learn", "pytest", "fastapi"} & set(sizes), "no extras"
    assert sizes["skillclaw"] > 1_000_000
    assert result["size"]["bytes"] == sum(sizes.values())
    missed = {one["name"]: (one["bar"], one["unit"]) for one in result["missed"]}
    assert missed["python"] == (0, "ms") and not result["holds"], "told, though only --check makes it an end"
    assert result["first_run"] is None


@pytest.mark.slow
def test_with_check_a_missed_bar_of_bench_start_ends_it_with_1_and_is_named(tmp_path: Path) -> None:
    within = [f"--bar={name}=1e9" for name in ("--help", "status", "size")]
    held = skillclaw(*FIRST, *within, "--check", home=tmp_path, timeout=LONG)
    assert held.returncode == 0, held.stderr
    assert re.search(r"--help +\d+ ms", held.stdout) and "MB of byte code" in held.stdout
    assert held.stdout.splitlines()[-1] == "Bars: held."
    over = skillclaw(*FIRST, *within, "--bar=status=0", "--check", home=tmp_path, timeout=LONG)
    assert over.returncode == 1 and over.stderr == ""
    assert re.fullmatch(r"Bars: missed: status [\d.e+]+ ms \(bar 0\)\.", over.stdout.splitlines()[-1])


@pytest.mark.parametrize("told", ["status", "nothing=1", "status=soon", "status=nan", "status=-1"])
def test_a_bar_that_cannot_be_is_told_with_those_that_can(tmp_path: Path, told: str) -> None:
    done = skillclaw("bench", "start", "--bar", told, home=tmp_path)
    assert done.returncode == 2 and f"--bar cannot be '{told}'" in done.stderr
    assert "--help, status, table, imported, learned, running, all, size" in done.stderr


@pytest.mark.parametrize("module", ["skillclaw.cli.output", "typer", "skillclaw.cli.app"])
def test_ctrl_c_while_it_starts_is_no_traceback(module: str, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}: raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from skillclaw.cli import main\n"
        "main()\n"
    )
    argv = [sys.executable, "-c", program, "status", "--home", str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.splitlines()[0]) == (130, "error: Stopped."), done.stderr
