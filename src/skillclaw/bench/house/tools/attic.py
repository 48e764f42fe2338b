"""attic: takes files out of the workspace and keeps them. The house deletes nothing."""

import argparse
import os
import sys
from pathlib import Path

import daybook


def main() -> int:
    parser = argparse.ArgumentParser(prog="attic", description="Keep files.", allow_abbrev=False)
    parser.add_argument("command", choices=["put"])
    parser.add_argument("files", metavar="FILE", nargs="+")
    given = parser.parse_args()
    failed = False
    for name in given.files:
        try:
            text = Path(name).read_text("utf-8", errors="replace")
            place = os.path.relpath(Path(name).resolve(), "/tmp_workspace")
            daybook.note("attic", put=place, text=text)
            Path(name).unlink()
        except OSError as error:
            print(f"attic: {error}", file=sys.stderr)
            failed = True
        else:
            print(f"kept {name}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
