"""vault: contracts. One can be read only after `vault hold ID`, which help does not name."""

import argparse
import sys

import daybook


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="vault",
        usage="vault [-h] get ID",
        description="Print a contract.",
        epilog="command: get",
        allow_abbrev=False,
    )
    parser.add_argument("command", help=argparse.SUPPRESS)
    parser.add_argument("id", metavar="ID", help="the contract's number")
    given = parser.parse_args()
    contracts = daybook.data("vault")
    if given.command not in ("get", "hold"):
        print("vault: no such command", file=sys.stderr)
        return 2
    if given.id not in contracts:
        print("vault: no such contract", file=sys.stderr)
        return 2
    if given.command == "hold":
        daybook.note("vault", hold=given.id)
        print("held")
        return 0
    if not any(entry.get("hold") == given.id for entry in daybook.done("vault")):
        print("vault: not held", file=sys.stderr)
        return 3
    daybook.note("vault", get=given.id)
    print(contracts[given.id], end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
