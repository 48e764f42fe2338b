"""What writes the files that everything rests on: once it is done, a power cut changes nothing any more, and
amid it each file is as before or as after.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from powercut import Recording, environment, needs_strace, put, seed, times

pytestmark = [pytest.mark.live, needs_strace, pytest.mark.flaky(reruns=0)]

HEAD = """
from pathlib import Path
import os, time
P = Path.cwd()
"""
WRITERS = {
    "any file that is replaced": """
from skillclaw.private import private_folder, whole_file
private_folder(P / "new" / "deeper")
for path in (P / "old", P / "new" / "deeper" / "file"):
    with whole_file(path) as file:
        file.write(b"NEW" * 4000)
""",
    "an agent's settings": """
from skillclaw.agents.edits import write_atomic
write_atomic(P / "old", b"NEW" * 4000)
write_atomic(P / "agent" / "settings.json", b"NEW" * 4000)
""",
    "keys and identity": """
from skillclaw.hub import keys
from skillclaw.journal.identity import Identity
Identity.load_or_create(P / "home")
keys.load_or_create(P / "home" / "keys", "g", "owner")
keys.load_or_create(P / "home" / "keys", "g", "owner.next")
keys.take_next(P / "home" / "keys", "g", "owner")
""",
    "what is remembered": """
from skillclaw.hub.records import HubInfo
from skillclaw.hub.seen import SeenGroup, save_seen
from skillclaw.journal.grants import save_grants
from skillclaw.library import book
from skillclaw.library.records import LibraryState
save_seen(P / "home" / "hubs.json", "url", "g", SeenGroup(owner="a" * 64))
save_grants(P / "home", {})
book.save(P / "home", LibraryState(declined=["one"]))
""",
    "objects of a hub": """
from skillclaw.hub.store import Store
store = Store(str(P / "deep" / "hub"), make=True)
store.put("objects/aa", b"object" * 900)
store.create("log/1.json", b"entry")
store.create("inbox/client/1.json", b"message")
""",
    "a skill that is installed, replaced, removed": """
from skillclaw.library import copies, folders, swap
from skillclaw.skills.records import Bundle, File
def made(name, text):
    files = [File(path="SKILL.md", data=text * 3000), File(path="references/a.md", data=text * 2000)]
    return Bundle(name=name, files=files)
target = P / "skills"
copies.make_folder(target)
for name in ("kept", "gone", "moved"):
    swap.put(made(name, b"one"), target, P, None)
swap.put(made("kept", b"two"), target, P, folders.scan(target / "kept"))
swap.remove(target / "gone", P, folders.scan(target / "gone"))
(P / "aside").mkdir()
from skillclaw.private import sync_folder
sync_folder(P)
swap.move_out(target / "moved", P / "aside" / "moved", P)
""",
    "an exchange, a second later": """
from skillclaw.journal.records import Exchange
from skillclaw.journal.writer import JournalWriter
writer = JournalWriter(P / "home" / "journal", max_mb=64)
writer.put(Exchange(id="1", agent="a", method="POST", path="/", started=1.0, request_body=b"x" * 5000))
time.sleep(2.5)
os.kill(os.getpid(), 9)
""",
    "exchanges of a proxy that was killed, once the next one runs": """
from skillclaw.journal.appender import Appender
from skillclaw.journal.records import Exchange
from skillclaw.journal.writer import JournalWriter
def written(folder):
    writer = JournalWriter(folder, max_mb=64)
    writer.put(Exchange(id="1", agent="a", method="POST", path="/", started=1.0, request_body=b"x" * 5000))
    while writer.stats().exchanges < 1:
        time.sleep(0.01)
if os.fork() == 0:
    Appender(P / "begun" / "journal").ready()
    written(P / "home" / "journal")
    os.kill(os.getpid(), 9)
os.wait()
written(P / "begun" / "journal")
written(P / "home" / "journal")
time.sleep(2.5)
os.kill(os.getpid(), 9)
""",
}
LEFT = re.compile(r".*(\.lock|\.new|#[0-9]+)|.*\.skillclaw-tmp-.*")
"""What who comes next cleans up or passes over."""


def files(place: Path) -> dict[str, bytes]:
    """What lies there, but for what is left over."""
    found = {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    return {name: data for name, data in found.items() if not LEFT.fullmatch(name)}


@pytest.mark.parametrize("what", WRITERS)
def test_what_is_written_stays_written(tmp_path: Path, what: str) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    (place / "old").write_bytes(b"old " * 3000)
    before = files(place)
    recording = Recording.of(place, [sys.executable, "-c", HEAD + WRITERS[what]], environment(place))
    assert recording.done is not None and recording.done.returncode in (0, -9, 137), recording.done
    after = files(place)
    assert after != before
    texts: dict[str, set[bytes]] = {}
    for state in recording.kills(seed(), 200):  # every content that a file had on the way
        put(state, place)
        for name, data in files(place).items():
            texts.setdefault(name, set()).add(data)
    for state in recording.states(seed(), times(60)):
        put(state, place)
        left = files(place)
        if state.over:
            assert left == after, state.label
        elif "journal" not in str(sorted(after)):
            assert all(data in texts[name] for name, data in left.items()), state.label
