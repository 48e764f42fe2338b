"""A link put in a skill's place at any moment of an install leads no write and no deletion elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs symbolic links")

CODE = """
import os, shutil, sys
from pathlib import Path
from msgspec.structs import replace
from skillclaw.hub import HubState, Release, SkillState
from skillclaw.library import HubView, Library
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Bundle, File

EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.scandir", "os.listdir"}
root = Path(sys.argv[1])

def bundle(text):
    return Bundle(name="git", files=[File(path="SKILL.md", data=text.encode()),
                                     File(path="references/a.md", data=text.encode())])

def state(text, *known, stage="stable"):
    releases = [Release(skill="git", version=version(bundle(t)), object="0" * 64, sidecar=None, base=None,
                        proposal=None, stage=stage, seq=1, time="") for t in known]
    now = version(bundle(text)) if text else None
    return HubState(group="g", seq=1, head="", skills={
        "git": SkillState(name="git", current=now, stage=stage, releases=releases)})

def sync(text, *known, stage="stable"):
    found = {version(bundle(t)): bundle(t) for t in known}
    view = HubView(name="personal", state=state(text, *known, stage=stage), fetch=lambda r: found[r.version])
    Library(root / "home", [root / "skills"]).sync([view], lambda b: [])

SCENARIOS = {
    "install": (None, lambda: sync("two", "two")),
    "update": ("one", lambda: sync("two", "one", "two")),
    "withdraw": ("one", lambda: sync(None, "one")),
    "revoke": ("one", lambda: sync(None, "one", stage="revoked")),
}
armed, left = False, 0

def hook(event, args):
    # the link is put there right before the n-th touch of the disk
    global armed, left
    if armed and event in EVENTS:
        left -= 1
        if left < 0:
            armed = False
            place = root / "skills" / "git"
            try:
                if place.exists() and not place.is_symlink():
                    place.rename(root / "stolen")
                place.symlink_to(root / "victim")
            except OSError:
                pass

def untouched():
    victim = root / "victim"
    there = {str(path.relative_to(victim)): path.read_text() for path in victim.rglob("*") if path.is_file()}
    return there == {"SKILL.md": "my own", "references/own.md": "my own"}

sys.addaudithook(hook)
before, act = SCENARIOS[sys.argv[2]]
point = swapped = 0
while True:
    shutil.rmtree(root, ignore_errors=True)
    (root / "victim" / "references").mkdir(parents=True)
    (root / "victim" / "SKILL.md").write_text("my own")
    (root / "victim" / "references" / "own.md").write_text("my own")
    (root / "skills").mkdir()
    if before:
        sync(before, before)
    armed, left = True, point
    act()
    through, armed = armed, False
    swapped += (root / "skills" / "git").is_symlink()
    assert untouched(), point
    act()
    assert untouched(), ("again", point)
    if through:
        break
    point += 1
assert point > 10 and swapped > 3, (point, swapped)
"""


@pytest.mark.parametrize("scenario", ["install", "update", "withdraw", "revoke"])
def test_a_link_swapped_in_leads_nowhere(tmp_path: Path, scenario: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path / "w"), scenario],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
