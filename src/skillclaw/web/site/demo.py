"""The demo's data as a second dashboard below `/demo`: the same pages over a house of their own.

It is only looked at, whoever looks, and never mixed with the user's own.
"""

from __future__ import annotations

import threading
from pathlib import Path

from skillclaw.web.site.ask import Site
from skillclaw.web.site.house import House

__all__ = ["PREFIX", "Demo"]

PREFIX = "/demo"


class Demo:
    """The site of the demo, as long as there is one. `own` is that of the user's own data."""

    def __init__(self, own: Site) -> None:
        self.own = own
        self._lock = threading.Lock()
        self._stamp: object = None
        self._site: Site | None = None

    @property
    def place(self) -> Path:
        """Where `skillclaw up --demo` puts it."""
        return self.own.house.home / "demo"

    def there(self) -> bool:
        """Whether a demo lies there, whole: one that is being made is none."""
        return (self.place / "library.json").exists() and not self.own.house.jobs.running("demo")

    def site(self) -> Site | None:
        """The demo's site, or None where there is none. Made anew when the demo was."""
        if not self.there():
            return None
        try:
            facts = self.place.stat()
        except OSError:
            return None
        stamp = facts.st_ino, (self.place / "config.toml").stat().st_ino
        with self._lock:
            if self._site is None or stamp != self._stamp:
                if self._site is not None:
                    self._site.house.close()
                house = House(self.place, {}, demo=True)
                self._site = Site(house=house, base=f"{self.own.base}{PREFIX}", root=self.own.base)
                self._stamp = stamp
            return self._site
