"""`skillclaw bench replay`: whether the replay tells a good skill from wrong ones, with a real model."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context
from skillclaw.errors import UsageError

if TYPE_CHECKING:
    from skillclaw.evolve.report import CycleReport

__all__ = ["one_cycle", "replay"]

RUNS = "trajectories.jsonl.gz"
INSTANCES = 10
"""Of a WorkBench template, at most."""


def replay(
    ctx: Context,
    data: Annotated[
        Path, typer.Option(help=f"WorkBench's folder, with {RUNS}, or that file.", metavar="DIR")
    ],
    out: Annotated[Path, typer.Option(help="The run's folder; one that is there goes on.", metavar="DIR")],
    model_url: Annotated[
        str, typer.Option(help="Base URL of the model's API, with its version: http://.../v1")
    ] = "",
    model: Annotated[str, typer.Option(help="The model's name there.")] = "",
    key_env: Annotated[str, typer.Option(help="The environment variable that holds the API's key.")] = "",
    relay: Annotated[
        bool, typer.Option("--relay", help="For a server that does not read a model's tool calls.")
    ] = False,
    context: Annotated[int, typer.Option(help="Tokens that the model takes.", min=2048)] = 8192,
    topic: Annotated[str, typer.Option(help="What the skill is about.")] = "project_management",
    mode: Annotated[
        Literal["decision", "executable", "both"],
        typer.Option(help="Cases: the next action at a recorded step; tasks that an agent works on."),
    ] = "decision",
    cases: Annotated[int, typer.Option(help="Cases of each kind.", min=3, max=50)] = 6,
    repeats: Annotated[int, typer.Option(help="Of each case and side.", min=1, max=50)] = 5,
    screen: Annotated[
        int,
        typer.Option(
            help="Trials of the model without a skill at a candidate; 0: every candidate is a case.",
            min=0,
            max=50,
        ),
    ] = 3,
    held_out: Annotated[
        str,
        typer.Option(
            help="Instances of each template that cases are taken from; the others teach.", metavar="A-B"
        ),
    ] = "8-10",
    seconds: Annotated[float, typer.Option(help="That an agent may take for a task.", min=1)] = 300.0,
    forecast: Annotated[
        bool, typer.Option("--forecast", help="Only learn, and say what the run takes; no model is asked.")
    ] = False,
) -> None:
    """Does the replay pass a mined skill, and refuse a shuffled and two plausible ones? (docs/gate.md)"""
    if not model_url or not model:
        raise UsageError("Say which model decides.", "", "--model-url http://127.0.0.1:8080/v1 --model NAME")
    held = _numbers(held_out)
    from skillclaw.bench.replay.bench import forecast as foreseen
    from skillclaw.bench.replay.bench import mined_skills, run_replay_bench, write_skills
    from skillclaw.bench.replay.desk import Desk, Plan
    from skillclaw.bench.replay.summary import forecast_text, summary

    plan = Plan(
        model=model,
        topic=topic,
        mode=mode,
        cases=cases,
        repeats=repeats,
        screen=screen,
        held_out=held,
        told=relay,
        context=context,
        seconds=seconds,
    )
    source = data / RUNS if data.is_dir() else data
    key = f"env:{key_env}" if key_env else ""
    with Desk(out, plan, source, url=model_url.rstrip("/"), key=key, environ=os.environ) as desk:
        with output.progress("Learning", show=not ctx.json):
            skills = mined_skills(desk, one_cycle)
            write_skills(desk, skills)
        found = foreseen(desk, skills)
        if forecast:
            if ctx.json:
                output.print_json(found)
            else:
                output.plain(forecast_text(found))
            return
        if not ctx.json:
            output.note(forecast_text(found))
        with output.progress("Replaying", show=not ctx.json) as progress:
            result = run_replay_bench(desk, skills, progress=progress)
    if ctx.json:
        output.print_json(result)
    else:
        output.plain(summary(result))
        output.plain(f"\n{out / 'report.json'}; the skills are in {out / 'skills'}")


def _numbers(said: str) -> tuple[int, ...]:
    """The instances that `A-B` names, both included. Raises UsageError."""
    found = re.fullmatch(r"([0-9]{1,2})-([0-9]{1,2})", said)
    first, last = (int(found[1]), int(found[2])) if found else (0, 0)
    if 1 <= first <= last <= INSTANCES and last - first + 1 < INSTANCES:
        return tuple(range(first, last + 1))
    raise UsageError(
        f"--held-out {said} is not understood.",
        f"A template has instances 1 to {INSTANCES}, and some have to teach.",
        "For example: --held-out 8-10",
    )


def one_cycle(home: Path) -> CycleReport:
    """One cycle as `skillclaw evolve` runs it."""
    from skillclaw.evolve.cycle import run_cycle
    from skillclaw.server.machine import Machine
    from skillclaw.server.work import cycle_inputs

    return run_cycle(**cycle_inputs(Machine(home, {})))
