"""The figures for people: a text for the terminal, tables for the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skillclaw.errors import BadInputError, StorageError

__all__ = ["BEGIN", "END", "check_place", "markdown", "put_into", "summary"]

BEGIN = "<!-- bench proxy: made by `skillclaw bench proxy --markdown`, not by hand -->"
END = "<!-- end of bench proxy -->"


def summary(result: Mapping[str, Any]) -> str:
    """The table, the bars, and what the machine was like."""
    lines = [
        f"{'case':<19}{'streams':>8}{'target':>11}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}"
        f"{'first byte':>12}{'added p50':>11}{'CPU ms':>9}{'MB':>6}"
    ]
    for row in result["rows"]:
        lines.append(
            f"{row['case']:<19}{row['concurrency']:>8}{row['target']:>11}{row['rps']:>9.0f}{row['p50_ms']:>9.2f}"
            f"{row['p99_ms']:>9.2f}{row['ttfb_p50_ms']:>12.2f}{row['added_p50_ms']:>11.2f}"
            f"{row['cpu_ms']:>9.3f}{row['rss_mb']:>6.0f}"
        )
    lines.append("")
    for ratio in result["ratios"].values():
        lines.append(f"{'holds' if ratio['holds'] else 'FAILS':<6} {ratio['what']}: {_against(ratio)}")
    lines.append(
        f"Without a proxy: {result['headroom']:.1f} times SkillClaw's requests/s at 16 streams (below 1.5 "
        "the load, not the proxy, is measured)."
    )
    lines.append(_machine(result))
    return "\n".join(lines)


def markdown(result: Mapping[str, Any], plot: str = "") -> str:
    """Tables for docs/benchmarks.md; `plot` is the picture's path from there."""
    lines = ["| bar | measured | needed | |", "| --- | --- | --- | --- |"]
    for ratio in result["ratios"].values():
        lines.append(
            f"| {ratio['what']} | {_number(ratio)} | {_needed(ratio)} | "
            f"{'holds' if ratio['holds'] else 'fails'} |"
        )
    lines += [
        "",
        "| case | streams | target | requests/s (slowest, fastest round) | p50 ms | p99 ms | first byte ms | "
        "added p50, p99 ms | CPU ms | MB |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in result["rows"]:
        lines.append(
            f"| {row['case']} | {row['concurrency']} | {row['target']} | "
            f"{row['rps']:,.0f} ({row['rps_low']:,.0f}, {row['rps_high']:,.0f}) | {row['p50_ms']:.2f} | "
            f"{row['p99_ms']:.2f} | {row['ttfb_p50_ms']:.2f} | {row['added_p50_ms']:.2f}, "
            f"{row['added_p99_ms']:.2f} | {row['cpu_ms']:.3f} | {row['rss_mb']:.0f} |"
        )
    lines += ["", "| process | from start to ready, s | MB after start | MB at the end |"]
    lines += ["| --- | --- | --- | --- |"]
    for name, seen in result["processes"].items():
        lines.append(
            f"| {name} | {seen['ready_s']:.2f} | {seen['rss_idle_mb']:.0f} | {seen['rss_end_mb']:.0f} |"
        )
    lines += ["", _machine(result)]
    if plot:
        lines += ["", f"![Requests per second, CPU and added time of each target]({plot})"]
    return "\n".join(lines)


def put_into(file: Path, text: str, begin: str = BEGIN, end: str = END) -> None:
    """Replace what stands between the marks in `file`; raises BadInputError, StorageError."""
    head, tail = check_place(file, begin, end)
    try:
        file.write_text(f"{head}{begin}\n{text}\n{end}{tail}", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"Cannot write {file}.", str(error)) from error


def check_place(file: Path, begin: str = BEGIN, end: str = END) -> tuple[str, str]:
    """What stands before and after the place for the tables; raises BadInputError, StorageError."""
    try:
        before = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"Cannot read {file}.", str(error)) from error
    head, begun, rest = before.partition(begin)
    _, ended, tail = rest.partition(end)
    if not begun or not ended:
        raise BadInputError(
            f"{file} has no place for the tables.",
            "Two marks are missing.",
            f"Add the lines {begin} and {end}",
        )
    return head, tail


def _machine(result: Mapping[str, Any]) -> str:
    machine = result["machine"]
    text = (
        f"{machine['cores']} cores ({machine['pinning']}); {machine['rounds']} rounds of "
        f"{machine['seconds']:g} s for each cell, medians; Python {machine['python']}."
    )
    if machine["litellm"] is not None:
        text += f" {machine['litellm']}."
    if machine["others"] is not None:
        text += f" Other programs used {machine['others']:.0%} of the processors meanwhile."
    if machine["repeated"]:
        text += (
            f" The host of this virtual machine took processor time away; {machine['repeated']} measurements "
            f"were repeated for that, and it touched {machine['stolen']} of those that count."
        )
    return text


def _number(ratio: Mapping[str, Any]) -> str:
    value = ratio["value"]
    if ratio["unit"] == "":
        return f"{value:.2f}x" if value < 10 else f"{value:.0f}x"
    return f"{value:.3g} {ratio['unit']}"


def _needed(ratio: Mapping[str, Any]) -> str:
    unit = ratio["unit"] and f" {ratio['unit']}"
    return f"at {ratio['sense']} {ratio['bar']:g}{unit or 'x'}"


def _against(ratio: Mapping[str, Any]) -> str:
    return f"{_number(ratio)} ({_needed(ratio)})"
