"""Links of docs/ to files of the project outside it, for MkDocs: such a file becomes part of the site.

In the repository `[SECURITY.md](../SECURITY.md)` leads to the file; MkDocs sees docs/ alone, so each such
file, and what it links to in turn, is put under `project/`. A link to a folder, which the repository's pages
show and a site cannot, becomes its path. A link to what is not there stays as it is, which `strict` refuses.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

LINK = re.compile(r"\[(?P<text>[^\]\n]+)\]\((?P<path>[^)#:\s]+)(?P<anchor>#[^)\s]*)?\)")


def _place(path: Path, docs: Path) -> str:
    """Where a file of the project is on the site: pages of docs/ as they are, others under `project/`."""
    if path.is_relative_to(docs):
        return path.relative_to(docs).as_posix()
    return f"project/{path.relative_to(docs.parent).as_posix()}"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add every file of the project that pages link to."""
    docs = Path(config.docs_dir).resolve()
    seen: set[Path] = set()
    pages = [Path(page.abs_src_path) for page in files.documentation_pages() if page.abs_src_path]
    while pages:
        page = pages.pop()
        for match in LINK.finditer(page.read_text("utf-8")):
            path = (page.parent / match["path"]).resolve()
            outside = path.is_relative_to(docs.parent) and not path.is_relative_to(docs)
            if not (outside and path.is_file()) or path in seen:
                continue
            seen.add(path)
            pages += [path] if path.suffix == ".md" else []
            level = InclusionLevel.NOT_IN_NAV
            files.append(File.generated(config, _place(path, docs), abs_src_path=str(path), inclusion=level))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """Lead these links to where `on_files` put the files."""
    docs = Path(config.docs_dir).resolve()
    source = Path(page.file.abs_src_path or docs).resolve()
    here = posixpath.dirname(page.file.src_uri) or "."

    def led(match: re.Match[str]) -> str:
        path = (source.parent / match["path"]).resolve()
        if not path.exists() or not path.is_relative_to(docs.parent):
            return match[0]
        if path.is_dir():
            return f"{match['text']} (`{path.relative_to(docs.parent).as_posix()}`)"
        to = posixpath.relpath(_place(path, docs), here)
        return f"[{match['text']}]({to}{match['anchor'] or ''})"

    return LINK.sub(led, markdown)
