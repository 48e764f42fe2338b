"""`skillclaw uninstall`: what was there before is there again, byte for byte, and nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from atif_sessions import Ran, session, write
from cli import skillclaw
from filelock import FileLock

from skillclaw.server.machine import Machine
from skillclaw.server.setup.home_files import FILES, FOLDERS
from skillclaw.server.setup.leaving import leave

pytestmark = pytest.mark.live

TASK = "run the tests of this project"
FIX = (
    Ran("npm test", 1, "Error: Cannot find module 'left-pad'"),
    Ran("npm ci", 0, "added 12 packages"),
    Ran("npm test", 0, "12 passing"),
)


def listing(root: Path) -> dict[str, tuple[int, bytes]]:
    """Every file and folder below `root`, with its mode and its bytes."""
    found = {}
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = Path(folder, name)
            found[str(path.relative_to(root))] = (
                path.lstat().st_mode,
                path.read_bytes() if path.is_file() else b"",
            )
    return found


def furnish(root: Path) -> None:
    """A user with two agents, settings in a form of their own, and a skill."""
    (root / ".claude" / "skills" / "own").mkdir(parents=True)
    (root / ".claude" / "skills" / "own" / "SKILL.md").write_text("my own\n", "utf-8")
    (root / ".claude" / "settings.json").write_text('{\n  "model":   "opus" }\n\n', "utf-8")
    (root / ".codex").mkdir()
    (root / ".codex" / "config.toml").write_text('model = "gpt-5" # mine\n', "utf-8")
    (root / "bin").mkdir()
    for name, said in (("claude", "2.1.197 (Claude Code)"), ("codex", "codex-cli 0.50.0")):
        (root / "bin" / name).write_text(f"#!/bin/sh\necho '{said}'\n", "utf-8")
        (root / "bin" / name).chmod(0o755)
    write(root / "s.jsonl", [session("ada", n, TASK, FIX) for n in range(5)])


def run(root: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return skillclaw(*args, home=root, environ={"PATH": f"{root}/bin:{os.environ['PATH']}"})


def use(root: Path) -> Path:
    """Import, learn a skill, connect both agents; the learned skill's file in Claude Code's folder."""
    for args in (["import", str(root / "s.jsonl")], ["evolve"], ["connect", "claude-code", "codex"]):
        done = run(root, *args)
        assert done.returncode == 0, done.stderr
    learned = [path for path in (root / ".claude" / "skills").iterdir() if path.name != "own"]
    assert len(learned) == 1
    assert "127.0.0.1" in (root / ".claude" / "settings.json").read_text("utf-8")
    return learned[0] / "SKILL.md"


def test_nothing_is_left_and_what_was_there_is_as_it_was(tmp_path: Path) -> None:
    furnish(tmp_path)
    before = listing(tmp_path)
    skill = use(tmp_path)
    unit = tmp_path / ".config" / "systemd" / "user" / "skillclaw.service"
    if sys.platform.startswith("linux"):
        run(tmp_path, "service", "install")
        assert unit.exists()

    would = json.loads(run(tmp_path, "uninstall", "--dry-run", "--json").stdout)
    assert would["agents"] == ["claude-code", "codex"]
    assert would["sessions"] == 5
    assert any(skill.parent.name in one for one in would["skills"])
    assert would["service"] == (str(unit) if sys.platform.startswith("linux") else "")
    assert skill.exists()

    asked = run(tmp_path, "uninstall")  # nobody is there to be asked
    assert asked.returncode == 2
    assert "--yes" in asked.stderr
    assert skill.exists()

    done = run(tmp_path, "uninstall", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert listing(tmp_path) == before


def completed(root: Path, shell: str) -> None:
    """As `skillclaw --install-completion` writes it for this shell."""
    script = Path(sys.executable).with_name("skillclaw")
    subprocess.run(
        [sys.executable, str(script), "--install-completion", shell],
        env={**os.environ, "HOME": str(root), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        check=True,
        capture_output=True,
        timeout=60,
    )


@pytest.mark.skipif(os.name == "nt", reason="shells of POSIX")
@pytest.mark.parametrize("before", [None, "", "alias ll='ls -l'\n", "# mine\n\nexport A=1\n\n", "alias a=b"])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_a_shell_goes_and_its_start_file_is_as_it_was(
    tmp_path: Path, shell: str, before: str | None
) -> None:
    rc = tmp_path / {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}[shell]
    if before is not None:
        rc.parent.mkdir(parents=True, exist_ok=True)
        rc.write_text(before, "utf-8")
        rc.chmod(0o640)
    (tmp_path / ".skillclaw").mkdir()
    (tmp_path / ".skillclaw" / "config.toml").write_text("", "utf-8")
    for _ in range(2):
        completed(tmp_path, shell)
    would = json.loads(run(tmp_path, "uninstall", "--dry-run", "--json").stdout)["completion"]
    assert len(would) == 1 and "skillclaw" in would[0]
    assert would[0] in run(tmp_path, "uninstall", "--dry-run").stdout
    done = run(tmp_path, "uninstall", "--yes")
    assert done.returncode == 0, done.stderr
    assert f"Took the completion out ({would[0]}" in done.stdout
    assert not Path(would[0]).exists()
    if before:
        assert rc.read_text("utf-8") == before
        assert rc.stat().st_mode & 0o777 == 0o640
    elif shell != "fish":
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="shells of POSIX")
def test_completions_of_other_programs_stay_and_so_does_what_was_written_since(tmp_path: Path) -> None:
    completed(tmp_path, "bash")
    completed(tmp_path, "zsh")
    other = tmp_path / ".zfunc" / "_other"
    other.write_text("#compdef other\n", "utf-8")
    dotfiles = tmp_path / "dotfiles"
    (tmp_path / ".bashrc").rename(dotfiles)
    with dotfiles.open("a", encoding="utf-8") as file:
        file.write("source '/opt/other.sh'\n")
    (tmp_path / ".bashrc").symlink_to(dotfiles)
    zshrc = (tmp_path / ".zshrc").read_bytes()
    done = run(tmp_path, "uninstall", "--yes")  # nothing else was ever done here
    assert done.returncode == 0, done.stderr
    assert (tmp_path / ".bashrc").is_symlink()
    assert dotfiles.read_text("utf-8") == "source '/opt/other.sh'\n"
    assert (tmp_path / ".zshrc").read_bytes() == zshrc, "the other one needs it"
    assert [path.name for path in other.parent.iterdir()] == ["_other"]
    again = run(tmp_path, "uninstall", "--yes")
    assert again.returncode == 2 and "There is no" in again.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd is Linux's")
@pytest.mark.parametrize("had", ["", ".config", ".config/systemd/user"])
def test_folders_that_the_service_needed_go_with_it(tmp_path: Path, had: str) -> None:
    (tmp_path / had).mkdir(parents=True, exist_ok=True)
    before = listing(tmp_path)
    for end in (("service", "remove"), ("uninstall", "--yes")):
        for _ in range(2):
            assert run(tmp_path, "service", "install").returncode in (0, 1), "1 where no manager runs"
        assert run(tmp_path, *end).returncode == 0
        after = {name: what for name, what in listing(tmp_path).items() if not name.startswith(".skillclaw")}
        assert after == before, end


def test_what_the_user_edited_or_wrote_stays(tmp_path: Path) -> None:
    furnish(tmp_path)
    skill = use(tmp_path)
    skill.write_text(skill.read_text("utf-8") + "\nMy note.\n", "utf-8")
    case = tmp_path / ".skillclaw" / "cases" / "report" / "case.toml"
    case.parent.mkdir(parents=True)
    case.write_text('instruction = "x"\n', "utf-8")
    settings = tmp_path / ".claude" / "settings.json"
    now = json.loads(settings.read_text("utf-8"))
    settings.write_text(json.dumps({**now, "theme": "dark"}), "utf-8")

    done = run(tmp_path, "uninstall", "--yes")
    assert done.returncode == 0, done.stderr
    assert skill.read_text("utf-8").endswith("My note.\n")
    assert "edited" in done.stdout
    assert json.loads(settings.read_text("utf-8")) == {"model": "opus", "theme": "dark"}
    assert [path.name for path in (tmp_path / ".skillclaw").iterdir()] == ["cases"]
    assert case.exists()
    assert run(tmp_path, "uninstall", "--yes").returncode == 0


def test_what_was_shared_stays_with_the_group_and_that_is_told(tmp_path: Path) -> None:
    ada, bob = tmp_path / "ada", tmp_path / "bob"
    for root in (ada, bob):
        root.mkdir()
    made = run(ada, "hub", "init", str(tmp_path / "store"), "--name", "acme")
    assert made.returncode == 0, made.stderr
    invite = run(ada, "hub", "invite", "--name", "bob").stdout.split()[0]
    joined = run(bob, "hub", "join", invite, "--name", "acme")
    assert joined.returncode == 0, joined.stderr
    for root in (ada, bob):
        would = json.loads(run(root, "uninstall", "--dry-run", "--json").stdout)
        assert would["groups"] == ["acme"]
        told = run(root, "uninstall", "--dry-run").stdout
        assert "What you shared with acme stays there" in told and "skillclaw sessions forget --all" in told
    shutil.rmtree(bob / ".skillclaw" / "keys")
    assert json.loads(run(bob, "uninstall", "--dry-run", "--json").stdout)["groups"] == []
    (ada / ".skillclaw" / "hubs.json").write_text("{", "utf-8")
    assert json.loads(run(ada, "uninstall", "--dry-run", "--json").stdout)["groups"] == []
    own = run(tmp_path / "ada", "uninstall", "--dry-run", "--keep-home").stdout
    assert "What you shared" not in own


def test_the_home_stays_as_long_as_something_could_not_be_undone(tmp_path: Path) -> None:
    furnish(tmp_path)
    use(tmp_path)
    settings = tmp_path / ".claude" / "settings.json"
    connected = settings.read_bytes()
    settings.unlink()
    settings.mkdir()  # nothing can be put back into that
    done = run(tmp_path, "uninstall", "--yes")
    assert done.returncode == 1
    assert "claude-code could not be disconnected" in done.stderr
    assert (tmp_path / ".skillclaw" / "connections.json").exists()
    settings.rmdir()
    settings.write_bytes(connected)
    assert run(tmp_path, "uninstall", "--yes").returncode == 0
    assert settings.read_text("utf-8") == '{\n  "model":   "opus" }\n\n'
    assert not (tmp_path / ".skillclaw").exists()


def test_nothing_is_undone_while_a_cycle_is_at_work(tmp_path: Path) -> None:
    furnish(tmp_path)
    before = listing(tmp_path)
    skill = use(tmp_path)
    with FileLock(tmp_path / ".skillclaw" / "run" / "evolve.lock"):
        done = run(tmp_path, "uninstall", "--yes")
        assert done.returncode == 1
        assert "skillclaw evolve" in done.stderr
        assert skill.exists()
        assert "127.0.0.1" in (tmp_path / ".claude" / "settings.json").read_text("utf-8")
    assert run(tmp_path, "uninstall", "--yes").returncode == 0
    assert listing(tmp_path) == before


def test_keep_home_undoes_the_rest(tmp_path: Path) -> None:
    furnish(tmp_path)
    before = listing(tmp_path)
    use(tmp_path)
    assert run(tmp_path, "uninstall", "--yes", "--keep-home").returncode == 0
    after = {name: what for name, what in listing(tmp_path).items() if not name.startswith(".skillclaw")}
    assert after == before
    assert len(json.loads(run(tmp_path, "sessions", "list", "--json").stdout)) == 5


@pytest.mark.parametrize("where", ["user", "above", "other", "link", "nothing"])
def test_no_other_folder_is_emptied(tmp_path: Path, where: str) -> None:
    user = tmp_path / "user"
    user.mkdir()
    furnish(user)
    (user / "config.toml").write_text("", "utf-8")  # as one of SkillClaw's homes has it
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("dear\n", "utf-8")
    (tmp_path / "link").symlink_to(user)
    given = {"user": user, "above": tmp_path}.get(where, tmp_path / where)
    before = listing(tmp_path)
    done = run(user, "uninstall", "--yes", "--home", str(given))
    assert done.returncode == 2, done.stdout
    assert done.stderr.startswith("error: ")
    assert listing(tmp_path) == before


@pytest.mark.parametrize(
    "files",
    [
        {"config.toml": 'model = "gpt-5"\n', "auth.json": "{}", "sessions/a.jsonl": "{}"},  # as Codex has it
        {"config.toml": 'model = "gpt-5"\n'},
        {"config.toml": "[evolve]\n", "thesis.txt": "mine"},
        {"sessions.db": "", "sessions.db-wal": ""},  # as Goose has it
        {"identity.json": '{"name": "ada"}', "notes.txt": "mine"},
        {"backups/a.tar": ""},
    ],
)
def test_a_folder_of_another_program_is_no_home(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = tmp_path / "it" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    before = listing(tmp_path)
    done = run(tmp_path, "uninstall", "--yes", "--home", str(tmp_path / "it"))
    assert (done.returncode, "no home of SkillClaw's" in done.stderr) == (2, True)
    assert listing(tmp_path) == before


def test_every_file_that_docs_formats_names_is_known_as_its_own() -> None:
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")
    rows = text.split("<!-- files -->")[1].partition("<!-- end -->")[0].splitlines()
    named = [
        name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1] if "|" in row else "")
    ]
    assert len(named) > 30
    tops = {name.partition("/")[0] + "/" * ("/" in name) for name in named if not name.startswith("*")}
    unknown = {top for top in tops if top.rstrip("/") not in (FOLDERS if top.endswith("/") else FILES)}
    of_hubs = {one for one in unknown if one in ("hub.json", "inbox/", "jobs/", "log/", "sessions/")}
    assert unknown == of_hubs, "what is neither in a home nor in a hub"


def test_what_the_user_put_into_a_home_stays(tmp_path: Path) -> None:
    furnish(tmp_path)
    home = tmp_path / ".skillclaw"
    assert run(tmp_path, "import", str(tmp_path / "s.jsonl")).returncode == 0
    (home / "papers").mkdir()
    for name in ("thesis.txt", "papers/one.txt", "journal.lock"):
        (home / name).write_text("mine", "utf-8")
    (home / "empty").mkdir()
    kept = [str(home / "papers"), str(home / "thesis.txt")]
    assert json.loads(run(tmp_path, "uninstall", "--dry-run", "--json").stdout)["kept"] == kept
    done = json.loads(run(tmp_path, "uninstall", "--yes", "--json").stdout)
    assert (done["removed"], done["stays"]) == (True, [f"{one} is yours." for one in kept])
    assert sorted(path.name for path in home.iterdir()) == ["papers", "thesis.txt"]
    assert (home / "papers" / "one.txt").read_text("utf-8") == "mine"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_killed_anywhere_it_goes_on(tmp_path: Path) -> None:
    root, kept = tmp_path / "user", tmp_path / "kept"
    root.mkdir()
    furnish(root)
    before = listing(root)
    use(root)
    shutil.copytree(root, kept, symlinks=True)
    killed = 0
    environ = {
        **os.environ,
        "HOME": str(root),
        "SKILLCLAW_HOME": str(root / ".skillclaw"),
        "PATH": f"{root}/bin:{os.environ['PATH']}",
    }
    command = [sys.executable, "-m", "skillclaw", "uninstall", "--yes"]
    for attempt in range(20):
        shutil.rmtree(root)
        shutil.copytree(kept, root, symlinks=True)
        process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)
        _once_at_work(root, process, attempt)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
        if (root / ".skillclaw").exists():
            done = run(root, "uninstall", "--yes")
            assert done.returncode == 0, done.stdout + done.stderr
        assert listing(root) == before, attempt
    assert killed


def _once_at_work(root: Path, process: subprocess.Popen[bytes], attempt: int) -> None:
    """Wait until the agents' settings begin to be put back, and a little more."""
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        if "127.0.0.1" not in (root / ".claude" / "settings.json").read_text("utf-8"):
            break
        time.sleep(0.001)
    time.sleep(attempt * 0.003)


@pytest.mark.parametrize(("folder", "mark"), [("demo", "identity.json"), ("dashboard", "base")])
def test_a_home_where_only_the_demo_or_the_dashboard_was_seen_goes_too(
    tmp_path: Path, folder: str, mark: str
) -> None:
    home = tmp_path / ".skillclaw"
    (home / folder).mkdir(parents=True)
    (home / folder / "else").touch()
    assert run(tmp_path, "uninstall", "--yes").returncode == 2, "any folder may have that name"
    (home / folder / mark).touch()
    done = run(tmp_path, "uninstall", "--yes")
    assert done.returncode == 0, done.stderr
    assert not home.exists()


def test_what_a_command_left_that_met_an_uninstall_goes_with_the_next_one(tmp_path: Path) -> None:
    """A `connect` waits for its lock while all is taken away, and finds that it may not begin."""
    home = tmp_path / ".skillclaw"
    (home / "run").mkdir(parents=True)
    (home / "logs").mkdir()
    (home / "connections.lock").touch()
    done = skillclaw("uninstall", "--yes", home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not home.exists()
    home.mkdir()
    (home / "novel.txt").write_text("mine", "utf-8")
    (home / "novel.lock").touch()
    assert skillclaw("uninstall", "--yes", home=tmp_path).returncode == 2
    assert sorted(path.name for path in home.iterdir()) == ["novel.lock", "novel.txt"]


def test_a_command_that_begins_as_the_locks_go_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / ".skillclaw"
    machine = Machine(home)
    machine.prepare()
    (home / "wanted.json").write_text("{}", "utf-8")
    real = os.unlink

    def unlink(path: str | Path, **more: int) -> None:
        real(path, **more)
        if str(path).endswith("gate.lock"):
            (home / "run" / "connect.1-0.lock").touch()

    monkeypatch.setattr(os, "unlink", unlink)
    done = leave(machine)
    assert done.failed == [] and done.removed
    assert [path.name for path in home.rglob("*")] in ([], ["run", "connect.1-0.lock"])
