"""A machine's skills folders over days, with hubs whose logs are written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from skillclaw.hub import HubState, Release, SkillState
from skillclaw.hub.arms import block, treated
from skillclaw.library import HubView, Library, SyncReport
from skillclaw.skills.bundle import version
from skillclaw.skills.records import Bundle, File

START = datetime(2026, 9, 1, 9, tzinfo=UTC)


def bundle(text: str, name: str = "git") -> Bundle:
    """A skill whose body is `text`."""
    head = f"---\nname: {name}\ndescription: How to {name}.\n---\n"
    return Bundle(name=name, files=[File(path="SKILL.md", data=f"{head}{text}\n".encode())])


def versions(*texts: str) -> list[str]:
    """Their versions."""
    return [version(bundle(text)) for text in texts]


def skill(
    *releases: tuple[str, str, float | None], current: str | None = "", name: str = "git"
) -> SkillState:
    """A skill with these releases: (text, stage, share), each with the one before as its base. The last is
    current, or none where `current` is None."""
    made: list[Release] = []
    for text, stage, share in releases:
        made.append(
            Release(
                skill="git",
                version=version(bundle(text)),
                object="0" * 64,
                sidecar=None,
                base=made[-1].version if made else None,
                proposal=None,
                stage=stage,  # type: ignore[arg-type]
                seq=1,
                time="",
                share=share,
            )
        )
    last = made[-1]
    return SkillState(
        name="git", current=last.version if current == "" else current, stage=last.stage, releases=made
    )


def days(arm: bool, share: float = 0.5, *, client: str = "c", text: str = "canary") -> list[datetime]:
    """Mornings from START on that are treated, or not, for this client."""
    mornings = [START + timedelta(days=n) for n in range(60)]
    one = version(bundle(text))
    return [day for day in mornings if treated(client, "git", one, block(day), share) == arm]


class Desk:
    """One machine: a home, two skills folders, and hubs by name in the order of precedence."""

    def __init__(self, place: Path) -> None:
        self.home = place / "home"
        self.targets = [place / "claude", place / "agents"]
        for target in self.targets:
            target.mkdir()
        self.library = Library(self.home, self.targets)
        self.skills: dict[str, list[SkillState]] = {"team": []}
        self.unread: set[str] = set()
        self.bundles: dict[str, Bundle] = {}
        self.busy: set[Path] = set()
        self.canaries = True

    def knows(self, *texts: str) -> None:
        """Let hubs have the files of these texts."""
        self.bundles |= {version(bundle(text)): bundle(text) for text in texts}

    def views(self, now: datetime) -> list[HubView]:
        """The hubs as a sync on that day sees them."""
        return [
            HubView(
                name=name,
                state=None
                if name in self.unread
                else HubState(group=name, seq=1, head="", skills={one.name: one for one in skills}),
                fetch=lambda release: self.bundles[release.version],
                client="c",
                day=block(now),
                canaries=self.canaries,
            )
            for name, skills in self.skills.items()
        ]

    def sync(self, now: datetime, *, auto_merge: bool = False) -> SyncReport:
        """One sync at that time."""
        return self.library.sync(
            self.views(now),
            lambda one: [],
            auto_merge=auto_merge,
            running=lambda target: "Claude Code" if target in self.busy else "",
            now=now,
        )

    def holds(self) -> Sequence[str | None]:
        """The body that lies in each folder under the name; None where nothing does."""
        found = []
        for target in self.targets:
            path = target / "git" / "SKILL.md"
            found.append(path.read_text("utf-8").rstrip("\n").rsplit("\n", 1)[-1] if path.exists() else None)
        return found

    def edit(self, text: str, at: int = 0) -> None:
        """The user changes a copy."""
        (self.targets[at] / "git" / "SKILL.md").write_bytes(bundle(text).files[0].data)


def promoted(state: SkillState, stage: str = "stable") -> SkillState:
    """The skill after a promotion of what is current."""
    last = replace(state.releases[-1], stage=stage)
    return replace(state, stage=stage, releases=[*state.releases[:-1], last])
