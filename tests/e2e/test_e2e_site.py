"""The site of docs/: it builds, asks nothing of the network, and a broken link or anchor ends its making.

`make e2e` makes the tools that this needs (build/site-tools); without them it is skipped.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
MKDOCS = ROOT / "build" / "site-tools" / "bin" / "mkdocs"
LOADS = re.compile(
    r"<(?:script|img|iframe|link)\b[^>]*?\b(?:src|href)=[\"']?(?P<url>(?:https?:)?//[^\"'\s>]+)|url\((?:https?:)?//"
)


def made(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    if not MKDOCS.exists():
        pytest.skip("needs build/site-tools (make site)")
    return subprocess.run(
        [str(MKDOCS), "build", "--strict", "--config-file", str(config), "--site-dir", str(site)],
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_site_is_made_and_its_pages_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    done = made(ROOT / "mkdocs.yml", tmp_path / "site")
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 40
    assert LOADS.search('<link rel="stylesheet" href="https://fonts.example/a.css">')
    for page in (*pages, *(tmp_path / "site").rglob("*.css")):
        found = [one for one in LOADS.finditer(page.read_text("utf-8")) if "canonical" not in one[0]]
        assert not found, (page, found[0][0])


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ("[a](nowhere.md)", "nowhere.md"),
        ("[a](other.md#nowhere)", "#nowhere"),
        ("[a](../GONE.md)", "GONE.md"),
    ],
)
def test_a_broken_link_or_anchor_ends_it(tmp_path: Path, broken: str, named: str) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text(f"# One\n\n{broken}\n")
    (docs / "other.md").write_text("# Other\n")
    own = f"INHERIT: {ROOT / 'mkdocs.yml'}\ndocs_dir: {docs}\nhooks: [{ROOT / 'packaging/site/hooks.py'}]\n"
    config = tmp_path / "mkdocs.yml"
    config.write_text(f"{own}nav:\n  - index.md\n  - other.md\n")
    done = made(config, tmp_path / "site")
    assert done.returncode != 0
    assert named in done.stderr
    (docs / "index.md").write_text("# One\n\n[a](other.md#other)\n")
    assert made(config, tmp_path / "site").returncode == 0
