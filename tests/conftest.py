"""What holds for all tests."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Generator

import pytest
from examples import MADE
from hypothesis import HealthCheck, settings

# A busy machine draws slowly and runs slowly; neither is a fault of what is tested.
settings.register_profile(
    "any machine", deadline=None, max_examples=MADE, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


# Who runs the tests in the background of a shell has Ctrl-C ignored, and so would all that is started here.
if (
    threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):
    signal.signal(signal.SIGINT, signal.default_int_handler)


LONGEST = (
    "test_e2e_soak",
    "test_e2e_fresh_clone",
    "thousands_of_fuzzed_answers",
    "is_lost_to_kill_9",
    "32_writers_on_s3",
)
"""What takes most of a minute or more, the longest first; the soak takes little of a core."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest begin first, spread over the workers, and go on beside the others."""
    longest = [item for name in LONGEST for item in items if name in item.nodeid]
    rest = [item for item in items if item not in longest]
    # With `--dist worksteal` each worker starts with an equal run of the list.
    workers = int(getattr(config, "workerinput", {}).get("workercount", 1))
    left = len(items)
    items.clear()
    for worker in range(workers):
        # The first has the very longest to itself; the others share the rest.
        own = longest[worker :: workers - 1] if worker else longest[: 1 if workers > 1 else None]
        share = left // (workers - worker)
        more = max(share - len(own), 0)
        items += [*own, *rest[:more]]
        del rest[:more]
        left -= share
    items += rest


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """While thousands of tests are collected hardly anything becomes garbage; looking for it again and again
    costs a quarter of the time. What was collected stays to the end: no later look goes through it.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Why what was tried again (`--reruns`) failed the first time: the second may fail for another reason, as
    where the first left something behind."""
    tried = terminalreporter.stats.get("rerun", [])
    if tried:
        terminalreporter.section("what was tried again")
    for report in tried:
        terminalreporter.write_sep("_", report.nodeid)
        terminalreporter.write_line(str(report.longrepr))
