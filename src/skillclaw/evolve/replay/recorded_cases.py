"""Cases from recorded sessions that ended with a passing test.

The workspace is the repository as it was when the session began, laid out anew from its commits; the
instruction is the user's request; the grader is the session's last test command, run with the tests as the
work left them. That is a case only if it can be seen to be one: here, in the sandbox, the tests have to fail
before anything is done, and to pass with what was committed afterwards. Otherwise there is none, and why is
told.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath

from skillclaw.errors import SkillClawError, StorageError, in_one_line
from skillclaw.evolve.replay.cases import Case
from skillclaw.evolve.replay.checkouts import Checkouts, commits, exported, files_of, known_commit
from skillclaw.evolve.replay.executable_rooms import workroom
from skillclaw.evolve.replay.graders import by_exit
from skillclaw.headless.tasks.folders import FolderWorkspace, open_folder
from skillclaw.headless.tasks.model import Grade, Message, Workspace
from skillclaw.headless.tasks.taskfile import TaskFile
from skillclaw.sandbox import Mount, leftovers
from skillclaw.skills.records import content_id
from skillclaw.trajectory.asks import requests
from skillclaw.trajectory.flow import Act, flow
from skillclaw.trajectory.model import Record, Trajectory, meta
from skillclaw.trajectory.shell import main_commands, parse
from skillclaw.trajectory.signs import is_test

__all__ = ["Recorder", "test_command"]

TESTS = 120.0
"""Seconds that the tests may take."""
TIMEOUT = 600.0
"""Seconds that an agent may take."""
VARIABLES = {"npm_config_offline": "true"}
"""In its rooms: without it npm asks a network that is not there, for minutes."""
AFTERWARDS = 7 * 86_400
"""Seconds after a session in which its work may be committed."""
_MASKED = re.compile(r"<[a-z][\w-]*:[^<>\s]*>", re.IGNORECASE)
_TEST_PATH = re.compile(
    r"(?:^|/)(?:tests?|__tests__|spec|e2e)/|(?:^|/)(?:test_[^/]*|conftest\.py|[^/]*[._-](?:test|spec)\.[^/]+)$"
)


class _Plan(Record, frozen=True, kw_only=True):
    """Where a case comes from: `start` and `end` are commits, `laid` the tests of `end`."""

    repository: Path
    start: str
    end: str
    script: str
    laid: tuple[str, ...]


class Recorder:
    """Makes cases of recorded sessions; `cases.CaseSources.recorded`.

    home  SkillClaw's folder: rooms to try the tests in are made below it
    """

    def __init__(self, checkouts: Checkouts, home: Path) -> None:
        self._checkouts, self._home = checkouts, home

    def __call__(self, session: Trajectory) -> Case | str:
        """The case, or why there is none."""
        try:
            return self._made(session)
        except SkillClawError as error:
            return in_one_line(error)

    def _made(self, session: Trajectory) -> Case | str:
        told = meta(session)
        repository = self._checkouts.of(told)
        if repository is None:
            return "its project is not named in projects.toml."
        asked = requests(flow(session))
        if len(asked) != 1:
            return "it asks for several things, and its tests judge all of them."
        instruction = asked[0].texts[0].strip()
        if _MASKED.search(instruction):
            return "something in its request is masked."
        tested = _last_test(session)
        if isinstance(tested, str):
            return tested
        script, at = tested
        plan = _plan(session, repository, script, at)
        if isinstance(plan, str):
            return plan
        if why := self._not_seen(plan):
            return why
        return Case(
            id=content_id("case", plan.start, plan.end, script, instruction),
            name=f"session {told.key}",
            source="recorded",
            instruction=instruction,
            timeout=TIMEOUT,
            user=told.user,
            session=told.key,
            room=_Room(plan),
            judge=_Judge(plan),
        )

    def _not_seen(self, plan: _Plan) -> str:
        """Why the tests cannot be seen to tell the work from no work; empty where they can."""
        with workroom(self._home) as folder:
            before = _tried(plan, plan.start, folder / "before")
            if before.error:
                return f"its tests could not be tried: {before.error}."
            if before.success:
                return "its tests pass here before anything is done."
            after = _tried(plan, plan.end, folder / "after")
            if after.error or not after.success:
                return "its tests do not pass in the sandbox even with what was committed afterwards."
        return ""


def test_command(command: str) -> str:
    """The test run in a shell command, as it can be run in the repository's folder; empty where it cannot.

    Only plain words are taken: no path from the root or a home, no variable, nothing masked, no shell syntax.
    """
    found = [simple for simple in main_commands(command) if is_test(shlex.join(simple.words))]
    if not found:
        return ""
    words = list(found[-1].words)
    if any(_unusable(word) for word in words):
        return ""
    places = [
        simple.words[1] for simple in parse(command) if simple.words[:1] == ("cd",) and len(simple.words) == 2
    ]
    inside = [place for place in places if not place.startswith(("/", "~", "$"))]
    if any(_unusable(place) for place in inside) or len(inside) > 1:
        return ""
    return "".join(f"cd {shlex.quote(place)} && " for place in inside) + shlex.join(words)


def _unusable(word: str) -> bool:
    path = word.partition("=")[2] or word
    return (
        path.startswith(("/", "~"))
        or ".." in PurePosixPath(path).parts
        or any(char in word for char in "$`\n\0")
        or _MASKED.search(word) is not None
    )


def _last_test(session: Trajectory) -> tuple[str, datetime] | str:
    acts = [
        event
        for event in flow(session)
        if isinstance(event, Act) and event.command and event.ok is not None and is_test(event.command)
    ]
    if not acts:
        return "it ran no tests."
    last = acts[-1]
    assert last.command is not None
    if not last.ok or last.exit_code not in (None, 0):
        return "its last test run failed."
    script = test_command(last.command)
    if not script:
        return "its test command cannot be run elsewhere."
    at = _time(next((step.timestamp for step in session.steps if step.step_id == last.step), None))
    return (script, at) if at is not None else "it does not say when it ran."


def _plan(session: Trajectory, repository: Path, script: str, tested: datetime) -> _Plan | str:
    began = next((at for step in session.steps if (at := _time(step.timestamp)) is not None), None)
    if began is None:
        return "it does not say when it ran."
    told = meta(session).env
    tip = known_commit(repository, f"refs/heads/{told.get('git_branch', '')}") or known_commit(
        repository, "HEAD"
    )
    if not tip:
        return "its repository has no commits."
    row = commits(repository, tip)
    start = known_commit(repository, told.get("git_commit", ""))
    start = start or next((commit for commit, at in row if at <= began.timestamp()), "")
    if not start:
        return "its repository has no commit from before it began."
    until = tested.timestamp()
    later = [pair for pair in reversed(commits(repository, tip, base=start)) if pair[1] <= until + AFTERWARDS]
    # The first that was made once the tests had passed; else the last that the agent made while it worked.
    end = next((commit for commit, at in later if at >= until), "") or (later[-1][0] if later else "")
    if not end:
        return "what it left was not committed, so that nothing shows that its tests can pass here."
    laid = tuple(path for path in files_of(repository, end) if _TEST_PATH.search(path))
    return _Plan(repository=repository, start=start, end=end, script=script, laid=laid)


class _Room:
    def __init__(self, plan: _Plan, commit: str = "") -> None:
        self._plan, self._commit = plan, commit or plan.start

    @contextmanager
    def __call__(self, folder: Path, socket: Path | None, mounts: Sequence[Mount]) -> Iterator[Workspace]:
        given = folder / "given"
        exported(self._plan.repository, self._commit, given)
        name = f"commit {self._commit[:12]}"
        task = TaskFile(id=name, name=name, category="", prompt="", checks="", workspace="", timeout=TIMEOUT)
        with open_folder(
            task, folder, start=given, mounts=mounts, socket=socket, runner="bubblewrap", variables=VARIABLES
        ) as workspace:
            yield workspace


class _Judge:
    """The tests, with all test files as the work left them put over whatever the agent made of them."""

    def __init__(self, plan: _Plan) -> None:
        self._plan = plan

    def __call__(self, workspace: Workspace, transcript: Sequence[Message]) -> Grade:
        plan = self._plan
        if not plan.laid or not isinstance(workspace, FolderWorkspace):
            return by_exit(plan.script, seconds=TESTS)(workspace, transcript)
        laid = workspace.place / "laid"
        leftovers.remove(laid)
        exported(plan.repository, plan.end, laid, plan.laid)
        return by_exit(plan.script, laid=laid, seconds=TESTS)(workspace, transcript)


def _tried(plan: _Plan, commit: str, folder: Path) -> Grade:
    try:
        with _Room(plan, commit)(folder, None, ()) as workspace:
            return _Judge(plan)(workspace, [])
    except StorageError as error:
        return Grade(success=False, score=0.0, error=in_one_line(error))


def _time(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None
