"""Threads that decode records of one kind for the first time at the same moment."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

RACE = """
import os, sys, threading
from contextlib import suppress
import msgspec
from skillclaw.hub import invites, kinds, records, seen

sys.setswitchinterval(1e-6)
LOG = b'{"group": "g", "seq": 1, "head": "h", "skills": {"a": {"name": "a", "current": null}}}'
TYPES = [records.HubState, records.Commit, seen.Seen, *kinds.BODIES.values(), invites.KeyRequest]

def child():
    # Each child is a process in which nothing was decoded yet.
    gate = threading.Barrier(8)

    def decode():
        gate.wait()
        for kind in TYPES:
            with suppress(msgspec.ValidationError):
                msgspec.json.decode(LOG, type=kind)

    threads = [threading.Thread(target=decode) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

ends = []
for _ in range(40):
    pid = os.fork()
    if not pid:
        child()
        os._exit(0)
    ends.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(len(ends), sum(end != 0 for end in ends))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_threads_that_decode_for_the_first_time_do_not_crash_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.split()) == (0, ["40", "0"]), done.stderr
