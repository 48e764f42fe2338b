"""The mailbox: what Sam got and what Sam sent."""

from __future__ import annotations

from typing import Any

from skillclaw.bench.suites.workbench.calendar import moment
from skillclaw.bench.suites.workbench.registry import OfficeTool
from skillclaw.bench.suites.workbench.tables import NOW, Office, RefusedError, Row

__all__ = ["TOOLS"]

FOUND = 5
SEARCHED = ("subject", "body", "sender/recipient")
NO_ADDRESS = "Invalid recipient email address."


def get_email_information_by_id(office: Office, email_id: str = "", field: str = "") -> Any:
    if not email_id:
        raise RefusedError("Email ID not provided.")
    if not field:
        raise RefusedError("Field not provided.")
    email = office.emails.find(email_id)
    if email is None:
        raise RefusedError("Email not found.")
    if field not in email:
        raise RefusedError("Field not found.")
    return {field: email[field]}


def search_emails(office: Office, query: str = "", date_min: str = "", date_max: str = "") -> Any:
    words = query.lower().split()
    low = moment(date_min).date() if date_min else None
    high = moment(date_max).date() if date_max else None

    def matches(email: Row) -> bool:
        text = " ".join(email[name] or "" for name in SEARCHED).lower()
        if not all(word in text for word in words):
            return False
        if low is None and high is None:
            return True
        sent = moment(email["sent_datetime"] or "").date()
        return (low is None or sent >= low) and (high is None or sent <= high)

    found = sorted(
        filter(matches, office.emails), key=lambda email: email["sent_datetime"] or "", reverse=True
    )
    return found[:FOUND] or "No emails found."


def send_email(office: Office, recipient: str = "", subject: str = "", body: str = "") -> Any:
    if not recipient or not subject or not body:
        raise RefusedError("Recipient, subject, or body not provided.")
    _checked(recipient)
    office.emails.append(
        **{
            # Not filled up with zeros, as the recorded runs show.
            "email_id": str(office.emails.next_number()),
            "inbox/outbox": "outbox",
            "sender/recipient": recipient.lower(),
            "subject": subject,
            "sent_datetime": NOW,
            "body": body,
        }
    )
    return "Email sent successfully."


def delete_email(office: Office, email_id: str = "") -> Any:
    if not email_id:
        raise RefusedError("Email ID not provided.")
    if office.emails.find(email_id) is None:
        raise RefusedError("Email not found.")
    office.emails.remove(email_id)
    return "Email deleted successfully."


def forward_email(office: Office, email_id: str = "", recipient: str = "") -> Any:
    if not email_id or not recipient:
        raise RefusedError("Email ID or recipient not provided.")
    email = office.emails.find(email_id)
    if email is None:
        raise RefusedError("Email not found.")
    _checked(recipient)
    send_email(office, recipient, f"FW: {email['subject'] or ''}", email["body"] or "")
    return "Email forwarded successfully."


def reply_email(office: Office, email_id: str = "", body: str = "") -> Any:
    if not email_id or not body:
        raise RefusedError("Email ID or body not provided.")
    email = office.emails.find(email_id)
    if email is None:
        raise RefusedError("Email not found.")
    send_email(office, email["sender/recipient"] or "", email["subject"] or "", body)
    return "Email replied successfully."


def _checked(recipient: str) -> None:
    if "@" not in recipient or "." not in recipient:
        raise RefusedError(NO_ADDRESS)


_ID = "The email's ID."

TOOLS = (
    OfficeTool(
        name="email.get_email_information_by_id",
        description="Read one field of one email.",
        arguments={
            "email_id": _ID,
            "field": "Which field: email_id, inbox/outbox, sender/recipient, subject, sent_datetime or body.",
        },
        required=("email_id", "field"),
        run=get_email_information_by_id,
    ),
    OfficeTool(
        name="email.search_emails",
        description=f"Find emails, latest first; at most {FOUND} are returned. An email is found when every "
        "word of the query occurs in its subject, body or address.",
        arguments={
            "query": "Words to look for. Empty for any email.",
            "date_min": "Only emails of this day or later: YYYY-MM-DD.",
            "date_max": "Only emails of this day or earlier: YYYY-MM-DD.",
        },
        run=search_emails,
    ),
    OfficeTool(
        name="email.send_email",
        description="Send an email to one address.",
        arguments={
            "recipient": "Address of the one recipient.",
            "subject": "Its subject.",
            "body": "Its text.",
        },
        required=("recipient", "subject", "body"),
        not_text={"recipient": NO_ADDRESS},
        run=send_email,
    ),
    OfficeTool(
        name="email.delete_email",
        description="Delete an email.",
        arguments={"email_id": _ID},
        required=("email_id",),
        run=delete_email,
    ),
    OfficeTool(
        name="email.forward_email",
        description="Forward an email to one address.",
        arguments={"email_id": _ID, "recipient": "Address of the one recipient."},
        required=("email_id", "recipient"),
        not_text={"recipient": NO_ADDRESS},
        run=forward_email,
    ),
    OfficeTool(
        name="email.reply_email",
        description="Answer an email: the answer goes to the address that the email came from.",
        arguments={"email_id": _ID, "body": "The text of the answer."},
        required=("email_id", "body"),
        run=reply_email,
    ),
)
