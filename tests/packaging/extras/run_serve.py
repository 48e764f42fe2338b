"""The server of a group starts, and its HTTP API answers and describes itself."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

skillclaw = str(Path(sys.executable).with_name("skillclaw"))
subprocess.run(
    [skillclaw, "hub", "init", str(Path("hub").resolve()), "--name", "team", "--evolver"], check=True
)
with socket.create_server(("127.0.0.1", 0)) as sock:
    port = sock.getsockname()[1]
with subprocess.Popen([skillclaw, "serve", "--port", str(port)]) as process:
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
                assert answer.status == 200
            break
        except OSError:
            assert process.poll() is None
            time.sleep(0.2)
    else:
        raise AssertionError("no answer")
    process.terminate()
assert process.returncode == 0
told = json.loads(subprocess.run([skillclaw, "serve", "--openapi"], capture_output=True, check=True).stdout)
assert len(told["paths"]) > 10 and told["openapi"].startswith("3.")
