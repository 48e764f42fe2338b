"""Releases' files in one sync: each fetched and checked once however many folders want it."""

from __future__ import annotations

from collections.abc import Callable

from skillclaw.errors import BadInputError, SkillClawError
from skillclaw.hub.records import Release
from skillclaw.library.choose import HubView
from skillclaw.library.records import ChangeKind
from skillclaw.skills.bundle import check_files
from skillclaw.skills.records import Bundle, Verdict

__all__ = ["Fetched"]

Got = tuple[Bundle | None, ChangeKind, str]


class Fetched:
    """What is taken in: only what the checks let through."""

    def __init__(self, check: Callable[[Bundle], list[Verdict]]) -> None:
        self._check = check
        self._known: dict[tuple[str, str, str], Got] = {}
        self._bases: dict[tuple[str, str, str], Bundle | None] = {}

    def get(self, view: HubView, release: Release) -> Got:
        """The bundle; or None with what to tell (`failed` or `refused`) and why."""
        key = (view.name, release.skill, release.version)
        if key not in self._known:
            self._known[key] = self._look(view, release)
        return self._known[key]

    def base(self, view: HubView, skill: str, version: str) -> Bundle | None:
        """The files of an installed version, for a comparison; None where they cannot be had."""
        key = (view.name, skill, version)
        if key not in self._bases:
            known = view.state.skills.get(skill) if view.state is not None else None
            release = known.release(version) if known is not None else None
            try:
                self._bases[key] = (view.base or view.fetch)(release) if release is not None else None
            except (SkillClawError, OSError):
                self._bases[key] = None
        return self._bases[key]

    def _look(self, view: HubView, release: Release) -> Got:
        try:
            bundle = view.fetch(release)
            check_files(bundle.files)
            if bundle.name != release.skill:
                raise BadInputError(f"The files are those of {bundle.name}.")
            refused = [v for v in self._check(bundle) if v.verdict == "reject"]
        except SkillClawError as error:
            return None, "failed", error.brief
        except OSError as error:
            return None, "failed", f"{error.strerror or error}."
        if refused:
            return None, "refused", "; ".join(f"{v.check}: {v.reason}" for v in refused)
        return bundle, "installed", ""
