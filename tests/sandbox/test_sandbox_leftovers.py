"""What an agent can leave in a workspace for the grader or the host to stumble over, and how it is taken."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from skillclaw.bench.suites.model import Grade
from skillclaw.errors import BadInputError
from skillclaw.headless.tasks.folders import LONGEST, open_folder
from skillclaw.headless.tasks.taskfile import TaskFile
from skillclaw.sandbox import leftovers, why_no_room

pytestmark = pytest.mark.live

needs_sandbox = pytest.mark.skipif(bool(why_no_room()), reason=f"no sandbox here: {why_no_room()}")
CHECKS = """
def grade(**kwargs):
    from pathlib import Path

    truth = Path("/tmp_workspace/gt/answer.txt").read_text()
    told = Path("/tmp_workspace/results/answer.txt")
    kept = Path("/var/lib/house/book.txt")
    said = [path.read_text() for path in (told, kept) if path.is_file()]
    return {"overall_score": float(truth in said)}
"""


def graded(folder: Path, *commands: str, checks: str = CHECKS) -> Grade:
    gt = folder / "truth"
    gt.mkdir(parents=True)
    (gt / "answer.txt").write_text("42")
    file = TaskFile(id="t", name="t", category="c", prompt="p", checks=checks, workspace="")
    with open_folder(file, folder / "task", start=None, gt=gt) as workspace:
        for command in commands:
            ran = workspace.call("bash", {"command": command})
            assert not ran.is_error, (command, ran.text)
        first = workspace.grade(checks, [], passing=1.0)
        assert workspace.grade(checks, [], passing=1.0) == first
    leftovers.remove(folder)
    assert not folder.exists()
    return first


@needs_sandbox
def test_honest_work_is_graded(tmp_path: Path) -> None:
    assert graded(tmp_path / "a", "mkdir results; echo -n 42 > results/answer.txt").success
    # Links within the workspace are as good as files.
    assert graded(tmp_path / "b", "mkdir results; echo -n 42 > x; ln -s ../x results/answer.txt").success
    assert not graded(tmp_path / "c").success


@needs_sandbox
@pytest.mark.parametrize(
    "trick",
    [
        "mkdir results; ln -s /tmp_workspace/gt/answer.txt results/answer.txt",
        "mkdir results; ln -s ../gt/answer.txt results/answer.txt",
        "ln -s gt results",
        "mkdir gt; ln -s gt results",
        "mkdir gt; touch gt/answer.txt; mkdir results; ln -s ../gt/answer.txt results/answer.txt",
        "ln -s . here; mkdir results; ln -s ../here/gt/answer.txt results/answer.txt",
        "mkdir results; ln -s /proc/self/cwd/gt/answer.txt results/answer.txt",
        "ln -s /tmp_workspace/gt/answer.txt /var/lib/house/book.txt",
        "mkdir results; ln -s /opt/grading/input.json results/answer.txt",
        "mkdir results; echo -n 43 > results/answer.txt; ln -s results gt",
        "echo 'def loads(*_): return {}' | tee json.py sitecustomize.py pathlib.py > /dev/null",
    ],
)
def test_nothing_left_behind_leads_to_the_truth(trick: str, tmp_path: Path) -> None:
    grade = graded(tmp_path / "task", trick)
    assert grade.error == "" and not grade.success, grade


@pytest.mark.slow
@needs_sandbox
@pytest.mark.parametrize(
    "trap",
    [
        "mkdir results; mkfifo results/answer.txt /var/lib/house/book.txt",
        "mkdir results; echo 1 > results/answer.txt; chmod 000 results/answer.txt results; chmod 111 .",
        "mkdir -p a/b; touch a/b/c; chmod 000 a/b a",
        "ln -s loop loop; mkdir results; ln -s /etc/passwd results/answer.txt; ln -s / root",
        "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"s\")'",
        "touch $'new\\nline' $'\\xff\\xfe' -- -rf '*' ' '",
        "truncate -s 90M sparse; for n in $(seq 10000); do : > f$n; done",
        'python3 -c \'import os\nfor n in range(1200): os.mkdir("d"); os.chdir("d")\'',
        "mkdir gt; chmod 000 gt",
        "mkfifo gt",
        "rm -rf /tmp_workspace/* /var/lib/house/*",
    ],
)
def test_traps_are_failures_of_the_agent_and_leave_nothing(trap: str, tmp_path: Path) -> None:
    grade = graded(tmp_path / "task", trap)
    assert grade.error == "" and not grade.success, grade


@needs_sandbox
@pytest.mark.parametrize(
    "planted",
    [
        "os.symlink({outside!r}, '/opt/grading/result.json')",
        "os.mkfifo('/opt/grading/result.json')",
        "open('/opt/grading/result.json', 'w').write('[' * 100000)",
        "open('/opt/grading/result.json', 'w').write('[1]')",
        "open('/opt/grading/result.json', 'w').write('{{}}')",
        "open('/opt/grading/result.json', 'w').write('{{\"scores\": []}}')",
    ],
)
def test_the_host_reads_a_plain_verdict_or_none(planted: str, tmp_path: Path) -> None:
    # As when a grader runs what the agent wrote, which then puts something in the verdict's place.
    outside = tmp_path / "verdict.json"
    outside.write_text('{"scores": {"overall_score": 1.0}}')
    checks = (
        f"def grade(**kwargs):\n    import os\n    {planted.format(outside=str(outside))}\n    os._exit(0)"
    )
    grade = graded(tmp_path / "task", checks=checks)
    assert grade.error and not grade.success


@needs_sandbox
@pytest.mark.parametrize("command", ["echo \ud83d", "echo " + "x" * LONGEST, "a\0b", 7, None])
def test_commands_that_cannot_be_run_are_results(command: object, tmp_path: Path) -> None:
    file = TaskFile(id="t", name="t", category="c", prompt="p", checks=CHECKS, workspace="")
    with open_folder(file, tmp_path / "task", start=None) as workspace:
        assert workspace.call("bash", {"command": command}).is_error


@needs_sandbox
def test_what_a_task_needs_to_know_is_not_there_before_grading(tmp_path: Path) -> None:
    gt = tmp_path / "truth"
    gt.mkdir()
    (gt / "answer.txt").write_text("the-golden-answer")
    file = TaskFile(
        id="t", name="t", category="c", prompt="p", checks=CHECKS, workspace="", warmup="ls /opt/gt"
    )
    with open_folder(file, tmp_path / "task", start=None, gt=gt) as workspace:
        text = workspace.call("bash", {"command": "ls -A /opt /tmp_workspace; cat /proc/*/environ"}).text
        assert "gt" not in text and "grading" not in text
        found = "grep -rsl the-golden-answer / --exclude-dir=usr --exclude-dir=proc --exclude-dir=lib; true"
        assert workspace.call("bash", {"command": found}).text == "(no output)"


def test_only_plain_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"x" * 10)
    assert leftovers.read(tmp_path / "plain", 4) == b"xxxx"
    (tmp_path / "link").symlink_to(tmp_path / "plain")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "gone"):
        with pytest.raises(OSError):
            leftovers.read(tmp_path / name, 4)


AS_ANOTHER = """
import os, sys
sys.path.insert(0, {source!r})
from pathlib import Path
from skillclaw.sandbox import leftovers
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
base = Path({base!r})
with leftovers.scratch("x") as folder:
    pass
work = base / "work"
(work / "locked" / "deep").mkdir(parents=True)
(work / "locked" / "deep" / "file").write_text("x")
(work / "locked" / "link").symlink_to(base / "precious")
(work / "locked" / "folder").symlink_to(base / "outside")
(base / "outside").mkdir()
(base / "outside" / "kept").write_text("x")
(base / "precious").write_text("x")
(base / "precious").chmod(0o400)
(work / "locked" / "deep").chmod(0)
(work / "locked").chmod(0)
leftovers.copy(work, base / "copy")
assert (base / "copy" / "locked" / "deep" / "file").read_text() == "x"
assert (base / "copy" / "locked" / "link").is_symlink()
(work / "locked").chmod(0o500)
leftovers.remove(work)
assert not work.exists()
assert oct((base / "precious").stat().st_mode)[-3:] == "400"
assert (base / "outside" / "kept").exists()
print("done")
"""


@pytest.mark.skipif(os.getuid() != 0, reason="another user can be taken by root alone")
def test_an_ordinary_user_removes_locked_folders_and_changes_nothing_that_they_link_to(
    tmp_path: Path,
) -> None:
    base = Path("/var/tmp") / f"skillclaw-{os.getpid()}"
    base.mkdir()
    base.chmod(0o777)
    try:
        import skillclaw

        text = AS_ANOTHER.format(source=str(Path(skillclaw.__file__).parent.parent), base=str(base))
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=30)
        assert done.stdout == "done\n", done.stderr
    finally:
        leftovers.remove(base)


def test_a_folder_is_private_and_goes_with_all_its_depth(tmp_path: Path) -> None:
    with leftovers.scratch("skillclaw-test-") as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        deep = "import os\nfor n in range(3000): os.mkdir('d'); os.chdir('d')"
        subprocess.run([sys.executable, "-c", deep], cwd=folder, check=True)
    assert not folder.exists()


def test_a_workspace_too_deep_to_copy_says_so(tmp_path: Path) -> None:
    deep = "import os\nfor n in range(60): os.mkdir('d' * 200); os.chdir('d' * 200)"
    (tmp_path / "work").mkdir()
    subprocess.run([sys.executable, "-c", deep], cwd=tmp_path / "work", check=True)
    try:
        leftovers.copy(tmp_path / "work", tmp_path / "copy")
    except BadInputError as error:
        assert "cannot be copied" in str(error)
    leftovers.remove(tmp_path / "work")
    leftovers.remove(tmp_path / "copy")
    assert not list(tmp_path.iterdir())
