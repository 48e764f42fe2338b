"""Where an agent's program lies on this machine, and what a room needs to see so that it runs there."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from skillclaw.errors import UsageError
from skillclaw.sandbox import Mount
from skillclaw.trajectory.model import Record

__all__ = ["Program", "find"]

ROOM = "/opt/agents"
SCRIPTS = (".js", ".mjs", ".cjs")


class Program(Record, frozen=True, kw_only=True):
    """A program as a room has it: the start of its command line, and the mounts that it needs."""

    command: tuple[str, ...]
    mounts: tuple[Mount, ...]


def find(name: str, title: str, install: str, environ: Mapping[str, str] = os.environ) -> Program:
    """The program `name`: on PATH, else where `make clients` installs it.

    Raises UsageError, with `install` as what to do, when it is nowhere, and when a room with it would see the
    whole home.
    """
    path = shutil.which(name, path=_searched(environ))
    if path is None:
        raise UsageError(f"{title} is not installed.", f"There is no program {name} on PATH.", install)
    program = _program(name, Path(path), environ)
    home = Path(environ.get("HOME") or "~").expanduser().resolve()
    for mount in program.mounts:
        if home.is_relative_to(mount.outside.resolve()):
            raise UsageError(
                f"{title} cannot be shown to a room without your whole home.",
                f"It is installed with {mount.outside} as its folder, and keys and letters lie there too.",
                install,
            )
    return program


def _searched(environ: Mapping[str, str]) -> str:
    cache = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME") or "~").expanduser() / ".cache")
    clients = [environ.get("E2E_CLIENTS") or "", str(Path(cache, "skillclaw", "clients"))]
    folders = [str(Path(folder, "node_modules", ".bin")) for folder in clients if folder]
    return os.pathsep.join([environ.get("PATH", os.defpath), *folders])


def _program(name: str, path: Path, environ: Mapping[str, str]) -> Program:
    real = path.resolve()
    modules = next((folder for folder in reversed(real.parents) if folder.name == "node_modules"), None)
    if modules is not None:
        # All of it: packages find their parts, and the binaries for this platform, beside themselves.
        inside = f"{ROOM}/{name}/node_modules"
        mounts = [Mount(outside=modules, inside=inside)]
        command = [f"{inside}/{real.relative_to(modules)}"]
        if real.suffix in SCRIPTS:
            node = _node(modules, environ)
            mounts.append(Mount(outside=node, inside=f"{ROOM}/node"))
            command.insert(0, f"{ROOM}/node")
        return Program(command=tuple(command), mounts=tuple(mounts))
    venv = path.absolute().parent.parent
    if (venv / "pyvenv.cfg").is_file() or (real.parent.parent / "pyvenv.cfg").is_file():
        venv = venv if (venv / "pyvenv.cfg").is_file() else real.parent.parent
        # At its own place: the scripts of a virtual environment name its interpreter by its whole path.
        shown = [venv, *_base(venv)]
        return Program(
            command=(str(venv / "bin" / real.name),),
            mounts=tuple(Mount(outside=folder, inside=str(folder)) for folder in shown),
        )
    inside = f"{ROOM}/{name}"
    return Program(command=(inside,), mounts=(Mount(outside=real, inside=inside),))


def _node(modules: Path, environ: Mapping[str, str]) -> Path:
    beside = modules / "node" / "bin" / "node"  # the npm package `node`, which brings a version of its own
    found = str(beside) if beside.is_file() else shutil.which("node", path=environ.get("PATH", os.defpath))
    if found is None:
        raise UsageError("Node.js is not installed.", "There is no program node on PATH.", "Install Node.js.")
    return Path(found).resolve()


def _base(venv: Path) -> Sequence[Path]:
    """The installation of Python that a virtual environment stands on, where a room has it not already."""
    python = (venv / "bin" / "python").resolve().parent.parent
    known = [Path("/usr"), Path(sys.base_prefix).resolve()]
    return [] if any(python == folder or python.is_relative_to(folder) for folder in known) else [python]
