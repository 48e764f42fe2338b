"""`up` where few files may be open: more connections than that wait or are closed; then all is as before."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from attacks import ANSWER, provider, request, say, status
from cli import ok, ok_json, skillclaw

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.name != "posix", reason="needs POSIX limits")]
FILES = 64
SENT = request("POST /generic/v1/chat/completions HTTP/1.1", body=b'{"model": "m", "messages": []}')


def few_files() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))


def test_more_connections_than_files(tmp_path: Path) -> None:
    with provider(ANSWER) as (url, _):
        ok("config", "set", "agents.generic.upstream", url, home=tmp_path)
        env = {**os.environ, "HOME": str(tmp_path), "SKILLCLAW_HOME": str(tmp_path / ".skillclaw")}
        argv = [sys.executable, "-m", "skillclaw", "up", "-d", "--port", "0", "--json"]
        began = subprocess.run(
            argv, env=env, preexec_fn=few_files, capture_output=True, text=True, timeout=100, check=False
        )
        assert began.returncode == 0, began.stderr
        port = json.loads(began.stdout)["port"]
        try:
            assert status(say(port, SENT)) == 200
            with ExitStack() as open_:
                for _ in range(2 * FILES):
                    with suppress(OSError):
                        open_.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
                time.sleep(2)
                assert ok_json("status", home=tmp_path)["running"]
            end = time.monotonic() + 30
            while status(say(port, SENT)) != 200 and time.monotonic() < end:
                time.sleep(0.5)
            answers = [status(say(port, SENT)) for _ in range(10)]
            assert answers == [200] * 10
            while (told := ok_json("status", home=tmp_path))["journal"]["queue"] and time.monotonic() < end:
                time.sleep(0.3)
            assert told["journal"]["exchanges"] >= 12 and told["journal"]["dropped"] == 0, told["journal"]
            assert not told["errors"], told["errors"]
            log = (tmp_path / ".skillclaw" / "logs" / "proxy.log").read_bytes()
            assert len(log) < 100_000, "a log that fills the disk is no help"
        finally:
            skillclaw("stop", home=tmp_path)
