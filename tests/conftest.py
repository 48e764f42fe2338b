"""What holds for all tests."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# A busy machine draws slowly and runs slowly; neither is a fault of what is tested.
# A property that says no number gets this many examples; `make fuzz` gives each many more.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "40"))
settings.register_profile(
    "any machine", deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The soak takes five minutes and little of a core: it begins first and goes on beside the others."""
    items.sort(key=lambda item: "test_e2e_soak" not in item.nodeid)
