"""`skillclaw cases`: your own cases, on which proposals are tried (docs/gate.md)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.errors import UsageError, in_one_line

if TYPE_CHECKING:
    from skillclaw.evolve.replay.cases import Case

__all__ = ["register"]

CasesOption = Annotated[
    Path | None,
    typer.Option("--cases", help="The folder of cases [default: setting gate.replay.cases].", metavar="DIR"),
]


def register(parent: typer.Typer) -> None:
    """Add the group `cases` to `parent`."""
    app = typer.Typer(help="Your own cases, on which changes of skills are tried.", no_args_is_help=True)
    command(app, "list")(list_)
    command(app, "check")(check)
    command(app, "run")(run)
    parent.add_typer(app, name="cases")


def list_(ctx: Context, cases: CasesOption = None) -> int:
    """The cases that are there, and what is wrong with those that cannot be used: exit code 1 then."""
    from skillclaw.evolve.replay.folder_cases import HOW, read_cases

    folder = _folder(ctx, cases)
    found, faults = read_cases(folder)
    if ctx.json:
        output.print_json(
            {
                "folder": str(folder),
                "cases": [
                    {
                        "name": case.name,
                        "id": case.id,
                        "instruction": case.instruction,
                        "skills": case.skills,
                        "timeout": case.timeout,
                        "solution": bool(case.solution),
                    }
                    for case in found
                ],
                "faults": [in_one_line(fault) for fault in faults],
            }
        )
        return 1 if faults else 0
    output.table(
        ("case", "skills", "seconds", "solution", "instruction"),
        [
            (
                case.name,
                ", ".join(case.skills) or "those that come up",
                f"{case.timeout:g}",
                "solve.sh" if case.solution else "none",
                " ".join(case.instruction.split())[:80],
            )
            for case in found
        ],
        empty=f"There are no cases in {folder}. {HOW}",
    )
    for fault in faults:
        output.error(fault.what, fault.why, fault.todo)
    return 1 if faults else 0


def check(
    ctx: Context,
    name: Annotated[
        str | None, typer.Argument(help="One case; without, all of them.", metavar="NAME")
    ] = None,
    cases: CasesOption = None,
) -> int:
    """Whether graders tell work from no work: what solve.sh leaves passes, an untouched workspace fails.

    Everything runs in a sandbox without network. No model is asked. The exit code is 1 if a case is at fault.
    """
    from skillclaw.errors import BadInputError
    from skillclaw.evolve.replay.trying import CaseCheck, check_case

    wanted = [_case(ctx, cases, name)] if name is not None else _all(ctx, cases)
    done = []
    with output.progress("Checking", show=not ctx.json) as progress:
        for number, case in enumerate(wanted):
            progress(number, len(wanted), case.name)
            try:
                done.append(check_case(case, ctx.home))
            except BadInputError as error:
                done.append(CaseCheck(case=case.name, good=False, faults=[in_one_line(error)]))
    if ctx.json:
        output.print_json(done)
    else:
        output.table(
            ("case", "", "what is wrong"),
            [(one.case, "good" if one.good else "at fault", " ".join(one.faults)) for one in done],
        )
    return 0 if all(one.good for one in done) else 1


def run(
    ctx: Context,
    name: Annotated[str, typer.Argument(help="The case.", metavar="NAME")],
    agent: Annotated[
        str | None,
        typer.Option(
            "--agent",
            help="minimal, claude-code, codex, hermes or openclaw [default: the setting gate.replay.agent].",
            metavar="NAME",
        ),
    ] = None,
    repeats: Annotated[int, typer.Option("--repeats", help="How often.", min=1, max=50)] = 1,
    seed: Annotated[int, typer.Option("--seed", help="Of the model's sampling.", min=0)] = 0,
    cases: CasesOption = None,
) -> int:
    """Let an agent work on one case, with the skills of the personal hub as they are now.

    It asks a model: evolve.model (minimal), or evolve.cli.model on the agent's own account, or the one that
    gate.replay.model names; what that costs counts into evolve.budget. The exit code is 1 where no run could
    be graded.
    """
    from skillclaw.evolve.current import current_skills
    from skillclaw.evolve.engines.cli_plan import cli_plan
    from skillclaw.evolve.models import Ledger
    from skillclaw.evolve.replay.plan import agent_runner
    from skillclaw.evolve.replay.trying import needs_sandbox, try_case
    from skillclaw.server.machine import Machine
    from skillclaw.settings_gate import replay_model

    needs_sandbox()
    machine = Machine(ctx.home)
    case = _case(ctx, cases, name)
    settings = machine.settings
    runner, usd = agent_runner(
        agent or settings.gate.replay.agent,
        replay_model(settings.gate.replay, settings.evolve.model),
        cli_plan(settings, machine.home, machine.environ),
        machine.environ,
        other=settings.gate.replay.model,
    )
    ledger = Ledger(settings.evolve.budget, usd_in=usd[0], usd_out=usd[1], book=machine.home)
    now = current_skills(machine.hub, machine.hub.state()) if machine.has_hub else {}
    with output.progress("Running", show=not ctx.json) as progress:
        done = try_case(
            case,
            runner,
            {one: skill.bundle for one, skill in now.items()},
            repeats=repeats,
            seed=seed,
            ledger=ledger,
            home=machine.home,
            progress=lambda made, of: progress(made, of, case.name),
        )
    if ctx.json:
        output.print_json(done)
    else:
        shown = ["not graded" if score is None else f"{score:g}" for score in done.scores]
        output.plain(
            f"{case.name}, {done.agent} with {done.model}, {len(done.skills)} skills: {', '.join(shown)}"
        )
        for note in done.notes:
            output.plain(f"  {note}")
        spent = done.spent
        usd_text = "" if spent.usd is None else f", ${spent.usd:.4f}"
        output.plain(f"It took {spent.calls} calls, {spent.tokens} tokens{usd_text}, {spent.seconds:.0f} s.")
    return 0 if any(score is not None for score in done.scores) else 1


def _folder(ctx: Context, cases: Path | None) -> Path:
    from skillclaw.evolve.replay.sources import cases_folder
    from skillclaw.settings import load

    if cases is not None:
        return cases.expanduser()
    return cases_folder(ctx.home, load(ctx.home).gate.replay)


def _all(ctx: Context, cases: Path | None) -> list[Case]:
    """All cases. Raises the first fault: a check that leaves one out would say that all is good."""
    from skillclaw.evolve.replay.folder_cases import HOW, read_cases

    folder = _folder(ctx, cases)
    found, faults = read_cases(folder)
    if faults:
        raise faults[0]
    if not found:
        raise UsageError(f"There are no cases in {folder}.", "", HOW)
    return found


def _case(ctx: Context, cases: Path | None, name: str) -> Case:
    from skillclaw.evolve.replay.folder_cases import read_case

    folder = _folder(ctx, cases) / name
    if "/" in name or name in ("", ".", "..") or not folder.is_dir():
        raise UsageError(f"There is no case {name!r} in {folder.parent}.", "", "See: skillclaw cases list")
    return read_case(folder)
