"""The agents of a replay: the built-in minimal one, and the CLIs that are installed here.

The minimal agent runs in this process and only its commands run in the room, which has no network. A CLI runs
in the room as a whole; its one way out is a socket to the model, on which this process adds the credential
(`headless.gateway`). All requests are marked as the project's own, so that nothing is learned from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from skillclaw.errors import SkillClawError, UsageError
from skillclaw.evolve.engines.cli_login import find_way
from skillclaw.evolve.engines.cli_plan import CliPlan
from skillclaw.evolve.models.places import HOSTS, find_key
from skillclaw.evolve.replay.cases import Case
from skillclaw.evolve.replay.executable_meter import Meter
from skillclaw.evolve.replay.executable_rooms import SKILLS
from skillclaw.headless import Endpoint, load_platform
from skillclaw.headless.agents.cli import CliAgent
from skillclaw.headless.agents.minimal import Minimal
from skillclaw.headless.agents.model import Conversation, Reply
from skillclaw.headless.agents.relay import ToolRelay
from skillclaw.headless.gateway import INSIDE as MODEL
from skillclaw.headless.gateway import Way, gateway
from skillclaw.headless.programs import Program, find
from skillclaw.headless.tasks.folders import NOT_GRADED
from skillclaw.headless.tasks.model import Workspace
from skillclaw.journal.records import OWN_HEADER
from skillclaw.sandbox import Mount
from skillclaw.settings import ModelSettings
from skillclaw.trajectory.model import Record

__all__ = ["CliRunner", "MinimalRunner", "Run", "Runner", "cli_runner", "minimal_runner"]

SKILL_TOKENS = 2_500
"""That skills in the prompt of the minimal agent may take: a whole one, as the gate lets it be."""
STEPS, ANSWER = 25, 1_024
"""Tool calls of one run of the minimal agent, and tokens of one of its answers."""
ROOM_HOME = "/root"
"""HOME of commands in a room (`sandbox.bubblewrap`)."""


class Run(Record, frozen=True, kw_only=True):
    """One run of an agent at a case. `score` 0 to 1; None: it could not be tried, and `note` says why.
    `broken`: the model or its server failed, which the next run may not; `graded`: False where the grader
    itself failed, which counts as not solved."""

    score: float | None
    note: str = ""
    broken: bool = False
    graded: bool = True


class Runner(Protocol):
    """An agent with its model."""

    name: str
    model: str

    def ready(self) -> AbstractContextManager[None]:
        """A context manager around all runs of a replay."""

    def run(self, case: Case, folder: Path, home: Path, seed: int, meter: Meter) -> Run:
        """Let the agent work on `case` with the skills below `home`, and grade what it leaves. `folder` is
        empty and is the run's own. Raises UsageError where no run can be made here at all."""
        ...


class MinimalRunner:
    """The built-in agent, on a model that speaks Chat Completions."""

    name = "minimal"

    def __init__(self, endpoint: Endpoint, *, told_tools: bool = False) -> None:
        self.model = endpoint.model
        self._endpoint, self._told = endpoint, told_tools
        self._open: Endpoint = endpoint

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Where the model's server knows no tools, a relay that gives it some stands between."""
        if not self._told:
            yield
            return
        with ToolRelay(
            self._endpoint, mode="schema", max_tokens=ANSWER, headers={OWN_HEADER: "replay"}
        ) as relay:
            self._open = Endpoint(base_url=relay.base_url, model=self.model)
            try:
                yield
            finally:
                self._open = self._endpoint

    def run(self, case: Case, folder: Path, home: Path, seed: int, meter: Meter) -> Run:
        """See `Runner.run`."""
        agent = Minimal(
            steps=STEPS,
            max_tokens=ANSWER,
            skill_tokens=SKILL_TOKENS,
            headers={OWN_HEADER: "replay", "User-Agent": "skillclaw-replay/1"},
            asker=meter.ask,
        )
        # What a skill brings along is there for commands too, as on the agents' machines.
        skills = [Mount(outside=home / place, inside=f"{ROOM_HOME}/{place}") for place in SKILLS]
        with (
            case.room(folder / "task", None, skills) as workspace,
            agent.open(case, workspace, self._open, home=home, seed=seed) as conversation,
        ):
            return _worked(case, workspace, conversation, meter)


class CliRunner:
    """An installed agent in the room, headless."""

    def __init__(self, agent: str, program: Program, way: Way, model: str) -> None:
        self.name, self.model = agent, model
        self._platform, self._program, self._way = load_platform(agent), program, way

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Nothing to make ready."""
        yield

    def run(self, case: Case, folder: Path, home: Path, seed: int, meter: Meter) -> Run:
        """See `Runner.run`. The CLIs take no seed: what they ask goes to the model as it is."""
        agent = CliAgent(self._platform, label=f"{folder.name}", program=self._program)
        state = folder / "agent"
        state.mkdir(mode=0o700)
        with (
            gateway(self._way, folder, self.name, self.model, meter) as gate,
            case.room(folder / "task", gate.socket, agent.mounts(home, state)) as workspace,
            agent.open(
                case,
                workspace,
                Endpoint(base_url=MODEL, model=self.model, key=gate.token),
                home=home,
                seed=seed,
            ) as conversation,
        ):
            return _worked(case, workspace, conversation, meter)


def _worked(case: Case, workspace: Workspace, conversation: Conversation, meter: Meter) -> Run:
    reply: Reply = conversation.say(case.instruction)
    if meter.over:
        return Run(score=None, note=meter.over)
    if reply.error and not meter.capped:
        return Run(score=None, note=_line(reply.error), broken=True)
    # One that ran out of its time or steps has left something all the same; that is what is judged.
    grade = case.judge(workspace, conversation.transcript)
    if grade.error.startswith(NOT_GRADED):
        return Run(score=None, note=_line(grade.error))
    if grade.error:
        # What an agent leaves can make a grader fail; a change that does so must not come out of it unseen.
        return Run(score=0.0, note=_line(grade.error), graded=False)
    return Run(score=grade.score, note=_line(grade.reason))


def minimal_runner(model: ModelSettings, environ: Mapping[str, str]) -> MinimalRunner:
    """The minimal agent on the model of the settings. Raises UsageError where it cannot ask that one."""
    if not model.name:
        raise UsageError(
            "No model is set that the agent could ask.",
            "evolve.model.name is empty.",
            "Set one: skillclaw config set evolve.model.name NAME",
        )
    if model.protocol != "chat":
        raise UsageError(
            "The agent minimal speaks Chat Completions alone.",
            f"evolve.model.protocol is {model.protocol}.",
            "Choose an installed agent for replays (claude-code, codex, hermes, openclaw), or such a model.",
        )
    url = model.url or f"https://{HOSTS['chat']}/v1"
    key = find_key(model, environ)
    return MinimalRunner(
        Endpoint(base_url=url, model=model.name, key=key), told_tools=model.tools == "prompt"
    )


def cli_runner(plan: CliPlan) -> CliRunner:
    """The plan's agent, on its account. Raises UsageError where it is not installed or has no credential."""
    platform = load_platform(plan.cli.agent)
    if not plan.cli.model:
        raise UsageError(
            f"It is not known which model {platform.title} is to ask.",
            "",
            "skillclaw config set evolve.cli.model NAME, by the provider's full name",
        )
    program = find(platform.program, platform.title, platform.install, plan.env.environ)
    return CliRunner(plan.cli.agent, program, find_way(plan), plan.cli.model)


def _line(text: str | SkillClawError) -> str:
    return " ".join(str(text).split())[:300]
