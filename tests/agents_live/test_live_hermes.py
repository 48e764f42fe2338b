"""Hermes, as its users have it."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from clients import Person
from live import FIRST, SCRIPTS, Client, Live, prove, start
from scripted import Seen, Upstream

from skillclaw.agents import Env, adapters, hermes_plugin, wiring

CLIENT = Client(name="hermes-agent", version="0.19.0", package="hermes-agent", kind="pip")
PLUGIN = ("plugin.yaml", "__init__.py", "route.json")
CONFIG = """\
# Mine.
model:
  default: scripted   # the only one
  provider: mine
providers:
  mine:
    base_url: {url}/v1  # at home
    api_key: own-key-0123456789
    discover_models: false
    context_length: 128000
"""


def settings(person: Person, url: str) -> list[Path]:
    folder = person.home / ".hermes"
    folder.mkdir(parents=True)
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(url=url), "utf-8")
    return [config, *(folder / "plugins/skillclaw" / name for name in PLUGIN)]


def mirror(person: Person, url: str) -> list[Path]:
    """OpenRouter, by a mirror of the user's own: Hermes looks at the address, so the settings keep it."""
    folder = person.home / ".hermes"
    folder.mkdir(parents=True)
    config, variables = folder / "config.yaml", folder / ".env"
    config.write_text("model: {default: anthropic/claude-scripted, provider: openrouter}\n", "utf-8")
    variables.write_text(
        f"# Keys.\nOPENROUTER_API_KEY=sk-or-v1-0123456789abcdef\nOPENROUTER_BASE_URL={url}/v1\n"
    )
    return [config, variables, *(folder / "plugins/skillclaw" / name for name in PLUGIN)]


def run(person: Person, prompt: str, again: bool) -> None:
    start(
        person,
        LIVE,
        ["hermes", "chat", f"--query={prompt}", "-Q", "--yolo", *(["--continue"] if again else [])],
    )


def native(seen: list[Seen]) -> str:
    (only,) = {name for one in seen if (name := one.header("x-session-id"))}
    return only


LIVE = Live(agent="hermes", client=CLIENT, settings=settings, run=run, native=native, skill="invoked_step")


def test_a_connected_hermes_goes_on_where_no_proxy_listens(tmp_path: Path) -> None:
    """As after a crash: `skillclaw stop` would have put the settings back."""
    person = Person.make(tmp_path / "ada")
    env = Env(home=person.home, environ={}, cwd=person.project)
    with Upstream(dict(SCRIPTS)) as upstream, socket.socket() as nobody:
        mirror(person, upstream.url)
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/hermes"
        assert wiring.connect(person.skillclaw, env, adapters()["hermes"], url).changed
        run(person, FIRST, False)
        answered = [one for one in upstream.seen if one.method == "POST" and one.status == 200]
        assert len(answered) >= 3 and native(answered), "straight to the provider, with all its turns"


POST = """\
import asyncio, httpx, plugin
plugin._reroute()
asked = {"url": "https://api.example.com/v1/chat/completions", "headers": {"authorization": "Bearer own"}}
asked["json"] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
httpx.Client().post(**asked)
asyncio.run(httpx.AsyncClient().post(**asked))
"""


def test_a_proxy_for_the_web_does_not_see_what_is_led_to_this_machine(tmp_path: Path) -> None:
    """The plugin with Hermes' own HTTP library; nobody listens where the variables point."""
    with Upstream(dict(SCRIPTS)) as upstream, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        route = {"from": "https://api.example.com/v1", "to": f"{upstream.url}/v1"}
        (tmp_path / "route.json").write_text(json.dumps(route), "utf-8")
        (tmp_path / "plugin.py").write_text(hermes_plugin.CODE, "utf-8")
        other = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        variables = {"HTTP_PROXY": other, "HTTPS_PROXY": other, "PYTHONPATH": str(tmp_path)}
        argv = [str(CLIENT.bin() / "python"), "-c", POST]
        ran = subprocess.run(argv, env=variables, capture_output=True, text=True, timeout=100, check=False)
        assert (ran.returncode, [one.method for one in upstream.seen]) == (0, ["POST", "POST"]), ran.stderr


@pytest.mark.parametrize("own", [settings, mirror])
def test_hermes(tmp_path: Path, own: Callable[[Person, str], list[Path]]) -> None:
    prove(replace(LIVE, settings=own), tmp_path)
    assert not (tmp_path / "ada/home/.hermes/plugins").exists(), "nothing of SkillClaw is left"
