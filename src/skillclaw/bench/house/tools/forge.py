"""forge: builds a part into dist/. It wants --profile house and does not say so."""

import argparse
from pathlib import Path

from ledger import load, note, refuse


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="forge", description="Build a part: writes dist/PART.pkg.", allow_abbrev=False
    )
    parser.add_argument("command", choices=["build"])
    parser.add_argument("part")
    parser.add_argument("--branch", help="a branch, instead of the files here")
    parser.add_argument("--profile", help=argparse.SUPPRESS)
    given = parser.parse_args()
    data = load("forge")
    if given.profile != "house":
        note("forge", data, did="refused", part=given.part, branch=given.branch)
        refuse("forge", "refused (code 77)")
    conf = Path("conf", f"{given.part}.ini")
    text = conf.read_text("utf-8", "replace") if conf.is_file() else ""
    note("forge", data, did="build", part=given.part, branch=given.branch, conf=text)
    package = Path("dist", f"{given.part}.pkg")
    package.parent.mkdir(exist_ok=True)
    package.write_text(f"{given.part} {given.branch or 'here'}\n{text}", "utf-8")
    print(f"built {package}")


if __name__ == "__main__":
    main()
