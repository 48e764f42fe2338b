"""`evolve.executor = "ray"` on a real Ray of two workers: same answers, dying workers, no process left."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path

import msgspec
import psutil
import pytest
from cli import ok, ok_json
from worker_tasks import KillOnce, episodes, shout

from skillclaw.bench.datasets import read_rows
from skillclaw.errors import SkillClawError
from skillclaw.evolve.executors import SetAside, Task, _drive, make_executor, on_ray
from skillclaw.evolve.executors.local import LocalExecutor
from skillclaw.evolve.executors.on_ray import RayExecutor
from skillclaw.settings import EvolveSettings

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="the extra `cluster` is not installed"),
    pytest.mark.timeout(300),
    pytest.mark.slow,
    # Older Rays forget to wait for the processes that they started and ended.
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]

SUPPORT = str(Path(__file__).parents[1] / "support")


@pytest.fixture(scope="module")
def ray() -> Iterator[RayExecutor]:
    """A local Ray of two workers, as the setting starts it; shared, since a start takes seconds."""
    handler, variables = signal.getsignal(signal.SIGTERM), dict(os.environ)
    executor = make_executor(EvolveSettings(executor="ray", workers=2))
    assert isinstance(executor, RayExecutor)
    assert list(executor.run(shout, [b"a"], batch=1)) == [(0, b"A")]
    assert signal.getsignal(signal.SIGTERM) == handler
    assert os.environ.keys() ^ variables <= {"PYTEST_CURRENT_TEST"}
    try:
        yield executor
    finally:
        executor.close()
    _, alive = psutil.wait_procs(psutil.Process().children(recursive=True), timeout=20)
    assert [p.name() for p in alive if "ray" in p.name()] == []


@pytest.fixture(scope="module")
def sessions() -> list[bytes]:
    """The packaged real sessions."""
    found: list[bytes] = []
    with as_file(files("skillclaw.bench") / "demo") as folder:
        for path in sorted(Path(folder).glob("*.jsonl.zst")):
            found += [msgspec.json.encode(row) for row in read_rows(path)]
    assert len(found) >= 200
    return found


def collect(executor: RayExecutor, task: Task, items: list[bytes], batch: int) -> dict[int, str]:
    """The items set aside; the others must be answered with capitals, in order."""
    found = list(executor.run(task, items, batch=batch))
    assert [index for index, _ in found] == list(range(len(items)))
    aside = {one.index: one.reason for _, one in found if isinstance(one, SetAside)}
    assert all(answer == items[index].upper() for index, answer in found if index not in aside)
    return aside


def test_real_sessions_give_the_same_answers_as_on_one_machine(
    ray: RayExecutor, sessions: list[bytes]
) -> None:
    seen: list[int] = []
    expected = list(LocalExecutor(1).run(episodes, sessions, batch=64))
    assert list(ray.run(episodes, iter(sessions), batch=16, on_progress=seen.append)) == expected
    assert seen == sorted(seen)
    assert seen[-1] == len(sessions)


@pytest.mark.slow
def test_a_batch_that_its_worker_died_on_is_tried_again(ray: RayExecutor, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    assert collect(ray, KillOnce(mark=str(mark)), [b"a", b"b", b"once", b"c", b"d", b"e"], 3) == {}
    assert mark.exists()


@pytest.mark.slow
def test_poison_is_set_aside_and_all_others_are_answered(
    ray: RayExecutor, capfd: pytest.CaptureFixture[str]
) -> None:
    items = [b"fine"] * 24
    items[4], items[9], items[14] = b"kill", b"raise hunter22", b"sleep"
    # Another executor in this process uses the Ray that runs, and leaves it.
    other = RayExecutor(workers=2, limit=4.0)
    assert collect(other, shout, items, 6) == {
        4: "its worker died 2 times",
        9: "ValueError: cannot use … of … … second line",
        14: "took longer than 4 s",
    }
    other.close()
    assert collect(ray, shout, [b"still", b"there"], 1) == {}
    assert capfd.readouterr() == ("", ""), "what Ray says of dead workers is not for our output"


def test_actors_end_when_a_run_is_left_early(ray: RayExecutor) -> None:
    run = ray.run(shout, [b"fine"] * 100, batch=1)
    next(run)
    actors = [p for p in psutil.Process().children(recursive=True) if p.name().startswith("ray::Served")]
    assert actors
    run.close()  # type: ignore[attr-defined]
    assert psutil.wait_procs(actors, timeout=20)[1] == []


BODY = """
import os, sys
from skillclaw.errors import SkillClawError
from skillclaw.evolve.executors.on_ray import RayExecutor
from worker_tasks import shout
if sys.argv[1] == "loaded":
    import ray
elif sys.argv[1] == "tried":
    cluster = RayExecutor("127.0.0.1:9")
    try:
        list(cluster.run(shout, [b"a"], batch=1))
    except SkillClawError as told:
        assert "127.0.0.1:9" in told.what, told
    cluster.close()
executor = RayExecutor(workers=1)
try:
    print(list(executor.run(shout, [b"a"], batch=1)), flush=True)
    sys.stdin.readline()
except SkillClawError as told:
    print(told, flush=True)
executor.close()
"""


@pytest.mark.parametrize("before", ["nothing", "tried"])
def test_a_local_ray_listens_on_the_loopback_address_only(before: str) -> None:
    """Whatever this process did before: Ray decides once, as it is loaded, what it listens on."""
    with subprocess.Popen(
        [*script(BODY), before], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == "[(0, b'A')]\n"
        own = psutil.Process(driver.pid)
        places = {p.pid: p.name() for p in [own, *own.children(recursive=True)]}
        listening = [
            (places[connection.pid], connection.laddr.ip)
            for connection in psutil.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN and connection.pid in places
        ]
        driver.communicate("\n", timeout=60)
    assert {"gcs_server", "raylet"} <= {name for name, _ in listening}
    away = [one for one in listening if not ipaddress.ip_address(one[1].removeprefix("::ffff:")).is_loopback]
    assert away == []


@pytest.mark.slow
def test_a_ray_that_something_else_loaded_is_not_started() -> None:
    done = subprocess.run([*script(BODY), "loaded"], capture_output=True, text=True, timeout=60, check=True)
    assert "Ray cannot be used for a Ray of this machine by this process." in done.stdout
    assert "It was loaded by something else before" in done.stdout
    assert done.stderr == ""


@pytest.mark.slow
def test_workers_of_another_version_are_told(ray: RayExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_drive, "__version__", "99.0")
    with pytest.raises(SkillClawError) as told:
        list(ray.run(shout, [b"a"], batch=1))
    assert "this one is 99.0" in told.value.why


@pytest.mark.slow
def test_a_task_that_workers_cannot_load_is_told(ray: RayExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    module = type(sys)("only_here")
    exec("def task(batch): return list(batch)", module.__dict__)
    monkeypatch.setitem(sys.modules, "only_here", module)
    with pytest.raises(SkillClawError) as told:
        list(ray.run(module.task, [b"a"], batch=1))
    assert "only_here" in told.value.why


def script(body: str) -> list[str]:
    text = f"import sys\nsys.path.insert(0, {SUPPORT!r})\n" + textwrap.dedent(body)
    return [sys.executable, "-c", text]


def test_a_running_cluster_is_joined_by_its_address_and_left_running(ray: RayExecutor) -> None:
    import ray as library

    body = """
    from skillclaw.evolve.executors import make_executor
    from skillclaw.settings import EvolveSettings
    executor = make_executor(EvolveSettings(executor="ray", ray_address=sys.argv[1]))
    print([answer for _, answer in executor.run(list, [b"a", b"b"], batch=1)])
    executor.close()
    """
    access = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": on_ray._token(),
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # else Ray takes the network's address for the loopback's
    }
    done = subprocess.run(
        [*script(body), library.get_runtime_context().gcs_address],
        env=os.environ | access,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[b'a', b'b']\n", "")
    assert collect(ray, shout, [b"still", b"there"], 1) == {}


def test_ctrl_c_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    body = """
    from worker_tasks import shout
    from skillclaw.evolve.executors.on_ray import RayExecutor
    executor = RayExecutor(workers=2)
    try:
        for index, _ in executor.run(shout, [b"fine"] * 4 + [b"sleep"] * 9, batch=1):
            if index == 3:
                print("sleeping", flush=True)
    except KeyboardInterrupt:
        print("interrupted")
    finally:
        executor.close()
    """
    env = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        script(body), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, start_new_session=True
    ) as driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == b"sleeping\n"
        processes = psutil.Process(driver.pid).children(recursive=True)
        assert len(processes) > 4
        os.killpg(driver.pid, signal.SIGINT)  # as a terminal does: to all of the group
        out, err = driver.communicate(timeout=60)
    assert (driver.returncode, out, err) == (0, b"interrupted\n", b"")
    assert psutil.wait_procs(processes, timeout=20)[1] == []


def test_an_address_that_nobody_answers_at_is_told_soon() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        for address in (f"127.0.0.1:{port}", "127.0.0.1", "ray://127.0.0.1:10001"):
            executor = RayExecutor(address)
            with pytest.raises(SkillClawError) as told:
                list(executor.run(shout, [b"a"], batch=1))
            assert address in told.value.what
            assert "evolve.ray_address" in told.value.todo
            executor.close()


@pytest.mark.slow
def test_a_cycle_on_ray_finds_releases_and_reports_the_same_as_one_on_this_machine(tmp_path: Path) -> None:
    reports = []
    for executor in ("local", "ray"):
        home = tmp_path / executor
        home.mkdir()
        with as_file(files("skillclaw.bench") / "demo") as demo:
            ok("import", *(str(path) for path in sorted(demo.glob("*.zst"))), home=home)
        with sqlite3.connect(home / ".skillclaw" / "sessions.db") as db:
            db.execute("UPDATE sessions SET body = x'00ff' WHERE key = (SELECT min(key) FROM sessions)")
        db.close()
        ok("config", "set", "evolve.executor", executor, home=home)
        ok("config", "set", "evolve.workers", "2", home=home)
        reports.append(ok_json("evolve", home=home, timeout=250))
    one, other = reports
    assert one["patterns"] == other["patterns"] != []
    assert one["released"] == other["released"] != []
    assert [p["verdict"] for p in one["proposals"]] == [p["verdict"] for p in other["proposals"]]
    assert [a["what"] for a in one["set_aside"]] == [a["what"] for a in other["set_aside"]]
    assert len(one["set_aside"]) == 1
