#!/usr/bin/env python3
"""Print the form fields of a PDF: name, type, present value."""

import sys

from pypdf import PdfReader


def main(path: str) -> int:
    fields = PdfReader(path).get_fields() or {}
    if not fields:
        print("no form fields")
        return 1
    for name, field in fields.items():
        print(f"{name}\t{field.get('/FT', '?')}\t{field.get('/V', '')}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: list_fields.py FILE.pdf")
    sys.exit(main(sys.argv[1]))
