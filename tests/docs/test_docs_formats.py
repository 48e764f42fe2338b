"""docs/schemas.json and docs/formats.md say what the code says."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

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
