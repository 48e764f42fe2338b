"""Hermes: the provider in use is found and reached, its settings stay, nothing is left behind."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from agents_material import make_env

from skillclaw.agents import Env, adapters, wiring
from skillclaw.errors import BadInputError, UsageError

HERMES = adapters()["hermes"]
URL = "http://127.0.0.1:8787/hermes"
NAMED = """\
# Mine.
model:
  default: big-one   # the only one
  provider: house
providers:
  house:
    name: House
    base_url: http://10.0.0.5:8000/v1  # in the cellar
    api_key: own-key
plugins:
  enabled: [weather]
"""


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return make_env(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "skillclaw"


def write(env: Env, config: str, dotenv: str = "", folder: str = ".hermes") -> Path:
    path = env.home / folder / "config.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(config, "utf-8")
    if dotenv:
        path.with_name(".env").write_text(dotenv, "utf-8")
    return path


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def route(env: Env, folder: str = ".hermes") -> dict[str, str]:
    found = json.loads((env.home / folder / "plugins/skillclaw/route.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def test_a_local_address_is_replaced_where_it_stands_and_comes_back(env: Env, home: Path) -> None:
    path = write(env, NAMED)
    before = tree(env.home)
    wired = wiring.connect(home, env, HERMES, URL)
    assert wired.upstream == "http://10.0.0.5:8000/v1"
    changed = NAMED.replace("http://10.0.0.5:8000/v1", URL).replace("[weather]", "[weather, skillclaw]")
    assert path.read_text("utf-8") == changed
    assert route(env) == {"to": URL}
    assert not wiring.connect(home, env, HERMES, URL).changed
    assert not [found for found in HERMES.doctor(env, URL) if found.level == "fail"]
    compiled = path.parent / "plugins/skillclaw/__pycache__/__init__.cpython-311.pyc"
    compiled.parent.mkdir()
    compiled.write_bytes(b"as Python leaves it")
    wiring.disconnect(home, env, HERMES)
    assert tree(env.home) == before
    assert not (path.parent / "plugins").exists()


def test_what_hermes_and_the_user_changed_since_stays(env: Env, home: Path) -> None:
    path = write(env, NAMED)
    wiring.connect(home, env, HERMES, URL)
    text = path.read_text("utf-8").replace("[weather, skillclaw]", "[weather, skillclaw, clock]")
    path.write_text(text + "display: {skin: mono}\n", "utf-8")
    wiring.disconnect(home, env, HERMES)
    assert (
        path.read_text("utf-8") == NAMED.replace("[weather]", "[weather, clock]") + "display: {skin: mono}\n"
    )


@pytest.mark.parametrize(
    ("config", "dotenv", "upstream"),
    [
        ("model: {provider: openrouter}\n", "", "https://openrouter.ai/api/v1"),
        (
            "model: {provider: openrouter}\n",
            "OPENROUTER_BASE_URL=https://m.example/v1\n",
            "https://m.example/v1",
        ),
        ("model: some/model\n", "OPENROUTER_API_KEY=k\n", "https://openrouter.ai/api/v1"),
        ("model: {provider: openai-codex}\n", "", "https://chatgpt.com/backend-api/codex"),
        ("model: {provider: claude}\n", "", "https://api.anthropic.com"),
        ("model: {provider: glm}\n", "", "https://api.z.ai/api"),
        ("model: {provider: kimi-coding}\n", "KIMI_API_KEY=sk-kimi-1\n", "https://api.kimi.com/coding"),
        ("model: {provider: deepseek, base_url: https://d.example/v1/}\n", "", "https://d.example/v1"),
        ("model: {provider: custom, base_url: https://api.openai.com/v1}\n", "", "https://api.openai.com/v1"),
        (
            "model: {provider: custom, base_url: http://h.example}\n",
            "CUSTOM_BASE_URL=http://x:1/v1\n",
            "http://x:1/v1",
        ),
        ("model: {provider: lmstudio}\n", "LM_BASE_URL=http://gpu:1234/v1\n", "http://gpu:1234"),
        (
            "model: {provider: 'custom:corp gate'}\ncustom_providers:\n"
            "- {name: other, base_url: http://a/v1}\n- {name: Corp Gate, base_url: https://c.example/v1}\n",
            "",
            "https://c.example/v1",
        ),
        ("model: {provider: x}\nproviders: {x: {api: 'http://127.0.0.1:9/anthropic'}}\n", "", ""),
    ],
)
def test_any_other_address_is_left_alone_and_the_plugin_leads_there(
    env: Env, home: Path, config: str, dotenv: str, upstream: str
) -> None:
    path = write(env, config, dotenv)
    upstream = upstream or "http://127.0.0.1:9/anthropic"
    before = tree(env.home)
    assert HERMES.upstream(env) == upstream
    wired = wiring.connect(home, env, HERMES, URL)
    assert wired.upstream == upstream and HERMES.upstream(env) == upstream
    assert route(env) == {"to": URL, "from": upstream}
    assert path.read_text("utf-8") == config + "plugins:\n  enabled:\n  - skillclaw\n"
    assert not wiring.connect(home, env, HERMES, URL).changed
    assert not [found for found in HERMES.doctor(env, URL) if found.level == "fail"]
    wiring.disconnect(home, env, HERMES)
    assert tree(env.home) == before


@pytest.mark.parametrize(
    ("config", "keys"),
    [
        (
            "model: {provider: custom, base_url: 'http://127.0.0.1:1/v1', api_key: k}\n",
            "model: {provider: custom, base_url: URL, api_key: k}\n",
        ),
        (
            "model: {provider: ollama, base_url: 'http://localhost:1/v1'}\n",
            "model: {provider: ollama, base_url: URL}\n",
        ),
        ("model:\n  base_url: http://gpu:1/v1\n", "model:\n  base_url: URL\n"),
        (
            "model: {provider: 'custom:b'}\ncustom_providers:\n- name: a\n  base_url: http://a/v1\n"
            "- name: B\n  base_url: http://b/v1  # here\n",
            "model: {provider: 'custom:b'}\ncustom_providers:\n- name: a\n  base_url: http://a/v1\n"
            "- name: B\n  base_url: URL  # here\n",
        ),
        (
            "model: {provider: x}\nproviders:\n  x:\n    url: http://a:1/v1\n    base_url: http://never/v1\n",
            "model: {provider: x}\nproviders:\n  x:\n    url: URL\n    base_url: http://never/v1\n",
        ),
    ],
)
def test_the_key_that_counts_is_the_one_that_changes(env: Env, home: Path, config: str, keys: str) -> None:
    path = write(env, config)
    wiring.connect(home, env, HERMES, URL)
    assert path.read_text("utf-8") == keys.replace("URL", URL) + "plugins:\n  enabled:\n  - skillclaw\n"
    wiring.disconnect(home, env, HERMES)
    assert path.read_text("utf-8") == config


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("", "no model.provider"),
        ("model: {provider: bedrock}\n", "signed"),
        ("model: {provider: nobody}\n", "does not define"),
        ("model: {provider: custom}\n", "no address"),
        ("model: [\n", "not valid YAML"),
        ("- a list\n", "holds no object"),
    ],
)
def test_what_cannot_be_reached_is_refused_and_left(env: Env, home: Path, config: str, says: str) -> None:
    path = write(env, config)
    with pytest.raises(BadInputError) as told:
        wiring.connect(home, env, HERMES, URL)
    assert says in str(told.value)
    assert tree(path.parent) == {"config.yaml": config.encode()}
    assert HERMES.detect(env, False).config is None
    assert [found.level for found in HERMES.doctor(env, None)][-1] == "fail"


def test_a_configured_upstreams_token_takes_the_keys_place(env: Env, home: Path) -> None:
    keyed = NAMED.replace("api_key: own-key", "key_env: HOUSE_KEY")
    path = write(env, keyed)
    wired = wiring.connect(home, env, HERMES, URL, token="skc_secret")
    assert "skc_secret" not in wired.diff
    text = path.read_text("utf-8")
    assert "key_env: ''" in text or 'key_env: ""' in text, "it would win over the token"
    assert "api_key: skc_secret" in text
    path.write_text(text + "# seen\n", "utf-8")
    wiring.disconnect(home, env, HERMES)
    assert path.read_text("utf-8") == keyed + "# seen\n"
    write(env, "model: {provider: openrouter}\n")
    wiring.connect(home, env, HERMES, URL, token="skc_secret")
    assert route(env)["token"] == "skc_secret"


def test_the_folder_is_that_of_the_profile_in_use(tmp_path: Path, home: Path) -> None:
    env = make_env(tmp_path, HERMES_HOME="~/hh")
    for folder in ("hh", "hh/profiles/work", "hh/profiles/play"):
        write(env, NAMED, folder=folder)
    (env.home / "hh/active_profile").write_text("work\n")
    wired = wiring.connect(home, env, HERMES, URL)
    assert (env.home / "hh/profiles/work/plugins/skillclaw/plugin.yaml").is_file()
    assert (env.home / "hh/config.yaml").read_text("utf-8") == NAMED
    assert "hh, play" in wired.notes[-1]
    direct = make_env(tmp_path, HERMES_HOME=str(env.home / "hh/profiles/play"))
    assert HERMES.skills(direct) == [env.home / "hh/profiles/play/skills"]
    (env.home / "hh/active_profile").write_text("../../../etc\n")
    assert HERMES.skills(env) == [env.home / "hh/skills"], "no name of a profile"


def test_another_provider_is_noticed(env: Env, home: Path) -> None:
    path = write(env, "model: {provider: openrouter}\n")
    wiring.connect(home, env, HERMES, URL)
    path.write_text(path.read_text("utf-8").replace("openrouter", "deepseek"), "utf-8")
    told = [found for found in HERMES.doctor(env, URL) if found.level == "warn"]
    assert any("https://api.deepseek.com/v1" in found.text for found in told)
    path.write_text("model: {provider: openrouter}\nplugins: {disabled: [skillclaw], enabled: [skillclaw]}\n")
    assert any(found.level == "fail" and "disabled" in found.text for found in HERMES.doctor(env, URL))


def test_run_sets_the_variable_of_a_provider_that_hermes_knows(env: Env) -> None:
    write(env, "model: {provider: openrouter}\n")
    assert HERMES.launch(env, URL, ["chat"]).env == {"OPENROUTER_BASE_URL": URL}
    assert HERMES.launch(env, URL, [], "t").env == {"OPENROUTER_BASE_URL": URL, "OPENROUTER_API_KEY": "t"}
    write(env, "model: {provider: openrouter}\n", "OPENROUTER_BASE_URL=https://m.example/v1\n")
    with pytest.raises(UsageError):
        HERMES.launch(env, URL, [])
    write(env, NAMED)
    with pytest.raises(UsageError):
        HERMES.launch(env, URL, [])


def test_skills_folders_are_its_own_and_those_that_it_names(tmp_path: Path) -> None:
    env = make_env(tmp_path, TEAM=str(tmp_path / "team"))
    write(env, "skills:\n  external_dirs: [~/.agents/skills, '${TEAM}/skills', 7]\n")
    assert HERMES.skills(env) == [
        env.home / ".hermes/skills",
        env.home / ".agents/skills",
        tmp_path / "team/skills",
    ]


def test_skills_that_its_model_wrote_are_found(env: Env) -> None:
    skills = env.home / ".hermes/skills"
    for name in ("looked-back", "devops/in-talk", "by-hand", "installed"):
        (skills / name).mkdir(parents=True)
        (skills / name / "SKILL.md").write_text(f"---\nname: {Path(name).name}\ndescription: d\n---\n# X\n")
    usage = {
        "looked-back": {"created_by": "agent"},
        "by-hand": {"created_by": None},
        "gone": {"created_by": "agent"},
    }
    (skills / ".usage.json").write_text(json.dumps(usage))
    db = sqlite3.connect(env.home / ".hermes/state.db")
    db.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, role TEXT, tool_name TEXT, content TEXT)")
    made = [
        {"success": True, "path": "devops/in-talk", "skill_md": "/x"},
        {"success": True, "path": "../../outside", "skill_md": "/x"},
        {"success": False, "path": "by-hand", "skill_md": "/x"},
    ]
    for value in made:
        db.execute("INSERT INTO messages VALUES (NULL, 'tool', 'skill_manage', ?)", (json.dumps(value),))
    db.commit()
    db.close()
    assert HERMES.learned(env) == [skills / "devops/in-talk", skills / "looked-back"]
    (skills / ".usage.json").write_text("[broken")
    assert HERMES.learned(env) == [skills / "devops/in-talk"]


def test_no_credential_is_shown_in_any_format(env: Env, home: Path) -> None:
    write(env, "model: {provider: deepseek, api_key: sk-in-flow-1, x: 1}\nkey: 'sk-quoted-2'\n")
    wired = wiring.connect(home, env, HERMES, URL, dry_run=True)
    assert "sk-" not in wired.diff and "provider: deepseek" in wired.diff and "x: 1" in wired.diff
