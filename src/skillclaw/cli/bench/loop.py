"""`skillclaw bench loop`: whether skills that evolve help, against a frozen control and a ceiling."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.bench.loop_living import Models, live
from skillclaw.cli.bench.loop_options import (
    about,
    arms_of,
    at_day,
    must_have_skills,
    rates_of,
    templates_of,
    watched,
)
from skillclaw.cli.command import Context

if TYPE_CHECKING:
    from skillclaw.bench.loop.forecast import Forecast
    from skillclaw.bench.loop.run import Run
    from skillclaw.bench.suites import Suite

__all__ = ["loop"]


def loop(
    ctx: Context,
    into: Annotated[
        Path, typer.Argument(help="The run's folder; a run that is there goes on.", metavar="RUN")
    ],
    suite: Annotated[str, typer.Option(help="house, workbench, wildclaw or metaclaw.")] = "house",
    source: Annotated[
        Path | None,
        typer.Option(help="The suite's data: a checkout, or a folder like it."),
    ] = None,
    image: Annotated[str, typer.Option(help="The Docker image of wildclaw's rooms.")] = "",
    only: Annotated[
        str,
        typer.Option(help="Only templates whose name holds one of these words, with commas."),
    ] = "",
    agent: Annotated[
        str,
        typer.Option(
            help="minimal, claude-code, codex, hermes, openclaw; or scripted, which needs no model."
        ),
    ] = "minimal",
    model_url: Annotated[
        str,
        typer.Option(help="Base URL of the model's API, with its version: http://.../v1"),
    ] = "",
    model: Annotated[str, typer.Option(help="The model's name there.")] = "",
    key_env: Annotated[
        str,
        typer.Option(help="The environment variable that holds the API's key."),
    ] = "OPENAI_API_KEY",
    relay: Annotated[
        bool,
        typer.Option("--relay", help="For a server that does not read a model's tool calls."),
    ] = False,
    temperature: Annotated[float, typer.Option(help="Of the model.", min=0, max=2)] = 0.2,
    rates: Annotated[
        str,
        typer.Option(help="Of the scripted agent: success alone, and when it knows the rules."),
    ] = "0.1,0.9",
    days: Annotated[
        int,
        typer.Option(help="Days measured; nights lie between them. 0: the screening alone.", min=0),
    ] = 4,
    users: Annotated[int, typer.Option(help="Simulated users.", min=2, max=50)] = 4,
    stream: Annotated[int, typer.Option(help="Tasks of each user a day.", min=0)] = 10,
    held_out: Annotated[
        int,
        typer.Option(help="Instances of a template measured a day and arm.", min=1),
    ] = 1,
    screen: Annotated[
        int,
        typer.Option(
            help="Instances of a template and arm in the screening; 0 lets every template in.", min=0
        ),
    ] = 3,
    threshold: Annotated[
        float,
        typer.Option(help="By how much the ceiling must beat none in the screening.", min=0, max=1),
    ] = 0.2,
    arms: Annotated[
        str,
        typer.Option(
            help="Arms to measure, with commas; no-gate, single and llm learn too, and are measured last."
        ),
    ] = "evolving,frozen,ceiling",
    ceiling_last: Annotated[
        bool,
        typer.Option("--ceiling-last", help="Measure the ceiling on the last day only."),
    ] = False,
    plant: Annotated[
        str,
        typer.Option(help="A wrong skill of the suite that is released before a day: NAME@DAY."),
    ] = "",
    drift: Annotated[
        str,
        typer.Option(help="A rule of the suite that is another from a day on: RULE@DAY."),
    ] = "",
    evolver_url: Annotated[
        str,
        typer.Option(help="Base URL of the model that writes the skills of the arm llm; else --model-url."),
    ] = "",
    remember: Annotated[
        bool,
        typer.Option(
            "--remember", help="Keep the model's answers in RUN/answers.jsonl, and ask nothing twice."
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Fixes every draw.")] = 0,
    parallel: Annotated[
        int,
        typer.Option(help="Attempts at the same time.", min=1, max=64),
    ] = 1,
    minutes: Annotated[
        float | None,
        typer.Option(
            help="Stop after so long, but for a day that users have begun. The same command goes on later.",
            min=0,
        ),
    ] = None,
    pool: Annotated[
        list[Path] | None,
        typer.Option(
            help="Say what RUN and these runs of other seeds show together; nothing is done.", metavar="RUN"
        ),
    ] = None,
    forecast: Annotated[
        bool,
        typer.Option("--forecast", help="Only say what the run takes, and write nothing."),
    ] = False,
) -> None:
    """Do evolving skills help? Days and nights, beside a frozen control and a ceiling (docs/loop.md).

    RUN is the run's folder: a run that is there goes on. The options from --suite to --seed are fixed when it
    begins, but for where things lie.

    Writes RUN/report.json and RUN/report.html.
    """
    from skillclaw.bench.loop.forecast import plan_forecast
    from skillclaw.bench.loop.plan import Plan, choose_unseen
    from skillclaw.bench.loop.run import RESULTS

    if pool:
        _pooled(ctx, [into, *pool], source, image)
        return
    chosen = _suite(suite, source, image)
    templates = templates_of(chosen, only)
    plan = Plan(
        suite=suite,
        source=source.resolve().name if source else "",
        image=image,
        templates=templates,
        unseen=choose_unseen(chosen, templates, seed),
        agent=agent,
        model=model or ("scripted" if agent == "scripted" else ""),
        relay=relay,
        temperature=temperature,
        rates=rates_of(rates) if agent == "scripted" else (),
        seed=seed,
        users=users,
        days=days,
        stream=stream,
        held_out=held_out,
        screen=screen,
        threshold=threshold,
        arms=arms_of(arms),
        ceiling_last=ceiling_last,
        plant=at_day(plant, "--plant", days)[0],
        plant_day=at_day(plant, "--plant", days)[1],
        drift=at_day(drift, "--drift", days)[0],
        drift_day=at_day(drift, "--drift", days)[1],
        watched=watched(chosen, plant.partition("@")[0], drift.partition("@")[0]),
    )
    must_have_skills(chosen, plan)
    # Also where it is not asked for: a plan that cannot be carried out is refused before the first attempt.
    found = plan_forecast(into / RESULTS, plan, chosen)
    if forecast:
        _forecast(ctx, found)
        return
    if not ctx.json:
        output.note(found.text())
    models = Models(model_url, evolver_url or model_url, key_env)
    run, done = live(ctx, into, chosen, plan, models, remember=remember, parallel=parallel, minutes=minutes)
    _report(ctx, run, done)


def _suite(name: str, source: Path | None, image: str) -> Suite:
    """The suite; what of it can be used is told."""
    from skillclaw.bench.suites import load_suite

    found = load_suite(name, source, image)
    for line in about(found):
        output.note(line)
    return found


def _pooled(ctx: Context, folders: list[Path], source: Path | None, image: str) -> None:
    import msgspec

    from skillclaw.bench.loop.pooling import pool, read_run
    from skillclaw.bench.loop.summary import pooled
    from skillclaw.bench.suites import load_suite

    runs = [read_run(folder) for folder in folders]
    templates = load_suite(runs[0].plan.suite, source, image).templates()
    found = pool(runs, {template.id: template.rules for template in templates})
    if ctx.json:
        output.print_json(msgspec.to_builtins(found))
        return
    output.plain(pooled(found))


def _forecast(ctx: Context, found: Forecast) -> None:
    if ctx.json:
        import msgspec

        output.print_json(msgspec.to_builtins(found))
        return
    output.plain(found.text())


def _report(ctx: Context, run: Run, done: bool) -> None:
    from skillclaw.bench.loop.summary import summary

    result = run.report(done)
    if ctx.json:
        output.print_json(result)
        return
    output.plain(summary(result))
    output.plain(f"\n{run.folder / 'report.html'}")
    if not done:
        output.plain("Not done yet; the same command goes on.")
