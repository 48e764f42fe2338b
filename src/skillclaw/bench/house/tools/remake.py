"""remake: writes conf/ anew from base/. What was changed in conf/ by hand is lost then."""

from pathlib import Path

from ledger import load, note


def main() -> None:
    made = {}
    for source in sorted(Path("base").glob("*.ini")):
        text = source.read_text("utf-8", "replace")
        Path("conf").mkdir(exist_ok=True)
        Path("conf", source.name).write_text(text, "utf-8")
        made[source.name] = text
    note("remake", load("remake"), made=made)
    print(f"{len(made)} files made")


if __name__ == "__main__":
    main()
