"""press: what goes to print. Pieces lie in the tray until `press close`, which help does not name."""

import argparse
import sys
from pathlib import Path

import daybook


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="press",
        usage="press [-h] send FILE",
        description="Hand a piece to print.",
        epilog="command: send",
        allow_abbrev=False,
    )
    parser.add_argument("command", help=argparse.SUPPRESS)
    parser.add_argument("file", metavar="FILE", nargs="?", help="the piece")
    given = parser.parse_args()
    if given.command == "close":
        daybook.note("press", close=True)
        print("closed")
        return 0
    if given.command != "send" or given.file is None:
        print("press: no such command", file=sys.stderr)
        return 2
    try:
        text = Path(given.file).read_text("utf-8", errors="replace")
    except OSError as error:
        print(f"press: {error}", file=sys.stderr)
        return 1
    daybook.note("press", send=Path(given.file).name, text=text)
    print("taken")
    return 0


if __name__ == "__main__":
    sys.exit(main())
