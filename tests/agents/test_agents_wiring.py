"""Connecting changes one key; disconnecting gives the user's file back."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from pathlib import Path

import pytest
import tomlkit
from agents_material import make_env
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillclaw.agents import (
    Env,
    FileEdit,
    adapters,
    apply,
    connected,
    connected_upstreams,
    connection,
    diff,
    wiring,
)
from skillclaw.errors import BadInputError, StorageError, UpgradeNeededError, UsageError

CLAUDE = adapters()["claude-code"]
CODEX = adapters()["codex"]
CLAUDE_URL = "http://127.0.0.1:8787/claude-code"
CODEX_URL = "http://127.0.0.1:8787/codex"


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


def settings_json(env: Env, content: str | None = None) -> Path:
    path = env.home / ".claude/settings.json"
    if content is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode())
    return path


def config_toml(env: Env, content: str | None = None) -> Path:
    path = env.home / ".codex/config.toml"
    if content is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode())
    return path


def test_a_file_that_was_not_there_goes_again(env: Env, home: Path) -> None:
    wired = wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    path = settings_json(env)
    assert json.loads(path.read_text("utf-8")) == {"env": {"ANTHROPIC_BASE_URL": CLAUDE_URL}}
    assert (wired.changed, wired.files, wired.upstream) == (True, [str(path)], "https://api.anthropic.com")
    assert (connected(home), connected_upstreams(home)) == (["claude-code"], {})
    assert wiring.disconnect(home, env, CLAUDE).changed
    assert not path.exists()
    assert connected(home) == []
    assert not wiring.disconnect(home, env, CLAUDE).changed


def test_layout_order_and_everything_else_stay(env: Env, home: Path) -> None:
    content = (
        '{\r\n\t"model":"opus" ,\r\n\t"env": {"A": "1",   '
        '"ANTHROPIC_BASE_URL" : "https://gw.example/x/" , "Z":[1,\r\n2]}\r\n}'
    )
    path = settings_json(env, content)
    wired = wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    assert path.read_bytes().decode() == content.replace("https://gw.example/x/", CLAUDE_URL)
    assert wired.upstream == "https://gw.example/x"
    assert connected_upstreams(home) == {"claude-code": "https://gw.example/x"}
    wiring.disconnect(home, env, CLAUDE)
    assert path.read_bytes().decode() == content


def test_new_members_look_like_their_neighbours(env: Env, home: Path) -> None:
    path = settings_json(env, '{\n    "model": "opus",\n    "env": {\n        "A": "1"\n    }\n}\n')
    wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    assert path.read_text("utf-8") == (
        '{\n    "model": "opus",\n    "env": {\n        "A": "1",\n'
        f'        "ANTHROPIC_BASE_URL": "{CLAUDE_URL}"\n    }}\n}}\n'
    )


def test_what_the_user_changed_since_stays(env: Env, home: Path) -> None:
    path = settings_json(env, '{\n  "model": "opus"\n}\n')
    wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    path.write_text(path.read_text("utf-8").replace("opus", "sonnet"), "utf-8")
    wiring.disconnect(home, env, CLAUDE)
    assert path.read_text("utf-8") == '{\n  "model": "sonnet"\n}\n'
    wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    path.write_text('{"env": {"ANTHROPIC_BASE_URL": "https://mine.example"}}', "utf-8")
    assert wiring.disconnect(home, env, CLAUDE).files == []
    assert json.loads(path.read_text("utf-8"))["env"] == {"ANTHROPIC_BASE_URL": "https://mine.example"}


def test_an_empty_object_that_was_the_users_stays(env: Env, home: Path) -> None:
    path = settings_json(env, '{"env": {}}')
    wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    path.write_text(path.read_text("utf-8") + "\n", "utf-8")
    wiring.disconnect(home, env, CLAUDE)
    assert json.loads(path.read_text("utf-8")) == {"env": {}}


def test_again_is_already_and_another_port_keeps_the_original(env: Env, home: Path) -> None:
    original = '{"env":{"ANTHROPIC_BASE_URL":"https://gw.example"}, "x" : 1}'
    path = settings_json(env, original)
    wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    again = wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    assert (again.changed, again.diff, again.upstream) == (False, "", "https://gw.example")
    other = CLAUDE_URL.replace("8787", "9999")
    moved = wiring.connect(home, env, CLAUDE, other)
    assert (moved.changed, moved.upstream) == (True, "https://gw.example")
    assert json.loads(path.read_text("utf-8"))["env"]["ANTHROPIC_BASE_URL"] == other
    path.write_text(path.read_text("utf-8").replace('"x" : 1', '"x" : 2'), "utf-8")
    wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    wiring.disconnect(home, env, CLAUDE)
    assert path.read_text("utf-8") == original.replace('"x" : 1', '"x" : 2')


def test_the_proxy_is_never_its_own_upstream(env: Env, home: Path) -> None:
    path = settings_json(env, '{"env": {"ANTHROPIC_BASE_URL": "http://localhost:1234/claude-code"}}')
    wired = wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    assert wired.upstream == "https://api.anthropic.com" and wired.notes
    wiring.disconnect(home, env, CLAUDE)
    assert json.loads(path.read_text("utf-8")) == {"env": {}}
    config = config_toml(env, 'openai_base_url = "http://127.0.0.1:1/codex"\n')
    assert wiring.connect(home, env, CODEX, CODEX_URL).upstream == CODEX.default_upstream
    wiring.disconnect(home, env, CODEX)
    assert config.read_text("utf-8") == ""


def test_a_base_url_in_the_environment_is_the_upstream(tmp_path: Path, home: Path) -> None:
    env = make_env(tmp_path, ANTHROPIC_BASE_URL="https://gw.example/")
    assert wiring.connect(home, env, CLAUDE, CLAUDE_URL).upstream == "https://gw.example"
    assert CLAUDE.upstream(env) == "https://gw.example"


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes and links")
def test_links_are_written_through_and_modes_kept(env: Env, home: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    real.write_text("{}", "utf-8")
    real.chmod(0o640)
    path = settings_json(env)
    path.parent.mkdir()
    path.symlink_to(real)
    wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    assert path.is_symlink() and CLAUDE_URL in real.read_text("utf-8")
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    wiring.disconnect(home, env, CLAUDE)
    assert path.is_symlink() and real.read_text("utf-8") == "{}"
    private = [home / "connections.json", *(home / "backups").iterdir()]
    assert {stat.S_IMODE(p.stat().st_mode) for p in private} == {0o600}
    assert stat.S_IMODE((home / "backups").stat().st_mode) == 0o700


@pytest.mark.parametrize("content", ['{"env": ', "[1]", '{"env": 5}', "// mine\n{}", "\xff"])
def test_a_file_that_does_not_parse_is_left_alone(env: Env, home: Path, content: str) -> None:
    path = settings_json(env, "")
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(BadInputError, match="left as it is"):
        wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    assert path.read_bytes() == content.encode("latin-1")
    assert not home.exists()
    config_toml(env, "model = \n")
    with pytest.raises(BadInputError, match="left as it is"):
        wiring.connect(home, env, CODEX, CODEX_URL)


def test_dry_run_shows_and_writes_nothing_and_hides_credentials(env: Env, home: Path) -> None:
    content = '{\n  "env": {\n    "ANTHROPIC_AUTH_TOKEN": "sk-secret-1"\n  }\n}\n'
    path = settings_json(env, content)
    wired = wiring.connect(home, env, CLAUDE, CLAUDE_URL, dry_run=True)
    assert wired.changed and f'+    "ANTHROPIC_BASE_URL": "{CLAUDE_URL}"' in wired.diff
    assert "sk-secret-1" not in wired.diff and '"***"' in wired.diff
    assert path.read_text("utf-8") == content and not home.exists()
    wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    assert wiring.disconnect(home, env, CLAUDE, dry_run=True).diff
    assert connected(home) == ["claude-code"]


def test_a_file_that_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1", "utf-8")
    two.write_text("2", "utf-8")
    edits = [FileEdit(path=p, before=p.read_bytes(), after=b"new") for p in (one, two)]
    two.write_text("other", "utf-8")
    with pytest.raises(BadInputError, match="changed just now"):
        apply(edits)
    assert (one.read_text("utf-8"), two.read_text("utf-8")) == ("1", "other")
    assert diff(edits).count("+new") == 2


def test_what_an_agent_saves_while_its_file_is_written_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk takes its time for the new file beside it."""
    one, two = tmp_path / "one", tmp_path / "two"
    for path in (one, two):
        path.write_text("old", "utf-8")
    edits = [FileEdit(path=path, before=b"old", after=b"new") for path in (one, two)]
    monkeypatch.setattr(os, "fsync", lambda handle: two.write_text("saved", "utf-8"))
    with pytest.raises(BadInputError, match="changed just now"):
        apply(edits)
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == {
        "one": "old",
        "two": "saved",
    }


def test_all_edits_or_none(tmp_path: Path) -> None:
    one = tmp_path / "one"
    one.write_text("1", "utf-8")
    (tmp_path / "file").write_text("", "utf-8")
    bad = FileEdit(path=tmp_path / "file/below", before=None, after=b"x")
    with pytest.raises(StorageError):
        apply([FileEdit(path=one, before=b"1", after=b"new"), bad])
    assert one.read_text("utf-8") == "1"


def test_a_crash_between_record_and_write_undoes_to_nothing(env: Env, home: Path) -> None:
    path = settings_json(env, '{"a": 1}')
    wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    written = path.read_bytes()
    wiring.connect(home, env, CLAUDE, CLAUDE_URL.replace("8787", "9999"))
    path.write_bytes(written)  # as if the second write had never happened
    wiring.disconnect(home, env, CLAUDE)
    assert json.loads(path.read_text("utf-8")) == {"a": 1}


def test_a_damaged_backup_or_record_is_not_used(env: Env, home: Path) -> None:
    path = settings_json(env, '{"a": 1}')
    wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    (backup,) = (home / "backups").iterdir()
    backup.write_text("{}", "utf-8")
    with pytest.raises(StorageError, match="damaged"):
        wiring.disconnect(home, env, CLAUDE)
    assert CLAUDE_URL in path.read_text("utf-8")
    (home / "connections.json").write_text('{"v": 99}', "utf-8")
    with pytest.raises(UpgradeNeededError):
        connected(home)
    (home / "connections.json").write_text("nonsense", "utf-8")
    with pytest.raises(BadInputError, match="does not hold"):
        connected(home)


def test_codex_by_provider_and_profile(env: Env, home: Path) -> None:
    content = (
        '# mine\nmodel = "m" # keep\nprofile = "work"\n\n[model_providers.gw]\nname = "GW"\n'
        'base_url = "https://gw.example/v1"   # ours\nenv_key = "K"\n\n'
        '[profiles.work]\nmodel_provider = "gw"\n'
    )
    path = config_toml(env, content)
    wired = wiring.connect(home, env, CODEX, CODEX_URL)
    assert wired.upstream == "https://gw.example/v1"
    assert path.read_text("utf-8") == content.replace("https://gw.example/v1", CODEX_URL)
    assert CODEX.launch(env, CODEX_URL, ["x"]).argv == [
        "codex", "-c", f'model_providers.gw.base_url="{CODEX_URL}"', "x",
    ]  # fmt: skip
    path.write_text(path.read_text("utf-8").replace('"m"', '"n"'), "utf-8")
    wiring.disconnect(home, env, CODEX)
    assert path.read_text("utf-8") == content.replace('"m"', '"n"')


def test_codex_built_in_provider(env: Env, home: Path) -> None:
    content = '# top\nmodel = "m"\n\n[tui]\ntheme = "x"\n'
    path = config_toml(env, content)
    wiring.connect(home, env, CODEX, CODEX_URL)
    tree = tomllib.loads(path.read_text("utf-8"))
    assert (tree["openai_base_url"], tree["tui"]) == (CODEX_URL, {"theme": "x"})
    path.write_text(path.read_text("utf-8").replace('"m"', '"n"'), "utf-8")
    wiring.disconnect(home, env, CODEX)
    assert tomllib.loads(path.read_text("utf-8")) == {"model": "n", "tui": {"theme": "x"}}
    config_toml(env, 'model_provider = "ollama"\n')
    with pytest.raises(BadInputError, match="ollama"):
        wiring.connect(home, env, CODEX, CODEX_URL)


@pytest.mark.parametrize(
    ("auth", "upstream"),
    [
        (None, "https://api.openai.com/v1"),
        ('{"OPENAI_API_KEY": "sk-x"}', "https://api.openai.com/v1"),
        ('{"auth_mode": "chatgpt", "tokens": {}}', "https://chatgpt.com/backend-api/codex"),
        ('{"OPENAI_API_KEY": null, "tokens": {"a": 1}}', "https://chatgpt.com/backend-api/codex"),
        ('{"auth_mode": "apikey", "tokens": {"a": 1}}', "https://api.openai.com/v1"),
        ("nonsense", "https://api.openai.com/v1"),
    ],
)
def test_codex_goes_where_its_login_belongs(env: Env, auth: str | None, upstream: str) -> None:
    if auth is not None:
        config_toml(env, "").with_name("auth.json").write_text(auth, "utf-8")
    assert CODEX.upstream(env) == upstream


def test_other_agents_have_nothing_to_edit(env: Env, home: Path) -> None:
    generic = adapters()["generic"]
    with pytest.raises(UsageError, match="skillclaw run generic"):
        wiring.connect(home, env, generic, "http://127.0.0.1:8787/generic")
    launch = generic.launch(env, "http://p/generic", ["aider", "-v"])
    assert launch.argv == ["aider", "-v"]
    assert launch.env["OPENAI_BASE_URL"] == launch.env["ANTHROPIC_BASE_URL"] == "http://p/generic"
    with pytest.raises(UsageError):
        generic.launch(env, "http://p/generic", [])


def test_launch_wins_over_settings(env: Env) -> None:
    plain = CLAUDE.launch(env, CLAUDE_URL, ["-p", "hi"])
    assert (plain.argv, plain.env) == (["claude", "-p", "hi"], {"ANTHROPIC_BASE_URL": CLAUDE_URL})
    settings_json(env, '{"env": {"ANTHROPIC_BASE_URL": "https://gw.example"}}')
    argv = CLAUDE.launch(env, CLAUDE_URL, ["-p", "hi"]).argv
    assert argv[1] == "--settings" and json.loads(argv[2]) == {"env": {"ANTHROPIC_BASE_URL": CLAUDE_URL}}


def test_doctor_tells_what_is_wrong(env: Env, home: Path) -> None:
    def levels(agent: str, url: str | None) -> dict[str, str]:
        return {f.subject: f.level for f in adapters()[agent].doctor(env, url)}

    assert levels("claude-code", None)["Claude Code settings"] == "ok"
    assert levels("claude-code", CLAUDE_URL)["Claude Code settings"] == "fail"
    wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    assert levels("claude-code", CLAUDE_URL)["Claude Code settings"] == "ok"
    assert levels("claude-code", None)["Claude Code settings"] == "warn"
    local = env.cwd / ".claude/settings.local.json"
    local.parent.mkdir()
    local.write_text('{"env": {"ANTHROPIC_BASE_URL": "https://else.example"}}', "utf-8")
    assert levels("claude-code", CLAUDE_URL)["Claude Code project settings"] == "warn"
    wiring.connect(home, env, CODEX, CODEX_URL)
    found = levels("codex", CODEX_URL)
    assert (found["Codex settings"], found["Codex login"], found["Codex program"]) == ("ok", "warn", "warn")
    config_toml(env, "x = ")
    assert levels("codex", CODEX_URL)["Codex settings"] == "fail"


@pytest.mark.parametrize("value", ["1", 1, True, "on"])
@pytest.mark.parametrize("place", ["home", "project"])
def test_a_cloud_that_settings_choose_is_told(env: Env, home: Path, value: object, place: str) -> None:
    name = "CLAUDE_CODE_USE_BEDROCK"
    path = settings_json(env, "{}") if place == "home" else env.cwd / ".claude/settings.local.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"env": {name: value}}), "utf-8")
    assert any(
        name in note and str(path) in note for note in wiring.connect(home, env, CLAUDE, CLAUDE_URL).notes
    )
    (told,) = [found for found in CLAUDE.doctor(env, CLAUDE_URL) if name in found.subject]
    assert (told.level, told.mend) == ("warn", f"Take {name} out of it.") and str(path) in told.text


def test_settings_that_switch_a_cloud_off_win_over_the_environment(tmp_path: Path) -> None:
    env = make_env(tmp_path, CLAUDE_CODE_USE_VERTEX="1")
    assert [found for found in CLAUDE.doctor(env, CLAUDE_URL) if "VERTEX" in found.subject]
    settings_json(env, '{"env": {"CLAUDE_CODE_USE_VERTEX": "0"}}')
    assert not [found for found in CLAUDE.doctor(env, CLAUDE_URL) if "VERTEX" in found.subject]


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for the program")
def test_versions_come_from_the_program(tmp_path: Path) -> None:
    program = tmp_path / "codex"
    program.write_text("#!/bin/sh\necho codex-cli 0.169.0\n", "utf-8")
    program.chmod(0o755)
    env = make_env(tmp_path, PATH=str(tmp_path))
    assert CODEX.detect(env, versions=True).version == "0.169.0"
    assert CODEX.detect(env, versions=False).version is None
    program.write_text("#!/bin/sh\necho codex-cli 0.99.1\n", "utf-8")
    assert "Codex version" in {f.subject for f in CODEX.doctor(env, CODEX_URL)}
    program.write_text("#!/bin/sh\nexit 3\n", "utf-8")
    assert CODEX.detect(env, versions=True).version is None


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | NAMES
VALUES = st.recursive(
    LEAVES, lambda v: st.lists(v, max_size=3) | st.dictionaries(NAMES, v, max_size=3), max_leaves=8
)
QUICK = settings(
    max_examples=examples(120), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@QUICK
@given(
    tree=st.dictionaries(NAMES, VALUES, max_size=4),
    # A base URL of variables that are not set is refused, which is tested elsewhere.
    inner=st.none()
    | st.dictionaries(
        NAMES | st.just("ANTHROPIC_BASE_URL"), NAMES.filter(lambda text: "$" not in text), max_size=3
    ),
    indent=st.sampled_from([None, 0, 2, 4, "\t"]),
    ascii_only=st.booleans(),
    edge=st.sampled_from(["", "\n", " \r\n", "\ufeff"]),
    extra=NAMES,
)
def test_any_json_comes_back(
    env: Env, home: Path, tree: dict[str, object], inner: object, indent: int | str | None, ascii_only: bool,
    edge: str, extra: str,
) -> None:  # fmt: skip
    tree = {**tree} if inner is None else {**tree, "env": inner}
    if not isinstance(tree.get("env", {}), dict):
        return
    body = json.dumps(tree, indent=indent, ensure_ascii=ascii_only)
    content = edge + body if edge == "\ufeff" else body + edge
    path = settings_json(env, content)
    wiring.connect(home, env, CLAUDE, CLAUDE_URL)
    now = json.loads(path.read_bytes().decode("utf-8-sig"))
    assert now["env"].pop("ANTHROPIC_BASE_URL") == CLAUDE_URL
    assert path.read_bytes() != content.encode()
    # The user adds a key: only ours goes.
    changed = json.loads(path.read_bytes().decode("utf-8-sig")) | {"extra": extra}
    exact = path.read_bytes()
    path.write_text(json.dumps(changed), "utf-8")
    undo = CLAUDE.disconnect(env, connection(home, "claude-code") or pytest.fail("no record"))
    assert json.loads((undo[0].after or b"").decode()) == {**tree, "extra": extra}
    path.write_bytes(exact)
    wiring.disconnect(home, env, CLAUDE)
    assert path.read_bytes() == content.encode()


TOML_KEYS = st.text(st.characters(codec="ascii", categories=["L", "Nd"]), min_size=1, max_size=6)
TOML_LEAVES = st.booleans() | st.integers(-(2**60), 2**60) | NAMES | st.lists(st.integers(0, 9), max_size=3)
TABLES = st.dictionaries(TOML_KEYS, TOML_LEAVES, max_size=3)


@QUICK
@given(
    top=TABLES,
    tables=st.dictionaries(TOML_KEYS, TABLES | st.lists(TABLES, min_size=1, max_size=2), max_size=3),
    custom=st.booleans(),
    comment=st.sampled_from(["", "# note\n", "\n\n# a = 1\n"]),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_any_toml_comes_back(
    env: Env, home: Path, top: dict[str, object], tables: dict[str, object], custom: bool, comment: str,
    newline: str,
) -> None:  # fmt: skip
    reserved = {"openai_base_url", "model_provider", "model_providers", "profile", "profiles"}
    tree = {k: v for k, v in {**tables, **top}.items() if k not in reserved}
    if custom:
        tree = {"model_provider": "gw", **tree, "model_providers": {"gw": {"base_url": "https://gw.example"}}}
    plain = {
        k: v for k, v in tree.items() if not isinstance(v, dict | list) or (isinstance(v, list) and not v)
    }
    ordered = {**plain, **{k: v for k, v in tree.items() if k not in plain}}
    content = comment + tomlkit.dumps(ordered).replace("\n", newline)
    path = config_toml(env, content)
    if tomllib.loads(path.read_bytes().decode()) != tree:
        return
    wiring.connect(home, env, CODEX, CODEX_URL)
    now = tomllib.loads(path.read_bytes().decode())
    if custom:
        assert now["model_providers"]["gw"].pop("base_url") == CODEX_URL
        now["model_providers"]["gw"]["base_url"] = "https://gw.example"
    else:
        assert now.pop("openai_base_url") == CODEX_URL
    assert now == tree
    exact = path.read_bytes()
    path.write_bytes(b"# by hand\n" + exact)
    undo = CODEX.disconnect(env, connection(home, "codex") or pytest.fail("no record"))
    assert tomllib.loads((undo[0].after or b"").decode()) == tree
    path.write_bytes(exact)
    wiring.disconnect(home, env, CODEX)
    assert path.read_bytes() == content.encode()
