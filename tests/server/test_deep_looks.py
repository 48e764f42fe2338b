"""What `doctor --deep` looks at beside what is stored: can the home be written, do the upstreams answer, do
the packages fit. None of it tells a name, an address or what an error said."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from skillclaw.server.deep import network, writing
from skillclaw.server.deep.packages import fits, judged, packages
from skillclaw.settings import AgentSettings, Settings, UpstreamSettings

SECRET = "acme-internal"


def told(home: Path) -> str:
    (check,) = writing.writing(home)
    assert SECRET not in check.text + check.mend
    assert (check.level == "ok") is not bool(check.mend)
    return check.text


def test_a_home_that_takes_what_is_written_is_as_it_was(tmp_path: Path) -> None:
    assert "written and synced" in told(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["open", "write", "fsync"])
@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EIO])
def test_a_home_that_takes_nothing_is_told_by_the_kind_of_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    def failing(*_: object) -> int:
        raise OSError(number, f"of {SECRET}", f"/{SECRET}")

    with monkeypatch.context() as patch:
        patch.setattr(os, step, failing)
        assert told(tmp_path) == f"nothing can be written ({errno.errorcode[number]})"
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_is_write_protected_or_no_folder_is_told(tmp_path: Path) -> None:
    if os.name == "posix" and os.geteuid():
        tmp_path.chmod(0o500)
        assert told(tmp_path) == "nothing can be written (EACCES)"
        tmp_path.chmod(0o700)
    (tmp_path / SECRET).touch()
    assert told(tmp_path / SECRET) == "nothing can be written (ENOTDIR)"


@contextmanager
def listening(said: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A port where each client gets `said`; what they sent."""
    heard: list[bytes] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    client.settimeout(2)
                    try:
                        heard.append(client.recv(4096))
                        client.sendall(said)
                    except OSError:
                        heard.append(b"")

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], heard


def looked(*urls: str) -> list[tuple[str, str, str]]:
    agents = {f"{SECRET}{number}": AgentSettings(upstream=url) for number, url in enumerate(urls)}
    found = network.upstreams(msgspec.structs.replace(Settings(), agents=agents))
    assert SECRET not in repr(found)
    return [(one.subject, one.level, one.text) for one in found]


def test_upstreams_are_numbered_and_told_how_they_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with closing(socket.create_server(("127.0.0.1", 0))) as gone:
        free = gone.getsockname()[1]
    with listening(b"HTTP/1.1 400 no\r\n\r\n") as (port, heard):
        found = looked(
            f"http://127.0.0.1:{port}/{SECRET}",
            f"https://user:{SECRET}@127.0.0.1:{port}/v1",
            f"https://127.0.0.1:{free}/v1",
            f"https://{SECRET}.invalid/v1",
            f"http://127.0.0.1:{port}/again",
        )
    assert found == [
        ("upstream 1", "ok", "answers, without TLS"),
        ("upstream 2", "warn", "does not speak TLS as it should (SSLError)"),
        ("upstream 3", "warn", "cannot be reached (ConnectionRefusedError)"),
        ("upstream 4", "warn", "cannot be reached: its name is not known"),
    ]
    assert not any(SECRET.encode() in one or b"HTTP" in one for one in heard), "nothing is asked"


def test_an_upstream_that_says_nothing_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "WAIT", 0.3)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        (found,) = looked(f"https://127.0.0.1:{silent.getsockname()[1]}/v1")
    assert found[1:] == ("warn", "said nothing in 0 s")


def test_an_upstream_behind_a_proxy_of_the_network_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{SECRET}:1")
    monkeypatch.setenv("NO_PROXY", "")
    ((_, level, text),) = looked(f"https://{SECRET}.invalid/v1")
    assert level == "ok" and text == network.BEHIND


def test_upstreams_of_tables_are_looked_at_and_defaults_are_not() -> None:
    assert network.upstreams(Settings()) == []
    tables = {SECRET: UpstreamSettings(url="https://[x"), "b": UpstreamSettings()}
    assert network.upstreams(msgspec.structs.replace(Settings(), upstreams=tables)) == []


WANTED = ["one<4,>=3.11", "two>=1; python_version < '3'", "three<2; extra == 'x'", "four>9; extra == 'dev'"]


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ({"one": "3.11.2", "three": "1.9.post1", "four": "1"}, {"packages": "ok"}),
        ({}, {"one": "fail"}),
        ({"one": "4.0", "two": "0.9", "three": "2"}, {"one": "fail", "two": "fail", "three": "warn"}),
        ({"one": "3.9"}, {"one": "fail"}),
        ({"one": SECRET}, {"one": "fail"}),
    ],
)
def test_packages_that_do_not_fit_are_told(versions: dict[str, str], said: dict[str, str]) -> None:
    found = judged(WANTED, lambda name: versions.get(name, ""))
    assert {one.subject: one.level for one in found} == said
    assert SECRET not in repr(found)


def test_what_is_installed_here_fits() -> None:
    (check,) = packages()
    assert check.level == "ok", check


@pytest.mark.parametrize(
    ("version", "range_", "holds"),
    [
        ("3.11", ">=3.11,<4", True),
        ("3.9.1", ">=3.11,<4", False),
        ("4", "<4.0.0", False),
        ("1.1.20240702", ">=1.1.20240702", True),
        ("0.20.0rc1", ">=0.20,<1", True),
        ("2", "", True),
        ("none", "", True),
        ("none", ">=1", False),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, range_: str, holds: bool) -> None:
    assert fits(version, range_) is holds
