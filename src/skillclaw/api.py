"""SkillClaw for programs: what the commands do, as one class (docs/python.md). `import skillclaw` gives it.

Each method does what the command of its name does, on the same home, and raises the same errors
(`SkillClawError` and those below it). Nothing is loaded or opened before it is needed. An object may be used
by one thread at a time; any number of processes may use one home.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillclaw.errors import UsageError
from skillclaw.settings import default_home
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.evolve.report import CycleReport
    from skillclaw.hub import ProposalState
    from skillclaw.journal.records import SessionRow
    from skillclaw.library import SyncReport
    from skillclaw.server.machine import Machine
    from skillclaw.server.mcp.searching import LineHit, SkillHit
    from skillclaw.server.review.decisions import Approved
    from skillclaw.server.review.reviewing import Review
    from skillclaw.server.sessions.intake import ImportReport
    from skillclaw.server.skills.reports import EvidenceRow, SkillRow
    from skillclaw.skills.records import Proposal
    from skillclaw.trajectory.model import Trajectory

__all__ = ["ProposalView", "SkillClaw"]


class ProposalView(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A proposal with what people see before they decide: `state` as the log has it, `proposal` its record,
    `review` the change, what each new line rests on, and what is still needed."""

    hub: str
    state: ProposalState
    proposal: Proposal
    review: Review


class SkillClaw:
    """SkillClaw on this machine; `home` is its folder (default: `SKILLCLAW_HOME`, else `~/.skillclaw`)."""

    def __init__(self, home: str | Path | None = None) -> None:
        self.home = (Path(home) if home is not None else default_home()).expanduser()
        self._opened: Machine | None = None

    @property
    def _machine(self) -> Machine:
        if self._opened is None:
            from skillclaw.server.machine import Machine

            self._opened = Machine(self.home)
        return self._opened

    def _recorded(self) -> Machine:
        from skillclaw.server.sessions.recording import assemble_recorded

        assemble_recorded(self._machine)
        return self._machine

    # Sessions

    def sessions(
        self, *, agent: str | None = None, outcome: str | None = None, limit: int | None = None
    ) -> list[SessionRow]:
        """The sessions on this machine, newest first: of one agent, of one outcome (`success`, `failure`,
        `unknown`), at most `limit`."""
        return self._recorded().sessions.rows(agent=agent, outcome=outcome, limit=limit)

    def session(self, session: str) -> Trajectory:
        """One session as it is stored, masked; `session` is its id or how that begins."""
        return self._recorded().sessions.get(session)

    def feedback(self, session: str, good: bool, note: str = "") -> Trajectory:
        """Say how a session went, and why; it outweighs other signals. Gives the session as it is now."""
        from skillclaw.server.sessions.feedback import say

        return say(self._recorded(), session, good, note)

    # Skills

    def skills(self) -> list[SkillRow]:
        """The skills of all hubs that could be read, in the order of precedence."""
        from skillclaw.server.skills.reports import skill_rows

        return skill_rows(self._machine)[0]

    def skill(self, name: str) -> dict[str, bytes]:
        """The files of a skill's current version by path; `name` is `NAME` or `HUB/NAME`, as everywhere."""
        from skillclaw.server.skills.reports import current_bundle

        return {file.path: file.data for file in current_bundle(self._machine, name).files}

    def evidence(self, name: str) -> list[EvidenceRow]:
        """What each line of a skill rests on."""
        from skillclaw.server.skills.reports import skill_evidence

        return skill_evidence(self._machine, name)

    def search_skills(self, query: str, limit: int = 10) -> list[SkillHit]:
        """The skills whose names and descriptions are most like `query`, the likeliest first."""
        from skillclaw.server.mcp.searching import search_skills

        return search_skills(self._machine, query, limit)

    def search_evidence(self, query: str, limit: int = 10, *, excerpts: bool = True) -> list[LineHit]:
        """The lines of released skills that are most like `query`, with what they rest on; with `excerpts`
        masked parts of this machine's own sessions, which are other people's and programs' words: data."""
        from skillclaw.server.mcp.searching import search_lines

        return search_lines(self._machine, query, limit, excerpts="own" if excerpts else "none")

    # The loop

    def import_sessions(
        self,
        paths: Iterable[str | Path] | None = None,
        *,
        agent: str | None = None,
        since_days: float | None = None,
    ) -> ImportReport:
        """Import past sessions: from agents' own histories, or from files and folders. Only what is new is
        added."""
        from skillclaw.agents import Env
        from skillclaw.server.quiet import at_work
        from skillclaw.server.sessions.intake import import_histories, import_paths

        env = Env.current()
        with at_work(self._machine, "import"):
            if paths is not None:
                given = [Path(path) for path in paths]
                return import_paths(self._machine, env, given, agent=agent, since_days=since_days)
            only = [agent] if agent else None
            return import_histories(self._machine, env, only=only, since_days=since_days)

    def evolve(self, *, engine: str | None = None, dry_run: bool = False, full: bool = False) -> CycleReport:
        """Run one cycle on this machine's own sessions and install what was released; with `dry_run` only
        tell what would be. BusyError while another cycle runs."""
        from skillclaw.evolve.cycle import run_cycle
        from skillclaw.server.work import cycle_inputs

        machine = self._machine
        with machine.alone("evolve"):
            if not dry_run:
                self._recorded()
            inputs: dict[str, Any] = cycle_inputs(machine, _packaged_tasks)
            report = run_cycle(**inputs, engine=engine, dry_run=dry_run, full=full)
            if not dry_run:
                self.sync()
        return report

    def sync(self) -> SyncReport:
        """Bring the agents' skills folders to what the hubs released."""
        from skillclaw.server.quiet import at_work
        from skillclaw.server.work import sync

        with at_work(self._machine, "sync"):
            return sync(self._machine)

    # Decisions

    def proposals(self, *, status: str | None = None, hub: str | None = None) -> list[ProposalState]:
        """The proposals of all hubs, or of one, newest first; `status`: open, passed, held, rejected or
        released."""
        from skillclaw.server.review.decisions import proposals

        if status not in (None, "open", "passed", "held", "rejected", "released"):
            raise UsageError(
                f"There is no status {status!r}.", "", "Known: open, passed, held, rejected, released"
            )
        found = proposals(self._machine, hub)[0]
        return [one.state for one in found if status in (None, one.state.status)]

    def proposal(self, proposal: str, hub: str | None = None) -> ProposalView:
        """One proposal with all that a decision needs; `proposal` is its id or how that begins."""
        from skillclaw.server.review.decisions import find, load
        from skillclaw.server.review.reviewing import review

        found = find(self._machine, proposal, hub)
        record = load(found)
        seen = review(self._machine, found.hub_name, found.hub, found.log, found.state, record)
        return ProposalView(hub=found.hub_name, state=found.state, proposal=record, review=seen)

    def approve(self, proposal: str, note: str = "", hub: str | None = None) -> Approved:
        """Approve a held proposal, release it where that was all it waited for, and install it."""
        from skillclaw.server.review.decisions import approve

        done = approve(self._machine, proposal, hub, note)
        self.sync()
        return done

    def reject(self, proposal: str, why: str, hub: str | None = None) -> ProposalState:
        """Reject a proposal; the same evidence does not bring it back."""
        from skillclaw.server.review.decisions import reject

        return reject(self._machine, proposal, why, hub)


def _packaged_tasks() -> Sequence[Any]:
    from skillclaw.bench.replay_tasks import packaged

    return packaged()
