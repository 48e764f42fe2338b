"""One name for a repository, however its URL is written, and never a credential in it."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillclaw.trajectory.projects import is_home, path_of, remote_name

PART = st.text(string.ascii_lowercase + string.digits + "-_", min_size=1, max_size=12).filter(
    lambda part: not part.startswith("-")
)
HOST = st.lists(PART, min_size=2, max_size=4).map(".".join)
SECRET = st.text(string.ascii_letters + string.digits + "%._~!$&'()*+,;=-:@", min_size=12, max_size=40)


@given(HOST, st.lists(PART, min_size=1, max_size=4), st.sampled_from(["", ".git", ".git/", "/"]), SECRET)
def test_all_ways_to_write_a_remote_are_one_name(host: str, parts: list[str], end: str, secret: str) -> None:
    path = "/".join(parts)
    ways = [
        f"https://{host}/{path}{end}",
        f"https://{host.upper()}:8443/{path}{end}",
        f"https://ada:{secret}@{host}/{path}{end}",
        f"https://{secret}@{host}/{path}{end}?token={secret}",
        f"ssh://git@{host}:2222/{path}{end}",
        f"git@{host}:{path}{end}",
        f"{host}:/{path}{end}",
        f"git://{host}/{path}{end}\n",
    ]
    assert {remote_name(way) for way in ways} == {f"{host}/{path.removesuffix('.git')}"}


@given(st.text(max_size=500))
def test_any_text_gives_a_name_or_nothing(text: str) -> None:
    name = remote_name(text)
    assert not name or ("@" not in name and "?" not in name and "/" in name.strip("/"))
    assert remote_name(f"https://{name}") == name or not name.isascii() or not name


@pytest.mark.parametrize(
    "url",
    [
        *("", "/srv/git/shop.git", "../shop", "file:///srv/shop.git", r"C:\git\shop", "C:/git/shop", "shop"),
        *("https://", "https://git.example", "https://git.example/", "git.example:", "https://a/b c"),
        "https://git.example/" + "a" * 500,
    ],
)
def test_folders_of_one_machine_are_no_names(url: str) -> None:
    assert remote_name(url) == ""


def test_paths_of_other_systems() -> None:
    names = [path_of(cwd).name for cwd in (r"C:\work\till", "D:/work/till", r"\\box\work\till", "/srv/till/")]
    assert names == ["till"] * 4
    homes = ["/root", "/home/ada", "/Users/ada/", r"C:\Users\ada", "~", "~/"]
    assert all(map(is_home, homes)) and not any(map(is_home, ["/home/ada/x", "/srv", "", r"C:\Users\ada\x"]))
