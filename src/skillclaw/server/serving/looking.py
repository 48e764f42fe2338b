"""What is new in a group's hub, found without opening a session: names are listed, the log is read on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillclaw import settings as settings_module
from skillclaw.server.groups.claiming import CYCLE, claims_of
from skillclaw.server.groups.collecting import group_folder, taken_in
from skillclaw.server.groups.membership import judging
from skillclaw.server.serving import notes
from skillclaw.server.sharing.view import open_hub
from skillclaw.trajectory.model import Record

if TYPE_CHECKING:
    from skillclaw.hub import Hub, HubState
    from skillclaw.hub.claims import Claims
    from skillclaw.server.machine import Machine

__all__ = ["Look", "Looker", "withdrawn_of"]


class Look(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What one look into a hub found.

    group    its id; acts: whether this machine has an evolver's key there that counts
    waiting  sealed sessions that no cycle took in yet, as far as this machine knows
    seq      entries of the log
    holder   who is at a cycle and gave a sign of life: the beginning of its key; empty: nobody
    cut_off  a cycle was begun, here or elsewhere, whose process is dead
    evolvers the keys of all evolvers that count
    cycle    stands for the last cycle that anybody finished; empty: none is known
    done     what that cycle left to know
    withdrawn  sessions that members took back, ever
    """

    group: str
    acts: bool
    waiting: int = 0
    seq: int = 0
    holder: str = ""
    cut_off: bool = False
    evolvers: frozenset[str] = frozenset()
    cycle: str = ""
    done: notes.Done | None = None
    withdrawn: int = 0


def withdrawn_of(state: HubState) -> int:
    """How many sessions members took back, ever; it only grows."""
    return len(state.tombstones) + sum(len(keys) for keys in state.withdrawn.values())


class Looker:
    """Looks into one hub, which is opened once; one that failed is opened anew. For one thread at a time."""

    def __init__(self, machine: Machine, name: str) -> None:
        self.machine = machine
        self.name = name
        self._hub: Hub | None = None
        self._claims: Claims | None = None
        self._url = ""
        self._taken: set[str] | None = None
        self._covered: set[str] = set()

    def taken(self) -> None:
        """A cycle ran here: what it took in is to be read again."""
        self._taken = None

    def look(self) -> Look:
        """One look. Messages that members left are taken in, so that they need not wait for a cycle. Raises
        StorageError, VerifyError, UsageError as the hub does."""
        from skillclaw.hub.inbox import take_in

        hub = self._opened()
        try:
            state = hub.state()
            if not hub.acts_as("evolver"):
                return Look(group=hub.info.group, acts=False, seq=state.seq)
            take_in(hub, judging(hub))
            return self._look(hub)
        except Exception:
            self._hub = None
            raise

    def _look(self, hub: Hub) -> Look:
        from skillclaw.hub.sealed import list_sessions

        assert self._claims is not None
        holder, newest = self._claims.standing(CYCLE)
        names = list_sessions(hub)
        taken = self._taken
        if taken is None:
            taken = self._taken = taken_in(group_folder(self.machine, hub.info.group))
        done = notes.read(newest.note) if newest is not None and newest.kind == "release" else None
        if done is not None and done.names == notes.digest(names):
            self._covered = set(names)
        alive = holder is not None and not holder.stale
        if holder is not None and holder.here and (lock := self._claims.here.lock(CYCLE)) is not None:
            lock.release()
            alive = False  # whoever of this home has a claim has its lock too, as long as it lives
        state = hub.last_state()
        return Look(
            group=hub.info.group,
            acts=True,
            withdrawn=withdrawn_of(state),
            waiting=sum(name not in taken and name not in self._covered for name in names),
            seq=state.seq,
            holder=holder.public[:16] if holder is not None and alive else "",
            cut_off=holder is not None and not alive,
            evolvers=_evolvers(hub.last_state()),
            cycle=newest.claim if newest is not None and done is not None else "",
            done=done,
        )

    def _opened(self) -> Hub:
        settings = settings_module.load(self.machine.home, self.machine.environ)
        given = settings.hubs.get(self.name)
        url = given.url if given is not None else ""
        if self._hub is None or url != self._url:
            hub: Hub = open_hub(self.machine, settings, self.name).hub
            self._hub, self._url = hub, url
            self._claims = claims_of(self.machine, hub)
        return self._hub


def _evolvers(state: HubState) -> frozenset[str]:
    return frozenset(key.public for key in state.keys.values() if key.role == "evolver" and key.active)
