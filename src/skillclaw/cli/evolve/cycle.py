"""`skillclaw evolve`: one cycle, and what it found, decided and spent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from skillclaw.cli import output
from skillclaw.cli.command import Context, command
from skillclaw.cli.evolve.replays import packaged_tasks, tell_replay
from skillclaw.cli.values import many
from skillclaw.errors import StorageError, UsageError
from skillclaw.own_log import keep

if TYPE_CHECKING:
    from skillclaw.evolve.report import CycleReport, Judged
    from skillclaw.gate.replay.records import ReplayResult
    from skillclaw.library import SyncReport
    from skillclaw.server.groups.collecting import Collected
    from skillclaw.server.machine import Machine

__all__ = ["register"]


ASIDE = 5
"""Sessions set aside that are told one by one."""


def register(parent: typer.Typer) -> None:
    """Add the command to `parent`."""
    command(parent, "evolve")(evolve)


def evolve(
    ctx: Context,
    engine: Annotated[
        str | None, typer.Option(help="Evolver to use [default: the setting evolve.engine].")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be released; change nothing.")
    ] = False,
    report_to: Annotated[
        Path | None, typer.Option("--report", help="Write the cycle as a page (HTML).", metavar="FILE")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read and mine every session anew, not only what changed.")
    ] = False,
    hub: Annotated[
        str | None,
        typer.Option("--hub", help="Evolve for this group, from what its members sent.", metavar="NAME"),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option("--record", help="Copy the model's answers that are used here.", metavar="DIR"),
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option("--replay", help="Ask no model: take its answers from here.", metavar="DIR"),
    ] = None,
) -> None:
    """Run one cycle: find patterns, propose skills, judge them, release and install what passed."""
    if report_to is not None and not report_to.parent.is_dir():
        raise UsageError(f"There is no folder {report_to.parent}.", "", "Make it, or choose another file.")
    if replay is not None and not replay.is_dir():
        raise UsageError(f"There is no folder {replay}.", "", "Make one first: skillclaw evolve --record DIR")
    from skillclaw.server.machine import Machine

    machine = Machine(ctx.home)
    given: dict[str, Any] = {
        "engine": engine,
        "dry_run": dry_run,
        "full": full,
        "record": record,
        "replay": replay,
    }
    done = _cycle(ctx, machine, hub, given)
    if report_to is not None:
        _write_page(done.report, report_to)
    if ctx.json:
        output.print_json(_document(done, hub, report_to))
        return
    _tell_cycle(done)
    _tell_patterns(done.report)
    _tell_decisions(done.report, dry_run=dry_run)
    if hub is None:
        _tell_candidates(machine)
    _tell_aside(done.report)
    _tell_synced(done)
    if report_to is not None:
        output.plain(f"Report: {report_to}")


class _Done(NamedTuple):
    """A cycle; what a group's took in before it, and what was installed after it."""

    report: CycleReport
    collected: Collected | None
    synced: SyncReport | None


def _cycle(ctx: Context, machine: Machine, hub: str | None, given: dict[str, Any]) -> _Done:
    """One cycle of this machine, or of the group `hub`; and sync, unless it is a dry run."""
    from skillclaw.evolve.cycle import run_cycle
    from skillclaw.server.sessions.recording import assemble_recorded
    from skillclaw.server.work import cycle_inputs, stop_before_sync, sync

    keep(ctx.home / "logs" / "evolve.log")
    collected: Collected | None = None
    with machine.alone("evolve"):
        if not given["dry_run"]:
            stop_before_sync(machine)
        if not given["dry_run"] and hub is None:
            assemble_recorded(machine)
        with output.progress("Evolving", show=not ctx.json) as progress:
            if hub is None:
                inputs = cycle_inputs(machine, packaged_tasks)
                report = run_cycle(**inputs, **given, progress=progress)
            else:
                report, collected = _cycle_of_group(machine, hub, {**given, "progress": progress})
        return _Done(report, collected, None if given["dry_run"] else sync(machine))


def _cycle_of_group(machine: Machine, hub: str, given: dict[str, Any]) -> tuple[CycleReport, Collected]:
    from skillclaw.server.groups.claiming import claimed
    from skillclaw.server.groups.cycle import group_cycle
    from skillclaw.server.groups.membership import find

    group = find(machine, hub).hub
    with claimed(machine, group, ttl=machine.settings.serve.ttl, dry_run=given["dry_run"]) as claim:
        done = group_cycle(machine, group, claim=claim, tasks=packaged_tasks, **given)
    return done.report, done.collected


def _document(done: _Done, hub: str | None, report_to: Path | None) -> dict[str, Any]:
    """What --json prints."""
    report = done.report
    return {
        "cycle": report.cycle,
        "sessions": report.sessions,
        "episodes": report.episodes,
        "patterns": [
            {
                "id": p.id,
                "kind": p.kind,
                "title": p.title,
                "sessions": p.sessions,
                "users": p.users,
                "odds_ratio": p.stats.odds_ratio,
                "ci": p.stats.ci,
            }
            for p in report.patterns
        ],
        "proposals": [
            {
                "id": j.proposal.id,
                "skill": j.proposal.skill,
                "action": j.proposal.action,
                "verdict": j.verdict,
                "reasons": j.reasons,
            }
            for j in report.proposals
        ],
        "released": report.released,
        "spent": report.spent,
        "model": report.model,
        "forecast": report.forecast,
        "installed": done.synced,
        "effects": report.effects,
        "units": report.units,
        "remade": report.remade,
        "set_aside": report.aside,
        "notes": report.notes,
        "left_out": report.left_out,
        "care": report.care,
        "rollouts": report.rollouts,
        "replays": report.replays,
        "degraded": report.degraded,
        "report": str(report_to) if report_to else None,
        "hub": hub or "personal",
        "collected": done.collected,
    }


def _tell_cycle(done: _Done) -> None:
    """What it read and what that took."""
    if done.collected is not None:
        _tell_collected(done.collected)
    report = done.report
    output.plain(
        f"Cycle {report.cycle}: {many(report.sessions, 'session')}, {many(report.episodes, 'episode')}, "
        f"{many(len(report.patterns), 'pattern')}, {many(len(report.proposals), 'proposal')} "
        f"in {report.spent.seconds:.1f} s ({_cost(report)})."
    )
    if report.forecast:
        _tell_forecast(report)


def _tell_patterns(report: CycleReport) -> None:
    """Those of most users."""
    top = sorted(report.patterns, key=lambda p: (-p.users, -p.sessions, p.id))[:10]
    if top:
        output.table(
            ("pattern", "kind", "sessions", "users", "odds ratio [95%]"),
            [(p.title, p.kind, p.sessions, p.users, odds(p.stats.odds_ratio, p.stats.ci)) for p in top],
        )


def _tell_decisions(report: CycleReport, *, dry_run: bool) -> None:
    """Of canaries, of what is proposed, and what was released."""
    for rollout in report.rollouts:
        output.plain(rollout.told(dry_run=dry_run))
    replays = {one.proposal: one for one in report.replays}
    for judged in report.proposals:
        if not judged.known:
            _tell_proposal(judged, replays.get(judged.proposal.id))
    for released in report.released:
        output.plain(f"{'Would release' if dry_run else 'Released'} {released.skill} ({released.stage}).")
    if not report.proposals:
        output.plain("Nothing new to propose.")
    for note in report.notes:
        output.plain(note)


def _tell_proposal(judged: Judged, replay: ReplayResult | None) -> None:
    why = output.line(judged.proposal.why)
    output.plain(f"{judged.proposal.action} {judged.proposal.skill}: {judged.verdict}. {why}")
    for reason in judged.reasons:
        if reason.verdict in ("hold", "reject"):
            output.plain(f"  {reason.check}: {output.line(reason.reason)}")
    if replay is not None:
        tell_replay(replay)
    if judged.dropped:
        output.plain(f"  {judged.dropped} lines were left out by the gate.")


def _tell_candidates(machine: Machine) -> None:
    from skillclaw.agents import Env
    from skillclaw.server.setup.survey import waiting_text
    from skillclaw.server.skills.candidates import count_candidates

    if waiting := count_candidates(machine, Env.current()):
        output.plain(waiting_text(waiting))


def _tell_aside(report: CycleReport) -> None:
    for one in report.aside[:ASIDE]:
        output.plain(f"Set aside {one.what}: {output.line(one.reason)}")
    if len(report.aside) > ASIDE:
        output.plain(f"and {len(report.aside) - ASIDE} more; see them all: skillclaw evolve --json")


def _tell_synced(done: _Done) -> None:
    """What was installed, and where to look; nothing after a dry run."""
    if done.synced is None:
        return
    for line in done.synced.lines():
        output.plain(line)
    if done.report.released:
        output.plain(f"Next: skillclaw skills show {done.report.released[0].skill}")


def _cost(report: CycleReport) -> str:
    spent = report.spent
    if not spent.calls:
        known = f"; {spent.recorded} answers were recorded" if spent.recorded else ""
        return f"no model was asked{known}"
    return (
        f"{report.model} was asked {spent.calls} times: {spent.tokens:,} tokens"
        + (f", ${spent.usd:.4f}" if spent.usd else "")
        + (f"; {spent.recorded} answers were recorded" if spent.recorded else "")
    )


def _tell_forecast(report: CycleReport) -> None:
    output.plain(f"Without --dry-run {report.model} would be asked at most, less what is recorded:")
    output.table(
        ("stage", "calls", "tokens in", "tokens out", "dollars", "recorded"),
        [
            (
                one.stage,
                one.calls,
                one.tokens_in,
                one.tokens_out,
                "not known" if one.usd is None else f"{one.usd:.4f}",
                one.recorded,
            )
            for one in report.forecast
        ],
    )


def _tell_collected(collected: Collected) -> None:
    output.plain(
        f"Took in {collected.taken} sessions ({collected.grown} grown, {collected.known} known before)."
    )
    if collected.forgotten or collected.expired:
        output.plain(
            f"Deleted {collected.forgotten} that members took back and {collected.expired} that are too old."
        )
    for name, why in list(collected.refused.items())[:ASIDE]:
        output.plain(f"Refused {name[-64:][:16]}: {why}")
    if len(collected.refused) > ASIDE:
        output.plain(f"and {len(collected.refused) - ASIDE} more; see them all: --json")


def _write_page(report: CycleReport, path: Path) -> None:
    from skillclaw.evolve.report import view_of
    from skillclaw.private import whole_file
    from skillclaw.web.report import render

    page = render(view_of(report), report.changes)
    try:
        with whole_file(path) as file:
            file.write(page.encode("utf-8"))
    except OSError as error:
        raise StorageError(
            f"Cannot write {path}.", str(error), "The cycle itself is done; choose another file and repeat."
        ) from error


def odds(ratio: float | None, ci: tuple[float, float] | None) -> str:
    """An odds ratio with its interval for people."""
    if ratio is None:
        return "not measured"
    if ci is None:
        return f"{ratio:.2f}"
    return f"{ratio:.2f} [{ci[0]:.2f}, {ci[1]:.2f}]"
