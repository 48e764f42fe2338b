"""What many sessions wrote the same becomes a script: with arguments, tried, and never by itself."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from made_sessions import made, sh

from skillclaw.evolve.drafting import Target
from skillclaw.evolve.evolvers import Current, EvolveContext
from skillclaw.evolve.scripts import propose_script, script_units
from skillclaw.evolve.scripts.trial import fault
from skillclaw.evolve.tried import Tried, script_mark
from skillclaw.gate import GateContext, decide, judge, policy
from skillclaw.journal.redact import Redactor
from skillclaw.skills.bundle import version
from skillclaw.skills.edits import Edit, apply
from skillclaw.skills.frontmatter import Head, render
from skillclaw.skills.items import markdown
from skillclaw.skills.records import Bundle, File, Pattern, Proposal, Ref, Sidecar
from skillclaw.skills.scripts import Script, parts, read
from skillclaw.skills.scripts import render as render_script
from skillclaw.trajectory.model import SessionMeta, Trajectory

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SERVICES = ("web", "api", "jobs", "mail")


def deploy(service: str) -> str:
    return (
        f"# roll out {service}\n"
        f"kubectl apply -f deploy/{service}.yaml\n"
        f"kubectl rollout status deployment/{service} --timeout=90s\n"
        f"kubectl get pods -l app={service} | tail -n 3\n"
    )


def world(*turns: Any) -> tuple[list[Pattern], dict[str, Trajectory]]:
    """One session for each of `turns` (a list of turns), of two people in turn, and a pattern of them all."""
    sessions = {}
    refs = []
    for number, calls in enumerate(turns):
        key, user = f"s{number}", ("ada", "bob")[number % 2]
        sessions[key] = made(
            "please roll it out", *calls, meta=SessionMeta(key=key, user=user, outcome="success")
        )
        refs.append(Ref(session=key, user=user, agent="claude-code", day="2026-11-20", success=True))
    pattern = Pattern(
        id="p1", kind="procedure", title="roll out", topic="kubectl", signature="x", evidence=refs
    )
    return [pattern], sessions


def context(sessions: dict[str, Trajectory], **more: Any) -> EvolveContext:
    redactor = Redactor(b"k" * 32, home=Path("/home/tester"), user_names=())
    base = more.pop("current", {})
    gate = GateContext(policy=policy("team"), redactor=redactor, sessions=sessions.get, current=base)
    return EvolveContext(policy=policy("team"), now=NOW, gate=gate, **more)


def current() -> Current:
    text = render(Head(name="kubectl-know-how", description="Roll out services.")) + "\n# kubectl\n"
    bundle = Bundle(name="kubectl-know-how", files=[File(path="SKILL.md", data=text.encode())])
    return Current(
        bundle=bundle, sidecar=Sidecar(skill=bundle.name, version=version(bundle)), version=version(bundle)
    )


def proposed(
    patterns: list[Pattern], sessions: dict[str, Trajectory], **more: Any
) -> tuple[Proposal | None, EvolveContext]:
    base = current()
    asked = context(sessions, current={base.bundle.name: base}, **more)
    about = Target(skill=base.bundle.name, topic="kubectl", patterns=patterns, base=base)
    return propose_script(about, asked, "extractive"), asked


def test_the_same_lines_with_other_values_are_one_script_with_an_argument() -> None:
    patterns, sessions = world(*([sh(deploy(name))] for name in SERVICES))
    (unit,) = script_units(patterns, context(sessions))
    assert render_script(unit.script) == (
        "#!/usr/bin/env bash\n"
        "# Usage: scripts/kubectl-apply-rollout-get-pods.sh VALUE\n"
        "set -eu\n\n"
        'if [ "$#" -ne 1 ]; then\n'
        '  echo "usage: scripts/kubectl-apply-rollout-get-pods.sh VALUE" >&2\n'
        "  exit 2\n"
        "fi\n"
        "value=$1\n\n"
        'kubectl apply -f "deploy/${value}.yaml"\n'
        'kubectl rollout status "deployment/${value}" --timeout=90s\n'
        'kubectl get pods -l "app=${value}" | tail -n 3\n'
    )
    assert {ref.session for ref in unit.evidence} == set(sessions)


def test_it_is_proposed_alone_for_a_skill_that_is_there_and_waits_for_a_person() -> None:
    patterns, sessions = world(*([sh(deploy(name))] for name in SERVICES))
    one, asked = proposed(patterns, sessions)
    assert one is not None
    assert one.bundle is not None
    assert one.sidecar is not None
    assert asked.gate is not None
    (item,) = [item for item in one.sidecar.items if item.kind == "script"]
    assert (item.section, item.patterns, len(item.evidence)) == ("Scripts", ["p1"], 4)
    assert f"- {item.text}\n" in markdown(one.bundle)["SKILL.md"]
    verdicts = judge(one, asked.gate)
    assert decide(verdicts) == "held", verdicts
    assert {v.check for v in verdicts if v.verdict == "hold"} == {"approval"}
    assert ("scripts", "pass") in {(v.check, v.verdict) for v in verdicts}
    path = next(file.path for file in one.bundle.files if file.path != "SKILL.md")
    refused = Tried(
        proposal="x",
        skill=one.skill,
        action="refine",
        engine="other",
        marks=[script_mark(path, item.evidence)],
    )
    assert proposed(patterns, sessions, tried=[refused])[0] is None


def test_a_script_goes_with_the_line_that_names_it() -> None:
    patterns, sessions = world(*([sh(deploy(name))] for name in SERVICES))
    one, _ = proposed(patterns, sessions)
    assert one is not None
    assert one.bundle is not None
    assert one.sidecar is not None
    (item,) = [item for item in one.sidecar.items if item.kind == "script"]
    left, items = apply(one.bundle, one.sidecar.items, [Edit(op="drop", item=item.id)], "kubectl")
    assert [file.path for file in left.files] == ["SKILL.md"]
    assert left == current().bundle
    assert [item.kind for item in items] == []


def test_a_script_with_a_line_that_no_session_ran_is_rejected() -> None:
    patterns, sessions = world(*([sh(deploy(name))] for name in SERVICES))
    one, asked = proposed(patterns, sessions)
    assert one is not None
    assert one.bundle is not None
    assert one.sidecar is not None
    assert asked.gate is not None
    for change in (b"kubectl delete ns prod\n", b"echo x$(id)\n", None):
        files = []
        for file in one.bundle.files:
            data = file.data + change if change else b"#!/bin/sh\nkubectl apply -f x\n"
            files.append(file if file.path == "SKILL.md" else msgspec.structs.replace(file, data=data))
        bundle = Bundle(name=one.bundle.name, files=files)
        bad = msgspec.structs.replace(
            one,
            bundle=bundle,
            sidecar=msgspec.structs.replace(one.sidecar, version=version(bundle)),
        )
        verdicts = judge(bad, asked.gate)
        said = {v.check: v.verdict for v in verdicts}
        assert said["scripts"] == ("reject" if change else "hold")
        assert decide(verdicts) != "passed"


BODY = "import csv\nrows = list(csv.reader(open('{name}')))\nprint(len(rows), 'rows')\n"


@pytest.mark.parametrize("way", ["written", "here-document"])
def test_a_python_file_that_was_written_and_run_is_one_too(way: str) -> None:
    turns = []
    for name in ("a.csv", "b.csv", "c.csv"):
        text = BODY.format(name=name)
        run = sh("python3 /tmp/count.py", "3 rows")
        if way == "written":
            turns.append([("Write", {"file_path": "/tmp/count.py", "content": text}, "ok", 0), run])
        else:
            turns.append([sh(f"cat > /tmp/count.py <<'EOF'\n{text}EOF"), run])
    (unit,) = script_units(*_with(turns))
    assert unit.script == Script(
        language="py",
        path="scripts/count.py",
        args=["file"],
        lines=["import csv", "rows = list(csv.reader(open(file)))", "print(len(rows), 'rows')"],
    )


def _with(turns: list[Any]) -> tuple[list[Pattern], EvolveContext]:
    patterns, sessions = world(*turns)
    return patterns, context(sessions)


@pytest.mark.parametrize(
    "turns",
    [
        [[sh(deploy(name))] for name in SERVICES[:2]],  # too few sessions
        [[sh(deploy(name), "error", 1)] for name in SERVICES],  # it failed
        [[sh("\n".join(deploy(name).splitlines()[:3]))] for name in SERVICES],  # two lines
        [
            [sh(deploy(name) + f"kubectl {verb} pods x y")]
            for name, verb in zip(SERVICES, "abcd", strict=True)
        ],
        [[sh(deploy(name) + f"echo $({name})")] for name in SERVICES],  # what differs is no value
        [[sh(deploy(name) + f"cat <<E\n{name}\nE\n")] for name in SERVICES],
        [
            [("Write", {"file_path": "x.sh", "content": deploy(name)}, "ok", 0)] for name in SERVICES
        ],  # never run
        [[sh(deploy(name) + f"grep -{flag} x y")] for name, flag in zip(SERVICES, "abcd", strict=True)],
    ],
)
def test_what_is_not_the_same_or_never_worked_is_no_script(turns: list[Any]) -> None:
    assert script_units(*_with(turns)) == []


def test_a_loop_is_named_by_what_it_runs() -> None:
    check = "for service in web api; do\n  bin/health $service || echo down\ndone\nbin/health summary"
    (unit,) = script_units(*_with([[sh(check)] for _ in range(4)]))
    assert unit.text == "Run [scripts/health.sh](scripts/health.sh): it runs `health`."
    assert unit.script.args == []


def test_one_person_alone_makes_no_script_for_a_group() -> None:
    patterns, sessions = world(
        *([sh(deploy(name))] for pair in zip(SERVICES, SERVICES, strict=True) for name in pair)
    )
    alone = msgspec.structs.replace(
        patterns[0], evidence=[ref for ref in patterns[0].evidence if ref.user == "ada"]
    )
    assert script_units([alone], context(sessions)) == []
    assert script_units(patterns, context(sessions)) != []


def test_a_script_that_does_not_parse_or_hides_its_usage_is_not_proposed() -> None:
    good = Script(language="sh", path="scripts/x.sh", args=["file"], lines=['cat "${file}"'])
    assert fault(good) == ""
    assert "cannot read it" in fault(msgspec.structs.replace(good, lines=["if true; then"]))
    python = Script(language="py", path="scripts/x.py", args=[], lines=["print(1)"])
    assert fault(python) == ""
    assert "no Python" in fault(msgspec.structs.replace(python, lines=["print(1"]))


def test_values_reach_the_commands_whole(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    script = Script(
        language="sh",
        path="scripts/x.sh",
        args=["file", "value"],
        lines=['printf "%s|" "a/${file}.b" "${value}"'],
    )
    path = tmp_path / "x.sh"
    path.write_text(render_script(script), "utf-8")
    ran = subprocess.run(
        [bash, str(path), "$(id) *", 'q";x'], capture_output=True, text=True, check=True, timeout=20
    )
    assert ran.stdout == 'a/$(id) *.b|q";x|'
    assert subprocess.run([bash, str(path)], capture_output=True, check=False, timeout=20).returncode == 2


LINES = st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=0x24F), max_size=30), max_size=5)


@settings(max_examples=examples(40), deadline=None)
@given(st.sampled_from(["sh", "py"]), st.lists(st.sampled_from(["file", "url", "x1"]), unique=True), LINES)
def test_what_is_written_as_a_script_is_read_again(language: Any, args: list[str], lines: list[str]) -> None:
    script = Script(language=language, path=f"scripts/a.{language}", args=args, lines=lines)
    assert read(script.path, render_script(script)) == script
    assert all(word for words in parts(script) for word in words)


@given(st.text())
def test_any_other_text_is_no_script(text: str) -> None:
    assert read("scripts/a.sh", text) is None
