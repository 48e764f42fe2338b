"""Killed at any point of connecting, moving or disconnecting: what follows still puts every file back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agents_material import make_env

from skillclaw.agents import Env, adapters, connected, edits, wiring
from skillclaw.agents.platform import Place, Platform, Setting

URL = "http://127.0.0.1:8787/probe"
MOVED = "http://127.0.0.1:9999/probe"


class Kill(BaseException):
    """As SIGKILL: nothing is cleaned up."""


class Probe(Platform):
    """An agent with a base URL, an item, a header with the URL, a file of ours and one over the user's."""

    name = "probe"
    title = "Probe"
    less = False

    def place(self, env: Env) -> Place:
        path = env.home / "a.json"
        return Place(path=path, format="json", keys=("p", "url"), token_keys=("p", "key"))

    def extras(self, env: Env, base_url: str) -> list[Setting]:
        if self.less and base_url == MOVED:  # as after an upgrade that needs less
            return []
        return [
            Setting(path=env.home / "a.json", format="json", keys=("compat", "ids"), value=True),
            Setting(path=env.home / "b.yaml", format="yaml", keys=("env",), value=f"X={base_url}", item=True),
            Setting(path=env.home / "new" / "skillclaw" / "c.js", format="text", value=f"// {base_url}\n"),
            Setting(path=env.home / "d.js", format="text", value="// ours\n"),
            Setting(path=env.home / ".env", format="env", keys=("BASE",), value=base_url),
        ]


FILES = {
    "a.json": '{"p": {"url": "https://mine.example/v1", "key": "own"}}',
    "b.yaml": "env: [A=1]   # mine\n",
    "d.js": "// theirs\n",
    ".env": "BASE='https://mine.example'  # why\n",
}


def tree(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text("utf-8") for p in folder.rglob("*") if p.is_file()}


def run_until(monkeypatch: pytest.MonkeyPatch, writes: int, act: Callable[[], object]) -> bool:
    """Do something until so many files were written, also SkillClaw's own; True when it came to its end."""
    real = edits.write_atomic
    left = [writes]

    def counted(path: Path, data: bytes, mode: int = 0o600, **more: Any) -> None:
        if left[0] == 0:
            raise Kill
        left[0] -= 1
        real(path, data, mode, **more)

    with monkeypatch.context() as patched:
        patched.setattr(edits, "write_atomic", counted)
        patched.setattr("skillclaw.agents.connections.write_atomic", counted)
        try:
            act()
        except Kill:
            return False
    return True


@pytest.mark.parametrize("what", ["connect", "move", "disconnect"])
@pytest.mark.parametrize("then", ["disconnect", "connect", "move"])
@pytest.mark.parametrize("less", [False, True])
def test_killed_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, then: str, less: bool
) -> None:
    for writes in range(30):
        folder = tmp_path / str(writes)
        folder.mkdir()
        env, home, probe = make_env(folder), folder / "skillclaw", Probe()
        probe.less = less
        for name, content in FILES.items():
            (env.home / name).write_text(content, "utf-8")
        steps = {
            "connect": lambda: wiring.connect(home, env, probe, URL, token="skillclaw-t"),  # noqa: B023
            "move": lambda: wiring.connect(home, env, probe, MOVED, token="skillclaw-t"),  # noqa: B023
            "disconnect": lambda: wiring.disconnect(home, env, probe),  # noqa: B023
        }
        if what != "connect":
            steps["connect"]()
        done = run_until(monkeypatch, writes, steps[what])
        if then != "disconnect":
            wired = steps[then]()
            assert wired.upstream in ("https://mine.example/v1", "")
        steps["disconnect"]()
        assert tree(env.home) == FILES, (writes, what, then)
        assert connected(home) == []
        if done:
            assert writes > 1
            return
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("failing", range(5))
def test_a_write_that_fails_undoes_those_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    from skillclaw.errors import StorageError

    env, home, probe = make_env(tmp_path), tmp_path / "skillclaw", Probe()
    for name, content in FILES.items():
        (env.home / name).write_text(content, "utf-8")
    real, count = edits.write_atomic, [0]

    def full(path: Path, data: bytes, mode: int = 0o600, **more: Any) -> None:
        count[0] += 1
        if count[0] == failing + 1:
            raise StorageError(f"Cannot write {path}.", "No space left on device")
        real(path, data, mode, **more)

    with monkeypatch.context() as patched:
        patched.setattr(edits, "write_atomic", full)
        with pytest.raises(StorageError):
            wiring.connect(home, env, probe, URL, token="skillclaw-t")
    assert tree(env.home) == FILES
    assert connected(home) == []


def test_no_adapter_connects_an_agent_twice(tmp_path: Path) -> None:
    """Whatever is connected again is unchanged, and its upstream is never SkillClaw itself."""
    env = make_env(tmp_path)
    for name, adapter in adapters().items():
        url = f"http://127.0.0.1:8787/{name}"
        try:
            first = wiring.connect(tmp_path / "skillclaw", env, adapter, url)
        except Exception as error:
            assert type(error).__module__ == "skillclaw.errors", name
            continue
        again = wiring.connect(tmp_path / "skillclaw", env, adapter, url)
        assert (again.changed, again.upstream) == (False, first.upstream), name
        assert "127.0.0.1:8787" not in again.upstream
        wiring.disconnect(tmp_path / "skillclaw", env, adapter)
    assert tree(env.home) == {}
