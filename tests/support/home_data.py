"""Homes with something to see on the dashboard's first page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from hubs_at_hand import Hubs, bundle
from made_sessions import made, sh

from skillclaw.journal.store import SessionStore
from skillclaw.trajectory.model import SessionMeta, Trajectory

__all__ = ["busy_home", "demo_home", "put_sessions"]


def put_sessions(home: Path, counts: dict[int, tuple[int, int, int]]) -> None:
    """Sessions of `counts[days ago]` = so many successes, failures, and of which nobody knows."""
    store = SessionStore(home)
    today = datetime.now(UTC)
    found: list[Trajectory] = []
    for ago, numbers in counts.items():
        moment = (today - timedelta(days=ago)).strftime("%Y-%m-%dT00:00:01Z")
        for outcome, many in zip(("success", "failure", "unknown"), numbers, strict=True):
            for number in range(many):
                meta = SessionMeta(
                    key=f"{ago}-{outcome}-{number}", user="ana", source="history", outcome=outcome
                )  # type: ignore[arg-type]
                one = made("run the tests", sh("npm test", "ok"), meta=meta)
                steps = [msgspec.structs.replace(one.steps[0], timestamp=moment), *one.steps[1:]]
                found.append(msgspec.structs.replace(one, steps=steps))
    store.put_many(found)
    store.close()


def busy_home(place: Path) -> Hubs:
    """A machine that released, refined, promoted and rolled back this week; some of it in a group."""
    hubs = Hubs(place)
    hubs.admit()
    own = hubs.machine.hub
    hubs.evolve(own, bundle("run-tests", "- Run npm ci first."))
    hubs.evolve(own, bundle("run-tests", "- Run npm ci first, then npm test."))
    hubs.release(own, bundle("bad-one", "- Delete everything."))
    own.rollback("bad-one", None, why="it made things worse <script>alert(1)</script>")
    hubs.evolve(hubs.team, bundle("team-skill", "- Ask before you push."))
    put_sessions(hubs.machine.home, {0: (6, 2, 1), 3: (1, 1, 0), 60: (0, 4, 0)})
    return hubs


def demo_home(home: Path) -> Path:
    """A small demo below `home`, as `up --demo` leaves one."""
    place = home / "demo"
    place.mkdir(parents=True, mode=0o700)
    made_at = place / "made"
    made_at.mkdir()
    hubs = Hubs(made_at)
    hubs.release(hubs.machine.hub, bundle("demo-skill", "- Only in the demo."))
    source = hubs.machine.home
    put_sessions(source, {0: (3, 1, 0)})
    for one in source.iterdir():
        if one.name != "config.toml":
            one.rename(place / one.name)
    (place / "config.toml").write_text(f'[sync]\ntargets = ["{(place / "skills").as_posix()}"]\n')
    (place / "library.json").write_text("{}")
    return place
