"""`skillclaw up --demo`: packaged real sessions through the very same loop, in a folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

from skillclaw import settings
from skillclaw.errors import StorageError
from skillclaw.server.machine import Machine
from skillclaw.server.sessions.intake import import_paths
from skillclaw.server.skills.reports import SkillRow, current_bundle, skill_rows
from skillclaw.trajectory.model import Record

__all__ = ["DemoResult", "run_demo"]


class DemoResult(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What the demo learned, and where it lies. `sample` is the SKILL.md of the best supported skill."""

    home: str
    imported: int
    episodes: int
    patterns: int
    skills: list[SkillRow]
    sample: str
    seconds: float

    def text(self) -> str:
        """For people."""
        shown = self.skills[0].name if self.skills else "NAME"
        lines = [
            f"Read {self.imported} real sessions (WorkBench, tau-bench; their licences are in the package).",
            f"Found {self.episodes} episodes and {self.patterns} patterns in {self.seconds:.1f} s, "
            "without a model, a key or the network.",
            f"Learned {len(self.skills)} skills:",
        ]
        lines += [f"  {s.name}: {s.sessions} sessions of {s.users} users" for s in self.skills]
        lines += ["", "One of them:", "", self.sample.rstrip(), ""]
        lines += [
            f"Everything is in {self.home}; your agents were not touched.",
            f"Look further: skillclaw skills evidence {shown} --home {self.home}",
            "Now with your own sessions: skillclaw up",
        ]
        return "\n".join(lines)


def run_demo(home: Path, *, progress: Callable[[int, int | None, str], None]) -> DemoResult:
    """Import, evolve, judge, release and install the packaged sessions into `home`/demo, made anew."""
    from skillclaw.agents import Env
    from skillclaw.evolve.cycle import run_cycle
    from skillclaw.server.work import cycle_inputs, sync

    place = home / "demo"
    try:
        if place.exists():
            shutil.rmtree(place)
        place.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise StorageError(f"Cannot make {place}.", str(error), "Free space, or choose --home.") from error
    skills = place / "skills"
    # In the folder's own settings, so that later commands with --home install nothing elsewhere either.
    settings.set_value(place, "sync.targets", f'["{skills.as_posix()}"]')
    settings.set_value(place, "gate.policy", "team")
    machine = Machine(place, {})
    with as_file(files("skillclaw.bench") / "demo") as data:
        report = import_paths(machine, Env.current(), sorted(data.glob("*.jsonl.zst")), progress=progress)
    cycle = run_cycle(**cycle_inputs(machine), progress=progress)
    sync(machine)
    rows, _ = skill_rows(machine)
    best = max(rows, key=lambda row: (row.users, row.sessions), default=None)
    sample = ""
    if best is not None:
        sample = next(
            f.data for f in current_bundle(machine, best.name).files if f.path == "SKILL.md"
        ).decode("utf-8")
    return DemoResult(
        home=str(place),
        imported=report.imported,
        episodes=cycle.episodes,
        patterns=len(cycle.patterns),
        skills=rows,
        sample=sample,
        seconds=cycle.spent.seconds,
    )
