"""The catalogue of this machine's sessions, as the pages share it."""

from __future__ import annotations

from skillclaw.journal.catalogue import Catalogue
from skillclaw.web.site.house import House

__all__ = ["catalogue"]


def catalogue(house: House) -> Catalogue:
    """The catalogue; the same one until the machine is opened anew. Raises StorageError."""
    with house.open() as machine:
        store = machine.sessions
        return house.kept("catalogue", id(store), lambda: Catalogue(house.home, store))
