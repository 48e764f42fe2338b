"""A small disk that fails for real: a tmpfs in a mount namespace of its own, filled, write-protected (also
amid work), out of inodes, or given room again, while SkillClaw runs on it as a user's home.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

__all__ = ["Disk", "disk", "why_none"]

BLOCK = 4096
ROOM = 2 << 30
FILES = 20_000
LIMITED = """
import resource
from skillclaw.cli import main
for which, number in {}.items():
    resource.setrlimit(which, (number, number))
main()
"""


@cache
def why_none() -> str:
    """Why there can be no such disk here; empty where there can."""
    if not sys.platform.startswith("linux") or not shutil.which("unshare") or not shutil.which("nsenter"):
        return "needs Linux with unshare and nsenter"
    with tempfile.TemporaryDirectory() as place:
        try:
            with disk(Path(place)) as made:
                made.root.joinpath("file").write_bytes(b"1")
        except (OSError, RuntimeError) as error:
            return f"no mount namespace can be made here: {error}"
    return ""


class Disk:
    """`home` is the folder as the commands see it, `root` the same folder as the test sees it."""

    def __init__(self, place: Path) -> None:
        self.home = place
        options = f"size={ROOM},nr_inodes={FILES},mode=0700"
        script = f'mount -t tmpfs -o {options} tmpfs "$1" && echo ready && cat'
        self._holder = subprocess.Popen(
            ["unshare", "-rm", "sh", "-c", script, "sh", str(place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != b"ready\n":
            _, said = self._holder.communicate()
            raise RuntimeError(said.decode("utf-8", "replace").strip())
        self.root = Path(f"/proc/{self._holder.pid}/root{place}")

    def argv(self, *command: str) -> list[str]:
        """`command` as it is started on this disk."""
        pid = str(self._holder.pid)
        return ["nsenter", "--preserve-credentials", "-U", "-m", "-t", pid, "--", *command]

    def run(
        self,
        *args: str,
        environ: Mapping[str, str] | None = None,
        limits: Mapping[int, int] | None = None,
        timeout: float = 100,
    ) -> subprocess.CompletedProcess[str]:
        """`skillclaw ARGS` by a user whose home is this disk, under `limits` (RLIMIT_..: number) that hold
        from SkillClaw's beginning: what leads to it (nsenter, Python's own start) may need more than it."""
        begin = ["-c", LIMITED.format(dict(limits))] if limits else ["-m", "skillclaw"]
        return subprocess.run(
            self.argv(sys.executable, *begin, *args),
            env=self.environ(environ or {}),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def environ(self, more: Mapping[str, str]) -> dict[str, str]:
        """The environment of that user."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SKILLCLAW_", "XDG_", "ANTHROPIC_"))}
        own = {"HOME": str(self.home), "SKILLCLAW_HOME": str(self.home / ".skillclaw"), "COLUMNS": "200"}
        return kept | own | {"TMPDIR": str(self.home / "tmp")} | dict(more)

    def leave(self, room: int = 0, files: int | None = None) -> None:
        """Make it as large as what it holds and `room` bytes (whole blocks), and of so many more `files`."""
        for last in range(10):
            now = os.statvfs(self.root)
            used = (now.f_blocks - now.f_bfree) * now.f_frsize
            inodes = now.f_files - now.f_ffree + files if files is not None else FILES
            try:
                return self._mount(f"size={max(used + room, BLOCK)},nr_inodes={inodes}")
            except subprocess.CalledProcessError:  # it grew in this moment
                if last == 9:
                    raise

    def free(self) -> None:
        """Give the room back."""
        self._mount(f"size={ROOM},nr_inodes={FILES}")

    def read_only(self, now: bool) -> None:
        """Mount it so that nothing can be written, or as it was."""
        self._mount("ro" if now else "rw")

    def seal(self, now: bool) -> None:
        """Have nothing written through any path any more while processes run on it, or as it was.

        A tmpfs with open files cannot be remounted so: a view of it that can only be read is mounted upon it.
        Files that are open for writing stay so.
        """
        home = str(self.home)
        commands = (
            [("mount", "--bind", home, home), ("mount", "-o", "remount,bind,ro", home)]
            if now
            else [("umount", "-l", home)]
        )
        for command in commands:
            subprocess.run(self.argv(*command), check=True, timeout=20)

    def _mount(self, options: str) -> None:
        command = self.argv("mount", "-o", f"remount,{options}", str(self.home))
        subprocess.run(command, check=True, timeout=20)

    def close(self) -> None:
        """Unmount it, once nothing runs on it any more."""
        self._holder.communicate(timeout=20)


@contextmanager
def disk(place: Path) -> Iterator[Disk]:
    """A disk mounted at `place`, an empty folder."""
    made = Disk(place)
    try:
        yield made
    finally:
        made.close()
