"""Visits of the company's web site, counted by day, and plots of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from skillclaw.bench.suites.workbench.registry import OfficeTool
from skillclaw.bench.suites.workbench.tables import Office, RefusedError, Row

__all__ = ["TOOLS"]

VALUES = (
    "total_visits",
    "session_duration_seconds",
    "user_engaged",
    "visits_direct",
    "visits_referral",
    "visits_search_engine",
    "visits_social_media",
)
NOT_A_VALUE = (
    "Value to plot must be one of 'total_visits', 'session_duration_seconds', 'user_engaged', 'direct', "
    "'referral', 'search engine', 'social media'"
)
"""As recorded. It misleads: the traffic sources that it names are refused; `VALUES` are what is taken."""
KINDS = ("bar", "line", "scatter", "histogram")


def get_visitor_information_by_id(office: Office, visitor_id: str = "") -> Any:
    if not visitor_id:
        raise RefusedError("Visitor ID not provided.")
    found = [visit for visit in office.visits if visit["visitor_id"] == visitor_id]
    if not found:
        raise RefusedError("Visitor not found.")
    return found


def create_plot(
    office: Office,
    time_min: str = "",
    time_max: str = "",
    value_to_plot: str = "",
    plot_type: str = "",
) -> Any:
    if not time_min:
        raise RefusedError("Start date not provided.")
    if not time_max:
        raise RefusedError("End date not provided.")
    if value_to_plot not in VALUES:
        raise RefusedError(NOT_A_VALUE)
    if plot_type not in KINDS:
        raise RefusedError("Plot type must be one of 'bar', 'line', 'scatter', or 'histogram'")
    path = f"plots/{time_min}_{time_max}_{value_to_plot}_{plot_type}.png"
    office.plots.append(file_path=path)
    return path


def total_visits_count(office: Office, time_min: str = "", time_max: str = "") -> Any:
    return _by_day(office, time_min, time_max, len)


def engaged_users_count(office: Office, time_min: str = "", time_max: str = "") -> Any:
    return _by_day(
        office, time_min, time_max, lambda visits: sum(visit["user_engaged"] == "True" for visit in visits)
    )


def traffic_source_count(
    office: Office, time_min: str = "", time_max: str = "", traffic_source: str = ""
) -> Any:
    return _by_day(
        office,
        time_min,
        time_max,
        lambda visits: sum(
            not traffic_source or visit["traffic_source"] == traffic_source for visit in visits
        ),
    )


def get_average_session_duration(office: Office, time_min: str = "", time_max: str = "") -> Any:
    return _by_day(
        office,
        time_min,
        time_max,
        lambda visits: sum(float(visit["session_duration_seconds"] or 0) for visit in visits) / len(visits),
    )


def _by_day(office: Office, low: str, high: str, value: Callable[[Sequence[Row]], float]) -> dict[str, float]:
    """Days are compared as text, as the recorded runs show: any words are taken, and mostly find nothing."""
    days: dict[str, list[Row]] = defaultdict(list)
    for visit in office.visits:
        day = visit["date_of_visit"] or ""
        if (not low or day >= low) and (not high or day <= high):
            days[day].append(visit)
    return {day: value(days[day]) for day in sorted(days)}


_RANGE = {
    "time_min": "First day: YYYY-MM-DD. Without it, from the beginning.",
    "time_max": "Last day: YYYY-MM-DD. Without it, to the end.",
}

TOOLS = (
    OfficeTool(
        name="analytics.get_visitor_information_by_id",
        description="Read the visits of one visitor of the web site.",
        arguments={"visitor_id": "The visitor's ID."},
        required=("visitor_id",),
        run=get_visitor_information_by_id,
    ),
    OfficeTool(
        name="analytics.create_plot",
        description="Plot one value of the web site's visits over a range of days. Returns the file's path.",
        arguments={
            "time_min": "First day: YYYY-MM-DD.",
            "time_max": "Last day: YYYY-MM-DD.",
            "value_to_plot": f"One of {', '.join(VALUES)}.",
            "plot_type": f"One of {', '.join(KINDS)}.",
        },
        required=("time_min", "time_max", "value_to_plot", "plot_type"),
        not_text={"value_to_plot": NOT_A_VALUE},
        run=create_plot,
    ),
    OfficeTool(
        name="analytics.total_visits_count",
        description="Count the visits of each day.",
        arguments=_RANGE,
        run=total_visits_count,
    ),
    OfficeTool(
        name="analytics.engaged_users_count",
        description="Count the engaged users of each day.",
        arguments=_RANGE,
        run=engaged_users_count,
    ),
    OfficeTool(
        name="analytics.traffic_source_count",
        description="Count the visits of each day that came from one source.",
        arguments={
            **_RANGE,
            "traffic_source": "direct, referral, search engine or social media. Without it, all visits.",
        },
        run=traffic_source_count,
    ),
    OfficeTool(
        name="analytics.get_average_session_duration",
        description="The average duration of the sessions of each day, in seconds.",
        arguments=_RANGE,
        run=get_average_session_duration,
    ),
)
