"""The evolver: skills from the packaged sessions; the proxy's faster loop, and storage, are there as well."""

import json
import subprocess
import sys
from pathlib import Path

import obstore
import uvloop

assert obstore.__name__ and uvloop.__name__
skillclaw = str(Path(sys.executable).with_name("skillclaw"))
done = subprocess.run([skillclaw, "up", "--demo"], capture_output=True, text=True, check=False)
assert done.returncode == 0 and "## Steps" in done.stdout, done.stdout + done.stderr
home = str(Path.home() / ".skillclaw" / "demo")
told = subprocess.run(
    [skillclaw, "skills", "list", "--json", "--home", home], capture_output=True, check=True
)
assert len(json.loads(told.stdout)) >= 2, told.stdout
