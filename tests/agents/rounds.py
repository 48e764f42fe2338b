"""A connection there and back, as every agent with a settings file must pass it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skillclaw.agents import Adapter, Env, wiring
from skillclaw.agents.edits import get_key
from skillclaw.agents.texts import Format, Key

SECRET = "own-key-0123456789"


def there_and_back(
    home: Path, env: Env, adapter: Adapter, url: str, path: Path, format: Format, keys: Sequence[Key]
) -> wiring.Wired:
    """Connect, again, examine, disconnect: the key leads to `url` meanwhile, then every byte is as before.

    Nothing of the user's key is shown. The other files of the agent's folder are compared too.
    """
    before = {file: file.read_bytes() for file in path.parent.rglob("*") if file.is_file()}
    wired = wiring.connect(home, env, adapter, url)
    assert wired.changed
    assert get_key(path, path.read_bytes(), format, keys) == (True, url)
    assert SECRET not in wired.diff
    assert not wiring.connect(home, env, adapter, url).changed
    assert not [found for found in adapter.doctor(env, url) if found.level == "fail"]
    moved = url.replace("8787", "8788")
    assert wiring.connect(home, env, adapter, moved).upstream == wired.upstream
    assert get_key(path, path.read_bytes(), format, keys) == (True, moved)
    wiring.disconnect(home, env, adapter)
    assert {file: file.read_bytes() for file in path.parent.rglob("*") if file.is_file()} == before
    return wired
