"""A LiteLLM proxy to compare with: in a virtual environment of its own, without database or telemetry."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from skillclaw.bench.proxybench.load import KEY
from skillclaw.errors import SkillClawError, StorageError

__all__ = ["PACKAGE", "free_port", "install", "start", "wait_ready"]

PACKAGE = "litellm[proxy]==1.108.7"
"""One version, so that figures can be compared, and no newer one is run unseen."""
SPACE_MB = 2_000
"""What the installation needs at most while it goes on; it stays at about 750 MB."""
PATIENCE = 180.0
"""Seconds that it may take to start."""


def install(environ: Mapping[str, str] = os.environ) -> Path:
    """The environment's folder, made and filled if it is not there: about 750 MB in the user's cache folder.

    Raises StorageError when the disk has no room, SkillClawError when pip fails.
    """
    cache = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME") or "~").expanduser() / ".cache")
    folder = Path(cache, "skillclaw", "litellm")
    mark = folder / "installed"
    if mark.is_file() and mark.read_text(encoding="utf-8") == PACKAGE:
        return folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free >> 20
    if free < SPACE_MB:
        raise StorageError(
            "There is no room for LiteLLM.", f"{folder} has {free} MB, {SPACE_MB} are needed.", "Free space."
        )
    mark.unlink(missing_ok=True)
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(folder / "venv")],
        [str(_program(folder, "python")), "-m", "pip", "install", "--quiet", PACKAGE],
    ):
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise SkillClawError(
                "LiteLLM could not be installed.",
                said[-1] if said else "",
                "Run it again without --with-litellm.",
            )
    mark.write_text(PACKAGE, encoding="utf-8")
    return folder


def _program(folder: Path, name: str) -> Path:
    if os.name == "nt":
        return folder / "venv" / "Scripts" / f"{name}.exe"
    return folder / "venv" / "bin" / name


def configuration(upstream: str) -> str:
    """LiteLLM's settings (JSON is YAML): a model for each kind of answer, by the upstream's path."""
    models = [
        {
            "model_name": kind,
            "litellm_params": {
                "model": "openai/bench",
                "api_base": f"{upstream}/{kind}/v1",
                "api_key": KEY,
            },
        }
        for kind in ("json", "paced", "sse")
    ]
    models.append(
        {
            "model_name": "claude",
            "litellm_params": {"model": "anthropic/bench", "api_base": f"{upstream}/sse", "api_key": KEY},
        }
    )
    return json.dumps(
        {
            "model_list": models,
            "litellm_settings": {"telemetry": False, "num_retries": 0},
            "router_settings": {"num_retries": 0},
            "general_settings": {
                "disable_spend_logs": True,
                # Without a key there is nothing to check: less work for it.
                "dangerously_permit_weak_or_unset_master_key": True,
            },
        },
        indent=1,
    )


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def start(
    folder: Path, home: Path, upstream: str, port: int, launch: Callable[..., subprocess.Popen[bytes]]
) -> subprocess.Popen[bytes]:
    """Start it on loopback with one worker; `home` takes its configuration and whatever it writes."""
    home.mkdir(parents=True, exist_ok=True)
    config = home / "config.yaml"
    config.write_text(configuration(upstream), encoding="utf-8")
    # Nothing of the user's environment: no keys, no database, no proxy, no callbacks. The list of prices is
    # the packaged one, so that nothing is fetched.
    environment = {
        "PATH": f"{_program(folder, 'python').parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": str(home),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "ERROR",
        "DISABLE_ADMIN_UI": "True",
        "NO_DOCS": "True",
        "NO_PROXY": "*",
    } | {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
    command = [str(_program(folder, "litellm")), "--config", str(config), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--num_workers", "1"]
    with (home / "log").open("wb") as log:
        return launch(command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=home)


def wait_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return once it answers; raises SkillClawError."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            with opener.open(f"http://127.0.0.1:{port}/health/liveliness", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    said = log.read_text("utf-8", "replace").strip().splitlines()
    raise SkillClawError(
        "LiteLLM did not start.", said[-1] if said else f"No answer within {PATIENCE:.0f} s."
    )
