"""The days and nights of `skillclaw bench loop`: their model, what changes in them, how they are stopped."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context
from skillclaw.errors import UsageError

if TYPE_CHECKING:
    from skillclaw.bench.loop.plan import Plan
    from skillclaw.bench.loop.run import Run
    from skillclaw.bench.suites import Suite
    from skillclaw.headless.agents import Endpoint

__all__ = ["Models", "live"]

RELAYED = 3600.0
"""Seconds for one reply through the relay: more than any task has."""


class Models(NamedTuple):
    """Where the agents' model and the evolver's are, and the variable that holds their key."""

    url: str
    evolver_url: str
    key_env: str


def live(
    ctx: Context,
    into: Path,
    suite: Suite,
    plan: Plan,
    models: Models,
    *,
    remember: bool,
    parallel: int,
    minutes: float | None,
) -> tuple[Run, bool]:
    """The days and nights of the plan: the run, and whether it is done to its end."""
    from skillclaw.bench.loop.run import Run, run_loop

    with _model(suite, plan, models.url, models.key_env) as (worker, endpoint):
        from skillclaw.server.rehearsal import Rehearsal

        with (
            _stoppable(),
            output.progress("Days and nights", show=not ctx.json) as progress,
            _memory(endpoint, into, remember) as asked,
            _changes(suite, plan) as changes,
        ):
            run = Run(
                into,
                plan,
                suite,
                worker,
                asked,
                Rehearsal,
                parallel=parallel,
                progress=progress,
                resumes=remember,
                evolver=_evolver(plan, models.evolver_url, models.key_env),
                **changes,
            )
            return run, run_loop(run, minutes=minutes)


@contextmanager
def _changes(suite: Suite, plan: Plan) -> Iterator[dict[str, Any]]:
    """What of the world changes in the middle of the run, as `Run` takes it."""
    from skillclaw.bench.suites.house import House

    if not (plan.plant or plan.drift):
        yield {}
        return
    assert isinstance(suite, House)  # as `watched` saw
    from skillclaw.sandbox import leftovers

    with leftovers.scratch("skillclaw-drift-") as folder:
        found: dict[str, Any] = {}
        if plan.plant:
            found["planted"] = suite.wrong(plan.plant)
        if plan.drift:
            found["drifted"] = suite.drifted(plan.drift, folder / "house")
        yield found


def _evolver(plan: Plan, url: str, key_env: str) -> dict[str, str]:
    """The settings of an evolver that asks the agents' model; none where no arm has one."""
    if "llm" not in plan.arms:
        return {}
    if not url:
        raise UsageError("The arm llm needs a model that writes.", "", "--evolver-url http://.../v1")
    found = {
        "evolve.engine": "llm",
        "evolve.model.name": plan.model,
        "evolve.model.url": url,
        "evolve.model.context": "8192",
        "evolve.model.timeout": "900",
    }
    return found | ({"evolve.model.key": f"env:{key_env}"} if os.environ.get(key_env) else {})


@contextmanager
def _memory(endpoint: Endpoint, into: Path, remember: bool) -> Iterator[Endpoint]:
    if not remember:
        yield endpoint
        return
    from skillclaw.bench.loop.remembering import remembering

    with remembering(endpoint, into / "answers.jsonl") as known:
        yield known


@contextmanager
def _stoppable() -> Iterator[None]:
    """Being told to end is taken as Ctrl-C is: proxies, rooms and temporary folders go before the process."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    known = {
        number: signal.signal(number, stop)
        for name in ("SIGTERM", "SIGHUP")
        # One that is ignored stays so: `nohup` asks for that.
        if (number := getattr(signal, name, None)) is not None and signal.getsignal(number) != signal.SIG_IGN
    }
    from skillclaw.sandbox import leftovers

    former_place = tempfile.tempdir
    try:
        # All that is temporary lies in one folder: Ctrl-C may come while one of them is being removed.
        with leftovers.scratch("skillclaw-run-") as folder:
            tempfile.tempdir = str(folder)
            yield
    except KeyboardInterrupt:
        output.error("Stopped.", "", "What is done is kept; the same command goes on.")
        raise typer.Exit(130) from None
    finally:
        tempfile.tempdir = former_place
        for number, former in known.items():
            signal.signal(number, former)


@contextmanager
def _model(suite: Any, plan: Plan, url: str, key_env: str) -> Iterator[tuple[Any, Endpoint]]:
    """The agent and the model that it works with."""
    from skillclaw.headless.agents import Endpoint, load_agent
    from skillclaw.headless.agents.relay import ToolRelay
    from skillclaw.headless.keyholder import key_holder

    if plan.agent == "scripted":
        from skillclaw.bench.loop.scripted import scripted_model

        if not hasattr(suite, "script"):
            raise UsageError(
                f"The suite {suite.name} has no scripts.", "", "The scripted agent works on the suite house."
            )
        alone, informed = plan.rates
        with (
            _changes(suite, plan) as changes,
            scripted_model(
                suite, alone=alone, informed=informed, drifted=changes.get("drifted"), rule=plan.drift
            ) as base,
        ):
            yield load_agent("minimal"), Endpoint(base_url=base, model="scripted")
        return
    # The real CLIs set the temperature of their model themselves.
    options = {"temperature": plan.temperature} if plan.agent == "minimal" else {}
    worker = load_agent(plan.agent, **options)
    if not url or not plan.model:
        raise UsageError(
            "Say which model the agents work with.",
            "",
            "--model-url http://127.0.0.1:8080/v1 --model NAME; or --agent scripted, which needs none.",
        )
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise UsageError(
            "--model-url must not hold a user name or a password.",
            "It is kept with the run.",
            "Name the variable that holds the key: --key-env NAME",
        )
    endpoint = Endpoint(base_url=url.rstrip("/"), model=plan.model, key=os.environ.get(key_env, ""))
    if plan.relay:
        # How long a task may take is the agent's clock to say, the same in every arm.
        with ToolRelay(endpoint, seconds=RELAYED) as relaying:
            yield worker, Endpoint(base_url=relaying.base_url, model=plan.model)
    elif endpoint.key and plan.agent != "minimal":
        # The other agents are programs in the tasks' rooms, where no key belongs.
        with key_holder(endpoint) as held:
            yield worker, held
    else:
        yield worker, endpoint
