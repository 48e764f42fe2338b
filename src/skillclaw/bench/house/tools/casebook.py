"""casebook: the cases of the help desk. It shows the first page only; --page all shows every case."""

import argparse
import sys

import daybook

PAGE = 4


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="casebook", description="Find cases of the help desk on a topic, one a line.", allow_abbrev=False
    )
    parser.add_argument("command", choices=["find"])
    parser.add_argument("topic", metavar="TOPIC")
    parser.add_argument("--page", default="1", help=argparse.SUPPRESS)
    given = parser.parse_args()
    cases = [case for case in daybook.data("casebook").get("cases", []) if case["topic"] == given.topic]
    if given.page != "all":
        if not given.page.isdecimal():
            print("casebook: no such page", file=sys.stderr)
            return 2
        number = int(given.page)
        cases = cases[(number - 1) * PAGE : number * PAGE] if number else []
    for case in cases:
        print(f"{case['id']} {case['topic']}, {case['place']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
