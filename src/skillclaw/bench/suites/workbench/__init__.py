"""WorkBench: an office with a calendar, a mailbox, project tasks, customers and a web site's visits."""

from skillclaw.bench.suites.workbench.agreement import measure_agreement
from skillclaw.bench.suites.workbench.suite import WorkBenchSuite

__all__ = ["WorkBenchSuite", "measure_agreement"]
