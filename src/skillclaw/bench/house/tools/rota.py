"""rota: who works when. Times are the house's own, three hours ahead of UTC, unless another zone is asked."""

import argparse

from ledger import load, note

AHEAD = 3


def main() -> None:
    parser = argparse.ArgumentParser(prog="rota", description="List the shifts of a day.", allow_abbrev=False)
    parser.add_argument("command", choices=["list"])
    parser.add_argument("--day", required=True, help="YYYY-MM-DD")
    parser.add_argument("--zone", choices=["local", "utc"], default="local", help="zone of the times")
    given = parser.parse_args()
    data = load("rota")
    note("rota", data, did="list", day=given.day, zone=given.zone)
    behind = AHEAD if given.zone == "utc" else 0
    for shift in data.get("days", {}).get(given.day, []):
        print(f"{shift['from'] - behind:02d}:{shift['minute']} {shift['who']} {shift['where']}")


if __name__ == "__main__":
    main()
