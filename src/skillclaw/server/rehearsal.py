"""Several users on one machine, for measuring: a SkillClaw each by day, one evolver for all by night.

Each user has a home folder for agents, and a SkillClaw home whose proxy records what the user's agent does.
At night the users' sessions go, as exported files, to a home that pools them; its cycle runs under the rules
of a team (no single user's word is enough) or others, and sync installs what was released into every user's
folders.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from skillclaw.agents import Env
from skillclaw.errors import SkillClawError
from skillclaw.server.machine import Machine
from skillclaw.server.sessions.intake import import_paths
from skillclaw.server.sessions.recording import assemble_recorded
from skillclaw.server.up.proxy_process import ProxyProcess
from skillclaw.server.work import cycle_inputs, sync
from skillclaw.settings import set_value
from skillclaw.skills.bundle import version
from skillclaw.skills.items import all_items
from skillclaw.skills.records import Bundle, File, Proposal, Sidecar, content_id
from skillclaw.trajectory.model import encode, meta, with_meta

if TYPE_CHECKING:
    from skillclaw.evolve.report import Judged
    from skillclaw.library.records import Change

__all__ = ["Rehearsal"]

MARK = "pooled"
PLACE = "place"
SKILLS = (".agents/skills", ".claude/skills")
NOT_INSTALLED = frozenset(["blocked", "failed", "refused", "edited"])
DRAIN = 2.0
"""Seconds for answers under way when a proxy ends. There are some only where the run is stopped."""
TICK = 0.5
"""Seconds between two looks whether a proxy lives."""


class Rehearsal:
    """The users `names` under the folder `place`.

    policy    of the gate
    gate      without it whatever the evolver proposes is released at once, for measuring what the gate is for
    settings  of the pooling home, beside those
    """

    def __init__(
        self,
        place: Path,
        names: Sequence[str],
        *,
        policy: str = "team",
        gate: bool = True,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.place = place
        self._gate = gate
        self.names = list(names)
        self.pool = place / "pool"
        if not (self.pool / "config.toml").exists():
            self.pool.mkdir(mode=0o700, parents=True, exist_ok=True)
            set_value(self.pool, "gate.policy", policy)
        for key, value in settings.items():
            set_value(self.pool, key, value)
        targets = [(self.home(name) / kind).as_posix() for name in self.names for kind in SKILLS]
        set_value(self.pool, "sync.targets", msgspec.json.encode(targets).decode("utf-8"))
        for name in self.names:
            self.home(name).mkdir(mode=0o700, parents=True, exist_ok=True)
            self._own(name).mkdir(mode=0o700, parents=True, exist_ok=True)
            set_value(self._own(name), "user", name)
        self._settle()

    def _settle(self) -> None:
        """Where the folder was moved, install anew: the library knows its copies by whole paths, would take
        those that came along for somebody else's, and never bring them up to date."""
        stands = self.pool / PLACE
        here = str(self.place.resolve())
        library = self.pool / "library.json"
        if library.exists() and not (stands.exists() and stands.read_text("utf-8") == here):
            for name in self.names:
                for kind in SKILLS:
                    shutil.rmtree(self.home(name) / kind, ignore_errors=True)
            library.unlink()
            sync(Machine(self.pool, {}))
        stands.write_text(here, "utf-8")

    def home(self, user: str) -> Path:
        """The home folder of this user's agents."""
        return self.place / "users" / user / "home"

    def _own(self, user: str) -> Path:
        return self.place / "users" / user / "skillclaw"

    @contextmanager
    def day(self, upstream: str, prefix: str) -> Iterator[Mapping[str, str]]:
        """Every user's proxy, running, by user; afterwards what was recorded is stored as sessions."""
        with ExitStack() as running:
            yield {
                name: running.enter_context(_proxy(self._own(name), upstream, prefix)) for name in self.names
            }
        for name in self.names:
            assemble_recorded(Machine(self._own(name), {}))

    @contextmanager
    def measuring(self, upstream: str, prefix: str) -> Iterator[str]:
        """A proxy whose records are thrown away: its base URL."""
        with (
            TemporaryDirectory(prefix="skillclaw-measuring-") as folder,
            _proxy(Path(folder), upstream, prefix) as base,
        ):
            yield base

    def night(self) -> Mapping[str, Any]:
        """Pool, evolve, release, sync; what it did."""
        from skillclaw.evolve.cycle import run_cycle

        pool = Machine(self.pool, {})
        for name in self.names:
            self._give(Machine(self._own(name), {}), pool, name)
        if self._gate:
            report = run_cycle(**cycle_inputs(pool))
            released = [one.skill for one in report.released]
        else:
            # What would be proposed; then all of it is released, whatever the gate would say.
            report = run_cycle(**{**cycle_inputs(pool), "policy": "solo", "dry_run": True})
            released = [one.proposal.skill for one in report.proposals if _unjudged(pool, one.proposal)]
        synced = sync(pool)
        return {
            "sessions": report.sessions,
            "patterns": len(report.patterns),
            "proposals": [_proposed(judged) for judged in report.proposals],
            "released": released,
            "tokens": report.spent.tokens,
            "calls": report.spent.calls,
            "usd": report.spent.usd,
            "seconds": report.spent.seconds,
            "error": ", ".join(sorted(_stuck(synced.changes))),
        }

    def plant(self, skill: Path) -> str:
        """Release the skill in the folder `skill` as a member's proposal that the owner approved, whatever
        the gate says of it, and install it; why that was refused, else empty."""
        from skillclaw.server.skills.judging import judged

        pool = Machine(self.pool, {})
        files = [
            File(path=path.relative_to(skill).as_posix(), data=path.read_bytes())
            for path in sorted(skill.rglob("*"))
            if path.is_file()
        ]
        bundle = Bundle(name=skill.name, files=files)
        made = version(bundle)
        proposal = Proposal(
            id=content_id("proposal", None, "person", made),
            action="create",
            skill=skill.name,
            base=None,
            engine="person",
            why="A member wrote it.",
            bundle=bundle,
            sidecar=Sidecar(skill=skill.name, version=made, engine="person", items=all_items(bundle, None)),
        )
        if pool.hub.propose(proposal).status == "open":
            verdicts = judged(pool, proposal, {}, ours=set(pool.hub.state().skills), same={made})
            pool.hub.record_verdicts(proposal.id, verdicts, "held")
        pool.hub.approve(proposal.id, "Looks right.")
        pool.hub.release(proposal.id, stage="canary")
        return ", ".join(sorted(_stuck(sync(pool).changes)))

    def _give(self, own: Machine, pool: Machine, name: str) -> None:
        """Hand over what `own` recorded since it last did."""
        since = int(own.sessions.get_mark(MARK) or 0)
        cursor = own.sessions.cursor()
        path = self.place / f"{name}.jsonl"
        with path.open("wb") as file:
            for trajectory in own.sessions.trajectories(since):
                known = meta(trajectory)
                # The pool judges outcomes itself, from the signals in the session.
                given = msgspec.structs.replace(
                    known, source="import", user=name, outcome="unknown", confidence=0.0, signals=[]
                )
                file.write(encode(with_meta(trajectory, given)) + b"\n")
        import_paths(pool, Env.current(), [path])
        own.sessions.set_mark(MARK, str(cursor))
        path.unlink()


@contextmanager
def _proxy(home: Path, upstream: str, prefix: str) -> Iterator[str]:
    """A proxy with this home, running: the base URL that leads through it to `upstream`."""
    origin, path = _split(upstream)
    set_value(home, f"agents.{prefix}.upstream", origin)
    set_value(home, "proxy.drain", str(DRAIN))
    machine = Machine(home, {})
    machine.prepare()
    # What works in a room can reach all that the proxy serves: nothing but the model that is measured.
    proxy = ProxyProcess(machine, 0, only=prefix)
    proxy.start()
    over = Event()
    keeper = Thread(target=_keep_alive, args=(proxy, over), daemon=True)
    keeper.start()
    try:
        yield f"http://127.0.0.1:{proxy.port}/{prefix}{path}"
    finally:
        over.set()
        keeper.join()
        proxy.stop()


def _unjudged(pool: Machine, proposal: Proposal) -> bool:
    """Release a proposal as if the gate had passed it; whether there was anything to release."""
    if pool.hub.propose(proposal).status != "open":
        return False  # of the same evidence nothing new follows
    pool.hub.record_verdicts(proposal.id, [], "passed")
    pool.hub.release(proposal.id, stage="archived" if proposal.action == "retire" else "stable")
    return True


def _stuck(changes: Sequence[Change]) -> set[str]:
    """The skills that did not reach every user; without paths, since reports are shown around."""
    return {f"{c.skill} was not installed ({c.action})" for c in changes if c.action in NOT_INSTALLED}


def _keep_alive(proxy: ProxyProcess, over: Event) -> None:
    while not over.wait(TICK):
        with suppress(SkillClawError, OSError):
            proxy.keep_alive()


def _proposed(judged: Judged) -> dict[str, str]:
    """A proposal and its verdict; the first reason is what decided."""
    decisive = [reason for reason in judged.reasons if reason.verdict in ("reject", "hold")]
    return {
        "skill": judged.proposal.skill,
        "action": judged.proposal.action,
        "verdict": judged.verdict,
        "reason": decisive[0].reason if decisive else "",
    }


def _split(url: str) -> tuple[str, str]:
    """A base URL as its origin and the path that follows."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
