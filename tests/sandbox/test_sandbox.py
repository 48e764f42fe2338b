"""What a task cannot do: each test tries it from inside a bubblewrap room, or leaves a trap for the host."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import skillclaw
from skillclaw.errors import StorageError, UsageError
from skillclaw.sandbox import Box, Limits, Mount, bubblewrap, disk, open_box, why_no_room
from skillclaw.sandbox.bubblewrap import PYTHON

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(bool(why_no_room()), reason=f"no sandbox here: {why_no_room()}"),
]
SECRET = "sk-test-not-to-be-seen"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def room(work: Path) -> Iterator[Box]:
    with open_box([Mount(outside=work, inside="/work", writable=True)], workspace="/work") as box:
        yield box


def said(room: Box, command: str, **options: object) -> str:
    return room.run(["bash", "-c", command], **options).output.strip()  # type: ignore[arg-type]


def test_it_does_not_see_from_where_it_was_started(room: Box) -> None:
    seen = said(room, "tr '\\0' '\\n' < /proc/1/environ; echo; env")
    assert "PATH=" in seen
    assert str(Path.cwd()) not in seen


def test_files_of_the_host_are_not_there(room: Box, tmp_path: Path) -> None:
    (tmp_path / "other-task").write_text("gold")
    places = [
        "/etc/shadow",
        "/etc/hostname",
        str(tmp_path / "other-task"),
        str(Path(__file__).resolve()),
        str(Path.cwd()),
        str(Path(skillclaw.__file__).resolve().parent / "bench" / "house"),
        "/var/lib",
        "/run",
        "/sys",
    ]
    for place in places:
        assert said(room, f"cat {place} 2>&1 || ls {place} 2>&1").count("No such file") == 2, place
    assert said(room, "ls -A /root /tmp") in ("/root:\n\n/tmp:", f"/root:\n{_first(PYTHON)}\n\n/tmp:")


def _first(path: Path) -> str:
    """The name in /root under which the interpreter lies, where it lies there."""
    return path.parts[2] if path.is_relative_to("/root") else ""


def test_nothing_but_the_mounts_can_be_written(room: Box) -> None:
    for place in ("/usr/x", "/etc/x", "/x", "/dev/x", "/opt/x", f"{PYTHON}/x"):
        assert room.run(["bash", "-c", f"mkdir -p $(dirname {place}); echo x > {place}"]).code != 0, place
    assert said(room, "echo x > /work/a && echo y > /tmp/b && echo z > /root/c && echo ok") == "ok"
    assert said(room, "ls -A /tmp /root/c 2>/dev/null") == "/tmp:"


def test_settings_of_the_kernel_cannot_be_written(room: Box) -> None:
    # They are opened only: what is tried here must not do harm where it works.
    tried = """
import os
for folder, _, names in os.walk("/proc", onerror=None):
    if folder.startswith(("/proc/self/", "/proc/thread-self/")) or folder.count("/") > 5:
        continue
    for name in names:
        path = os.path.join(folder, name)
        if "/fd/" in path or "/map_files/" in path or os.path.islink(path):
            continue
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
            print(path)
        except OSError:
            pass
"""
    assert said(room, f"python3 - <<'END'\n{tried}\nEND") == ""


def test_the_user_is_root_of_nothing(room: Box) -> None:
    assert said(room, "id -u; whoami") == "0\nroot"
    # Every set but the ambient and inheritable ones too: none may be gained by a program.
    assert set(said(room, "grep ^Cap /proc/self/status | cut -f2").split()) == {"0" * 16}
    assert "NoNewPrivs:\t1" in said(room, "cat /proc/self/status")
    assert room.run(["mount", "-t", "tmpfs", "x", "/work"]).code != 0
    assert room.run(["chown", "1", "/work"]).code != 0


def test_processes_of_the_host_are_out_of_reach(room: Box) -> None:
    assert said(room, "ls /proc | grep -c '^[0-9]'").isdigit()
    assert int(said(room, "ls /proc | grep -c '^[0-9]'")) < 10
    assert room.run(["kill", "-0", str(os.getpid())]).code != 0
    # What the host has opened for the room is not left open in it; 3 is the listing itself.
    assert said(room, "ls /proc/self/fd").split() == ["0", "1", "2", "3"]
    assert "/" not in said(room, "readlink /proc/1/fd/[3-9]*")


def test_variables_of_the_host_are_not_there(room: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    names = {line.partition("=")[0] for line in said(room, "env").splitlines()}
    assert names <= {"PATH", "HOME", "LANG", "TZ", "PWD", "SHLVL", "_"}
    assert SECRET not in said(room, "cat /proc/*/environ")


def test_variables_of_the_room_do_not_show_in_the_hosts_list_of_processes(room: Box) -> None:
    process = room.start(["sleep", "5"], environ={"API_KEY": SECRET})
    try:
        time.sleep(0.2)
        lines = b"".join(path.read_bytes() for path in _commands())
    finally:
        process.kill()
        process.wait()
    assert b"sleep" in lines and SECRET.encode() not in lines


def _commands() -> Iterator[Path]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        if path.exists():
            yield path


def test_there_is_no_network_and_no_socket_of_the_host(room: Box, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0skillclaw-test-abstract")
        abstract.listen()
        with socket.socket(socket.AF_UNIX) as named:
            named.bind(str(tmp_path / "s"))
            named.listen()
            tried = f"""
import socket
for kind, where in (
    (socket.AF_INET, ("127.0.0.1", {server.getsockname()[1]})),
    (socket.AF_INET, ("192.0.2.1", 80)),
    (socket.AF_UNIX, "\\0skillclaw-test-abstract"),
    (socket.AF_UNIX, {str(tmp_path / "s")!r}),
):
    try:
        one = socket.socket(kind)
        one.settimeout(2)
        one.connect(where)
        print("reached", where)
    except OSError:
        pass
try:
    print("resolved", socket.getaddrinfo("example.com", 80))
except OSError:
    pass
print(sorted(name for _, name in socket.if_nameindex()))
"""
            assert said(room, f"python3 - <<'END'\n{tried}\nEND") == "['lo']"


def test_devices_are_the_harmless_ones(room: Box) -> None:
    names = said(room, "find /dev -type c -o -type b").split()
    harmless = {"null", "zero", "full", "random", "urandom", "tty", "ptmx"}
    assert {Path(name).name for name in names} <= harmless
    assert room.run(["mknod", "/work/disk", "b", "8", "0"]).code != 0


def test_it_has_no_terminal_to_type_into(work: Path) -> None:
    # TIOCSTI puts words into the terminal of whoever started the run; the room must not have it.
    inner = (
        "import fcntl, os\n"
        "try:\n"
        "    fcntl.ioctl(os.open('/dev/tty', os.O_RDWR), 0x5412, b'x')\n"
        "    print('TYPED')\n"
        "except OSError as error:\n"
        "    print('refused')\n"
    )
    outer = (
        "import sys\n"
        "from pathlib import Path\n"
        "from skillclaw.sandbox import Mount, open_box\n"
        f"mount = Mount(outside=Path({str(work)!r}), inside='/work', writable=True)\n"
        "with open_box([mount], workspace='/work') as box:\n"
        f"    print(box.run(['python3', '-c', {inner!r}]).output)\n"
    )
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", outer])
    text = b""
    try:
        while part := os.read(terminal, 4096):
            text += part
    except OSError:
        pass
    os.close(terminal)
    os.waitpid(pid, 0)
    assert b"refused" in text and b"TYPED" not in text


def test_nothing_runs_on_after_a_command(room: Box, work: Path) -> None:
    forever = "while :; do echo x >> /work/late; done"
    room.run(["bash", "-c", f"(setsid nohup bash -c '{forever}' >/dev/null 2>&1 &); sleep 0.2"])
    assert _grows(work / "late") == 0


def test_a_command_is_stopped_with_all_it_started(room: Box, work: Path) -> None:
    forever = "while :; do echo x >> /work/late; done"
    ran = room.run(
        ["bash", "-c", f"trap '' TERM INT HUP; (setsid bash -c '{forever}' &); sleep 60"],
        limits=Limits(seconds=0.5),
    )
    assert ran.code is None and ran.stopped == "" and ran.seconds < 5
    assert _grows(work / "late") == 0


def test_a_started_program_ends_with_all_it_started(room: Box, work: Path) -> None:
    process = room.start(
        ["bash", "-c", "(setsid bash -c 'while :; do echo x >> /work/late; done' &); sleep 60"]
    )
    end = time.monotonic() + 20
    while not (work / "late").exists() and time.monotonic() < end:
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert _grows(work / "late") == 0


def _grows(path: Path) -> int:
    assert path.stat().st_size > 0
    before = path.stat().st_size
    time.sleep(0.3)
    return path.stat().st_size - before


def test_a_fork_bomb_ends_in_time(room: Box) -> None:
    began = time.monotonic()
    room.run(
        [
            "python3",
            "-c",
            "import os\nfor _ in range(3000):\n  try: os.fork() or os.pause()\n  except OSError: pass",
        ],
        limits=Limits(seconds=2.0),
    )
    assert time.monotonic() - began < 10


def test_memory_and_files_have_limits(room: Box) -> None:
    hog = room.run(["python3", "-c", "x = bytearray(10**9)"], limits=Limits(memory_mb=500))
    assert hog.code == 1 and "MemoryError" in hog.output
    room.run(["bash", "-c", "head -c 5M /dev/zero > big; truncate -s 1T sparse"], limits=Limits(file_mb=1))
    assert room.run(["bash", "-c", "stat -c %s big sparse"]).output.split() == ["999424", "0"]
    flood = room.run(["cat", "/dev/zero"], limits=Limits(seconds=5.0, file_mb=2, output=1_000))
    assert flood.code == 128 + 25 or (flood.code or 0) > 0  # SIGXFSZ
    assert len(flood.output) < 1_200 and "bytes left out" in flood.output


def test_file_systems_in_memory_have_a_size(room: Box) -> None:
    if not bubblewrap._size():
        pytest.skip("this bwrap has no --size")
    sizes = said(room, "df --output=size -B1M /tmp /root /dev/shm | tail -n +2").split()
    assert all(int(size) <= 500 for size in sizes) and len(sizes) == 3


@pytest.mark.parametrize(
    "flood",
    [
        "for n in $(seq 99); do head -c 20M /dev/zero > big$n; sync; sleep 0.05; done",
        "mkdir many; cd many; for n in $(seq 999999); do : > $n; done",
    ],
)
def test_a_room_that_fills_the_disk_is_stopped(
    flood: str, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bubblewrap, "ROOM_MB", 60)
    monkeypatch.setattr(bubblewrap, "ROOM_FILES", 500)
    with open_box([Mount(outside=work, inside="/work", writable=True)], workspace="/work") as room:
        ran = room.run(["bash", "-c", flood], limits=Limits(seconds=20.0))
        assert ran.code is None and "filled the disk" in ran.stopped
        # It can be put right.
        assert room.run(["bash", "-c", "rm -r /work/*; echo ok"]).output == "ok\n"


def test_what_others_write_to_the_disk_is_not_held_against_a_room(work: Path, tmp_path: Path) -> None:
    watched = disk.Disk([work], 2_000_000, 1000)
    (tmp_path / "other").write_bytes(os.urandom(8_000_000))
    os.sync()
    assert watched.over() == ""
    (work / "own").write_bytes(os.urandom(8_000_000))
    os.sync()
    assert "8 MB" in watched.over()


def test_stdin_that_nobody_reads_holds_nobody(room: Box) -> None:
    began = time.monotonic()
    assert room.run(["true"], stdin=b"x" * 5_000_000).code == 0
    assert room.run(["sleep", "0.5"], stdin=b"x" * 5_000_000).code == 0
    assert room.run(["wc", "-c"], stdin=b"x" * 5_000_000).output == "5000000\n"
    assert time.monotonic() - began < 5


def test_stdin_arrives_whole_however_late_it_is_read(room: Box) -> None:
    late = room.run(["sh", "-c", "sleep 0.5; wc -c"], stdin=b"x" * 5_000_000, limits=Limits(seconds=10.0))
    assert late.output == "5000000\n"


def test_a_room_that_cannot_be_made_is_no_result_of_a_command(work: Path) -> None:
    gone = work / "gone"
    gone.mkdir()
    with open_box([Mount(outside=gone, inside="/work")], workspace="/work") as room:
        gone.rmdir()
        with pytest.raises(StorageError):
            room.run(["true"])


def test_a_program_that_is_not_there_is_a_result(room: Box) -> None:
    ran = room.run(["no-such-program"])
    assert ran.code == 127 and "not found" in ran.output


def test_a_copy_of_skillclaw_beside_the_interpreter_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Path
) -> None:
    # As where SkillClaw is installed into the Python that rooms use, and another copy of it runs.
    python = tmp_path / "python"
    package = python / "lib" / "python3.11" / "site-packages" / "skillclaw"
    package.mkdir(parents=True)
    (package / "answers").write_text("42")
    (package.parent / "other").write_text("seen")
    monkeypatch.setattr(bubblewrap, "PYTHON", python)
    bubblewrap._packages.cache_clear()
    try:
        with open_box([Mount(outside=work, inside="/work")], workspace="/work") as room:
            assert said(room, f"ls -A {package}; cat {package.parent}/other") == "seen"
    finally:
        bubblewrap._packages.cache_clear()


KILLED = """
import sys
from pathlib import Path
from skillclaw.sandbox import Limits, Mount, open_box
with open_box([Mount(outside=Path(sys.argv[1]), inside="/work")], workspace="/work") as room:
    print("made", flush=True)
    room.run(["sleep", sys.argv[2]], limits=Limits(seconds=60))
"""


def test_whenever_the_maker_of_a_room_is_killed_no_later_than_the_next_room_it_is_gone(work: Path) -> None:
    mark = f"{os.getpid()}.5"
    for after in range(12):
        maker = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(work), mark], stdout=subprocess.PIPE, env=os.environ
        )
        assert maker.stdout is not None and maker.stdout.readline() == b"made\n"
        time.sleep(after * 0.003)
        maker.kill()
        maker.communicate()
    with open_box([Mount(outside=work, inside="/work")], workspace="/work") as room:
        assert said(room, "echo well") == "well"
        end = time.monotonic() + 10
        while (left := _running(mark)) and time.monotonic() < end:
            time.sleep(0.05)
        assert left == []


def _running(mark: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return [line for line in found if f"sleep {mark}" in line]


PROBE = """
import os, subprocess, sys, threading, time
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
for _ in range(300):
    threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
print(done.returncode, done.stdout, done.stderr, flush=True)
os._exit(0)
"""


def test_an_ordinary_user_with_many_processes_can_run_one() -> None:
    if os.getuid() != 0:
        pytest.skip("another user can be taken by root alone")
    limits = bubblewrap._begin(Limits(processes=64))
    room = ["bwrap", "--unshare-all", "--uid", "0", "--gid", "0", "--ro-bind", "/usr", "/usr"]
    room += [
        "--symlink",
        "usr/bin",
        "/bin",
        "--symlink",
        "usr/lib",
        "/lib",
        "--symlink",
        "usr/lib64",
        "/lib64",
    ]
    bomb = "for n in $(seq 200); do sleep 2 & done 2>&1 | grep -c unavailable; true"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            PROBE,
            *room,
            "--proc",
            "/proc",
            "--dev",
            "/dev",
            "--",
            *limits,
            "bash",
            "-c",
            bomb,
        ],
        capture_output=True,
        timeout=30,
        text=True,
    )
    code, refused = done.stdout.split()
    assert code == "0" and int(refused) > 0, (done.stdout, done.stderr)


def test_without_user_namespaces_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create a new namespace.' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    bubblewrap._tried.cache_clear()
    try:
        with pytest.raises(UsageError) as told, open_box([], workspace="/"):
            pass
    finally:
        bubblewrap._tried.cache_clear()
    assert "No permissions to create a new namespace" in str(told.value)
    assert "user namespaces" in str(told.value)


def test_rooms_at_the_same_time_do_not_meet(tmp_path: Path) -> None:
    outputs: dict[int, str] = {}

    def one(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        with open_box([Mount(outside=folder, inside="/work", writable=True)], workspace="/work") as room:
            outputs[number] = said(
                room, f"echo {number} > mine; sleep 0.2; cat mine; ls /work; ls /proc | grep -c sh"
            )

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: text.split()[:2] for number, text in outputs.items()} == {
        number: [str(number), "mine"] for number in range(4)
    }


def test_a_command_begins_once_no_folder_of_the_host_is_open(tmp_path: Path) -> None:
    """As where the machine is so busy that bwrap closes what it had open only after the room's begin."""
    (tmp_path / "0").write_text("stdin")
    (tmp_path / "3").symlink_to("/proc")
    line = ["/bin/bash", "-p", "-c", bubblewrap.BEGIN, "mark", "maker", "unlimited", "unlimited", "unlimited"]
    begun = subprocess.Popen([*line, str(tmp_path), "echo", "begun"], stdout=subprocess.PIPE, text=True)
    with pytest.raises(subprocess.TimeoutExpired):
        begun.wait(0.5)
    (tmp_path / "3").unlink()
    assert begun.communicate(timeout=20)[0] == "begun\n" and begun.returncode == 0
    (tmp_path / "4").symlink_to("/")
    left = subprocess.run([*line, str(tmp_path), "echo", "begun"], capture_output=True, text=True, timeout=60)
    assert (left.returncode, "begun" in left.stdout) == (125, False)
