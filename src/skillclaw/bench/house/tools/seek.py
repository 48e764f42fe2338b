"""seek: the pages of the handbook. Without --index live it looks into last year's, and does not say so."""

import argparse
import sys

import daybook


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="seek", description="Find pages of the handbook: id, title, owner.", allow_abbrev=False
    )
    parser.add_argument("command", choices=["find"])
    parser.add_argument("word", help="a word of the title")
    parser.add_argument("--index", default="last", help=argparse.SUPPRESS)
    given = parser.parse_args()
    pages = daybook.data("seek").get(given.index)
    if pages is None:
        print("seek: nothing there", file=sys.stderr)
        return 3
    found = [page for page in pages if given.word.lower() in page["title"].lower()]
    for page in found:
        print(f"{page['id']} | {page['title']} | owner: {page['owner']}")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
