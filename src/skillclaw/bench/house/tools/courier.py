"""courier: files sent to an address. What goes outside needs --label public, which nothing enforces.

A file sent again to the same address takes the place of what was sent there before.
"""

import argparse
import sys
from pathlib import Path

import daybook


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="courier", description="Send a file to an address.", allow_abbrev=False
    )
    parser.add_argument("command", choices=["send"])
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--to", required=True, metavar="ADDRESS")
    parser.add_argument("--label", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    try:
        text = Path(given.file).read_text("utf-8", errors="replace")
    except OSError as error:
        print(f"courier: {error}", file=sys.stderr)
        return 1
    daybook.note("courier", file=Path(given.file).name, to=given.to, label=given.label, text=text)
    print(f"sent to {given.to}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
