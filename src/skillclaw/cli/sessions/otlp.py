"""`skillclaw sessions export --otlp`: sessions as OpenTelemetry traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from skillclaw.cli import output
from skillclaw.cli.command import Context
from skillclaw.cli.extras import needing
from skillclaw.cli.sessions.recorded import recorded
from skillclaw.errors import StorageError, UsageError

if TYPE_CHECKING:
    from skillclaw.server.otlp.exporting import Exported

__all__ = ["export_traces"]


def export_traces(
    ctx: Context, sessions: list[str], target: str, *, which: str, content: bool, since: int | None
) -> None:
    """Send the traces, and say what went and what stayed."""
    from skillclaw.server.otlp import exporting

    known = get_args(exporting.Which)
    if which not in known:
        raise UsageError(f"There are no sessions {which!r}.", "", f"Known: {', '.join(known)}")
    with needing("An export to OpenTelemetry", "otlp"):
        from skillclaw.server.otlp import encoding

        assert encoding is not None
    done = exporting.export_traces(
        recorded(ctx),
        target,
        named=sessions,
        which=cast(exporting.Which, which),
        content=content,
        since=since,
    )
    if ctx.json and target != "-":  # else standard output has the traces
        output.print_json(done)
    elif target != "-":
        output.plain(f"Exported {done.traces} sessions ({done.spans} spans) to {done.target}.")
    if not ctx.json:
        _tell_what_stayed(done)
    if done.refused:
        raise StorageError(
            f"The collector refused {done.refused} of {done.spans} spans.",
            done.reason,
            "Mend the cause and export again: what it has keeps its ids.",
        )


def _tell_what_stayed(done: Exported) -> None:
    for reason, count in sorted(done.withheld.items()):
        output.note(f"{count} stay here: {reason}.")
    if done.withheld:
        output.note(
            "Let them go: skillclaw config set share.projects.NAME redacted. All that is your own, this "
            "once: --which own"
        )
    if done.open:
        output.note("They went without encryption: say https:// where the collector takes it.")
    if done.timeless:
        output.note(f"{done.timeless} have no times, so that no trace can be made of them.")
