"""Another version of SkillClaw beside the present one: a copy of its modules that calls itself so, put in the
place of the first while that runs, as an installer does it; and traffic through the proxy meanwhile.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import skillclaw

SOURCE = Path(skillclaw.__file__).parent
INFO = "skillclaw-x.dist-info"
BODY = b'{"model": "m", "messages": [{"role": "user", "content": "hello"}]}'
ANSWER = b'{"choices": [{"message": {"role": "assistant", "content": "hello"}}]}'


def tree(place: Path, version: str, patches: Mapping[str, tuple[str, str]] | None = None) -> Path:
    """A copy of the modules in `place` that says it is `version`, compiled as far as they are;
    `patches`: by file, old text and new."""
    shutil.copytree(SOURCE, place / "skillclaw", ignore=shutil.ignore_patterns("*.pyc.*"))
    changes = {"__init__.py": (f'__version__ = "{skillclaw.__version__}"', f'__version__ = "{version}"')}
    for name, (old, new) in {**changes, **(patches or {})}.items():
        path = place / "skillclaw" / name
        text = path.read_text("utf-8")
        assert old in text, name
        path.write_text(text.replace(old, new), "utf-8")
    info = place / INFO
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: skillclaw\nVersion: {version}\n", "utf-8")
    sources = sorted((place / "skillclaw").rglob("*.py"))
    (info / "RECORD").write_text("".join(f"{one.relative_to(place)},,\n" for one in sources), "utf-8")
    return place


def install_over(place: Path, new: Path, seconds: float = 2.0) -> None:
    """Put the modules of `new` where those of `place` are, as installers do: first the old ones go, then the
    new ones come one by one, in as many seconds. What is compiled goes before, since nobody reads it without
    its source.
    """
    gone = place / "gone"
    (place / "skillclaw").rename(gone)  # whoever still writes there what it compiled, writes it there
    shutil.rmtree(gone, ignore_errors=True)
    shutil.rmtree(place / INFO)
    shutil.copytree(new / INFO, place / INFO)  # else the one of this environment would be found
    files = [path for path in (new / "skillclaw").rglob("*") if path.is_file()]
    files.sort(key=lambda path: ("__pycache__" not in path.parts, path))
    sources = sum("__pycache__" not in path.parts for path in files)
    for number, path in enumerate(files, sources - len(files)):
        target = place / path.relative_to(new)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
        if number > 0 and number % 50 == 0:
            time.sleep(seconds * 50 / sources)


def environ(place: Path, home: Path) -> dict[str, str]:
    """What a process of the version in `place` is started with; the user's home is `home`."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SKILLCLAW_", "PYTHON"))}
    return {
        **kept,
        "PYTHONPATH": str(place),
        "HOME": str(home),
        "SKILLCLAW_HOME": str(home / ".skillclaw"),
        "COLUMNS": "200",
    }


def of(place: Path, home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """A command of the version in `place`."""
    return subprocess.run(
        [sys.executable, "-m", "skillclaw", *args],
        env=environ(place, home),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def told(place: Path, home: Path, *args: str) -> Any:
    """The JSON that a command of the version in `place` prints; it must succeed."""
    done = of(place, home, *args, "--json")
    assert done.returncode == 0, (args, done.stdout, done.stderr)
    return json.loads(done.stdout)


@contextmanager
def answering() -> Iterator[str]:
    """The base URL of an API that answers every chat completion."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(ANSWER)))
            self.end_headers()
            self.wfile.write(ANSWER)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def ask(port: int, timeout: float = 20) -> int:
    """One exchange through the proxy; its status, 0 where nobody listens, -1 where an answer is not whole or
    the connection ended without one."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/generic/v1/chat/completions", BODY, {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return int(answer.status) if answer.read() == ANSWER else -1
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, http.client.HTTPException) as error:
        why = error.reason if isinstance(error, urllib.error.URLError) else error
        return 0 if isinstance(why, ConnectionRefusedError) else -1


class Traffic:
    """An agent that asks ten times a second; what it got, and for how long it got nothing."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.statuses: list[int] = []
        self.gap = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        lost = 0.0
        while not self._stop.wait(0.1):
            status = ask(self.port)
            self.statuses.append(status)
            if status == 200:
                lost = 0.0
            else:
                lost = lost or time.monotonic()
                self.gap = max(self.gap, time.monotonic() - lost + 0.1)

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)
