"""The calendar: events with one participant, a start and a duration in minutes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from skillclaw.bench.suites.workbench.registry import OfficeTool
from skillclaw.bench.suites.workbench.tables import Office, RefusedError, Row

__all__ = ["TOOLS", "moment"]

FOUND = 5
"""How many events a search gives at most."""


def moment(text: str) -> datetime:
    """A date or a date with a time. Raises RefusedError for anything else."""
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError:
        raise RefusedError(f"Time not understood: {text!r}. Give it as YYYY-MM-DD HH:MM:SS.") from None


def get_event_information_by_id(office: Office, event_id: str = "", field: str = "") -> Any:
    if not event_id:
        raise RefusedError("Event ID not provided.")
    if not field:
        raise RefusedError("Field not provided.")
    event = office.calendar.find(event_id)
    if event is None:
        raise RefusedError("Event not found.")
    if field not in event:
        raise RefusedError("Field not found.")
    return {field: event[field]}


def search_events(office: Office, query: str = "", time_min: str = "", time_max: str = "") -> Any:
    wanted = query.lower()
    low = moment(time_min) if time_min else None
    high = moment(time_max) if time_max else None

    def matches(event: Row) -> bool:
        if not any(wanted in (event[name] or "").lower() for name in ("event_name", "participant_email")):
            return False
        if low is None and high is None:
            return True
        start = moment(event["event_start"] or "")
        return (low is None or start >= low) and (high is None or start <= high)

    return [event for event in office.calendar if matches(event)][:FOUND] or "No events found."


def create_event(
    office: Office,
    event_name: str = "",
    participant_email: str = "",
    event_start: str = "",
    duration: str = "",
) -> Any:
    for what, value in (
        ("Event name", event_name),
        ("Participant email", participant_email),
        ("Event start", event_start),
        ("Event duration", duration),
    ):
        if not value:
            raise RefusedError(f"{what} not provided.")
    event_id = f"{office.calendar.next_number():08}"
    office.calendar.append(
        event_id=event_id,
        event_name=event_name,
        participant_email=participant_email.lower(),
        event_start=event_start,
        duration=duration,
    )
    return event_id


def delete_event(office: Office, event_id: str = "") -> Any:
    if not event_id:
        raise RefusedError("Event ID not provided.")
    if office.calendar.find(event_id) is None:
        raise RefusedError("Event not found.")
    office.calendar.remove(event_id)
    return "Event deleted successfully."


def update_event(office: Office, event_id: str = "", field: str = "", new_value: str = "") -> Any:
    if not event_id or not field or not new_value:
        raise RefusedError("Event ID, field, or new value not provided.")
    if office.calendar.find(event_id) is None:
        raise RefusedError("Event not found.")
    if field not in office.calendar.columns:
        raise RefusedError("Field not found.")
    office.calendar.change(event_id, field, new_value.lower() if field == "participant_email" else new_value)
    return "Event updated successfully."


_FIELDS = "event_id, event_name, participant_email, event_start or duration"
_ID = "The event's ID of eight digits."

TOOLS = (
    OfficeTool(
        name="calendar.get_event_information_by_id",
        description="Read one field of one calendar event.",
        arguments={"event_id": _ID, "field": f"Which field: {_FIELDS}."},
        required=("event_id", "field"),
        run=get_event_information_by_id,
    ),
    OfficeTool(
        name="calendar.search_events",
        description=f"Find calendar events, earliest first, new ones last; at most {FOUND} are returned.",
        arguments={
            "query": "Text that the event's name or its participant's address contains. Empty for any.",
            "time_min": "Only events that start at this time or later: YYYY-MM-DD HH:MM:SS.",
            "time_max": "Only events that start at this time or earlier: YYYY-MM-DD HH:MM:SS.",
        },
        run=search_events,
    ),
    OfficeTool(
        name="calendar.create_event",
        description="Put an event into the calendar. Returns its ID.",
        arguments={
            "event_name": "What the event is called.",
            "participant_email": "Address of the participant.",
            "event_start": "When it starts: YYYY-MM-DD HH:MM:SS.",
            "duration": "How long it lasts, in minutes.",
        },
        required=("event_name", "participant_email", "event_start", "duration"),
        run=create_event,
    ),
    OfficeTool(
        name="calendar.delete_event",
        description="Take an event out of the calendar.",
        arguments={"event_id": _ID},
        required=("event_id",),
        run=delete_event,
    ),
    OfficeTool(
        name="calendar.update_event",
        description="Change one field of an event.",
        arguments={
            "event_id": _ID,
            "field": f"Which field: {_FIELDS}.",
            "new_value": "What it becomes. Times as YYYY-MM-DD HH:MM:SS, durations in minutes.",
        },
        required=("event_id", "field", "new_value"),
        run=update_event,
    ),
)
