"""The Docker runner: clear refusals everywhere, and a real room wherever an engine runs.

The image is made here from one program (a static busybox), with whichever of Docker and podman answers.
"""

from __future__ import annotations

import io
import os
import shlex
import shutil
import socketserver
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from skillclaw.errors import UsageError
from skillclaw.sandbox import Limits, Mount, docker, open_box, why_no_room
from skillclaw.settings import load

IMAGE = "skillclaw-test-room"
APPLETS = ("cat", "date", "env", "grep", "head", "kill", "ls", "ps", "sh", "sleep", "tr", "true", "yes")


def fake(folder: Path, script: str) -> str:
    """A program that stands in for a Docker client."""
    path = folder / "client"
    path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    path.chmod(0o755)
    return shlex.quote(str(path))


def image_of(python: str) -> bytes:
    busybox = shutil.which("busybox")
    assert busybox is not None
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        tar.add(Path(busybox).resolve(), "bin/busybox")
        for name in APPLETS:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        link = tarfile.TarInfo("bin/python3")
        link.type, link.linkname = tarfile.SYMTYPE, python
        tar.addfile(link)
        for name in ("tmp", "proc", "root"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(folder)
    return made.getvalue()


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """A small image, in the first engine that can run it; SKILLCLAW_DOCKER names that engine meanwhile."""
    if shutil.which("busybox") is None:
        pytest.skip("no program busybox to make an image of")
    before = os.environ.get(docker.PROGRAM)
    said = []
    try:
        for name in dict.fromkeys([before or "docker", "docker", "podman", "podman --runtime runc"]):
            os.environ[docker.PROGRAM] = name
            if reason := docker.missing():
                said.append(reason)
                continue
            line = docker.program()
            tar = image_of(f"{sys.base_prefix}/bin/python3")
            made = subprocess.run([*line, "import", "-", IMAGE], input=tar, capture_output=True, check=False)
            options = [
                "--rm",
                "--network",
                "none",
                "--ulimit",
                "nofile=1024:1024",
                "--ulimit",
                "nproc=4096:4096",
            ]
            tried = subprocess.run([*line, "run", *options, IMAGE, "true"], capture_output=True, check=False)
            if made.returncode or tried.returncode:
                why = (made.stderr + tried.stderr).decode("utf-8", "replace").strip()
                said.append(f"{name}: {why[-200:]}")
                subprocess.run([*line, "rmi", "-f", IMAGE], capture_output=True, check=False)
                continue
            yield IMAGE
            subprocess.run([*line, "rmi", "-f", IMAGE], capture_output=True, check=False)
            return
        pytest.skip(f"no engine runs containers here: {' '.join(said)}")
    finally:
        os.environ.pop(docker.PROGRAM, None)
        if before is not None:
            os.environ[docker.PROGRAM] = before


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "a, strange: name"
    folder.mkdir()
    (folder / "given.txt").write_text("given", "utf-8")
    return folder


def test_what_is_missing_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(docker.PROGRAM, "no-such-program-here")
    assert docker.missing() == "Docker is not installed (no program no-such-program-here)."
    monkeypatch.setenv(docker.PROGRAM, fake(tmp_path, "echo 'no daemon\nis it running?' >&2; exit 1"))
    assert docker.missing().endswith("reaches no engine: is it running?")
    (tmp_path / "second").mkdir()
    monkeypatch.setenv(docker.PROGRAM, fake(tmp_path / "second", '[ "$1" = ps ] || exit 1'))
    assert docker.missing() == ""
    assert "has no image some/image:1 (get it with:" in docker.missing("some/image:1")
    assert "is no name of an image" in docker.missing("--privileged")
    load(tmp_path, {docker.PROGRAM: "podman"})  # the variable is no setting, and does not trouble them


def test_docker_is_not_waited_for_where_a_room_needs_no_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(docker.PROGRAM, fake(tmp_path, f"touch '{tmp_path}/asked'"))
    why_no_room()
    assert not (tmp_path / "asked").exists()


def test_a_room_is_refused_where_it_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(docker.PROGRAM, "no-such-program-here")
    mounts = [Mount(outside=tmp_path, inside="/work")]
    with pytest.raises(UsageError, match="Docker is not installed"):
        open_box(mounts, workspace="/work", image="some/image")
    with pytest.raises(UsageError, match="It needs an image"):
        open_box(mounts, workspace="/work", runner="docker")
    with pytest.raises(UsageError, match="takes no image"):
        open_box(mounts, workspace="/work", runner="bubblewrap", image="some/image")
    with pytest.raises(UsageError, match="no runner 'chroot'"):
        open_box(mounts, workspace="/work", runner="chroot")


def test_the_container_is_given_nothing_beyond_its_mounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    monkeypatch.setenv(
        docker.PROGRAM, fake(tmp_path, f'printf "%s\\n" "$@" >> {seen}; [ "$1" != run ] || echo 1')
    )
    with open_box([Mount(outside=tmp_path, inside="/work")], workspace="/work", image="some/image") as box:
        box.run(["true"], environ={"TOKEN": "never-on-a-command-line"})
    text = seen.read_text("utf-8")
    for option in (
        "--network\nnone",
        "--cap-drop\nALL",
        "--security-opt\nno-new-privileges",
        "--pull\nnever",
    ):
        assert option in text
    assert "--memory\n" in text and "--pids-limit\n" in text and "--privileged" not in text
    assert f"type=bind,source={tmp_path},target=/work,readonly" in text
    assert "--env\nTOKEN\n" in text and "never-on-a-command-line" not in text
    assert text.rstrip().endswith("rm\n-f\n1")


@pytest.mark.slow
def test_a_room_runs_commands_over_its_mounts_and_nothing_else(image: str, workspace: Path) -> None:
    mounts = [
        Mount(outside=workspace, inside="/work", writable=True),
        Mount(outside=workspace, inside="/shown"),
    ]
    with open_box(mounts, workspace="/work", image=image) as box:
        ran = box.run(["sh", "-c", "cat; cat given.txt; echo new > made.txt; pwd"], stdin=b"said ")
        assert (ran.code, ran.output) == (0, "said given/work\n")
        look = "echo no > /shown/given.txt; ls /sys/class/net; env; grep CapEff /proc/self/status; exit 7"
        ran = box.run(["sh", "-c", look], environ={"TOKEN": "value", "HOME": "/elsewhere"})
        seen = ran.output.splitlines()
        assert ran.code == 7 and "can't create /shown/given.txt" in ran.output
        assert "lo" in seen and not any(line.startswith("eth") for line in seen)
        assert "TOKEN=value" in seen and "HOME=/elsewhere" in seen
        assert not any(line.startswith(("PYTEST", "VIRTUAL_ENV")) for line in seen)
        assert "CapEff:\t0000000000000000" in seen
    assert (workspace / "made.txt").read_text("utf-8") == "new\n"
    listed = subprocess.run(
        [*docker.program(), "ps", "-a", "-q", "--filter", "label=skillclaw=box"], capture_output=True
    )
    assert listed.stdout == b""


@pytest.mark.slow
def test_a_command_ends_with_all_that_it_started(image: str, workspace: Path) -> None:
    with open_box([Mount(outside=workspace, inside="/work")], workspace="/work", image=image) as box:
        assert box.run(["sh", "-c", "sleep 301 & echo on"]).output == "on\n"
        stopped = box.run(["sleep", "302"], limits=Limits(seconds=1))
        assert stopped.code is None and stopped.seconds < 20
        server = box.start(["sh", "-c", "read line; echo got $line; sleep 303"])
        assert server.stdin is not None and server.stdout is not None
        server.stdin.write(b"this\n")
        server.stdin.flush()
        assert server.stdout.readline() == b"got this\n"
        box.run(["sh", "-c", "sleep 304 & true"])
        alive = box.run(["ps"]).output
        assert "sleep 303" in alive and not any(f"sleep {n}" in alive for n in (301, 302, 304))
        server.kill()
        server.wait()
        assert "sleep 303" not in box.run(["ps"]).output


@pytest.mark.slow
def test_a_command_is_held_to_its_limits(image: str, workspace: Path) -> None:
    mounts = [Mount(outside=workspace, inside="/work", writable=True)]
    with open_box(mounts, workspace="/work", image=image) as box:
        small = Limits(file_mb=1, output=200)
        ran = box.run(["sh", "-c", "(yes > large); yes | head -c 9000"], limits=small)
        assert 900_000 < (workspace / "large").stat().st_size <= 1_000_000
        assert "bytes left out" in ran.output and len(ran.output) < 260


class Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"answer to " + self.rfile.readline())


@pytest.mark.slow
def test_with_a_socket_the_room_reaches_the_model_and_nothing_else(
    image: str, workspace: Path, tmp_path: Path
) -> None:
    path = tmp_path / "model.sock"
    libraries = [Path(name) for name in ("/lib", "/lib64", "/usr/lib") if Path(name).is_dir()]
    mounts = [
        Mount(outside=workspace, inside="/work"),
        Mount(outside=Path(sys.base_prefix), inside=sys.base_prefix),
        *(Mount(outside=place, inside=str(place)) for place in libraries),
    ]
    if Path(sys.base_prefix) in (Path("/usr"), Path("/")):
        pytest.skip("this Python lies where the image has its own files")
    ask = "import socket; s = socket.create_connection(('127.0.0.1', 8787)); s.sendall(b'me\\n')"
    with socketserver.ThreadingUnixStreamServer(str(path), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with open_box(mounts, workspace="/work", image=image, socket=path) as box:
                assert (
                    box.run(["python3", "-c", f"{ask}; print(s.recv(99))"]).output == "b'answer to me\\n'\n"
                )
        finally:
            server.shutdown()


@pytest.mark.slow
def test_an_image_without_the_means_for_a_room_is_refused(
    image: str, workspace: Path, tmp_path: Path
) -> None:
    mounts = [Mount(outside=workspace, inside="/work")]
    with (
        pytest.raises(UsageError, match="nothing to reach the model with"),
        open_box(mounts, workspace="/work", image=image, socket=workspace / "given.txt"),
    ):
        pass
