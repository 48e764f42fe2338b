"""mailer: mail of the house. What is sent lies there until `mailer flush`, and nothing says so."""

import argparse

from ledger import load, note


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="mailer",
        usage="mailer send --to ADDRESS --subject TEXT --body TEXT",
        description="Send a mail.",
        allow_abbrev=False,
    )
    parser.add_argument("command", choices=["send", "flush"], help=argparse.SUPPRESS, metavar="send")
    for name in ("to", "subject", "body"):
        parser.add_argument(f"--{name}")
    given = parser.parse_args()
    data = load("mailer")
    waiting = data.setdefault("waiting", [])
    if given.command == "flush":
        data["gone"] = data.get("gone", []) + waiting
        note("mailer", data | {"waiting": []}, did="flush")
        print(f"{len(waiting)} gone")
        return
    if not (given.to and given.subject and given.body):
        parser.error("a mail has --to, --subject and --body")
    waiting.append({"to": given.to, "subject": given.subject, "body": given.body})
    note("mailer", data, did="send")
    print("ok")


if __name__ == "__main__":
    main()
