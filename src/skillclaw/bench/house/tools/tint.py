"""tint: codes of colours by name. The house's colour is `kelp`; `brand` and `house` are what it once was."""

import argparse
import sys

import daybook


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tint", description="Print the code of a colour.", allow_abbrev=False
    )
    parser.add_argument("name", help="the colour's name")
    given = parser.parse_args()
    code = daybook.data("tint").get(given.name.lower())
    if code is None:
        print("tint: not known", file=sys.stderr)
        return 3
    print(code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
