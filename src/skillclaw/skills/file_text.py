"""The files of a skill as an agent that shows them reads them, whatever they are called."""

from __future__ import annotations

import posixpath

__all__ = ["as_text", "is_binary", "is_page"]

_PAGES = (".md", ".markdown", ".mdx", ".mkd", ".mdown")
_ENDS = """
png jpg jpeg gif webp ico bmp tif tiff avif heic psd icns pdf doc docx xls xlsx ppt pptx odt ods odp
eot ttf otf woff woff2 mp3 mp4 m4a wav ogg flac webm mov avi parquet feather arrow db sqlite sqlite3
npy npz pkl pt pth onnx safetensors gguf gz tgz bz2 xz zst zip tar 7z rar bin dat exe com dll so
dylib class jar war wasm node pyc pyd o a lib whl egg gem apk dmg pkg deb rpm msi scr lnk crx swf
p12 pfx der
"""
"""Suffixes of files that are no text; whatever is called otherwise has to be UTF-8."""
_BINARY = frozenset(_ENDS.split())


def as_text(data: bytes) -> str:
    """`data` as text; texts of two or four bytes a character become readable without the empty ones, and what
    is no UTF-8 stands as U+FFFD."""
    return data.replace(b"\0", b"").decode("utf-8", "replace")


def is_binary(path: str) -> bool:
    """Whether a file of this name need not be text."""
    return posixpath.splitext(path)[1].lower().removeprefix(".") in _BINARY


def is_page(path: str) -> bool:
    """Whether a file of this name is shown to people as a Markdown page."""
    return path.lower().endswith(_PAGES)
