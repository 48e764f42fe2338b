"""Closed rooms for programs that are not trusted: agents and their commands, graders of a benchmark's tasks.

`open_box` makes one. Nothing outside the mounts is there: no file, no process, no network, no
variable of the host. Two runners: bubblewrap (Linux, no image) and Docker (where a task needs an image).
"""

from skillclaw.sandbox.box import open_box, why_no_room
from skillclaw.sandbox.model import Box, Limits, Mount, Ran

__all__ = ["Box", "Limits", "Mount", "Ran", "open_box", "why_no_room"]
