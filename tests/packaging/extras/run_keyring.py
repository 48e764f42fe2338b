"""A key is kept in a keyring (of this test's own) and not in a file."""

import subprocess
import sys
from pathlib import Path

words = [str(Path(sys.executable).with_name("skillclaw")), "config"]
subprocess.run([*words, "set", "upstreams.local.url", "http://127.0.0.1:1/v1"], check=True)
done = subprocess.run(
    [*words, "key", "local"], input="hidden-word\n", capture_output=True, text=True, check=False
)
assert done.returncode == 0, done.stderr
assert "hidden-word" in Path("ring.txt").read_text()
for file in Path.home().joinpath(".skillclaw").rglob("*"):
    assert not file.is_file() or b"hidden-word" not in file.read_bytes(), file
