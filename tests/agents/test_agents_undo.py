"""Disconnecting gives the user's own lines back, whatever he changed beside them, in every format."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from agents_material import make_env

from skillclaw.agents import Env, connected, wiring
from skillclaw.agents.platform import Place, Platform, Setting
from skillclaw.agents.texts import Format
from skillclaw.errors import BadInputError, StorageError

URL = "http://127.0.0.1:8787/probe"


class Probe(Platform):
    """An agent with one settings file of the format that is to be tested."""

    name = "probe"
    title = "Probe"

    def __init__(self, format: Format, keys: tuple[Any, ...], more: tuple[Setting, ...] = ()) -> None:
        self.format = format
        self.keys = keys
        self.more = more

    def place(self, env: Env) -> Place:
        return Place(
            path=env.home / "settings",
            format=self.format,
            keys=self.keys,
            token_keys=(*self.keys[:-1], "key"),
        )

    def extras(self, env: Env, base_url: str) -> list[Setting]:
        return list(self.more)


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


TEXTS: list[tuple[Format, str]] = [
    ("json", '{\n  "a": {\n    "b": "\\u00e9 # \\"q\\""\n  }\n}'),
    ("json", '{\n  "a": null,\n  "c": 1}\n'),
    ("json", '{\r\n\t"a": {"b": "x", "b": "https://mine.example"},\r\n\t"c": 1\r\n}\r\n'),
    ("json", '\ufeff{\n  "a": {}\n}\n'),
    ("json5", "// one\n{\n  a: { // two\n    'b': 'x', // three\n    /* four */ }, // five\n}\n// six"),
    ("json5", "// nothing\n"),
    ("json5", "{\n  a: {/* none */},\n  c: 1\n}\n"),
    ("toml", "x = 1"),
    ("toml", "[[z]]\r\nq = 1\r\n"),
    ("toml", "a = { b = 'x' } # why\nc = 1\n"),
    ("toml", "# only a note\n"),
    ("yaml", "a:\n  b: |\n    x\n    y\nz: 1\n"),
    ("yaml", "a: ~ # none\nz: 1\n"),
    ("yaml", "a:\n  # none\nz: 1\n"),
    ("yaml", "---\na:\n  b: 'https://mine.example' # why\n...\n"),
    ("yaml", "base: &x\n  c: 1\na:\n  <<: *x\n  d: 1"),
    ("yaml", "a: {c: 1,\n  d: 2}\n"),
]


@pytest.mark.parametrize(("format", "text"), TEXTS)
@pytest.mark.parametrize("end", [False, True])
def test_lines_of_the_users_come_back_as_they_were(
    env: Env, home: Path, format: Format, text: str, end: bool
) -> None:
    probe = Probe(format, ("a", "b"))
    path = env.home / "settings"
    path.write_bytes(text.encode())
    wiring.connect(home, env, probe, URL)
    wiring.connect(home, env, probe, URL.replace("8787", "9999"), token="skillclaw-t")
    made = path.read_bytes().decode()
    assert "9999" in made and "skillclaw-t" in made
    note = {"json": " ", "json5": "// by hand\n", "toml": "# by hand\n", "yaml": "# by hand\n"}[format]
    bom = made[: made.startswith("\ufeff")]

    # Beside the lines that were written: a note before them, or behind them.
    def noted(before: str) -> str:
        if end and not before.endswith("\n") and format != "json":
            before += "\r\n" if "\r\n" in before else "\n"
        return before + note if end else bom + note + before.removeprefix("\ufeff")

    path.write_bytes(noted(made).encode())
    wiring.disconnect(home, env, probe)
    assert path.read_bytes().decode() == noted(text)


@pytest.mark.parametrize(
    "text",
    [
        "A=1 # why\n",
        ' export A = "q"  # why\n',
        'A="two\nlines"\nB=2\n',
        "A\n",
        "A=`x`\r\nB=2\r\n",
        "# note\nA='it is'\nA=2\n",
        "\n\nB=2\n\n",
    ],
)
def test_variables_come_back_as_they_were(env: Env, home: Path, text: str) -> None:
    class Dotenv(Probe):
        def place(self, env: Env) -> Place:
            return Place(path=env.home / ".env", format="env", keys=("A",))

    path = env.home / ".env"
    path.write_bytes(text.encode())
    wiring.connect(home, env, Dotenv("env", ("A",)), URL)
    assert URL in path.read_bytes().decode()
    path.write_bytes(b"C=3\n" + path.read_bytes())
    wiring.disconnect(home, env, Dotenv("env", ("A",)))
    assert path.read_bytes().decode() == f"C=3\n{text}"


def test_a_comment_behind_a_variable_stays_while_connected(env: Env, home: Path) -> None:
    class Dotenv(Probe):
        def place(self, env: Env) -> Place:
            return Place(path=env.home / ".env", format="env", keys=("A",))

    path = env.home / ".env"
    path.write_text("export A = 'x # y'  # why\nB='it''s'\n", "utf-8")
    with pytest.raises(BadInputError):
        wiring.connect(home, env, Dotenv("env", ("A",)), URL)
    path.write_text("export A = 'x # y'  # why\n", "utf-8")
    wiring.connect(home, env, Dotenv("env", ("A",)), URL)
    assert path.read_text("utf-8") == f"export A = {URL}  # why\n"


def test_what_others_wrote_on_our_lines_stays_and_ours_goes(env: Env, home: Path) -> None:
    probe = Probe("json", ("a", "b"))
    path = env.home / "settings"
    path.write_text('{"a": {"b": "https://mine.example"}}', "utf-8")
    wiring.connect(home, env, probe, URL)
    path.write_text(path.read_text("utf-8").replace("}}", ', "c": "new"}}'), "utf-8")
    wiring.disconnect(home, env, probe)
    assert path.read_text("utf-8") == '{"a": {"b": "https://mine.example", "c": "new"}}'


def test_a_block_that_moved_elsewhere_is_not_taken_for_ours(env: Env, home: Path) -> None:
    """The line with the URL under another parent is the user's doing; nothing is put back into it."""
    probe = Probe("yaml", ("a", "b"))
    path = env.home / "settings"
    path.write_text("a:\n  b: https://mine.example\n", "utf-8")
    wiring.connect(home, env, probe, URL)
    path.write_text(f"z:\n  b: {URL}\na: 1\n", "utf-8")
    wiring.disconnect(home, env, probe)
    assert path.read_text("utf-8") == f"z:\n  b: {URL}\na: 1\n"


def test_items_of_an_older_port_go_too(env: Env, home: Path) -> None:
    """A crash between the record for a new port and the write leaves the item of the port before."""

    class Listed(Probe):
        def place(self, env: Env) -> Place:
            return Place(path=env.home / "settings", format="yaml", keys=("set-env",), item="BASE=")

    path = env.home / "settings"
    for text in ("set-env:\n  - A=1\n", "model: m\n"):
        path.write_text(text, "utf-8")
        wiring.connect(home, env, Listed("yaml", ()), URL)
        older = path.read_bytes()
        wiring.connect(home, env, Listed("yaml", ()), URL.replace("8787", "9999"))
        path.write_bytes(older)
        wiring.disconnect(home, env, Listed("yaml", ()))
        assert path.read_text("utf-8") == text


def test_of_items_with_two_ports_the_one_that_was_written_goes(env: Env, home: Path) -> None:
    class Listed(Probe):
        def place(self, env: Env) -> Place:
            return Place(path=env.home / "settings", format="yaml", keys=("set-env",), item="BASE=")

    path = env.home / "settings"
    path.write_text("set-env:\n  - A=1\n", "utf-8")
    wiring.connect(home, env, Listed("yaml", ()), URL)
    other = f"  - BASE={URL.replace('8787', '9999')}\n"
    path.write_text(path.read_text("utf-8").replace("  - A=1\n", f"  - A=1\n{other}\n"), "utf-8")
    wiring.disconnect(home, env, Listed("yaml", ()))
    assert path.read_text("utf-8").rstrip("\n") == f"set-env:\n  - A=1\n{other}".rstrip("\n")


def test_a_key_of_a_flow_mapping_without_a_value_is_set_and_put_back(env: Env, home: Path) -> None:
    probe = Probe("yaml", ("a", "b"))
    path = env.home / "settings"
    for text in ("a: {b }\n", "a: {b, c: 1}\n", "a: {c: 1, b}\n"):
        path.write_text(text, "utf-8")
        wiring.connect(home, env, probe, URL)
        assert yaml.safe_load(path.read_text("utf-8"))["a"]["b"] == URL
        wiring.disconnect(home, env, probe)
        assert path.read_text("utf-8") == text


def test_a_list_made_for_ours_keeps_what_others_added(env: Env, home: Path) -> None:
    more = (Setting(path=env.home / "settings", format="yaml", keys=("p", "use"), value="ours", item=True),)
    probe = Probe("yaml", ("a",), more)
    path = env.home / "settings"
    path.write_text("x: 1\n", "utf-8")
    wiring.connect(home, env, probe, URL)
    path.write_text(path.read_text("utf-8").replace("- ours\n", "- ours\n  - theirs\n"), "utf-8")
    wiring.disconnect(home, env, probe)
    assert path.read_text("utf-8") == "x: 1\np:\n  use:\n  - theirs\n"


def test_parents_that_the_user_deleted_do_not_come_back(env: Env, home: Path) -> None:
    more = (Setting(path=env.home / "settings", format="json", keys=("p", "q", "r"), value=True),)
    probe = Probe("json", ("a", "b"), more)
    path = env.home / "settings"
    path.write_text('{"a": {"b": "x"}, "p": {}}', "utf-8")
    wiring.connect(home, env, probe, URL)
    path.write_text('{"z": 1}', "utf-8")
    wiring.disconnect(home, env, probe)
    assert path.read_text("utf-8") == '{"z": 1}'


def test_no_credential_is_in_the_error_of_a_file_that_cannot_be_put_back(env: Env, home: Path) -> None:
    class Keyed(Probe):
        def place(self, env: Env) -> Place:
            return Place(path=env.home / "settings", format="yaml", keys=("b",), token_keys=("k",))

    path = env.home / "settings"
    path.write_text("b: x\nk: my-own-key-123\n", "utf-8")
    wiring.connect(home, env, Keyed("yaml", ()), URL, token="skillclaw-t")
    path.write_text("b: &u " + URL + "\nc: *u\nk: &t skillclaw-t\nd: *t\n", "utf-8")
    with pytest.raises(BadInputError) as caught:
        wiring.disconnect(home, env, Keyed("yaml", ()))
    assert "my-own-key" not in str(caught.value) and "skillclaw-t" not in str(caught.value)


def test_agents_connected_at_the_same_time_are_all_remembered(env: Env, home: Path) -> None:
    """`up` and a command, or two commands: neither may forget what the other wrote down."""

    class Named(Probe):
        def __init__(self, number: int) -> None:
            super().__init__("json", ("a",))
            self.name = f"probe{number}"

        def place(self, env: Env) -> Place:
            return Place(path=env.home / self.name, format="json", keys=("a",))

    probes = [Named(number) for number in range(12)]
    for probe in probes:
        (env.home / probe.name).write_text('{"b": 1}', "utf-8")
    with ThreadPoolExecutor(12) as pool:
        made = list(pool.map(lambda p: wiring.connect(home, env, p, f"http://127.0.0.1:1/{p.name}"), probes))
        assert all(wired.changed for wired in made)
        assert connected(home) == sorted(probe.name for probe in probes)
        list(pool.map(lambda p: wiring.disconnect(home, env, p), probes))
    assert connected(home) == []
    assert {(env.home / probe.name).read_text("utf-8") for probe in probes} == {'{"b": 1}'}


@pytest.mark.parametrize(
    "url", ["${GATE}", "$GATE/", "{env:GATE}", "https://${HOST}/v1", "${NONE:-https://gw.example/v1}"]
)
def test_variables_in_a_base_url_are_filled_in(tmp_path: Path, home: Path, url: str) -> None:
    env = make_env(tmp_path, GATE="https://gw.example/v1", HOST="gw.example")
    (env.home / "settings").write_text(f'{{"a": "{url}"}}', "utf-8")
    wired = wiring.connect(home, env, Probe("json", ("a",)), URL)
    assert wired.upstream == "https://gw.example/v1"
    wiring.disconnect(home, env, Probe("json", ("a",)))
    assert (env.home / "settings").read_text("utf-8") == f'{{"a": "{url}"}}'


def test_a_base_url_from_a_variable_that_is_not_set_goes_nowhere_else(env: Env, home: Path) -> None:
    """The key of the user's gateway must not be sent to the provider's own address."""
    (env.home / "settings").write_text('{"a": "${GATE}"}', "utf-8")
    with pytest.raises(BadInputError, match="GATE"):
        wiring.connect(home, env, Probe("json", ("a",)), URL)
    with pytest.raises(BadInputError, match="GATE"):
        Probe("json", ("a",)).upstream(env)
    assert (env.home / "settings").read_text("utf-8") == '{"a": "${GATE}"}'


@pytest.mark.skipif(os.name == "nt", reason="pipes")
def test_a_pipe_in_place_of_settings_is_neither_read_nor_replaced(env: Env, home: Path) -> None:
    """Password managers offer secrets so; reading one waits for somebody to write."""
    os.mkfifo(env.home / "settings")
    with pytest.raises(StorageError, match="no plain file"):
        wiring.connect(home, env, Probe("json", ("a",)), URL)
    assert (env.home / "settings").is_fifo()


ENTRIES = "models:\n- id: a\n  url: https://a.example\n- id: b\n  url: https://b.example\n- id: b\n  url: https://b2.example\n"


def entry(index: int) -> Probe:
    """An agent whose base URL stands in an entry of a list."""
    return Probe("yaml", ("models", index, "url"))


@pytest.mark.parametrize("index", [0, 1, 2])
@pytest.mark.parametrize(
    "change",
    [
        lambda models: models.insert(0, {"id": "new", "url": "https://new.example"}),
        lambda models: models.insert(1, {"id": "new"}),
        lambda models: (
            models.reverse() if len({m["id"] for m in models}) == len(models) else models.append({})
        ),
        lambda models: models.append({"id": "new", "url": "https://new.example"}),
    ],
)
def test_an_entry_of_a_list_is_put_back_wherever_it_stands_now(
    env: Env, home: Path, index: int, change: Any
) -> None:
    path = env.home / "settings"
    path.write_text(ENTRIES, "utf-8")
    before = yaml.safe_load(ENTRIES)["models"]
    wiring.connect(home, env, entry(index), URL)
    held = yaml.safe_load(path.read_text("utf-8"))
    assert held["models"][index]["url"] == URL
    change(held["models"])
    path.write_text(yaml.safe_dump(held), "utf-8")
    change(before)
    # as `up` does it when it begins again, and at the end
    again = entry(next(at for at, model in enumerate(held["models"]) if model.get("url") == URL))
    made = wiring.connect(home, env, again, URL.replace("8787", "9999"), again=True)
    assert made.upstream == before[again.keys[1]]["url"]
    wiring.disconnect(home, env, again)
    assert yaml.safe_load(path.read_text("utf-8"))["models"] == before


def test_what_an_entry_was_is_given_to_no_other(env: Env, home: Path) -> None:
    path = env.home / "settings"
    path.write_text(ENTRIES, "utf-8")
    wiring.connect(home, env, entry(0), URL)
    held = yaml.safe_load(path.read_text("utf-8"))
    del held["models"][0]
    path.write_text(yaml.safe_dump(held), "utf-8")
    wiring.disconnect(home, env, entry(0))
    assert yaml.safe_load(path.read_text("utf-8")) == held
    # one that was called otherwise since is the same still
    path.write_text(ENTRIES, "utf-8")
    wiring.connect(home, env, entry(0), URL)
    renamed = path.read_text("utf-8").replace("id: a", "id: z")
    path.write_text(renamed.replace("models:", "# mine\nmodels:\n- id: first\n"), "utf-8")
    wiring.disconnect(home, env, entry(0))
    urls = [model.get("url") for model in yaml.safe_load(path.read_text("utf-8"))["models"]]
    assert urls == [None, "https://a.example", "https://b.example", "https://b2.example"]


@pytest.mark.parametrize("url", ["http://localhost:3000/probe/v1", "http://127.0.0.1:9999/probe/x"])
def test_a_gateway_of_the_users_with_a_path_of_that_name_is_no_skillclaw(
    env: Env, home: Path, url: str
) -> None:
    path = env.home / "settings"
    path.write_text(f"a:\n  b: {url}\n", "utf-8")
    made = wiring.connect(home, env, Probe("yaml", ("a", "b")), URL)
    assert made.upstream == url
    wiring.disconnect(home, env, Probe("yaml", ("a", "b")))
    assert path.read_text("utf-8") == f"a:\n  b: {url}\n"


@pytest.mark.parametrize(
    "url", ["https://$(cat /h)/v1", "https:///v1", "https://${NOT_SET_HERE}/v1", "https://${A:-}/v1"]
)
def test_a_base_url_that_names_no_host_is_refused(env: Env, home: Path, url: str) -> None:
    path = env.home / "settings"
    path.write_text(f"a:\n  b: {url}\n", "utf-8")
    with pytest.raises(BadInputError):
        wiring.connect(home, env, Probe("yaml", ("a", "b")), URL)
    assert path.read_text("utf-8") == f"a:\n  b: {url}\n"


def test_a_copy_of_what_skillclaw_wrote_is_told(env: Env, home: Path) -> None:
    path = env.home / "settings"
    path.write_text("a:\n  b: https://mine.example\n", "utf-8")
    probe = Probe("yaml", ("a", "b"))
    wiring.connect(home, env, probe, URL)
    path.write_text(f"{path.read_text('utf-8')}copy: {URL}\nother: {URL}-2\n", "utf-8")
    (note,) = wiring.disconnect(home, env, probe).notes
    assert f"{URL} stands in {path} still" in note
    assert path.read_text("utf-8") == f"a:\n  b: https://mine.example\ncopy: {URL}\nother: {URL}-2\n"
    wiring.connect(home, env, probe, URL)
    path.write_text(path.read_text("utf-8").replace(f"copy: {URL}\n", ""), "utf-8")
    assert wiring.disconnect(home, env, probe).notes == []


@pytest.mark.parametrize("port", ["8787", "9999"])
def test_what_a_skillclaw_without_a_record_left_is_nowhere_taken_for_the_users(
    env: Env, home: Path, port: str
) -> None:
    path = env.home / "settings"
    path.write_text("a:\n  b: https://mine.example\n  c: 1\n", "utf-8")
    more = Setting(path=path, format="yaml", keys=("a", "d"), value=URL)
    probe = Probe("yaml", ("a", "b"), (more,))
    wiring.connect(home, env, probe, URL)
    (home / "connections.json").unlink()
    (again,) = probe.more
    now = URL.replace("8787", port)
    probe.more = (Setting(path=path, format="yaml", keys=again.keys, value=now),)
    wiring.connect(home, env, probe, now)
    assert yaml.safe_load(path.read_text("utf-8"))["a"] == {"b": now, "c": 1, "d": now}
    wiring.disconnect(home, env, probe)
    assert yaml.safe_load(path.read_text("utf-8")) == {"a": {"c": 1}}


@pytest.mark.parametrize(
    "text",
    ["# mine\r\n", "a:\r\nc: 1\r\n", "a: ~ # none\r\n", "c: 1\r\nd: 2\r\n", "a:\r\n  c: 1\r\n", "c: 1\r\na:"],
)
def test_line_ends_are_those_of_the_file(env: Env, home: Path, text: str) -> None:
    path = env.home / "settings"
    path.write_bytes(text.encode())
    probe = Probe("yaml", ("a", "b"))
    wiring.connect(home, env, probe, URL)
    made = path.read_bytes().replace(b"\r\n", b"")
    assert b"\n" not in made and b"\r" not in made and URL.encode() in made
    wiring.disconnect(home, env, probe)
    assert path.read_bytes() == text.encode()
