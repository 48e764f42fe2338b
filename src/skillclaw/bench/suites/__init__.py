"""Suites of tasks for the benchmark, behind one interface (`model.Suite`)."""

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

__all__ = ["Grade", "Message", "Rule", "Suite", "Task", "Template", "Tool", "ToolResult", "Workspace"]
