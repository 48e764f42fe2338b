"""Executors: same answers in the same order for any workers and batches, whatever happens to an item."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from worker_tasks import KillOnce, Log, Meet, Salted, short, shout

from skillclaw.errors import SkillClawError
from skillclaw.evolve.executors import Executor, SetAside, _drive, make_executor
from skillclaw.evolve.executors.local import LocalExecutor
from skillclaw.settings import EvolveSettings

pytestmark = pytest.mark.live

HERE = LocalExecutor(1)


def pool(workers: int = 2, limit: float = 120.0) -> LocalExecutor:
    """Workers from the fifth batch on, however little there is."""
    return LocalExecutor(workers, limit=limit, pays=0)


def words(count: int) -> list[bytes]:
    return [f"item {n}".encode() for n in range(count)]


def collect(
    executor: Executor,
    task: Callable[[Sequence[bytes]], Sequence[bytes]],
    items: Sequence[bytes],
    batch: int = 4,
) -> tuple[list[bytes | None], dict[int, str]]:
    """Answers in order, None where there is none, and the reasons."""
    found = list(executor.run(task, iter(items), batch=batch))
    assert [index for index, _ in found] == list(range(len(items)))
    aside = {one.index: one.reason for _, one in found if isinstance(one, SetAside)}
    return [None if isinstance(one, SetAside) else one for _, one in found], aside


def children() -> set[int]:
    """Processes of ours, but for the one that Python keeps to clean up after multiprocessing, and the one
    that the tests fork commands from.
    """
    found = set()
    for child in psutil.Process().children(recursive=True):
        try:
            if not any("resource_tracker" in word or "forking.py" in word for word in child.cmdline()):
                found.add(child.pid)
        except psutil.NoSuchProcess:
            pass
    return found


@pytest.fixture(autouse=True)
def no_process_stays() -> Iterator[None]:
    before = children()
    yield
    assert children() <= before


def test_answers_come_in_the_order_of_the_items_from_several_processes(tmp_path: Path) -> None:
    assert collect(pool(), Meet(folder=str(tmp_path)), words(40), batch=2) == (words(40), {})
    seen = {int(path.name) for path in tmp_path.iterdir()}
    assert len(seen) == 2
    assert os.getpid() not in seen


@settings(max_examples=examples(5), deadline=None)
@given(
    items=st.lists(st.one_of(st.binary(max_size=6), st.sampled_from([b"raise", b"quit"])), max_size=30),
    batch=st.integers(1, 6),
    workers=st.integers(2, 3),
)
def test_workers_and_batches_do_not_matter(items: list[bytes], batch: int, workers: int) -> None:
    expected = collect(HERE, shout, items, batch=1)
    assert collect(HERE, shout, items, batch) == expected
    assert collect(pool(workers), shout, items, batch) == expected


@given(items=st.lists(st.binary(max_size=6), max_size=30), batch=st.integers(1, 40))
def test_a_record_is_a_task_and_the_size_of_batches_does_not_matter(items: list[bytes], batch: int) -> None:
    task = Salted(salt=b"s")
    assert collect(HERE, task, items, batch) == ([task([item])[0] for item in items], {})


def test_a_record_goes_to_workers_with_its_settings() -> None:
    assert collect(pool(), Salted(salt=b"x"), words(12), 2) == collect(HERE, Salted(salt=b"x"), words(12), 5)


@pytest.mark.parametrize("executor", [HERE, pool()], ids=["here", "pool"])
def test_an_item_that_raises_is_set_aside_with_a_reason_without_its_text(executor: LocalExecutor) -> None:
    items = [*words(9), b"raise hunter22 swordfish", *words(9)]
    answers, aside = collect(executor, shout, items)
    assert aside == {9: "ValueError: cannot use … of … … … second line"}
    assert [a for a in answers if a is not None] == [item.upper() for item in [*words(9), *words(9)]]


def test_an_item_with_too_few_answers_is_set_aside() -> None:
    answers, aside = collect(HERE, short, [*words(17), b"lost", b"last"])
    assert aside == {17: "ValueError: 0 answers for 1 items"}
    assert answers[18] == b"last"


@pytest.mark.parametrize("executor", [HERE, pool()], ids=["here", "pool"])
def test_a_task_that_wants_to_quit_is_an_item_set_aside(executor: LocalExecutor) -> None:
    assert collect(executor, shout, [*words(17), b"quit"])[1] == {17: "SystemExit: enough"}


def test_a_reason_is_one_short_line() -> None:
    _, aside = collect(HERE, shout, [b"raise" + b" long" * 200])
    assert len(aside[0]) <= 160
    assert "\n" not in aside[0]


@pytest.mark.parametrize(("death", "batch"), [(b"kill", 4), (b"exit", 1)])
def test_an_item_that_kills_its_worker_is_set_aside_and_the_others_are_answered(
    death: bytes, batch: int
) -> None:
    items = [*words(20), death, *words(20)]
    answers, aside = collect(pool(), shout, items, batch)
    assert aside == {20: "its worker died 2 times"}
    assert answers[:20] == answers[21:] == [item.upper() for item in words(20)]


def test_a_batch_that_its_worker_died_on_is_tried_again(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    answers, aside = collect(pool(), KillOnce(mark=str(mark)), [*words(9), b"once", *words(9)])
    assert mark.exists()
    assert aside == {}
    assert answers[9] == b"ONCE"


def test_an_item_beside_a_deadly_one_in_another_worker_is_not_blamed() -> None:
    items = [b"kill" if n in (1, 5) else b"fine" for n in range(8)]
    answers, aside = collect(pool(), shout, items, batch=1)
    assert sorted(aside) == [1, 5]
    assert answers.count(b"FINE") == 6


def test_an_item_that_takes_too_long_is_set_aside_and_its_worker_ended() -> None:
    items = [*words(10), b"sleep", *words(10)]
    answers, aside = collect(pool(limit=2.0), shout, items, batch=3)
    assert aside == {10: "took longer than 2 s"}
    assert answers[:10] == answers[11:] == [item.upper() for item in words(10)]


@pytest.mark.parametrize(
    ("executor", "first", "held", "most"),
    [
        (HERE, b"item", _drive.HELD, 4),
        # Two workers, one of them long at the first item: five batches, whatever they weigh...
        (pool(limit=0.5), b"sleep", 0, 4 * 5),
        # ... or these bytes, and the batch that reached them.
        (pool(limit=0.5), b"sleep", 400, 400 // len(b"item 0") + 4),
    ],
    ids=["here", "by batches", "by bytes"],
)
def test_items_are_read_a_bounded_way_ahead(
    executor: LocalExecutor, first: bytes, held: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_drive, "HELD", held)
    read = 0

    def stream() -> Iterator[bytes]:
        nonlocal read
        for item in [first, *words(399)]:
            read += 1
            yield item

    ahead = []
    with contextlib.closing(executor.run(shout, stream(), batch=4)) as run:  # type: ignore[type-var]
        for index, _ in run:
            # A batch leaves the window with its first answer; its others are still to be told.
            ahead.append(read - index // 4 * 4)
    assert read == 400
    assert max(ahead) <= most + 4
    assert max(ahead) >= most / 2


def test_a_batch_of_large_items_is_cut_short(tmp_path: Path) -> None:
    log = tmp_path / "log"
    list(HERE.run(Log(path=str(log)), [bytes(3 << 20)] * 5, batch=100))
    assert [line.split()[1] for line in log.read_text().splitlines()] == ["2", "2", "1"]


def test_little_work_stays_in_this_process(tmp_path: Path) -> None:
    for name, executor, count in (("few", pool(), 16), ("light", LocalExecutor(2), 1000)):
        log = tmp_path / name
        list(executor.run(Log(path=str(log)), words(count), batch=4))
        assert {line.split()[0] for line in log.read_text().splitlines()} == {str(os.getpid())}


@pytest.mark.parametrize("executor", [HERE, pool()], ids=["here", "pool"])
def test_progress_counts_up_to_all_items(executor: LocalExecutor) -> None:
    seen: list[int] = []
    list(executor.run(shout, words(30), batch=4, on_progress=seen.append))
    assert seen == sorted(seen)
    assert seen[-1] == 30


def test_workers_end_when_the_run_is_left_early() -> None:
    before = children()
    run = pool().run(shout, words(1000), batch=2)
    next(run)
    assert len(children() - before) == 2
    run.close()  # type: ignore[attr-defined]
    assert children() <= before


def test_workers_end_when_the_run_is_interrupted() -> None:
    def interrupted(done: int) -> None:
        raise KeyboardInterrupt

    before = children()
    with pytest.raises(KeyboardInterrupt):
        list(pool().run(shout, words(1000), batch=2, on_progress=interrupted))
    assert children() <= before


def test_what_reading_the_items_raises_goes_through() -> None:
    def broken() -> Iterator[bytes]:
        yield from words(100)
        raise OSError("disk gone")

    for executor in (HERE, pool()):
        with pytest.raises(OSError, match="disk gone"):
            list(executor.run(shout, broken(), batch=4))


def test_a_task_that_workers_cannot_load_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    module = type(sys)("only_here")
    exec("def task(batch): return list(batch)", module.__dict__)
    monkeypatch.setitem(sys.modules, "only_here", module)
    with pytest.raises(SkillClawError) as told:
        list(pool().run(module.task, words(100), batch=4))
    assert "only_here" in told.value.why


ORPHANS = """
import sys, time
sys.path.insert(0, sys.argv[1])
from worker_tasks import shout
from skillclaw.evolve.executors.local import LocalExecutor
if __name__ == "__main__":
    run = LocalExecutor(2, limit=600, pays=0).run(shout, [b"a"] * 4 + [b"sleep"] * 4, batch=1)
    for _ in range(4):
        next(run)
    print("sleeping", flush=True)
    next(run)
"""


def test_workers_end_with_their_parent_even_when_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    script.write_text(ORPHANS)
    folder = str(Path(__file__).parent.parent / "support")
    with subprocess.Popen([sys.executable, str(script), folder], stdout=subprocess.PIPE) as driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == b"sleeping\n"
        workers = psutil.Process(driver.pid).children()
        assert len(workers) >= 2
        driver.kill()
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert alive == []


def test_the_setting_names_the_executor() -> None:
    local = make_executor(EvolveSettings(workers=3))
    assert (local.name, isinstance(local, LocalExecutor) and local.workers) == ("local", 3)
    assert make_executor(EvolveSettings(executor="ray")).name == "ray"
    local.close()
    local.close()


def test_a_ray_that_is_not_installed_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    executor = make_executor(EvolveSettings(executor="ray"))
    with pytest.raises(SkillClawError) as told:
        list(executor.run(shout, words(3), batch=1))
    assert "[evolve,cluster]" in told.value.todo
    executor.close()


def test_ray_is_loaded_only_by_a_run_on_it() -> None:
    code = (
        "import sys; from skillclaw.evolve.executors import make_executor; "
        "from skillclaw.settings import EvolveSettings; "
        "make_executor(EvolveSettings(executor='ray')); print('ray' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
