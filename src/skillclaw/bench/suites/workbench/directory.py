"""The address book of the company."""

from __future__ import annotations

from typing import Any

from skillclaw.bench.suites.workbench.registry import OfficeTool
from skillclaw.bench.suites.workbench.tables import Office, RefusedError

__all__ = ["TOOLS"]


def find_email_address(office: Office, name: str = "") -> Any:
    if not name:
        raise RefusedError("Name not provided.")
    return [address for address in office.directory if name.lower() in address]


TOOLS = (
    OfficeTool(
        name="company_directory.find_email_address",
        description="Find email addresses of colleagues: those that contain the given text.",
        arguments={"name": "A first name or a last name; the address contains it, so give one word."},
        required=("name",),
        run=find_email_address,
    ),
)
