"""stock: what lies in the rooms of the house. It shows eight items of a room, and all only with --all."""

import argparse

from ledger import load, note, refuse

SHOWN = 8


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="stock", description="List what lies in a room: code,item,count.", allow_abbrev=False
    )
    parser.add_argument("command", choices=["list"])
    parser.add_argument("--room", required=True)
    parser.add_argument("--all", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    data = load("stock")
    rows = data.get("rooms", {}).get(given.room)
    if rows is None:
        refuse("stock", "no such room")
    note("stock", data, did="list", room=given.room, all=given.all)
    for row in rows if given.all else rows[:SHOWN]:
        print(f"{row['code']},{row['item']},{row['count']}")


if __name__ == "__main__":
    main()
