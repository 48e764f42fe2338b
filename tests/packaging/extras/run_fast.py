"""The proxy runs on uvloop: it listens and answers."""

import asyncio
import json
import sys
import urllib.request
from pathlib import Path

from skillclaw.proxy import ProxyConfig, write_config
from skillclaw.proxy.serve import _loop_factory


async def healthy() -> None:
    path = Path("run", "proxy.json")
    write_config(path, ProxyConfig(upstreams={}, watched=True, port=0, home=str(Path("home").resolve())))
    words = ("-m", "skillclaw.proxy", str(path))
    process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    port = int((await process.stdout.readline()).split()[1])
    maps = Path(f"/proc/{process.pid}/maps")
    assert not maps.exists() or "uvloop" in maps.read_text()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
        assert json.load(answer)["status"] == "ok"
    process.terminate()
    assert await process.wait() == 0


factory = _loop_factory()
assert factory is not None and type(factory()).__module__.startswith("uvloop")
asyncio.run(healthy())
