"""Tasks of the projects: each on a board, in a list, assigned to one person, due on a day."""

from __future__ import annotations

from typing import Any

from skillclaw.bench.suites.workbench.registry import OfficeTool
from skillclaw.bench.suites.workbench.tables import Office, RefusedError, Row

__all__ = ["TOOLS"]

LISTS = ("Backlog", "In Progress", "In Review", "Completed")
BOARDS = ("Back end", "Front end", "Design")


def get_task_information_by_id(office: Office, task_id: str = "", field: str = "") -> Any:
    if not task_id:
        raise RefusedError("Task ID not provided.")
    if not field:
        raise RefusedError("Field not provided.")
    task = office.tasks.find(task_id)
    if task is None:
        raise RefusedError("Task not found.")
    if field not in task:
        raise RefusedError("Field not found.")
    return {field: task[field]}


def search_tasks(
    office: Office,
    task_name: str = "",
    assigned_to_email: str = "",
    list_name: str = "",
    due_date: str = "",
    board: str = "",
) -> Any:
    wanted = {
        "task_name": task_name,
        "assigned_to_email": assigned_to_email,
        "list_name": list_name,
        "due_date": due_date,
        "board": board,
    }
    if not any(wanted.values()):
        raise RefusedError("No search parameters provided.")

    def matches(task: Row) -> bool:
        return all(text.lower() in (task[name] or "").lower() for name, text in wanted.items())

    return [task for task in office.tasks if matches(task)]


def create_task(
    office: Office,
    task_name: str = "",
    assigned_to_email: str = "",
    list_name: str = "",
    due_date: str = "",
    board: str = "",
) -> Any:
    if not all((task_name, assigned_to_email, list_name, due_date, board)):
        raise RefusedError("Missing task details.")
    assignee = assigned_to_email.lower()
    _checked(office, "assigned_to_email", assignee)
    _checked(office, "list_name", list_name)
    _checked(office, "board", board)
    task_id = f"{office.tasks.next_number():08}"
    office.tasks.append(
        task_id=task_id,
        task_name=task_name,
        assigned_to_email=assignee,
        list_name=list_name,
        due_date=due_date,
        board=board,
    )
    return task_id


def delete_task(office: Office, task_id: str = "") -> Any:
    if not task_id:
        raise RefusedError("Task ID not provided.")
    if office.tasks.find(task_id) is None:
        raise RefusedError("Task not found.")
    office.tasks.remove(task_id)
    return "Task deleted successfully."


def update_task(office: Office, task_id: str = "", field: str = "", new_value: str = "") -> Any:
    if not task_id or not field or not new_value:
        raise RefusedError("Task ID, field, or new value not provided.")
    if field == "assigned_to_email":
        new_value = new_value.lower()
    _checked(office, field, new_value)
    if office.tasks.find(task_id) is None:
        raise RefusedError("Task not found.")
    if field not in office.tasks.columns:
        raise RefusedError("Field not valid.")
    office.tasks.change(task_id, field, new_value)
    return "Task updated successfully."


def _checked(office: Office, field: str, value: str) -> None:
    if field == "assigned_to_email" and all(task["assigned_to_email"] != value for task in office.tasks):
        raise RefusedError("Assignee email not valid. Please choose from the list of team members.")
    if field == "list_name" and value not in LISTS:
        raise RefusedError(f"List not valid. Please choose from: {', '.join(map(repr, LISTS))}.")
    if field == "board" and value not in BOARDS:
        raise RefusedError(f"Board not valid. Please choose from: {', '.join(map(repr, BOARDS))}.")


_ID = "The task's ID of eight digits."
_LIST = f"The list that it is in: {', '.join(LISTS)}."
_BOARD = f"The board that it is on: {', '.join(BOARDS)}."

TOOLS = (
    OfficeTool(
        name="project_management.get_task_information_by_id",
        description="Read one field of one project task.",
        arguments={
            "task_id": _ID,
            "field": "Which field: task_id, task_name, assigned_to_email, list_name, due_date or board.",
        },
        required=("task_id", "field"),
        run=get_task_information_by_id,
    ),
    OfficeTool(
        name="project_management.search_tasks",
        description="Find project tasks. At least one argument is needed; each is matched as a part of the "
        "field.",
        arguments={
            "task_name": "What it is called.",
            "assigned_to_email": "Address of the person that it is assigned to.",
            "list_name": _LIST,
            "due_date": "The day that it is due: YYYY-MM-DD.",
            "board": _BOARD,
        },
        run=search_tasks,
    ),
    OfficeTool(
        name="project_management.create_task",
        description="Add a project task. Returns its ID.",
        arguments={
            "task_name": "What it is called.",
            "assigned_to_email": "Address of the team member that it is assigned to.",
            "list_name": _LIST,
            "due_date": "The day that it is due: YYYY-MM-DD.",
            "board": _BOARD,
        },
        required=("task_name", "assigned_to_email", "list_name", "due_date", "board"),
        run=create_task,
    ),
    OfficeTool(
        name="project_management.delete_task",
        description="Delete a project task.",
        arguments={"task_id": _ID},
        required=("task_id",),
        run=delete_task,
    ),
    OfficeTool(
        name="project_management.update_task",
        description="Change one field of a project task.",
        arguments={
            "task_id": _ID,
            "field": "Which field: task_name, assigned_to_email, list_name, due_date or board.",
            "new_value": "What it becomes.",
        },
        required=("task_id", "field", "new_value"),
        run=update_task,
    ),
)
