"""people: how to reach people. Without --now it reads last year's book, and does not say so."""

import argparse

from ledger import load, note, refuse


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="people",
        description="Print somebody's phone number or mail address.",
        allow_abbrev=False,
    )
    parser.add_argument("command", choices=["phone", "mail"])
    parser.add_argument("name")
    parser.add_argument("--now", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    data = load("people")
    book = data.get("now" if given.now else "before", {})
    person = next((person for name, person in book.items() if name.lower() == given.name.lower()), None)
    if person is None:
        refuse("people", "nobody has that name")
    note("people", data, did=given.command, name=given.name, now=given.now)
    print(person[given.command])


if __name__ == "__main__":
    main()
