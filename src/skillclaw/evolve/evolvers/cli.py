"""`cli`: an agent that the user has (Claude Code, Codex, Hermes, OpenClaw) as the author of each skill.

The program runs headless in a closed room (bubblewrap): a workspace that can only be read, one folder to
write its draft into, an empty HOME, no network. It reaches its model through a socket of this process, which
adds the user's own credential; the room never has it. What it wrote is data: it is built, reviewed and judged
like any other draft. Where it comes to a limit, what is there is used; else the extractive engine takes over,
and the user is told (docs/evolvers.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from skillclaw.errors import SkillClawError, UsageError
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.loopback import is_loopback
from skillclaw.skills.records import Pattern, Proposal

if TYPE_CHECKING:
    from skillclaw.evolve.drafting import Target
    from skillclaw.evolve.engines.cli_author import Authored
    from skillclaw.evolve.engines.cli_plan import CliPlan
    from skillclaw.headless import Platform
    from skillclaw.headless.gateway import Way

__all__ = ["EVOLVER", "Cli"]

NAME = "cli"


class Cli:
    """The engine with the user's own agent as author."""

    name = NAME

    def propose(
        self, patterns: list[Pattern], current: dict[str, Current], context: EvolveContext
    ) -> list[Proposal]:
        """What the agent drafted, by the skills' names; those best supported come first to it."""
        from skillclaw.evolve.drafting import best_supported, targets
        from skillclaw.evolve.engines.cli_author import author
        from skillclaw.evolve.engines.cli_login import find_way
        from skillclaw.evolve.engines.cli_meter import RunMeter
        from skillclaw.evolve.models import Ledger
        from skillclaw.evolve.workspace import files
        from skillclaw.headless import load_platform
        from skillclaw.headless.programs import find

        plan = _checked(context.cli)
        platform = load_platform(plan.cli.agent)
        program = find(platform.program, platform.title, platform.install, plan.env.environ)
        way = find_way(plan)
        wanted = targets(patterns, current, context)
        if context.dry_run:
            return _foreseen(wanted, plan, platform, current, context)
        ledger = Ledger(plan.budget, usd_in=plan.cli.usd_in, usd_out=plan.cli.usd_out, book=plan.spending)
        found: list[Proposal] = []
        left_alone: list[str] = []
        stopped: SkillClawError | None = None
        for target in sorted(wanted, key=best_supported):
            failed = stopped
            if failed is None:
                meter = RunMeter(ledger, context.agent)
                done = author(
                    target,
                    context,
                    files(target, context),
                    platform=platform,
                    program=program,
                    way=way,
                    model=plan.cli.model,
                    meter=meter,
                )
                failed, note = _outcome(done, platform)
                _keep(target, done, platform, plan, context, note)
                if failed is None and done.limit:
                    context.notes.append(f"{target.skill}: {note}")
                found += [done.proposal] if done.proposal is not None else []
                left_alone += [target.skill] if done.proposal is None and failed is None else []
                stopped = meter.error or (failed if not meter.steps else None)
            if failed is not None:
                found += _instead(failed, target, wanted, current, context)
        used = ledger.spent()
        context.paid.append(used)
        if used.calls:
            context.notes.extend(_told(way, plan, platform))
        if left_alone:
            context.notes.append(
                f"{platform.title} left as they are: {', '.join(sorted(left_alone))}. "
                "Why: skillclaw sessions list --kind evolver"
            )
        return sorted(found, key=lambda one: one.skill)


EVOLVER = Cli()


def _checked(plan: CliPlan | None) -> CliPlan:
    """The plan, if the engine can run here at all. Raises UsageError with what to do."""
    from skillclaw.sandbox import why_no_room

    if plan is None or not plan.cli.agent:
        raise UsageError(
            "The engine cli runs an agent of yours, and none is named.",
            "evolve.cli.agent is empty.",
            "skillclaw config set evolve.cli.agent NAME (claude-code, codex, hermes or openclaw)",
        )
    if not plan.cli.model:
        raise UsageError(
            f"The engine cli does not know which model {plan.cli.agent} is to ask.",
            "evolve.cli.model is empty.",
            "skillclaw config set evolve.cli.model NAME, by the provider's full name",
        )
    if reason := why_no_room():
        raise UsageError(
            "The engine cli runs an agent in a closed room only, and none can be made here.",
            reason,
            "Install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap); or: skillclaw evolve --engine "
            "extractive",
        )
    return plan


def _foreseen(
    wanted: list[Target],
    plan: CliPlan,
    platform: Platform,
    current: dict[str, Current],
    context: EvolveContext,
) -> list[Proposal]:
    """What a dry run tells: no program is started, and the proposals are the extractive engine's."""
    from skillclaw.evolve.evolvers.extractive import EVOLVER as EXTRACTIVE

    limits = context.agent
    most = f"{limits.tokens:,} tokens" if limits.tokens else "as many tokens as the budget has"
    context.notes.append(
        f"Without --dry-run {platform.title} would work on {len(wanted)} skills with {plan.cli.model}: at "
        f"most {limits.steps} requests, {most} and {limits.seconds:g} s for each. What is shown here is what "
        "the extractive engine would propose."
    )
    return EXTRACTIVE.propose([p for target in wanted for p in target.patterns], current, context)


def _outcome(done: Authored, platform: Platform) -> tuple[SkillClawError | None, str]:
    """Why there is nothing to use, if so; and a sentence on how it ended."""
    if done.proposal is not None:
        taken = f"{done.limit} The draft that was there was taken." if done.limit else "Handed in."
        return None, f"{taken} {_faults(done.faults)}".strip()
    if done.skipped is not None:
        return None, f"Left as it is: {done.skipped}"
    why = done.error or done.limit or "It wrote no draft."
    why = f"{why} {_faults(done.faults)}".strip()
    return SkillClawError(f"{platform.title} gave no draft that can be used.", why), why


def _faults(faults: list[str]) -> str:
    shown = "; ".join(" ".join(fault.split())[:200] for fault in faults[:3])
    return f"Faults ({len(faults)}): {shown}" if faults else ""


def _instead(
    failed: SkillClawError,
    target: Target,
    wanted: list[Target],
    current: Mapping[str, Current],
    context: EvolveContext,
) -> list[Proposal]:
    """What the extractive engine makes of the target's patterns."""
    from skillclaw.evolve.models.fallback import fall_back

    others = frozenset(one.skill for one in wanted if one.base is None and one is not target)
    return fall_back(failed, target.patterns, current, replace(context, taken=context.taken | others))


def _told(way: Way, plan: CliPlan, platform: Platform) -> list[str]:
    """What a user should know of where evidence went, and of what it cost."""
    host = urlsplit(way.base_url).hostname or ""
    if is_loopback(host):
        return []
    notes = [f"Redacted parts of sessions went to {host}, where {platform.title} asked {plan.cli.model}."]
    if not (plan.cli.usd_in or plan.cli.usd_out):
        notes.append(
            f"What {plan.cli.model} costs is not known, so money is not counted: skillclaw config set "
            "evolve.cli.usd_in DOLLARS (a million tokens), and usd_out."
        )
    return notes


def _keep(
    target: Target,
    done: Authored,
    platform: Platform,
    plan: CliPlan,
    context: EvolveContext,
    note: str,
) -> None:
    """Keep what the agent did as a session of its own kind, which nothing is learned from."""
    if context.home is None or context.gate is None:
        return
    from skillclaw.evolve.engines.cli_transcript import as_trajectory
    from skillclaw.evolve.transcripts import keep

    if done.left:
        note = f"{note} It left more in out/, which was not read: {', '.join(done.left)}."
    told = as_trajectory(
        done.exchanges,
        skill=target.skill,
        model=plan.cli.model,
        title=platform.title,
        context=context,
        note=note,
        good=None if done.skipped is not None else done.proposal is not None,
    )
    try:
        if told is not None:
            keep(context.home, told, context.gate.redactor)
    except SkillClawError as error:
        context.notes.append(f"What {platform.title} did for {target.skill} could not be kept. {error.what}")
