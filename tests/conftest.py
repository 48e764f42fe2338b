"""What holds for all tests."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Generator
from functools import cache
from pathlib import Path

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
    "is_lost_to_kill_9",
    "three_users_sessions_reach",
    "whatever_claude_code_runs_on_loading",
    "two_real_agents_teach_a_group",
    "the_commands_that_the_readme_lists",
    "loses_nothing[sync updates]",
    "claude_code_keeps_its_list_of_skills",
    "rules_were_not_made_from",
    "offered_approved_and_installed",
    "a_full_disk[import]",
    "the_walk_is_as_the_page_tells",
    "clock_is_set_forth_and_back",
    "a_team_on_s3",
    "goes_with_the_sessions_it_was_learned_from",
)
"""What takes half a minute or more, the longest first; the soak takes little of a core."""
E2E = "(e2e or live)"
"""How the choice of `make e2e` begins."""


@cache
def _has_e2e(path: Path) -> bool:
    """Whether a file has tests of `make e2e`: it says so itself, or all of its folder are."""
    text = path.read_text("utf-8")
    return path.parent.name == "e2e" or "mark.e2e" in text or "mark.live" in text


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`make e2e` reads the files that have its tests: each worker would take long to read all others."""
    if collection_path.suffix != ".py" or not config.option.markexpr.startswith(E2E):
        return None
    return None if _has_e2e(collection_path) else True


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest begin first, spread over the workers, and go on beside the others."""
    for item in items:
        if any(item.get_closest_marker(name) for name in ("e2e", "live")) and not _has_e2e(item.path):
            raise pytest.UsageError(f"{item.path}: make e2e would not find {item.name}: no mark stands there")
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
