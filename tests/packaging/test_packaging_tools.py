"""`pipx install` and `uv tool install` for somebody with nothing, from a wheel that the sdist gave."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = Path(os.environ.get("E2E_CLIENTS") or "nowhere", "tools", "bin")
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
INSTALL = {
    "pipx": (["pipx", "install", "--python", sys.executable], ["pipx", "uninstall", "skillclaw"]),
    "uv": (
        ["uv", "tool", "install", "--python", sys.executable],
        ["uv", "tool", "uninstall", "skillclaw"],
    ),
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(out), "-t"]
    subprocess.run([*build, "sdist"], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(*out.glob("*.tar.gz")) as sdist:
        sdist.extractall(out, filter="data")
    (top,) = (one for one in out.iterdir() if one.is_dir())
    subprocess.run([*build, "wheel"], cwd=top, check=True, capture_output=True)
    (made,) = out.glob("*.whl")
    return made


@pytest.mark.parametrize(
    "tool, extras", [("pipx", ""), pytest.param("uv", "", marks=pytest.mark.slow), ("uv", "evolve,web")]
)
def test_it_is_installed_runs_and_goes(tool: str, extras: str, wheel: Path, tmp_path: Path) -> None:
    path = f"{TOOLS}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    if shutil.which(tool, path=path) is None:
        pytest.skip(f"{tool} is not installed; `make e2e` installs it")
    # How packages are fetched here stays; nothing else does.
    kept = {
        k: v for k, v in os.environ.items() if k.startswith(("PIP_", "UV_", "SSL_")) or k.endswith("_proxy")
    }
    environ = kept | {"HOME": str(tmp_path), "PATH": path, "LANG": "C.UTF-8", "UV_PYTHON_DOWNLOADS": "never"}

    def run(*argv: object) -> str:
        done = subprocess.run(
            [str(one) for one in argv], env=environ, capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout

    install, uninstall = INSTALL[tool]
    run(*install, f"{wheel}[{extras}]" if extras else wheel)
    program = tmp_path / ".local/bin/skillclaw"
    assert run(program, "--version").startswith("skillclaw ")
    assert "does not run" in run(program, "status")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    said = run(program, "up", "-d", "--yes", "--port", port)
    if extras:
        assert "recording, evolver, sync (" in said and "Look (this link" in said
    else:
        add = {"uv": "uv pip install --python", "pipx": "pipx runpip skillclaw install"}[tool]
        assert "recording, sync (" in said, "no evolver, which is not there"
        assert f"the evolver is not installed. Say: {add}" in said and f"{wheel}[evolve]" in said, (
            "an index has no such name"
        )
    assert "Stopped" in run(program, "stop")
    assert "/site-packages/" in run(
        program.resolve().with_name("python"), "-c", "import skillclaw; print(skillclaw.__file__)"
    )
    pages = [one for one in (tmp_path / ".local").rglob("skillclaw.1") if one.is_file()]
    assert pages and ".SS status" in pages[0].read_text()
    run(*uninstall)
    assert not program.exists()
    left = {one.relative_to(tmp_path).parts[0] for one in tmp_path.rglob("*") if one.is_file()}
    assert left <= {".skillclaw", ".cache", ".local"}
    assert not [
        one
        for one in (tmp_path / ".local").rglob("*")
        if one.is_file() and "skillclaw" in one.name and one.stat().st_size
    ]
