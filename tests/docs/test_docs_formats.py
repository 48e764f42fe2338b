"""docs/schemas.json and docs/formats.md say what the code says."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import msgspec
import pytest
from kept_homes import HOMES, holds, in_code, kept_numbers, numbers, rows, unpacked

from skillclaw.cli.schemas import RECORDS, schemas

DOCS = Path(__file__).parents[2] / "docs"


def test_the_schemas_in_the_docs_are_those_of_the_code() -> None:
    assert (DOCS / "schemas.json").read_text("utf-8") == schemas(), "run: make schemas"


@pytest.mark.parametrize("record", [r for r in RECORDS if r.__name__ not in {"Trajectory", "Settings"}])
def test_every_field_is_described(record: type[msgspec.Struct]) -> None:
    text = (DOCS / "formats.md").read_text("utf-8") + (DOCS / "cli.md").read_text("utf-8")
    if (DOCS / "hub-log.md").exists():
        text += (DOCS / "hub-log.md").read_text("utf-8")
    missing = [f.encode_name for f in msgspec.structs.fields(record) if f"`{f.encode_name}`" not in text]
    assert not missing


def test_each_file_has_its_row_with_the_number_that_the_code_has() -> None:
    told = numbers()
    assert len(told) >= 20
    assert {place: in_code(place) for place in told} == told


def test_no_number_changes_without_a_kept_home() -> None:
    name, kept = list(kept_numbers().items())[-1]
    changed = {place: number for place, number in numbers().items() if number != kept.get(place)}
    assert not changed, (
        f"formats changed since the home {name} was kept: {changed}. Where that is of a release, see that "
        "tests/server/test_migrations.py reads it; then: make kept-home NAME=..."
    )
    assert {f"{name}.tar.zst" for name in kept_numbers()} == {path.name for path in HOMES.glob("*.tar.zst")}


NOT_KEPT = {
    "groups/*/model-spending.json": "a group's cycle counts what it pays in the file of the home",
}
"""Files with a number that no home can keep, and why."""


def lacking(version: str) -> set[str]:
    """What has a number and no file in a kept home."""
    held = holds(version)
    return {row.pattern for row in rows() if row.number is not None and not held.get(row.pattern)}


def test_the_newest_kept_home_has_a_file_of_every_row_with_a_number() -> None:
    assert len([row for row in rows() if row.number is not None]) >= 35
    assert lacking(list(kept_numbers())[-1]) == NOT_KEPT.keys(), "made in tests/support/kept_world.py"


def test_what_the_first_kept_homes_lack_is_known() -> None:
    """They stay as they are: of these files none is there as it was written before v0.1c."""
    first = {*NOT_KEPT, "a backup", "a session, in ATIF"}
    first |= {"connections.json", "backups/*", "tokens.json", "hubs/*.state.json", "quarantine/*"}
    first |= {"evolver/sessions.db", "catalogue.db", "votes/book.json", "votes/claims/*"}
    first |= {"model-spending.json", "hub: log/checkpoint-*", "hub: log/pack-*", "hub: sessions/*/*"}
    first |= {"hub: inbox/*/*", "hub: jobs/votes/*/job.json"}
    first |= {f"hub: jobs/{name}/*" for name in ("room", "passed", "spent", "answers")}
    assert lacking("v0.1") == lacking("v0.1b") == first


def patterns() -> list[str]:
    table = (DOCS / "formats.md").read_text("utf-8").split("<!-- files -->")[1].partition("<!-- end -->")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.count("|") >= 6]
    return [name for cell in cells if "hub:" not in cell for name in re.findall(r"`([^`]+)`", cell)]


def test_whatever_a_home_has_is_in_the_table(tmp_path: Path) -> None:
    own = unpacked(list(kept_numbers())[-1], tmp_path) / ".skillclaw"
    files = [str(path.relative_to(own)) for path in own.rglob("*") if path.is_file()]
    assert len(files) > 20
    known = patterns()
    strange = [
        name for name in files if not name.startswith("hub/") and not any(fnmatch(name, one) for one in known)
    ]
    assert not strange


def test_whatever_the_code_says_to_be_a_format_is_in_the_table() -> None:
    """A module that has a number of its own, by one of the usual names, is named in some row."""
    import skillclaw

    source = Path(skillclaw.__file__).parent
    wanted = re.compile(r"^([A-Z_]*(?:FORMAT|SCHEMA_VERSION|FOLD))(?:: int)? = (?:\d+|b\")", re.M)
    declared = {
        f"{'.'.join(path.relative_to(source).with_suffix('').parts)}:{name}"
        for path in source.rglob("*.py")
        for name in wanted.findall(path.read_text("utf-8"))
    }
    assert declared <= numbers().keys()
