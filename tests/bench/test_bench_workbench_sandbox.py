"""The office of WorkBench: its tools, its grader, and both against recorded runs."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from skills_ref import validate

from skillclaw.bench.datasets import read_rows
from skillclaw.bench.suites.model import Suite, Task, Template
from skillclaw.bench.suites.workbench import WorkBenchSuite, measure_agreement
from skillclaw.bench.suites.workbench.calls import TOOLS, parse_call, replay
from skillclaw.bench.suites.workbench.published import OFFICE, RUNS, TASKS, read_office, read_tasks
from skillclaw.bench.suites.workbench.suite import OfficeWorkspace
from skillclaw.errors import BadInputError, StorageError, UsageError

ATLAS = "@atlas.com"
BASE = read_office(OFFICE)


@pytest.fixture(scope="module")
def suite() -> WorkBenchSuite:
    return WorkBenchSuite()


@pytest.fixture(scope="module")
def runs() -> list[dict[str, Any]]:
    return list(read_rows(RUNS))


@pytest.fixture
def office(suite: WorkBenchSuite, tmp_path: Path) -> Iterator[OfficeWorkspace]:
    with suite.open(suite.draw("email-t00", 0), tmp_path) as workspace:
        assert isinstance(workspace, OfficeWorkspace)
        yield workspace


def ok(office: OfficeWorkspace, tool: str, /, **arguments: Any) -> Any:
    result = office.call(tool, arguments)
    assert not result.is_error, result.text
    try:
        return json.loads(result.text)
    except ValueError:
        return result.text


def refused(office: OfficeWorkspace, tool: str, /, **arguments: Any) -> str:
    before = {name: list(table.rows) for name, table in office.office.kept().items()}
    result = office.call(tool, arguments)
    assert result.is_error, result.text
    assert before == {name: table.rows for name, table in office.office.kept().items()}
    return result.text


# What each tool does, as the recorded runs show it.


def test_the_calendar_gives_five_events_at_most_by_name_or_address_from_a_time_on(
    office: OfficeWorkspace,
) -> None:
    found = ok(office, "calendar.search_events", query="YUKI", time_min="2023-11-30", time_max="2023-12-31")
    assert found[0]["event_id"] == "00000062"
    assert all("yuki" in event["participant_email"] for event in found)
    assert len(ok(office, "calendar.search_events")) == 5
    exact = ok(
        office, "calendar.search_events", time_min="2023-12-01 09:00:00", time_max="2023-12-01 09:00:00"
    )
    assert [event["event_start"] for event in exact] == ["2023-12-01 09:00:00"]
    assert ok(office, "calendar.search_events", query="no such thing") == "No events found."
    assert "not understood" in refused(office, "calendar.search_events", time_min="tomorrow")


def test_an_event_is_made_read_changed_and_deleted(office: OfficeWorkspace) -> None:
    new = {
        "event_name": "Chat",
        "participant_email": "Raj.Patel@atlas.com",
        "event_start": "2023-12-01 13:00:00",
    }
    assert office.call("calendar.create_event", {**new, "duration": 30}).text == "00000300"
    read = ok(office, "calendar.get_event_information_by_id", event_id="00000300", field="participant_email")
    assert read == {"participant_email": "raj.patel@atlas.com"}
    ok(office, "calendar.update_event", event_id="00000300", field="duration", new_value="60")
    found = ok(office, "calendar.search_events", query="chat", time_min="2023-12-01", time_max="2023-12-02")
    assert found[-1]["duration"] == "60"
    ok(office, "calendar.delete_event", event_id="00000300")
    assert refused(office, "calendar.delete_event", event_id="00000300") == "Event not found."


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("calendar.create_event", {"event_name": "x"}, "Participant email not provided."),
        (
            "calendar.create_event",
            {"event_name": "x", "participant_email": "a@b.c"},
            "Event start not provided.",
        ),
        ("calendar.delete_event", {}, "Event ID not provided."),
        (
            "calendar.get_event_information_by_id",
            {"event_id": "00000062", "field": "event_end"},
            "Field not found.",
        ),
        ("calendar.get_event_information_by_id", {"event_id": "00000062"}, "Field not provided."),
        (
            "calendar.update_event",
            {"event_id": "00000062", "field": "event_end", "new_value": "x"},
            "Field not found.",
        ),
        (
            "calendar.update_event",
            {"event_id": "x", "field": "duration", "new_value": "1"},
            "Event not found.",
        ),
        (
            "calendar.update_event",
            {"event_id": "00000062"},
            "Event ID, field, or new value not provided.",
        ),
        ("email.send_email", {"recipient": "raj"}, "Recipient, subject, or body not provided."),
        (
            "email.send_email",
            {"recipient": "raj", "subject": "s", "body": "b"},
            "Invalid recipient email address.",
        ),
        (
            "email.send_email",
            {"recipient": ["a@b.c"], "subject": "s", "body": "b"},
            "Invalid recipient email address.",
        ),
        ("email.delete_email", {"email_id": "last"}, "Email not found."),
        ("email.delete_email", {}, "Email ID not provided."),
        ("email.forward_email", {"email_id": "last", "recipient": "a@b.c"}, "Email not found."),
        (
            "email.forward_email",
            {"email_id": "00000479", "recipient": "raj"},
            "Invalid recipient email address.",
        ),
        ("email.forward_email", {"email_id": "00000479"}, "Email ID or recipient not provided."),
        ("email.reply_email", {"email_id": "00000479"}, "Email ID or body not provided."),
        ("email.reply_email", {"email_id": "x", "body": "b"}, "Email not found."),
        (
            "email.get_email_information_by_id",
            {"email_id": "00000479", "field": "sender"},
            "Field not found.",
        ),
        ("email.get_email_information_by_id", {"email_id": "x", "field": "body"}, "Email not found."),
        (
            "analytics.create_plot",
            {"time_min": "2023-11-21", "value_to_plot": "total_visits", "plot_type": "bar"},
            "End date not provided.",
        ),
        ("analytics.get_visitor_information_by_id", {"visitor_id": "000"}, "Visitor not found."),
        ("project_management.search_tasks", {}, "No search parameters provided."),
        ("project_management.create_task", {"task_name": "x"}, "Missing task details."),
        (
            "project_management.update_task",
            {"task_id": "00000250", "field": "list_name", "new_value": "In review"},
            "List not valid. Please choose from: 'Backlog', 'In Progress', 'In Review', 'Completed'.",
        ),
        (
            "project_management.update_task",
            {"task_id": "00000250", "field": "assigned_to_email", "new_value": "raj@example.com"},
            "Assignee email not valid. Please choose from the list of team members.",
        ),
        (
            "project_management.update_task",
            {"task_id": "00000250", "field": "colour", "new_value": "red"},
            "Field not valid.",
        ),
        (
            "project_management.update_task",
            {"task_id": "1", "field": "task_name", "new_value": "x"},
            "Task not found.",
        ),
        ("project_management.delete_task", {"task_id": "1"}, "Task not found."),
        (
            "project_management.get_task_information_by_id",
            {"field": "board"},
            "Task ID not provided.",
        ),
        (
            "customer_relationship_manager.search_customers",
            {},
            "No search parameters provided. Please provide at least one parameter.",
        ),
        (
            "customer_relationship_manager.update_customer",
            {"customer_id": "00000048", "field": "status", "new_value": "won"},
            "Status not valid. Please choose from: 'Qualified', 'Won', 'Lost', 'Lead', 'Proposal'",
        ),
        (
            "customer_relationship_manager.update_customer",
            {"customer_id": "x", "field": "notes", "new_value": "x"},
            "Customer not found.",
        ),
        (
            "customer_relationship_manager.add_customer",
            {"customer_name": "Ann", "status": "Lead"},
            "Please provide all required fields: customer_name, assigned_to_email, status.",
        ),
        ("customer_relationship_manager.delete_customer", {"customer_id": "x"}, "Customer not found."),
        ("company_directory.find_email_address", {}, "Name not provided."),
    ],
)
def test_a_tool_refuses_in_the_recorded_words_and_changes_nothing(
    office: OfficeWorkspace, name: str, arguments: dict[str, Any], said: str
) -> None:
    assert refused(office, name, **arguments) == said


def test_emails_are_found_by_all_words_latest_first_and_by_whole_days(office: OfficeWorkspace) -> None:
    found = ok(office, "email.search_emails", query="nadia.moreau@atlas.com")
    sent = [email["sent_datetime"] for email in found]
    assert found[0]["email_id"] == "00000479"
    assert sent == sorted(sent, reverse=True)
    assert len(found) == 5
    day = sent[0][:10]
    same_day = ok(office, "email.search_emails", query="nadia.moreau", date_min=day, date_max=day)
    assert same_day[0]["email_id"] == "00000479"
    assert ok(office, "email.search_emails", query="nadia zebra") == "No emails found."


def test_sending_forwarding_and_replying_append_to_the_outbox(office: OfficeWorkspace) -> None:
    ok(office, "email.send_email", recipient=f"Raj.Patel{ATLAS}", subject="Hi", body="there")
    ok(office, "email.forward_email", email_id="00000479", recipient=f"olga.petrova{ATLAS}")
    ok(office, "email.reply_email", email_id="00000479", body="Got it")
    sent, forwarded, replied = office.office.emails.rows[-3:]
    assert (sent["email_id"], sent["inbox/outbox"], sent["sender/recipient"]) == (
        "500",
        "outbox",
        "raj.patel@atlas.com",
    )
    assert sent["sent_datetime"] == "2023-11-30 00:00:00"
    subject = ok(office, "email.get_email_information_by_id", email_id="00000479", field="subject")["subject"]
    assert (forwarded["email_id"], forwarded["subject"]) == ("501", f"FW: {subject}")
    assert (replied["subject"], replied["sender/recipient"]) == (subject, "nadia.moreau@atlas.com")
    ok(office, "email.delete_email", email_id="00000479")
    assert len(office.office.emails) == 502


def test_visits_are_counted_by_day_and_sources_add_up(office: OfficeWorkspace) -> None:
    window = {"time_min": "2023-11-27", "time_max": "2023-11-30"}
    visits = ok(office, "analytics.total_visits_count", **window)
    assert visits == {"2023-11-27": 6, "2023-11-28": 19, "2023-11-29": 10}
    sources = [
        ok(office, "analytics.traffic_source_count", **window, traffic_source=source)
        for source in ("direct", "referral", "search engine", "social media")
    ]
    assert {day: sum(source[day] for source in sources) for day in visits} == visits
    assert ok(office, "analytics.traffic_source_count", **window) == visits
    assert all(ok(office, "analytics.engaged_users_count", **window)[day] <= visits[day] for day in visits)
    average = ok(office, "analytics.get_average_session_duration", time_min="2023-11-28")
    assert average == {"2023-11-28": 20.31578947368421, "2023-11-29": 20.5}
    assert ok(office, "analytics.total_visits_count", time_min="Tuesday") == {}
    visitor = ok(office, "analytics.get_visitor_information_by_id", visitor_id="0860")
    assert visitor[0]["traffic_source"] == "referral"


def test_a_plot_takes_the_names_that_its_own_refusal_hides(office: OfficeWorkspace) -> None:
    plot = {"time_min": "2023-11-21", "time_max": "2023-11-29", "plot_type": "bar"}
    path = ok(office, "analytics.create_plot", **plot, value_to_plot="visits_direct")
    assert path == "plots/2023-11-21_2023-11-29_visits_direct_bar.png"
    assert "'direct'" in refused(office, "analytics.create_plot", **plot, value_to_plot="direct")
    assert "bar" in refused(
        office, "analytics.create_plot", **{**plot, "plot_type": "pie"}, value_to_plot="user_engaged"
    )
    assert [row["file_path"] for row in office.office.plots] == [path]


def test_a_task_is_found_made_moved_and_deleted(office: OfficeWorkspace) -> None:
    task = {
        "task_name": "Write tests",
        "list_name": "Backlog",
        "due_date": "2023-12-08",
        "board": "Front end",
    }
    assert (
        office.call(
            "project_management.create_task", {**task, "assigned_to_email": f"Kofi.Mensah{ATLAS}"}
        ).text
        == "00000300"
    )
    ok(
        office,
        "project_management.update_task",
        task_id="00000300",
        field="list_name",
        new_value="In Progress",
    )
    [found] = ok(office, "project_management.search_tasks", task_name="write TESTS")
    assert (found["assigned_to_email"], found["list_name"]) == ("kofi.mensah@atlas.com", "In Progress")
    read = ok(office, "project_management.get_task_information_by_id", task_id="00000300", field="due_date")
    assert read == {"due_date": "2023-12-08"}
    ok(office, "project_management.delete_task", task_id="00000300")
    assert ok(office, "project_management.search_tasks", task_name="write tests") == []
    assert "Board not valid" in refused(
        office,
        "project_management.create_task",
        **{**task, "board": "Front-end"},
        assigned_to_email=f"kofi.mensah{ATLAS}",
    )
    # More than five: tasks, unlike events, emails and customers, are given in full.
    assert len(ok(office, "project_management.search_tasks", board="Front end")) > 5


def test_customers_are_found_five_at_a_time_and_changed_one_by_one(office: OfficeWorkspace) -> None:
    wanted = {"assigned_to_email": f"sofia.santos{ATLAS}", "status": "lead"}
    first = ok(office, "customer_relationship_manager.search_customers", **wanted)
    assert len(first) == 5
    for customer in first:
        ok(office, "customer_relationship_manager.delete_customer", customer_id=customer["customer_id"])
    rest = ok(office, "customer_relationship_manager.search_customers", **wanted)
    assert 0 < len(rest) < 5
    new = {"customer_name": "Ann Lee", "assigned_to_email": f"Raj.Patel{ATLAS}", "status": "Lead"}
    assert office.call("customer_relationship_manager.add_customer", new).text == "00000200"
    ok(
        office,
        "customer_relationship_manager.update_customer",
        customer_id="00000200",
        field="status",
        new_value="Won",
    )
    [found] = ok(office, "customer_relationship_manager.search_customers", customer_name="ann lee")
    assert (found["status"], found["assigned_to_email"], found["customer_phone"], found["notes"]) == (
        "Won",
        "raj.patel@atlas.com",
        None,
        "",
    )
    assert "customer_phone" in refused(
        office,
        "customer_relationship_manager.update_customer",
        customer_id="00000200",
        field="mood",
        new_value="x",
    )
    late = ok(
        office,
        "customer_relationship_manager.search_customers",
        product_interest="software",
        last_contact_date_max="2023-11-09",
        last_contact_date_min="2023-10-01",
    )
    assert late
    assert all("2023-10-01" <= customer["last_contact_date"] <= "2023-11-09" for customer in late)


def test_the_address_book_finds_parts_of_an_address(office: OfficeWorkspace) -> None:
    assert ok(office, "company_directory.find_email_address", name="Raj") == ["raj.patel@atlas.com"]
    assert len(ok(office, "company_directory.find_email_address", name="patel")) == 2
    assert ok(office, "company_directory.find_email_address", name="Raj Patel") == []


# What an agent can get wrong.


def test_a_wrong_name_or_argument_is_a_result_that_says_what_there_is(office: OfficeWorkspace) -> None:
    assert "calendar__search_events" in refused(office, "calendar.get_current_time")
    assert "It takes: event_id" in refused(office, "calendar.delete_event", id="00000062")
    assert "must be one text" in refused(office, "calendar.delete_event", event_id={"id": 1})
    assert refused(office, "calendar.delete_event", event_id=None) == "Event ID not provided."


def test_tools_answer_to_the_exposed_and_to_the_recorded_name(office: OfficeWorkspace) -> None:
    assert len(office.tools) == 27
    for tool in office.tools:
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", tool.name)
        Draft202012Validator.check_schema(dict(tool.parameters))
        assert set(tool.parameters["required"]) <= set(tool.parameters["properties"])
    assert ok(office, "company_directory__find_email_address", name="raj") == ok(
        office, "company_directory.find_email_address", name="raj"
    )


def test_every_tool_takes_the_arguments_that_it_shows_in_their_order() -> None:
    for tool in TOOLS.values():
        assert list(inspect.signature(tool.run).parameters)[1:] == list(tool.arguments), tool.name


@given(
    st.sampled_from(sorted(TOOLS)),
    st.dictionaries(
        st.text(max_size=12)
        | st.sampled_from(sorted({name for tool in TOOLS.values() for name in tool.arguments})),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=20)
        | st.lists(st.text(max_size=5), max_size=2)
        | st.sampled_from(
            ["00000062", "00000250", "raj.patel@atlas.com", "2023-11-30", "status", "duration"]
        ),
        max_size=5,
    ),
)
def test_no_arguments_make_a_call_raise(name: str, arguments: dict[str, Any]) -> None:
    workspace = OfficeWorkspace(BASE.fresh())
    json.dumps(workspace.call(name, arguments).text)


# Recorded calls.


@given(
    st.dictionaries(
        st.sampled_from(["recipient", "subject", "body"]),
        st.text(st.characters(exclude_characters='"\\', exclude_categories=["Cs", "Cc", "Zl", "Zp"])),
    )
)
def test_a_recorded_call_is_read_back(arguments: dict[str, str]) -> None:
    words = ", ".join(f'{name}="{value}"' for name, value in arguments.items())
    assert parse_call(f"email.send_email.func({words})") == ("email.send_email", arguments)


@given(st.text() | st.text().map(lambda text: f'email.send_email.func(body="{text}")'))
def test_no_text_of_a_call_raises(text: str) -> None:
    parsed = parse_call(text)
    assert parsed is None or isinstance(parsed[0], str)


@pytest.mark.parametrize(
    "text",
    [
        'email.send_email.func(recipient="a@b.c", subject="he said "hi"", body="b")',
        'email.send_email.func("a@b.c", subject="s", body="b")',
        'email.send_email.func(recipient=open(\'x\'), subject="s", body="b")',
        'email.send_email.func(recipient="a@b.c", subject="s", body="b", schedule_time="now")',
        'email.send_email.func(**{"recipient": "a@b.c"})',
        'send_email.func(recipient="a@b.c", subject="s", body="b")',
        "__import__('os').system('true')",
    ],
)
def test_a_recorded_call_that_could_not_be_made_has_no_effect(text: str) -> None:
    office = BASE.fresh()
    replay(office, [text])
    assert len(office.emails) == len(BASE.emails)


def test_a_line_break_in_a_recorded_text_is_kept() -> None:
    assert parse_call('email.reply_email.func(body="a\nb")') == ("email.reply_email", {"body": "a\nb"})


# The suite.


def test_seeds_go_round_through_ten_instances_and_the_split_keeps_three_apart(suite: WorkBenchSuite) -> None:
    checked: Suite = suite
    templates = checked.templates()
    assert len(templates) == 69
    assert templates[0] == Template(id="analytics-t00", category="analytics")
    assert len({template.category for template in templates}) == 6
    ids = set()
    for template in templates:
        learning = {suite.draw(template.id, seed).id for seed in suite.learning_seeds(template.id)}
        held_out = {suite.draw(template.id, seed).id for seed in suite.held_out_seeds(template.id)}
        assert (len(learning), len(held_out), learning & held_out) == (7, 3, set())
        assert max(learning) < min(held_out)
        ids |= learning | held_out
    assert len(ids) == 690
    task = suite.draw("email-t00", 3)
    assert task == suite.draw("email-t00", 3)
    assert task.id == suite.draw("email-t00", 13).id == "email-003"
    assert "2023-11-30" in task.instruction
    assert checked.rules() == {}
    with pytest.raises(UsageError):
        suite.draw("email-t99", 0)


def test_tasks_do_not_see_each_other(suite: WorkBenchSuite, tmp_path: Path) -> None:
    task = suite.draw("email-t00", 0)
    with suite.open(task, tmp_path) as first, suite.open(task, tmp_path) as second:
        first.call("email.delete_email", {"email_id": "00000479"})
        assert not second.call(
            "email.get_email_information_by_id", {"email_id": "00000479", "field": "body"}
        ).is_error
    assert list(tmp_path.iterdir()) == []


def worked(suite: WorkBenchSuite, task: str, calls: list[str]) -> tuple[Task, OfficeWorkspace]:
    """The task with its office after these recorded calls were made by an agent."""
    template, number = task.rsplit("-", 1)
    drawn = suite.draw(f"{template}-t{int(number) // 10:02}", int(number) % 10)
    assert drawn.id == task
    workspace = OfficeWorkspace(BASE.fresh())
    for text in calls:
        if (parsed := parse_call(text)) is not None:
            workspace.call(*parsed)
    return drawn, workspace


@pytest.mark.slow
def test_recorded_runs_are_graded_as_they_were_labelled(
    suite: WorkBenchSuite, runs: list[dict[str, Any]]
) -> None:
    graded = {True: 0, False: 0}
    for run in runs:
        if run["error"]:
            continue
        task, workspace = worked(suite, run["task_id"], run["predicted_calls"])
        grade = suite.grade(task, workspace, [])
        assert grade.success == run["success"], run["session_id"]
        assert grade.score == float(run["success"])
        assert grade.criteria["side_effects"] == float(not run["unwanted_side_effects"])
        assert bool(grade.reason) != grade.success
        if sum(graded.values()) < 5:
            assert suite.grade(task, workspace, []) == grade
        graded[grade.success] += 1
    assert graded == {True: 64, False: 138}


def test_the_expected_calls_succeed_on_one_task_of_each_template(suite: WorkBenchSuite) -> None:
    gold = {given.id: given.gold for given in read_tasks(TASKS)}
    for number, template in enumerate(suite.templates()):
        task = suite.draw(template.id, number)
        workspace = OfficeWorkspace(BASE.fresh())
        for text in gold[task.id]:
            parsed = parse_call(text)
            assert parsed is not None
            assert not workspace.call(*parsed).is_error
        assert suite.grade(task, workspace, []).success, task.id


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ([], "emails: 1 row missing"),
        (
            [("email.send_email", {"recipient": "kofi.mensah@atlas.com", "subject": "x", "body": "y"})],
            "emails: 1 row with a wrong value",
        ),
        (
            [("calendar.delete_event", {"event_id": "00000062"})],
            "calendar: 1 row missing; emails: 1 row missing",
        ),
        (
            [
                (
                    "analytics.create_plot",
                    {
                        "time_min": "2023-11-01",
                        "time_max": "2023-11-02",
                        "value_to_plot": "user_engaged",
                        "plot_type": "bar",
                    },
                )
            ],
            "emails: 1 row missing; plots: 1 row that should not be there",
        ),
    ],
)
def test_the_reason_says_which_table_differs_and_how(
    suite: WorkBenchSuite, calls: list[tuple[str, dict[str, str]]], said: str
) -> None:
    task, workspace = worked(suite, "email-020", [])
    for name, arguments in calls:
        assert not workspace.call(name, arguments).is_error
    grade = suite.grade(task, workspace, [])
    assert (grade.success, grade.reason) == (False, said)
    assert grade.criteria["side_effects"] == float(not calls)
    assert grade.criteria["tasks"] == 1.0


def test_case_counts_only_where_the_published_grader_lets_it_count(suite: WorkBenchSuite) -> None:
    right = 'calendar.update_event.func(event_id="00000020", field="event_name", new_value="CASUAL Catch-Up")'
    assert suite.grade(*worked(suite, "calendar-010", [right]), []).success
    lead = (
        'customer_relationship_manager.add_customer.func(customer_name="morgan wilson", '
        'assigned_to_email="nadia.moreau@atlas.com", status="{}")'
    )
    crm = "customer_relationship_manager-020"
    assert suite.grade(*worked(suite, crm, [lead.format("Lead")]), []).success
    grade = suite.grade(*worked(suite, crm, [lead.format("lead")]), [])
    assert grade.reason == "customers: 1 row with a wrong value"


def test_two_plots_are_right_in_either_order(suite: WorkBenchSuite) -> None:
    calls = [
        f'analytics.create_plot.func(time_min="2023-11-05", time_max="2023-11-21", value_to_plot="{value}", '
        'plot_type="histogram")'
        for value in ("total_visits", "user_engaged")
    ]
    for order in (calls, calls[::-1]):
        assert suite.grade(*worked(suite, "analytics-020", order), []).success
    assert not suite.grade(*worked(suite, "analytics-020", [*calls, calls[0]]), []).success


def test_a_task_of_another_suite_is_the_grader_s_error_and_no_failure(suite: WorkBenchSuite) -> None:
    task = Task(suite="house", id="x", template="x", category="x", seed=0, instruction="x")
    assert suite.grade(task, OfficeWorkspace(BASE.fresh()), []).error


def test_curated_skills_are_valid_and_name_real_tools(suite: WorkBenchSuite) -> None:
    folders = sorted(suite.curated().iterdir())
    assert len(folders) == 5
    known = {tool.name for tool in OfficeWorkspace(BASE.fresh()).tools}
    for folder in folders:
        assert validate(folder) == []
        text = (folder / "SKILL.md").read_text()
        named = set(re.findall(r"`([a-z_]+__[a-z_]+)`", text))
        assert named <= known, folder


# Agreement and data.


def test_our_tools_and_grader_agree_with_the_packaged_runs() -> None:
    said: list[int] = []
    report = measure_agreement(RUNS, OFFICE, lambda done, total, what: said.append(done))
    assert report["sessions"] == {"n": 209, "agree": 209, "share": 1.0}
    assert report["successes"]["share"] == report["failures_with_calls"]["share"] == 1.0
    assert report["side_effects"]["share"] == report["steps"]["share"] == 1.0
    assert set(report["observations"]) == set(TOOLS)
    assert report["labels_that_differ"] == report["steps_that_differ"] == []
    assert len(said) == 209


def test_agreement_shows_what_differs(tmp_path: Path, runs: list[dict[str, Any]]) -> None:
    run = next(run for run in runs if run["success"] and run["steps"][0]["tool"] in TOOLS)
    steps = [{**run["steps"][0], "observation": "something else"}]
    told = tmp_path / "runs.jsonl"
    told.write_text(json.dumps({**run, "success": False, "steps": steps}))
    report = measure_agreement(told, OFFICE)
    assert report["sessions"]["share"] == 0.0
    assert [row["session"] for row in report["labels_that_differ"]] == [run["session_id"]]
    assert [row["step"] for row in report["steps_that_differ"]] == [0]
    assert report["successes"] == {"n": 0, "agree": 0, "share": 0.0}


def test_data_that_are_not_there_or_not_of_workbench_are_said_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        WorkBenchSuite(tmp_path / "nowhere")
    (tmp_path / "databases").mkdir()
    with pytest.raises(StorageError):
        WorkBenchSuite(tmp_path)
    other = tmp_path / "other.jsonl"
    other.write_text('{"file": "x", "text": "y"}\n')
    with pytest.raises(BadInputError):
        measure_agreement(RUNS, other)
