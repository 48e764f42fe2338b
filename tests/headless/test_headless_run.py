"""What is said to an agent's program, in a real room."""

from __future__ import annotations

import pytest

from skillclaw.headless import PLATFORMS, Endpoint, load_platform
from skillclaw.headless.programs import Program
from skillclaw.headless.run import Headless
from skillclaw.sandbox import bubblewrap, open_box

pytestmark = pytest.mark.skipif(bool(bubblewrap.missing()), reason="needs bubblewrap")
BY_COMMAND_LINE = ("hermes", "openclaw")


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_text_that_no_command_line_holds_is_told_and_what_stdin_takes_goes_on(name: str) -> None:
    program = Program(command=("sh", "-c", "cat >/dev/null; echo well >&2; exit 3", "program"), mounts=())
    platform = load_platform(name)
    with open_box([], workspace="/tmp") as box:
        headless = Headless(
            platform, program, box, Endpoint(base_url="http://127.0.0.1:1/v1", model="m"), "s"
        )
        turn = headless.say("x" * 200_000, 30.0)
        assert not turn.late
        if name in BY_COMMAND_LINE:
            assert turn.error.startswith(f"{platform.title} takes what is said to it in its command line")
            assert "200000 bytes" in turn.error
        else:
            assert "exit code 3" in turn.error
        assert "exit code 3" in headless.say("short", 30.0).error
        assert [message["role"] for message in headless.transcript][:1] == ["user"]
