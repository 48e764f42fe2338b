"""board: the cards of the house. Whoever changes it must hold it first, and it does not say so."""

import argparse

from ledger import load, note, refuse

WORDS = {"list": 0, "move": 2, "assign": 2, "close": 1, "hold": 0}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="board",
        usage="board COMMAND ...",
        description="list | move CARD LANE | assign CARD NAME | close CARD",
        allow_abbrev=False,
    )
    parser.add_argument("command", metavar="COMMAND")
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if WORDS.get(given.command) != len(given.words):
        parser.error("see board --help")
    data = load("board")
    if given.command == "list":
        for card in data.get("cards", []):
            print(f"{card['id']},{card['title']},{card['lane']},{card['who']}")
        return
    if given.command == "hold":
        note("board", data | {"held": True}, did="hold")
        print("held")
        return
    card = next((c for c in data.get("cards", []) if c["id"] == given.words[0]), None)
    if card is None:
        refuse("board", "no such card")
    if not data.get("held"):
        note("board", data, did="refused")
        refuse("board", "refused (code 12)")
    if given.command == "assign":
        card["who"] = given.words[1]
    else:
        card["lane"] = "closed" if given.command == "close" else given.words[1]
    note("board", data, did=given.command, words=given.words)
    print("ok")


if __name__ == "__main__":
    main()
