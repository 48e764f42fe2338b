"""Where settings come from: the home's file, a named file, the environment; errors name the source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.errors import BadInputError, SkillClawError, StorageError
from skillclaw.settings import load, set_value
from skillclaw.settings_layers import Layer, origin, united


def _file(path: Path, text: str, mode: int = 0o600) -> dict[str, str]:
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return {"SKILLCLAW_CONFIG": str(path)}


def test_each_source_lies_over_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[serve]\nport = 1\nparallel = 2\ninterval = 3\n", "utf-8")
    environ = _file(tmp_path / "team.toml", "[serve]\nport = 4\nparallel = 5\n")
    serve = load(tmp_path, environ | {"SKILLCLAW_SERVE__PORT": "6"}).serve
    assert (serve.port, serve.parallel, serve.interval) == (6, 5, 3.0)
    assert load(tmp_path, {}).serve.port == 1


def test_what_is_set_goes_into_the_homes_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = _file(tmp_path / "team.toml", "[serve]\nport = 4\n")
    monkeypatch.setenv("SKILLCLAW_CONFIG", environ["SKILLCLAW_CONFIG"])
    set_value(tmp_path, "serve.port", "9")
    assert (tmp_path / "team.toml").read_text("utf-8") == "[serve]\nport = 4\n"
    assert (load(tmp_path, {}).serve.port, load(tmp_path, environ).serve.port) == (9, 4)


@pytest.mark.parametrize(
    "text",
    [
        "[serve]\nprt = 1\n",
        "[serv]\nport = 1\n",
        "[serve]\nport = 'many'\n",
        "[serve]\nport = 65536\n",
        "[serve]\nparallel = 0\n",
        "[serve]\nhubs = 'acme'\n",
        "[serve]\nhubs = ['../up']\n",
        "[serve]\nhost = 'a b'\n",
        "[serve]\nbehind_proxy = 1\n",
        "[serve]\ninterval = nan\n",
        "serve = 3\n",
        "[hubs.acme]\nurk = 'x'\n",
        "[serve\n",
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_text("[serve]\nport = 1\n", "utf-8")
    with pytest.raises(BadInputError) as caught:
        load(tmp_path, _file(tmp_path / "team.toml", text))
    assert "team.toml" in caught.value.what


def test_a_wrong_variable_is_refused_by_name(tmp_path: Path) -> None:
    environ = _file(tmp_path / "team.toml", "[serve]\nport = 4\n")
    for name, value in (("SKILLCLAW_SERVE__PORT", "x"), ("SKILLCLAW_SERVE__PRT", "1"), ("SKILLCLAW_X", "1")):
        with pytest.raises(SkillClawError) as caught:
            load(tmp_path, environ | {name: value})
        assert name in caught.value.what


def test_a_file_that_is_named_has_to_be_there_and_readable(tmp_path: Path) -> None:
    for given_ in (str(tmp_path / "none.toml"), str(tmp_path), "team.toml", ""):
        with pytest.raises(StorageError) as caught:
            load(tmp_path, {"SKILLCLAW_CONFIG": given_})
        assert "SKILLCLAW_CONFIG" in caught.value.todo


def test_a_file_with_a_credential_must_not_be_readable_by_all(tmp_path: Path) -> None:
    secret = "".join(["s3cr", "et"])
    for url in (f"s3://bucket/team?aws_secret_access_key={secret}", f"https://me:{secret}@host/x"):
        text = f"[hubs.acme]\nurl = '{url}'\n"
        with pytest.raises(BadInputError) as caught:
            load(tmp_path, _file(tmp_path / "team.toml", text, 0o644))
        assert "hubs.acme.url" in caught.value.what
        assert secret not in str(caught.value)
        assert load(tmp_path, _file(tmp_path / "team.toml", text, 0o640)).hubs["acme"].url == url
    plain = "[hubs.acme]\nurl = 's3://bucket/team?region=eu-central-1'\n"
    assert load(tmp_path, _file(tmp_path / "team.toml", plain, 0o644)).hubs


def test_a_token_where_its_place_belongs_is_refused_and_not_repeated(tmp_path: Path) -> None:
    token = "".join(["0123", "4567"] * 5)
    for environ in (
        {"SKILLCLAW_SERVE__TOKEN": f'"{token}"'},
        {"SKILLCLAW_SERVE__TOKEN": token + "x"},
        _file(tmp_path / "team.toml", f"[serve]\ntoken = '{token}'\n"),
    ):
        with pytest.raises(SkillClawError) as caught:
            load(tmp_path, environ)
        assert token not in str(caught.value)
    with pytest.raises(SkillClawError) as caught:
        set_value(tmp_path, "serve.token", token)
    assert token not in str(caught.value)
    assert not (tmp_path / "config.toml").exists()
    assert set_value(tmp_path, "serve.token", "file:/etc/token") == "file:/etc/token"


NAMES = st.sampled_from(["a", "b", "c"])
TREES: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    NAMES,
    st.recursive(st.integers(0, 9), lambda deeper: st.dictionaries(NAMES, deeper, max_size=3), max_leaves=6),
    max_size=3,
)


def _at(tree: Any, parts: tuple[str, ...]) -> Any:
    """What is at a path; None where nothing is."""
    for part in parts:
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree


def _paths(tree: Any, above: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    if not isinstance(tree, dict):
        return set()
    return {(*above, name) for name in tree}.union(*(_paths(tree[name], (*above, name)) for name in tree))


@given(st.lists(TREES, min_size=1, max_size=4))
def test_the_strongest_source_counts_and_is_the_one_named(trees: list[dict[str, Any]]) -> None:
    before = json.dumps(trees)
    found = [Layer(name=str(number), tree=tree) for number, tree in enumerate(trees)]
    whole = united(found)
    for path in set().union(*map(_paths, trees)):
        strongest = max(number for number, tree in enumerate(trees) if _at(tree, path) is not None)
        assert origin(found, path) == str(strongest)
        # what a stronger source says on the way to it, if that is no table, takes its place
        hidden = any(
            not isinstance(_at(tree, path[:end]), dict | None)
            for tree in trees[strongest + 1 :]
            for end in range(1, len(path))
        )
        value = _at(trees[strongest], path)
        if hidden or not isinstance(value, dict):
            assert _at(whole, path) == (None if hidden else value)
        else:
            assert isinstance(_at(whole, path), dict)
    assert _paths(whole) <= set().union(*map(_paths, trees))
    assert json.dumps(trees) == before  # no source is changed by joining them
    assert united([*found, found[-1]]) == whole
