"""What the server is packed as: a unit of the system, an image, a compose file; linted, and run in part."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import units
import yaml

from skillclaw.settings import Settings

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
BIN = Path(sys.executable).parent
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="packed for Linux")


def _lint(*argv: object) -> None:
    done = subprocess.run([str(one) for one in argv], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def _unit() -> dict[str, dict[str, list[str]]]:
    return units.read((PACKAGING / "skillclaw-serve.service").read_text())


def _compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((PACKAGING / "compose.yaml").read_text())
    return found


def _dockerfile() -> list[tuple[str, str]]:
    text = (PACKAGING / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in lines]


def test_the_unit_gives_the_server_no_more_than_it_needs() -> None:
    service = _unit()["Service"]
    one = {key: values[0] for key, values in service.items() if len(values) == 1}
    for key in ("NoNewPrivileges", "DynamicUser", "ProtectHome", "PrivateTmp", "PrivateDevices"):
        assert one[key] == "yes", key
    assert (one["ProtectSystem"], one["StateDirectoryMode"], one["UMask"]) == ("strict", "0700", "0077")
    assert one["CapabilityBoundingSet"] == one["AmbientCapabilities"] == ""
    assert (one["KillSignal"], one["KillMode"], one["Restart"]) == ("SIGTERM", "mixed", "on-failure")
    # the running cycle's grace, then its way to the next stage, before the system kills it
    assert float(one["TimeoutStopSec"]) >= Settings().serve.grace + 30
    assert not any(re.search(r"(?i)(key|secret|token|password)=", line) for line in service["Environment"])
    assert shlex.split(one["ExecStart"])[1] == "serve"


def test_systemd_takes_it_and_finds_it_closed(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd here")
    text = (PACKAGING / "skillclaw-serve.service").read_text()
    path = tmp_path / "skillclaw-serve.service"
    path.write_text(text.replace("/opt/skillclaw/bin/skillclaw", shutil.which("true") or ""))
    verified = subprocess.run(
        ["systemd-analyze", "verify", path], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=25", path],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unrecognized option" not in judged.stderr:  # systemd before 250
        assert judged.returncode == 0, judged.stdout.splitlines()[-1:]


def test_the_dockerfile_is_clean() -> None:
    _lint(BIN / "hadolint", "--failure-threshold", "info", PACKAGING / "Dockerfile")
    lines = _dockerfile()
    bases = [rest for word, rest in lines if word == "FROM"]
    assert bases == ["${BASE} AS build", "${BASE}"]  # what builds stays out of what runs
    (base,) = [rest for word, rest in lines if word == "ARG"]  # so that a digest can be given
    assert re.fullmatch(r"BASE=python:3\.\d+-slim-[a-z]+", base) and lines[0] == ("ARG", base)
    (user,) = [rest for word, rest in lines if word == "USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    last = max(number for number, (word, _) in enumerate(lines) if word in ("RUN", "COPY"))
    assert last < lines.index(("USER", user))  # what it runs is root's, and the server cannot change it
    assert {"HEALTHCHECK", "ENTRYPOINT", "VOLUME", "STOPSIGNAL"} <= {word for word, _ in lines}
    assert not [
        rest for word, rest in lines if word in ("ARG", "ENV") and re.search(r"(?i)secret|token", rest)
    ]


def test_the_image_gets_only_what_is_there_and_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    copied = [
        word
        for kind, rest in _dockerfile()
        if kind == "COPY" and not rest.startswith("--from")
        for word in rest.split()[:-1]
    ]
    allowed = (PACKAGING / "Dockerfile.dockerignore").read_text().splitlines()
    assert allowed[1] == "*"
    for word in copied:
        assert (ROOT / word).exists(), word
        assert f"!{word}" in allowed
    told = " ".join(rest for kind, rest in _dockerfile() if kind == "RUN")
    wanted = re.findall(r"-r packaging/locks/([a-z]+)\.txt", told)
    assert {"serve", "evolve"} <= set(wanted) <= {*project["optional-dependencies"], "build"}


def test_whatever_the_image_takes_from_an_index_is_checked_by_its_digest() -> None:
    told = " && ".join(rest for kind, rest in _dockerfile() if kind == "RUN")
    steps = [shlex.split(step) for step in told.split("&&") if "/pip " in step]
    assert len(steps) >= 4
    for step in steps:
        if step[1] == "install":
            # nothing of an index without a digest: from the lock files, or from what was built here
            assert "--require-hashes" in step or {"--no-deps", "--no-index"} <= set(step), step
        else:
            assert step[1] == "check" or {"--no-deps", "--no-build-isolation"} <= set(step), step


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_images_first_stage_runs_here_in_a_folder(tmp_path: Path) -> None:
    """Its commands, with this Python and below another root: no container can be built in every place."""
    source = tmp_path / "src"
    (tmp_path / "opt").mkdir()
    begun = False
    for kind, rest in _dockerfile():
        if kind == "FROM":
            if begun:
                break
            begun = True
        elif kind == "COPY":
            *names, into = rest.split()
            for name in names:
                to = source / into / name if into == "./" else source / into
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, to)
                else:
                    to.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / name, to)
        elif kind == "RUN":
            source.mkdir(exist_ok=True)
            command = rest.replace("/opt/", f"{tmp_path}/opt/").replace("python -m", f"{sys.executable} -m")
            environ = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
            done = subprocess.run(
                ["sh", "-ec", command], cwd=source, env=environ, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert (tmp_path / "opt" / "skillclaw" / "bin" / "skillclaw").exists()


def test_the_compose_file_is_valid_and_closed() -> None:
    _lint(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", PACKAGING / "compose.yaml")
    _lint(BIN / "compose-lint", "--fail-on", "high", PACKAGING / "compose.yaml")
    compose = _compose()
    for name, service in compose["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert service["cap_drop"] == ["ALL"], name
        assert not service.get("privileged"), name
        assert ":" in service["image"], name
        assert not service["image"].endswith(":latest"), name
        assert set(service["secrets"]) <= set(compose["secrets"]), name
    assert compose["networks"]["inside"]["internal"] is True
    assert compose["services"]["store"]["networks"] == ["inside"]
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())
    grace = re.fullmatch(r"(\d+)s", compose["services"]["serve"]["stop_grace_period"])
    assert grace is not None
    assert int(grace[1]) >= Settings().serve.grace + 30


def test_the_settings_beside_it_are_settings() -> None:
    tree = tomllib.loads((PACKAGING / "serve.toml").read_text())
    settings = msgspec.convert(tree, Settings)
    assert settings.serve.behind_proxy
    place = settings.serve.token.removeprefix("file:/run/secrets/")
    assert place in _compose()["services"]["serve"]["secrets"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_the_dockerfile_does_makes_a_server(tmp_path: Path) -> None:
    """The steps of both stages that need no engine, with the same commands, in another folder."""
    work = tmp_path / "src"
    work.mkdir()
    into = tmp_path / "opt"
    for kind, rest in _dockerfile():
        if kind == "COPY" and not rest.startswith("--from"):
            *sources, target = rest.split()
            for source in sources:
                place = work / (source if target == "./" else target)
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, place, dirs_exist_ok=True)
                else:
                    shutil.copy(ROOT / source, place)
        elif kind == "RUN" and "useradd" not in rest:
            told = rest.replace("/opt/skillclaw", str(into))
            told = re.sub(r"^python ", f"{shlex.quote(sys.executable)} ", told)
            done = subprocess.run(["sh", "-ec", told], cwd=work, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{told}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    shutil.rmtree(work)  # the image has none of it
    told = subprocess.run(
        [into / "bin" / "skillclaw", "serve", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    (command,) = [rest for kind, rest in _dockerfile() if kind == "CMD"]
    options = [word for word in msgspec.json.decode(command) if word.startswith("--")]
    assert options
    assert all(option in told.stdout for option in options)
    for name in ("fastapi", "uvicorn", "prometheus_client", "sklearn", "pydantic_ai", "boto3"):
        subprocess.run([into / "bin" / "python", "-c", f"import {name}"], check=True, cwd=tmp_path)
