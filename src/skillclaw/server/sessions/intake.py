"""Past sessions in: histories of agents and ATIF files, decoded, judged, redacted, stored."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from skillclaw.agents import Adapter, Env, HistoryFile, adapters, no_agent, read_atif, sniff
from skillclaw.errors import SkillClawError
from skillclaw.evolve.executors import NoWorkerError, SetAside
from skillclaw.evolve.executors.local import LocalExecutor, cores
from skillclaw.limits import of_memory
from skillclaw.server.machine import Machine
from skillclaw.server.sessions.crediting import credit_skills
from skillclaw.server.sessions.masking import Masking
from skillclaw.trajectory.model import Record, Trajectory, decode, encode, meta, with_meta
from skillclaw.trajectory.outcomes import outcome

__all__ = ["Failure", "ImportReport", "admit", "import_histories", "import_paths"]

BATCH = 200
"""Sessions stored in one transaction: large enough to be quick, small enough to lose little when cut off."""
WORKERS = 4
"""Processes at most that mask: each takes about 80 MB of memory."""
PAYS = 1 << 20
"""Bytes of sessions from which more processes pay: a megabyte takes seconds to mask, a process half of one to
start."""
LIMIT = 3600.0
"""Seconds that masking one session may take in a process of its own."""

Progress = Callable[[int, int | None, str], None]


class Failure(Record, frozen=True, kw_only=True):
    """Something that could not be imported, and why."""

    path: str
    reason: str


class ImportReport(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What an import did. `imported` counts new and grown sessions; `reasons` says why some were skipped;
    `left` files were not looked at, since the time was over."""

    imported: int = 0
    grown: int = 0
    skipped: int = 0
    failed: list[Failure] = []
    reasons: dict[str, int] = {}
    agents: dict[str, int] = {}
    left: int = 0


class _Tally:
    def __init__(self) -> None:
        self.results: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.agents: Counter[str] = Counter()
        self.failed: list[Failure] = []
        self.left = 0

    def report(self) -> ImportReport:
        return ImportReport(
            imported=self.results["new"] + self.results["grown"],
            grown=self.results["grown"],
            skipped=sum(self.reasons.values()),
            failed=self.failed,
            reasons=dict(sorted(self.reasons.items())),
            agents=dict(sorted(self.agents.items())),
            left=self.left,
        )


def admit(machine: Machine, trajectory: Trajectory) -> Trajectory:
    """The trajectory as this machine may keep it: owner named, outcome judged, skills credited, masked."""
    return machine.redactor.trajectory(_judged(machine, trajectory))


def _judged(machine: Machine, trajectory: Trajectory) -> Trajectory:
    """What is asked of the text as it was: masking comes after."""
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
    return credit_skills(machine, with_meta(trajectory, known))


def import_histories(
    machine: Machine,
    env: Env,
    *,
    only: Collection[str] | None = None,
    since_days: float | None = None,
    seconds: float | None = None,
    last: Collection[str] = (),
    workers: int = 1,
    progress: Progress = lambda done, total, what: None,
) -> ImportReport:
    """Import what the agents (`only` these) already have on disk, the newest files first; unchanged ones cost
    nothing.

    `seconds`: after these no more files are begun, but for one, and those left are for the next import; what
    it knows already and has grown comes after what is new then, the newest last, and the paths of `last`
    after all. `workers`: processes that mask, where there is enough to share out; 0 is one per core, four at
    most.
    """

    def by(workers: int) -> ImportReport:
        tally = _Tally()
        chosen = _chosen(machine, env, only, since_days, tally)
        late = frozenset(last)

        def turn(pair: tuple[Adapter, HistoryFile]) -> tuple[bool, bool, float]:
            file = pair[1]
            grown = seconds is not None and machine.sessions.known_file(file.key)
            # Of those that have grown, one that goes on all the time is not to come before all others.
            return str(file.path) in late, grown, file.mtime if grown else -file.mtime

        chosen.sort(key=turn)
        end = None if seconds is None else time.monotonic() + seconds
        _store(machine, _from_histories(machine, env, chosen, tally, progress, end), tally, workers)
        return tally.report()

    return _shared_out(by, workers)


def _shared_out(by: Callable[[int], ImportReport], workers: int) -> ImportReport:
    """What is imported with as many workers; where there can be none, by this process."""
    try:
        return by(workers)
    except NoWorkerError as error:
        log.warning("import: %s This process goes on alone.", " ".join(f"{error.what} {error.why}".split()))
        return by(1)


def _chosen(
    machine: Machine, env: Env, only: Collection[str] | None, since_days: float | None, tally: _Tally
) -> list[tuple[Adapter, HistoryFile]]:
    """The histories of the agents that are new or have changed."""
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
    return chosen


def import_paths(
    machine: Machine,
    env: Env,
    paths: Iterable[Path],
    *,
    agent: str | None = None,
    since_days: float | None = None,
    workers: int = 1,
    progress: Progress = lambda done, total, what: None,
) -> ImportReport:
    """Import the files and folders named: agents' histories, ATIF files, JSONL of them. `workers`: as in
    `import_histories`."""
    given = list(paths)

    def by(workers: int) -> ImportReport:
        tally = _Tally()
        oldest = _oldest(since_days)
        files = list(_expand(given, tally))
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
                    Failure(path=str(path), reason="neither a history of a known agent nor ATIF")
                )
        _store(machine, _from_histories(machine, env, histories, tally, progress), tally, workers)
        for path in atif:
            _store(machine, _from_atif(path, tally, progress), tally, workers)
        return tally.report()

    return _shared_out(by, workers)


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
    return _unable("read", type(error).__name__, f"{type(error).__name__}: {error}")


def _unable(what: str, why: str, whole: str) -> str:
    asked = "there is not enough memory" if of_memory(whole) else "please report this"
    return f"SkillClaw cannot {what} it ({why}); {asked}"


log = logging.getLogger("skillclaw.import")
_Read = tuple[Trajectory, Path, Callable[[], None]]


def _from_histories(
    machine: Machine,
    env: Env,
    files: list[tuple[Adapter, HistoryFile]],
    tally: _Tally,
    progress: Progress,
    end: float | None = None,
) -> Iterator[_Read]:
    for done, (adapter, file) in enumerate(files):
        if done and end is not None and time.monotonic() > end:
            tally.left = len(files) - done
            return
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


def _from_atif(path: Path, tally: _Tally, progress: Progress) -> Iterator[_Read]:
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


def _put(machine: Machine, batch: Sequence[_Read], tally: _Tally) -> None:
    """Keep these sessions. One that cannot be kept is told, and the others are."""
    try:
        results = machine.sessions.put_many([trajectory for trajectory, _, _ in batch])
    except (SkillClawError, OSError):
        raise  # the disk: no session can be kept now
    except Exception as error:
        if len(batch) == 1:
            tally.failed.append(Failure(path=str(batch[0][1]), reason=_reason(error)))
            return
        for one in batch:
            _put(machine, [one], tally)
        return
    for (_, _, remember), result in zip(batch, results, strict=True):
        if result in ("new", "grown"):
            tally.results[result] += 1
        else:
            tally.reasons[{"same": "already imported"}.get(result, result)] += 1
        # Only now is the session safe, so only now may its file count as seen.
        remember()


def _store(machine: Machine, reads: Iterator[_Read], tally: _Tally, workers: int) -> None:
    masking: deque[tuple[Path, Callable[[], None]]] = deque()
    batch: list[_Read] = []

    def judged() -> Iterator[bytes]:
        for trajectory, path, remember in reads:
            try:
                body = encode(_judged(machine, trajectory))
            except (SkillClawError, OSError):
                raise  # the hub or the disk: no session can be kept now
            except Exception as error:
                tally.failed.append(Failure(path=str(path), reason=_reason(error)))
                continue
            masking.append((path, remember))
            yield body

    executor = LocalExecutor(workers or min(cores(), WORKERS), limit=LIMIT, pays=PAYS)
    for _, masked in executor.run(Masking(machine), judged(), batch=1):
        path, remember = masking.popleft()
        if isinstance(masked, SetAside):
            reason = _unable("mask", masked.reason, masked.reason)
            tally.failed.append(Failure(path=str(path), reason=reason))
            continue
        batch.append((decode(masked), path, remember))
        if len(batch) >= BATCH:
            _put(machine, batch, tally)
            batch.clear()
    _put(machine, batch, tally)
