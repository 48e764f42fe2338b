"""The customers: who looks after them, what they are interested in, how far things are."""

from __future__ import annotations

from typing import Any

from skillclaw.bench.suites.workbench.registry import OfficeTool
from skillclaw.bench.suites.workbench.tables import Office, RefusedError, Row

__all__ = ["TOOLS"]

FOUND = 5
STATUSES = ("Qualified", "Won", "Lost", "Lead", "Proposal")
PRODUCTS = ("Software", "Hardware", "Services", "Consulting", "Training")
CHANGEABLE = (
    "customer_name",
    "assigned_to_email",
    "customer_email",
    "customer_phone",
    "last_contact_date",
    "product_interest",
    "status",
    "notes",
    "follow_up_by",
)


def search_customers(
    office: Office,
    customer_name: str = "",
    customer_email: str = "",
    product_interest: str = "",
    status: str = "",
    assigned_to_email: str = "",
    last_contact_date_min: str = "",
    last_contact_date_max: str = "",
    follow_up_by_min: str = "",
    follow_up_by_max: str = "",
) -> Any:
    parts = {
        "customer_name": customer_name,
        "customer_email": customer_email,
        "product_interest": product_interest,
        "status": status,
        "assigned_to_email": assigned_to_email,
    }
    ranges = {
        "last_contact_date": (last_contact_date_min, last_contact_date_max),
        "follow_up_by": (follow_up_by_min, follow_up_by_max),
    }
    if not any(parts.values()) and not any(low or high for low, high in ranges.values()):
        raise RefusedError("No search parameters provided. Please provide at least one parameter.")

    def matches(customer: Row) -> bool:
        if not all(text.lower() in (customer[name] or "").lower() for name, text in parts.items()):
            return False
        for name, (low, high) in ranges.items():
            day = customer[name]
            if (low or high) and (day is None or (low and day < low) or (high and day > high)):
                return False
        return True

    return [customer for customer in office.customers if matches(customer)][:FOUND]


def update_customer(office: Office, customer_id: str = "", field: str = "", new_value: str = "") -> Any:
    if not customer_id or not field or not new_value:
        raise RefusedError("Customer ID, field, or new value not provided.")
    if field == "status" and new_value not in STATUSES:
        raise RefusedError(f"Status not valid. Please choose from: {', '.join(map(repr, STATUSES))}")
    if field == "product_interest" and new_value not in PRODUCTS:
        raise RefusedError(
            f"Product interest not valid. Please choose from: {', '.join(map(repr, PRODUCTS))}"
        )
    if office.customers.find(customer_id) is None:
        raise RefusedError("Customer not found.")
    if field not in office.customers.columns:
        raise RefusedError(f"Field not valid. Please choose from: {', '.join(map(repr, CHANGEABLE))}")
    office.customers.change(
        customer_id,
        field,
        new_value.lower() if field in ("customer_email", "assigned_to_email") else new_value,
    )
    return "Customer updated successfully."


def add_customer(
    office: Office,
    customer_name: str = "",
    assigned_to_email: str = "",
    status: str = "",
    customer_email: str | None = None,
    customer_phone: str | None = None,
    last_contact_date: str | None = None,
    product_interest: str | None = None,
    notes: str = "",
    follow_up_by: str | None = None,
) -> Any:
    if not customer_name or not assigned_to_email or not status:
        raise RefusedError("Please provide all required fields: customer_name, assigned_to_email, status.")
    customer_id = f"{office.customers.next_number():08}"
    office.customers.append(
        customer_id=customer_id,
        assigned_to_email=assigned_to_email.lower(),
        customer_name=customer_name,
        customer_email=customer_email.lower() if customer_email else customer_email,
        customer_phone=customer_phone,
        last_contact_date=last_contact_date,
        product_interest=product_interest,
        status=status,
        follow_up_by=follow_up_by,
        notes=notes,
    )
    return customer_id


def delete_customer(office: Office, customer_id: str = "") -> Any:
    if not customer_id:
        raise RefusedError("Customer ID not provided.")
    if office.customers.find(customer_id) is None:
        raise RefusedError("Customer not found.")
    office.customers.remove(customer_id)
    return "Customer deleted successfully."


_ID = "The customer's ID of eight digits."
_STATUS = f"How far things are: {', '.join(STATUSES)}."
_PRODUCT = f"What the customer is interested in: {', '.join(PRODUCTS)}."
_ASSIGNED = "Address of the colleague who looks after the customer."

TOOLS = (
    OfficeTool(
        name="customer_relationship_manager.search_customers",
        description=f"Find customers in the CRM; at most {FOUND} are returned. At least one argument is "
        "needed; texts are matched as a part of the field.",
        arguments={
            "customer_name": "The customer's name.",
            "customer_email": "The customer's address.",
            "product_interest": _PRODUCT,
            "status": _STATUS,
            "assigned_to_email": _ASSIGNED,
            "last_contact_date_min": "Last contact on this day or later: YYYY-MM-DD.",
            "last_contact_date_max": "Last contact on this day or earlier: YYYY-MM-DD.",
            "follow_up_by_min": "To be followed up by this day or later: YYYY-MM-DD.",
            "follow_up_by_max": "To be followed up by this day or earlier: YYYY-MM-DD.",
        },
        run=search_customers,
    ),
    OfficeTool(
        name="customer_relationship_manager.update_customer",
        description="Change one field of a customer in the CRM.",
        arguments={
            "customer_id": _ID,
            "field": f"Which field: {', '.join(CHANGEABLE)}.",
            "new_value": f"What it becomes. Statuses: {', '.join(STATUSES)}. "
            f"Products: {', '.join(PRODUCTS)}.",
        },
        required=("customer_id", "field", "new_value"),
        run=update_customer,
    ),
    OfficeTool(
        name="customer_relationship_manager.add_customer",
        description="Add a customer to the CRM. Returns the customer's ID.",
        arguments={
            "customer_name": "The customer's name.",
            "assigned_to_email": _ASSIGNED,
            "status": _STATUS,
            "customer_email": "The customer's address.",
            "customer_phone": "The customer's phone number.",
            "last_contact_date": "The day of the last contact: YYYY-MM-DD.",
            "product_interest": _PRODUCT,
            "notes": "Notes.",
            "follow_up_by": "The day to follow up by: YYYY-MM-DD.",
        },
        required=("customer_name", "assigned_to_email", "status"),
        run=add_customer,
    ),
    OfficeTool(
        name="customer_relationship_manager.delete_customer",
        description="Delete a customer from the CRM.",
        arguments={"customer_id": _ID},
        required=("customer_id",),
        run=delete_customer,
    ),
)
