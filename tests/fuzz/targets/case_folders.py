"""A user's own cases for replay: `case.toml`, `task.md`, `projects.toml`, rules of sharing, each of any text.

The first byte says which file. What cannot be used is a BadInputError that names the file.
"""

from __future__ import annotations

import shutil

from fuzz_histories import scratch
from fuzz_made import Drawn

from skillclaw.errors import SkillClawError
from skillclaw.evolve.replay.checkouts import read_checkouts
from skillclaw.evolve.replay.folder_cases import read_cases
from skillclaw.headless.tasks import taskfile
from skillclaw.journal.share_rules import HubView, Subject, decide, named, observe
from skillclaw.settings import Settings, load, set_value

ALLOWED = (SkillClawError,)
DICT = (
    b"instruction = ",
    b"[files]\n",
    b"seeds = [",
    b"timeout = ",
    b"## Prompt\n",
    b"---\nid: ",
    b"folders = [",
    b"!!timestamp x",
)
CASE = (
    b'instruction = "Make it green."\nskills = ["a"]\ntimeout = 30\n'
    b'seeds = [1, 2]\n[files]\n"a/b.txt" = "x"\n'
)
TASK = (
    b"---\nid: 01_task_1_x\nname: X\ncategory: c\ntimeout_seconds: 60\n---\n\n## Prompt\n\nDo it.\n\n"
    b"## Automated Checks\n\n```python\ndef grade(**kw):\n    return {}\n```\n\n"
    b"## Workspace Path\n\n```\nx\n```\n"
    b"\n## Grading Criteria\n\n- [ ] one\n"
)
SHARE = (
    b'[share]\ndefault = "redacted"\n[share.hubs]\nteam = "redacted"\n'
    b'[share.agents]\ncodex = "off"\n[share.projects]\n"app" = "off"\n'
)


def once(data: bytes) -> None:
    """One file."""
    drawn = Drawn(data)
    kind = drawn.below(4)
    text = drawn.rest() if drawn.yes(3) else drawn.torn((CASE, TASK, b'folders = ["~/a"]\n', SHARE)[kind])
    home = scratch() / "cases"
    shutil.rmtree(home, ignore_errors=True)
    place = home / "cases" / "one"
    place.mkdir(parents=True)
    (place / "grade.sh").write_bytes(b"exit 0\n")
    if kind == 0:
        (place / "case.toml").write_bytes(text)
        cases, faults = read_cases(home / "cases")
        assert len(cases) + len(faults) == 1
    elif kind == 1:
        (place / "task.md").write_bytes(text)
        read_cases(home / "cases")
        taskfile.parse(text.decode("utf-8", "replace"))
    elif kind == 2:
        (home / "cases/projects.toml").write_bytes(text)
        read_checkouts(home / "cases", home)
    else:
        (home / "config.toml").write_bytes(text)
        _share(drawn, load(home, {}))
        set_value(home, "share.default", "off")
        assert load(home, {}).share.default == "off"


def _share(drawn: Drawn, settings: Settings) -> None:
    now = "2026-03-01T10:00:00Z"
    grants = observe(settings.share, {}, now)
    assert observe(settings.share, grants, "2027-01-01T00:00:00Z") == grants
    session = Subject(key="k", agent="codex", project="app", started=drawn.text(), remote=drawn.text())
    decision = decide(settings.share, HubView(name="team", group="g", grants=grants), session)
    assert decision.why or decision.allowed
    assert settings.share.agents.get("codex") != "off" or not decision.allowed
    [*named(settings.share, session)]
