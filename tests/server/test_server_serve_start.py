"""What refuses the start of the server: its token, its address, its certificate; and being admitted."""

from __future__ import annotations

import stat
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
import team
from cli import fails

from skillclaw.errors import SkillClawError, UsageError
from skillclaw.server.groups import keys as group_keys
from skillclaw.server.serving.admission import Standing, await_admission, standings
from skillclaw.server.serving.startup import door, is_loopback
from skillclaw.server.serving.tokens import SHORTEST, find_token, own_token_file
from skillclaw.settings import ServeSettings, Settings

TOKEN = "".join(["0aB-", "_.~9"] * 4)


def _secret(path: Path, text: str, mode: int = 0o600) -> str:
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return f"file:{path}"


def test_a_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    assert find_token("", tmp_path, {}, make=False) == ""
    token = find_token("", tmp_path, {})
    assert len(token) >= SHORTEST
    assert find_token("", tmp_path, {}) == find_token("", tmp_path, {}, make=False) == token
    path = own_token_file(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert find_token("", tmp_path / "other", {}) != token


def test_a_token_is_found_where_its_place_says(tmp_path: Path) -> None:
    assert find_token("env:T", tmp_path, {"T": TOKEN}) == TOKEN
    assert find_token(_secret(tmp_path / "t", f"{TOKEN}\n"), tmp_path, {}) == TOKEN
    (tmp_path / "link").symlink_to(tmp_path / "t")  # as orchestrators mount secrets
    assert find_token(f"file:{tmp_path / 'link'}", tmp_path, {}) == TOKEN


def test_what_is_no_token_is_refused_and_not_repeated(tmp_path: Path) -> None:
    short = TOKEN[: SHORTEST - 1]
    places = {
        "env:T": {"T": short},
        "env:NONE": {},
        _secret(tmp_path / "short", short): {},
        _secret(tmp_path / "spaced", f"{TOKEN} {TOKEN}"): {},
        _secret(tmp_path / "long", TOKEN * 200): {},
        _secret(tmp_path / "open", TOKEN, 0o644): {},
        f"file:{tmp_path / 'missing'}": {},
        f"file:{tmp_path}": {},
    }
    for place, environ in places.items():
        with pytest.raises(SkillClawError) as caught:
            find_token(place, tmp_path, environ)
        assert caught.value.why, place
        assert caught.value.todo, place
        assert short not in str(caught.value), place
    assert not own_token_file(tmp_path).exists()


def test_a_token_of_its_own_that_others_can_read_is_refused(tmp_path: Path) -> None:
    find_token("", tmp_path, {})
    own_token_file(tmp_path).chmod(0o644)
    with pytest.raises(UsageError, match="every user"):
        find_token("", tmp_path, {})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST."])
def test_loopback_needs_nothing(tmp_path: Path, host: str) -> None:
    assert is_loopback(host)
    found = door(Settings(serve=ServeSettings(host=host)), tmp_path, {})
    assert (found.host, found.tls_cert) == (host, None)
    assert found.token not in repr(found)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.2", "evolve.example", "localhost.example", "128.0.0.1"]
)
def test_another_address_in_plain_http_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(UsageError, match="plain HTTP"):
        door(Settings(serve=ServeSettings(host=host)), tmp_path, {})
    assert not own_token_file(tmp_path).exists()
    assert door(Settings(serve=ServeSettings(host=host, behind_proxy=True)), tmp_path, {}).host == host


def _certificate(folder: Path, name: str) -> tuple[str, str]:
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    subprocess.run([*make.split(), "-keyout", key, "-out", cert], check=True, capture_output=True)
    key.chmod(0o600)
    cert.chmod(0o600)
    return str(cert), str(key)


def test_a_certificate_with_its_key_opens_another_address(tmp_path: Path) -> None:
    cert, key = _certificate(tmp_path, "one")
    other = _certificate(tmp_path, "two")[1]
    found = door(Settings(serve=ServeSettings(host="0.0.0.0", tls_cert=cert, tls_key=key)), tmp_path, {})
    assert (str(found.tls_cert), str(found.tls_key)) == (cert, key)
    for wrong in (
        {"tls_cert": cert},
        {"tls_key": key},
        {"tls_cert": cert, "tls_key": other},
        {"tls_cert": key, "tls_key": cert},
        {"tls_cert": cert, "tls_key": str(tmp_path / "none")},
    ):
        with pytest.raises(SkillClawError) as caught:
            door(Settings(serve=ServeSettings(host="0.0.0.0", **wrong)), tmp_path, {})
        # the setting or the file that is wrong, by name
        assert all(part in str(caught.value) for part in [*wrong][:1] if len(wrong) == 1)
        assert len(wrong) == 1 or wrong["tls_key"] in str(caught.value)
    Path(key).chmod(0o644)
    with pytest.raises(UsageError, match="every user"):
        door(Settings(serve=ServeSettings(host="127.0.0.1", tls_cert=cert, tls_key=key)), tmp_path, {})


def test_a_hub_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="acme"):
        door(Settings(serve=ServeSettings(hubs=("acme",))), tmp_path, {})


def test_config_check_tells_values_sources_and_what_is_wrong(tmp_path: Path) -> None:
    folder = tmp_path / "ada"
    folder.mkdir()
    secret = "".join(["s3cr", "et"])
    (folder / "serve.toml").write_text(
        f"[hubs.acme]\nurl = 's3://b/t?aws_secret_access_key={secret}'\n[serve]\nhost = '0.0.0.0'\n"
        f"token = 'env:NONE'\n[redact]\nwords = ['Umbrella']\n",
        "utf-8",
    )
    (folder / "serve.toml").chmod(0o600)
    told = team.sc(tmp_path, "ada", "config", "check", str(folder / "serve.toml"))
    assert not told["ok"]
    assert secret not in str(told)
    assert "Umbrella" not in str(told)
    by = {one["key"]: one for one in told["settings"]}
    assert by["hubs.acme.url"]["source"] == by["serve.host"]["source"] == str(folder / "serve.toml")
    assert by["serve.port"] == {"key": "serve.port", "value": 8790, "source": "default"}
    assert ["plain HTTP" in one["what"] or "token" in one["what"] for one in told["problems"]] == [True, True]
    told = team.sc(tmp_path, "ada", "config", "check")
    assert (told["ok"], told["problems"]) == (True, [])
    assert told["token"].endswith("will be made")
    assert not own_token_file(team.home(tmp_path, "ada")).exists()


def test_a_machine_asks_waits_and_is_admitted(tmp_path: Path) -> None:
    team.found(tmp_path)
    (tmp_path / "server").mkdir()
    team.sc(tmp_path, "server", "config", "set", "hubs.team.url", str(tmp_path / "group"))
    machine = team.machine(tmp_path, "server")
    (first,) = standings(machine)
    assert (first.state, first.request[:16]) == ("asking", "skillclaw-key-1:")
    assert standings(machine) == [first]  # the same request at every start

    told: list[Standing] = []
    stop, done = threading.Event(), []
    waits = threading.Thread(
        target=lambda: done.append(await_admission(machine, told.append, stop, look=0.02)), daemon=True
    )
    waits.start()
    try:
        for _ in range(200):
            waits.join(0.1)
            if told:
                break
        assert waits.is_alive()
        assert told == [first]
        team.sc(tmp_path, "ada", "hub", "admit", first.request, "--yes")
        waits.join(20)
        assert done == [True]
        assert [(one.hub, one.state) for one in told] == [("team", "asking"), ("team", "evolver")]
    finally:
        stop.set()
        waits.join(20)
    assert [one.state for one in standings(machine)] == ["evolver"]
    team.sc(tmp_path, "ada", "hub", "revoke-key", first.key, "--yes")
    assert [one.state for one in standings(machine)] == ["ended"]


def test_who_is_admitted_between_two_looks_at_the_log_is_an_evolver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log says that the key is unknown, and when the request is made that it is known."""
    team.found(tmp_path)
    (tmp_path / "server").mkdir()
    team.sc(tmp_path, "server", "config", "set", "hubs.team.url", str(tmp_path / "group"))
    machine = team.machine(tmp_path, "server")
    (first,) = standings(machine)
    make = group_keys.request

    def admitted_first(*given: Any, **more: Any) -> Any:
        team.sc(tmp_path, "ada", "hub", "admit", first.request, "--yes")
        return make(*given, **more)

    monkeypatch.setattr(group_keys, "request", admitted_first)
    assert [(one.state, one.key) for one in standings(machine)] == [("evolver", first.key)]


def test_waiting_ends_when_it_is_told_to(tmp_path: Path) -> None:
    team.found(tmp_path)
    (tmp_path / "server").mkdir()
    team.sc(tmp_path, "server", "config", "set", "hubs.team.url", str(tmp_path / "group"))
    stop = threading.Event()
    stop.set()
    assert not await_admission(team.machine(tmp_path, "server"), lambda one: None, stop)


def test_a_hub_that_cannot_be_read_is_told_and_no_hub_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    with pytest.raises(UsageError, match="nothing to serve"):
        standings(team.machine(tmp_path, "server"))
    team.sc(tmp_path, "server", "config", "set", "hubs.team.url", str(tmp_path / "nothing"))
    (found,) = standings(team.machine(tmp_path, "server"))
    assert found.state == "unknown"
    assert found.error


def test_a_setting_that_is_wrong_ends_with_the_code_that_starting_again_does_not_mend(tmp_path: Path) -> None:
    unit = Path(__file__).parents[2] / "packaging" / "skillclaw-serve.service"
    assert "RestartPreventExitStatus=2\n" in unit.read_text("utf-8")
    for wrong in ({"SKILLCLAW_SERVE__PRT": "1"}, {"SKILLCLAW_SERVE__PARALLEL": "0"}):
        assert next(iter(wrong)) in fails("serve", home=tmp_path, code=2, environ=wrong)


def test_a_server_whose_settings_are_wrong_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    home = tmp_path / "home"
    config = tmp_path / "serve.toml"
    for text, code, told in (
        ("[serve]\nprot = 1\n", 2, "serve.toml"),
        ("", 2, "nothing to serve"),
    ):
        config.write_text(text)
        assert told in fails("serve", "--config", str(config), home=home, code=code), text
    assert "no such file" in fails("serve", "--config", str(tmp_path / "none.toml"), home=home)
