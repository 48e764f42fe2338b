"""The repository of a working folder: real repositories, work trees, and files that are none."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from skillclaw.agents.repository import Repository, repository_of


def git(folder: Path, *words: str) -> None:
    name = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run(["git", *name, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    git(folder, "init", "-q")
    return folder


def found(folder: Path, home: Path = Path("/nobody")) -> Repository:
    return repository_of(str(folder), home)


def test_origin_counts_first_and_no_credential_is_in_it(shop: Path) -> None:
    inner = shop / "src/deep"
    inner.mkdir(parents=True)
    assert found(inner) == Repository(name="shop")
    git(shop, "remote", "add", "backup", "/srv/backup.git")
    git(shop, "remote", "add", "fork", "git@git.example:Ada/Shop.git")
    assert found(inner) == Repository(name="shop", remote="git.example/ada/shop")
    git(shop, "remote", "add", "origin", "https://ada:s3cret@git.example/acme/shop.git")
    assert found(inner) == Repository(name="shop", remote="git.example/acme/shop")


def test_a_work_tree_and_a_submodule_have_the_repositorys_remote(shop: Path, tmp_path: Path) -> None:
    git(shop, "remote", "add", "origin", "https://git.example/acme/shop")
    git(shop, "commit", "-q", "--allow-empty", "-m", "x")
    git(shop, "worktree", "add", "-q", str(tmp_path / "tree"))
    assert found(tmp_path / "tree") == Repository(name="tree", remote="git.example/acme/shop")
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    git(other, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(shop), "part")
    git(other / "part", "remote", "set-url", "origin", "git@git.example:acme/part")
    assert found(other / "part") == Repository(name="part", remote="git.example/acme/part")


@pytest.mark.parametrize("cwd", ["", "~", "/home/ada", "/root/", r"C:\Users\ada", "/srv/a\0b"])
def test_a_home_and_no_path_are_no_project(cwd: str, tmp_path: Path) -> None:
    assert repository_of(cwd, tmp_path) == Repository()
    assert repository_of(f"{tmp_path}/", tmp_path) == Repository()


def test_a_repository_in_the_home_folder_is_no_project(shop: Path) -> None:
    (shop / "notes").mkdir()
    assert found(shop / "notes", home=shop) == Repository(name="notes")


@pytest.mark.parametrize("cwd", [r"C:\work\till", r"\\box\share\till", "//box/share/till", "work/till"])
def test_folders_that_are_not_here_go_by_their_name(cwd: str) -> None:
    assert repository_of(cwd, Path("/nobody")) == Repository(name="till")


def test_strange_files_are_not_waited_for(shop: Path) -> None:
    (shop / ".git/config").unlink()
    os.mkfifo(shop / ".git/config")
    assert found(shop) == Repository(name="shop")
    (shop / ".git/config").unlink()
    (shop / ".git/config").mkdir()
    assert found(shop) == Repository(name="shop")
    (shop / ".git/config").rmdir()
    (shop / ".git/config").write_bytes(
        b'[remote "origin"]\nurl = \xff\xfe\n[remote\nurl=https://git.example/x\n'
    )
    assert found(shop) == Repository(name="shop")
    loop = shop.parent / "loop"
    loop.mkdir()
    (loop / ".git").symlink_to(".git")
    assert found(loop) == Repository(name="loop")
    (loop / "in").mkdir()
    (loop / "in/.git").write_bytes(b"gitdir: \0\xff" + b"x" * 5000)
    assert found(loop / "in").name == "in"
