"""Suites of tasks: `workbench`, `house`, `wildclaw`, `metaclaw`, behind one interface (`model.Suite`)."""

from pathlib import Path

from skillclaw.bench.suites.model import (
    Grade,
    Message,
    Rule,
    Suite,
    Task,
    Template,
    Tool,
    ToolResult,
    Workspace,
)
from skillclaw.errors import UsageError

SUITES = ("house", "workbench", "wildclaw", "metaclaw")


def load_suite(name: str, source: Path | None = None, image: str = "") -> Suite:
    """The suite `name`. `source` is its data: a checkout, which wildclaw and metaclaw need, or a data set.

    `image` is the Docker image of wildclaw's rooms. Raises UsageError for a name that there is not and for a
    source that is missing, BadInputError for one that does not hold what it should.
    """
    if image and name != "wildclaw":
        raise UsageError(f"The suite {name} takes no image.", "", "Leave --image out.")
    if name not in SUITES:
        raise UsageError(f"There is no suite {name!r}.", "", f"Known: {', '.join(SUITES)}")
    if name == "house":
        from skillclaw.bench.suites.house import House

        return House() if source is None else House(source)
    if name == "workbench":
        from skillclaw.bench.suites.workbench import WorkBenchSuite

        return WorkBenchSuite() if source is None else WorkBenchSuite(source)
    if source is None:
        raise UsageError(
            f"The suite {name} needs a checkout of its benchmark.", "", "Say where it lies: --source DIR"
        )
    if name == "wildclaw":
        from skillclaw.bench.suites.wildclaw import WildClawSuite

        return WildClawSuite(source, image=image)
    from skillclaw.bench.suites.metaclaw import MetaClawSuite

    return MetaClawSuite(source)


__all__ = [
    "SUITES",
    "Grade",
    "Message",
    "Rule",
    "Suite",
    "Task",
    "Template",
    "Tool",
    "ToolResult",
    "Workspace",
    "load_suite",
]
