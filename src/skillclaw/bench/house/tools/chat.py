"""chat: the channels of the house. All their names begin with hs-, and nothing says so."""

import argparse

from ledger import load, note, refuse


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="chat",
        usage="chat COMMAND CHANNEL [TEXT]",
        description="read CHANNEL | post CHANNEL TEXT",
        allow_abbrev=False,
    )
    parser.add_argument("command", choices=["read", "post"])
    parser.add_argument("channel")
    parser.add_argument("text", nargs="*")
    given = parser.parse_args()
    channel, text = given.channel.removeprefix("#"), " ".join(given.text)
    if bool(text.strip()) != (given.command == "post"):
        parser.error("see chat --help")
    data = load("chat")
    messages = data.get("channels", {}).get(channel)
    if messages is None:
        note("chat", data, did="refused", channel=channel, text=text)
        refuse("chat", "refused (code 44)")
    if given.command == "read":
        note("chat", data, did="read", channel=channel)
        print("\n".join(messages))
        return
    messages.append(text)
    note("chat", data, did="post", channel=channel, text=text)
    print("posted")


if __name__ == "__main__":
    main()
