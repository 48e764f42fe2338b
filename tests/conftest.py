"""What holds for all tests."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from hypothesis import HealthCheck, settings

# A busy machine draws slowly and runs slowly; neither is a fault of what is tested.
# A property that says no number gets this many examples; `make fuzz` gives each many more.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "40"))
settings.register_profile(
    "any machine", deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


# Who runs the tests in the background of a shell has Ctrl-C ignored, and so would all that is started here.
if (
    threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The soak takes five minutes and little of a core: it begins first and goes on beside the others."""
    items.sort(key=lambda item: "test_e2e_soak" not in item.nodeid)
