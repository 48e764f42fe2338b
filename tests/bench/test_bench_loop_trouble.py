"""What goes wrong in a run of hours: killed, told to stop, servers that break, files that were cut."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from chat_model import ChatModel, Raw, call, script, text
from small_house import write_small_house

from skillclaw.bench.loop import keeping
from skillclaw.bench.loop.results import Attempt
from skillclaw.bench.loop.streak import STREAK, Streak
from skillclaw.errors import BadInputError, SkillClawError
from skillclaw.headless.agents import Endpoint
from skillclaw.headless.keyholder import key_holder
from skillclaw.sandbox import why_no_room

needs_sandbox = pytest.mark.skipif(bool(why_no_room()), reason=f"no sandbox here: {why_no_room()}")
KEY = "sk-test-never-to-be-written-7f3a"
SMALL = ("--days", "1", "--screen", "0", "--stream", "0", "--arms", "frozen,ceiling", "--users", "2")


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_house(tmp_path_factory.mktemp("house"))


def environ(run: Path) -> dict[str, str]:
    home = run.parent / "home"
    (home / "tmp").mkdir(exist_ok=True, parents=True)
    changed = {"HOME": home, "SKILLCLAW_HOME": home / ".skillclaw", "TMPDIR": home / "tmp"}
    return os.environ | {name: str(value) for name, value in changed.items()} | {"OPENAI_API_KEY": KEY}


def command(run: Path, house: Path, *options: str) -> list[str]:
    start = [sys.executable, "-m", "skillclaw", "bench", "loop", str(run), "--source", str(house)]
    return [*start, *options]


def with_model(url: str) -> tuple[str, ...]:
    return ("--agent", "minimal", "--model-url", url, "--model", "m")


def ran(run: Path, house: Path, *options: str, wait: float = 100) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(run, house, *options), capture_output=True, env=environ(run), timeout=wait, text=True
    )


def attempts(run: Path) -> list[dict[str, Any]]:
    path = run / "results.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line for line in lines if line["type"] == "attempt"]


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; one that has ended may stand in the table until somebody asks for it."""
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def family(process: subprocess.Popen[Any]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def wait_for(what: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


@needs_sandbox
@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Raw(b'{"error":{"message":"no more credit"}}', 429), "no more credit"),
        (Raw(b"<html>", 200), "no Chat Completions answer"),
        (Raw(b"[" * 100_000, 200), "no Chat Completions answer"),
    ],
)
def test_a_server_that_never_answers_ends_the_run_early_and_keeps_nothing(
    answer: Raw, said: str, house: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    broken = {"so": True}
    working = script(call("bash", command="true"), text("Done."))
    with ChatModel(lambda request: answer if broken["so"] else working(request)) as model:
        first = ran(run, house, *SMALL, "--held-out", "3", *with_model(model.url))
        assert first.returncode == 1 and "in a row failed" in first.stderr, first.stderr
        assert said in first.stderr and "Traceback" not in first.stderr
        assert len(model.seen) < 3 * STREAK and attempts(run) == []
        broken["so"] = False
        second = ran(run, house, *SMALL, "--held-out", "3", *with_model(model.url))
    assert second.returncode == 0, second.stderr
    done = attempts(run)
    assert len(done) == 24 and not any(a.get("error") for a in done)


@needs_sandbox
@pytest.mark.slow
def test_a_server_that_breaks_now_and_then_gives_errors_and_the_run_goes_on(
    house: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    odd = [
        Raw(b"", 500),
        Raw(b"{", 200),
        Raw(
            b'{"choices":[{"message":{"content":"\\ud83d","tool_calls":null}}],"usage":{"prompt_tokens":'
            b"1000000000000000000000000000}}"
        ),
        call("bash", command="echo \ud83d"),
        call("bash", command="x" * 200_000),
        call("bash", command="mkfifo a; ln -s / b; chmod 000 ."),
        call("no such tool"),
        Raw(b'{"choices":[{"message":7}]}'),
    ]
    working = script(call("bash", command="true"), text("Done."))

    def answer(request: dict[str, Any]) -> Any:
        number = len(model.seen)
        return odd[number // 4 % len(odd)] if number % 4 == 0 else working(request)

    with ChatModel(answer) as model:
        done = ran(run, house, *SMALL, "--held-out", "4", *with_model(model.url))
    assert done.returncode == 0, done.stderr
    found = attempts(run)
    assert len(found) == 32
    assert 3 <= sum(bool(a.get("error")) for a in found) < 20
    assert not any("not expected" in a.get("error", "") for a in found), found


def attempt(number: int, error: str = "", template: str = "t", **changed: int) -> Attempt:
    values = {"tokens_in": 0, "tokens_out": 0, "steps": 0, "turns": 1} | changed
    return Attempt(
        arm="frozen",
        phase="screen",
        day=0,
        suite="s",
        category="c",
        template=template,
        task="t",
        seed=number,
        success=False,
        score=0.0,
        seconds=1.0,
        error=error,
        **values,
    )


def test_all_that_fail_are_told_from_some_that_fail() -> None:
    streak = Streak(60)
    bad = [attempt(n, "gone", f"t{n % 3}") for n in range(STREAK)]
    assert [list(streak.take(one)) for one in bad[:-1]] == [[]] * (STREAK - 1)
    good = attempt(99)
    assert list(streak.take(good)) == [*bad[:-1], good]
    assert not streak.rest()
    for one in bad[:-1]:
        streak.take(one)
    with pytest.raises(SkillClawError, match="in a row"):
        streak.take(bad[-1])
    # One task that is broken by itself, or an agent that works but is too slow, stops nothing.
    for template, steps in (("same", 0), ("t", 3)):
        streak = Streak(60)
        for n in range(3 * STREAK):
            streak.take(attempt(n, "slow", template if not steps else f"t{n}", steps=steps))


@needs_sandbox
@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("parallel", ["1", "3"])
def test_told_to_stop_it_leaves_no_process_and_no_folder(
    how: signal.Signals, parallel: str, house: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    slow = script(call("bash", command="sleep 1"), text("Done."))
    with ChatModel(slow) as model:
        process = subprocess.Popen(
            command(run, house, *SMALL, "--held-out", "9", "--parallel", parallel, *with_model(model.url)),
            env=environ(run),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Tests that run under `nohup` would hand on that SIGHUP is to be ignored, and the run heeds that.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        )
        wait_for(lambda: len(attempts(run)) >= 2)
        children = family(process)
        assert any("skillclaw.proxy" in " ".join(child.cmdline()) for child in children)
        process.send_signal(how)
        began = time.monotonic()
        _, said = process.communicate(timeout=30)
    assert time.monotonic() - began < 20
    assert process.returncode == 130 and "Traceback" not in said and "Stopped" in said, said
    wait_for(lambda: not alive(children))
    assert not list((tmp_path / "home" / "tmp").glob("skillclaw-*"))
    assert not any(a.get("error") for a in attempts(run))


@needs_sandbox
@pytest.mark.slow
def test_killed_outright_it_leaves_no_process(house: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with ChatModel(script(call("bash", command="sleep 30"), text("Done."))) as model:
        process = subprocess.Popen(
            command(run, house, *SMALL, *with_model(model.url)),
            env=environ(run),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(lambda: any("sleep" in child.cmdline() for child in family(process)))
        children = family(process)
        process.kill()
        process.wait()
        wait_for(lambda: not alive(children))


@needs_sandbox
@pytest.mark.slow
def test_a_proxy_that_dies_is_started_again(house: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    working = script(call("bash", command="sleep 0.3"), text("Done."))
    with ChatModel(working) as model:
        process = subprocess.Popen(
            command(run, house, *SMALL, "--held-out", "4", *with_model(model.url)),
            env=environ(run),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for(lambda: len(attempts(run)) >= 3)
        proxies = [child for child in family(process) if "skillclaw.proxy" in " ".join(child.cmdline())]
        assert len(proxies) == 1
        proxies[0].kill()
        _, said = process.communicate(timeout=90)
    assert process.returncode == 0, said
    done = attempts(run)
    assert len(done) == 32 and sum(bool(a.get("error")) for a in done) <= STREAK


@needs_sandbox
@pytest.mark.slow
def test_the_key_is_nowhere(house: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    tell = "env; cat /proc/*/environ /proc/*/cmdline | tr '\\0' ' '; sleep 1"
    with ChatModel(script(call("bash", command=tell), text("Done."))) as model:
        options = ("--days", "2", "--screen", "0", "--arms", "evolving", "--users", "2", "--stream", "1")
        process = subprocess.Popen(
            command(run, house, *options, *with_model(model.url)),
            env=environ(run),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        wait_for(lambda: (run / "state.tar.zst").exists(), 80)
        lines = " ".join(" ".join(child.cmdline()) for child in family(process))
        wait_for(lambda: process.poll() is not None, 80)
        said = process.stdout.read() if process.stdout else b""
        asked = {headers.get("authorization") for headers in model.headers}
        told = json.dumps(model.seen)
    assert process.returncode == 0, said
    assert asked == {f"Bearer {KEY}"}
    assert KEY not in lines and KEY not in told and KEY.encode() not in said
    rig = tmp_path / "rig"
    keeping.load(run / "state.tar.zst", rig)
    files = [path for path in (*run.rglob("*"), *rig.rglob("*")) if path.is_file()]
    assert len(files) > 8
    for path in files:
        assert KEY.encode() not in path.read_bytes(), path
    assert (run / "state.tar.zst").stat().st_mode & 0o077 == 0


@needs_sandbox
@pytest.mark.slow
def test_commands_of_an_agent_outside_the_room_have_no_way_to_the_model(house: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    reach = "(exec 3<>/dev/tcp/127.0.0.1/8787) 2>/dev/null && echo REACHED; ls /run/skillclaw 2>&1"
    with ChatModel(script(call("bash", command=reach), text("Done."))) as model:
        done = ran(run, house, *SMALL, *with_model(model.url))
        assert done.returncode == 0, done.stderr
        told = json.dumps(model.seen)
    assert "No such file" in told and '"REACHED' not in told


@pytest.mark.parametrize("scheme", ["x-api-key", "authorization"])
def test_a_room_asks_without_the_key_and_the_server_is_asked_with_it(scheme: str) -> None:
    import urllib.request

    with (
        ChatModel(lambda _: text("Hello.")) as model,
        key_holder(Endpoint(base_url=model.url, model="m", key=KEY)) as held,
    ):
        assert held.key == "" and KEY not in held.base_url
        asked = urllib.request.Request(
            held.base_url + "/chat/completions",
            json.dumps({"messages": [], "stream": True}).encode(),
            {scheme: "none", "content-type": "application/json"},
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:
            assert b"Hello." in answer.read()
        headers = model.headers[0]
        assert headers[scheme] == (KEY if scheme == "x-api-key" else f"Bearer {KEY}")
        other = urllib.request.Request(held.base_url.removesuffix("/v1") + "/elsewhere")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(other, timeout=10)


@pytest.mark.slow
def test_a_url_with_a_password_is_refused(house: Path, tmp_path: Path) -> None:
    done = ran(tmp_path / "run", house, *with_model("http://me:secret@127.0.0.1:1/v1"))
    assert done.returncode == 2 and "password" in done.stderr and not (tmp_path / "run").exists()


def test_a_cut_or_changed_state_is_refused(tmp_path: Path) -> None:
    rig = tmp_path / "rig"
    (rig / "pool").mkdir(parents=True)
    for number in range(6):
        (rig / "pool" / f"{number}").write_bytes(os.urandom(3000))
    path = tmp_path / "state"
    keeping.save(path, keeping.Kept(night=3), rig)
    whole = path.read_bytes()
    back = tmp_path / "back"
    assert keeping.load(path, back).night == 3
    assert sorted(p.name for p in (back / "pool").iterdir()) == [str(n) for n in range(6)]
    for size in range(0, len(whole), 97):
        path.write_bytes(whole[:size])
        with pytest.raises(BadInputError):
            keeping.load(path, back)
    for at in range(0, len(whole), 211):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :])
        with pytest.raises(BadInputError):
            keeping.load(path, back)


@pytest.mark.slow
def test_a_run_that_is_a_file_or_may_not_be_written_is_told(house: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    done = ran(file, house, *SMALL, "--agent", "scripted")
    assert done.returncode == 1 and "Cannot use the run's folder" in done.stderr, done.stderr
    if os.getuid() == 0 and not why_no_room():
        (tmp_path / "locked").mkdir()
        outer = [
            "bwrap",
            "--dev-bind",
            "/",
            "/",
            "--ro-bind",
            str(tmp_path / "locked"),
            str(tmp_path / "locked"),
        ]
        done = subprocess.run(
            [*outer, *command(tmp_path / "locked" / "run", house, *SMALL, "--agent", "scripted")],
            capture_output=True,
            env=environ(tmp_path / "run"),
            timeout=60,
            text=True,
        )
        assert done.returncode == 1 and "Cannot use the run's folder" in done.stderr, done.stderr


@needs_sandbox
@pytest.mark.slow
@pytest.mark.parametrize("size", ["300000"])
def test_a_full_disk_is_told_and_the_run_goes_on_later(size: str, house: Path, tmp_path: Path) -> None:
    if "--size" not in subprocess.run(["bwrap", "--help"], capture_output=True, text=True).stdout:
        pytest.skip("this bwrap has no --size")
    small = tmp_path / "small"
    small.mkdir()
    # Most of the run's folder lies on a disk of this size.
    options = ("--days", "2", "--users", "2", "--stream", "2", "--screen", "1", "--rates", "0.2,0.9")
    outer = ["bwrap", "--dev-bind", "/", "/", "--size", size, "--tmpfs", str(small)]
    keep = f'"$@"; code=$?; rm -rf {small}/run/work; cp -r {small}/run {tmp_path}/kept; exit $code'
    line = command(small / "run", house, *options, "--agent", "scripted")
    done = subprocess.run(
        [*outer, "--", "bash", "-c", keep, "bash", *line],
        capture_output=True,
        env=environ(tmp_path / "x"),
        timeout=100,
        text=True,
    )
    assert done.returncode == 1, done.stdout
    assert ("No space left" in done.stderr or "full" in done.stderr) and "Traceback" not in done.stderr, (
        done.stderr
    )
    assert "not expect" not in done.stderr, done.stderr
    again = ran(tmp_path / "kept", house, *options, "--agent", "scripted")
    assert again.returncode == 0, again.stderr
