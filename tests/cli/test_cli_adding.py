"""What a client without an extra says: by which command it is added here, and that all else goes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli import skillclaw

from skillclaw import extras
from skillclaw.extras import install

RECEIPT = '[tool]\nrequirements = [{{ name = "other" }}, {{ name = "skillclaw"{} }}]\n'


@pytest.mark.parametrize(
    ("name", "text", "command"),
    [
        ("pyvenv.cfg", "", "/opt/x/bin/python -m pip install 'skillclaw[clouds]'"),
        ("pipx_metadata.json", "{}", "pipx runpip room install 'skillclaw[clouds]'"),
        ("uv-receipt.toml", RECEIPT.format(""), "uv tool install 'skillclaw[clouds]'"),
        (
            "uv-receipt.toml",
            RECEIPT.format(', extras = ["evolve", "web"], specifier = ">=0.1"'),
            "uv tool install 'skillclaw[evolve,web,clouds]'",
        ),
        (
            "uv-receipt.toml",
            RECEIPT.format(', path = "/a/b.whl"'),
            "uv pip install --python /opt/x/bin/python 'skillclaw[clouds]'",
        ),
        ("uv-receipt.toml", "not TOML", "uv pip install --python /opt/x/bin/python 'skillclaw[clouds]'"),
    ],
)
def test_an_extra_is_added_by_what_installed_skillclaw(
    name: str, text: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = tmp_path / "room"
    room.mkdir()
    (room / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(extras, "_given", lambda: ("", False))
    monkeypatch.setattr("sys.prefix", str(room))
    monkeypatch.setattr("sys.executable", "/opt/x/bin/python")
    assert install("clouds") == command


def test_a_hub_in_object_storage_names_the_extra_and_all_else_goes_on(tmp_path: Path) -> None:
    (tmp_path / "obstore.py").write_text(
        'raise ModuleNotFoundError("gone", name="obstore")\n', encoding="ascii"
    )
    environ = {"PYTHONPATH": os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))}

    def run(*command: str) -> tuple[int, str]:
        done = skillclaw(*command, home=tmp_path, environ=environ)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    code, said = run("hub", "init", "s3://bucket/team?region=eu-west-1", "--name", "team")
    assert code == 1
    assert "obstore is not installed" in said and f"Say: {install('clouds')}" in said
    config = tmp_path / ".skillclaw" / "config.toml"
    config.parent.mkdir(exist_ok=True)
    config.write_text('[hubs.team]\nurl = "s3://bucket/team?region=eu-west-1"\n', encoding="utf-8")
    code, said = run("sync")
    assert code == 1 and "Nothing changes in what hub team gave" in said and "[clouds]" in said
    assert run("status")[0] == 0
