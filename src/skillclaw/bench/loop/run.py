"""`skillclaw bench loop`: days and nights, beside a control whose skills never change and a ceiling.

Day by day every arm is measured on the same fresh instances; then the users of the evolving arm work on
their stream, through their proxies; then it is night: the evolver pools what they did, the gate judges, sync
installs. The other two arms do no stream work: their skills never change, so nothing that happened there
could reach a measurement.

A run is a folder. It is written in slices, each of which is either wholly there or not: killed at any moment
and started again with the same plan, it ends with the same result.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from skillclaw import __version__
from skillclaw.agents import adapters
from skillclaw.bench.loop import keeping
from skillclaw.bench.loop.attempt import attempt, install
from skillclaw.bench.loop.forecast import Forecast, forecast
from skillclaw.bench.loop.interrupts import interrupts
from skillclaw.bench.loop.measure import screened
from skillclaw.bench.loop.page import render
from skillclaw.bench.loop.plan import Draw, Plan, held_out_draws, screen_draws, stream_draws, variant_of
from skillclaw.bench.loop.report import result_json
from skillclaw.bench.loop.results import Arm, Attempt, Night, Phase, ResultsFile
from skillclaw.bench.loop.rig import MakeRig, Rig, way_of
from skillclaw.bench.loop.streak import Streak
from skillclaw.bench.loop.users import User, make_users
from skillclaw.bench.suites import Suite
from skillclaw.errors import BadInputError, SkillClawError, StorageError
from skillclaw.headless.agents import Agent, Endpoint

__all__ = ["RESULTS", "Run", "run_loop"]

PLAN = "plan.json"
RESULTS = "results.jsonl"
STATE = "state.tar.zst"
SCREENED: tuple[Arm, ...] = ("frozen", "ceiling")

Progress = Callable[[int, int | None, str], None]


class Run:
    """One run in its folder. `endpoint` is the model; `until` says when to stop at the next border.

    drifted  the suite from day `plan.drift_day` on; planted the folder of the skill `plan.plant`
    evolver  the settings of an evolver that asks the agents' model, for the arm `llm`
    resumes  whether a day that is stopped in its middle costs little to begin again: the model's answers are
             remembered
    """

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        suite: Suite,
        agent: Agent,
        endpoint: Endpoint,
        make_rig: MakeRig,
        *,
        drifted: Suite | None = None,
        planted: Path | None = None,
        evolver: Mapping[str, str] = {},
        resumes: bool = False,
        parallel: int = 1,
        until: Callable[[], bool] = lambda: False,
        progress: Progress = lambda done, total, what: None,
    ) -> None:
        self.folder = folder
        self.plan = plan
        self.suite = suite
        self.agent = agent
        self.endpoint = endpoint
        self.parallel = parallel
        self.until = until
        self.progress = progress
        self.users = make_users(plan.users, list(suite.rules()), plan.seed)
        self.prefix = agent.name if agent.name in adapters() else "generic"
        self._make_rig = make_rig
        self._drifted, self._planted = drifted, planted
        self._evolver, self._resumes = evolver, resumes
        self._place = folder / "work" / "rig"
        self._prepare()
        self.results = ResultsFile.open(folder / RESULTS)
        self._done = 0
        self._total: int | None = None

    def _prepare(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / PLAN
            if not path.exists():
                temporary = path.with_suffix(".new")
                temporary.write_bytes(msgspec.json.format(msgspec.json.encode(self.plan), indent=2))
                temporary.replace(path)
                return
            known = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        except (OSError, msgspec.DecodeError) as error:
            raise StorageError(f"Cannot use the run's folder {self.folder}.", str(error)) from error
        now = msgspec.json.decode(msgspec.json.encode(self.plan), type=dict[str, Any])
        differ = sorted(key for key in known if known[key] != now.get(key))
        if differ:
            raise BadInputError(
                f"{self.folder} holds a run with another plan.",
                f"They differ in: {', '.join(differ)}.",
                "Go on with the same options, or start anew in another folder.",
            )

    def forecast(self) -> Forecast:
        """What is left, by the attempts so far."""
        entered = self.entered() if self.screening_done() else self.plan.templates
        return forecast(self.plan, self.suite, self.results.attempts, entered)

    def screening_done(self) -> bool:
        """Whether every attempt of the screening is there."""
        return not self._missing_screen()

    def entered(self) -> list[str]:
        """The templates that the screening let in, in the plan's order."""
        if self.plan.screen == 0:
            return list(self.plan.templates)
        rows = screened(self.results.attempts, self.plan.threshold)
        chosen = {row.template for row in rows if row.enters}
        return [template for template in self.plan.templates if template in chosen]

    def report(self, done: bool) -> dict[str, Any]:
        """The result so far, which is also written to report.json and report.html."""
        entered = self.entered() if self.screening_done() else []
        measured = held_out_draws(self.plan, self.suite, entered)
        found = result_json(
            self.results.attempts,
            self.results.nights,
            seed=self.plan.seed,
            last_day=self.plan.days,
            held_out_tasks=len(measured[-1]) if measured else 0,
            threshold=self.plan.threshold,
            forecast=msgspec.structs.asdict(self.forecast()),
            how=msgspec.to_builtins(self.plan) | {"done": done, "skillclaw": __version__},
        )
        try:
            (self.folder / "report.json").write_bytes(
                msgspec.json.format(msgspec.json.encode(found), indent=1)
            )
            (self.folder / "report.html").write_text(render(found), "utf-8")
        except OSError as error:
            raise StorageError(f"Cannot write the report to {self.folder}.", str(error)) from error
        return found

    def go_on(self) -> bool:
        """Do all that is left, or as much as `until` allows; True when the run is done."""
        self._total = self.forecast().attempts
        self._done = len(self.results.attempts)
        return self._screen() and (self.plan.days == 0 or self._days())

    def _screen(self) -> bool:
        rigs: dict[Arm, Rig] = {"evolving": self._rig()}
        return self._measure_all(rigs, "screen", 0, self._missing_screen(), "screening")

    def _rig(self, arm: Arm = "evolving") -> Rig:
        # Of a rig that a version without other arms began, the folder is the same.
        place = self._place if arm == "evolving" else self._place / "arms" / arm
        way = way_of(arm, self._evolver)
        names = [user.name for user in self.users[: 1 if arm == "single" else None]]
        return self._make_rig(place, names, policy=way.policy, gate=way.gate, settings=way.settings)

    def _on(self, day: int) -> Suite:
        """The suite as it is on a day."""
        return self._drifted if self._drifted is not None and day >= self.plan.drift_day else self.suite

    def _missing_screen(self) -> list[tuple[Arm, Draw]]:
        have = {(a.arm, a.template, a.seed) for a in self.results.attempts if a.phase == "screen"}
        return [
            (arm, draw)
            for turn, draw in enumerate(screen_draws(self.plan, self.suite))
            for arm in _by_turns(SCREENED, turn)
            if (arm, draw.template, draw.seed) not in have
        ]

    def _days(self) -> bool:
        entered = self.entered()
        if not entered:
            raise SkillClawError(
                "No template of this suite is let in.",
                "In the screening the ceiling beat none nowhere by the planned margin.",
                "Choose another model or suite, or plan another threshold in a new folder.",
            )
        self._total = self.forecast().attempts
        measured = held_out_draws(self.plan, self.suite, entered)
        stream = stream_draws(self.plan, self.suite, entered)
        kept = keeping.load(self.folder / STATE, self._place)
        self._catch_up(kept)
        rigs = {arm: self._rig(arm) for arm in self.plan.learners}
        for day in range(1, self.plan.days + 1):
            night_before = day - 1
            if kept.night < night_before:
                slept = self._stream_and_night(rigs, night_before, stream[night_before - 1])
                if slept is None:
                    return False
                kept = slept
            if not self._hold_out(rigs, day, measured[day - 1], current=kept.night == night_before):
                return False
            if self.until() and day < self.plan.days:
                return False
        shutil.rmtree(self.folder / "work", ignore_errors=True)
        return True

    def _catch_up(self, kept: keeping.Kept) -> None:
        """Put the records of the last night into the results, if the run was killed before they were."""
        self._record(kept.attempts)
        for report in (kept.report, *kept.others):
            if report is not None:
                self.results.append(report)

    def _record(self, attempts: Sequence[Attempt]) -> None:
        for one in attempts:
            self.results.append(one)  # one that is there already stays as it is

    def _stream_and_night(
        self, rigs: Mapping[Arm, Rig], day: int, draws: Sequence[Draw]
    ) -> keeping.Kept | None:
        """A day of every arm that learns, and its night; None where it was stopped, and is begun again."""
        attempts: list[Attempt] = []
        nights: list[Night] = []
        for arm, rig in rigs.items():
            done = self._stream(rig, arm, day, draws)
            if done is None:
                return None
            attempts += done
            self.progress(self._done, self._total, f"night {day} ({arm})")
            found = {**rig.night(), "day": day, "type": "night", "arm": arm}
            if arm == "evolving" and self._planted is not None and day == self.plan.plant_day - 1:
                found["error"] = found.get("error") or rig.plant(self._planted)
            found["holds"] = self._held(rig)
            nights.append(msgspec.convert(found, Night))
        kept = keeping.Kept(night=day, attempts=tuple(attempts), report=nights[0], others=tuple(nights[1:]))
        keeping.save(self.folder / STATE, kept, self._place)
        self._catch_up(kept)
        return kept

    def _stream(self, rig: Rig, arm: Arm, day: int, draws: Sequence[Draw]) -> list[Attempt] | None:
        users = {user.name: user for user in self.users}
        if arm == "single":
            # The same tasks, all of them one user's.
            draws = [msgspec.structs.replace(draw, user=self.users[0].name) for draw in draws]
            draws = list(dict.fromkeys(draws))
        attempts: list[Attempt] = []
        streak = Streak(len(self.plan.templates))
        with (
            ThreadPoolExecutor(self.parallel) as pool,
            rig.day(self.endpoint.base_url, self.prefix) as proxies,
        ):

            def work(draw: Draw) -> Attempt:
                return self._stream_attempt(rig, proxies[draw.user], arm, day, draw, users[draw.user])

            # No session of a day knows another, so that they can go on side by side.
            for start in range(0, len(draws), self.parallel):
                chunk = draws[start : start + self.parallel]
                if self._resumes and self.until():
                    return None
                who = ", ".join(dict.fromkeys(draw.user for draw in chunk))
                self.progress(self._done, self._total, f"day {day} ({arm}): {who} at work")
                for done in pool.map(work, chunk):
                    attempts += streak.take(done)
                self._done += len(chunk)
        return [*attempts, *streak.rest()]

    def _held(self, rig: Rig) -> list[str]:
        """Of the watched texts those that a skill of the first user's holds."""
        home = rig.home(self.users[0].name)
        texts = [path.read_text("utf-8", "replace") for path in sorted(home.glob(".*/skills/*/SKILL.md"))]
        return [one for one in self.plan.watched if any(one in text for text in texts)]

    def _stream_attempt(self, rig: Rig, proxy: str, arm: Arm, day: int, draw: Draw, user: User) -> Attempt:
        return attempt(
            self._on(day),
            self.agent,
            msgspec.structs.replace(self.endpoint, base_url=proxy),
            draw,
            home=rig.home(user.name),
            arm=arm,
            phase="stream",
            day=day,
            variant=variant_of(self.plan, draw.template),
            user=user,
        )

    def _hold_out(self, rigs: Mapping[Arm, Rig], day: int, draws: Sequence[Draw], *, current: bool) -> bool:
        have = {
            (a.arm, a.template, a.seed)
            for a in self.results.attempts
            if a.phase == "held_out" and a.day == day
        }
        left = [
            (arm, draw)
            for turn, draw in enumerate(draws)
            for arm in _by_turns(self.plan.measured(day), turn)
            if (arm, draw.template, draw.seed) not in have
        ]
        if left and not current:
            raise BadInputError(
                f"{self.folder} lacks results of day {day}, and its state is past that day.",
                "The results file was cut or changed.",
                "Start anew in another folder.",
            )
        return self._measure_all(rigs, "held_out", day, left, f"day {day}: measuring")

    def _measure_all(
        self, rigs: Mapping[Arm, Rig], phase: Phase, day: int, work: Sequence[tuple[Arm, Draw]], what: str
    ) -> bool:
        """Measure each instance with the skills of its arm; False when time was up before the end."""
        if not work:
            return True
        suite = self._on(day)
        homes: dict[Arm, Path] = {arm: rig.home(self.users[0].name) for arm, rig in rigs.items()}
        homes |= _homes(self.folder / "work", suite)
        # The pool waits for what is under way. When a run is stopped, the proxy goes first, which ends that.
        with (
            ThreadPoolExecutor(self.parallel) if self.parallel > 1 else nullcontext() as pool,
            rigs["evolving"].measuring(self.endpoint.base_url, self.prefix) as base,
        ):
            endpoint = msgspec.structs.replace(self.endpoint, base_url=base)

            def measure(arm: Arm, draw: Draw) -> Attempt:
                return attempt(
                    suite,
                    self.agent,
                    endpoint,
                    draw,
                    home=homes[arm],
                    arm=arm,
                    phase=phase,
                    day=day,
                    variant=variant_of(self.plan, draw.template),
                )

            return self._attempts([partial(measure, arm, draw) for arm, draw in work], what, pool)

    def _attempts(
        self, work: Sequence[Callable[[], Attempt]], what: str, pool: ThreadPoolExecutor | None
    ) -> bool:
        """Do `work`, each result stored as it comes; False when time was up before the end."""
        streak = Streak(len(self.plan.templates))
        for start in range(0, len(work), self.parallel):
            chunk = work[start : start + self.parallel]
            if self.until():
                self._record(streak.rest())
                return False
            self.progress(self._done, self._total, what)
            if pool is None:
                self._record(streak.take(chunk[0]()))
            else:
                for future in as_completed([pool.submit(one) for one in chunk]):
                    self._record(streak.take(future.result()))
            self._done += len(chunk)
        self._record(streak.rest())
        self.progress(self._done, self._total, what)
        return True


def run_loop(run: Run, *, minutes: float | None = None) -> bool:
    """Go on with `run`, for `minutes` at most; True when it is done."""
    end = math.inf if minutes is None else time.monotonic() + minutes * 60
    with interrupts() as seen:
        run.until = lambda: bool(seen) or time.monotonic() >= end
        return run.go_on()


def _homes(work: Path, suite: Suite) -> dict[Arm, Path]:
    """A home without skills, and one with the curated ones."""
    homes: dict[Arm, Path] = {"frozen": work / "none", "ceiling": work / "curated"}
    install(None, homes["frozen"])
    install(suite.curated(), homes["ceiling"])
    return homes


def _by_turns(arms: Sequence[Arm], turn: int) -> list[Arm]:
    """The arms, another one first each time: the first to read a task finds the server's cache cold."""
    first = turn % len(arms)
    return [*arms[first:], *arms[:first]]
