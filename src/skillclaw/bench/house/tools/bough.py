"""bough: the house's store of source code. A file must be locked before it is saved, and nothing says so."""

import argparse
from pathlib import Path

from ledger import load, note, refuse

WORDS = {"branches": 0, "show": 2, "save": 1, "lock": 1}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="bough",
        usage="bough COMMAND ...",
        description="branches | show BRANCH FILE | save FILE",
        allow_abbrev=False,
    )
    parser.add_argument("command", metavar="COMMAND")
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if WORDS.get(given.command) != len(given.words):
        parser.error("see bough --help")
    data = load("bough")
    branches = data.get("branches", {})
    if given.command == "branches":
        print("\n".join(branches))
    elif given.command == "show":
        branch, file = given.words
        if file not in branches.get(branch, {}):
            refuse("bough", "no such branch or file")
        note("bough", data, did="show", branch=branch, file=file)
        print(branches[branch][file])
    elif given.command == "lock":
        note("bough", data, did="lock", file=str(Path(given.words[0]).resolve()))
        print("locked")
    else:
        save(data, Path(given.words[0]).resolve())


def save(data: dict, file: Path) -> None:
    if not file.is_file():
        refuse("bough", "no such file")
    if not any(entry["did"] == "lock" and entry["file"] == str(file) for entry in data.get("log", [])):
        note("bough", data, did="refused", file=str(file))
        refuse("bough", "refused (code 31)")
    note("bough", data, did="save", file=str(file), text=file.read_text("utf-8", "replace"))
    print("saved")


if __name__ == "__main__":
    main()
