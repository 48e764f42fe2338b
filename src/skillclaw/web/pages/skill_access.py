"""What this browser may do with the skills of a hub, and why not where it may not. The hub's log decides in
the end: an action that it does not allow is refused whatever a page showed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillclaw.web.site.house import role_in

if TYPE_CHECKING:
    from skillclaw.server.hubs.opened import Source
    from skillclaw.web.site.ask import Ask

__all__ = ["Access", "access"]


@dataclass(frozen=True)
class Access:
    """`decide`: pin, promote, roll back, archive, revoke; `propose`: edits; `reason`: why not to decide, in
    the reader's language, empty where it may."""

    role: str
    decide: bool
    propose: bool
    reason: str = ""


def access(ask: Ask, source: Source) -> Access:
    """What is allowed in the hub `source`."""
    role = role_in(source)
    if ask.browser.read_only:
        return Access(role, False, False, ask.t("This browser may look and do nothing."))
    if role in ("owner", "reviewer"):
        return Access(role, True, True)
    who = role or ask.t("no member")
    why = str(
        ask.t("Only an owner or a reviewer of {hub} decides; you are: {role}.", hub=source.name, role=who)
    )
    return Access(role, False, bool(role), why)
