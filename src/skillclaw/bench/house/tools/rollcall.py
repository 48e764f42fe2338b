"""rollcall: who works in which team. Every team's name begins with crew- there."""

import argparse
import sys

import daybook


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="rollcall", description="List the people of a team, one a line.", allow_abbrev=False
    )
    parser.add_argument("command", choices=["team"])
    parser.add_argument("name", help="the team")
    given = parser.parse_args()
    members = daybook.data("rollcall").get(given.name)
    if members is None:
        print("rollcall: not known", file=sys.stderr)
        return 3
    for member in members:
        print(member)
    return 0


if __name__ == "__main__":
    sys.exit(main())
