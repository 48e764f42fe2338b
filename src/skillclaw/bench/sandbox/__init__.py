"""Closed rooms in which the programs of a benchmark task run: the agent's commands, and the grader.

`open_box` makes one for a task. Nothing outside the mounts is there: no file, no process, no network, no
variable of the host. Two runners: bubblewrap (Linux, no image) and Docker (where a task needs an image).
"""

from skillclaw.bench.sandbox.box import Box, Limits, Mount, Ran, open_box, runners

__all__ = ["Box", "Limits", "Mount", "Ran", "open_box", "runners"]
