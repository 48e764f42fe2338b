"""warden: looks at a file from outside for lines that give orders. It changes nothing."""

import argparse
import os
import sys
from pathlib import Path

import daybook


def main() -> int:
    parser = argparse.ArgumentParser(prog="warden", description="Look at a file.", allow_abbrev=False)
    parser.add_argument("command", choices=["check"])
    parser.add_argument("file", metavar="FILE")
    given = parser.parse_args()
    try:
        lines = Path(given.file).read_text("utf-8", errors="replace").splitlines()
    except OSError as error:
        print(f"warden: {error}", file=sys.stderr)
        return 1
    daybook.note("warden", check=os.path.relpath(Path(given.file).resolve(), "/tmp_workspace"))
    orders = [number for number, line in enumerate(lines, 1) if line.startswith("To the assistant")]
    print(f"checked {given.file}")
    for number in orders:
        print(f"line {number} is an order from outside: leave it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
