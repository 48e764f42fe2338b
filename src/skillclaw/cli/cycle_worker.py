"""One cycle of a server as a process (`server.serving.worker`), with the tasks that come with the package."""

from __future__ import annotations

from skillclaw.cli.evolve.replays import packaged_tasks
from skillclaw.compiled import keep_whole
from skillclaw.server.serving.worker import main

if __name__ == "__main__":
    keep_whole()
    main(packaged_tasks)
