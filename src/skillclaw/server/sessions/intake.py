"""Past sessions in: histories of agents and ATIF files, decoded, judged, redacted, stored."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from skillclaw.agents import Adapter, Env, HistoryFile, adapters, no_agent, read_atif, sniff
from skillclaw.errors import SkillClawError
from skillclaw.server.machine import Machine
from skillclaw.server.sessions.crediting import credit_skills
from skillclaw.trajectory.model import Record, Trajectory, meta, with_meta
from skillclaw.trajectory.outcomes import outcome

__all__ = ["Failure", "ImportReport", "admit", "import_histories", "import_paths"]

BATCH = 200
"""Sessions stored in one transaction: large enough to be quick, small enough to lose little when cut off."""

Progress = Callable[[int, int | None, str], None]


class Failure(Record, frozen=True, kw_only=True):
    """Something that could not be imported, and why."""

    path: str
    reason: str


class ImportReport(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What an import did. `imported` counts new and grown sessions; `reasons` says why some were skipped."""

    imported: int = 0
    grown: int = 0
    skipped: int = 0
    failed: list[Failure] = []
    reasons: dict[str, int] = {}
    agents: dict[str, int] = {}


class _Tally:
    def __init__(self) -> None:
        self.results: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.agents: Counter[str] = Counter()
        self.failed: list[Failure] = []

    def report(self) -> ImportReport:
        return ImportReport(
            imported=self.results["new"] + self.results["grown"],
            grown=self.results["grown"],
            skipped=sum(self.reasons.values()),
            failed=self.failed,
            reasons=dict(sorted(self.reasons.items())),
            agents=dict(sorted(self.agents.items())),
        )


def admit(machine: Machine, trajectory: Trajectory) -> Trajectory:
    """The trajectory as this machine may keep it: owner named, outcome judged, skills credited, masked."""
    known = meta(trajectory)
    given = known.source == "import"
    known = msgspec.structs.replace(
        known,
        # Names of people are compared as people read them, or one could pass for many.
        user=" ".join(known.user.casefold().split()) if given and known.user.strip() else machine.user,
        client=machine.identity.client,
    )
    verdict, confidence, signals = outcome(with_meta(trajectory, known))
    known = msgspec.structs.replace(known, outcome=verdict, confidence=confidence, signals=signals)
    return machine.redactor.trajectory(credit_skills(machine, with_meta(trajectory, known)))


def import_histories(
    machine: Machine,
    env: Env,
    *,
    only: Collection[str] | None = None,
    since_days: float | None = None,
    progress: Progress = lambda done, total, what: None,
) -> ImportReport:
    """Import what the agents (`only` these) already have on disk; unchanged files cost nothing."""
    tally = _Tally()
    known = adapters()
    for name in only or ():
        if name not in known:
            raise no_agent(name)
    files = []
    for name, adapter in sorted(known.items()):
        if only is None or name in only:
            try:
                files += [(adapter, file) for file in adapter.histories(env)]
            except Exception as error:  # one agent's folder, or a plugin's fault, must not stop the others
                tally.failed.append(Failure(path=name, reason=_reason(error)))
    oldest = _oldest(since_days)
    chosen = []
    for adapter, file in files:
        if file.mtime < oldest:
            tally.reasons["older than --since"] += 1
        elif machine.sessions.seen_file(file.key, file.size, file.mtime):
            tally.reasons["unchanged since the last import"] += 1
        else:
            chosen.append((adapter, file))
    _store(machine, _from_histories(machine, env, chosen, tally, progress), tally)
    return tally.report()


def import_paths(
    machine: Machine,
    env: Env,
    paths: Iterable[Path],
    *,
    agent: str | None = None,
    since_days: float | None = None,
    progress: Progress = lambda done, total, what: None,
) -> ImportReport:
    """Import the files and folders named: agents' histories, ATIF files, JSONL of them."""
    tally = _Tally()
    oldest = _oldest(since_days)
    files = list(_expand(paths, tally))
    histories: list[tuple[Adapter, HistoryFile]] = []
    atif: list[Path] = []
    for path in files:
        try:
            if path.stat().st_mtime < oldest:
                tally.reasons["older than --since"] += 1
                continue
            owner = sniff(path) if agent is None else agent
        except (OSError, SkillClawError) as error:
            tally.failed.append(Failure(path=str(path), reason=_reason(error)))
            continue
        if owner == "atif":
            atif.append(path)
        elif owner in adapters():
            histories += [(adapters()[owner], file) for file in adapters()[owner].histories_in(path, env)]
        elif agent is not None:
            raise no_agent(agent, "atif")
        else:
            tally.failed.append(
                Failure(path=str(path), reason="neither a history of a known agent nor an ATIF trajectory")
            )
    _store(machine, _from_histories(machine, env, histories, tally, progress), tally)
    for path in atif:
        _store(machine, _from_atif(machine, path, tally, progress), tally)
    return tally.report()


def _oldest(since_days: float | None) -> float:
    if since_days is None:
        return 0.0
    return (datetime.now(UTC) - timedelta(days=since_days)).timestamp()


def _expand(paths: Iterable[Path], tally: _Tally) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            suffixes = (".json", ".jsonl", ".jsonl.gz", ".jsonl.zst", ".json.gz", ".json.zst")
            found = [p for p in sorted(path.rglob("*")) if p.name.endswith(suffixes) and p.is_file()]
            if not found:
                tally.failed.append(
                    Failure(path=str(path), reason="the folder holds no .json or .jsonl file")
                )
            yield from found
        elif path.exists():
            yield path
        else:
            reason = "no such file or folder"
            if str(path) in adapters():
                reason += f"; the histories of that agent: skillclaw import --agent {path}"
            tally.failed.append(Failure(path=str(path), reason=reason))


def _reason(error: BaseException) -> str:
    if isinstance(error, SkillClawError):
        return f"{error.what} {error.why}".strip()
    if isinstance(error, OSError):
        return str(error)
    log.error("import: %s", type(error).__name__, exc_info=error)
    return f"SkillClaw cannot read it ({type(error).__name__}); please report this"


log = logging.getLogger("skillclaw.import")
_Read = tuple[Trajectory, Path, Callable[[], None]]


def _from_histories(
    machine: Machine, env: Env, files: list[tuple[Adapter, HistoryFile]], tally: _Tally, progress: Progress
) -> Iterator[_Read]:
    for done, (adapter, file) in enumerate(files):
        progress(done, len(files), adapter.name)

        def remember(file: HistoryFile = file) -> None:
            machine.sessions.mark_file(file.key, file.size, file.mtime)

        try:
            read = adapter.read_history(file, env)
        except Exception as error:  # nor one file, whatever somebody put into it
            tally.failed.append(Failure(path=str(file.path), reason=_reason(error)))
            continue
        for reason, count in read.skipped.items():
            tally.reasons[f"{adapter.name}: {reason}"] += count
        if read.trajectory is None:
            remember()
            continue
        tally.agents[adapter.name] += 1
        yield read.trajectory, file.path, remember
    progress(len(files), len(files), "")


def _from_atif(machine: Machine, path: Path, tally: _Tally, progress: Progress) -> Iterator[_Read]:
    done = 0
    try:
        for item in read_atif(path):
            done += 1
            if done % BATCH == 0:
                progress(done, None, path.name)
            if item.trajectory is None:
                tally.failed.append(Failure(path=f"{path}:{item.line}", reason=item.reason))
                continue
            tally.agents[item.trajectory.agent.name] += 1
            yield item.trajectory, path, lambda: None
    except (OSError, SkillClawError) as error:
        tally.failed.append(Failure(path=str(path), reason=_reason(error)))


def _store(machine: Machine, reads: Iterator[_Read], tally: _Tally) -> None:
    batch: list[_Read] = []

    def flush() -> None:
        kept: list[tuple[Trajectory, _Read]] = []
        for read in batch:
            try:
                kept.append((admit(machine, read[0]), read))
            except (SkillClawError, OSError):
                raise  # the hub or the disk: no session can be kept now
            except Exception as error:
                tally.failed.append(Failure(path=str(read[1]), reason=_reason(error)))
        results = machine.sessions.put_many([trajectory for trajectory, _ in kept])
        for (_, (_, _, remember)), result in zip(kept, results, strict=True):
            if result in ("new", "grown"):
                tally.results[result] += 1
            else:
                tally.reasons[{"same": "already imported"}.get(result, result)] += 1
            # Only now is the session safe, so only now may its file count as seen.
            remember()
        batch.clear()

    for read in reads:
        batch.append(read)
        if len(batch) >= BATCH:
            flush()
    flush()
