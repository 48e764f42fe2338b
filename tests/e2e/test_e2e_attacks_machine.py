"""Attacks from the same machine, and by files. A test's docstring is its row in docs/security.md."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import zstandard
from atif_sessions import Ran, session, write
from attacks import (
    ANSWER,
    files_below,
    on_a_terminal,
    provider,
    readable_below,
    request,
    say,
    skill,
    status,
    up,
)
from attacks import hub_of as hub
from cli import fails, ok, ok_json, skillclaw

from skillclaw.server.door import read_door
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Proposal, Sidecar

POST = "POST /generic/v1/chat/completions?{query} HTTP/1.1"
FIX = (
    Ran("npm test", 1, "Error: Cannot find module 'left-pad'"),
    Ran("npm ci", 0, "added 12 packages"),
    Ran("npm test", 0, "12 passing"),
)


def learned(home: Path, fixes: tuple[Ran, ...] = FIX) -> None:
    """Sessions, a skill learned from them."""
    write(home / "s.jsonl", [session("ada", n, "run the tests of this project", fixes) for n in range(5)])
    ok("import", str(home / "s.jsonl"), home=home)


def wait(what: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.1)
    return what()


def without_umask(*args: str, home: Path) -> None:
    """A command of a user whose umask hides nothing."""
    env = {**os.environ, "HOME": str(home), "SKILLCLAW_HOME": str(home / ".skillclaw")}
    argv = [sys.executable, "-m", "skillclaw", *args]
    done = subprocess.run(argv, env=env, umask=0, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_lax_modes(tmp_path: Path) -> None:
    """Another user reads or changes files, since the umask is 0 and the folder was open to all | another local user | files are 0600, folders 0700, sockets none; a home that was open is closed | modes are set, not left to the umask"""  # noqa: E501
    home = tmp_path / ".skillclaw"
    home.mkdir()
    home.chmod(0o777)
    (tmp_path / ".claude").mkdir(mode=0o755)
    learned(tmp_path)
    home.chmod(0o777)
    without_umask("evolve", home=tmp_path)
    with provider() as (url, _):
        without_umask("config", "set", "agents.generic.upstream", url, home=tmp_path)
        without_umask("up", "-d", "--port", "0", home=tmp_path)
        try:
            port = ok_json("status", home=tmp_path)["port"]
            assert status(say(port, request(POST.format(query="a=b"), body=b"{}"))) == 200
            without_umask("sessions", "export", "-o", str(tmp_path / "out.jsonl"), home=tmp_path)
        finally:
            without_umask("stop", home=tmp_path)
    name = ok_json("skills", "list", home=tmp_path)[0]["name"]
    without_umask("skills", "revoke", name, home=tmp_path)
    seen = [home, *home.rglob("*"), tmp_path / "out.jsonl"]
    assert {path.name for path in seen} >= {"up.log", "sessions.db", "identity.json", "keys", "quarantine"}
    for path in seen:
        if "quarantine" in path.parts and path.parent != home / "quarantine" and path != home / "quarantine":
            continue  # as it was when it was moved, behind 0700
        mode = path.lstat().st_mode
        assert not mode & 0o077, (path, oct(mode))
        assert not stat.S_ISSOCK(mode), path


def test_a_shared_home(tmp_path: Path) -> None:
    """SkillClaw's folder is one that everybody shares (`--home /tmp`), or of another user | another local user | an error that says so; nothing is written | owner and mode are looked at first"""  # noqa: E501
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    said = fails("hub", "status", "--home", str(shared), home=tmp_path)
    assert "not a folder of yours alone" in said
    assert list(shared.iterdir()) == []
    assert stat.S_IMODE(shared.stat().st_mode) == 0o1777
    if os.geteuid() == 0:  # only root can make a folder of another user
        os.chown(shared, 4242, 4242)
        shared.chmod(0o755)
        env = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
        code = (
            "import os, sys, pathlib; from skillclaw.private import private_folder\n"
            "os.setuid(4243)\n"
            "private_folder(pathlib.Path(sys.argv[1]))"
        )
        tmp_path.chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", code, str(shared)], env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert "not a folder of yours alone" in done.stderr or "Permission" in done.stderr


def test_planted_links(tmp_path: Path) -> None:
    """Links to a victim's file lie where a temporary file, a log or an export is going to be | another local user | nothing is written through them | names that nobody can guess, made only where nothing is; O_NOFOLLOW for logs"""  # noqa: E501
    learned(tmp_path)
    victim = tmp_path / "victim"
    victim.write_text("untouched", "utf-8")
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    for name in (
        "out.jsonl.part",
        "out.jsonl.new",
        ".out.jsonl.part",
        ".page.html.part",
        "out.jsonl",
        "page.html",
    ):
        (shared / name).symlink_to(victim)
    ok("sessions", "export", "-o", str(shared / "out.jsonl"), home=tmp_path)
    ok("evolve", "--report", str(shared / "page.html"), home=tmp_path)
    logs = tmp_path / ".skillclaw" / "logs"
    logs.mkdir(exist_ok=True)
    (logs / "proxy.log").symlink_to(victim)
    done = skillclaw("up", "-d", "--port", "0", home=tmp_path)
    skillclaw("stop", home=tmp_path)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert victim.read_text("utf-8") == "untouched"
    assert not (shared / "out.jsonl").is_symlink()
    assert stat.S_IMODE((shared / "out.jsonl").stat().st_mode) == 0o600


def test_an_open_skills_folder(tmp_path: Path) -> None:
    """The agents' skills folder can be written by everybody | another local user | nothing is installed there, with the reason | owner and mode of the folder are looked at before each install"""  # noqa: E501
    learned(tmp_path)
    target = tmp_path / "open"
    target.mkdir()
    target.chmod(0o777)
    environ = {"SKILLCLAW_SYNC__TARGETS": json.dumps([str(target)])}
    ok("evolve", home=tmp_path, environ=environ)
    assert list(target.iterdir()) == []
    (row,) = ok_json("skills", "edit-status", home=tmp_path, environ=environ)
    assert (row["state"], "Others can write" in row["detail"]) == ("failed", True)
    target.chmod(0o755)
    ok("sync", home=tmp_path, environ=environ)
    assert [path.is_dir() for path in target.iterdir()] == [True]


def test_a_link_in_place_of_a_skill(tmp_path: Path) -> None:
    """A skill's folder is replaced by a link to a folder of the user's, before an update or a revocation | another program of the user | nothing is written or deleted behind the link; it is shown | no link is followed below the skills folder"""  # noqa: E501
    (tmp_path / ".claude").mkdir()
    learned(tmp_path)
    ok("evolve", home=tmp_path)
    name = ok_json("skills", "list", home=tmp_path)[0]["name"]
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "SKILL.md").write_text("my own", "utf-8")
    place = tmp_path / ".claude" / "skills" / name
    subprocess.run(["rm", "-r", str(place)], check=True)
    place.symlink_to(mine)
    before = files_below(mine)
    ok("sync", home=tmp_path)
    states = {
        Path(r["target"]).parent.name: r["state"] for r in ok_json("skills", "edit-status", home=tmp_path)
    }
    assert states[".claude"] == "edited"
    ok("skills", "revoke", name, home=tmp_path)
    ok("skills", "uninstall", "--all", home=tmp_path)
    assert files_below(mine) == before
    assert place.is_symlink()


def fake_claude(home: Path) -> dict[str, str]:
    folder = home / "bin"
    folder.mkdir()
    (folder / "claude").write_text("#!/bin/sh\necho '2.1.197 (Claude Code)'\n", "utf-8")
    (folder / "claude").chmod(0o755)
    (home / ".claude").mkdir()
    (home / ".claude" / "settings.json").write_text('{"model": "opus"}\n', "utf-8")
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_a_port_that_another_program_took(tmp_path: Path) -> None:
    """SkillClaw is killed, and another program listens on its port before `up` runs again | another local user | `up` says so, and puts the agents' settings back, so that nobody brings the program credentials | the port is taken before anything is connected. Between the kill and `up` or `stop` nothing helps"""  # noqa: E501
    environ = fake_claude(tmp_path)
    settings = tmp_path / ".claude" / "settings.json"
    before = settings.read_text("utf-8")
    state = ok_json("up", "-d", "--port", "0", "--yes", home=tmp_path, environ=environ)
    port = int(state["port"])
    try:
        assert wait(lambda: str(port) in settings.read_text("utf-8"))
        os.kill(int(state["pid"]), signal.SIGKILL)

        def free() -> bool:
            with socket.socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    sock.bind(("127.0.0.1", port))
                except OSError:
                    return False
                return True

        assert wait(free)
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            thief.bind(("127.0.0.1", port))
            thief.listen()
            assert not ok_json("status", home=tmp_path, environ=environ)["running"]
            assert str(port) in settings.read_text("utf-8")
            said = fails("up", "-d", "--port", str(port), home=tmp_path, environ=environ)
            assert "taken by another program" in said
            assert settings.read_text("utf-8") == before
    finally:
        skillclaw("stop", home=tmp_path)


def test_secrets_left_behind(tmp_path: Path) -> None:
    """Credentials in headers, query, cookies, bodies, paths and the URL of an upstream are looked for in files, logs, `status`, /healthz, the process list, environments and tracebacks | another local user, curious teammate | found nowhere, but the upstream's in the two files (0600) of the user's own setting, and what stands in a body alone in the journal (0600) | credentials of headers and query are masked wherever they stand, before the journal; nothing is logged but counts and reasons; secrets are never arguments"""  # noqa: E501
    kinds = ("header", "bearer", "query", "cookie", "body", "answer", "basic")
    secrets = {kind: f"{kind}-{os.urandom(16).hex()}" for kind in kinds}
    password = f"pw{os.urandom(12).hex()}"
    said = f'{{"echo": "{secrets["bearer"]} {secrets["query"]}"}}'.encode()
    answer = b"HTTP/1.1 401 Unauthorized\r\nSet-Cookie: sid=%b\r\nContent-Length: %d\r\n\r\n%b" % (
        secrets["answer"].encode(),
        len(said),
        said,
    )
    plain = "plain words that are recorded"
    note = f"{plain}, api_key={secrets['body']}"
    body = json.dumps({"note": note, "again": secrets["header"]}).encode()
    seen: list[bytes] = []
    with provider(answer) as (url, arrived), up(tmp_path, url.replace("//", f"//user:{password}@")) as port:
        raw = request(
            POST.format(query=f"key={secrets['query']}"),
            f"Authorization: Bearer {secrets['bearer']}",
            f"X-Api-Key: {secrets['header']}",
            f"Cookie: a=b; session={secrets['cookie']}",
            f"Proxy-Authorization: Basic {secrets['basic']}",
            body=body,
        )
        assert status(say(port, raw)) == 401
        assert secrets["bearer"].encode() in arrived[0][0], "the provider gets what the agent sent"
        say(port, b"GET /generic/" + secrets["query"].encode() + b"\x00 HTTP/1.1\r\n\r\n")
        seen.append(say(port, request("GET /healthz HTTP/1.1")))
        me = psutil.Process(ok_json("status", home=tmp_path)["pid"])
        for process in (me, *me.children(recursive=True)):
            seen.append(Path(f"/proc/{process.pid}/cmdline").read_bytes())
            with contextlib.suppress(PermissionError):  # nobody but root may look into it
                seen.append(Path(f"/proc/{process.pid}/environ").read_bytes())
            limits = Path(f"/proc/{process.pid}/limits").read_text("utf-8")
            assert limits.partition("Max core file size")[2].split()[0] == "0", "no core dump"
        for command in (
            ("status", "--json"),
            ("doctor", "--json"),
            ("logs", "proxy"),
            ("logs", "up"),
            ("sessions", "list", "--json"),
            ("sessions", "show", "ffff", "--debug"),
            ("evolve", "--debug"),
        ):
            done = skillclaw(*command, home=tmp_path)
            seen.append((done.stdout + done.stderr).encode())
    for what, secret in (*secrets.items(), ("password", password)):
        assert not any(secret.encode() in data for data in seen), what
    left = readable_below(tmp_path)
    assert any(plain.encode() in data for data in left.values()), "what was recorded can be looked into"
    for name, data in left.items():
        for what, secret in secrets.items():
            raw = what == "body" and name.startswith(".skillclaw/journal/")
            assert raw or secret.encode() not in data, (what, name)
        if password.encode() in data:
            assert name in (".skillclaw/config.toml", ".skillclaw/run/proxy.json"), name


ESCAPES = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b2K\x08\x08\u202egnp.exe\u2066"


def test_a_terminal_is_steered(tmp_path: Path) -> None:
    """Text of sessions, skills, file names and errors holds escape sequences and letters that turn direction | malicious tool output | shown as pictures of themselves | everything printed on a terminal goes through one place"""  # noqa: E501
    ran = (Ran(f"echo {ESCAPES}", 1, f"failed {ESCAPES}"), Ran("echo fine", 0, ESCAPES))
    write(tmp_path / "s.jsonl", [session("ada", n, f"do {ESCAPES} things", ran) for n in range(3)])
    bad = tmp_path / f"odd{ESCAPES}.jsonl".replace("/", "")
    bad.write_text("no json", "utf-8")
    shown = on_a_terminal("import", str(bad), home=tmp_path)
    ok("import", str(tmp_path / "s.jsonl"), home=tmp_path)
    name = ok_json("sessions", "list", home=tmp_path)[0]["id"]
    made = skill(f"- Run `git status` {ESCAPES}.", "odd-skill")
    kept = hub(tmp_path)
    kept.propose(
        Proposal(
            id="odd",
            action="create",
            skill="odd-skill",
            base=None,
            engine="extractive",
            why=f"It {ESCAPES} helps.",
            bundle=made,
            sidecar=Sidecar(skill="odd-skill", version=version(made)),
        )
    )
    logs = tmp_path / ".skillclaw" / "logs"
    logs.mkdir(exist_ok=True)
    (logs / "up.log").write_text(f"line {ESCAPES}\n", "utf-8")
    for command in (
        ("sessions", "list"),
        ("sessions", "show", name),
        ("sessions", "preview", name),
        ("status",),
        ("logs", "up"),
        ("proposals", "show", "odd"),
        ("proposals", "list"),
        ("skills", "show", f"none{ESCAPES}"),
        ("config", "get", f"none.{ESCAPES}"),
        ("import", str(bad)),
    ):
        shown += on_a_terminal(*command, home=tmp_path)
    assert b"owned" in shown, "the text itself is there"
    text = shown.decode("utf-8", "replace")
    assert not {"\x1b", "\x07", "\x08", "\x9b", "\u202e", "\u2066"} & set(text)


def test_poisoned_files(tmp_path: Path) -> None:
    """Files to import are huge, packed bombs, a hundred thousand levels deep, full of NUL, or carry ids like `../../x` | poisoned file | a reason for each, the good one is taken, nothing is written outside, memory stays bounded | limits by line and document, no name of a session is a path"""  # noqa: E501
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "around").mkdir()
    good = session("ada", 1, "list files", [Ran("ls", 0, "a")])
    odd = []
    for number, name in enumerate(
        ("../../../around/x", "/around/y", "a/b\\c", "..", "CON", "x\x00y", "n" * 5000)
    ):
        one = session("eve", number, "list files", [Ran("ls", 0, "a")])
        one["session_id"] = name
        one["agent"]["name"] = "../" + one["agent"]["name"]
        one["extra"]["skillclaw"]["project"] = name
        odd.append(one)
    write(folder / "good.jsonl", [good])
    write(folder / "odd.jsonl", odd)
    (folder / "deep.json").write_text("[" * 100_000 + "]" * 100_000, "utf-8")
    (folder / "nul.jsonl").write_bytes(b"\0" * 1_000_000)
    line = zstandard.ZstdCompressor().compress(b'{"a": "' + b"x" * 400_000_000 + b'"}\n')
    (folder / "bomb.jsonl.zst").write_bytes(line)
    (folder / "wrong.json.gz").write_bytes(b"\x1f\x8b" + os.urandom(500))
    os.mkfifo(folder / "pipe.jsonl")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (3_000_000_000, 3_000_000_000))

    argv = [sys.executable, "-m", "skillclaw", "import", str(folder), "--json"]
    env = {**os.environ, "HOME": str(tmp_path), "SKILLCLAW_HOME": str(tmp_path / ".skillclaw")}
    before = {path for path in tmp_path.rglob("*") if ".skillclaw" not in path.parts}
    done = subprocess.run(
        argv, env=env, preexec_fn=limit, capture_output=True, text=True, timeout=100, check=False
    )
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    assert report["imported"] >= 1
    failed = {
        Path(one["path"].rsplit(":", 1)[0] if ":" in one["path"] else one["path"]).name
        for one in report["failed"]
    }
    assert failed >= {"deep.json", "nul.jsonl", "bomb.jsonl.zst", "wrong.json.gz"}, report
    assert {path for path in tmp_path.rglob("*") if ".skillclaw" not in path.parts} == before
    users = {row["user"] for row in ok_json("sessions", "list", home=tmp_path)}
    assert "ada" in users


def test_nothing_but_loopback(tmp_path: Path) -> None:
    """Somebody on the network reaches the port | another machine | nobody listens there | the proxy binds 127.0.0.1; no setting changes that; nothing else listens"""  # noqa: E501
    with provider(ANSWER) as (url, _), up(tmp_path, url) as port:
        me = psutil.Process(ok_json("status", home=tmp_path)["pid"])
        if os.geteuid() == 0:  # nobody else may look into them
            listening = {
                (c.laddr.ip, c.laddr.port)
                for process in (me, *me.children(recursive=True))
                for c in process.net_connections("inet")
                if c.status == psutil.CONN_LISTEN
            }
            door = read_door(tmp_path / ".skillclaw")
            assert door is not None
            assert listening == {("127.0.0.1", port), ("127.0.0.1", door.port)}
        connection = http.client.HTTPConnection("127.0.0.2", port, timeout=2)
        with pytest.raises(OSError):
            connection.request("GET", "/healthz")
