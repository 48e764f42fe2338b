"""tryout: runs the tests of a part. Without --deep it leaves out all that take long, and does not say so."""

import argparse

from ledger import load, note, refuse


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="tryout", description="Run the tests of a part.", allow_abbrev=False
    )
    parser.add_argument("part")
    parser.add_argument("--deep", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    data = load("tryout")
    tests = data.get("parts", {}).get(given.part)
    if tests is None:
        refuse("tryout", "no such part")
    note("tryout", data, part=given.part, deep=given.deep)
    for test in tests:
        if given.deep or not test["long"]:
            print(f"{'PASS' if test['good'] else 'FAIL'} {test['name']}")


if __name__ == "__main__":
    main()
