"""Each extra, alone in an environment of its own, does what it is for: `extras/run_NAME.py` says it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from bucket_server import KEY_ID, SECRET, bucket_server

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "extras"
TOOLS = ROOT / "build" / "supply" / "bin"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = [name for name in PROJECT["project"]["optional-dependencies"] if name != "dev"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.name != "posix", reason="environments are laid out as on Linux and macOS"),
]


def _run(*argv: object, **more: object) -> subprocess.CompletedProcess[str]:
    said = [str(one) for one in argv]
    return subprocess.run(said, capture_output=True, text=True, timeout=800, check=False, **more)  # type: ignore[call-overload, no-any-return]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    done = _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture
def python(request: pytest.FixtureRequest, tmp_path: Path, wheel: Path) -> Path:
    """The Python of an environment with the client and one extra, as its lock says, and nothing else."""
    room, lock = tmp_path / "room", ROOT / "packaging" / "locks" / f"{request.param}.txt"
    uv = shutil.which("uv", path=f"{TOOLS}{os.pathsep}{os.environ['PATH']}")
    if uv:
        made = _run(uv, "venv", "--quiet", "--python", sys.executable, room)
        install: list[object] = [uv, "pip", "install", "--quiet", "--python", room]
    else:
        made = _run(sys.executable, "-m", "venv", room)
        install = [room / "bin" / "python", "-m", "pip", "install", "--quiet"]
    assert made.returncode == 0, made.stderr
    if uv:
        reachable = _run(*install, "--dry-run", "--no-deps", "tomlkit")
    else:
        reachable = _run(*install, "--dry-run", "--no-deps", "tomlkit", env=os.environ | {"PIP_RETRIES": "0"})
    if reachable.returncode:
        pytest.skip("no index of packages can be reached: " + reachable.stderr.strip()[-200:])
    done = _run(*install, "--require-hashes", "-r", lock)
    assert done.returncode == 0, done.stderr
    assert _run(*install, "--no-deps", wheel).returncode == 0
    return room / "bin" / "python"


class _Model(BaseHTTPRequestHandler):
    """Answers each question in the Chat Completions dialect."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"role": "assistant", "content": "fine"}
        answer = {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def _surroundings(home: Path) -> Iterator[dict[str, str]]:
    """What the programs ask: a bucket that checks signatures, a model, a profile of AWS, a keyring."""
    (home / ".aws").mkdir(parents=True)
    (home / ".aws" / "credentials").write_text(
        f"[team]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"
    )
    (home / "own_ring.py").write_text(
        "from keyring.backend import KeyringBackend\n"
        "class Keyring(KeyringBackend):\n"
        "    priority = 1\n"
        "    def set_password(self, service, name, word):\n"
        "        open('ring.txt', 'a').write(word)\n"
        "    def get_password(self, service, name):\n"
        "        return None\n"
    )
    model = ThreadingHTTPServer(("127.0.0.1", 0), _Model)
    threading.Thread(target=model.serve_forever, daemon=True).start()
    try:
        with bucket_server(dialect="s3") as bucket:
            bare = bucket.url().partition("?")
            kept = [one for one in bare[2].split("&") if "access_key" not in one]
            yield {
                "S3_URL": bucket.url(),
                "BARE_S3_URL": f"{bare[0]}?{'&'.join(kept)}",
                "MODEL_URL": f"http://127.0.0.1:{model.server_port}/v1",
                "PYTHON_KEYRING_BACKEND": "own_ring.Keyring",
            }
    finally:
        model.shutdown()
        model.server_close()


@pytest.mark.parametrize(
    ("python", "extra"), [(name, name) for name in EXTRAS], indirect=["python"], ids=EXTRAS
)
def test_an_extra_alone_does_what_it_is_for(extra: str, python: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    base = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    with _surroundings(home) as given:
        done = _run(
            *(python, HERE / f"run_{extra}.py"),
            cwd=home,
            env=base | given | {"HOME": str(home), "PYTHONPATH": f"{HERE}{os.pathsep}{home}"},
        )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def test_every_extra_has_its_program() -> None:
    assert {one.stem.removeprefix("run_") for one in HERE.glob("run_*.py")} == set(EXTRAS)
